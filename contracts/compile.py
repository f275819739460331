"""Compile the sources in ``src/`` to the artifacts in ``artifacts/``; needs the development dependencies (Vyper).

Sizes are printed, and a contract over the code limit fails, so that growth is seen on the day it happens.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from contracts import CODE_SIZE_LIMIT, NAMES

__all__ = ["build", "main", "names", "render"]

_ROOT = Path(__file__).parent
_SOURCES = _ROOT / "src"
_ARTIFACTS = _ROOT / "artifacts"


def names() -> tuple[str, ...]:
    """The contracts that have a source, in the order in which they are deployed."""
    return tuple(name for name in NAMES if (_SOURCES / f"{name}.vy").exists())


def build(name: str) -> dict[str, Any]:
    """Compile one contract for the Prague EVM and return its artifact as a document.

    Raises:
        vyper.exceptions.VyperException: the source is not valid.
    """
    from vyper.compiler import compile_from_file_input  # noqa: PLC0415 - the compiler is a development dependency
    from vyper.compiler.input_bundle import FilesystemInputBundle  # noqa: PLC0415 - as above
    from vyper.compiler.settings import Settings  # noqa: PLC0415 - as above

    bundle = FilesystemInputBundle([_SOURCES])  # type: ignore[no-untyped-call]  # the compiler is not typed
    source = bundle.load_file(_SOURCES / f"{name}.vy")
    output = compile_from_file_input(
        source,
        input_bundle=bundle,
        settings=Settings(evm_version="prague"),
        output_formats=["abi", "bytecode", "bytecode_runtime", "integrity", "layout"],
        no_bytecode_metadata=True,
    )
    runtime = len(bytes.fromhex(output["bytecode_runtime"].removeprefix("0x")))
    return {
        "name": name,
        "source_digest": output["integrity"],
        "code_size": runtime + _immutables(output["layout"].get("code_layout", {})),
        "bytecode": output["bytecode"],
        "abi": output["abi"],
    }


def render(document: dict[str, Any]) -> str:
    """The text of an artifact's file: stable, one key a line, so that changes can be read."""
    return json.dumps(document, indent=1, ensure_ascii=False) + "\n"


def main(arguments: list[str]) -> int:
    """Compile the contracts named, or all, and print their sizes; with ``--check`` write nothing and compare.

    Returns:
        The exit status: 1 where a contract is too large or, with ``--check``, an artifact is not that of its source.
    """
    check = "--check" in arguments
    good = True
    _ARTIFACTS.mkdir(exist_ok=True)
    for name in [argument for argument in arguments if argument != "--check"] or names():
        document = build(name)
        path = _ARTIFACTS / f"{name}.json"
        remark = ""
        if document["code_size"] > CODE_SIZE_LIMIT:
            remark = "  over the limit"
        elif check and (not path.exists() or path.read_text(encoding="utf-8") != render(document)):
            remark = "  stale: run scripts/compile"
        if not check:
            path.write_text(render(document), encoding="utf-8")
        good = good and not remark
        sys.stdout.write(f"{name:<12}{document['code_size']:>7,} of {CODE_SIZE_LIMIT:,} bytes{remark}\n")
    return 0 if good else 1


def _immutables(layout: dict[str, Any]) -> int:
    """Bytes of immutables, which are deployed behind the code; modules nest."""
    if isinstance(layout.get("length"), int):
        return int(layout["length"])
    return sum(_immutables(inner) for inner in layout.values())
