"""Intents become transactions, transactions become outcomes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

import pytest
import sqlalchemy as sa

from ledger.chain import codec
from ledger.domain.events import Refused
from ledger.domain.limits import LIMITS
from ledger.domain.operations import Operation
from ledger.domain.reasons import Reason
from ledger.errors import ConflictError, InputError, UnavailableError
from ledger.services import sending
from ledger.storage import outbox, repeating
from ledger.storage.tables import transactions
from ledger.storage.unit_of_work import UnitOfWork
from tests.integration.network import CHAIN_ID, send, signers
from tests.integration.sending.node import Node, digest


def test_intents_of_one_kind_travel_together_and_say_what_came_of_them(node: Node):
    for name in ("a", "b", "c"):
        node.anchor(name)
    node.department("民政", 1)
    report = node.run()
    assert (report.prepared, report.sent, report.done) == (2, 2, 4)
    assert not report.problems
    result = node.intent("b").result
    assert result["event"] == "Anchored"
    assert result["arguments"]["batch"] == 2
    assert result["arguments"]["root"] == "0x" + digest("b").hex()
    assert node.done_on_chain() == Counter({digest(name): 1 for name in "abc"} | {"民政": 1})


def test_a_refused_operation_leaves_its_reason_and_the_others_are_done(node: Node):
    node.revoke_nothing("no batch")
    node.anchor("batch")
    report = node.run()
    assert (report.refused, report.done) == (1, 1)
    intent = node.intent("no batch")
    assert (intent.state, intent.reason) == ("refused", Reason.UNKNOWN_BATCH)
    assert (node.intent("batch").state, node.intent("batch").error) == ("done", None)


def test_the_same_intent_twice_is_one_intent(node: Node):
    node.anchor("once")
    node.anchor("once")
    node.run_until_idle()
    node.anchor("once")
    node.run_until_idle()
    assert node.done_on_chain()[digest("once")] == 1
    with pytest.raises(ConflictError, match=r"storage\.intent_differs"):
        node.anchor("once", size=512)


def test_many_intents_are_written_down_at_once_in_their_order(node: Node):
    def intent(name: str, size: int = 256) -> outbox.Intent:
        fields = {"root": digest(name), "size": size, "blob": digest("blob"), "flags": 0}
        call = codec.canonical_call(Operation.ANCHOR, fields)
        return outbox.Intent(
            id=name,
            operation=Operation.ANCHOR,
            contract=node.at.materials,
            role="issue",
            subject=digest(name),
            call=call,
        )

    with UnitOfWork(node.database) as uow:
        assert outbox.enqueue_all(uow.connection, [intent("a"), intent("b"), intent("a")], now=1) == 2
        assert outbox.enqueue_all(uow.connection, [intent("b"), intent("c")], now=2) == 1
        for again in ([intent("b", 512)], [intent("d"), intent("d", 512)]):
            with pytest.raises(ConflictError, match="intent_differs"):
                outbox.enqueue_all(uow.connection, again, now=3)
        uow.commit()
    node.run_until_idle()
    assert [node.intent(name).result["arguments"]["batch"] for name in "abc"] == [1, 2, 3]
    assert sum(node.done_on_chain().values()) == 3


def test_what_depends_on_another_waits_for_it_and_fails_with_it(node: Node):
    node.anchor("first")
    node.department("second", 2, after="first")
    node.revoke_nothing("refused")
    node.department("never", 3, after="refused")
    node.department("nor this", 4, after="never")
    first = node.run()
    assert node.intent("second").state == "waiting"
    assert first.failed == 2
    node.run_until_idle()
    states = node.states()
    assert states == {
        "first": "done",
        "second": "done",
        "refused": "refused",
        "never": "failed",
        "nor this": "failed",
    }
    assert node.intent("nor this").error == "sending.dependency_failed"


def test_intents_about_one_subject_keep_their_order_across_entry_points_and_keys(node: Node):
    subject = digest("one and the same")
    at = node.at
    for number, (operation, role) in enumerate(
        [(Operation.SET_DEPARTMENTS, "operate"), (Operation.PUBLISH_ENDPOINT, "operate"),
         (Operation.SET_DEPARTMENTS, "operate"), (Operation.PUBLISH_ENDPOINT, "administer")]
    ):  # fmt: skip
        name = f"n{number}"
        fields = (
            {"department": number + 1, "active": True, "name": name}
            if operation is Operation.SET_DEPARTMENTS
            else {"url": name}
        )
        node.enqueue(name, operation, fields, contract=at.consortium, role=role, subject=subject)
    assert node.run().prepared == 3
    assert node.intent("n3").state == "waiting"
    node.run_until_idle()
    gateway = node.network.gateway()
    seen = [
        getattr(located.event, "name", None) or getattr(located.event, "url", None)
        for block in gateway.blocks(node.start, gateway.head().number)
        for located in block.events
    ]
    assert seen == ["n0", "n1", "n2", "n3"]


def test_a_batch_is_cut_at_the_bounds_of_its_arrays(node: Node):
    for number in range(40):
        node.anchor(f"batch {number}")
    report = node.run()
    assert (report.prepared, report.done) == (3, 40)
    with node.database.read() as connection:
        table = transactions
        gas = connection.execute(sa.select(sa.func.max(table.c.gas_used))).scalar_one()
    assert gas < LIMITS.transaction_gas


def test_a_call_that_no_contract_can_read_is_refused_at_once_or_fails_alone(node: Node):
    with pytest.raises(InputError, match=r"chain\.call_malformed"):
        node.enqueue("bad", Operation.ANCHOR, {"root": b"short"}, contract=node.at.materials, role="issue")
    with UnitOfWork(node.database) as uow:
        outbox.enqueue(
            uow.connection,
            outbox.Intent(
                id="unread",
                operation=Operation.ANCHOR,
                contract=node.at.materials,
                role="issue",
                subject=digest("unread"),
                call='{"root":"0x00"}',
            ),
            now=0,
        )
        uow.commit()
    node.anchor("good")
    node.run_until_idle()
    assert node.states() == {"unread": "failed", "good": "done"}
    assert node.intent("unread").error == "chain.call_malformed"


def test_a_reverted_transaction_is_taken_apart_and_only_its_cause_fails(node: Node):
    """A contract at which the call's selector does not exist reverts whatever is sent to it."""
    for name in ("x", "y"):
        fields = {"root": digest(name), "size": 256, "blob": digest("blob"), "flags": 0}
        node.enqueue(name, Operation.ANCHOR, fields, contract=node.at.catalogue, role="issue")
    node.anchor("sound")
    report = node.run()
    assert (report.prepared, report.done, report.requeued) == (2, 1, 2)
    node.run_until_idle()
    assert node.states() == {"x": "failed", "y": "failed", "sound": "done"}
    assert node.intent("x").error == "chain.reverted"
    with node.database.read() as connection:
        mined = connection.execute(sa.select(sa.func.count()).select_from(transactions)).scalar_one()
    assert mined == 2 + 2 * (LIMITS.outbox_reverts - 1)


def test_an_operation_whose_key_is_not_here_fails_after_a_moment_and_holds_nothing_up(node: Node):
    node.enqueue("keyless", Operation.PUBLISH_ENDPOINT, {"url": "x"}, contract=node.at.consortium, role="regulate")
    node.anchor("sound")
    report = node.run()
    assert (report.problems, report.failed, report.done) == ([], 0, 1)
    # A key that was just put back is read in seconds.
    assert node.states() == {"keyless": "waiting", "sound": "done"}
    node.clock.now += LIMITS.outbox_key_seconds
    report = node.run()
    assert (report.problems, report.failed) == ([], 1)
    assert node.states()["keyless"] == "failed"
    assert node.intent("keyless").error == "sending.no_key"


def test_a_full_outbox_says_when_to_come_again(node: Node, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(outbox, "LIMITS", _with(outbox_waiting=3))
    for name in "abc":
        node.anchor(name)
    with pytest.raises(UnavailableError, match=r"storage\.outbox_full") as raised:
        node.anchor("d")
    assert raised.value.retry_after == 30
    node.run_until_idle()
    node.anchor("d")


def test_transactions_wait_for_their_block_and_are_sent_again_meanwhile(make_node: Callable[..., Node]):
    node = make_node(mine=False)
    node.anchor("slow")
    assert node.run().in_flight == 1
    assert node.run().sent == 0
    node.clock.now += LIMITS.outbox_resend_seconds
    assert node.run().sent == 1
    node.network.engine.run_once()
    report = node.run()
    assert (report.done, report.in_flight) == (1, 0)
    assert node.done_on_chain()[digest("slow")] == 1


def test_a_nonce_that_somebody_else_used_is_found_out_and_nothing_is_lost(make_node: Callable[..., Node]):
    """The same key was used elsewhere between signing and mining: the signed transaction can never be mined."""
    node = make_node(mine=False)
    node.anchor("mine")
    node.run()
    other = {"root": digest("elsewhere"), "size": 256, "blob": digest("blob"), "flags": 0}
    gateway = node.network.gateway()
    send(gateway, signers("wuhou")["issue"], node.at.materials, Operation.ANCHOR, other, nonce=0)
    report = node.run()
    assert report.adopted == 1
    node.chain = gateway
    node.run_until_idle()
    assert node.states() == {"mine": "done"}
    assert node.done_on_chain() == Counter({digest("elsewhere"): 1, digest("mine"): 1})


def test_a_transaction_that_no_block_takes_is_halved_under_its_nonce(make_node: Callable[..., Node]):
    node = make_node(mine=False)
    for name in ("p", "q", "r", "s"):
        node.anchor(name)
    node.run()
    with UnitOfWork(node.database) as uow:
        uow.connection.execute(sa.update(transactions).values(attempts=LIMITS.outbox_stuck_attempts))
        uow.commit()
    node.clock.now += 1_000
    node.run()
    with node.database.read() as connection:
        rows = connection.execute(sa.select(transactions.c.nonce, transactions.c.state)).all()
    assert sorted(rows) == [(0, "prepared"), (0, "replaced")]
    node.run()
    node.network.engine.run_once()
    node.chain = node.network.gateway()
    node.run_until_idle()
    assert set(node.states().values()) == {"done"}
    assert node.done_on_chain() == Counter(digest(name) for name in "pqrs")


def test_the_replaced_transaction_is_mined_after_all(make_node: Callable[..., Node]):
    """The engine had kept the first one: all four operations are in it, and none is done again."""
    node = make_node(mine=False)
    for name in ("p", "q", "r", "s"):
        node.anchor(name)
    node.run()
    with UnitOfWork(node.database) as uow:
        uow.connection.execute(sa.update(transactions).values(attempts=LIMITS.outbox_stuck_attempts))
        uow.commit()
    node.clock.now += 1_000
    node.run()
    node.network.engine.run_once()
    node.chain = node.network.gateway()
    node.run_until_idle()
    assert set(node.states().values()) == {"done"}
    assert node.done_on_chain() == Counter(digest(name) for name in "pqrs")


def test_refused_by_the_contract_is_read_also_of_a_contract_not_yet_registered(node: Node):
    gateway = node.network.gateway()
    key = signers("wuhou")["issue"]
    from ledger.chain.deployment import deploy  # noqa: PLC0415  # only here

    address = deploy(gateway, key, "materials", node.at.consortium, wait=lambda: None)
    fields = {"root": digest("early"), "size": 256, "blob": digest("blob"), "flags": 0}
    node.enqueue("early", Operation.ANCHOR, fields, contract=address, role="issue")
    node.run_until_idle()
    assert (node.intent("early").state, node.intent("early").reason) == ("refused", Reason.GENERATION_CLOSED)
    assert gateway.chain_id() == CHAIN_ID
    assert Refused.__name__ not in {type(mark).__name__ for mark in node.done_on_chain()}


def test_an_operator_can_put_a_failed_intent_in_line_again(node: Node):
    node.revoke_nothing("again")
    node.run_until_idle()
    with UnitOfWork(node.database) as uow:
        repeating.retry(uow.connection, "again")
        uow.commit()
    assert node.intent("again").state == "waiting"
    with UnitOfWork(node.database) as uow, pytest.raises(ConflictError, match="intent_unsettled"):
        repeating.retry(uow.connection, "again")


def test_an_engine_that_is_gone_is_reported_and_nothing_is_lost(node: Node):
    node.anchor("waits")

    class Gone:
        """A chain whose engine does not answer."""

        def __getattr__(self, _name: str) -> object:
            raise UnavailableError("chain.unreachable", tried=1)

    chain, node.chain = node.chain, Gone()  # type: ignore[assignment]  # it answers nothing at all
    assert sending.run_once(node.sender).problems == ["chain.unreachable"]
    node.chain = chain
    node.run_until_idle()
    assert node.states() == {"waits": "done"}


def _with(**values: int) -> object:
    from dataclasses import replace  # noqa: PLC0415  # only here

    return replace(LIMITS, **values)
