"""Working days: numbering, calendars, elapsed days, due dates."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.domain import workdays
from ledger.domain.workdays import YearCalendar, date_of, day_number, day_of, due_day, elapsed, year_days, year_start
from ledger.errors import InputError
from ledger.services.calendars import notice_calendar

CHINA = timezone(timedelta(hours=8))
CALENDARS = {year: notice_calendar(year) for year in (2025, 2026)}
_DAYS = st.integers(year_start(2025) - 400, year_start(2027) + 400)


@given(st.integers(0, 4_102_444_800))
def test_a_day_is_one_of_china(time: int) -> None:
    day = day_of(time)
    assert date_of(day) == datetime.fromtimestamp(time, CHINA).date()
    assert workdays.day_start(day) <= time <= workdays.day_end(day)
    assert day_number(date_of(day)) == day


def test_the_day_changes_at_sixteen_hours_universal_time() -> None:
    before = int(datetime(2026, 3, 2, 15, 59, 59, tzinfo=UTC).timestamp())
    assert date_of(day_of(before)) == date(2026, 3, 2)
    assert date_of(day_of(before + 1)) == date(2026, 3, 3)


def _slowly(first: int, last: int) -> int | None:
    total = 0
    for day in range(first + 1, last + 1):
        calendar = CALENDARS.get(date_of(day).year)
        if calendar is None:
            return None
        total += calendar.is_working(day)
    return total


@given(_DAYS, st.integers(-5, 1_200))
def test_elapsed_is_a_count_of_days(first: int, span: int) -> None:
    expected = _slowly(first, first + span) if span <= workdays.MAX_SPAN else None
    assert elapsed(CALENDARS, first, first + span) == expected


@given(_DAYS, st.integers(1, 60))
def test_due_day_is_where_the_count_is_reached(first: int, days: int) -> None:
    due = due_day(CALENDARS, first, days)
    if due is None:
        last = year_start(2027) - 1
        reached = _slowly(first, last) if first <= last else None
        assert reached is None or reached < days
        return
    assert elapsed(CALENDARS, first, due) == days
    assert elapsed(CALENDARS, first, due - 1) == days - 1


def test_no_days_are_due_at_once_and_a_calendar_without_end_is_not_known() -> None:
    assert due_day({}, 20_000, 0) == 20_000
    sparse = {year: YearCalendar(year, 1) for year in range(2020, 2030)}
    assert due_day(sparse, year_start(2020), 9) is None


def test_a_limit_of_five_days_around_the_spring_festival() -> None:
    # 2026: the festival is 15 to 23 February; Saturdays 14 and 28 are worked.
    start = day_number(date(2026, 2, 12))
    assert due_day(CALENDARS, start, 5) == day_number(date(2026, 2, 26))


@given(st.integers(2020, 2100), st.data())
def test_a_calendar_is_two_words(year: int, data: st.DataObject) -> None:
    bits = data.draw(st.integers(1, (1 << year_days(year)) - 1))
    calendar = YearCalendar(year, bits)
    assert YearCalendar.from_words(year, calendar.low, calendar.high) == calendar
    assert calendar.low < 1 << 256
    assert calendar.high < 1 << 110
    assert calendar.count(year_start(year), year_start(year + 1) - 1) == bits.bit_count()
    assert calendar.count(year_start(year + 1), year_start(year + 2)) == 0
    days = [date_of(year_start(year) + n) for n in range(year_days(year)) if bits >> n & 1]
    assert YearCalendar.of(year, days) == calendar


@pytest.mark.parametrize(
    ("year", "bits", "code"),
    [
        (2019, 1, "workdays.bad_year"),
        (2101, 1, "workdays.bad_year"),
        (2026, 0, "workdays.bad_calendar"),
        (2026, -1, "workdays.bad_calendar"),
        (2026, 1 << 365, "workdays.bad_calendar"),
    ],
)
def test_what_is_no_calendar(year: int, bits: int, code: str) -> None:
    with pytest.raises(InputError) as caught:
        YearCalendar(year, bits)
    assert caught.value.code == code


def test_days_of_another_year_are_refused() -> None:
    with pytest.raises(InputError) as caught:
        YearCalendar.of(2026, [date(2027, 1, 4)])
    assert caught.value.code == "workdays.wrong_year"


def test_a_correction_may_not_touch_the_past() -> None:
    calendar = CALENDARS[2026]
    changed = YearCalendar(2026, calendar.bits ^ 1 << 40)
    touched = year_start(2026) + 40
    assert not calendar.changes_past(changed, touched)
    assert calendar.changes_past(changed, touched + 1)
    assert not calendar.changes_past(changed, year_start(2026) - 9)
