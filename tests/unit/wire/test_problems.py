"""What a person is told: in words of both languages, with facts in place, never a bare code."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.domain.limits import LIMITS
from ledger.errors import (
    AuthorityError,
    ConflictError,
    FormatError,
    InputError,
    IntegrityError,
    LedgerError,
    NotFoundError,
    RefusedError,
    SetupError,
    UnavailableError,
)
from ledger.wire.problems import explain, problem, problem_bytes, read_problem, reason_sentence
from ledger.wire.sentences import LANGUAGES, sentence, term

KINDS = (
    AuthorityError, ConflictError, FormatError, InputError, IntegrityError, LedgerError, NotFoundError, RefusedError, SetupError,
)  # fmt: skip


@pytest.mark.parametrize("lang", LANGUAGES)
@pytest.mark.parametrize("kind", KINDS)
def test_every_sort_of_error_is_a_whole_problem_document(kind, lang):
    document = problem(kind("tracing.not_found", block=7), lang, instance="urn:uuid:1")
    assert json.loads(json.dumps(document)) == document
    assert document["status"] == kind.http_status
    assert document["type"] == "/problems/tracing.not_found"
    assert "7" in str(document["detail"])
    assert document["next_step"]
    assert document["instance"] == "urn:uuid:1"
    assert str(document["title"]) != sentence("general.unknown", lang, code="x").text
    assert "classes." not in str(document["title"])


def test_an_unavailable_error_says_when_to_come_back():
    assert problem(UnavailableError("synchronising.moved", retry_after=9), "en")["retry_after"] == 9


def test_a_refusal_is_told_by_the_contract_s_reason():
    assert explain(RefusedError("storage.conflict", reason=81), "zh").text == "这份授权已被本人撤回。"
    assert "250" in reason_sentence(250, "en").text


def test_reasons_and_causes_are_words_for_people_and_codes_for_programs():
    refused = RefusedError("consents.refused", reason="out_of_range")
    assert explain(refused, "zh").text == "这份授权不能登记：有一项内容超出了允许的范围。"
    assert explain(refused, "en").text == "This consent cannot be recorded: A value is outside what is allowed."
    assert problem(refused, "en")["facts"] == {"reason": "out_of_range"}
    revoked = ConflictError("releases.revoked", cause=2)
    assert explain(revoked, "en").text == "This material has been revoked: the inspection was withdrawn."
    assert explain(ConflictError("releases.revoked", cause=99), "en").text == "This material has been revoked: 99."


def test_a_fact_that_is_missing_or_a_code_that_is_unknown_breaks_nothing():
    assert "…" in sentence("tracing.not_found", "zh").text
    assert "no.such" in sentence("no.such", "en").text
    assert term("states", "review", "en") == "under review"
    assert term("states", "nothing", "en") == "nothing"


def test_facts_are_not_templates():
    told = sentence("general.unknown", "en", code="{code} {secret}")
    assert "{code} {secret}" in told.text


def told(error: LedgerError, **changed: object) -> bytes:
    return json.dumps(json.loads(problem_bytes(error)) | changed).encode()


def test_what_another_node_tells_is_the_same_error_again():
    for error in (NotFoundError("tracing.not_found", block=7), AuthorityError("peers.unknown_key", key="2:1")):
        again = read_problem(problem_bytes(error), error.http_status)
        assert again is not None
        assert (type(again), again.code, again.facts) == (type(error), error.code, error.facts)
    away = read_problem(problem_bytes(UnavailableError("synchronising.moved", retry_after=9)), 503)
    assert isinstance(away, UnavailableError)
    assert away.retry_after == 9


@pytest.mark.parametrize(
    "changed",
    [
        {"status": []}, {"status": {}}, {"status": "404"}, {"status": True}, {"status": 403}, {"status": 404.0}, {"status": None},
        {"code": "no.such"}, {"code": ["tracing.not_found"]}, {"code": "classes.input"}, {"code": "terms.states.review"},
        {"facts": []}, {"facts": None}, {"detail": "x" * LIMITS.problem_bytes},
    ],
)  # fmt: skip
def test_what_is_no_problem_of_ours_is_none(changed):
    assert read_problem(told(NotFoundError("tracing.not_found"), **changed), 404) is None


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"[]",
        b"null",
        b"\xff",
        b"{",
        b'{"status":404,"status":404}',
        b"[" * 5_000,
        b'{"status":' + b"9" * 5_000 + b"}",
    ],
)
def test_what_is_no_document_is_none(data):
    assert read_problem(data, 404) is None


def test_facts_that_an_error_is_made_of_or_that_are_no_facts_are_left_out():
    facts = {
        "code": "x", "self": 1, "retry_after": -3, "block": 7, "Block": 1, "a b": 1, "long": "x" * 201, "lone": "\ud800",
        "line": "a\nb", "nested": {"a": 1}, "share": 0.5,
    }  # fmt: skip
    for error in (NotFoundError("tracing.not_found"), UnavailableError("synchronising.moved")):
        again = read_problem(told(error, facts=facts), error.http_status)
        assert again is not None
        assert again.facts == {"block": 7}


@pytest.mark.parametrize(
    ("stated", "taken"),
    [(-1, 1), (0, 1), (9, 9), (10**12, LIMITS.peer_retry_seconds), (True, 5), ("9", 5), (None, 5), (2.5, 5)],
)
def test_nobody_keeps_us_away_for_ever_or_lets_us_ask_at_once(stated, taken):
    away = read_problem(told(UnavailableError("synchronising.moved"), retry_after=stated), 503)
    assert isinstance(away, UnavailableError)
    assert away.retry_after == taken


_JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text()
    | st.sampled_from(["tracing.not_found", "peers.expired"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)


@given(
    st.fixed_dictionaries({}, optional=dict.fromkeys(("status", "code", "facts", "retry_after", "detail"), _JSON)),
    st.sampled_from([400, 403, 404, 409, 418, 422, 500, 503]),
)
def test_nothing_that_another_node_sends_is_a_fault(document, status):
    for given_document in (document, {"code": "tracing.not_found", "facts": {}, "status": status} | document):
        found = read_problem(json.dumps(given_document).encode(), status)
        assert found is None or isinstance(found, LedgerError)


@given(st.binary(max_size=200))
def test_no_bytes_are_a_fault(data):
    assert read_problem(data, 404) is None
