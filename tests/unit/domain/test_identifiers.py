from __future__ import annotations

from datetime import date

import pytest
import stdnum.cn.ric
import stdnum.cn.uscc
from hypothesis import given, settings
from hypothesis import strategies as st
from stdnum.iso7064 import mod_37_36

from ledger.domain import identifiers
from ledger.errors import InputError

# Made for these tests: sequence number 000 is given to nobody.
NUMBER = "510107199003070002"


def with_check(body: str) -> str:
    return body + stdnum.cn.ric.calc_check_digit(body + "0")


bodies = st.builds(
    lambda place, day, order: f"{place}{day:%Y%m%d}{order:03}",
    st.sampled_from(["510107", "133100", "500103", "610113", "331000", "110101"]),
    st.dates(date(1900, 1, 1), date(2026, 1, 1)),
    st.integers(0, 999),
)


@settings(max_examples=60)
@given(bodies)
def test_check_characters_are_those_of_another_implementation(body: str) -> None:
    number = with_check(body)
    assert identifiers.check_identity_number(f" {number.lower()} ") == number
    assert identifiers.birth_date(number) == date(int(body[6:10]), int(body[10:12]), int(body[12:14]))


@settings(max_examples=60)
@given(bodies, st.integers(0, 17), st.sampled_from("0123456789"))
def test_every_single_wrong_digit_is_found(body: str, place: int, digit: str) -> None:
    number = with_check(body)
    wrong = number[:place] + digit + number[place + 1 :]
    if wrong == number:
        assert identifiers.check_identity_number(wrong) == number
    else:
        with pytest.raises(InputError, match=r"identifiers.identity_(check|date|place)"):
            identifiers.check_identity_number(wrong)


@pytest.mark.parametrize(
    ("number", "code"),
    [
        ("", "identity_length"),
        ("51010719900307000", "identity_length"),
        ("5101071990030700021", "identity_length"),
        ("51010719900307000X", "identity_check"),
        ("51O107199003070002", "identity_form"),
        ("51010719900307000Y", "identity_form"),
        ("51010719900307000\u0662", "identity_form"),
        ("\u0665\u0661\u06600107199003070002"[:18], "identity_form"),
        ("990107199003070002", "identity_place"),
        ("510107199002300002", "identity_date"),
        ("510107000003070002", "identity_date"),
        ("510107900307000", "identity_historical"),
    ],
    ids=range(12),
)
def test_wrong_numbers_are_named_and_never_repeated(number: str, code: str) -> None:
    with pytest.raises(InputError) as caught:
        identifiers.check_identity_number(number)
    assert caught.value.code == f"identifiers.{code}"
    assert caught.value.__cause__ is None
    assert not number or number not in str(caught.value)


def test_fifteen_digits_stand_in_historical_papers_only() -> None:
    assert identifiers.check_identity_number("510107650307001", historical=True) == "510107650307001"
    assert identifiers.birth_date("510107650307001") == date(1965, 3, 7)
    for number, code in (("51010765030700X", "form"), ("510107651307001", "date"), ("990107650307001", "place")):
        with pytest.raises(InputError, match=rf"identifiers.identity_{code}"):
            identifiers.check_identity_number(number, historical=True)


credit_bodies = st.builds(
    lambda kind, place, organ: f"{kind}{place}{organ}",
    st.sampled_from(["91", "11", "12", "52", "93"]),
    st.sampled_from(["510107", "500103"]),
    st.text(stdnum.cn.uscc._alphabet, min_size=9, max_size=9),
)


@settings(max_examples=60)
@given(credit_bodies, st.integers(0, 17), st.sampled_from(stdnum.cn.uscc._alphabet))
def test_credit_codes_agree_with_another_implementation(body: str, place: int, character: str) -> None:
    code = body + stdnum.cn.uscc.calc_check_digit(body + "0")
    assert identifiers.check_credit_code(code.lower()) == code
    wrong = code[:place] + character + code[place + 1 :]
    if wrong != code:
        with pytest.raises(InputError, match=r"identifiers.credit_(check|form)"):
            identifiers.check_credit_code(wrong)


@pytest.mark.parametrize(
    ("code", "name"),
    [
        ("", "length"),
        ("9111000060003734", "length"),
        ("9111000060003734IL", "form"),
        ("91X10000600037341L", "form"),
        ("91110000600037341M", "check"),
    ],
)
def test_wrong_credit_codes_are_named(code: str, name: str) -> None:
    with pytest.raises(InputError, match=rf"identifiers.credit_{name}"):
        identifiers.check_credit_code(code)


def test_a_published_credit_code() -> None:
    assert identifiers.check_credit_code("91110000600037341L") == "91110000600037341L"


@settings(max_examples=60)
@given(st.binary(min_size=32, max_size=32), st.integers(0, 12), st.sampled_from(identifiers._CROCKFORD))
def test_references_find_every_single_wrong_character(identifier: bytes, place: int, character: str) -> None:
    written = identifiers.reference(identifier)
    plain = written.replace("-", "")
    assert mod_37_36.is_valid(plain)
    assert identifiers.check_reference(f" {plain.lower()}") == written
    wrong = plain[:place] + character + plain[place + 1 :]
    if wrong != plain:
        with pytest.raises(InputError, match=r"identifiers.reference_check"):
            identifiers.check_reference(wrong)


def test_misread_letters_are_taken_for_digits() -> None:
    written = identifiers.reference(bytes(8) + b"\xff" * 24)
    assert written.startswith("0000-0000-0000-")
    assert identifiers.check_reference(written.replace("0000-0", "OOoo-O", 1)) == written
    for text in ("", "0000-0000-0000", "U" * 13):
        with pytest.raises(InputError, match=r"identifiers.reference_form"):
            identifiers.check_reference(text)
