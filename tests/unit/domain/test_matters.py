"""Implementation lists: what a document must say, and that only the document itself is read back."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from ledger.domain import canonical
from ledger.domain.catalogue import LimitRule, MatterCode
from ledger.domain.materials import AssuranceLevel
from ledger.domain.matters import MAX_REQUIREMENTS, Matter, Necessity, PaperForm, Requirement, Whose, read_matter
from ledger.errors import FormatError, InputError, LedgerError

CARD = Requirement(
    key="identity", zh="居民身份证", en="Identity card", types=("identity-card",), fields=("name", "number")
)
MARRIAGE = Requirement(
    key="marriage",
    zh="婚姻状况证明",
    en="Proof of marital status",
    types=("marriage-certificate", "household-register"),
    fields=("holder_name", "relation"),
    whose=Whose.SPOUSE,
    every=False,
    least=AssuranceLevel.FETCHED,
    necessity=Necessity.TOLERABLE,
    paper=PaperForm.SEE_ORIGINAL,
)
MATTER = Matter(
    code=MatterCode("local:gjj-loan"),
    zh="异地购房提取住房公积金",
    en="Provident-fund loan with the fund held elsewhere",
    department=3,
    rule=LimitRule.licence(commitment_days=12, supply_days=30),
    limit_basis=("《行政许可法》第三十二条", "《行政许可法》第四十二条"),
    setting_basis=("《住房公积金管理条例》第二十四条",),
    conditions=("连续足额缴存六个月以上",),
    requirements=(CARD, MARRIAGE),
)


def test_a_document_is_read_back_whole() -> None:
    data = canonical.encode(MATTER.document())
    assert read_matter(data) == MATTER
    assert read_matter(data).digest == MATTER.digest
    assert len(MATTER.digest) == 32
    assert replace(MATTER, department=4).digest != MATTER.digest


def test_what_serves_a_requirement() -> None:
    assert CARD.serves("identity-card", AssuranceLevel.INSPECTED)
    assert not CARD.serves("identity-card", AssuranceLevel.UPLOADED)
    assert not CARD.serves("household-register", AssuranceLevel.ISSUED)
    assert MARRIAGE.serves("household-register", AssuranceLevel.ISSUED)
    assert not MARRIAGE.serves("marriage-certificate", AssuranceLevel.INSPECTED)


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"key": ""}, "catalogue.requirement"),
        ({"types": ()}, "catalogue.requirement"),
        ({"types": ("no-such-paper",)}, "catalogue.requirement"),
        ({"fields": ("name", "balance")}, "catalogue.requirement_fields"),
    ],
)
def test_requirements_that_nobody_could_meet(change: dict[str, Any], code: str) -> None:
    with pytest.raises(InputError) as caught:
        replace(CARD, **change)
    assert caught.value.code == code


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"en": ""}, "catalogue.matter_incomplete"),
        ({"department": 0}, "catalogue.matter_incomplete"),
        ({"limit_basis": ()}, "catalogue.matter_incomplete"),
        ({"setting_basis": ()}, "catalogue.matter_incomplete"),
        ({"service_objects": ()}, "catalogue.matter_incomplete"),
        ({"service_objects": ("7",)}, "catalogue.matter_incomplete"),
        ({"requirements": (CARD, CARD)}, "catalogue.matter_duplicate"),
        (
            {"requirements": tuple(replace(CARD, key=str(n)) for n in range(MAX_REQUIREMENTS + 1))},
            "catalogue.matter_long",
        ),
    ],
)
def test_entries_that_say_too_little_or_too_much(change: dict[str, Any], code: str) -> None:
    with pytest.raises(InputError) as caught:
        replace(MATTER, **change)
    assert caught.value.code == code


def _changed(path: str, value: object) -> bytes:
    document: Any = json.loads(canonical.encode(MATTER.document()))
    place = document
    *steps, last = (int(step) if step.isdigit() else step for step in path.split("."))
    for step in steps:
        place = place[step]
    if value is None:
        del place[last]
    else:
        place[last] = value
    return canonical.encode(document)


@pytest.mark.parametrize(
    ("path", "value", "code"),
    [
        ("format", "tongban-matter/2", "catalogue.matter_format"),
        ("code", None, "catalogue.matter_malformed"),
        ("code", 5, "catalogue.matter_malformed"),
        ("code", "bad code", "catalogue.matter_code"),
        ("name.zh", 5, "catalogue.matter_malformed"),
        ("name.fr", "x", "catalogue.matter_malformed"),
        ("extra", 1, "catalogue.matter_malformed"),
        ("department", True, "catalogue.matter_malformed"),
        ("conditions", "one", "catalogue.matter_malformed"),
        ("conditions", [1], "catalogue.matter_malformed"),
        ("rule.silence", 2, "catalogue.matter_malformed"),
        ("rule.decision_days", None, "catalogue.matter_malformed"),
        ("rule.matter_type", 11, "catalogue.bad_rule"),
        ("requirements.0.whose", "neighbour", "catalogue.matter_malformed"),
        ("requirements.0.least", 5, "catalogue.matter_malformed"),
        ("requirements.0.every", 1, "catalogue.matter_malformed"),
        ("requirements.0.types", ["x"], "catalogue.requirement"),
    ],
)
def test_documents_that_are_not_read(path: str, value: object, code: str) -> None:
    with pytest.raises(LedgerError) as caught:
        read_matter(_changed(path, value))
    assert caught.value.code == code


def test_another_spelling_is_not_read() -> None:
    with pytest.raises(FormatError):
        read_matter(json.dumps(MATTER.document()).encode())
