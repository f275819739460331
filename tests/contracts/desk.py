"""What the tests of materials and consents share: a desk of cases, a batch with known holders, and ready operations."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from eth_keys.datatypes import PrivateKey
from vyper.compiler import compile_from_file_input
from vyper.compiler.input_bundle import FilesystemInputBundle
from vyper.compiler.settings import Settings

import contracts
from ledger.domain import merkle, typed
from ledger.domain.consortium import ContractKind
from ledger.domain.events import Anchored
from ledger.domain.leaves import Holding, LeafEntry
from tests.contracts.chain import CHAIN_ID, ZERO, Contract, Receipt, address_of, key
from tests.contracts.world import World

__all__ = ["CASE", "MATTER", "Consent", "Desk", "deploy_source", "open_desk"]

CASE = b"\x11" * 32
MATTER = b"\x22" * 32
DISCLOSED = b"\x33" * 32
PAPER = b"\x44" * 32
HOLDERS = 8
_SOURCES = Path(__file__).parent / "sources"


@cache
def _compiled(name: str) -> dict[str, Any]:
    bundle = FilesystemInputBundle([Path(contracts.__file__).parent / "src", _SOURCES])
    source = bundle.load_file(_SOURCES / f"{name}.vy")
    return compile_from_file_input(
        source, input_bundle=bundle, settings=Settings(evm_version="prague"), output_formats=["abi", "bytecode"]
    )


def deploy_source(world: World, name: str) -> Contract:
    """Deploy a contract that only the tests have."""
    output = _compiled(name)
    data = bytes.fromhex(output["bytecode"].removeprefix("0x"))
    _, address = world.chain._apply(key("deployer"), b"", data)
    return Contract(name, address, tuple(output["abi"]))


@dataclass(frozen=True, slots=True)
class Consent:
    """A consent's parts, to be changed at will before it is sent."""

    leaves: tuple[int, ...] = (0,)
    grantees: tuple[tuple[int, int], ...] = ((2, 2),)
    case: bytes = CASE
    matter: bytes = MATTER
    purpose: int = 1
    disclosed: bytes = DISCLOSED
    valid_from: int = 0
    valid_until: int = 0
    salt: bytes = b"\x55" * 32
    cases: str = ""


@dataclass
class Desk:
    """A world with a desk of cases and one batch of Wuhou: leaves 0 to 5 self-held, 6 and 7 in custody."""

    world: World
    cases: Contract
    batch: int
    holders: tuple[PrivateKey, ...]
    entries: tuple[LeafEntry, ...]
    proofs: tuple[tuple[bytes, ...], ...]
    root: bytes
    extra: dict[str, Any] = field(default_factory=dict)

    @property
    def now(self) -> int:
        """The time of the next block."""
        return self.world.chain.now

    def word(self, index: int) -> int:
        """A leaf's word."""
        return self.batch << 32 | index

    def case(
        self, case: bytes = CASE, *, member: int, matter: bytes = MATTER, parent: bytes = ZERO, reason: int = 0
    ) -> None:
        """Put a case on the desk."""
        self.world.chain.send(key("deployer"), self.cases, "put", case, matter, parent, member, reason)

    def fields(self, consent: Consent) -> dict[str, Any]:
        """The typed data of a consent."""
        return {
            "leaves": [{"batch": self.batch, "index": index} for index in consent.leaves],
            "grantees": [{"member": member, "uses": uses} for member, uses in consent.grantees],
            "matter": consent.matter,
            "cases": consent.cases or self.cases.address,
            "caseId": consent.case,
            "purpose": consent.purpose,
            "disclosed": consent.disclosed,
            "validFrom": consent.valid_from or self.now,
            "validUntil": consent.valid_until or self.now + 86_400 * 30,
            "salt": consent.salt,
        }

    def digest(self, consent: Consent, *, chain_id: int = CHAIN_ID, contract: str = "") -> bytes:
        """A consent's name."""
        return typed.digest(
            "Consent", self.fields(consent), chain_id, contract or self.world.contract("materials").address
        )

    def leaf(self, index: int, at: int, **changes: Any) -> dict[str, Any]:
        """A leaf as an operation shows it, its path at ``at``."""
        entry = self.entries[index]
        return {
            "leaf": self.word(index),
            "version": int(entry.holding),
            "holder": "0x" + entry.holder.hex(),
            "valid_until": entry.valid_until,
            "commitment": entry.commitment,
            "path_offset": at,
            "path_count": len(self.proofs[index]),
        } | changes

    def signature(self, digest: bytes, signer: PrivateKey) -> dict[str, int]:
        """A signature in the contract's form."""
        raw = typed.sign(digest, signer.to_bytes())
        return {"r": int.from_bytes(raw[:32], "big"), "s": int.from_bytes(raw[32:64], "big"), "v": raw[64]}

    def grant_arguments(
        self, consent: Consent, *, signers: dict[int, PrivateKey] | None = None, digest: bytes = b""
    ) -> list[Any]:
        """The arguments of ``grant`` for one consent."""
        signed = digest or self.digest(consent)
        leaves: list[dict[str, Any]] = []
        path: list[bytes] = []
        for index in consent.leaves:
            signer = (signers or {}).get(index, self.holders[index])
            leaves.append(self.leaf(index, len(path)) | self.signature(signed, signer))
            path += self.proofs[index]
        grantees = [member << 16 | uses for member, uses in consent.grantees]
        return [[self.operation(consent)], grantees, leaves, path]

    def operation(self, consent: Consent) -> dict[str, Any]:
        """The struct of one grant."""
        fields = self.fields(consent)
        return {
            "matter": fields["matter"],
            "cases": fields["cases"],
            "case": fields["caseId"],
            "purpose": fields["purpose"],
            "disclosed": fields["disclosed"],
            "valid_from": fields["validFrom"],
            "valid_until": fields["validUntil"],
            "salt": fields["salt"],
            "grantee_offset": 0,
            "grantee_count": len(consent.grantees),
            "leaf_offset": 0,
            "leaf_count": len(consent.leaves),
        }

    def grant(self, consent: Consent, **options: Any) -> Receipt:
        """Record a consent, relayed by Mianyang."""
        return self.world.send("mianyang", "operate", "materials", "grant", *self.grant_arguments(consent, **options))

    def paper_arguments(self, consent: Consent, attending: str, signers: tuple[PrivateKey, ...]) -> list[Any]:
        """The arguments of ``grant_witnessed`` for one consent."""
        number = self.world.number(attending)
        message = {"consent": self.digest(consent), "paper": PAPER, "attending": number}
        digest = typed.digest("PaperConsent", message, CHAIN_ID, self.world.contract("materials").address)
        leaves: list[dict[str, Any]] = []
        path: list[bytes] = []
        for index in consent.leaves:
            leaves.append(self.leaf(index, len(path)))
            path += self.proofs[index]
        operation = self.operation(consent) | {
            "attending": number,
            "paper": PAPER,
            "signature_offset": 0,
            "signature_count": len(signers),
        }
        grantees = [member << 16 | uses for member, uses in consent.grantees]
        return [[operation], grantees, leaves, path, [self.signature(digest, signer) for signer in signers]]

    def use(
        self, consent: Consent, /, *, by: str = "mianyang", leaves: tuple[int, ...] | None = None, **changes: Any
    ) -> Receipt:
        """Put one reading on the record."""
        fields = self.fields(consent)
        listed = [self.word(index) for index in (consent.leaves if leaves is None else leaves)]
        item = {
            "consent": self.digest(consent),
            "case": fields["caseId"],
            "cases": fields["cases"],
            "granted_for": fields["caseId"],
            "matter": fields["matter"],
            "purpose": fields["purpose"],
            "disclosed": fields["disclosed"],
            "leaf_offset": 0,
            "leaf_count": len(listed),
        } | changes
        return self.world.send(by, "operate", "materials", "use", [item], listed)


def open_desk(world: World) -> Desk:
    """Set the desk up: a generation of cases that answers as told, and one batch."""
    cases = deploy_source(world, "desk")
    world.register(cases, ContractKind.CASES)
    holders = tuple(key(f"holder {number}") for number in range(HOLDERS))
    # The last second of 2026 in China: a quarter's end.
    until = 1_798_732_799
    entries = tuple(
        LeafEntry(
            Holding.SELF_HELD if number < 6 else Holding.CUSTODY,
            bytes.fromhex(address_of(holder)[2:]),
            until if number % 2 else 0,
            bytes((number,)) * 32,
        )
        for number, holder in enumerate(holders)
    )
    tree = merkle.levels(merkle.leaf_hashes([entry.encode() for entry in entries]))
    proofs = tuple(merkle.inclusion_proof_from_levels(tree, index) for index in range(len(entries)))
    root = tree[-1][0]
    batch = {"root": root, "size": len(entries), "blob": b"\x66" * 32, "flags": 0}
    anchored = world.send("wuhou", "issue", "materials", "anchor", [batch]).done().one(Anchored)
    desk = Desk(world, cases, anchored.batch, holders, entries, proofs, root)
    desk.case(member=world.number("mianyang"))
    return desk
