"""How much of what fits into one transaction, by entry point.

The bounds of the arrays stand in the contracts' sources with their reasons, but not in an ABI; a test reads the sources
and compares. The gas figures are above what an operation with its largest storage was measured to take; they only
decide how many operations travel together.
"""

from __future__ import annotations

from collections.abc import Mapping

__all__ = ["BOUNDS", "DEFAULT_GAS", "GAS", "ITEM_GAS"]

BOUNDS: Mapping[str, Mapping[str, int]] = {
    "confirm": {"role_keys": 32},
    "propose": {"motions": 8, "admissions": 8},
    "vote": {"ballots": 32},
    "set_keys": {"changes": 32},
    "publish_keys": {"service_keys": 8},
    "set_departments": {"bodies": 32},
    "post_calendars": {"postings": 8},
    "object_calendars": {"protests": 8},
    "publish": {"publications": 32},
    "withdraw": {"matters": 64},
    "draft": {"texts": 8, "parties": 256, "matters": 256, "modes": 256},
    "accept": {"acceptances": 64},
    "end": {"endings": 64},
    "delegate": {"grants": 32},
    "anchor": {"batches": 16},
    "revoke": {"items": 32, "leaves": 512},
    "erase": {"items": 32, "leaves": 512},
    "point": {"items": 128},
    "ask": {"items": 64},
    "answer": {"items": 64},
    "grant": {"grants": 16, "grantees": 64, "leaves": 48, "path": 768},
    "grant_witnessed": {"grants": 16, "grantees": 64, "leaves": 48, "path": 768, "signatures": 64},
    "confirm_witnessed": {"consents": 64},
    "revoke_consent": {"items": 32, "path": 768},
    "revoke_witnessed": {"items": 32, "signatures": 64},
    "use": {"items": 64, "leaves": 256},
    "use_by_duty": {"items": 16, "leaves": 64, "path": 768},
    "assent": {"items": 64},
    "open": {"items": 32, "signatures": 128},
    "act": {"items": 64, "signatures": 128},
    "step": {"items": 200},
    "hand_over": {"items": 128},
    "supervise": {"items": 64},
    "record": {"items": 128},
    "settle": {"cases": 128},
}

DEFAULT_GAS = 150_000
# Gas of one operation, and of one item of an array that it points into.
GAS: Mapping[str, int] = {
    "anchor": 110_000,
    "assent": 60_000,
    "act": 60_000,
    "draft": 250_000,
    "erase": 40_000,
    "hand_over": 40_000,
    "open": 280_000,
    "point": 60_000,
    "publish": 110_000,
    "record": 30_000,
    "revoke": 40_000,
    "settle": 50_000,
    "step": 34_000,
    "supervise": 60_000,
    "use": 60_000,
    "withdraw": 40_000,
}
ITEM_GAS: Mapping[tuple[str, str], int] = {
    ("draft", "parties"): 30_000,
    ("draft", "matters"): 30_000,
    ("grant", "leaves"): 50_000,
    ("grant", "grantees"): 25_000,
    ("grant_witnessed", "leaves"): 50_000,
    ("grant_witnessed", "grantees"): 25_000,
    ("grant_witnessed", "signatures"): 15_000,
    ("revoke_witnessed", "signatures"): 15_000,
    ("open", "signatures"): 15_000,
    ("act", "signatures"): 15_000,
    ("revoke", "leaves"): 25_000,
    ("use", "leaves"): 8_000,
    ("use_by_duty", "leaves"): 30_000,
}
