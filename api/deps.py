"""What every router is handed: this city's node, its log as files, and the policy its receipts are held against."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from ledger.domain.policies import Policy
from ledger.log.view import LogView
from ledger.services.context import Node

__all__ = ["Site"]


@dataclass(frozen=True, slots=True)
class Site:
    """One city's web process; it holds no key."""

    node: Node
    log: LogView
    policy: Callable[[], Policy]
