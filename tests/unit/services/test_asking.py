"""Asking twice: once, again, or tried again, whatever became of what was asked first."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from ledger.chain.codec import canonical_call
from ledger.domain.operations import Operation
from ledger.errors import ConflictError, NotFoundError
from ledger.projections import journal
from ledger.projections.journal import SyncState
from ledger.services.asking import ask
from ledger.services.context import Node
from ledger.storage import outbox, repeating
from ledger.storage.outbox import Intent, Settlement
from ledger.storage.tables.outbox import intents, transactions
from tests.integration.services.cities import CONSORTIUM, NOW, two_cities

ACT = Intent(
    id="endpoint:a",
    operation=Operation.PUBLISH_ENDPOINT,
    contract=CONSORTIUM,
    role="administer",
    subject=bytes(32),
    call=canonical_call(Operation.PUBLISH_ENDPOINT, {"url": "https://a.example"}),
)
OTHER = replace(ACT, id="endpoint:b", call=canonical_call(Operation.PUBLISH_ENDPOINT, {"url": "https://b.example"}))


@pytest.fixture
def node(tmp_path: Path) -> Iterator[Node]:
    with two_cities(tmp_path) as found:
        yield found.nodes[1]


def asked(node: Node, wanted: Intent = ACT, *, thing: str = "endpoint:", stands: bool = True) -> str:
    with node.begin() as uow:
        name = ask(uow.connection, wanted, now=NOW, thing=thing, stands=stands)
        uow.commit()
    return name


def become(node: Node, name: str, state: str, *, block: int | None = None) -> None:
    """Let something become of an intent, in a transaction of that block where there is one."""
    with node.begin() as uow:
        outbox.apply_all(uow.connection, [Settlement(name, state, reason=2 if state == "refused" else None)], now=NOW)
        if block is not None:
            made = uow.connection.execute(
                transactions.insert().values(
                    address="0x" + "d" * 40, nonce=block, contract=CONSORTIUM, operation=1, raw=b"", state="mined",
                    hash=block.to_bytes(32), block=block, prepared_at=NOW, send_after=NOW, attempts=1,
                )
            ).inserted_primary_key  # fmt: skip
            assert made is not None
            uow.connection.execute(
                intents.update().where(intents.c.id == name).values(transaction_id=made[0], position=0)
            )
        uow.commit()


def picture(node: Node, block: int) -> None:
    """Say how far the picture goes."""
    with node.begin() as uow:
        state = SyncState(
            block=block, hash=bytes(32), time=NOW, entries=1, chain_id=1, consortium=CONSORTIUM, genesis=bytes(32)
        )
        journal.store_position(uow.connection, state)
        uow.commit()


def found(node: Node, name: str) -> outbox.StoredIntent:
    with node.database.read() as connection:
        return outbox.find(connection, name)


@pytest.mark.parametrize("state", ["waiting", "done"])
def test_what_is_in_line_or_stands_is_not_asked_for_again(node, state):
    assert asked(node) == "endpoint:a"
    if state == "done":
        become(node, "endpoint:a", "done", block=5)
        picture(node, 9)
    assert asked(node) == "endpoint:a"
    assert found(node, "endpoint:a").state == state


@pytest.mark.parametrize("state", ["refused", "failed"])
def test_what_was_not_carried_out_is_tried_again_behind_all_others(node, state):
    asked(node)
    become(node, "endpoint:a", state, block=5)
    asked(node, replace(OTHER, id="vote:1"), thing="")
    assert asked(node, replace(ACT, not_before=NOW + 60)) == "endpoint:a"
    again = found(node, "endpoint:a")
    assert (again.state, again.reason, again.transaction_id, again.not_before) == ("waiting", None, None, NOW + 60)
    assert again.sequence > found(node, "vote:1").sequence


def test_what_lost_its_effect_is_asked_for_anew_once_the_picture_goes_that_far(node):
    asked(node)
    become(node, "endpoint:a", "done", block=5)
    picture(node, 4)
    assert asked(node, stands=False) == "endpoint:a"
    picture(node, 5)
    assert asked(node, stands=False) == "endpoint:a~2"
    assert asked(node, stands=False) == "endpoint:a~2"
    become(node, "endpoint:a~2", "done", block=6)
    picture(node, 6)
    assert asked(node, stands=False) == "endpoint:a~3"
    assert found(node, "endpoint:a~3").digest == found(node, "endpoint:a").digest


def test_what_a_later_act_overtakes_is_asked_for_anew_even_before_it_is_done(node):
    asked(node)
    asked(node, OTHER)
    assert asked(node) == "endpoint:a~2"
    assert asked(node) == "endpoint:a~2"
    assert asked(node, OTHER) == "endpoint:b~2"
    # One that was refused overtakes nothing.
    become(node, "endpoint:b~2", "refused")
    assert asked(node) == "endpoint:a~2"
    # What sets another thing does not either.
    asked(node, replace(OTHER, id="endpointless:b"), thing="endpointless:")
    assert asked(node) == "endpoint:a~2"


def test_another_call_under_the_same_name_is_refused_unless_the_first_came_to_nothing(node):
    asked(node)
    changed = replace(OTHER, id="endpoint:a")
    with pytest.raises(ConflictError, match=r"storage\.intent_differs"):
        asked(node, changed)
    become(node, "endpoint:a", "refused")
    assert asked(node, changed) == "endpoint:a~2"
    assert found(node, "endpoint:a").state == "refused"
    assert asked(node, changed) == "endpoint:a~2"


def test_a_chain_of_intents_is_tried_again_as_a_whole_and_only_once(node):
    for name, after in (("one", None), ("two", "one"), ("three", "two"), ("beside", "one")):
        asked(node, replace(ACT, id=name, after=after), thing="")
    become(node, "one", "refused")
    with node.begin() as uow:
        assert outbox.fail_dependants(uow.connection, now=NOW) == 3
        uow.commit()
    become(node, "beside", "failed")
    with node.begin() as uow:
        # What failed for a reason of its own is left alone.
        assert repeating.retry_stuck(uow.connection, ["two", "one", "three"]) == ["one", "two", "three"]
        assert repeating.retry_stuck(uow.connection, ["one", "two"]) == []
        with pytest.raises(ConflictError, match=r"storage\.intent_unsettled"):
            repeating.retry(uow.connection, "one")
        with pytest.raises(NotFoundError, match=r"storage\.intent_unknown"):
            repeating.retry(uow.connection, "none")
        uow.commit()
    assert found(node, "beside").state == "failed"
    assert found(node, "one").sequence < found(node, "two").sequence < found(node, "three").sequence
