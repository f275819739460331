"""The checked-in receipts with their policy, file and verdicts."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from ledger.domain.files import digests_of
from ledger.domain.policies import parse_policy
from ledger.wire.receipts import Receipt
from ledger.wire.verification import Verdict, verify_receipt
from tests.vectors.receipts import generate

VECTORS = Path(generate.__file__).parent
EXPECTED: dict[str, Any] = json.loads((VECTORS / "expected.json").read_text(encoding="utf-8"))
POLICY = parse_policy((VECTORS / "policy").read_bytes())
FILE = digests_of([(VECTORS / "register.pdf").read_bytes()])
NOW: int = EXPECTED["now"]
GOOD = {name: (VECTORS / f"{name}.json").read_bytes() for name in EXPECTED["verdicts"]}


def verdict_of(receipt: Receipt, now: int = NOW) -> Verdict:
    """What the vectors' policy says, with the vectors' file."""
    return verify_receipt(receipt, POLICY, [FILE], now=now)
