"""Help whose lines fold: Typer cuts off what is too long for its cell, which in Chinese, without spaces, is often."""

from __future__ import annotations

from typing import Any

from rich.text import Text
from typer import rich_utils

__all__ = ["fold_help"]

_made = rich_utils._make_rich_text  # noqa: SLF001 - Typer has no setting for it


def fold_help() -> None:
    """Let every text of the help fold instead of ending in "…"."""
    rich_utils._make_rich_text = _folding  # noqa: SLF001 - as above


def _folding(**how: Any) -> Any:  # noqa: ANN401 - Typer's own signature
    made = _made(**how)
    if isinstance(made, Text):
        made.overflow = "fold"
    return made
