"""Calendars on the chain: posting, correcting, objecting, counting; the count against the model in a property test."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ledger.domain import workdays
from ledger.domain.events import CalendarObjected, CalendarPosted
from ledger.domain.reasons import Reason
from ledger.domain.workdays import YearCalendar, day_number, year_days, year_start
from ledger.services.calendars import notice_calendar
from tests.contracts.world import World, found

if TYPE_CHECKING:
    from tests.contracts.chain import Receipt

NOTICE = b"\x02" * 32
COMMITMENT = b"\x03" * 32


def post(world: World, *calendars: YearCalendar, member: str = "regulator", name: str = "regulate") -> Receipt:
    postings = [(item.year, item.low, item.high, NOTICE) for item in calendars]
    return world.send(member, name, "consortium", "post_calendars", postings)


def flipped(calendar: YearCalendar, day: int) -> YearCalendar:
    return YearCalendar(calendar.year, calendar.bits ^ 1 << (day - year_start(calendar.year)))


def test_a_calendar_is_posted_and_corrected(world: World) -> None:
    weekdays = YearCalendar(2027, (1 << 365) - 1)
    posted = post(world, weekdays).done().one(CalendarPosted)
    key = world.members["regulator"].address("regulate")
    assert posted == CalendarPosted(2027, 1, 6, key, weekdays.low, weekdays.high, NOTICE)
    corrected = flipped(weekdays, day_number(date(2027, 2, 8)))
    assert post(world, corrected).done().one(CalendarPosted).version == 2
    assert world.call("consortium", "calendar", 2027) == (corrected.low, corrected.high, 2)
    assert post(world, corrected).reasons == [Reason.ALREADY_DONE]


def test_days_that_have_passed_stay_as_they_were(world: World) -> None:
    calendar = notice_calendar(2026)
    today = workdays.day_of(world.chain.now)
    assert post(world, flipped(calendar, today - 1)).reasons == [Reason.PAST_DAY]
    assert post(world, flipped(calendar, today)).reasons == []
    # After the 256th day the second word is looked at too.
    world.chain.now = workdays.day_start(day_number(date(2026, 11, 2)))
    present = flipped(calendar, today)
    for passed in (date(2026, 9, 13), date(2026, 9, 14), date(2026, 11, 1)):
        assert post(world, flipped(present, day_number(passed))).reasons == [Reason.PAST_DAY]
    assert post(world, flipped(present, day_number(date(2026, 11, 2)))).reasons == []
    world.chain.now = workdays.day_start(day_number(date(2027, 3, 1)))
    assert post(world, flipped(present, day_number(date(2026, 12, 31)))).reasons == [Reason.PAST_DAY]


def test_postings_that_are_no_calendar(world: World) -> None:
    cases = [
        ((2019, 1, 0, NOTICE), Reason.OUT_OF_RANGE),
        ((2101, 1, 0, NOTICE), Reason.OUT_OF_RANGE),
        ((2027, 1, 1 << (365 - 256), NOTICE), Reason.OUT_OF_RANGE),
        ((2028, 1, 1 << (366 - 256), NOTICE), Reason.OUT_OF_RANGE),
        ((2028, 1, 1 << (365 - 256), NOTICE), Reason.OK),
        ((2027, 0, 0, NOTICE), Reason.OUT_OF_RANGE),
        ((2027, 1, 0, bytes(32)), Reason.DIGEST_MISSING),
    ]
    receipt = world.send("regulator", "regulate", "consortium", "post_calendars", [posting for posting, _ in cases])
    assert receipt.reasons_by_index(len(cases)) == [reason for _, reason in cases]


def test_members_object_once_to_the_present_version(world: World) -> None:
    protests = [(2026, 1, COMMITMENT), (2026, 2, COMMITMENT), (2026, 0, COMMITMENT), (2027, 0, COMMITMENT)]
    receipt = world.send("wuhou", "operate", "consortium", "object_calendars", protests)
    assert receipt.one(CalendarObjected) == CalendarObjected(2026, 1, 1, COMMITMENT)
    assert receipt.reasons_by_index(4) == [Reason.OK, Reason.NO_CALENDAR, Reason.NO_CALENDAR, Reason.NO_CALENDAR]
    again = world.send("wuhou", "administer", "consortium", "object_calendars", protests[:1])
    assert again.reasons == [Reason.ALREADY_DONE]
    world.send("yanta", "operate", "consortium", "object_calendars", protests[:1]).done()


@pytest.mark.parametrize(
    ("first", "last", "days"),
    [
        # The first day is not counted, the last is.
        (date(2026, 3, 2), date(2026, 3, 2), 0),
        (date(2026, 3, 2), date(2026, 3, 3), 1),
        (date(2026, 3, 6), date(2026, 3, 9), 1),
        # Across the year: 31 December 2025 is worked, 1 to 3 January 2026 are not, Sunday the 4th is.
        (date(2025, 12, 30), date(2026, 1, 4), 2),
        (date(2025, 12, 31), date(2026, 1, 3), 0),
        # The whole of a year.
        (date(2024, 12, 31), date(2025, 12, 31), 248),
        # Years without a notice.
        (date(2024, 12, 30), date(2025, 1, 2), -1),
        (date(2026, 12, 31), date(2027, 1, 1), -1),
        # Nothing to count needs no calendar, a span of over three years has no answer.
        (date(2031, 5, 5), date(2031, 5, 5), 0),
        (date(2025, 1, 1), date(2028, 1, 3), -1),
    ],
)
def test_working_days_are_counted(world: World, first: date, last: date, days: int) -> None:
    assert world.call("consortium", "working_days", day_number(first), day_number(last)) == days


def test_numbers_that_are_no_days_have_no_answer(world: World) -> None:
    huge = 2**256 - 1
    assert world.call("consortium", "working_days", huge - 1, huge) == -1
    assert world.call("consortium", "working_days", huge, 0) == 0


@pytest.fixture(scope="module")
def years() -> World:
    """A network before all the years that are posted in the tests below, so that none of their days has passed."""
    world = found()
    world.chain.now = workdays.day_start(day_number(date(2020, 1, 1)))
    return world


_YEARS = tuple(range(2021, 2030))


@settings(max_examples=40, deadline=None)
@given(
    bits=st.lists(st.integers(1, (1 << 365) - 1), min_size=len(_YEARS), max_size=len(_YEARS)),
    missing=st.sampled_from((*_YEARS, 0, 0, 0)),
    spans=st.lists(
        st.tuples(st.integers(year_start(2021) - 3, year_start(2030) + 3), st.integers(-3, 1_100)),
        min_size=8,
        max_size=8,
    ),
)
def test_contract_counts_as_the_model_does(
    years: World, bits: list[int], missing: int, spans: list[tuple[int, int]]
) -> None:
    snapshot = years.chain.snapshot()
    calendars = {year: YearCalendar(year, word) for year, word in zip(_YEARS, bits, strict=True) if year != missing}
    present = {year: notice_calendar(year) for year in (2025, 2026)}
    for start in range(0, len(calendars), 5):
        post(years, *list(calendars.values())[start : start + 5])
    known = {**present, **calendars}
    for first, length in spans:
        expected = workdays.elapsed(known, first, first + length)
        found_days = years.call("consortium", "working_days", first, first + length)
        assert found_days == (-1 if expected is None else expected), (first, length)
    years.chain.revert(snapshot)


def test_year_arithmetic_over_a_century(years: World) -> None:
    snapshot = years.chain.snapshot()
    for year in (2020, 2028, 2096, 2099, 2100):
        last = year_days(year) - 1
        post(years, YearCalendar(year, 1 | 1 << last)).done()
        start = year_start(year)
        assert years.call("consortium", "working_days", start - 1, start + last) == 2
        assert years.call("consortium", "working_days", start, start + last - 1) == 0
    years.chain.revert(snapshot)
