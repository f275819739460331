"""The whole pilot, as a newcomer runs it: every process its own, every expected result, and nobody's name where it must not be."""

from __future__ import annotations

import hashlib
import json
import os
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2
import pytest
from eth_hash.auto import keccak

from ledger.domain.files import digests_of
from node_client.networks import load_network
from node_client.pilot.papers import APPLICANT, SPOUSE
from node_client.pilot.telling import expectation_words
from node_client.supervising import NetworkProcesses

pytestmark = [pytest.mark.serial, pytest.mark.timeout(600)]


@dataclass(frozen=True)
class Played:
    """A pilot that was played to its end."""

    folder: Path
    status: int
    output: str
    document: dict[str, Any]


def play(folder: Path, *options: str) -> Played:
    """Run the pilot's command to its end."""
    result = folder.parent / "result.json"
    found = subprocess.run(
        [sys.executable, "-m", "node_client.pilot.command", "--exit", "--data", str(folder), "--json", str(result), *options],
        capture_output=True, text=True, check=False, timeout=500, env={**os.environ, "LANG": "en_US.UTF-8"},
    )  # fmt: skip
    document = json.loads(result.read_text(encoding="utf-8")) if result.exists() else {}
    return Played(folder, found.returncode, found.stdout + found.stderr, document)


@pytest.fixture(scope="module")
def played(tmp_path_factory) -> Played:
    return play(tmp_path_factory.mktemp("pilot") / "data")


def test_every_expected_result_came_about(played):
    assert played.status == 0, played.output[-3000:]
    assert played.document["good"] is True
    listed = {item["name"]: item for item in played.document["expectations"]}
    assert set(listed) == set(expectation_words("en"))
    assert {item["step"] for item in listed.values()} == set(range(1, 10))
    refused = ("other-matter", "other-city", "after-revocation", "after-last-use", "after-expiry", "material-revoked",
               "deciding-where-received", "neither-agreement-nor-assent", "changed-byte", "release-without-use")  # fmt: skip
    assert set(refused) <= set(listed)
    # What the chain refused stands in a trace, each with its code; the others in `verify` and the local audit.
    assert {f"{name}-in-the-trace" for name in refused[:-2]} <= set(listed)
    assert len(played.document["addresses"]) == 6


def calendar_offset(folder: Path) -> int:
    """How far the engine's clock was moved from this machine's, seconds."""
    with closing(sqlite3.connect(folder / "engine" / "engine.db")) as store:
        return int(store.execute("SELECT v FROM meta WHERE k = 'clock_offset'").fetchone()[0])


def test_run_again_it_goes_on_from_the_stored_state(played):
    moved = calendar_offset(played.folder)
    again = play(played.folder)
    assert again.status == 0, again.output[-3000:]
    before = {item["name"]: item["found"] for item in played.document["expectations"]}
    after = {item["name"]: item["found"] for item in again.document["expectations"]}
    assert after == before
    assert calendar_offset(played.folder) == moved


def needles() -> Iterator[tuple[str, bytes]]:
    """Every name and number of the story, in plain, in hex and hashed."""
    for person in (APPLICANT, SPOUSE):
        for text in (person.name, person.identity_number):
            for encoding in ("utf-8", "utf-16-le", "gb18030"):
                plain = text.encode(encoding)
                yield f"{text} {encoding}", plain
                yield f"{text} hex", plain.hex().encode()
            plain = text.encode()
            for name, digest in (
                ("sha256", hashlib.sha256(plain).digest()),
                ("keccak", keccak(plain)),
                ("md5", hashlib.md5(plain, usedforsecurity=False).digest()),
            ):
                yield f"{text} {name}", digest
                yield f"{text} {name} hex", digest.hex().encode()


def public_bytes(folder: Path) -> Iterator[tuple[str, bytes]]:
    """All that others may come to see: log files, the chain's database, tiles, and the nodes' own databases."""
    for path in sorted(folder.rglob("*")):
        if not path.is_file() or "files" in path.parts or "people" in path.parts or path.name.endswith("-shm"):
            continue
        if path.suffix in {".log", ".db", ".db-wal"} or "log" in path.relative_to(folder).parts:
            yield str(path.relative_to(folder)), path.read_bytes()


def test_no_name_and_no_number_is_where_it_must_not_be(played):
    wanted = list(needles())
    files = [item["name"] for item in played.document["expectations"]]
    assert files
    for paper in sorted((played.folder / "files").iterdir()):
        digest = hashlib.sha256(paper.read_bytes()).digest()
        wanted += [(f"{paper.name} sha256", digest), (f"{paper.name} sha256 hex", digest.hex().encode())]
    looked = list(public_bytes(played.folder))
    assert any(name.startswith("engine") and name.endswith(".db") for name, _ in looked)
    assert any("tile" in name for name, _ in looked)
    assert any(name.endswith("node.log") for name, _ in looked)
    found = []
    for name, data in looked:
        own = name.endswith(("node.db", "node.db-wal"))
        for what, needle in wanted:
            # A city's own database knows the digests of its own files, so that a file held up to it is recognised.
            if needle in data and not (own and "sha256" in what and "." in what):
                found.append((name, what))
    assert not found


def test_the_logs_say_codes_and_numbers_only(played):
    for path in played.folder.rglob("*.log"):
        for line in path.read_text(encoding="utf-8").splitlines():
            assert set(json.loads(line)) >= {"event", "level"}, path.name


@dataclass
class Running:
    """The pilot's network, up again, and the command on one of its nodes."""

    folder: Path

    def __call__(self, *arguments: str, node: str = "510107", status: int = 0) -> dict[str, Any]:
        found = subprocess.run(
            [sys.executable, "-m", "node_client", *arguments, "--json"],
            capture_output=True, text=True, check=False, timeout=150,
            env={**os.environ, "LANG": "en_US.UTF-8", "TONGBAN_NODE": str(self.folder / "nodes" / node)},
        )  # fmt: skip
        assert found.returncode == status, (arguments, found.stdout, found.stderr)
        document: dict[str, Any] = json.loads(found.stdout)
        return document


@pytest.fixture(scope="module")
def tongban(played) -> Iterator[Running]:
    network = load_network(played.folder)
    processes = NetworkProcesses(network)
    try:
        processes.start_engine()
        processes.start_nodes()
        yield Running(played.folder)
    finally:
        processes.stop()


def test_a_days_work_with_the_command(tongban, tmp_path):
    """Enrol, hand in, receive a receipt, verify, apply at a window, decide, rate, trace, prove: each with the command."""
    for place, text in (("pin", "246810"), ("register.pdf", "%PDF-1.7\n样本\n%%EOF\n")):
        (tmp_path / place).write_text(text, encoding="utf-8")
        (tmp_path / place).chmod(0o600)
    node = str(tongban.folder / "nodes" / "510107")
    person = tongban("holder", "new", "--custody", "--node", node, "--pin-file", str(tmp_path / "pin"))["person"]
    taken = tongban(
        "material", "submit", str(tmp_path / "register.pdf"), "--type", "household-register", "--person", person,
        "--field", "address=样本路 9 号", "--issuer", "11510107MB00000001", "--issuer-name", "样本派出所",
    )  # fmt: skip
    (material,) = taken["materials"]
    assert material in {row["material"] for row in tongban("material", "list")["materials"]}
    tongban("material", "receipt", material, "--to", str(tmp_path / "r.json"))
    policy = str(tongban.folder / "receipts" / "five-cities.policy")
    verdict = tongban("verify", str(tmp_path / "r.json"), str(tmp_path / "register.pdf"), "--policy", policy)
    assert verdict["good"] is True
    pension = "local:tongban:pension-transfer"
    assert tongban("case", "needs", "--matter", pension, "--applicant", taken["applicant"])["missing"] == ["identity"]
    case = tongban(
        "case", "open", "--matter", pension, "--handling", "1", "--mode", "fully_online", "--person", person, "--window"
    )["case"]
    tongban("case", "accept", case, "--department", "1", "--officer", "1", "--words", "予以受理")
    # Out of turn: the contract refuses, and the command says so.
    refused = tongban("case", "deliver", case, "--detail", "1", status=1)
    assert refused["outcomes"][0]["reason"] == "wrong_state"
    for step in (
        ("review",),
        ("grant", "--department", "1", "--officer", "3"),
        ("close",),
        ("deliver", "--detail", "1"),
    ):
        tongban("case", step[0], case, *step[1:])
    tongban("case", "rate", case, "--detail", "very_satisfied", "--pin-file", str(tmp_path / "pin"))
    assert tongban("case", "show", case)["state"] == "rated"
    found = tongban("trace", case, "--proofs", str(tmp_path / "proofs"))
    assert [line["refused"] for line in found["lines"]].count(None) == len(found["lines"]) - 1
    assert found["proofs"]["written"]
    proven = tongban("verify", str(tmp_path / "proofs"), "--policy", policy)
    assert proven["good"] is True
    assert tongban("consent", "feed", material)["readings"] == []
    tongban("material", "revoke", material, "--cause", "holder_asked", "--words", "样本")
    tongban("material", "erase", material, "--basis", "consent_withdrawn")


def test_another_portal_verifies_over_http(tongban):
    """The receipt alone, then with the file's digests as any program computes them, then with those of another file."""
    folder = tongban.folder
    receipt = json.loads((folder / "receipts" / "household.receipt.json").read_bytes())
    url = json.loads((folder / "nodes" / "610113" / "ready.json").read_text())["url"] + "/v1/verify"
    told = {}
    for name in ("household-register.pdf", "purchase-contract.pdf"):
        digests = digests_of([(folder / "files" / name).read_bytes()])
        body = {"receipt": receipt, "files": [{"size": digests.size, "sha256": digests.sha256, "sm3": digests.sm3}]}
        told[name] = httpx2.post(url, json=body).json()
    assert told["household-register.pdf"]["good"] is True
    assert told["purchase-contract.pdf"]["good"] is False
    codes = [check["code"] for check in told["purchase-contract.pdf"]["checks"] if check["outcome"] == "failed"]
    assert codes == ["receipts.other_file"]
    alone = httpx2.post(url, content=(folder / "receipts" / "household.receipt.json").read_bytes()).json()
    assert {check["outcome"] for check in alone["checks"]} == {"passed", "not_claimed", "could_not_check"}


def test_an_operators_day_with_the_command(tongban, tmp_path):
    assert tongban("node", "status", str(tongban.folder / "nodes" / "510107"))["ready"] is True
    checks = tongban("node", "doctor", str(tongban.folder / "nodes" / "510107"))["checks"]
    assert {item["outcome"] for item in checks} == {"good"}
    before = tongban("keys", "list", str(tongban.folder / "nodes" / "610113" / "keys"), "--passphrase-file",
                     str(tongban.folder / "nodes" / "610113" / "passphrase"))  # fmt: skip
    rotated = tongban("member", "rotate-key", "operate", node="610113")
    assert rotated["done"] is True
    assert rotated["address"] != before["chain"]["operate"]
    assert tongban("keys", "rotate", "requests-ed25519", node="610113")["done"] is True
    motion = ("propose", "suspend", "--member", "4", "--digest", "ab" * 32)
    assert tongban("member", *motion)["done"] is True
    (vote,) = [one for one in tongban("member", "list")["proposals"] if one["kind"] == "suspend"]
    assert tongban("member", "vote", str(vote["proposal"]), "--no", node="610113")["done"] is True
    assert len(tongban("agreement", "list")["agreements"]) == 1
    seen = tongban("oversight", "--since", "2026-03-01", "--until", "2026-12-31", node="510000")
    assert {one["mode"] for one in seen["volume"]} == {"fully_online", "received_here", "joint"}
    assert {one["reason"] for one in seen["refusals"]} >= {"consent_revoked", "consent_expired", "leaf_revoked"}
    assert sum(one["in_time"] for one in seen["timeliness"]) >= 3
    assert not any(one["late"] for one in seen["timeliness"])
    (tmp_path / "bad.json").write_text("{}")
    assert tongban("catalogue", "check", str(tmp_path / "bad.json"), status=2)["good"] is False
    assert len(tongban("catalogue", "show", "--member", "2")["matters"]) == 9
    nodes = tongban.folder / "nodes"
    assert tongban("log", "diagnose", str(nodes / "510107"), str(nodes / "610113"))["differs_at"] is None
    policy = ("--policy", str(tongban.folder / "receipts" / "five-cities.policy"))
    assert tongban("log", "verify", str(nodes / "510107"), *policy)["size"] > 200
    assert tongban("log", "evidence", "--to", str(tmp_path / "evidence"))["evidence"] == []
    assert tongban("network", "status", str(tongban.folder), "--deep")["store_rows"] > 1_000
    assert [one["year"] for one in tongban("member", "calendars")["calendars"]] == [2025, 2026]
    assert tongban("node", "backup", str(nodes / "610113"), str(tmp_path / "yanta.tar"))["files"] > 5


def test_every_chain_is_whole_and_nothing_waits(played):
    for path in (played.folder / "nodes").glob("*/node.db"):
        with sqlite3.connect(path) as connection:
            assert connection.execute(
                "SELECT count(*) FROM intents WHERE state IN ('waiting', 'prepared', 'sent')"
            ).fetchone() == (0,)
            assert connection.execute("SELECT count(*) FROM intents WHERE state = 'failed'").fetchone() == (0,)
        connection.close()
