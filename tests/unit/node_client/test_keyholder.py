"""The holder of the city's keys: what was sealed to an older key stays readable, and nothing else opens."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from ledger.domain import wrapping
from ledger.domain.wrapping import RecipientPrivate
from ledger.errors import InputError
from node_client.keyholder import DaemonKeyHolder
from node_client.keys import SERVICE_KINDS, KeyRing


def new_ring() -> KeyRing:
    ring = KeyRing(Path(), {role: os.urandom(32) for role in ("operate", "issue", "witness")}, ())
    for kind in SERVICE_KINDS:
        ring = ring.rotated(kind, os.urandom)
    return ring


def test_what_was_sealed_to_an_older_key_opens_after_a_rotation():
    ring = new_ring()
    sealed = wrapping.seal(b"content key", RecipientPrivate(ring.current("hpke").seed).public(), b"info")
    keys = DaemonKeyHolder(ring)
    assert keys.open(sealed, b"info") == b"content key"
    rotated = ring.rotated("hpke", os.urandom)
    keys.replace_ring(rotated)
    assert keys.open(sealed, b"info") == b"content key"
    newer = wrapping.seal(b"another", RecipientPrivate(rotated.current("hpke").seed).public(), b"info")
    assert keys.open(newer, b"info") == b"another"
    with pytest.raises(InputError, match=r"envelopes\.unseal"):
        keys.open(sealed, b"other info")
    with pytest.raises(InputError, match=r"envelopes\.unseal"):
        DaemonKeyHolder(new_ring()).open(sealed, b"info")
