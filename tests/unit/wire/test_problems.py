"""What a person is told: in words of both languages, with facts in place, never a bare code."""

from __future__ import annotations

import json

import pytest

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
from ledger.wire.problems import explain, problem, reason_sentence
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


def test_a_fact_that_is_missing_or_a_code_that_is_unknown_breaks_nothing():
    assert "…" in sentence("tracing.not_found", "zh").text
    assert "no.such" in sentence("no.such", "en").text
    assert term("states", "review", "en") == "under review"
    assert term("states", "nothing", "en") == "nothing"


def test_facts_are_not_templates():
    told = sentence("general.unknown", "en", code="{code} {secret}")
    assert "{code} {secret}" in told.text
