"""Calendars of working days from the State Council's yearly notices 国务院办公厅关于节假日安排的通知.

Two sources: the notices that the library ``chinesecalendar`` carries, and a file that an operator or a regulator writes
from a newer notice. A year that neither knows is an error: weekends alone would be a guess, and limits of law rest on it.
A regulator posts them; any member may object to the version in force, which is recorded and changes nothing by itself.
"""

from __future__ import annotations

import csv
import hashlib
import io
import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

from sqlalchemy import select
from sqlalchemy.engine import Connection

from ledger.domain import canonical
from ledger.domain.agreements import text_digest
from ledger.domain.limits import LIMITS
from ledger.domain.operations import Operation
from ledger.domain.workdays import YearCalendar, year_days
from ledger.errors import FormatError, InputError, NotFoundError
from ledger.projections.consortium import calendars as calendars_in_force
from ledger.services.asking import ask_for
from ledger.services.context import Node
from ledger.storage.tables import consortium as tables

__all__ = [
    "CalendarShown",
    "notice_calendar",
    "object_calendar",
    "post_calendars",
    "posted",
    "read_notice",
    "read_notice_file",
]

_SATURDAY = 5
_VERSION = select(tables.calendars.c.version).order_by(tables.calendars.c.version.desc()).limit(1)
_WORK = {"1", "work", "班"}
_REST = {"0", "rest", "休"}


@dataclass(frozen=True, slots=True)
class CalendarShown:
    """A year's calendar in force: its version, who posted it, its working days, and which members object to it."""

    year: int
    version: int
    member: int
    working: int
    objections: tuple[int, ...]


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
        NotFoundError: ``files.missing``: the file cannot be read.
    """
    kind = "csv" if path.suffix.lower() == ".csv" else "json"
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except OSError:
        raise NotFoundError("files.missing") from None
    except UnicodeDecodeError as fault:
        raise FormatError("workdays.bad_notice", kind=kind) from fault
    return read_notice(text, kind=kind)


def post_calendars(node: Node, calendars: Iterable[YearCalendar]) -> list[str]:
    """Post working-day calendars with a regulator's key, each under the digest of its notice's title."""

    def stands(item: YearCalendar) -> Callable[[Connection], bool]:
        return lambda connection: calendars_in_force(connection).get(item.year) == item

    return [
        ask_for(
            node,
            Operation.POST_CALENDARS,
            node.consortium,
            {"year": item.year, "low": item.low, "high": item.high, "notice": text_digest(_notice(item.year))},
            f"calendar:{item.year}",
            hashlib.sha256(item.low.to_bytes(32) + item.high.to_bytes(32)).hexdigest()[:16],
            role="regulate",
            stands=stands(item),
        )
        for item in calendars
    ]


def object_calendar(node: Node, year: int, words: str) -> str:
    """Object to a year's calendar in force, once for each version; the digest of the reasons goes onto the record.

    Raises:
        NotFoundError: ``workdays.not_posted``: no calendar of that year stands there.
    """
    with node.database.read() as connection:
        version = connection.execute(_VERSION.where(tables.calendars.c.year == year)).scalar()
    if version is None:
        raise NotFoundError("workdays.not_posted", year=year)
    return ask_for(
        node,
        Operation.OBJECT_CALENDARS,
        node.consortium,
        {"year": year, "version": version, "commitment": text_digest({"reasons": words, "year": year})},
        f"object-calendar:{year}",
        str(version),
        role="operate",
    )


def posted(connection: Connection) -> list[CalendarShown]:
    """Return the calendars in force, by year."""
    table, against = tables.calendars, tables.calendar_objections
    working = calendars_in_force(connection)
    objections: dict[tuple[int, int], list[int]] = {}
    for row in connection.execute(select(against).order_by(against.c.member)):
        objections.setdefault((row.year, row.version), []).append(row.member)
    newest = {row.year: row for row in connection.execute(select(table).order_by(table.c.version))}
    return [
        CalendarShown(
            year,
            row.version,
            row.member,
            working[year].bits.bit_count(),
            tuple(objections.get((year, row.version), ())),
        )
        for year, row in sorted(newest.items())
    ]


def _notice(year: int) -> canonical.JsonObject:
    """The notice that a year's calendar follows, by the title under which the State Council publishes it."""
    return {"organ": "国务院办公厅", "title": f"国务院办公厅关于{year}年部分节假日安排的通知", "year": year}


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
