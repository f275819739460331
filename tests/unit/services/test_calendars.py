"""Calendars from notices: the built-in ones, and an operator's file."""

from __future__ import annotations

import json
from datetime import date
from typing import TYPE_CHECKING, Any

import pytest

from ledger.domain.limits import LIMITS
from ledger.domain.workdays import day_number
from ledger.errors import LedgerError
from ledger.services.calendars import notice_calendar, read_notice, read_notice_file

if TYPE_CHECKING:
    from pathlib import Path

REST = ["2027-01-01", "2027-02-08"]
WORK = ["2027-02-13"]


def test_notices_of_the_state_council() -> None:
    calendar = notice_calendar(2026)
    # 2026: New Year's Day to 3 January off, Sunday 4 January worked; 1 October off.
    worked = [date(2026, 1, 4), date(2026, 2, 14), date(2026, 3, 2)]
    off = [date(2026, 1, 1), date(2026, 1, 2), date(2026, 2, 17), date(2026, 10, 1), date(2026, 3, 7)]
    assert [calendar.is_working(day_number(day)) for day in worked] == [True] * 3
    assert [calendar.is_working(day_number(day)) for day in off] == [False] * 5


@pytest.mark.parametrize(
    ("year", "code"), [(2090, "workdays.no_notice"), (2019, "workdays.bad_year"), (0, "workdays.bad_year")]
)
def test_a_year_without_a_notice_is_never_guessed(year: int, code: str) -> None:
    with pytest.raises(LedgerError) as caught:
        notice_calendar(year)
    assert caught.value.code == code
    assert caught.value.facts["year"] == year


def test_a_notice_from_a_file(tmp_path: Path) -> None:
    document = tmp_path / "2027.json"
    document.write_text(json.dumps({"year": 2027, "rest": REST, "work": WORK}), encoding="utf-8")
    table = tmp_path / "2027.CSV"
    table.write_text("\ufeffdate,kind\n2027-01-01,休\n2027-02-08,rest\n2027-02-13,班\n", encoding="utf-8")
    calendar = read_notice_file(document)
    assert read_notice_file(table) == calendar
    assert not calendar.is_working(day_number(date(2027, 1, 1)))
    assert calendar.is_working(day_number(date(2027, 2, 13)))
    assert not calendar.is_working(day_number(date(2027, 2, 14)))
    assert calendar.is_working(day_number(date(2027, 2, 15)))


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"year": "2027"}, "workdays.bad_notice"),
        ({"year": True}, "workdays.bad_notice"),
        ({"extra": 1}, "workdays.bad_notice"),
        ({"rest": ["yesterday"]}, "workdays.bad_notice"),
        ({"rest": 5}, "workdays.bad_notice"),
        ({"rest": REST * 2}, "workdays.duplicate_day"),
        ({"work": REST[:1]}, "workdays.duplicate_day"),
        ({"rest": ["2026-12-31"]}, "workdays.mixed_years"),
        ({"year": 1990, "rest": [], "work": []}, "workdays.bad_year"),
    ],
)
def test_notices_that_are_refused(change: dict[str, Any], code: str) -> None:
    with pytest.raises(LedgerError) as caught:
        read_notice(json.dumps({"year": 2027, "rest": REST, "work": WORK, **change}), kind="json")
    assert caught.value.code == code


@pytest.mark.parametrize(
    "text",
    [
        "",
        "date,kind\n",
        "day,kind\n2027-01-01,rest\n",
        "date,kind\n2027-01-01,half\n",
        "date,kind\n2027-01-01,rest,x\n",
        'date,kind\n"2027-01-01,rest\n',
    ],
)
def test_tables_that_are_refused(text: str) -> None:
    with pytest.raises(LedgerError) as caught:
        read_notice(text, kind="csv")
    assert caught.value.code == "workdays.bad_notice"


def test_texts_that_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "notice.json"
    for data in (b"\xff\xfe", b"[]", b"{"):
        path.write_bytes(data)
        with pytest.raises(LedgerError) as caught:
            read_notice_file(path)
        assert caught.value.code == "workdays.bad_notice"


def test_a_file_that_is_no_notice_by_its_size_is_not_parsed() -> None:
    with pytest.raises(LedgerError) as caught:
        read_notice(" " * (LIMITS.json_bytes + 1), kind="json")
    assert caught.value.code == "workdays.bad_notice"
