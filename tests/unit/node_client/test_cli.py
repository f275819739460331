"""The command's words and exit status; the whole verification of a real receipt is in the integration tests."""

from __future__ import annotations

import json
import subprocess
import sys

import httpx2
import pytest

from ledger.errors import InputError, IntegrityError, SetupError, UnavailableError
from node_client.cli.output import exit_status, language
from node_client.keys import CHAIN_ROLES
from node_client.processes import python_child


@pytest.mark.parametrize(
    ("environment", "expected"),
    [
        ({}, "zh"),
        ({"LANG": "zh_CN.UTF-8"}, "zh"),
        ({"LANG": "en_GB.UTF-8"}, "en"),
        ({"LANG": "zh_CN", "LC_ALL": "en_US"}, "en"),
        ({"LANG": "C"}, "en"),
    ],
)
def test_the_language_is_the_locales(environment, expected):
    assert language(environment) == expected


@pytest.mark.parametrize(
    ("error", "status"),
    [(InputError("a.b"), 2), (UnavailableError("a.b"), 3), (SetupError("a.b"), 4), (IntegrityError("a.b"), 5)],
)
def test_each_sort_of_error_has_its_status(error, status):
    assert exit_status(error) == status


def run(*arguments: str, lang: str = "en_US.UTF-8") -> subprocess.CompletedProcess[str]:
    """The real command."""
    program = "from node_client.cli.app import main; main()"
    environment = {"LANG": lang, "PYTHONPATH": ":".join(sys.path), "COLUMNS": "200"}
    return subprocess.run(
        [sys.executable, "-c", program, *arguments],
        capture_output=True,
        text=True,
        env=environment,
        check=False,
        timeout=60,
    )


def test_an_error_has_a_sentence_a_code_and_a_next_step(tmp_path):
    policy = tmp_path / "policy"
    policy.write_text("")
    found = run("verify", str(tmp_path / "none.json"), "--policy", str(policy))
    assert found.returncode == 2
    assert "The file none.json was not found." in found.stderr
    assert "[offline.missing]" in found.stderr
    assert "Check its name and folder." in found.stderr
    said = run("verify", str(tmp_path / "none.json"), "--policy", str(policy), lang="zh_CN.UTF-8")
    assert "没有找到文件" in said.stderr


def test_an_error_is_a_problem_document_for_programs(tmp_path):
    (tmp_path / "receipt").write_text("{}")
    found = run("verify", str(tmp_path / "receipt"), "--policy", str(tmp_path / "receipt"), "--json")
    assert json.loads(found.stderr)["type"] == "/problems/offline.no_receipt"
    assert found.returncode == 2


def test_keys_are_made_once_and_listed_without_their_secrets(tmp_path):
    (tmp_path / "passphrase").touch(mode=0o600)
    (tmp_path / "passphrase").write_text("correct horse\n")
    common = (str(tmp_path / "keys"), "--passphrase-file", str(tmp_path / "passphrase"), "--json")
    made = run("keys", "new", *common, "--scrypt-n", "1024")
    assert made.returncode == 0, made.stderr
    listed = run("keys", "list", *common)
    assert json.loads(listed.stdout) == json.loads(made.stdout)
    assert set(json.loads(listed.stdout)["chain"]) == set(CHAIN_ROLES)
    again = run("keys", "new", *common)
    assert (again.returncode, json.loads(again.stderr)["type"]) == (4, "/problems/keys.exist")
    (tmp_path / "passphrase").write_text("wrong\n")
    wrong = run("keys", "list", *common)
    assert json.loads(wrong.stderr)["type"] == "/problems/keys.wrong_passphrase"
    (tmp_path / "passphrase").chmod(0o644)
    assert "keys.open_permissions" in run("keys", "list", *common).stderr


@pytest.mark.serial
def test_the_engine_runs_until_it_is_stopped(tmp_path):
    ready = tmp_path / "ready.json"
    program = ("-c", "from node_client.cli.app import main; main()", "network", "engine", str(tmp_path / "engine"))
    options = ("--chain-id", "20261", "--port", "0", "--ready-file", str(ready))
    child = python_child("engine", (*program, *options), ready=ready, log=tmp_path / "engine.log")
    try:
        child.wait_ready(60)
        url = json.loads(ready.read_text())["url"]
        asked = {"jsonrpc": "2.0", "id": 1, "method": "eth_chainId", "params": []}
        answer = httpx2.post(url, json=asked, timeout=10)
        assert answer.json()["result"] == hex(20261)
        second = run("network", "engine", str(tmp_path / "engine"), "--chain-id", "20261", "--port", "0")
        assert (second.returncode, "[processes.held]" in second.stderr) == (4, True)
    finally:
        assert child.stop() == 0
    assert not ready.exists()


def test_an_address_that_is_none_is_refused(tmp_path):
    found = run("network", "engine", str(tmp_path), "--chain-id", "1", "--allow", "0x12")
    assert (found.returncode, "[cli.address]" in found.stderr) == (2, True)


def test_the_verifier_loads_neither_database_nor_engine():
    program = "import sys, node_client.offline; print([name for name in ('sqlalchemy', 'web3', 'eth', 'sqlite3', 'socket') if name in sys.modules])"
    found = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=60)
    assert found.stdout.strip() == "[]"
