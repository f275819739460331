"""Traces: everything about one thing, in order, with who, days and places; nothing about anything else."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, select

from ledger.domain import events as happened
from ledger.domain.cases import Clock
from ledger.domain.events import EVENTS
from ledger.errors import ConflictError, InputError, NotFoundError
from ledger.projections import journal
from ledger.projections.cases import model_of
from ledger.services import trace as service
from ledger.services.synchronising import synchronise
from ledger.services.trace_lines import kind_of
from ledger.storage.database import Database, open_database
from ledger.storage.tables import cases as case_tables
from ledger.storage.tables import materials, metadata
from ledger.wire import traces
from ledger.wire.sentences import LANGUAGES, is_known
from ledger.wire.traces import Trace
from tests.unit.projections.streams import CALENDARS, CONSORTIUM, MATERIALS, TYPES, History, history
from tests.unit.services.chains import HistoryChain

ZERO = bytes(32)


@pytest.fixture(scope="module")
def made() -> History:
    return history(21, 500)


@pytest.fixture(scope="module")
def database(made: History, tmp_path_factory: pytest.TempPathFactory):
    where: Path = tmp_path_factory.mktemp("trace")
    opened = open_database(where / "node.db")
    metadata.create_all(opened.engine)
    synchronise(opened, HistoryChain(made.blocks, made.blocks[-1].number), CONSORTIUM)
    yield opened
    opened.close()


@pytest.fixture
def connection(database: Database):
    with database.begin() as connection:
        yield connection


def trace(connection: Connection, identifier: str) -> Trace:
    return service.trace(connection, identifier, types=TYPES)


def of(made: History, kind: type, **fields: object) -> Any:  # an event of that kind
    return next(
        located.event
        for located in made.events
        if isinstance(located.event, kind)
        and all(getattr(located.event, name) == value for name, value in fields.items())
    )


def places(found: Trace) -> list[tuple[int, int]]:
    return [(line.place.block, line.place.log_index) for line in found.lines]


def test_a_case_brings_its_family_consents_readings_and_refusals(made: History, connection: Connection):
    family = next(
        event for event in (x.event for x in made.events) if isinstance(event, happened.Opened) and event.parent != ZERO
    )
    found = trace(connection, family.parent.hex())
    children = {
        x.event.case for x in made.events if isinstance(x.event, happened.Opened) and x.event.parent == family.parent
    }
    assert set(found.cases) == children | {family.parent}
    cases = set(found.cases)
    consents = {x.event.consent for x in made.events if isinstance(x.event, happened.Granted) and x.event.case in cases}
    expected = [
        (x.block, x.log_index)
        for x in made.events
        if getattr(x.event, "case", None) in cases
        or getattr(x.event, "parent", None) == family.parent
        or getattr(x.event, "consent", None) in consents
        or (isinstance(x.event, happened.Refused) and x.event.subject in cases | consents)
    ]
    assert places(found) == expected
    assert family.parent in trace(connection, family.case.hex()).cases


def test_working_days_are_those_of_the_machine(connection: Connection):
    seen = 0
    for row in connection.execute(select(case_tables.cases)).all():
        found = trace(connection, f"case:{row.case.hex()}")
        model = model_of(row)
        limits = model.limits(found.time, CALENDARS)
        if limits.clock is Clock.NONE:
            assert found.days is None
            continue
        assert found.days is not None
        assert (found.days.clock, found.days.used, found.days.allowed) == (limits.clock, limits.elapsed, limits.allowed)
        seen += found.days.due is not None
        stepped = [line for line in found.lines if line.kind == "stepped" and line.case == row.case]
        assert all(
            line.days is not None
            for line in stepped
            if {name: value for name, _, value in line.facts}["state"] == "review"
        )
    assert seen > 3


def test_each_line_names_its_log_entry_and_the_key_s_roles(made: History, connection: Connection):
    opened = of(made, happened.Opened)
    found = trace(connection, opened.case.hex())
    for line in found.lines:
        assert journal.entry_of(connection, line.place.block, line.place.log_index) == line.place.entry
    first = next(line for line in found.lines if line.kind == "opened")
    assert first.who is not None
    assert first.who.roles == ("administer",)
    assert found.parties[opened.receiving].name == f"样本市{opened.receiving}"
    assert first.blob is not None
    assert first.blob.startswith("b")
    assert first.commitment == opened.commitment


def test_a_leaf_shows_its_anchoring_its_consent_and_its_readings(made: History, connection: Connection):
    used = of(made, happened.Used, basis=1)
    batch, index = used.leaves[0] >> 32, used.leaves[0] & 0xFFFFFFFF
    found = trace(connection, f"{batch}:{index}")
    kinds = [line.kind for line in found.lines]
    assert kinds[0] == "anchored"
    assert "used" in kinds
    assert any(kind.startswith("granted") for kind in kinds)
    assert trace(connection, f"{MATERIALS}:{batch}:{index}") == found
    assert trace(connection, f"leaf:{batch}:{index}").lines == found.lines
    untouched = trace(connection, f"{batch}:200")
    assert [line.kind for line in untouched.lines] == ["anchored"]


def test_other_identifiers(made: History, connection: Connection):
    granted, used = of(made, happened.Granted), of(made, happened.Used, basis=1)
    assert trace(connection, "0x" + granted.consent.hex()).kind == "consent"
    use = trace(connection, f"use:{used.use}")
    assert {"used"} <= {line.kind for line in use.lines}
    some = next(x for x in made.events if x.block > 2)
    found = trace(connection, some.transaction.hex())
    assert found.kind == "transaction"
    assert places(found) == [(x.block, x.log_index) for x in made.events if x.transaction == some.transaction]
    member = trace(connection, "510101")
    assert (member.kind, member.identifier) == ("member", "2")
    assert trace(connection, "member:2") == member
    agreement = of(made, happened.AgreementDrafted)
    assert trace(connection, agreement.agreement.hex()).lines[0].kind == "agreement_drafted"
    assert trace(connection, "batch:1").lines[0].kind == "anchored"
    lookup = of(made, happened.LookupAnswered)
    assert len(trace(connection, f"lookup:{lookup.lookup.hex()}").lines) == 2
    key = of(made, happened.KeySet, roles=4)
    assert trace(connection, key.key).lines[0].kind == "key_set"
    assert trace(connection, "proposal:1").lines[-1].kind in {"proposal_closed", "member_status_changed", "policy_set"}
    refused = next(
        x.event for x in made.events
        if isinstance(x.event, happened.Refused) and x.event.subject not in {c.event.case for c in made.events if isinstance(c.event, happened.Opened)}
    )  # fmt: skip
    assert trace(connection, refused.subject.hex()).lines[0].refused == refused.reason


def test_a_file_of_ours_leads_to_its_leaves(made: History, connection: Connection):
    used = of(made, happened.Used, basis=1)
    batch, index = used.leaves[0] >> 32, used.leaves[0] & 0xFFFFFFFF
    connection.execute(
        materials.material_files.insert(),
        {
            "material": "m",
            "position": 0,
            "media_type": "a/b",
            "size": 1,
            "sha256": b"\7" * 32,
            "sm3": b"\x08" * 32,
            "blob": "b",
        },
    )
    connection.execute(
        materials.material_leaves.insert(),
        {
            "contract": MATERIALS,
            "batch": batch,
            "index": index,
            "material": "m",
            "subject": 0,
            "turn": 0,
            "holder": "0x",
            "valid_until": 0,
        },
    )
    for digest in (b"\7" * 32, b"\x08" * 32):
        found = trace(connection, digest.hex())
        assert found.kind == "file"
        assert found.lines == trace(connection, f"{batch}:{index}").lines
    connection.rollback()


@pytest.mark.parametrize(
    "text", ["", "hello", "12", "x:1", "case:12", "batch:x", "1:2:3:4", "0x12", "9" * 200, "key:0x12"]
)
def test_what_is_no_identifier_is_said_to_be_none(connection: Connection, text: str):
    with pytest.raises(InputError, match=r"tracing\.identifier"):
        trace(connection, text)


def test_not_found_says_how_far_was_looked(made: History, connection: Connection):
    for text in (
        "ab" * 32,
        "99999:1",
        "use:99999",
        "member:99",
        "999999",
        "batch:99999",
        "file:" + "ab" * 32,
        "0x" + "12" * 20,
    ):
        with pytest.raises(NotFoundError) as caught:
            trace(connection, text)
        assert caught.value.facts == {"block": made.blocks[-1].number}


def test_a_number_of_two_generations_is_ambiguous(connection: Connection):
    row = connection.execute(select(materials.batches).where(materials.batches.c.batch == 1)).one()
    connection.execute(materials.batches.insert(), dict(row._mapping) | {"contract": "0x" + "99" * 20})
    with pytest.raises(ConflictError, match=r"tracing\.ambiguous"):
        trace(connection, "batch:1")
    connection.rollback()


def test_before_the_first_block_there_is_nothing(tmp_path: Path):
    empty = open_database(tmp_path / "empty.db")
    metadata.create_all(empty.engine)
    with empty.begin() as connection, pytest.raises(NotFoundError):
        trace(connection, "member:1")
    empty.close()


def test_every_event_has_its_line_in_both_languages(made: History, connection: Connection):
    kinds = {kind_of(located.event) for located in made.events}
    assert len(kinds) >= len(EVENTS)
    assert all(is_known(f"trace.{kind}") for kind in kinds)
    for located in made.events[::3]:
        found = trace(connection, located.transaction.hex())
        for lang in LANGUAGES:
            texts = [traces.line_text(line, found.parties, lang) for line in found.lines]
            assert all("…" not in text and "{" not in text for text in texts), texts


def test_places_are_named_in_the_readers_language(made: History, connection: Connection):
    found = trace(connection, of(made, happened.Opened).case.hex())
    wuhou = {1: traces.Party(1, "四川省成都市武侯区", 510107)}
    park = {1: traces.Party(1, "样本园区", 990001)}
    line = next(line for line in found.lines if line.who is not None and line.who.member == 1)
    assert "四川省成都市武侯区" in traces.line_text(line, wuhou, "zh")
    assert "Wuhou" in traces.line_text(line, wuhou, "en")
    # A place that no table names is called what it calls itself.
    assert "样本园区" in traces.line_text(line, park, "en")


def test_the_wire_form_is_json_with_times_of_china(made: History, connection: Connection):
    found = trace(connection, of(made, happened.Opened).case.hex())
    for lang in (None, *LANGUAGES):
        document: Any = traces.document(found, lang)
        assert json.loads(json.dumps(document)) == document
        first = document["lines"][0]
        assert first["china"].endswith("+08:00")
        assert ("text" in first) == (lang is not None)
    assert traces.china_time(0) == "1970-01-01T08:00:00+08:00"
