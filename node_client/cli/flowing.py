"""Lines that break where Chinese may break: between any two characters, never before what closes a clause.

Elsewhere a line is broken at spaces alone, and a Chinese sentence is one long word that starts on a line of its own.
"""

from __future__ import annotations

import re

from rich.cells import cell_len
from rich.console import Console, JustifyMethod, OverflowMethod
from rich.containers import Lines
from rich.text import Text

__all__ = ["Flowing", "breaks"]

# What stays in one piece: a word with its spaces, or one character; what closes a clause stays with what is before it,
# what opens one with what is after it.
_WIDE = r"\u2e80-\u9fff\uf900-\ufaff\uff00-\uffef\U00020000-\U0003ffff"
_OPENING, _CLOSING = "（“《【「〔", "，。：；、！？）”》】」〕…"
_PIECE = re.compile(
    rf"[{_OPENING}]*(?:[^\s{_WIDE}{_OPENING}{_CLOSING}]+|[{_WIDE}]|\s)[{_CLOSING}]*\s*|[{_OPENING}{_CLOSING}]+\s*"
)


def breaks(text: str, width: int) -> list[int]:
    """Return where a text is broken so that no line is wider than so many cells; a longer word is cut."""
    found: list[int] = []
    start = 0
    for piece in _PIECE.finditer(text):
        if piece.start() > start and cell_len(text[start : piece.end()].rstrip()) > width:
            start = piece.start()
            found.append(start)
        while cell_len(text[start : piece.end()].rstrip()) > width:
            kept = start + 1
            while kept < piece.end() and cell_len(text[start : kept + 1]) <= width:
                kept += 1
            start = kept
            found.append(start)
    return found


class Flowing(Text):
    """A text whose lines flow as the words of its languages do."""

    def wrap(
        self,
        console: Console,
        width: int,
        *,
        justify: JustifyMethod | None = None,
        overflow: OverflowMethod | None = None,
        tab_size: int = 8,
        no_wrap: bool | None = None,
    ) -> Lines:
        """Break into lines; as any text where it must not be broken."""
        if no_wrap or self.no_wrap or width < 1:
            return super().wrap(console, width, justify=justify, overflow=overflow, tab_size=tab_size, no_wrap=no_wrap)
        lines = Lines()
        for line in self.split(allow_blank=True):
            for part in line.divide(breaks(line.plain, width)):
                part.rstrip()
                lines.append(part)
        return lines
