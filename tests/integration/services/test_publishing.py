"""Publishing and cosigning by three cities on one engine: one tree, both kinds of cosignature, and no forgetting."""

from __future__ import annotations

from dataclasses import replace

import pytest

from ledger.domain.checkpoints import Checkpoint, parse_checkpoint, sign_checkpoint
from ledger.domain.entries import StatusEntry, parse_entry
from ledger.domain.notes import format_note
from ledger.domain.policies import evaluate, format_policy
from ledger.errors import IntegrityError, SetupError, UnavailableError
from ledger.log.files import DirectoryFiles
from ledger.log.store import LogStore
from ledger.log.view import LogView
from ledger.log.witness import AddCheckpoint, format_request
from ledger.services import cosigning, publishing
from ledger.services.overview import log_shown
from node_client.keyholder import log_signer, note_signers
from tests.integration.services.logs import DIVISIONS, logs

__all__ = ["logs"]


def test_every_city_has_the_same_tree_and_the_same_policy(logs):
    logs.append()
    assert len({(store.head.size, store.head.root) for store in logs.stores.values()}) == 1
    policies = set()
    for node in logs.nodes.values():
        with node.database.read() as connection:
            policies.add(format_policy(publishing.policy_of(connection, node.network)))
    assert len(policies) == 1
    assert publishing.append(logs.nodes["wuhou"], logs.stores["wuhou"]) == 0


def test_a_checkpoint_ends_with_a_status_and_carries_both_signatures_of_every_city(logs):
    logs.append()
    made = logs.publish()
    assert made is not None
    assert made.is_served
    assert logs.publish() is None
    node = logs.nodes["wuhou"]
    checkpoint, note = parse_checkpoint(logs.stores["wuhou"].published_note)
    with node.database.read() as connection:
        verdict = evaluate(publishing.policy_of(connection, node.network), checkpoint, note)
        last = parse_entry(logs.stores["wuhou"].entry(checkpoint.size - 1))
    assert len(verdict.cosigned) == 6
    assert isinstance(last, StatusEntry)
    assert log_shown(node, LogView(DirectoryFiles(node.log_folder))).cosigners == tuple(DIVISIONS.values())


def test_a_city_that_is_away_costs_its_signature_and_two_cost_the_quorum(logs):
    logs.append()
    logs.away = {3}
    assert logs.publish().is_served
    logs.blocks(16)
    logs.append()
    logs.away = {2, 3}
    with pytest.raises(UnavailableError, match=r"publishing\.quorum"):
        logs.publish()
    before = logs.stores["wuhou"].published.size
    logs.away = set()
    assert logs.publish().is_served
    assert logs.stores["wuhou"].published.size > before


def test_a_city_that_has_not_read_so_far_says_not_yet(logs):
    logs.append("wuhou", "mianyang")
    made = logs.publish()
    behind = next(one for one in made.collected if one.name == DIVISIONS["yuzhong"])
    assert (behind.code, behind.status) == ("log.not_synced", 503)
    assert made.is_served


def test_two_heads_at_one_size_are_evidence_and_stop_the_cosigning(logs):
    logs.append()
    node, ring = logs.nodes["wuhou"], logs.rings["wuhou"]
    signer = log_signer(ring, node.network, node.division)
    size = logs.stores["wuhou"].head.size
    lie = Checkpoint(signer.key.name, size, bytes(32))
    note = format_note(lie.text(), [sign_checkpoint(lie, signer)])
    witness = logs.witnesses["mianyang"]
    answer = witness.answer(format_request(AddCheckpoint(0, (), note)))
    assert (answer.status, answer.code) == (422, "log.split_view")
    assert len(witness.state.evidence()) == 1
    made = logs.publish()
    halted = next(one for one in made.collected if one.name == DIVISIONS["mianyang"])
    assert halted.code == "log.halted"


def test_files_that_are_ahead_of_the_picture_are_not_signed(logs, tmp_path):
    store = LogStore(DirectoryFiles(tmp_path / "ahead"))
    store.append([b"entry %d" % number for number in range(5000)])
    with pytest.raises(IntegrityError, match=r"publishing\.ahead"):
        publishing.append(logs.nodes["wuhou"], store)


def test_a_witness_that_lost_its_memory_signs_nothing(tmp_path, logs):
    signers = note_signers(logs.rings["wuhou"], "test/log", "510107")
    with pytest.raises(SetupError, match=r"log\.witness_lost"):
        cosigning.open_witness(tmp_path / "gone.db", signers)
    other = note_signers(logs.rings["mianyang"], "test/log", "510108")
    with pytest.raises(SetupError, match=r"log\.witness_keys"):
        cosigning.open_witness(tmp_path / "wuhou" / "witness.db", other)


def test_a_block_that_was_seen_late_is_not_vouched_for(logs):
    late = replace(logs.nodes["yuzhong"], clock=lambda: logs.nodes["yuzhong"].clock() + 3600)
    logs.append("wuhou", "mianyang")
    publishing.append(late, logs.stores["yuzhong"])
    made = logs.publish()
    untimely = next(one for one in made.collected if one.name == DIVISIONS["yuzhong"])
    assert untimely.code == "log.untimely"
