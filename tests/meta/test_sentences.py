"""Every code that is raised can be said, in both languages and with a next step; and nothing is said that never happens."""

from __future__ import annotations

import re
from enum import IntEnum
from pathlib import Path

import pytest

from ledger.domain import cases, catalogue, consents, consortium, materials
from ledger.domain.events import EVENTS
from ledger.domain.operations import Operation
from ledger.domain.reasons import Reason
from ledger.projections.subjects import SubjectKind
from ledger.wire.sentences import LANGUAGES, PHRASES
from ledger.wire.sentences import catalogue as entries

ROOT = Path(__file__).resolve().parents[2]
SOURCES = sorted(path for folder in ("ledger", "node_client", "api") for path in (ROOT / folder).rglob("*.py"))
_RAISED = re.compile(r'(?:Error|error|refusal)\w*\(\s*f?"([a-z_]+\.[a-z0-9_]+)"')
_LITERAL = re.compile(r'"([a-z_]+\.[a-z0-9_]+)"')
_PLACEHOLDER = re.compile(r"\{(\w+)(?::[^{}]*)?\}")
# Said by name without a literal: the contracts' reasons, the sorts of errors, and what nobody foresaw.
_COMPUTED = frozenset({"reasons", "classes", "general"}) | PHRASES

TERMS: dict[str, type[IntEnum]] = {
    "states": cases.State,
    "actions": cases.Action,
    "modes": cases.Mode,
    "records": cases.RecordKind,
    "officer_roles": cases.OfficerRole,
    "channels": cases.Channel,
    "results": cases.Result,
    "outcomes": cases.Outcome,
    "organs": cases.Organ,
    "special_procedures": cases.SpecialProcedure,
    "notice_kinds": cases.NoticeKind,
    "clocks": cases.Clock,
    "supervision_stages": cases.SupervisionStage,
    "levels": consortium.Level,
    "member_statuses": consortium.MemberStatus,
    "proposal_kinds": consortium.ProposalKind,
    "contract_kinds": consortium.ContractKind,
    "service_key_kinds": consortium.ServiceKeyKind,
    "revocation_causes": materials.RevocationCause,
    "erasure_bases": materials.ErasureBasis,
    "assurance_levels": materials.AssuranceLevel,
    "purposes": consents.Purpose,
    "use_bases": consents.Basis,
    "matter_types": catalogue.MatterType,
    "case_types": catalogue.CaseType,
    "operations": Operation,
}


def raised() -> dict[str, str]:
    found: dict[str, str] = {}
    for path in SOURCES:
        for code in _RAISED.findall(path.read_text(encoding="utf-8")):
            found.setdefault(code, str(path.relative_to(ROOT)))
    return found


def mentioned() -> set[str]:
    return {code for path in SOURCES for code in _LITERAL.findall(path.read_text(encoding="utf-8"))}


def test_every_code_that_is_raised_has_its_sentences():
    missing = {code: where for code, where in raised().items() if code not in entries()}
    assert missing == {}


def test_every_sentence_is_of_a_code_that_occurs():
    said = {code for code in entries() if code.split(".")[0] not in _COMPUTED}
    assert said - mentioned() == set()


def test_every_entry_is_whole():
    for code, entry in entries().items():
        area = code.split(".")[0]
        names = {"zh", "en"} if area in PHRASES else {"zh", "en", "zh_next", "en_next"}
        assert set(entry) == names, code
        assert all(entry[name].strip() for name in names), code
        assert re.search(r"[\u4e00-\u9fff]", entry["zh"]), code
        # A fact that is itself a word comes in both languages: ``expected_zh`` beside ``expected``.
        facts = [
            {
                name.removesuffix(f"_{lang}")
                for name in _PLACEHOLDER.findall(entry[lang] + entry.get(f"{lang}_next", ""))
            }
            for lang in LANGUAGES
        ]
        assert facts[0] == facts[1] or area in PHRASES, (code, facts)


@pytest.mark.parametrize("group", TERMS)
def test_every_code_of_the_field_has_its_word(group: str):
    for item in TERMS[group]:
        if int(item) or f"terms.{group}.{item.name.lower()}" in entries():
            assert f"terms.{group}.{item.name.lower()}" in entries()
    spare = [code for code in entries() if code.startswith(f"terms.{group}.")]
    assert {code.rsplit(".", 1)[1] for code in spare} <= {item.name.lower() for item in TERMS[group]}


def test_what_a_paper_states_has_its_words():
    """Whoever signs a consent reads which fields it opens in words, not as a program calls them."""
    stated = {f"terms.material_fields.{name}" for kind in materials.MATERIAL_TYPES.values() for name in kind.fields}
    assert {code for code in entries() if code.startswith("terms.material_fields.")} == stated


def test_roles_reasons_kinds_and_events_have_their_words():
    assert {f"terms.key_roles.{role.name.lower()}" for role in consortium.Role if role.name} <= set(entries())
    assert {f"reasons.{reason.name.lower()}" for reason in Reason if reason} <= set(entries())
    assert {f"terms.trace_kinds.{kind.value}" for kind in SubjectKind} <= set(entries())
    snake = {re.sub(r"(?<!^)(?=[A-Z])", "_", name).lower() for name in EVENTS}
    assert {f"trace.{name}" for name in snake} <= set(entries())
