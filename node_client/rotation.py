"""Replacing a chain key in an order that can be cut anywhere: the new key is on the disk before the chain hears of it.

The pending key lies beside the old one under a name that nobody opens; once the chain knows it, it takes the old one's
place (``taking_over``). Whoever runs the command again finds the pending key and goes on with it.
"""

from __future__ import annotations

import json
import os
from dataclasses import dataclass

from eth_keyfile.keyfile import decode_keyfile_json

from ledger.domain.consortium import ServiceKeyKind
from ledger.domain.holders import address_of, address_text
from ledger.errors import InputError, NotFoundError
from ledger.services.cosigning import begin_witness
from ledger.settings import NodeSettings
from node_client.daemon import witness_path
from node_client.keyholder import note_signers
from node_client.keys import (
    new_chain_secret,
    open_key_ring,
    pending_key,
    read_passphrase,
    save_chain_key,
    save_service_keys,
)
from node_client.networks import ROLE_BITS
from node_client.seating import public_keys

__all__ = ["Rotation", "prepare_recovery", "prepare_rotation", "rotate_service_key"]

_SERVICE_NAMES = {
    ServiceKeyKind.COSIGN_ED25519: "cosign-ed25519",
    ServiceKeyKind.COSIGN_ML_DSA_44: "cosign-ml-dsa-44",
    ServiceKeyKind.HPKE: "hpke",
    ServiceKeyKind.REQUESTS_ED25519: "requests-ed25519",
    ServiceKeyKind.LOG_ED25519: "log-ed25519",
}


@dataclass(frozen=True, slots=True)
class Rotation:
    """A change of keys: the new address, its roles, the address that it replaces."""

    address: str
    roles: int
    previous: str


def prepare_rotation(settings: NodeSettings, role: str) -> Rotation:
    """Return the change to ask the contract for, with the new key safely on the disk.

    Raises:
        InputError: ``rotation.role``: no such role, or one whose key only a vote or the recovery key replaces;
            ``rotation.no_key``: this node has none of that role.
        SetupError: ``keys.…``.
    """
    if role not in ROLE_BITS:
        raise InputError("rotation.role")
    folder, passphrase = settings.path("keys"), read_passphrase(settings.path(settings.passphrase_file))
    ring = open_key_ring(folder, passphrase, roles=(role,))
    if role not in ring.chain:
        raise InputError("rotation.no_key", role=role)
    address = _pending(settings, role, passphrase)
    return Rotation(address, int(ROLE_BITS[role]), address_text(address_of(ring.chain[role])))


def prepare_recovery(settings: NodeSettings) -> str:
    """Return the address of a new administrator key, safely on the disk; the old one may be lost.

    The daemon puts it in the old one's place once the chain has made it the administrator.

    Raises:
        NotFoundError: ``rotation.no_recovery_key``: the key that is kept off line is not back in its place.
        SetupError: ``keys.…``.
    """
    if not (settings.path("keys") / "chain" / "recover.json").exists():
        raise NotFoundError("rotation.no_recovery_key")
    return _pending(settings, "administer", read_passphrase(settings.path(settings.passphrase_file)))


def _pending(settings: NodeSettings, role: str, passphrase: str) -> str:
    folder = settings.path("keys")
    path = pending_key(folder, role)
    if not path.exists():
        secret = new_chain_secret(os.urandom)
        save_chain_key(folder, role, secret, passphrase, scrypt_n=settings.scrypt_n, pending=True)
    secret = decode_keyfile_json(json.loads(path.read_bytes()), passphrase.encode())
    return address_text(address_of(secret))


def rotate_service_key(settings: NodeSettings, kind: str) -> dict[ServiceKeyKind, bytes]:
    """Make the next version of a service key and return its public half, to be published.

    Cut between the two, the daemon signs with a key that the register does not know yet and is not believed; running the
    command again makes and publishes the next version. New cosigning keys begin a memory of their own.

    Raises:
        InputError: ``rotation.kind``.
        SetupError: ``keys.…``.
    """
    kinds = {name: public for public, name in _SERVICE_NAMES.items()}
    if kind not in kinds:
        raise InputError("rotation.kind")
    folder, passphrase = settings.path("keys"), read_passphrase(settings.path(settings.passphrase_file))
    ring = open_key_ring(folder, passphrase).rotated(kind, os.urandom)
    if kind.startswith("cosign"):
        begin_witness(witness_path(settings, ring), note_signers(ring, settings.network, settings.division))
    save_service_keys(ring, passphrase, os.urandom, scrypt_n=settings.scrypt_n)
    return {kinds[kind]: public_keys(ring)[kinds[kind]]}
