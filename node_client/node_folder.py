"""A node's folder: made once with fresh keys, and its picture made again when a database is lost."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Mapping
from pathlib import Path

from pydantic import ValidationError

from ledger.bootstrap import KEY_SOCKET, open_node
from ledger.domain.divisions import division
from ledger.domain.holders import address_of, address_text
from ledger.errors import ConflictError, InputError, UnavailableError
from ledger.projections import journal
from ledger.services import batching, synchronising
from ledger.services.context import Node
from ledger.services.cosigning import begin_witness
from ledger.settings import NodeSettings
from ledger import logs
from node_client.daemon import open_keys, witness_path
from node_client.keyholder import DaemonKeyHolder, note_signers
from node_client.keys import create_key_ring
from node_client.networks import passphrase_file, toml_lines, write_private

__all__ = ["create_node", "rebuild_node"]


def create_node(folder: Path, values: Mapping[str, object], random: Callable[[int], bytes]) -> dict[str, str]:
    """Make a node's folder and return the addresses of its chain keys by role.

    Args:
        folder: must be empty or missing.
        values: the lines of ``node.toml``.
        random: cryptographic randomness.

    Raises:
        ConflictError: ``networks.exists``.
        InputError: ``divisions.unknown``; ``settings.value`` with the name of the line that cannot be.
    """
    if folder.exists() and any(folder.iterdir()):
        raise ConflictError("networks.exists")
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


def rebuild_node(settings: NodeSettings) -> tuple[int, int]:
    """Drop the picture and make it again; return the number of log entries and of this city's materials.

    The journal of entries is enough; an engine that answers only brings what is newer.

    Raises:
        ConflictError: ``rebuild.running`` while the daemon runs.
        SetupError, UnavailableError, IntegrityError: as the stores and the engine.
    """
    if settings.path(KEY_SOCKET).exists():
        raise ConflictError("rebuild.running")
    keys = DaemonKeyHolder(open_keys(settings))
    node = open_node(settings, keys=keys)
    try:
        synchronising.rebuild(node.database)
        entries = _caught_up(node)
        return entries, batching.open_batches(node, keys.open)
    finally:
        node.database.close()


def _caught_up(node: Node) -> int:
    try:
        return synchronising.run_once(node).entries
    except UnavailableError as error:
        with node.database.read() as connection:
            state = journal.position(connection)
        if state is None:
            # Nothing was read before, and nobody can be asked.
            raise
        logs.get().warning("not_caught_up", code=error.code)
        return state.entries
