"""How much of what fits into one transaction, by entry point.

The bounds of the arrays stand in the contracts' sources with their reasons, but not in an ABI; a test reads the sources
and compares. The gas figures are above what an operation with its largest storage was measured to take; they only
decide how many operations travel together.
"""

from __future__ import annotations

from collections.abc import Mapping

__all__ = ["BOUNDS", "DEFAULT_GAS", "GAS"]

BOUNDS: Mapping[str, Mapping[str, int]] = {
    "confirm": {"role_keys": 32},
    "set_keys": {"changes": 32},
    "publish_keys": {"service_keys": 8},
    "set_departments": {"bodies": 32},
    "post_calendars": {"postings": 8},
    "object_calendars": {"protests": 8},
    "propose": {"motions": 8, "admissions": 8},
    "vote": {"ballots": 32},
}

DEFAULT_GAS = 150_000
GAS: Mapping[str, int] = {}
