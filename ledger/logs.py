"""What a node writes down about itself: one JSON object a line, with codes and numbers and nothing else.

A log is read by many and kept for long. So a field is written only when its value cannot name anybody: a number, or a
short word of the product's own alphabet; everything else becomes its kind. Faults are written as where, never as what.
"""

from __future__ import annotations

import logging
import re
import sys
import traceback
from collections.abc import MutableMapping
from pathlib import Path
from typing import Any, TextIO

import structlog

__all__ = ["configure", "fault_places", "get"]

# Codes, step names, addresses and digests; no spaces, no Chinese, no runs of digits as long as a number of a person.
_WORD = re.compile(r"(?!.*\d{11})[a-z][a-z0-9_.:/-]{0,95}\Z|0x[0-9a-f]{8,64}\Z")
_OWN = frozenset({"event", "level", "time"})


def configure(level: str, out: TextIO = sys.stderr) -> None:
    """Send this process's log to a stream, from that level on; libraries speak only from warnings on, without values."""
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True, key="time"),
            _redact,
            structlog.processors.JSONRenderer(),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(getattr(logging, level)),
        logger_factory=structlog.PrintLoggerFactory(out),
    )
    handler = logging.StreamHandler(out)
    handler.setFormatter(_Libraries())
    logging.basicConfig(level=logging.WARNING, handlers=[handler], force=True)


def get() -> Any:  # noqa: ANN401 - structlog's loggers have no type of their own
    """Return the process's logger."""
    return structlog.get_logger()


def fault_places(error: BaseException) -> str:
    """Return where a fault came from, innermost last: file and line, no values."""
    frames = traceback.extract_tb(error.__traceback__)[-6:]
    return "/".join(f"{Path(frame.filename).stem}:{frame.lineno}" for frame in frames).lower()


def _redact(_logger: object, _method: str, fields: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    return {name: value if name in _OWN else _safe(value) for name, value in fields.items()}


def _safe(value: object) -> object:
    if value is None or isinstance(value, bool | int | float):
        return value
    if isinstance(value, str) and _WORD.match(value):
        return value
    return f"<{type(value).__name__}>"


class _Libraries(logging.Formatter):
    """A library's record without its arguments, which may be anything."""

    def format(self, record: logging.LogRecord) -> str:
        """Return one JSON line: who, how serious, where."""
        fields = {
            "event": "library",
            "level": record.levelname.lower(),
            "logger": record.name.lower(),
            "place": f"{record.module.lower()}:{record.lineno}",
            "kind": record.exc_info[0].__name__.lower() if record.exc_info and record.exc_info[0] else None,
        }
        return str(structlog.processors.JSONRenderer()(None, "", _redact(None, "", fields)))
