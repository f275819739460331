"""Replacing a chain key in an order that can be cut anywhere: the new key is on the disk before the chain hears of it.

The pending key lies beside the old one under a name that nobody opens; once the chain knows it, it takes the old one's
place. Whoever runs the command again finds the pending key and goes on with it.
"""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from pathlib import Path

from eth_keyfile.keyfile import decode_keyfile_json

from ledger.domain.holders import address_of, address_text
from ledger.errors import InputError
from ledger.settings import NodeSettings
from node_client.keys import new_chain_secret, open_key_ring, read_passphrase, save_chain_key
from node_client.networks import ROLE_BITS

__all__ = ["Rotation", "finish_rotation", "prepare_rotation"]

_PENDING = ".pending"


@dataclass(frozen=True, slots=True)
class Rotation:
    """A change of keys: the new address, its roles, the address that it replaces."""

    address: str
    roles: int
    previous: str


def prepare_rotation(settings: NodeSettings, role: str) -> Rotation:
    """Return the change to ask the contract for, with the new key safely on the disk.

    Raises:
        InputError: ``rotation.role``: no such role, or one whose key only a vote or the recovery key replaces.
        SetupError: ``keys.…``.
    """
    if role not in ROLE_BITS:
        raise InputError("rotation.role")
    folder, passphrase = settings.path("keys"), read_passphrase(settings.path(settings.passphrase_file))
    ring = open_key_ring(folder, passphrase, roles=(role,))
    if role not in ring.chain:
        raise InputError("rotation.role")
    pending = _pending(folder, role)
    if not pending.exists():
        save_chain_key(
            folder, f"{role}{_PENDING}", new_chain_secret(os.urandom), passphrase, scrypt_n=settings.scrypt_n
        )
        folder.joinpath("chain", f"{role}{_PENDING}.json").replace(pending)
    secret = decode_keyfile_json(json.loads(pending.read_bytes()), passphrase.encode())
    return Rotation(address_text(address_of(secret)), int(ROLE_BITS[role]), address_text(address_of(ring.chain[role])))


def finish_rotation(settings: NodeSettings, role: str) -> None:
    """Let the new key take the old one's place; the daemon notices by itself."""
    folder = settings.path("keys")
    _pending(folder, role).replace(folder / "chain" / f"{role}.json")


def _pending(folder: Path, role: str) -> Path:
    # Not *.json: nothing that opens a node's keys takes it for one.
    return folder / "chain" / f"{role}{_PENDING}"
