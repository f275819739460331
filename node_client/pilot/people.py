"""The story's two people: one keeps the keys, the other leaves them in custody of the home city."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from ledger.domain import holders, typed
from ledger.domain.holders import Branch
from ledger.domain.leaves import Holding
from ledger.services import attending
from ledger.services.context import Node
from ledger.services.holders import sign_case
from ledger.wire.materials import SubjectAccount
from node_client.pilot.record import Record

__all__ = ["Holder", "InCustody", "SelfHeld"]


class Holder(Protocol):
    """Somebody who can sign for their own leaves and cases."""

    def account(self, name: str) -> SubjectAccount:
        """Return the account of a paper, reserved once under that name."""
        ...

    def sign_leaf(self, name: str, turn: int, digest: bytes) -> bytes:
        """Sign with the key of a paper's leaf."""
        ...

    def case_key(self, name: str) -> str:
        """Return the address of a case's key."""
        ...

    def sign_case(self, name: str, digest: bytes) -> bytes:
        """Sign with a case's key."""
        ...

    def sign_case_witnessed(self, name: str, digest: bytes, witnesses: tuple[bytes, bytes]) -> bytes:
        """Sign with a case's key where two witnesses of a window stand for the person's own number."""
        ...

    def reference(self) -> str:
        """Return the reference under which a city keeps the person's keys; empty where nobody does."""
        ...


@dataclass(frozen=True, slots=True)
class SelfHeld:
    """The applicant, whose phone keeps the seed."""

    seed: bytes
    record: Record

    def account(self, name: str) -> SubjectAccount:
        """Return the account of a paper."""
        node = holders.account(holders.master(self.seed), Branch.MATERIAL, self._number("material", name))
        return SubjectAccount(Holding.SELF_HELD, node.public().encode(), 0)

    def sign_leaf(self, name: str, turn: int, digest: bytes) -> bytes:
        """Sign with the key of a paper's leaf."""
        node = holders.account(holders.master(self.seed), Branch.MATERIAL, self._number("material", name))
        return typed.sign(digest, holders.leaf_keys(node, turn, 1)[0])

    def case_key(self, name: str) -> str:
        """Return the address of a case's key."""
        return holders.address_text(holders.address_of(self._case(name)))

    def sign_case(self, name: str, digest: bytes) -> bytes:
        """Sign with a case's key."""
        return typed.sign(digest, self._case(name))

    def sign_case_witnessed(self, name: str, digest: bytes, witnesses: tuple[bytes, bytes]) -> bytes:
        """Sign as ever: whoever keeps the key needs nobody's word."""
        del witnesses
        return self.sign_case(name, digest)

    def reference(self) -> str:
        """Return nothing: no city keeps these keys."""
        return ""

    def _case(self, name: str) -> bytes:
        node = holders.account(holders.master(self.seed), Branch.CASE, self._number("case", name))
        return holders.leaf_keys(node, 0, 1)[0]

    def _number(self, branch: str, name: str) -> int:
        # Numbers are given out in order and written down before they are used.
        count = self.record.count(f"applicant-{branch}")
        return self.record.fact(f"applicant-{branch}:{name}", lambda: count)


@dataclass(frozen=True, slots=True)
class InCustody:
    """The spouse, whose keys the home city keeps; every signature takes the personal number or two witnesses.

    ``home`` is the node of that city, where the spouse signs in; ``window`` that of the city to whose window the spouse
    goes, which asks the home city over the way between cities.
    """

    home: Node
    window: Node
    record: Record
    pin: Callable[[], str]

    def account(self, name: str) -> SubjectAccount:
        """Return the account of a paper."""
        number, public = self._reserved(name)
        return SubjectAccount(Holding.CUSTODY, public, 0, self.reference(), number)

    def sign_leaf(self, name: str, turn: int, digest: bytes) -> bytes:
        """Sign with the key of a paper's leaf, on the personal number."""
        number, _ = self._reserved(name)
        return self.home.keys.custody_sign(self.reference(), int(Branch.MATERIAL), number, turn, digest, self.pin())

    def case_key(self, name: str) -> str:
        """Return the address of a case's key, which the home city sets aside when the window asks for it."""
        person = self.reference()
        return self.record.fact(
            f"spouse-case-key:{name}", lambda: attending.case_key(self.window, self.home.member, person)
        )

    def sign_case(self, name: str, digest: bytes) -> bytes:
        """Sign with a case's key, on the personal number."""
        return sign_case(self.home, self.case_key(name), digest, self.pin())

    def sign_case_witnessed(self, name: str, digest: bytes, witnesses: tuple[bytes, bytes]) -> bytes:
        """Sign with a case's key, on two witnesses' word."""
        return attending.case_signature(self.window, self.home.member, self.case_key(name), digest, witnesses)

    def reference(self) -> str:
        """Return the reference of the enrolment, which the spouse carries."""
        return self.record.fact("spouse-person", lambda: self.home.keys.custody_enrol(self.pin()))

    def _reserved(self, name: str) -> tuple[int, str]:
        person = self.reference()
        number, public = self.record.fact(
            f"spouse-material:{name}",
            lambda: list(self.home.keys.custody_account(person, int(Branch.MATERIAL))),
        )
        return int(str(number)), str(public)
