"""The setting of random histories: contracts, members, calendars, ABI types, and the world as it changes."""

from __future__ import annotations

import hashlib
import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields

from ledger.domain.case_model import CaseModel
from ledger.domain.catalogue import LimitRule
from ledger.domain.events import EVENTS, Event
from ledger.domain.workdays import YearCalendar, year_days, year_start
from ledger.ports import Block, LocatedEvent

CHAIN_ID = 20_261
ZERO = bytes(32)
NOBODY = "0x" + "00" * 20
CONSORTIUM, CATALOGUE, MATERIALS, CASES = ("0x" + f"{n:02x}" * 20 for n in (0xC1, 0xC2, 0xC3, 0xC4))
# 2026-03-02 09:00 in China, a Monday.
START = 1_772_413_200
CITIES = (1, 2, 3, 4, 5)
REGULATOR = 6

_WIDTHS = {
    "address": ("key", "administrator", "previous", "contract", "case_key", "cases", "holder"),
    "bool": ("pilot", "voting", "active", "approve", "passed", "in_force", "recorded"),
    "bytes32": (
        "subject", "digest", "matter", "blob", "agreement", "parent", "predecessor", "root", "commitment", "consent",
        "pointer", "lookup", "case", "disclosed", "paper", "provision", "notice", "holders", "head",
    ),
    "string": ("name", "url", "code"),
    "uint256": ("electorate", "low", "high", "rule", "detail"),
    "uint64": ("batch", "use"),
    "uint40": ("due", "closes", "valid_from", "valid_until", "effective", "usable_from", "started"),
    "uint32": (
        "division", "department", "to_department", "proposal", "version", "size", "index", "sequence", "order",
        "status_epoch", "generation", "target",
    ),
    "uint16": (
        "member", "parent_member", "roles", "reason", "founders", "needed", "approvals", "rejections", "year", "accepted",
        "notice_days", "asker", "asked", "attending", "custodian", "remaining", "receiving", "handling", "helper", "actor",
        "to_member", "grantor", "grantee", "elapsed", "suspended", "extension", "agreement_version",
    ),
    "uint8": (
        "level", "kind", "status", "operation", "cause", "basis", "purpose", "mode", "channel", "action", "state", "stage",
        "flags", "role",
    ),
    "int64": ("clock_offset",),
}  # fmt: skip
_TYPE_OF = {name: kind for kind, names in _WIDTHS.items() for name in names}
_SPECIAL = {
    ("MemberListed", "parent"): "uint16",
    ("AdmissionProposed", "parent"): "uint16",
    ("AgreementDrafted", "version"): "uint16",
    ("AgreementAccepted", "version"): "uint16",
    ("AgreementDrafted", "parties"): "uint16[]",
    ("AgreementDrafted", "matters"): "bytes32[]",
    ("AgreementDrafted", "modes"): "uint8[]",
    ("LeavesRevoked", "leaves"): "uint32[]",
    ("ErasureRecorded", "leaves"): "uint32[]",
    ("Granted", "leaves"): "uint256[]",
    ("Granted", "grantees"): "uint32[]",
    ("Used", "leaves"): "uint256[]",
    ("ServiceKeyPublished", "key"): "bytes",
}

TYPES: Mapping[str, Sequence[tuple[str, str]]] = {
    name: tuple(
        (item.name, _SPECIAL.get((name, item.name)) or _TYPE_OF[item.name]) for item in fields(kind)
    )
    for name, kind in EVENTS.items()
}  # fmt: skip


@dataclass
class Case:
    model: CaseModel
    rule: LimitRule
    matter: bytes
    parent: bytes


@dataclass
class World:
    random: random.Random
    now: int = START
    events: list[tuple[Event, str]] = field(default_factory=list)
    blocks: list[Block] = field(default_factory=list)
    batches: dict[int, tuple[int, int]] = field(default_factory=dict)
    revoked: set[tuple[int, int]] = field(default_factory=set)
    spent: set[tuple[int, int]] = field(default_factory=set)
    cases: dict[bytes, Case] = field(default_factory=dict)
    consents: dict[bytes, dict[str, object]] = field(default_factory=dict)
    versions: dict[tuple[int, bytes], int] = field(default_factory=dict)
    agreements: dict[bytes, tuple[int, int]] = field(default_factory=dict)
    proposals: int = 0
    uses: int = 0
    statuses: dict[int, int] = field(default_factory=dict)

    def digest(self) -> bytes:
        return self.random.randbytes(32)

    def address(self) -> str:
        return "0x" + self.random.randbytes(20).hex()

    def key(self, member: int) -> str:
        return "0x" + f"{member:02x}" * 20

    def city(self) -> int:
        return self.random.choice(CITIES)

    def emit(self, event: Event, contract: str) -> None:
        self.events.append((event, contract))

    def close(self, seconds: int) -> None:
        """Put what was emitted since the last block into one."""
        number = len(self.blocks)
        parent = self.blocks[-1].hash if self.blocks else ZERO
        located = []
        for index, (event, contract) in enumerate(self.events):
            arguments = tuple((name, kind, getattr(event, name)) for name, kind in TYPES[type(event).__name__])
            tx = hashlib.sha256(f"{number}/{index // 3}".encode()).digest()
            # Other contracts' logs lie between ours.
            located.append(LocatedEvent(event, contract, number, self.now, tx, 2 * index, arguments))
        own = hashlib.sha256(parent + number.to_bytes(8, "big") + repr(located).encode()).digest()
        self.blocks.append(Block(number, own, parent, self.now, self.digest(), tuple(located)))
        self.events.clear()
        self.now += seconds


def calendar(year: int) -> YearCalendar:
    first = year_start(year)
    # Day 0 of the epoch was a Thursday.
    return YearCalendar(year, sum(1 << day for day in range(year_days(year)) if (first + day + 3) % 7 < 5))


CALENDARS = {year: calendar(year) for year in (2026, 2027)}
