"""Measurements side by side: each row against its real peer in the same run."""

from __future__ import annotations

__all__: list[str] = []
