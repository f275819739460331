"""A node's folder: made once with fresh keys, and its picture made again when a database is lost."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from pydantic import ValidationError

from ledger.bootstrap import opened_node
from ledger.domain.divisions import division
from ledger.domain.entries import GenesisEntry, parse_entry
from ledger.domain.holders import address_of, address_text
from ledger.domain.policies import Policy
from ledger.errors import ConflictError, InputError, IntegrityError, SetupError, UnavailableError
from ledger.log.files import DirectoryFiles
from ledger.log.mirror import Fetch, fetch_checkpoint, open_remote
from ledger.log.reader import TreeReader
from ledger.log.view import LogView
from ledger.projections import journal
from ledger.services import batching, synchronising
from ledger.services.context import Node
from ledger.services.cosigning import begin_witness
from ledger.settings import NodeSettings
from node_client.daemon import open_keys, witness_path
from node_client.holding import hold
from node_client.keyholder import DaemonKeyHolder, note_signers
from node_client.keys import create_key_ring
from node_client.networks import passphrase_file, require_empty, require_name, toml_lines, write_private

__all__ = ["Rebuilt", "create_node", "rebuild_from_log", "rebuild_node"]


def create_node(folder: Path, values: Mapping[str, object], random: Callable[[int], bytes]) -> dict[str, str]:
    """Make a node's folder and return the addresses of its chain keys by role.

    Args:
        folder: must be empty or missing.
        values: the lines of ``node.toml``.
        random: cryptographic randomness.

    Raises:
        ConflictError: ``networks.exists``.
        InputError: ``networks.name``, ``divisions.unknown``; ``settings.value`` with the name of the line that cannot be.
    """
    require_empty(folder)
    require_name(str(values["network"]))
    division(str(values["division"]))
    staging = folder.with_name(f".{folder.name}.part")
    shutil.rmtree(staging, ignore_errors=True)
    staging.mkdir(mode=0o700, parents=True)
    try:
        settings = NodeSettings(**{**values, "folder": staging})  # type: ignore[arg-type]  # pydantic checks each
    except ValidationError as error:
        shutil.rmtree(staging)
        first = error.errors(include_input=False, include_url=False)[0]
        raise InputError("settings.value", name=".".join(map(str, first["loc"]))) from None
    passphrase = passphrase_file(staging, random)
    ring = create_key_ring(staging / "keys", passphrase, random, scrypt_n=settings.scrypt_n)
    write_private(staging / "node.toml", toml_lines(values))
    begin_witness(witness_path(settings, ring), note_signers(ring, settings.network, settings.division))
    if folder.exists():
        folder.rmdir()
    staging.replace(folder)
    return {role: address_text(address_of(secret)) for role, secret in sorted(ring.chain.items())}


@dataclass(frozen=True, slots=True)
class Rebuilt:
    """What was made again: entries of the log, materials of this city; ``behind`` says why nothing newer came, if so."""

    entries: int
    materials: int
    behind: UnavailableError | None


def rebuild_node(settings: NodeSettings) -> Rebuilt:
    """Drop the picture and make it again.

    The journal of entries is enough; an engine that answers only brings what is newer.

    Raises:
        ConflictError: ``rebuild.running`` while the daemon runs.
        SetupError, UnavailableError, IntegrityError: as the stores and the engine.
    """
    return _rebuilt(settings, lambda node: synchronising.rebuild(node.database))


def rebuild_from_log(settings: NodeSettings, fetch: Fetch, policy: Policy) -> Rebuilt:
    """Drop journal and picture and make both again from the files of the log alone.

    Nothing is dropped before the whole log has been checked: its checkpoint against the policy, every tile and every entry
    against the checkpoint, its first entry against this node's settings, and its tree against the node's own log files,
    where it has some. An engine that answers only brings what is newer. Cut anywhere, it can be run again; so can the
    daemon, which then goes on from the chain.

    Args:
        settings: the node's.
        fetch: gets a file of the log by its path: a city's address, a mirror, a copy on a disk.
        policy: whom the checkpoint must be cosigned by; it comes from outside, as for any verifier.

    Raises:
        ConflictError: ``rebuild.running`` while the daemon runs; ``log.mirror_split`` where the log is not the one whose
            files this node has.
        IntegrityError: ``log.damaged``, ``log.missing``; ``synchronising.…`` where the entries are not those of this network.
        InputError: the policy refuses the checkpoint.
        NotFoundError: ``log.no_checkpoint``.
        SetupError, UnavailableError: as the stores and the engine.
    """

    def fill(node: Node) -> None:
        trusted, _ = fetch_checkpoint(fetch, policy)
        remote = open_remote(fetch, trusted.checkpoint)
        remote.verify()
        first = parse_entry(remote.entry(0))
        named = (node.chain_id, node.consortium)
        if not isinstance(first, GenesisEntry) or (first.chain_id, first.consortium) != named:
            raise IntegrityError("synchronising.genesis")
        _require_same(remote, LogView(DirectoryFiles(node.log_folder)).tree())
        synchronising.forget(node.database)
        synchronising.synchronise_from_entries(node.database, remote.entries(), consortium=node.consortium)

    return _rebuilt(settings, fill)


def _rebuilt(settings: NodeSettings, fill: Callable[[Node], None]) -> Rebuilt:
    keys = DaemonKeyHolder(open_keys(settings))
    with _alone(settings), opened_node(settings, keys=keys) as node:
        fill(node)
        entries, behind = _caught_up(node)
        return Rebuilt(entries, batching.open_batches(node, keys.open), behind)


@contextmanager
def _alone(settings: NodeSettings) -> Iterator[None]:
    """Keep the daemon away meanwhile; one that was killed has left its socket and nothing else."""
    try:
        held = hold(settings.folder)
    except SetupError:
        raise ConflictError("rebuild.running") from None
    try:
        yield
    finally:
        held.release()


def _require_same(remote: TreeReader, own: TreeReader) -> None:
    """One of two trees is the beginning of the other."""
    size = min(remote.head.size, own.head.size)
    if remote.root_at(size) != own.root_at(size):
        raise ConflictError("log.mirror_split", size=size)


def _caught_up(node: Node) -> tuple[int, UnavailableError | None]:
    try:
        return synchronising.run_once(node).entries, None
    except UnavailableError as error:
        with node.database.read() as connection:
            state = journal.position(connection)
        if state is None:
            # Nothing was read before, and nobody can be asked.
            raise
        return state.entries, error
