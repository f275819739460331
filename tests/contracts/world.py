"""The five-city consortium of the pilot, formed by its own votes on a test chain: what every contract test starts from."""

from __future__ import annotations

from dataclasses import dataclass, field
from importlib.resources import files
from typing import TYPE_CHECKING, Any

from ledger.domain.case_tables import tables
from ledger.domain.consortium import ContractKind, Level, ProposalKind, Role
from ledger.domain.events import MemberConfirmed, MemberListed, Proposed
from ledger.services.calendars import notice_calendar
from tests.contracts.chain import ZERO, Chain, Contract, Receipt, address_of, key

if TYPE_CHECKING:
    from collections.abc import Callable

    from eth_keys.datatypes import PrivateKey

__all__ = ["CITIES", "DEPARTMENTS", "MEMBERS", "Member", "World", "found"]

CITIES = ("wuhou", "mianyang", "xiongan", "yuzhong", "yanta")
_FOUNDERS: dict[str, tuple[int, Level, bool, str]] = {
    "wuhou": (510107, Level.DISTRICT, True, "成都市武侯区"),
    "mianyang": (510700, Level.CITY, True, "绵阳市"),
    "xiongan": (133100, Level.NEW_AREA, True, "雄安新区"),
    "yuzhong": (500103, Level.DISTRICT, True, "重庆市渝中区"),
    "yanta": (610113, Level.DISTRICT, True, "西安市雁塔区"),
    "regulator": (510000, Level.REGULATOR_PROVINCIAL, False, "省级监管"),
}
MEMBERS = tuple(_FOUNDERS)
DEPARTMENTS = (1, 2)
# Keys of each member by name; witness and witness2 are two people.
_ROLES: dict[str, Role] = {
    "operate": Role.OPERATE,
    "witness": Role.WITNESS,
    "witness2": Role.WITNESS,
    "issue": Role.ISSUE,
}
_KINDS = {"catalogue": ContractKind.CATALOGUE, "materials": ContractKind.MATERIALS, "cases": ContractKind.CASES}
# What each contract's constructor takes; those without an artifact are left out.
_ARGUMENTS: dict[str, Callable[[World], tuple[Any, ...]]] = {
    "catalogue": lambda world: (world.consortium.address,),
    "materials": lambda world: (world.consortium.address,),
    "cases": lambda world: (world.consortium.address, *tables()),
}


@dataclass(frozen=True, slots=True)
class Member:
    """A member and its keys: administer, recover, operate, witness, witness2, issue, and regulate for the regulator."""

    label: str
    number: int
    keys: dict[str, PrivateKey]

    def address(self, name: str) -> str:
        """The address of one of its keys."""
        return address_of(self.keys[name])


@dataclass
class World:
    """A chain with the consortium on it."""

    chain: Chain
    consortium: Contract
    members: dict[str, Member]
    contracts: dict[str, Contract] = field(default_factory=dict)

    def key(self, member: str, name: str) -> PrivateKey:
        """A member's key by the names of ``Member``."""
        return self.members[member].keys[name]

    def number(self, member: str) -> int:
        """A member's number."""
        return self.members[member].number

    def send(self, member: str, name: str, contract: str, function: str, *arguments: Any) -> Receipt:
        """Send from a member's key to a contract by its name."""
        return self.chain.send(self.key(member, name), self.contract(contract), function, *arguments)

    def call(self, contract: str, function: str, *arguments: Any) -> Any:
        """Read from a contract by its name."""
        return self.chain.call(self.contract(contract), function, *arguments)

    def contract(self, name: str) -> Contract:
        """A contract by its name."""
        return self.consortium if name == "consortium" else self.contracts[name]

    def propose(
        self,
        kind: ProposalKind,
        *,
        target: int = 0,
        subject: bytes = ZERO,
        digest: bytes = ZERO,
        candidates: tuple[Any, ...] = (),
        by: str = "wuhou",
    ) -> int:
        """Open a vote and return its number."""
        receipt = self.send(by, "administer", "consortium", "propose", [(kind, target, subject, digest)], candidates)
        return receipt.done().one(Proposed).proposal

    def pass_vote(self, number: int, *, without: str = "yanta") -> Receipt:
        """Let four of the five cities (whoever may) approve; the receipt is that of the deciding ballot."""
        receipt: Receipt | None = None
        needed = self.call("consortium", "proposal", number)[5]
        for city in [city for city in CITIES if city != without][:needed]:
            receipt = self.send(city, "administer", "consortium", "vote", [(number, True)]).done()
        assert receipt is not None
        return receipt

    def register(self, contract: Contract, kind: ContractKind) -> Receipt:
        """Make a contract the current generation of its kind, by vote."""
        subject = bytes(12) + bytes.fromhex(contract.address[2:])
        return self.pass_vote(self.propose(ProposalKind.GENERATION, target=kind, subject=subject))

    def suspend(self, member: str) -> None:
        """Suspend a member by vote."""
        without = "yanta" if member != "yanta" else "wuhou"
        by = next(city for city in CITIES if city != member)
        number = self.propose(ProposalKind.SUSPEND, target=self.number(member), by=by)
        for city in CITIES:
            if city not in {member, without} and not self.call("consortium", "proposal", number)[9]:
                self.send(city, "administer", "consortium", "vote", [(number, True)]).done()


def founders() -> list[tuple[int, int, int, bool, str, str]]:
    """The genesis list, as the constructor takes it."""
    return [
        (division, level, 0, voting, name, address_of(key(f"{label}.administer")))
        for label, (division, level, voting, name) in _FOUNDERS.items()
    ]


def found(*, confirmed: bool = True) -> World:
    """Form the consortium: six members, their keys and departments, two years' calendars, every contract by vote."""
    chain = Chain()
    consortium = chain.deploy("consortium", "five-cities", 64, 0, founders())
    numbers = {event.administrator: event.member for event in chain.deployment.of(MemberListed)}
    world = World(chain, consortium, {})
    for label, (_, level, _, _) in _FOUNDERS.items():
        names = ["administer", "recover", *_ROLES, *(["regulate"] if level == Level.REGULATOR_PROVINCIAL else [])]
        keys = {name: key(f"{label}.{name}") for name in names}
        world.members[label] = Member(label, numbers[address_of(keys["administer"])], keys)
    if confirmed:
        _confirm(world)
        _furnish(world)
    return world


def _confirm(world: World) -> None:
    for label, member in world.members.items():
        roles = [(member.address(name), role) for name, role in _ROLES.items()]
        if "regulate" in member.keys:
            roles.append((member.address("regulate"), Role.REGULATE))
        receipt = world.send(label, "administer", "consortium", "confirm", member.address("recover"), roles)
        receipt.done().one(MemberConfirmed)


def _furnish(world: World) -> None:
    for label in CITIES:
        bodies = [(code, True, f"实施主体{code}") for code in DEPARTMENTS]
        world.send(label, "operate", "consortium", "set_departments", bodies).done()
    notices = [(item.year, item.low, item.high, b"\x01" * 32) for item in map(notice_calendar, (2025, 2026))]
    world.send("regulator", "regulate", "consortium", "post_calendars", notices).done()
    for name, arguments in _ARGUMENTS.items():
        if (files("contracts") / "artifacts" / f"{name}.json").is_file():
            world.contracts[name] = world.chain.deploy(name, *arguments(world))
            world.register(world.contracts[name], _KINDS[name])
