"""A small world to make receipts in: a batch, a consent, a use, a log, and cities that cosign whatever they are given.

Everything comes from fixed seeds, so that the receipts are the same in every run (but for the ML-DSA signatures, which
are randomised). The cities here sign lies as well: so a test reaches the checks that lie behind the cosignatures.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from typing import Any

from contracts import load
from ledger.domain import holders, merkle, typed
from ledger.domain.consents import ConsentTerms, Grantee, Purpose
from ledger.domain.disclosures import select_disclosures
from ledger.domain.entries import EventRecord, GenesisEntry, StatusEntry, encode_entry, event_entry
from ledger.domain.events import Anchored, Event, Granted, Used
from ledger.domain.files import digests_of
from ledger.domain.leaves import Holding
from ledger.domain.materials import Assurance, AssuranceLevel, FileFact, Issuer, MaterialDraft
from ledger.domain.status import AbsenceProof, StatusTree, leaf_status_identifier
from ledger.wire.consents import Disclosed, new_disclosed
from ledger.wire.grants import GrantedConsent
from ledger.wire.receipts import SINGLE_SEQUENCER, LoggedEntry, Receipt, ShownUse
from tests.unit.domain.batches import SubjectHolders, Wrapped, wrap
from tests.unit.log.network import DIVISIONS, signed_checkpoint

CHAIN_ID = 20_261
MATERIALS, CASES, OTHER = "0x" + "b" * 40, "0x" + "c" * 40, "0x" + "e" * 40
KEY = "0x" + "d" * 40
# 2026-03-02 09:00 in China.
START = 1_772_413_200
CONTENT = b"%PDF-1.7\nsample household register of nobody\n%%EOF\n"
BATCH = 7
MATTER, CASE = hashlib.sha256(b"matter").digest(), hashlib.sha256(b"case").digest()
SHOWN = ("address", "file.0", "head_name")
PAPER = hashlib.sha256(b"paper").digest()
# The pilot's clock stands some months from the real one.
CLOCK_OFFSET = -22_723_200


def stream(label: str) -> Callable[[int], bytes]:
    """Bytes that look random and are the same in every run."""
    drawn = 0

    def draw(count: int) -> bytes:
        nonlocal drawn
        drawn += 1
        return hashlib.shake_256(f"{label} {drawn}".encode()).digest(count)

    return draw


@cache
def holder_keys(number: int) -> tuple[bytes, ...]:
    """The leaf keys of one data subject."""
    node = holders.account(holders.master(bytes(32)), holders.Branch.MATERIAL, number)
    return tuple(holders.leaf_keys(node, 0, 4))


@cache
def batch() -> Wrapped:
    """A household register of two people, anchored by Wuhou."""
    digests = digests_of([CONTENT])
    file = FileFact("application/pdf", digests.size, digests.sha256, digests.sm3, "b" + "a" * 58)
    draft = MaterialDraft(
        issuer=Issuer("11510107MB0000000X", "样本派出所"),
        anchor_member=1,
        anchor_division="510107",
        assurance=Assurance(AssuranceLevel.INSPECTED, "window-clerk", START),
        type_code="household-register",
        fields={"address": "样本路 1 号", "head_name": "样本甲", "number": "510107190001010017"},
        files=(file,),
        subjects=(0, 1),
        issued_at=START - 86_400,
        expires_at=START + 5 * 365 * 86_400,
    )
    subjects = [
        SubjectHolders(Holding.SELF_HELD, [holders.address_of(key) for key in holder_keys(number)]) for number in (0, 1)
    ]
    return wrap([draft], [subjects], stream("batch"))


def leaf_of(subject: int, turn: int = 0) -> int:
    """One of the batch's leaves."""
    return BATCH << 32 | batch().indices[0][subject][turn]


@cache
def event_types(name: str) -> tuple[tuple[str, str], ...]:
    """An event's parameters with their ABI types."""
    abi = next(item for item in load("materials").abi if item["type"] == "event" and item["name"] == name)
    return tuple((item["name"], item["type"]) for item in abi["inputs"])


def logged(event: Event, block: int, *, chain_id: int = CHAIN_ID, contract: str = MATERIALS, time: int = 0) -> bytes:
    """An event's entry."""
    name = type(event).__name__
    args = tuple((parameter, kind, getattr(event, parameter)) for parameter, kind in event_types(name))
    transaction = hashlib.sha256(f"transaction {block}".encode()).digest()
    record = EventRecord(contract, name, args, block, time or START + block * 60, transaction, 0)
    return encode_entry(event_entry(chain_id, record))


def anchoring(number: int = BATCH, **changes: Any) -> Anchored:
    """The batch's anchoring."""
    event = Anchored(
        batch=number, member=1, key=KEY, root=batch().root, size=len(batch().entries), blob=bytes([9]) * 32, flags=1
    )
    return replace(event, **changes)


def disclosed() -> Disclosed:
    """What the consent lets be seen."""
    shown = {leaf_of(0): SHOWN, leaf_of(1): ("address",)}
    return new_disclosed(shown, stream("disclosed"))


def terms(**changes: Any) -> ConsentTerms:
    """The consent's terms: Mianyang and Yuzhong may read the leaves of both people for one case."""
    values: dict[str, Any] = {
        "leaves": tuple(sorted((leaf_of(0), leaf_of(1)))),
        "grantees": (Grantee(2, 2), Grantee(4, 1)),
        "matter": MATTER,
        "cases": CASES,
        "case": CASE,
        "purpose": Purpose.HANDLE,
        "disclosed": disclosed().digest,
        "valid_from": START,
        "valid_until": START + 30 * 86_400,
        "salt": bytes([3]) * 32,
    }
    return ConsentTerms(**values | changes)


def consent(
    *, witnessed: bool = False, chain_id: int = CHAIN_ID, contract: str = MATERIALS, **changes: Any
) -> GrantedConsent:
    """The consent, signed by the key of each leaf, or on paper in Yuzhong's window."""
    made = GrantedConsent(
        chain_id=chain_id, contract=contract, terms=terms(**changes), disclosed=disclosed(), signatures=()
    )
    if witnessed:
        return replace(made, attending=4, paper=PAPER)
    keys = {leaf_of(subject): holder_keys(subject)[0] for subject in (0, 1)}
    return replace(made, signatures=tuple(typed.sign(made.digest, keys[leaf]) for leaf in made.terms.leaves))


def granted(given: GrantedConsent, **changes: Any) -> Granted:
    """The consent's recording."""
    said = given.terms
    event = Granted(
        consent=given.digest, case=said.case, cases=said.cases, matter=said.matter, purpose=int(said.purpose),
        disclosed=said.disclosed, valid_from=said.valid_from, valid_until=said.valid_until, leaves=said.leaves,
        grantees=tuple(one.packed() for one in said.grantees), member=4, key=KEY, attending=given.attending,
        custodian=1 if given.attending else 0, paper=given.paper, usable_from=said.valid_from,
    )  # fmt: skip
    return replace(event, **changes)


def used(given: GrantedConsent, **changes: Any) -> Used:
    """Mianyang's first reading."""
    said = given.terms
    event = Used(
        use=5, basis=1, consent=given.digest, case=said.case, cases=said.cases, member=2, key=KEY,
        purpose=int(said.purpose), disclosed=said.disclosed, leaves=said.leaves, remaining=1, provision=bytes(32),
        notice=bytes(32),
    )  # fmt: skip
    return replace(event, **changes)


@dataclass(frozen=True, kw_only=True)
class Scene:
    """What the log says, and what of it the receipt shows; the defaults are those of a good receipt."""

    given: GrantedConsent | None = None
    granted: Mapping[str, Any] = field(default_factory=dict)
    used: Mapping[str, Any] = field(default_factory=dict)
    anchored: Mapping[str, Any] = field(default_factory=dict)
    granted_place: Mapping[str, Any] = field(default_factory=dict)
    used_place: Mapping[str, Any] = field(default_factory=dict)
    status: Mapping[str, Any] = field(default_factory=dict)
    opened: Sequence[str] = SHOWN
    revoked: tuple[int, ...] = ()
    use_first: bool = False
    status_first: bool = False
    by: tuple[str, ...] = DIVISIONS
    engine: str = SINGLE_SEQUENCER


def _status_tree(scene: Scene) -> StatusTree:
    other = [leaf_status_identifier(MATERIALS, 3, index) for index in range(11)]
    here = [leaf_status_identifier(MATERIALS, leaf >> 32, leaf & 0xFFFFFFFF) for leaf in scene.revoked]
    return StatusTree.of(other + here)


def make(scene: Scene) -> Receipt:
    """Write the log of a scene, let the cities cosign it, and make the receipt."""
    tree = _status_tree(scene)
    status = StatusEntry(
        chain_id=CHAIN_ID, block_number=32, block_hash=bytes([8]) * 32, block_time=START + 32 * 60,
        status_root=tree.root(), status_size=tree.size, clock_offset=CLOCK_OFFSET,
    )  # fmt: skip
    state = encode_entry(replace(status, **scene.status))
    entries = [
        encode_entry(GenesisEntry(CHAIN_ID, bytes([1]) * 32, "0x" + "a" * 40)),
        state if scene.status_first else logged(anchoring(5, root=bytes([5]) * 32), 8),
        logged(anchoring(**scene.anchored), 12),
        logged(anchoring(8, root=bytes([6]) * 32), 14),
    ]
    places = {"anchored": 2}
    if scene.given is not None:
        pair = [
            ("granted", logged(granted(scene.given, **scene.granted), 20, **scene.granted_place)),
            ("used", logged(used(scene.given, **scene.used), 25, **scene.used_place)),
        ]
        for name, entry in reversed(pair) if scene.use_first else pair:
            places[name] = len(entries)
            entries.append(entry)
    places["status"] = 1 if scene.status_first else len(entries)
    entries += [state, logged(anchoring(9, root=bytes([7]) * 32), 33)]
    hashes = merkle.leaf_hashes(entries)
    shown = {
        name: LoggedEntry(index, entries[index], merkle.inclusion_proof(hashes, index))
        for name, index in places.items()
    }
    index = leaf_of(0) & 0xFFFFFFFF
    absent = leaf_status_identifier(MATERIALS, BATCH, index)
    return Receipt(
        engine=scene.engine,
        record=batch().records[0].record,
        disclosures=select_disclosures(batch().records[0].disclosures, scene.opened),
        leaf=leaf_of(0),
        entry=batch().entries[index],
        blinding=batch().blindings[index],
        path=batch().proofs[index],
        anchored=shown["anchored"],
        status=shown["status"],
        absence=AbsenceProof(None, None) if absent in tree else tree.absence_proof(absent),
        checkpoint=signed_checkpoint(len(entries), merkle.root(hashes), by=scene.by, timestamp=START + 2_400),
        use=None if scene.given is None else ShownUse(scene.given, shown["granted"], shown["used"]),
    )


SCENES: dict[str, Scene] = {
    "plain": Scene(),
    "use": Scene(given=consent()),
    "witnessed": Scene(given=consent(witnessed=True)),
}
"""The receipts that are checked in as vectors."""
