"""The native libraries without which the engine is a hundred times slower, chosen and checked when it opens."""

from __future__ import annotations

import os

from eth_keys.backends.coincurve import CoinCurveECCBackend, is_coincurve_available
from eth_keys.main import KeyAPI

from ledger.errors import SetupError

__all__ = ["prepare"]


def prepare() -> None:
    """Make sure of the fast curve, and ask for the fast Keccak.

    Recovering a signature takes 34 µs with coincurve and 4 ms without. eth-hash chooses its backend on first use, and
    safe-pysha3 gives 8 to 19 % over the default; whoever has set another one keeps it.

    Raises:
        SetupError: ``engine.curve_missing``.
    """
    os.environ.setdefault("ETH_HASH_BACKEND", "pysha3")
    if not is_coincurve_available() or not isinstance(KeyAPI().backend, CoinCurveECCBackend):
        raise SetupError("engine.curve_missing")
