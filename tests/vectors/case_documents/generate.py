"""Make the vectors of a case's documents again: ``python -m tests.vectors.case_documents.generate`` from the project's folder.

Everything is derived from fixed seeds (``tests/unit/wire/case_document_world.py``); the signatures are those of RFC 6979, so
that the same files come out everywhere.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

from tests.unit.wire.case_document_world import SEED, rating, signed, submission

FOLDER = Path(__file__).parent


def files() -> Iterator[tuple[str, bytes]]:
    """Every file of the folder that is generated, with its content."""
    expected = {}
    for name, document in (("submission", submission()), ("rating", rating())):
        made = signed(document)
        yield f"{name}.json", document.encode()
        yield f"{name}.signed.json", made.encode()
        expected[name] = {
            "case": made.case.hex(),
            "case_key": made.case_key,
            "digest": made.digest.hex(),
            "signature": made.signature.hex(),
        }
    yield "expected.json", json.dumps({"seed": SEED.hex(), "documents": expected}, indent=1).encode() + b"\n"


def main() -> None:
    """Write the files."""
    for name, content in files():
        (FOLDER / name).write_bytes(content)


if __name__ == "__main__":
    main()
