"""Make the vectors of receipts again: ``python -m tests.vectors.receipts.generate`` from the project's folder.

Everything is derived from fixed seeds (``tests/unit/wire/receipt_world.py``), so that the same files come out, but for
the cosignatures of type ML-DSA-44, which are randomised: two of them over one text differ and are both good. A test makes
the receipts again and compares all else.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

from ledger.domain.files import digests_of
from ledger.domain.policies import format_policy
from ledger.wire.receipts import encode_receipt, read_receipt
from ledger.wire.verification import verify_receipt
from tests.unit.log.network import network_policy
from tests.unit.wire.receipt_world import CONTENT, SCENES, START, make

FOLDER = Path(__file__).parent
# When the verdicts were made: an hour after the status of the receipts.
NOW = START + 5_520


def files() -> Iterator[tuple[str, bytes]]:
    """Every file of the folder that is generated, with its content."""
    yield "policy", format_policy(network_policy())
    yield "register.pdf", CONTENT
    verdicts = {}
    for name, scene in SCENES.items():
        data = encode_receipt(make(scene))
        yield f"{name}.json", data
        verdict = verify_receipt(read_receipt(data), network_policy(), [digests_of([CONTENT])], now=NOW)
        checks = [
            {"name": check.name, "outcome": check.outcome.value, "code": check.code, "evidence": dict(check.evidence)}
            for check in verdict.checks
        ]
        verdicts[name] = {"good": verdict.good, "checks": checks}
    document = {"file": "register.pdf", "now": NOW, "policy": "policy", "verdicts": verdicts}
    yield "expected.json", json.dumps(document, ensure_ascii=False, indent=1).encode() + b"\n"


def main() -> None:
    """Write the files."""
    for name, content in files():
        (FOLDER / name).write_bytes(content)


if __name__ == "__main__":
    main()
