"""Working days 工作日: days of China Standard Time, calendars of years, elapsed days and due dates.

Every limit of the law on administrative licences is in working days (Administrative Licence Law art. 82), and which
days those are the State Council says year by year, with days swapped 调休. This module is the model of what the
consortium contract computes: a day is numbered ``(POSIX seconds + 28,800) // 86,400``, a year's calendar is a bitmap,
the day on which a limit begins is not counted, and a year without a calendar is an answer of its own (``None``), never
a guess.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta, timezone
from functools import cache
from typing import TYPE_CHECKING

from ledger.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

__all__ = [
    "CHINA",
    "DAY_SECONDS",
    "FIRST_YEAR",
    "LAST_YEAR",
    "MAX_SPAN",
    "ZONE_SECONDS",
    "YearCalendar",
    "date_of",
    "day_end",
    "day_number",
    "day_of",
    "day_start",
    "due_day",
    "elapsed",
    "year_days",
    "year_start",
]

ZONE_SECONDS = 28_800
CHINA = timezone(timedelta(seconds=ZONE_SECONDS))
DAY_SECONDS = 86_400
FIRST_YEAR = 2020
LAST_YEAR = 2100
# The longest span that the contract counts at once: three years.
MAX_SPAN = 1_096
_EPOCH = date(1970, 1, 1)
_WORD = 256
_LOW = (1 << _WORD) - 1


def day_of(time: int) -> int:
    """The number of the day of China Standard Time in which a POSIX time lies."""
    return (time + ZONE_SECONDS) // DAY_SECONDS


def day_start(day: int) -> int:
    """The POSIX time at which a day begins in China."""
    return day * DAY_SECONDS - ZONE_SECONDS


def day_end(day: int) -> int:
    """The last POSIX second of a day in China."""
    return day_start(day + 1) - 1


def date_of(day: int) -> date:
    """The calendar date of a day."""
    return _EPOCH + timedelta(days=day)


def day_number(on: date) -> int:
    """The number of a calendar date."""
    return (on - _EPOCH).days


@cache
def year_start(year: int) -> int:
    """The number of the first of January."""
    return day_number(date(year, 1, 1))


def year_days(year: int) -> int:
    """How many days a year has."""
    return year_start(year + 1) - year_start(year)


@dataclass(frozen=True, slots=True)
class YearCalendar:
    """The working days of one year.

    Attributes:
        year: the year.
        bits: bit n is set where day n of the year, from 0, is a working day.
    """

    year: int
    bits: int

    def __post_init__(self) -> None:
        """Refuse a calendar that the contract would refuse.

        Raises:
            InputError: ``workdays.bad_year``, ``workdays.bad_calendar`` (no working day, or days beyond the year's end).
        """
        if not FIRST_YEAR <= self.year <= LAST_YEAR:
            raise InputError("workdays.bad_year", year=self.year, first=FIRST_YEAR, last=LAST_YEAR)
        if self.bits <= 0 or self.bits >> year_days(self.year):
            raise InputError("workdays.bad_calendar", year=self.year)

    @classmethod
    def of(cls, year: int, working: Iterable[date]) -> YearCalendar:
        """Build from the dates on which people work.

        Raises:
            InputError: as the class, and ``workdays.wrong_year`` for a date of another year.
        """
        bits = 0
        for day in working:
            if day.year != year:
                raise InputError("workdays.wrong_year", year=year, date=day.isoformat())
            bits |= 1 << (day_number(day) - year_start(year))
        return cls(year, bits)

    @classmethod
    def from_words(cls, year: int, low: int, high: int) -> YearCalendar:
        """Build from the contract's two words."""
        return cls(year, low | high << _WORD)

    @property
    def low(self) -> int:
        """The first 256 days, as the contract takes them."""
        return self.bits & _LOW

    @property
    def high(self) -> int:
        """The rest of the year, as the contract takes it."""
        return self.bits >> _WORD

    def is_working(self, day: int) -> bool:
        """Whether a day of this year, by its number, is a working day."""
        return bool(self.bits >> (day - year_start(self.year)) & 1)

    def count(self, first: int, last: int) -> int:
        """Working days from day number ``first`` to ``last``, both included, as far as they lie in this year."""
        start = year_start(self.year)
        low = max(first - start, 0)
        high = min(last - start, year_days(self.year) - 1)
        if high < low:
            return 0
        return (self.bits >> low & ((1 << (high - low + 1)) - 1)).bit_count()

    def reached(self, first: int, days: int) -> int | None:
        """The day number on which ``days`` working days, one or more, are over, counted from day ``first`` of this year.

        Returns:
            None where the rest of the year has fewer.
        """
        bits = self.bits >> (first - year_start(self.year))
        if bits.bit_count() < days:
            return None
        for _ in range(days - 1):
            bits &= bits - 1
        return first + (bits & -bits).bit_length() - 1

    def changes_past(self, correction: YearCalendar, today: int) -> bool:
        """Whether a correction touches a day before ``today``, which the contract refuses."""
        passed = today - year_start(self.year)
        return passed > 0 and bool((self.bits ^ correction.bits) & ((1 << passed) - 1))


def elapsed(calendars: Mapping[int, YearCalendar], first_day: int, last_day: int) -> int | None:
    """Working days after ``first_day`` up to and with ``last_day``.

    Returns:
        None where a year in between has no calendar, or the span is over three years: not a number to act on.
    """
    if last_day <= first_day:
        return 0
    if last_day - first_day > MAX_SPAN:
        return None
    total = 0
    for year in range(date_of(first_day + 1).year, date_of(last_day).year + 1):
        calendar = calendars.get(year)
        if calendar is None:
            return None
        total += calendar.count(first_day + 1, last_day)
    return total


def due_day(calendars: Mapping[int, YearCalendar], first_day: int, days: int) -> int | None:
    """The last day of a limit of ``days`` working days that began on ``first_day`` (which is not counted).

    Returns:
        None where the limit runs into a year whose notice is not out: *not yet known*, not an error.
    """
    if days == 0:
        return first_day
    left, day, last = days, first_day + 1, first_day + MAX_SPAN
    while day <= last:
        year = date_of(day).year
        calendar = calendars.get(year)
        if calendar is None:
            return None
        due = calendar.reached(day, left)
        if due is not None:
            return due if due <= last else None
        following = year_start(year + 1)
        left -= calendar.count(day, following - 1)
        day = following
    return None
