"""Limit rules, codes of matters, modes and ids of agreements."""

from __future__ import annotations

import hashlib
from dataclasses import fields
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.domain.cases import Mode
from ledger.domain.catalogue import (
    CaseType,
    ClockStart,
    LimitRule,
    MatterCode,
    MatterType,
    agreement_id,
    mode_bits,
    modes_of,
)
from ledger.domain.codesets import CODE_SETS
from ledger.domain.limits import LIMITS
from ledger.errors import FormatError, InputError


def test_the_licence_law_has_its_own_limits() -> None:
    rule = LimitRule.licence()
    assert (rule.correction_days, rule.decision_days, rule.extension_days, rule.delivery_days) == (5, 20, 10, 10)
    assert (rule.joint_days, rule.joint_extension_days, rule.lower_review_days) == (45, 15, 20)
    assert rule.silence
    assert rule.start is ClockStart.RECEIVING_RECEIPT
    assert rule.matter_type is MatterType.LICENCE


def test_the_word_has_the_published_layout() -> None:
    word = LimitRule(
        matter_type=MatterType.PUBLIC_SERVICE,
        case_type=CaseType.OTHER,
        correction_days=1,
        decision_days=2,
        extension_days=3,
        silence=True,
        start=ClockStart.HANDLING_RECEIPT,
        commitment_days=2,
        delivery_days=4,
        joint_days=5,
        joint_extension_days=6,
        supply_days=7,
        lower_review_days=8,
    ).pack()
    bits = {0: 1, 8: 2, 24: 3, 32: 1, 33: 2, 41: 2, 57: 4, 65: 20, 73: 9, 81: 5, 89: 6, 97: 7, 105: 8}
    assert word == sum(value << shift for shift, value in bits.items())


def test_every_field_has_its_place_once() -> None:
    layout = LimitRule.layout()
    assert set(layout) == {field.name for field in fields(LimitRule)}
    ends = [shift + width for shift, width in layout.values()]
    assert [shift for shift, _ in layout.values()] == [0, *ends[:-1]]
    assert ends[-1] == 113


@given(
    st.builds(
        LimitRule,
        matter_type=st.sampled_from(MatterType),
        case_type=st.sampled_from(CaseType),
        correction_days=st.integers(1, 255),
        decision_days=st.integers(9, 65_535),
        commitment_days=st.integers(0, 9),
        silence=st.booleans(),
        start=st.sampled_from(ClockStart),
        lower_review_days=st.integers(0, 255),
    )
)
def test_a_rule_is_read_back(rule: LimitRule) -> None:
    assert LimitRule.unpack(rule.pack()) == rule


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"correction_days": 256}, "catalogue.rule_range"),
        ({"decision_days": -1}, "catalogue.rule_range"),
        ({"decision_days": 20, "commitment_days": 21}, "catalogue.rule_commitment"),
        ({"silence": True}, "catalogue.rule_silence"),
    ],
)
def test_rules_that_cannot_be(change: dict[str, Any], code: str) -> None:
    with pytest.raises(InputError) as caught:
        LimitRule(matter_type=MatterType.BENEFIT, case_type=CaseType.INSTANT, **change)
    assert caught.value.code == code


@pytest.mark.parametrize(
    "word", [0, -1, 1 << 113, LimitRule.licence().pack() | 255 << 65, LimitRule.licence().pack() & ~255]
)
def test_words_that_are_no_rule(word: int) -> None:
    with pytest.raises(FormatError) as caught:
        LimitRule.unpack(word)
    assert caught.value.code == "catalogue.bad_rule"


def test_matter_types_are_those_of_the_code_set() -> None:
    values = CODE_SETS["GB/T 39046-2020 matter type"].values
    assert {int(code) for code in values} == set(MatterType)


@pytest.mark.parametrize(
    "text", ["0123456789", "01234567890A", "0" * 24, "0" * 36, "local:a", "local:gjj-loan.2026:1", "local:" + "z" * 58]
)
def test_codes_of_every_length_in_use(text: str) -> None:
    code = MatterCode(text)
    assert code.id == hashlib.sha256(text.encode()).digest()
    assert len(text.encode()) <= LIMITS.matter_code_bytes


@pytest.mark.parametrize(
    "text", ["", "0" * 11, "0" * 37, "a" * 10, "local:", "local:-a", "local:" + "z" * 59, "公" * 10]
)
def test_texts_that_are_no_code(text: str) -> None:
    with pytest.raises(InputError) as caught:
        MatterCode(text)
    assert caught.value.code == "catalogue.matter_code"
    assert caught.value.facts == {"length": len(text)}


def test_modes_are_bits() -> None:
    assert mode_bits(Mode.FULLY_ONLINE, Mode.JOINT) == 0b10010
    assert modes_of(0b10010) == (Mode.FULLY_ONLINE, Mode.JOINT)
    assert modes_of(mode_bits(*Mode)) == tuple(Mode)
    with pytest.raises(InputError):
        mode_bits()
    for bits in (0, 1, 0b100010):
        with pytest.raises(FormatError):
            modes_of(bits)


def test_an_agreement_has_an_id_of_its_chain_contract_and_member() -> None:
    one = {"chain_id": 1, "contract": "0x" + "11" * 20, "member": 1, "salt": b"\x01" * 32}
    ids = [agreement_id(**{**one, **change}) for change in ({}, {"chain_id": 2}, {"member": 2}, {"salt": bytes(32)})]
    assert len(set(ids)) == 4
    assert all(len(value) == 32 for value in ids)
