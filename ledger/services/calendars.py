"""Calendars of working days from the State Council's yearly notices 国务院办公厅关于节假日安排的通知.

Two sources: the notices that the library ``chinesecalendar`` carries, and a file that an operator or a regulator writes
from a newer notice. A year that neither knows is an error: weekends alone would be a guess, and limits of law rest on it.
"""

from __future__ import annotations

import csv
import io
import json
from datetime import date, timedelta
from typing import TYPE_CHECKING

from ledger.domain.limits import LIMITS
from ledger.domain.workdays import YearCalendar, year_days
from ledger.errors import FormatError, InputError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

__all__ = ["notice_calendar", "read_notice", "read_notice_file"]

_SATURDAY = 5
_WORK = {"1", "work", "班"}
_REST = {"0", "rest", "休"}


def notice_calendar(year: int) -> YearCalendar:
    """The working days of a year whose notice is built in.

    Raises:
        InputError: ``workdays.no_notice``: no notice for that year is known here; ``workdays.bad_year``.
    """
    import chinese_calendar  # noqa: PLC0415 - its tables are needed only by whoever posts a calendar

    YearCalendar(year, 1)
    is_workday: Callable[[date], bool] = chinese_calendar.is_workday
    try:
        working = [day for day in _days(year) if is_workday(day)]
    except NotImplementedError as unknown:
        raise InputError("workdays.no_notice", year=year) from unknown
    return YearCalendar.of(year, working)


def read_notice(text: str, *, kind: str) -> YearCalendar:
    """Read a year's notice from text: which weekdays are off and which weekend days are worked.

    JSON: ``{"year": 2027, "rest": ["2027-01-01", …], "work": ["2027-02-06", …]}``. CSV: a header ``date,kind`` and a
    line for each changed day, kind ``rest`` or ``work`` (also 休, 班). All other days are as in any week.

    Args:
        text: the file's content.
        kind: ``json`` or ``csv``.

    Raises:
        FormatError: ``workdays.bad_notice`` (unreadable), ``workdays.duplicate_day``, ``workdays.mixed_years``.
        InputError: as ``YearCalendar``; ``workdays.bad_year``.
    """
    if len(text) > LIMITS.json_bytes:
        raise FormatError("workdays.bad_notice", kind=kind)
    try:
        year, changed = _from_json(text) if kind == "json" else _from_csv(text)
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError, csv.Error) as fault:
        raise FormatError("workdays.bad_notice", kind=kind) from fault
    if any(day.year != year for day in changed):
        raise FormatError("workdays.mixed_years", year=year)
    YearCalendar(year, 1)
    return YearCalendar.of(year, [day for day in _days(year) if changed.get(day, day.weekday() < _SATURDAY)])


def read_notice_file(path: Path) -> YearCalendar:
    """Read a notice from a file; its suffix says which form it has.

    Raises:
        FormatError: as ``read_notice``; ``workdays.bad_notice`` also for bytes that are not UTF-8.
        InputError: as ``read_notice``.
        OSError: the file cannot be read.
    """
    kind = "csv" if path.suffix.lower() == ".csv" else "json"
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError as fault:
        raise FormatError("workdays.bad_notice", kind=kind) from fault
    return read_notice(text, kind=kind)


def _days(year: int) -> list[date]:
    first = date(year, 1, 1)
    return [first + timedelta(days=index) for index in range(year_days(year))]


def _from_json(text: str) -> tuple[int, dict[date, bool]]:
    document = json.loads(text)
    if set(document) != {"year", "rest", "work"} or type(document["year"]) is not int:
        raise ValueError
    rows = [(entry, name == "work") for name in ("rest", "work") for entry in document[name]]
    return document["year"], _changes(rows)


def _from_csv(text: str) -> tuple[int, dict[date, bool]]:
    reader = csv.DictReader(io.StringIO(text), strict=True)
    if reader.fieldnames != ["date", "kind"]:
        raise ValueError
    rows = []
    for row in reader:
        if None in row or row["kind"] not in _WORK | _REST:
            raise ValueError
        rows.append((row["date"], row["kind"] in _WORK))
    changed = _changes(rows)
    return min(changed).year, changed


def _changes(rows: list[tuple[str, bool]]) -> dict[date, bool]:
    changed: dict[date, bool] = {}
    for text, working in rows:
        day = date.fromisoformat(text)
        if day in changed:
            raise FormatError("workdays.duplicate_day", date=day.isoformat())
        changed[day] = working
    return changed
