"""A split of the log: evidence stops the cosigning, what two thirds of the cities signed ends it."""

from __future__ import annotations

import pytest

from ledger.domain.checkpoints import Checkpoint, sign_checkpoint
from ledger.domain.notes import format_note
from ledger.errors import InputError, NotFoundError, UnavailableError
from ledger.log.files import DirectoryFiles
from ledger.log.view import LogView
from ledger.log.witness import AddCheckpoint, Seen, format_request
from ledger.services import splits
from node_client.keyholder import log_signer, note_signers
from tests.integration.services.custodians import CITIES
from tests.integration.services.logs import logs

__all__ = ["logs"]


def tree_of(logs, city):
    return LogView(DirectoryFiles(logs.nodes[city].log_folder)).tree()


def vouched(logs, city, size):
    node = logs.nodes[city]
    return splits.vouch(node, tree_of(logs, city), note_signers(logs.rings[city], node.network, node.division), size)


def signed_by_wuhou(logs, size, root):
    node = logs.nodes["wuhou"]
    signer = log_signer(logs.rings["wuhou"], node.network, node.division)
    head = Checkpoint(signer.key.name, size, root)
    return format_note(head.text(), [sign_checkpoint(head, signer)])


def lied_to(logs, city):
    """The publisher shows this city a head that its own view of the chain does not give; returns its size."""
    size = logs.stores["wuhou"].head.size
    note = signed_by_wuhou(logs, size, bytes(32))
    answer = logs.witnesses[city].answer(format_request(AddCheckpoint(0, (), note)))
    assert answer.code == "log.split_view"
    return size


def test_two_thirds_end_a_split_and_cosigning_goes_on(logs):
    logs.append()
    size = lied_to(logs, "mianyang")
    node, state, tree = logs.nodes["mianyang"], logs.witnesses["mianyang"].state, tree_of(logs, "mianyang")
    with pytest.raises(UnavailableError, match=r"log\.halted"):
        splits.require_none(state)
    parts = [vouched(logs, city, size) for city in CITIES]
    with pytest.raises(InputError, match=r"log\.policy_quorum"):
        splits.resolve(node, tree, state, 1, parts[:1])
    with pytest.raises(InputError, match=r"log\.resolution_other"):
        splits.resolve(node, tree, state, 1, [parts[0], vouched(logs, "wuhou", size - 1)])
    with pytest.raises(NotFoundError, match=r"log\.evidence_absent"):
        splits.resolve(node, tree, state, 2, parts)
    assert state.is_halted("network")
    splits.resolve(node, tree, state, 1, parts[:2])
    splits.require_none(state)
    made = logs.publish()
    assert {one.name: one.code for one in made.collected} == dict.fromkeys(("510107", "510108", "510109"))


def test_a_city_begins_again_with_the_head_that_survives(logs):
    logs.append()
    size = logs.stores["wuhou"].head.size
    node, state, tree = logs.nodes["mianyang"], logs.witnesses["mianyang"].state, tree_of(logs, "mianyang")
    lost = signed_by_wuhou(logs, size, bytes(32))
    origin = f"{node.network}/510107"
    # It cosigned a history that its engine showed it then; the chain it follows now has another.
    assert state.advance(origin, None, Seen(size, bytes(32), lost))
    splits.report(node, state, lost, signed_by_wuhou(logs, size, tree.root_at(size)))
    splits.resolve(node, tree, state, 1, [vouched(logs, city, size) for city in CITIES])
    assert state.latest(origin).root == tree.root_at(size)
    assert logs.publish().is_served


def test_a_city_of_the_history_that_is_given_up_is_told_to_rebuild(logs):
    logs.append()
    size = logs.stores["wuhou"].head.size
    node, state, tree = logs.nodes["mianyang"], logs.witnesses["mianyang"].state, tree_of(logs, "mianyang")
    splits.report(node, state, signed_by_wuhou(logs, size, bytes(32)), signed_by_wuhou(logs, size, tree.root_at(size)))

    class Elsewhere:
        head = tree.head

        def root_at(self, _size):
            return bytes(32)

    parts = [vouched(logs, city, size) for city in CITIES]
    with pytest.raises(InputError, match=r"log\.other_history"):
        splits.resolve(node, Elsewhere(), state, 1, parts)
    assert state.is_halted("network")


def test_checkpoints_that_agree_are_no_evidence(logs):
    logs.append()
    size = logs.stores["wuhou"].head.size
    state = logs.witnesses["mianyang"].state
    note = signed_by_wuhou(logs, size, bytes(32))
    with pytest.raises(InputError, match=r"log\.no_contradiction"):
        splits.report(logs.nodes["mianyang"], state, note, note)
    assert state.evidence() == ()
