"""The whole pilot, as a newcomer runs it: every process its own, every expected result, and nobody's name where it must not be."""

from __future__ import annotations

import hashlib
import json
import os
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from eth_hash.auto import keccak

from node_client.pilot.papers import APPLICANT, SPOUSE

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
    assert len(listed) >= 40
    assert {item["step"] for item in listed.values()} == set(range(1, 10))
    refused = ("other-matter", "other-city", "after-revocation", "after-last-use", "after-expiry", "material-revoked",
               "deciding-where-received", "neither-agreement-nor-assent", "changed-byte", "release-without-use")  # fmt: skip
    assert set(refused) <= set(listed)
    assert len(played.document["addresses"]) == 6


def test_run_again_it_goes_on_from_the_stored_state(played):
    again = play(played.folder)
    assert again.status == 0, again.output[-3000:]
    before = {item["name"]: item["found"] for item in played.document["expectations"]}
    after = {item["name"]: item["found"] for item in again.document["expectations"]}
    assert after == before


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


def test_every_chain_is_whole_and_nothing_waits(played):
    for path in (played.folder / "nodes").glob("*/node.db"):
        with sqlite3.connect(path) as connection:
            assert connection.execute(
                "SELECT count(*) FROM intents WHERE state IN ('waiting', 'prepared', 'sent')"
            ).fetchone() == (0,)
            assert connection.execute("SELECT count(*) FROM intents WHERE state = 'failed'").fetchone() == (0,)
        connection.close()
