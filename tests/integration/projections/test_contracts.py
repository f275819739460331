"""The picture of what the contracts themselves emit: a case's row is the contract's word, whatever was done to it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from sqlalchemy import Connection, create_engine, func, select

from ledger import projections
from ledger.domain.case_model import CaseModel
from ledger.domain.cases import Mode
from ledger.domain.consortium import Standing
from ledger.domain.events import Event
from ledger.ports import LocatedEvent
from ledger.projections.cases import model_of
from ledger.projections.consortium import calendars
from ledger.storage.tables import cases, catalogue, consortium, metadata
from tests.contracts import clerk
from tests.contracts import world as worlds
from tests.contracts.chain import Chain
from tests.contracts.clerk import LICENCE, PLAIN, RULES, Clerk, open_office
from tests.contracts.test_cases_model import MODES, begin, do, operations


class RecordingChain(Chain):
    """A test chain that keeps every event with its place."""

    def __init__(self, **how: Any) -> None:
        super().__init__(**how)
        self.recorded: list[LocatedEvent] = []

    def _decode(self, log: Any) -> Event:
        event = super()._decode(log)
        block = self._number - 1
        index = sum(located.block == block for located in self.recorded)
        contract = "0x" + log.address.hex()
        self.recorded.append(LocatedEvent(event, contract, block, self.now, block.to_bytes(32, "big"), index, ()))
        return event


@pytest.fixture(scope="module")
def office() -> Iterator[Clerk]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(worlds, "Chain", RecordingChain)
        yield open_office(worlds.found())


@pytest.fixture(scope="module")
def connection(office: Clerk) -> Iterator[Connection]:
    engine = create_engine("sqlite://")
    metadata.create_all(engine)
    with engine.connect() as connection:
        apply_new(connection, office, 0)
        yield connection
    engine.dispose()


def recorded(office: Clerk) -> list[LocatedEvent]:
    chain = office.world.chain
    assert isinstance(chain, RecordingChain)
    return chain.recorded


def apply_new(connection: Connection, office: Clerk, since: int) -> None:
    for located in recorded(office)[since:]:
        projections.apply(connection, located)


def test_keys_members_and_agreements_stand_as_in_the_contracts(office: Clerk, connection: Connection):
    keys, members = consortium.keys, consortium.members
    shown = connection.execute(
        select(keys.c.key, keys.c.member, keys.c.roles).where(keys.c.until_block.is_(None))
    ).all()
    assert len(shown) > 30
    for key, member, roles in shown:
        standing = Standing.unpack(office.world.call("consortium", "standing", key))
        assert (member, roles) == (standing.member, standing.roles)
    for member, status in connection.execute(select(members.c.member, members.c.status)):
        assert status == Standing.unpack(office.world.call("consortium", "standing_of", member)).status
    agreements = catalogue.agreements
    (agreed,) = connection.execute(select(agreements).where(agreements.c.in_force_at.is_not(None))).all()
    assert agreed.version == office.world.call("catalogue", "agreement_version", agreed.agreement)
    assert calendars(connection) == clerk.calendars()
    assert connection.execute(select(func.count()).select_from(catalogue.matters)).scalar_one() == 5 * len(RULES)


@pytest.mark.parametrize("matter", [LICENCE, PLAIN])
@pytest.mark.parametrize("name", MODES)
def test_a_case_s_row_is_the_contract_s_word(office: Clerk, connection: Connection, name: str, matter: str):
    mode, child = MODES[name]

    @settings(max_examples=6, deadline=None, suppress_health_check=list(HealthCheck))
    @given(operations)
    def compare(given_operations: list[Any]) -> None:
        before, mark = office.world.chain.snapshot(), len(recorded(office))
        case, model, _ = begin(office, Mode(mode), matter, child=child)
        for operation in given_operations:
            if isinstance(operation, int):
                office.world.chain.advance(operation)
            elif operation == "settle":
                office.world.send("yanta", "operate", "cases", "settle", [case])
            else:
                do(office, case, model, operation)
            model = CaseModel(office.word(case), office.clock(case), model.rule)
        with connection.begin_nested() as part:
            apply_new(connection, office, mark)
            table = cases.cases
            for row in connection.execute(select(table)).all():
                assert model_of(row).word == office.word(row.case)
                assert model_of(row).clock == office.clock(row.case)
                assert row.head == office.world.call("cases", "case_of", row.case)[3]
            part.rollback()
        office.world.chain.revert(before)
        del recorded(office)[mark:]

    compare()
