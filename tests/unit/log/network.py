"""Keys and notes for tests of the log; every seed is plainly a test's."""

from __future__ import annotations

from ledger.domain.checkpoints import Checkpoint, cosign, cosigner_name, origin, sign_checkpoint
from ledger.domain.notes import KeySigner, KeyType, format_note
from ledger.domain.policies import CosigningCity, Policy, PolicyKey, city_policy

__all__ = ["DIVISIONS", "NETWORK", "log_signer", "network_policy", "signed_checkpoint", "signers"]

NETWORK = "tongban.example/five-cities"
DIVISIONS = ("510107", "510700", "133100", "500103", "610113")


def log_signer(division: str = DIVISIONS[0]) -> KeySigner:
    """Key by which a city signs as the log."""
    return KeySigner.from_seed(origin(NETWORK, division), KeyType.LOG_ED25519, division.encode().ljust(32, b"l"))


def signers(division: str) -> tuple[KeySigner, KeySigner]:
    """A city's two cosigning keys."""
    name = cosigner_name(NETWORK, division)
    return (
        KeySigner.from_seed(name, KeyType.COSIGN_ED25519, division.encode().ljust(32, b"e")),
        KeySigner.from_seed(name, KeyType.COSIGN_ML_DSA_44, division.encode().ljust(32, b"m")),
    )


def network_policy(divisions: tuple[str, ...] = DIVISIONS) -> Policy:
    """The policy of the five cities with one publisher."""
    key = log_signer().key
    cities = []
    for division in divisions:
        ed25519, ml_dsa = signers(division)
        cities.append(CosigningCity(division, ed25519.key, ml_dsa.key))
    return city_policy([PolicyKey(key.name, key)], cities)


def signed_checkpoint(
    size: int, root: bytes, *, by: tuple[str, ...] = DIVISIONS, timestamp: int = 1_767_225_600
) -> bytes:
    """A checkpoint of the first city's log, cosigned with both keys of each city named."""
    checkpoint = Checkpoint(log_signer().key.name, size, root)
    lines = [sign_checkpoint(checkpoint, log_signer())]
    lines += [cosign(checkpoint, signer, timestamp) for division in by for signer in signers(division)]
    return format_note(checkpoint.text(), lines)
