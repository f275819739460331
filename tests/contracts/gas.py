"""Gas figures, kept in ``gas.json`` and compared within two in a hundred; ``scripts/gas`` measures them anew."""

from __future__ import annotations

import json
import os
from pathlib import Path

__all__ = ["record_gas"]

_FILE = Path(__file__).with_name("gas.json")
_TOLERANCE = 0.02


def record_gas(name: str, gas: int) -> None:
    """Compare a figure with the one on file; under ``TONGBAN_RECORD_GAS=1`` write it instead.

    Raises:
        AssertionError: it is not on file, or differs by more than two in a hundred, either way: a saving is recorded too.
    """
    figures: dict[str, int] = json.loads(_FILE.read_text(encoding="utf-8")) if _FILE.exists() else {}
    if os.environ.get("TONGBAN_RECORD_GAS") == "1":
        figures[name] = gas
        _FILE.write_text(json.dumps(dict(sorted(figures.items())), indent=1) + "\n", encoding="utf-8")
        return
    assert name in figures, f"{name} uses {gas:,} gas and is not on file: run scripts/gas"
    known = figures[name]
    assert abs(gas - known) <= known * _TOLERANCE, f"{name}: {gas:,} gas, on file {known:,}: run scripts/gas if meant"
