"""What the command prints: in the language of ``LANG``, for people or, with ``--json``, for programs."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from typing import Literal

from rich.console import Console, Group, RenderableType
from rich.style import StyleType
from rich.table import Table
from rich.text import Text

from ledger.errors import IntegrityError, LedgerError, SetupError, UnavailableError
from ledger.wire.problems import explain, problem
from ledger.wire.sentences import Sentence
from node_client.cli.flowing import Flowing

__all__ = [
    "GOOD",
    "WRONG",
    "Language",
    "exit_status",
    "good",
    "grid",
    "language",
    "say_error",
    "say_json",
    "screen",
    "styled",
    "visible",
    "wrong",
]

Language = Literal["zh", "en"]

GOOD = Text("✔", style="green")
WRONG = Text("✘", style="bold red")


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
    console = screen(stderr=True)
    if as_json:
        console.print_json(json.dumps(problem(error, lang), ensure_ascii=False))
        return
    told = explain(error, lang)
    # In a group: what is printed directly is made a text of the usual kind.
    console.print(Group(styled((told.text, "bold red"), (f"  [{error.code}]", "dim"))))
    if told.next_step:
        console.print(Group(Flowing(told.next_step)))


def screen(*, stderr: bool = False, soft_wrap: bool = False) -> Console:
    """Return what people read: names and words of others are shown as they are, brackets and colons included."""
    return Console(stderr=stderr, soft_wrap=soft_wrap, highlight=False, markup=False, emoji=False)


def styled(*parts: str | Text | tuple[str, str]) -> Text:
    """Return a line of text with styles: plain parts as they are, pairs as text and style."""
    return Flowing.assemble(*parts)


def visible(text: str) -> str:
    """Return what others wrote without what a terminal would obey: escape sequences, reversed and hidden characters."""
    return "".join(each if each.isprintable() or each == "\n" else "\ufffd" for each in text)


def good(text: object) -> Text:
    """Return a line about what is well."""
    return styled(GOOD, f" {text}")


def wrong(told: Sentence, code: str, *, mark: bool = True) -> Text:
    """Return what is told of a fault: the sentence, its code, the next step."""
    head = (WRONG, f" {told.text}") if mark else ((told.text, "bold red"),)
    return styled(*head, (f" {code}", "dim"), f"\n{told.next_step}")


def grid(columns: int) -> Table:
    """Return a plain table whose cells fold and are never cut off: what is shown can be copied.

    The first column, where codes and ids stand, folds last: an id in two lines is not copied at one stroke.
    """
    table = _Grid(show_header=False, box=None, padding=(0, 2, 0, 0))
    for place in range(columns):
        table.add_column(overflow="fold", no_wrap=place == 0)
    return table


class _Grid(Table):
    """A table whose texts flow as Chinese does."""

    def add_row(
        self,
        *renderables: RenderableType | None,
        style: StyleType | None = None,
        end_section: bool = False,
    ) -> None:
        """Add a row; plain texts flow."""
        cells = [Flowing(each) if isinstance(each, str) else each for each in renderables]
        super().add_row(*cells, style=style, end_section=end_section)


def say_json(document: object) -> None:
    """Print a document for programs."""
    print(json.dumps(document, ensure_ascii=False, indent=1))  # noqa: T201 - standard output is the interface
