"""A case's document: read back as written, refused in every other form, and never signed for other words than it shows."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from eth_account.messages import encode_typed_data
from eth_utils.crypto import keccak
from hypothesis import given, settings
from hypothesis import strategies as st

from ledger.domain import canonical, typed
from ledger.domain.cases import Action
from ledger.errors import ConflictError, FormatError, IntegrityError, LedgerError
from ledger.wire.case_documents import FORMAT, check, plain, read_case_document
from ledger.wire.strict import is_kind
from tests.unit.wire.case_document_world import BOX, EXPIRES, KEY, MIANYANG, rating, shown, signed, submission
from tests.vectors.case_documents import generate

GOOD = {
    "submission": submission(),
    "rating": rating(),
    "signed": signed(submission()),
    "pilot": submission(shown(clock_offset=-9)),
}


@pytest.mark.parametrize("name", GOOD)
def test_it_reads_back(name):
    document = read_case_document(GOOD[name].encode())
    assert document == GOOD[name]
    assert (document.case, document.digest) == (GOOD[name].case, GOOD[name].digest)
    check(document, now=EXPIRES - 1)


def test_the_vectors_are_those_that_stand_here():
    for name, content in generate.files():
        assert (generate.FOLDER / name).read_bytes() == content, name


@pytest.mark.parametrize("name", ["submission", "rating"])
def test_the_digest_is_the_one_that_any_wallet_computes(name):
    document = GOOD[name]
    message = encode_typed_data(
        full_message=typed.full_message(document.kind, document.message, document.chain_id, document.contract)
    )
    assert document.digest == keccak(b"\x19\x01" + message.header + message.body)
    assert typed.recover(document.digest, typed.sign(document.digest, KEY)) == document.case_key


def test_what_it_is_for():
    assert (submission().action, submission().paper_kind) == (None, "submission")
    assert (rating().action, rating().paper_kind) == (Action.RATE, "rate")
    assert rating().case == submission().case
    assert is_kind(submission().encode(), FORMAT)
    assert is_kind(b'{"format":"tongban/case-document/12"}', FORMAT)
    for other in (b"{}", b'{"format":1}', b'{"format":"tongban/case-documents/1"}'):
        assert not is_kind(other, FORMAT)


def changed(name: str, *path: str, to: Any) -> bytes:
    """A document with another value at one place."""
    value = json.loads(GOOD[name].encode())
    inner = value
    for step in path[:-1]:
        inner = inner[step]
    inner[path[-1]] = to
    return canonical.encode(value)


@pytest.mark.parametrize(
    "data",
    [
        changed("submission", "format", to="tongban/consent/1"),
        changed("submission", "format", to=1),
        changed("submission", "more", to=1),
        changed("submission", "kind", to="Consent"),
        changed("submission", "chain_id", to="0"),
        changed("submission", "chain_id", to=20261),
        changed("submission", "contract", to="0x" + "C" * 40),
        changed("submission", "case_key", to="0x12"),
        changed("submission", "signature", to="00" * 64),
        changed("submission", "box", to="?"),
        changed("submission", "message", "receiving", to=2**16),
        changed("submission", "message", "mode", to=9),
        changed("submission", "message", "salt", to="00"),
        changed("submission", "message", "more", to=1),
        changed("submission", "paper", "salt", to="00"),
        changed("submission", "paper", "body", "words", to=1),
        changed("submission", "paper", "body", "words", to="\x1b[2Jnothing"),
        changed("submission", "paper", "body", "words", to="\u202egnihton"),
        changed("submission", "paper", "body", "shown", "clock_offset", to="0"),
        changed("submission", "paper", "body", "shown", "expires", to=-1),
        changed("submission", "paper", "body", "shown", "matter", "zh", to="\x07"),
        changed("submission", "paper", "body", "shown", "cities", to=[{"member": 1}]),
        changed("submission", "paper", "body", "shown", "asked", to=[["a", "b"]]),
        changed("rating", "message", "action", to=int(Action.GRANT)),
        changed("rating", "message", "action", to=0),
        changed("rating", "message", "detail", to=0),
        changed("rating", "message", "detail", to=6),
        changed("rating", "message", "action", to=int(Action.WITHDRAW)),
        b"[]",
        b"{}",
    ],
)
def test_what_is_not_this_form_is_refused(data):
    with pytest.raises(FormatError, match=r"signing\.form"):
        read_case_document(data)


def test_a_newer_programs_document_is_said_to_be_one():
    with pytest.raises(FormatError, match=r"signing\.version"):
        read_case_document(changed("submission", "format", to="tongban/case-document/2"))


OTHER = shown(words="改过的话")


@pytest.mark.parametrize(
    "document",
    [
        # Other words than those that the message commits to.
        replace(submission(), shown=OTHER),
        replace(submission(), shown=shown(zh="另一个事项")),
        replace(submission(), shown=shown(expires=EXPIRES + 1)),
        replace(rating(), shown=OTHER),
        # Words that are committed to, and a message about something else.
        submission(shown(matter="local:tongban:other")),
        submission(shown(matter="no code")),
        submission(handling=3),
        submission(shown(cities=(MIANYANG,))),
        submission(matter=bytes([1]) * 32),
        # Another paper than the one that the cities get.
        replace(submission(), box=BOX + b"."),
        replace(submission(), salt=bytes(32)),
        rating(action=int(Action.SUPPLY), detail=0),
    ],
)
def test_other_words_than_what_is_signed_are_found_out(document):
    with pytest.raises(IntegrityError, match=r"signing\.altered"):
        check(document, now=EXPIRES - 1)


def test_after_its_last_day_it_is_neither_signed_nor_filed():
    with pytest.raises(ConflictError, match=r"signing\.expired"):
        check(submission(), now=EXPIRES)


def test_words_are_plain():
    assert plain("样本甲，\n您好　100% [好]")
    assert not any(map(plain, ("a\tb", "\x00", "\u200b", "\u2066x")))


@given(st.data())
@settings(max_examples=150, deadline=None, derandomize=True)
def test_a_changed_byte_is_refused_or_changes_what_is_signed(data):
    good = submission().encode()
    place, value = data.draw(st.integers(0, len(good) - 1)), data.draw(st.integers(0, 255))
    mutated = good[:place] + bytes((value,)) + good[place + 1 :]
    try:
        document = read_case_document(mutated)
        check(document, now=EXPIRES - 1)
    except LedgerError:
        return
    assert document.encode() == mutated
    # Whose key it asks for is no part of the digest: another key is not this seed's, and the contract's id is another.
    if mutated != good:
        assert (document.digest, document.case_key) != (submission().digest, submission().case_key)
