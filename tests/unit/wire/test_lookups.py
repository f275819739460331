from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ledger.domain import canonical
from ledger.domain.leaves import Holding
from ledger.domain.limits import LIMITS
from ledger.errors import FormatError, InputError
from ledger.wire import lookups
from ledger.wire.lookups import Answer, FoundLeaf, FoundMaterial, Question, SignedQuestion
from ledger.wire.padding import pad, unpad

LOOKUP, SALT = b"\x01" * 32, b"\x02" * 32
QUESTION = Question(
    LOOKUP, 2, 1, 1, "resident-card", "510107199001010018", "样本甲", ("household-register",), b"\x03" * 32
)
SIGNED = SignedQuestion(QUESTION, SALT, (b"\x04" * 65, b"\x05" * 65))
LEAF = FoundLeaf(0, Holding.CUSTODY, 7 << 32 | 3, b"\x06" * 58, (b"\x07" * 32, b"\x08" * 32))
FOUND = FoundMaterial("m1", "household-register", "tongban:types", 2, "any", 5, 0, "0x" + "ab" * 20, (LEAF,))
ANSWER = Answer(LOOKUP, materials=(FOUND, replace(FOUND, material="m2", leaves=())), more=True)


def test_documents_survive_their_bytes() -> None:
    assert lookups.decode_question(lookups.encode_question(SIGNED)) == SIGNED
    for answer in (ANSWER, Answer(LOOKUP), Answer(LOOKUP, refused="lookups.not_authorised")):
        assert lookups.decode_answer(lookups.encode_answer(answer, SALT)) == (answer, SALT)


def test_lengths_tell_nothing() -> None:
    other = replace(SIGNED, question=replace(QUESTION, name="样", types=()))
    assert {len(lookups.encode_question(one)) for one in (SIGNED, other)} == {LIMITS.lookup_question_bytes}
    answers = (ANSWER, Answer(LOOKUP), Answer(LOOKUP, refused="lookups.identity"))
    assert {len(lookups.encode_answer(one, SALT)) for one in answers} == {LIMITS.lookup_answer_bytes}


def test_what_does_not_fit_is_refused() -> None:
    long = replace(SIGNED, question=replace(QUESTION, name="样" * LIMITS.lookup_question_bytes))
    with pytest.raises(InputError, match=r"lookups\.too_long"):
        lookups.encode_question(long)
    many = replace(ANSWER, materials=(FOUND,) * 500)
    assert not lookups.fits(many)
    with pytest.raises(InputError, match=r"lookups\.too_long"):
        lookups.encode_answer(many, SALT)


def test_a_commitment_binds_every_part_and_hides_by_its_salt() -> None:
    changes: list[dict[str, Any]] = [
        {"lookup": bytes(32)}, {"asker": 3}, {"asked": 3}, {"purpose": 2}, {"kind": "passport"}, {"number": "1"},
        {"name": "样本乙"}, {"types": ()}, {"paper": bytes(32)},
    ]  # fmt: skip
    questions = [QUESTION, *(replace(QUESTION, **change) for change in changes)]
    commitments = {lookups.commitment_of(question, SALT) for question in questions}
    assert len(commitments) == len(questions)
    assert lookups.commitment_of(QUESTION, bytes(32)) not in commitments
    answers = [ANSWER, replace(ANSWER, more=False), replace(ANSWER, materials=()), Answer(LOOKUP, refused="a.b")]
    assert len({lookups.answer_commitment(answer, SALT) for answer in answers}) == len(answers)


def test_nobody_is_named_where_it_could_be_logged() -> None:
    for text in (QUESTION.number, QUESTION.name):
        assert text not in repr(QUESTION)
        assert text not in repr(SIGNED)


def changed(content: bytes, size: int, path: str, value: canonical.JsonValue) -> bytes:
    document = canonical.decode_object(unpad(content, size, "x.y"))
    *steps, last = path.split(".")
    node: Any = document
    for step in steps:
        node = node[int(step)] if isinstance(node, list) else node[step]
    node[int(last) if isinstance(node, list) else last] = value
    return pad(canonical.encode(document), size)


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("format", "tongban/other/1"),
        ("extra", 1),
        ("salt", "00"),
        ("signatures", ["04" * 65]),
        ("signatures.0", "04" * 64),
        ("question.extra", 1),
        ("question.asker", "2"),
        ("question.lookup", "01"),
        ("question.types", ["样本"]),
        ("question.types", ["a"] * (LIMITS.lookup_types + 1)),
        ("question.name", 1),
    ],
)
def test_questions_are_read_strictly(path: str, value: canonical.JsonValue) -> None:
    size = LIMITS.lookup_question_bytes
    with pytest.raises(FormatError, match=r"lookups\.document"):
        lookups.decode_question(changed(lookups.encode_question(SIGNED), size, path, value))


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("format", "tongban/lookup-question/1"),
        ("answer.refused", "not a code"),
        ("answer.more", 0),
        ("answer.materials", {}),
        ("answer.materials.0.contract", "0xAB"),
        ("answer.materials.0.material", "样本"),
        ("answer.materials.0.assurance", -1),
        ("answer.materials.0.leaves.0.holding", 3),
        ("answer.materials.0.leaves.0.entry", "00"),
        ("answer.materials.0.leaves.0.leaf", "7"),
        ("answer.materials.0.leaves.0.proof", ["00"]),
    ],
)
def test_answers_are_read_strictly(path: str, value: canonical.JsonValue) -> None:
    size = LIMITS.lookup_answer_bytes
    with pytest.raises(FormatError, match=r"lookups\.document"):
        lookups.decode_answer(changed(lookups.encode_answer(ANSWER, SALT), size, path, value))


@pytest.mark.parametrize("content", [b"", bytes(16), bytes(LIMITS.lookup_answer_bytes)])
def test_another_length_or_nothing_at_all_is_no_question(content: bytes) -> None:
    with pytest.raises(FormatError):
        lookups.decode_question(content)


@settings(max_examples=30, deadline=None)
@given(st.binary(max_size=200), st.integers(4, 64))
def test_padding_comes_off_again(document: bytes, step: int) -> None:
    content = pad(document, step)
    assert len(content) % step == 0
    assert unpad(content, step, "a.b") == document
    with pytest.raises(FormatError):
        unpad(content + b"\x01" * step, step, "a.b")
