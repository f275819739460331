"""What is typed wrong and what the machine refuses: a code, a sentence and a next step, in the reader's language alone."""

from __future__ import annotations

import errno
import json
import re

import pytest

from node_client.cli import app
from node_client.cli.misuse import machine_fault
from tests.unit.node_client.commanding import Command

CHINESE = re.compile("[\u3400-\u9fff]")


@pytest.fixture(name="command")
def _command(tmp_path, monkeypatch, capsys):
    monkeypatch.delenv("TONGBAN_NODE", raising=False)
    return Command(tmp_path, monkeypatch, capsys)


@pytest.mark.parametrize(
    ("typed", "code", "named"),
    [
        (("member", "vote", "--node", "n", "--yes"), "cli.missing", "proposal"),
        (("member", "list"), "cli.missing", "--node"),
        (("member", "vote", "x", "--node", "n", "--yes"), "cli.value", "int range"),
        (("member", "propose", "banish", "--node", "n"), "cli.value", "suspend"),
        (("network", "init", "pilot", "--port", "70000"), "cli.value", "65500"),
        (("log", "policy", "--nod", "n"), "cli.no_option", "--nod"),
        (("log", "policy", "--node"), "cli.option", "--node"),
        (("member", "banish"), "cli.words", "tongban member --help"),
        (("banish",), "cli.words", "tongban --help"),
        (("member", "list", "--node", "n", "more"), "cli.words", "tongban member list --help"),
    ],
)
def test_what_was_typed_wrong_is_said_with_its_code_and_whose_help_to_read(command, typed, code, named):
    said = command(*typed)
    assert said.returncode == 2
    assert f"[{code}]" in said.stderr
    assert named in said.stderr
    assert "--help`" in said.stderr
    assert said.stdout == ""
    assert not CHINESE.search(said.stderr)


def test_programs_get_a_problem_document(command):
    said = command("member", "vote", "--json", "--node", "n", "--yes")
    assert said.returncode == 2
    problem = json.loads(said.stderr)
    assert (problem["code"], problem["facts"]["name"]) == ("cli.missing", "proposal")
    assert problem["next_step"]


def test_in_a_chinese_locale_the_parser_speaks_chinese(command):
    command.lang = "zh_CN.UTF-8"
    said = command("member", "list")
    assert "缺少 --node" in said.stderr
    assert "用法见 tongban member list --help。" in said.stderr
    assert "Missing" not in said.stderr


def test_a_group_alone_shows_its_help(command):
    said = command("log")
    assert said.returncode == 2
    assert "checkpoint" in said.stdout


@pytest.mark.parametrize("columns", ["60", "80", "200"])
def test_help_is_never_cut_off(command, columns):
    command.columns = columns
    said = command("verify", "--help")
    assert said.returncode == 0
    letters = "".join(re.findall(r"[^\s│]", said.stdout))
    assert "凭证、.tlog-proof证明、要核对的文件或文件夹/receipts,proofs,filestoholdagainstthem,folders" in letters
    assert "…" not in said.stdout


@pytest.mark.parametrize(
    ("number", "code"),
    [(errno.EACCES, "cli.forbidden"), (errno.ENOSPC, "cli.disk_full"), (errno.ENOTDIR, "cli.machine")],
)
def test_what_the_machine_refuses_is_named_without_its_place(number, code):
    error = machine_fault(OSError(number, "strerror", "/srv/wuhou/node.db"))
    assert error.code == code
    assert "/srv" not in str(error)


def test_a_folder_that_stands_where_a_file_is_named_is_no_fault_of_the_program(command):
    said = command("keys", "list", "keys", "--passphrase-file", ".")
    assert said.returncode == 4
    assert "[cli.machine]" in said.stderr


def test_a_file_that_stands_where_a_folder_is_named_holds_no_network(command):
    command.folder.joinpath("file").write_text("")
    said = command("network", "status", "file")
    assert said.returncode == 4
    assert "[networks.missing]" in said.stderr


def test_a_fault_of_the_program_says_where_and_not_what(command, monkeypatch):
    def broken(_names):
        raise RuntimeError("样本甲")

    monkeypatch.setattr(app, "build", broken)
    said = command("network", "status", "pilot", "--json")
    assert said.returncode == 70
    problem = json.loads(said.stderr)
    assert problem["code"] == "cli.fault"
    assert problem["facts"]["kind"] == "RuntimeError"
    assert "样本甲" not in said.stderr


def test_a_question_without_an_answer_ends_the_command(command):
    said = command("holder", "new", "seed.json")
    assert said.returncode == 2
