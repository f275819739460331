"""What the command prints: in the language of ``LANG``, for people or, with ``--json``, for programs."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from typing import Literal

from rich.console import Console
from rich.table import Table
from rich.text import Text

from ledger.errors import IntegrityError, LedgerError, SetupError, UnavailableError
from ledger.wire.problems import explain, problem

__all__ = ["Language", "exit_status", "grid", "language", "say_error", "say_json"]

Language = Literal["zh", "en"]


def language(environment: Mapping[str, str] = os.environ) -> Language:
    """Return the language of the locale: Chinese unless it says English."""
    value = next((environment[name] for name in ("LC_ALL", "LC_MESSAGES", "LANG") if environment.get(name)), "")
    return "en" if value.startswith("en") or value in {"C", "C.UTF-8", "POSIX"} else "zh"


def exit_status(error: LedgerError) -> int:
    """Return the exit status of an error: 2 input, 3 not now, 4 set-up, 5 integrity; 1 is a negative verdict."""
    if isinstance(error, UnavailableError):
        return 3
    if isinstance(error, SetupError):
        return 4
    return 5 if isinstance(error, IntegrityError) else 2


def say_error(error: LedgerError, lang: Language, *, as_json: bool) -> None:
    """Say an error on standard error: a sentence, its code, the next step."""
    console = Console(stderr=True, highlight=False)
    if as_json:
        console.print_json(json.dumps(problem(error, lang), ensure_ascii=False))
        return
    told = explain(error, lang)
    console.print(Text.assemble((told.text, "bold red"), (f"  [{error.code}]", "dim")))
    if told.next_step:
        console.print(Text(told.next_step))


def grid(columns: int) -> Table:
    """Return a plain table whose cells fold and are never cut off: what is shown can be copied."""
    table = Table(show_header=False, box=None, padding=(0, 2, 0, 0))
    for _ in range(columns):
        table.add_column(overflow="fold")
    return table


def say_json(document: object) -> None:
    """Print a document for programs."""
    print(json.dumps(document, ensure_ascii=False, indent=1))  # noqa: T201 - standard output is the interface
