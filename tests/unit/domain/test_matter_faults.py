"""Faults of a matter's document: all of them, each in its place, and none exactly where the document is taken."""

from __future__ import annotations

import copy
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.domain import canonical
from ledger.domain.matter_faults import matter_faults
from ledger.domain.matters import MAX_REQUIREMENTS, read_matter
from ledger.errors import LedgerError
from node_client.pilot.catalogue import matters

DOCUMENTS = [one.document() for one in matters(1)]
# Values that stand somewhere in a document where they may not.
STRAY = st.sampled_from(["", "1", "0", "identity-card", 0, 1, -1, 255, 70_000, True, False, None, [], ["1"], {}, {"zh": ""}, 1.5])  # fmt: skip


def at(document: Any, path: tuple[object, ...]) -> Any:
    for step in path:
        document = document[step]
    return document


def places(value: Any, path: tuple[object, ...] = ()) -> list[tuple[object, ...]]:
    """Every place in a document."""
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [path] * bool(path) + [found for step, inner in items for found in places(inner, (*path, step))]


def changed(document: Any, *changes: tuple[tuple[object, ...], object]) -> Any:
    made = copy.deepcopy(document)
    for path, value in changes:
        at(made, path[:-1])[path[-1]] = value
    return made


def told(document: object) -> list[tuple[str, str]]:
    return [(fault.path, fault.error.code) for fault in matter_faults(document)]


def taken(document: object) -> bool:
    try:
        read_matter(canonical.encode(document))
    except LedgerError:
        return False
    return True


def test_what_cities_publish_has_no_fault():
    assert [matter_faults(document) for document in DOCUMENTS] == [[]] * len(DOCUMENTS)


@given(data=st.data())
def test_there_is_a_fault_exactly_where_the_document_is_not_taken(data):
    made = copy.deepcopy(data.draw(st.sampled_from(DOCUMENTS)))
    for _ in range(data.draw(st.integers(1, 3))):
        path = data.draw(st.sampled_from(places(made)))
        parent, last = at(made, path[:-1]), path[-1]
        match data.draw(st.sampled_from(["replace", "remove", "add", "double"])):
            case "replace":
                parent[last] = data.draw(STRAY)
            case "remove":
                del parent[last]
            case "add" if isinstance(parent, dict):
                parent["stray"] = data.draw(STRAY)
            case "double" if isinstance(parent, list):
                parent.append(copy.deepcopy(parent[last]))
    assert (told(made) == []) == taken(made)


def test_every_fault_is_told_with_its_place():
    wrong = changed(
        DOCUMENTS[0],
        (("code",), "no code"),
        (("name", "en"), ""),
        (("department",), "1"),
        (("rule", "decision_days"), 70_000),
        (("rule", "start"), 7),
        (("limit_basis",), []),
        (("service_objects",), ["1", "8"]),
        (("requirements", 0, "whose"), "neighbour"),
        (("requirements", 0, "fields"), ["name", "colour"]),
        (("requirements", 1, "types"), ["library-card"]),
        (("requirements", 1, "every"), 1),
        (("requirements", 1, "key"), DOCUMENTS[0]["requirements"][0]["key"]),  # type: ignore[index, call-overload]  # a document
        (("requirements", 0, "colour"), "red"),
    )
    del wrong["conditions"]
    assert told(wrong) == [
        ("code", "catalogue.matter_code"),
        ("name.en", "catalogue.matter_incomplete"),
        ("department", "catalogue.element_kind"),
        ("rule.decision_days", "catalogue.rule_range"),
        ("rule.start", "catalogue.element_value"),
        ("limit_basis", "catalogue.matter_incomplete"),
        ("service_objects[1]", "catalogue.element_value"),
        ("conditions", "catalogue.element_missing"),
        ("requirements[0].whose", "catalogue.element_value"),
        ("requirements[0].colour", "catalogue.element_unknown"),
        ("requirements[0].fields[1]", "catalogue.requirement_fields"),
        ("requirements[1].types[0]", "catalogue.element_value"),
        ("requirements[1].every", "catalogue.element_kind"),
        ("requirements[1].key", "catalogue.matter_duplicate"),
    ]


def test_limits_that_contradict_one_another_are_told():
    promise = changed(DOCUMENTS[0], (("rule", "decision_days"), 3), (("rule", "commitment_days"), 4))
    assert told(promise) == [("rule.commitment_days", "catalogue.rule_commitment")]
    silent = changed(DOCUMENTS[0], (("rule", "silence"), 1), (("rule", "correction_days"), 0))
    assert told(silent) == [("rule.correction_days", "catalogue.rule_silence")]


def test_too_many_requirements_are_told():
    document: Any = DOCUMENTS[0]
    one = document["requirements"][0]
    many = changed(
        DOCUMENTS[0], (("requirements",), [{**one, "key": str(number)} for number in range(MAX_REQUIREMENTS + 1)])
    )
    assert told(many) == [("requirements", "catalogue.matter_long")]


@pytest.mark.parametrize("document", [None, [], "text", 1, {}])
def test_what_is_no_document_at_all_is_told_and_not_a_crash(document):
    assert told(document)
