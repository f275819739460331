"""Taking a member's seat: its recovery key and first keys, its public service keys, and where it is reached."""

from __future__ import annotations

from collections.abc import Mapping

from ledger.domain.consortium import ServiceKeyKind
from ledger.domain.holders import address_of, address_text
from ledger.domain.wrapping import RecipientPrivate
from ledger.errors import NotFoundError
from ledger.services import consortium
from ledger.services.context import Node
from node_client.keys import KeyRing
from node_client.networks import ROLE_BITS

__all__ = ["public_keys", "seat"]


def seat(node: Node, ring: KeyRing, url: str, *, publisher: bool) -> list[str]:
    """Ask for everything that makes a member one that others can work with; what stands already is not asked for.

    Args:
        node: the member's.
        ring: all its keys, the recovery key among them.
        url: where other cities reach it.
        publisher: whether it publishes checkpoints: a log key that nobody uses would stand in every policy.

    Raises:
        NotFoundError: ``rotation.no_recovery_key``.
    """
    if "recover" not in ring.chain:
        raise NotFoundError("rotation.no_recovery_key")
    roles = {
        address_text(address_of(ring.chain[role])): int(bits) for role, bits in ROLE_BITS.items() if role in ring.chain
    }
    keys = dict(public_keys(ring))
    if not publisher:
        del keys[ServiceKeyKind.LOG_ED25519]
    recovery = address_text(address_of(ring.chain["recover"]))
    return [
        consortium.confirm(node, recovery=recovery, role_keys=roles),
        *consortium.publish_keys(node, keys),
        consortium.publish_endpoint(node, url),
    ]


def public_keys(ring: KeyRing) -> Mapping[ServiceKeyKind, bytes]:
    """Return the public halves of a node's service keys, as they stand on the chain."""
    ed25519 = {
        ServiceKeyKind.COSIGN_ED25519: "cosign-ed25519",
        ServiceKeyKind.REQUESTS_ED25519: "requests-ed25519",
        ServiceKeyKind.LOG_ED25519: "log-ed25519",
    }
    found = {kind: ring.current(name).ed25519().public_key().public_bytes_raw() for kind, name in ed25519.items()}
    found[ServiceKeyKind.COSIGN_ML_DSA_44] = (
        ring.current("cosign-ml-dsa-44").ml_dsa_44().public_key().public_bytes_raw()
    )
    found[ServiceKeyKind.HPKE] = RecipientPrivate(ring.current("hpke").seed).public().data
    return dict(sorted(found.items()))
