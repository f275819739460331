"""What happened in the story: every expected result with what came about, kept so that a second run goes on from it.

Facts (the numbers and names of cases, salts, intents) are written down before they are used for the first time, so that a
story that was cut anywhere does the same thing again and not another.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TypeVar

from node_client.networks import write_private

__all__ = ["Expectation", "Record"]

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Expectation:
    """One expected result: in which step, what, what was expected, what came about."""

    step: int
    name: str
    expected: str
    found: str

    @property
    def met(self) -> bool:
        """Whether it came about."""
        return self.expected == self.found


class Record:
    """The story's own memory, in one file of the pilot's folder.

    Args:
        path: read if it is there.
        tell: shows an expectation as it is settled.
    """

    def __init__(self, path: Path, tell: Callable[[Expectation], None]) -> None:
        self._path = path
        self._tell = tell
        kept = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
        self._facts: dict[str, object] = kept.get("facts", {})
        self._done: dict[str, Expectation] = {
            item["name"]: Expectation(**item) for item in kept.get("expectations", [])
        }
        self._steps: list[int] = kept.get("steps", [])

    @property
    def expectations(self) -> tuple[Expectation, ...]:
        """All results so far, in the order in which they came about."""
        return tuple(self._done.values())

    @property
    def good(self) -> bool:
        """Whether everything came about as expected."""
        return bool(self._done) and all(item.met for item in self._done.values())

    def fact(self, name: str, make: Callable[[], T]) -> T:
        """Return what was written down under a name, or make it and write it down first. JSON values only."""
        if name not in self._facts:
            self._facts[name] = make()
            self._save()
        return self._facts[name]  # type: ignore[return-value]  # what was written down is what was made

    def count(self, kind: str) -> int:
        """Return how many facts of a kind (``kind:name``) there are."""
        return sum(name.startswith(f"{kind}:") for name in self._facts)

    def expect(self, step: int, name: str, expected: object, found: object) -> None:
        """Settle one expectation; the same again replaces it."""
        item = Expectation(step, name, str(expected), str(found))
        self._done[name] = item
        self._save()
        self._tell(item)

    def finished(self, step: int) -> bool:
        """Whether a step is through."""
        return step in self._steps

    def finish(self, step: int) -> None:
        """Note that a step is through."""
        if step not in self._steps:
            self._steps.append(step)
            self._save()

    def document(self) -> dict[str, object]:
        """Return what happened, for programs."""
        listed = [asdict(item) | {"met": item.met} for item in self._done.values()]
        return {"good": self.good, "expectations": listed}

    def _save(self) -> None:
        kept = {
            "facts": self._facts,
            "expectations": [asdict(item) for item in self._done.values()],
            "steps": self._steps,
        }
        write_private(self._path, json.dumps(kept, ensure_ascii=False, indent=1))
