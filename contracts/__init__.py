"""The law of the network: four Vyper contracts, and the compiled form that nodes deploy.

The artifacts in ``artifacts/`` are checked in, so that a node needs no compiler; a test rebuilds and compares them.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

__all__ = ["CODE_SIZE_LIMIT", "NAMES", "Artifact", "load"]

CODE_SIZE_LIMIT = 24_576
"""Bytes of code that a contract may have on any engine (EIP-170)."""

NAMES = ("consortium", "catalogue", "materials", "cases")
"""The contracts, in the order in which they are deployed."""


@dataclass(frozen=True, slots=True)
class Artifact:
    """One compiled contract.

    Attributes:
        name: the source's name without its suffix.
        abi: the JSON ABI, as the compiler gives it.
        bytecode: what a deploying transaction carries, before the constructor's arguments.
        code_size: bytes of code once deployed.
        source_digest: the compiler's integrity sum over the contract's sources, with those it imports.
    """

    name: str
    abi: tuple[dict[str, Any], ...]
    bytecode: bytes
    code_size: int
    source_digest: str


@cache
def load(name: str) -> Artifact:
    """Read one artifact from the package.

    Args:
        name: one of ``NAMES``.

    Raises:
        FileNotFoundError: there is no such artifact: the sources were never compiled.
    """
    document = json.loads((files("contracts") / "artifacts" / f"{name}.json").read_text(encoding="utf-8"))
    return Artifact(
        name=name,
        abi=tuple(document["abi"]),
        bytecode=bytes.fromhex(document["bytecode"].removeprefix("0x")),
        code_size=document["code_size"],
        source_digest=document["source_digest"],
    )
