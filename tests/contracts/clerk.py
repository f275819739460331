"""What the tests of cases share: matters and an agreement in force, a case key, ready submissions, acts and steps."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Any

from eth_keys.datatypes import PrivateKey

from ledger.domain import typed
from ledger.domain.case_model import Calendars
from ledger.domain.case_words import CaseWord, ClockWord, case_id
from ledger.domain.cases import Mode
from ledger.domain.catalogue import CaseType, ClockStart, LimitRule, MatterCode, MatterType
from ledger.domain.events import AgreementDrafted, Opened
from ledger.services.calendars import notice_calendar
from tests.contracts.chain import CHAIN_ID, ZERO, Receipt, address_of, key
from tests.contracts.world import CITIES, World

__all__ = ["COMMITMENT", "LICENCE", "PLAIN", "Clerk", "calendars", "open_office"]

COMMITMENT, BLOB = b"\x0c" * 32, b"\x0b" * 32
# A licence 许可 as the Administrative Licence Law has it: silence counts; and a benefit for which it does not.
LICENCE = "0100000001"
PLAIN = "0500000001"
INSTANT = "2000000001"
RULES = {
    LICENCE: LimitRule.licence(),
    PLAIN: LimitRule(
        matter_type=MatterType.BENEFIT, case_type=CaseType.COMMITMENT, correction_days=5, decision_days=15, extension_days=5,
        commitment_days=10, delivery_days=5, supply_days=10, start=ClockStart.HANDLING_RECEIPT, joint_days=30, joint_extension_days=10,
    ),
    INSTANT: LimitRule(
        matter_type=MatterType.PUBLIC_SERVICE, case_type=CaseType.INSTANT, decision_days=1, start=ClockStart.RECEIVING_RECEIPT
    ),
}  # fmt: skip


@cache
def calendars() -> Calendars:
    """The years that the world has calendars of."""
    return {item.year: item for item in map(notice_calendar, (2025, 2026))}


@dataclass
class Clerk:
    """A world in which cases can be opened: matters published, one agreement of all five, delegations."""

    world: World
    agreement: bytes
    case_key: PrivateKey

    @property
    def contract(self) -> str:
        """Address of the cases contract."""
        return self.world.contract("cases").address

    def submission(
        self,
        *,
        receiving: int = 2,
        handling: int = 1,
        mode: int = Mode.RECEIVED_HERE,
        matter: str = LICENCE,
        salt: bytes = b"\x01" * 32,
        signer: PrivateKey | None = None,
        chain_id: int = CHAIN_ID,
        attending: int = 0,
        **changes: Any,
    ) -> dict[str, Any]:
        """A signed submission; ``changes`` are made before signing."""
        fields = {
            "receiving": receiving,
            "handling": handling,
            "matter": MatterCode(matter).id,
            "mode": int(mode),
            "channel": 1,
            "version": 1,
            "agreement": self.agreement,
            "agreement_version": 1,
            "parent": ZERO,
            "holders": ZERO,
            "commitment": COMMITMENT,
            "blob": BLOB,
            "salt": salt,
        } | changes
        message = {
            ("agreementVersion" if name == "agreement_version" else name): value for name, value in fields.items()
        }
        digest = typed.digest("Submission", message, chain_id, self.contract)
        return (
            fields
            | {"case_key": address_of(self.case_key), "attending": attending, "signature_offset": 0}
            | {"signature_count": 2 if attending else 0}
            | split(typed.sign(digest, (signer or self.case_key).to_bytes()))
        )

    def case(self, submission: dict[str, Any]) -> bytes:
        """The id of a submission's case."""
        return case_id(
            CHAIN_ID, self.contract, submission["case_key"], submission["receiving"], submission["handling"],
            submission["matter"], submission["mode"], submission["salt"],
        )  # fmt: skip

    def send_open(self, *submissions: dict[str, Any], by: str = "xiongan", signatures: Any = ()) -> Receipt:
        """Relay submissions."""
        return self.world.send(by, "operate", "cases", "open", list(submissions), list(signatures))

    def opened(self, **options: Any) -> bytes:
        """Open a case and return its id."""
        submission = self.submission(**options)
        event = self.send_open(submission).done().one(Opened)
        assert event.case == self.case(submission)
        return event.case

    def act(self, case: bytes, action: int, *, sequence: int | None = None, detail: int = 0, **changes: Any) -> Receipt:
        """Relay what the case key signed."""
        return self.world.send(
            "xiongan",
            "witness",
            "cases",
            "act",
            [self.signed_act(case, action, sequence=sequence, detail=detail, **changes)],
            [],
        )

    def signed_act(
        self,
        case: bytes,
        action: int,
        *,
        sequence: int | None = None,
        detail: int = 0,
        signer: PrivateKey | None = None,
        commitment: bytes = COMMITMENT,
    ) -> dict[str, Any]:
        """One act, signed."""
        number = self.word(case).sequence if sequence is None else sequence
        message = {
            "caseId": case,
            "action": int(action),
            "sequence": number,
            "detail": detail,
            "commitment": commitment,
            "blob": BLOB,
        }
        digest = typed.digest("CaseAct", message, CHAIN_ID, self.contract)
        return {
            "case": case, "action": int(action), "sequence": number, "detail": detail, "commitment": commitment, "blob": BLOB,
            "attending": 0, "signature_offset": 0, "signature_count": 0,
        } | split(typed.sign(digest, (signer or self.case_key).to_bytes()))  # fmt: skip

    def step(
        self,
        case: bytes,
        action: int,
        member: int,
        *,
        sequence: int = 0,
        detail: int = 0,
        department: int = 0,
        role: int = 0,
        commitment: bytes = COMMITMENT,
    ) -> Receipt:
        """Do what an office does."""
        item = (case, int(action), sequence, detail, department, role, commitment, BLOB)
        return self.world.send(CITIES[member - 1], "operate", "cases", "step", [item])

    def word(self, case: bytes) -> CaseWord:
        """What the contract keeps of a case."""
        return CaseWord.unpack(self.world.call("cases", "case_of", case)[0])

    def clock(self, case: bytes) -> ClockWord:
        """Its clocks."""
        return ClockWord.unpack(self.world.call("cases", "case_of", case)[1])

    def witnessed(
        self, case: bytes, attending: int, *, action: int = 0, sequence: int = 0, detail: int = 0
    ) -> list[dict[str, int]]:
        """Two witnesses' signatures at a window."""
        message = {
            "caseId": case, "action": action, "sequence": sequence, "detail": detail, "commitment": COMMITMENT, "blob": BLOB,
            "attending": attending,
        }  # fmt: skip
        digest = typed.digest("WitnessedAct", message, CHAIN_ID, self.contract)
        city = CITIES[attending - 1]
        return [split(typed.sign(digest, self.world.key(city, name).to_bytes())) for name in ("witness", "witness2")]


def split(signature: bytes) -> dict[str, int]:
    """A signature in the contract's form."""
    return {
        "r": int.from_bytes(signature[:32], "big"),
        "s": int.from_bytes(signature[32:64], "big"),
        "v": signature[64],
    }


def open_office(world: World) -> Clerk:
    """Publish the matters in every city, let all five agree to them, delegate Wuhou's to Mianyang."""
    published = [(MatterCode(code).id, rule.pack(), COMMITMENT, BLOB, code) for code, rule in RULES.items()]
    for city in CITIES:
        world.send(city, "operate", "catalogue", "publish", published).done()
    matters = sorted(MatterCode(code).id for code in RULES)
    draft = {
        "agreement": b"\x05" * 32, "kind": 1, "parent": ZERO, "predecessor": ZERO, "notice_days": 30, "valid_from": 0,
        "valid_until": 0, "digest": COMMITMENT, "blob": BLOB, "party_offset": 0, "party_count": 5, "matter_offset": 0,
        "matter_count": len(matters),
    }  # fmt: skip
    names = {
        component["name"] for component in world.contract("catalogue").functions["draft"]["inputs"][0]["components"]
    }
    drafted = world.send(
        "wuhou",
        "administer",
        "catalogue",
        "draft",
        [{name: draft[name] for name in names}],
        [1, 2, 3, 4, 5],
        matters,
        [0b11110] * len(matters),
    )
    agreement = drafted.done().one(AgreementDrafted).agreement
    for city in CITIES:
        world.send(city, "administer", "catalogue", "accept", [(agreement, 1)]).done()
    delegations = [(2, matter, 0, world.chain.now + 86_400 * 3650, COMMITMENT, BLOB) for matter in matters]
    world.send("wuhou", "administer", "catalogue", "delegate", delegations).done()
    return Clerk(world, agreement, key("case key"))
