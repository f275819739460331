"""The native libraries without which the engine is a hundred times slower, chosen and checked when it opens."""

from __future__ import annotations

import os

from eth_hash.auto import keccak
from eth_hash.backends import pysha3
from eth_keys.backends.coincurve import CoinCurveECCBackend, is_coincurve_available
from eth_keys.main import KeyAPI

from ledger.errors import SetupError

__all__ = ["prepare"]

_VARIABLE = "ETH_HASH_BACKEND"


def prepare() -> None:
    """Make sure of the fast curve, and take the fast Keccak.

    Recovering a signature takes 34 µs with coincurve and 4 ms without. eth-hash chooses its backend by an environment
    variable at the first hash, which some library computes while it is imported; so the choice is made again here.
    safe-pysha3 gives 8 to 19 % over the default. Whoever has named another backend keeps it.

    Raises:
        SetupError: ``engine.curve_missing``.
    """
    if not is_coincurve_available() or not isinstance(KeyAPI().backend, CoinCurveECCBackend):
        raise SetupError("engine.curve_missing")
    if os.environ.setdefault(_VARIABLE, "pysha3") == "pysha3":
        # What eth-hash does by itself after its first hash.
        keccak.hasher = pysha3.backend.keccak256  # type: ignore[assignment]  # differs in a parameter's name only
        keccak.preimage = pysha3.backend.preimage  # type: ignore[assignment]  # as above
