"""A pilot network on one machine: its folder, its plan, the embedded engine, and a node's folder for each member.

``network.toml`` says what the network is; everything else is made from it once, with fresh keys, and nothing that exists
is overwritten. The consortium's address is known before it is deployed, because a contract's address follows from its
deployer and the number of its transactions; so every node's settings can name it from the beginning.
"""

from __future__ import annotations

import shutil
import tomllib
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from ledger.chain.codec import encode_arguments, function
from ledger.chain.deployment import Founder, contract_address
from ledger.chain.embedded.config import EngineConfig
from ledger.chain.signing import KeySigner
from ledger.domain.checkpoints import origin
from ledger.domain.consortium import Level, Role
from ledger.domain.divisions import division, full_name
from ledger.domain.holders import address_of, address_text
from ledger.errors import ConflictError, FormatError, InputError, SetupError
from ledger.services.cosigning import begin_witness
from ledger.settings import load_settings
from node_client.daemon import witness_path
from node_client.keyholder import note_signers
from node_client.keys import KeyRing, create_key_ring, open_key_ring, read_passphrase
from node_client.processes import free_port

__all__ = [
    "FIVE_CITIES",
    "ROLE_BITS",
    "MemberPlan",
    "Network",
    "NetworkPlan",
    "create_network",
    "engine_config",
    "engine_store",
    "founders",
    "load_network",
    "passphrase_file",
    "require_empty",
    "require_name",
    "toml_lines",
    "write_private",
]

# The founders' keys by role, as the contract lists them on confirmation; the administrator's is in genesis.
ROLE_BITS: Mapping[str, Role] = {
    "operate": Role.OPERATE,
    "witness": Role.WITNESS,
    "witness-2": Role.WITNESS,
    "issue": Role.ISSUE,
    "regulate": Role.REGULATE,
}
# Blocks between two status entries, and between two checkpoints: a pilot's receipts wait for the next of both.
_STATUS_EPOCH = 4
_HEARTBEAT = 2.0
# Key files of a pilot lie beside their passphrase; a costly derivation would only slow its start.
_SCRYPT_N = 2**12
_CHAIN_ID = 20_261
_NAME = 64


@dataclass(frozen=True, slots=True)
class MemberPlan:
    """A founding member: a city that votes, or a regulator that does not."""

    division: str
    level: Level
    voting: bool = True
    publisher: bool = False

    @property
    def name(self) -> str:
        """The official name, with province and city."""
        return full_name(self.division)

    @property
    def regulator(self) -> bool:
        """Whether it posts calendars and watches."""
        return self.level in {Level.REGULATOR_NATIONAL, Level.REGULATOR_PROVINCIAL}


@dataclass(frozen=True, slots=True)
class NetworkPlan:
    """What a network is founded as; ``start`` is the POSIX time at which its clock begins, ``None`` for now."""

    name: str
    members: tuple[MemberPlan, ...]
    start: int | None


FIVE_CITIES = (
    MemberPlan("510107", Level.DISTRICT, publisher=True),
    MemberPlan("510700", Level.CITY, publisher=True),
    MemberPlan("133100", Level.NEW_AREA),
    MemberPlan("500103", Level.DISTRICT),
    MemberPlan("610113", Level.DISTRICT),
    MemberPlan("510000", Level.REGULATOR_PROVINCIAL, voting=False),
)


@dataclass(frozen=True, slots=True)
class Network:
    """An existing network folder, as ``network.toml`` describes it."""

    folder: Path
    name: str
    chain_id: int
    consortium: str
    clock_offset: int
    status_epoch: int
    engine_port: int
    members: tuple[MemberPlan, ...]

    @property
    def rpc_url(self) -> str:
        """Where the engine answers."""
        return f"http://127.0.0.1:{self.engine_port}"

    def node_folder(self, code: str) -> Path:
        """Return a member's folder."""
        return self.folder / "nodes" / code

    def number(self, code: str) -> int:
        """Return a member's number: founders are numbered in the order of genesis, from 1."""
        return [member.division for member in self.members].index(code) + 1

    def deployer(self) -> KeySigner:
        """Open the key that deploys the contracts; it has no say in the consortium."""
        folder = self.folder / "engine"
        ring = open_key_ring(folder / "keys", read_passphrase(folder / "passphrase"), roles=("deployer",))
        return KeySigner(ring.chain["deployer"])

    def ring(self, code: str) -> KeyRing:
        """Open a member's keys."""
        folder = self.node_folder(code)
        return open_key_ring(folder / "keys", read_passphrase(folder / "passphrase"))


def create_network(
    folder: Path, plan: NetworkPlan, random: Callable[[int], bytes], now: int, *, port: int | None = None
) -> Network:
    """Make a network's folder: keys, settings, nothing running yet.

    Args:
        folder: made if missing.
        plan: what it is to be.
        random: cryptographic randomness.
        now: POSIX seconds of this machine.
        port: the engine's; the nodes' follow it. Left out, free ones are taken.

    Raises:
        ConflictError: ``networks.exists``; nothing was changed.
        InputError: ``networks.name``, ``divisions.unknown``.
    """
    require_empty(folder)
    require_name(plan.name)
    for member in plan.members:
        division(member.division)
    # Made beside its place and put there whole: what was cut short is begun again with fresh keys.
    staging = folder.with_name(f".{folder.name}.part")
    shutil.rmtree(staging, ignore_errors=True)
    staging.mkdir(mode=0o700, parents=True)
    ports = [port + place for place in range(len(plan.members) + 1)] if port else _free(len(plan.members) + 1)
    engine = staging / "engine"
    secret = passphrase_file(engine, random)
    deployer = create_key_ring(engine / "keys", secret, random, roles=("deployer",), scrypt_n=_SCRYPT_N)
    network = Network(
        staging,
        plan.name,
        _CHAIN_ID,
        contract_address(address_text(address_of(deployer.chain["deployer"])), 0),
        0 if plan.start is None else plan.start - now,
        _STATUS_EPOCH,
        ports[0],
        plan.members,
    )
    for member, own_port in zip(plan.members, ports[1:], strict=True):
        _make_node(network, member, own_port, random)
    write_private(staging / "network.toml", _network_toml(network))
    staging.replace(folder)
    return replace(network, folder=folder)


def require_empty(folder: Path) -> None:
    """Require that a folder is missing or empty.

    Raises:
        ConflictError: ``networks.exists``.
    """
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise ConflictError("networks.exists")


def require_name(name: str) -> None:
    """Require that a network's name can be the first part of every log's origin (C2SP tlog-checkpoint, signed-note).

    Raises:
        InputError: ``networks.name``.
    """
    with suppress(FormatError):
        origin(name, "000000")
        if 0 < len(name) <= _NAME:
            return
    raise InputError("networks.name", most=_NAME)


def load_network(folder: Path) -> Network:
    """Read a network's folder.

    Raises:
        SetupError: ``networks.missing``, ``networks.unreadable``.
    """
    try:
        raw = tomllib.loads((folder / "network.toml").read_text(encoding="utf-8"))
    except (FileNotFoundError, NotADirectoryError):
        raise SetupError("networks.missing") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError):
        raise SetupError("networks.unreadable") from None
    try:
        members = tuple(
            MemberPlan(item["division"], Level(item["level"]), item["voting"], item["publisher"])
            for item in raw["members"]
        )
        return Network(
            folder, raw["name"], raw["chain_id"], raw["consortium"], raw["clock_offset"], raw["status_epoch"],
            raw["engine_port"], members,
        )  # fmt: skip
    except (KeyError, TypeError, ValueError):
        raise SetupError("networks.unreadable") from None


def engine_store(network: Network) -> Path:
    """Return the file of the embedded engine's store."""
    return network.folder / "engine" / "engine.db"


def engine_config(network: Network, ready_file: Path) -> EngineConfig:
    """Return the embedded engine's settings: only members' keys may send, as the consortium's contract knows them."""
    allowed = {network.deployer().address}
    for member in network.members:
        folder = network.node_folder(member.division)
        ring = open_key_ring(folder / "keys", read_passphrase(folder / "passphrase"), roles=("administer",))
        allowed.add(address_text(address_of(ring.chain["administer"])))
    return EngineConfig(
        path=engine_store(network),
        chain_id=network.chain_id,
        clock_offset=network.clock_offset,
        heartbeat=_HEARTBEAT,
        private=True,
        allowed_senders=frozenset(bytes.fromhex(address[2:]) for address in allowed),
        admission_contract=bytes.fromhex(network.consortium[2:]),
        admission_selector=encode_arguments(function("consortium", "standing"), ["0x" + "00" * 20])[:4],
        adjustable_clock=True,
        port=network.engine_port,
        ready_file=ready_file,
    )


def founders(network: Network) -> list[Founder]:
    """Return the members as genesis lists them."""
    listed = []
    for member in network.members:
        ring = network.ring(member.division)
        listed.append(
            Founder(
                int(member.division),
                int(member.level),
                0,
                member.voting,
                member.name,
                address_text(address_of(ring.chain["administer"])),
            )
        )
    return listed


def write_private(path: Path, text: str) -> None:
    """Write a file that its owner alone may read, whole or not at all."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    part = path.with_name(path.name + ".part")
    part.touch(mode=0o600)
    part.write_text(text, encoding="utf-8")
    part.replace(path)


def _make_node(network: Network, member: MemberPlan, port: int, random: Callable[[int], bytes]) -> None:
    folder = network.node_folder(member.division)
    passphrase = passphrase_file(folder, random)
    roles = tuple(role for role in ("administer", "recover", *ROLE_BITS) if role != "regulate" or member.regulator)
    ring = create_key_ring(folder / "keys", passphrase, random, roles=roles, scrypt_n=_SCRYPT_N)
    values: dict[str, Any] = {
        "network": network.name,
        "division": member.division,
        "member": network.number(member.division),
        "consortium": network.consortium,
        "chain_id": network.chain_id,
        "engine": "embedded",
        "rpc_urls": [network.rpc_url],
        "clock_offset": network.clock_offset,
        "port": port,
        "public_url": f"http://127.0.0.1:{port}",
        "scrypt_n": _SCRYPT_N,
        "batch_wait": 1,
        "poll_interval": 0.2,
        "publisher": member.publisher,
        "publish_blocks": network.status_epoch,
    }
    write_private(folder / "node.toml", toml_lines(values))
    begin_witness(witness_path(load_settings(folder), ring), note_signers(ring, network.name, member.division))


def _network_toml(network: Network) -> str:
    head = {
        "name": network.name,
        "chain_id": network.chain_id,
        "consortium": network.consortium,
        "clock_offset": network.clock_offset,
        "status_epoch": network.status_epoch,
        "engine_port": network.engine_port,
    }
    lines = [f"{name} = {_toml(value)}" for name, value in head.items()]
    for member in network.members:
        lines += ["", "[[members]]"]
        fields = {
            "division": member.division,
            "level": int(member.level),
            "voting": member.voting,
            "publisher": member.publisher,
        }
        lines += [f"{name} = {_toml(value)}" for name, value in fields.items()]
    return "\n".join(lines) + "\n"


def toml_lines(values: Mapping[str, object]) -> str:
    """Return plain values as the lines of a TOML file."""
    return "".join(f"{name} = {_toml(value)}\n" for name, value in values.items())


def passphrase_file(folder: Path, random: Callable[[int], bytes]) -> str:
    """Write a random passphrase for a folder's key files beside them, and return it."""
    write_private(folder / "passphrase", random(32).hex() + "\n")
    return read_passphrase(folder / "passphrase")


def _toml(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return str(value)
    if isinstance(value, list):
        return "[" + ", ".join(_toml(item) for item in value) + "]"
    return '"' + str(value).replace("\\", "\\\\").replace('"', '\\"') + '"'


def _free(count: int) -> list[int]:
    ports: list[int] = []
    while len(ports) < count:
        port = free_port()
        if port not in ports:
            ports.append(port)
    return ports
