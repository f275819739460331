"""``tongban node stuck`` and ``retry``: what was refused is seen with its reason, and tried again on command."""

from __future__ import annotations

import json

from ledger.domain.consortium import Role
from ledger.domain.operations import Operation
from ledger.domain.reasons import Reason
from ledger.services import consortium, sending
from tests.integration.network import signer
from tests.integration.node_client.stage import Stage


def test_a_refusal_is_listed_with_its_reason_and_done_once_its_cause_is_gone(staged: Stage):
    assert staged.said("node", "stuck", "wuhou") == {"stuck": [], "count": 0}
    node, key = staged.cities.nodes["wuhou"], signer("clerk").address
    # Nothing to remove yet.
    name = consortium.set_keys(node, key, 0)
    staged.cities.pump()
    assert staged.cities.outcome("wuhou", name) is Reason.NOT_A_KEY
    (found,) = staged.said("node", "stuck", "wuhou")["stuck"]
    assert (found["intent"], found["state"], found["code"]) == (name, "refused", "reasons.not_a_key")
    assert found["text"]
    said = staged.command("node", "stuck", "wuhou")
    assert name in said.stdout.replace("\n", "")
    assert "reasons.not_a_key" in said.stdout
    consortium.set_keys(node, key, int(Role.OPERATE))
    staged.cities.pump()
    assert staged.said("node", "retry", "wuhou", name) == {"retried": [name]}
    staged.cities.pump()
    assert staged.cities.outcome("wuhou", name) is Reason.OK
    with node.database.read() as connection:
        assert consortium.roles_of(connection, 1, key) == Role(0)
    assert staged.said("node", "stuck", "wuhou")["count"] == 0


def test_what_failed_for_another_s_sake_is_tried_again_behind_it(staged: Stage):
    node = staged.cities.nodes["wuhou"]
    key = signer("clerk").address
    none = "0x" + "00" * 20
    with node.begin() as uow:
        for name, roles, after in (("first", 0, None), ("second", int(Role.WITNESS), "first"), ("third", 0, "second")):
            sending.enqueue(
                uow.connection, intent=name, operation=Operation.SET_KEYS, contract=node.consortium, role="administer",
                subject=bytes(32), fields={"key": key, "roles": roles, "previous": none}, now=node.clock(), after=after,
            )  # fmt: skip
        uow.commit()
    staged.cities.pump()
    states = {name: staged.intent("wuhou", name).state for name in ("first", "second", "third")}
    assert states == {"first": "refused", "second": "failed", "third": "failed"}
    consortium.set_keys(node, key, int(Role.OPERATE))
    staged.cities.pump()
    # Asked for the last one, whatever it waits for goes before it.
    assert staged.said("node", "retry", "wuhou", "third") == {"retried": ["first", "second", "third"]}
    staged.cities.pump()
    assert {staged.cities.outcome("wuhou", name) for name in states} == {Reason.OK}


def test_all_that_failed_is_tried_again_in_its_order_behind_what_it_waits_for(staged: Stage):
    node = staged.cities.nodes["wuhou"]
    refused = consortium.set_keys(node, signer("clerk").address, 0)
    staged.cities.pump()
    with node.begin() as uow:
        for name in ("a", "b"):
            sending.enqueue(
                uow.connection, intent=name, operation=Operation.PUBLISH_ENDPOINT, contract=node.consortium,
                role="administer", subject=bytes(32), fields={"url": f"https://{name}.example"}, now=node.clock(),
                after=refused,
            )  # fmt: skip
        uow.commit()
    staged.cities.pump()
    other = consortium.set_keys(node, signer("another clerk").address, 0)
    staged.cities.pump()
    # What they waited for goes before them, though it was refused; another refusal is left as it is.
    assert staged.said("node", "retry", "wuhou", "--all-failed") == {"retried": [refused, "a", "b"]}
    assert staged.intent("wuhou", other).state == "refused"


def test_what_cannot_be_tried_again_is_said(staged: Stage):
    assert staged.refused("node", "retry", "wuhou") == "cli.nothing_to_retry"
    assert staged.refused("node", "retry", "wuhou", "none") == "storage.intent_unknown"
    done = consortium.publish_endpoint(staged.cities.nodes["wuhou"], "https://a.example")
    staged.cities.pump()
    found = staged.command("node", "retry", "wuhou", done, "--json")
    assert json.loads(found.stderr)["code"] == "storage.intent_unsettled"
