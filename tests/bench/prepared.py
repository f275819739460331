"""Chains that take minutes to build, built once: kept in the user's cache and copied for each measurement.

The cache is ``~/.cache/tongban/bench`` (or under ``XDG_CACHE_HOME``). A chain's name holds a digest of the contracts'
bytecode and of what was built on them, so that a changed contract is never measured on an old chain; removing the folder
costs only the time to build again.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from functools import partial
from pathlib import Path

from contracts import NAMES, load
from ledger.chain.embedded.chain import Engine
from tests.bench.office import Office, found_office, open_engine
from tests.integration.network import Addresses

__all__ = ["cache_folder", "chain", "chain_folder", "copy_of"]

# Counted up when what a builder builds under the same name has changed.
_EDITION = 1


def cache_folder() -> Path:
    """Where benchmarks keep what is costly to make."""
    folder = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "tongban" / "bench"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


@contextmanager
def copy_of(name: str, make: Callable[[Path], None]) -> Iterator[Path]:
    """A copy of what is kept under a name, made first if the cache has none.

    Args:
        name: says what is made, with its sizes.
        make: fills an empty folder.
    """
    digest = hashlib.sha256(b"".join(load(kind).bytecode for kind in NAMES) + b"%d" % _EDITION).hexdigest()[:12]
    kept = cache_folder() / f"{name}-{digest}"
    if not kept.exists():
        # Made beside the place and moved there whole, so that what was cut short never looks finished.
        draft = Path(tempfile.mkdtemp(prefix=kept.name, dir=kept.parent))
        make(draft)
        draft.rename(kept)
    with tempfile.TemporaryDirectory(prefix="tongban-bench-") as folder:
        copy = Path(folder) / name
        shutil.copytree(kept, copy)
        yield copy


@contextmanager
def chain_folder(name: str, build: Callable[[Engine, Office], None]) -> Iterator[tuple[Path, Office]]:
    """A closed copy of the chain of that name, and its office; built on a founded office if the cache has none."""
    with copy_of(name, partial(_make, build)) as folder:
        stored = json.loads((folder / "office.json").read_text(encoding="utf-8"))
        office = Office(Addresses(**stored["addresses"]), bytes.fromhex(stored["agreement"]), stored["nonces"])
        yield folder / "engine.db", office


@contextmanager
def chain(name: str, build: Callable[[Engine, Office], None]) -> Iterator[tuple[Engine, Office]]:
    """The same, opened."""
    with chain_folder(name, build) as (path, office):
        engine = open_engine(path)
        try:
            yield engine, office
        finally:
            engine.close()


def _make(build: Callable[[Engine, Office], None], folder: Path) -> None:
    engine = open_engine(folder / "engine.db")
    try:
        office = found_office(engine)
        build(engine, office)
    finally:
        engine.close()
    document = {"addresses": asdict(office.addresses), "agreement": office.agreement.hex(), "nonces": office.nonces}
    (folder / "office.json").write_text(json.dumps(document), encoding="utf-8")
