"""``tongban log`` and ``trace --proofs`` beside a node whose log other cities cosign."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest

from ledger.domain.materials import RevocationCause
from ledger.services import materials
from tests.integration.network import CHAIN_ID
from tests.integration.services.logs import Logs, logs
from tests.integration.services.test_materials import paper
from tests.unit.node_client.commanding import Command

__all__ = ["logs"]


@pytest.fixture
def command(logs: Logs, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Command:
    """The command in a place where Wuhou's folder is."""
    node = logs.nodes["wuhou"]
    (tmp_path / "wuhou" / "node.toml").write_text(
        f'network = "{node.network}"\ndivision = "{node.division}"\nmember = 1\nconsortium = "{node.consortium}"\n'
        f'chain_id = {CHAIN_ID}\nrpc_urls = ["http://127.0.0.1:9"]\n'
    )
    return Command(tmp_path, monkeypatch, capsys)


def test_the_policy_is_printed_as_it_is_and_for_programs_with_its_digest(command, tmp_path):
    plain = command("log", "policy", "--node", "wuhou")
    said = json.loads(command("log", "policy", "--node", "wuhou", "--json").stdout)
    assert (plain.returncode, plain.stdout) == (0, said["policy"])
    assert said["sha256"] == hashlib.sha256(plain.stdout.encode()).hexdigest()
    (tmp_path / "policy").write_text(plain.stdout)


def test_a_trace_says_which_proofs_are_still_to_come(logs, command, tmp_path):
    node = logs.nodes["wuhou"]
    (material,) = materials.submit(node, "a1" * 16, [paper(tmp_path)]).materials
    logs.cities.pump()
    with node.database.read() as connection:
        leaf = materials.leaves_of(connection, material, None)[0]
    place = f"{leaf >> 32}:{leaf & 0xFFFFFFFF}"
    early = command("trace", place, "--node", "wuhou", "--proofs", "proofs", "--json")
    assert json.loads(early.stderr)["code"] == "receipts.not_published"
    logs.blocks(17)
    logs.append()
    assert logs.publish() is not None
    materials.revoke(node, material, RevocationCause.INSPECTION_WITHDRAWN, "样本：核对有误")
    logs.cities.pump()
    logs.append()
    said = json.loads(command("trace", place, "--node", "wuhou", "--proofs", "proofs", "--json").stdout)
    entries = [line["entry"] for line in said["lines"]]
    assert sorted(said["proofs"]["written"] + said["proofs"]["not_published"]) == sorted(set(entries))
    assert said["proofs"]["written"]
    assert said["proofs"]["not_published"] == [max(entries)]
    found = {path.name for path in (tmp_path / "proofs").iterdir()}
    assert found == {f"entry-{index}.{kind}" for index in said["proofs"]["written"] for kind in ("json", "tlog-proof")}
    people = command("trace", place, "--node", "wuhou", "--proofs", "proofs")
    assert "not published yet" in people.stdout
    assert "Entries not published yet: 1" in people.stdout
    (tmp_path / "policy").write_text(command("log", "policy", "--node", "wuhou").stdout)
    good = command("verify", "proofs", "--policy", "policy", "--json")
    assert (good.returncode, json.loads(good.stdout)["good"]) == (0, True)
    logs.blocks(17)
    logs.append()
    assert logs.publish() is not None
    later = json.loads(command("trace", place, "--node", "wuhou", "--proofs", "proofs", "--json").stdout)
    assert later["proofs"] == {"written": sorted(set(entries)), "not_published": []}
    without = json.loads(command("trace", place, "--node", "wuhou", "--json").stdout)
    assert without["proofs"] == {"written": [], "not_published": []}


def test_a_checkpoint_is_shown_with_who_signed_and_a_proof_is_written(logs, command, tmp_path):
    logs.append()
    assert logs.publish() is not None
    (tmp_path / "policy").write_text(command("log", "policy", "--node", "wuhou").stdout)
    shown = json.loads(command("log", "checkpoint", "wuhou", "--policy", "policy", "--json").stdout)
    assert shown["policy_satisfied"] is True
    # Both keys of each city.
    assert len(shown["cosigned"]) == 6
    proved = command("log", "proof", "wuhou", "0", "--to", "proofs", "--json")
    assert proved.returncode == 0, proved.stderr
    assert command("verify", "proofs", "--policy", "policy", "--json").returncode == 0
    beyond = command("log", "proof", "wuhou", "100000", "--json")
    assert json.loads(beyond.stderr)["code"] == "log.entry_unpublished"
    same = command("log", "diagnose", "wuhou", "wuhou", "--json")
    assert json.loads(same.stdout)["differs_at"] is None
