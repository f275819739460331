"""Every command of ``tongban`` explains itself: in both languages, with an example that it would take, with ``--json``."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import typer
from typer.testing import CliRunner

from node_client.cli.app import GROUPS, build

ROOT = Path(__file__).resolve().parents[3]
APP = build()
# Commands that answer nothing, with the reason.
WITHOUT_JSON = {
    ("network", "engine"): "serves until it is stopped; its address goes to --ready-file, as JSON",
    ("node", "run"): "runs until it is stopped; its address goes to --ready-file, as JSON",
}
_CJK = re.compile(r"[\u4e00-\u9fff]")
_LATIN = re.compile(r"[A-Za-z]{2}")


def walk(command: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    """All commands, groups among them, with the words that lead to each."""
    yield path, command
    for name, inner in getattr(command, "commands", {}).items():
        yield from walk(inner, (*path, name))


TREE = dict(walk(typer.main.get_command(APP)))
COMMANDS = [path for path, command in TREE.items() if not hasattr(command, "commands")]


@cache
def one_of(group: str) -> typer.Typer:
    """The command with one group alone, as it is loaded when that group is asked for."""
    return build((group,))


@cache
def helped(path: tuple[str, ...], lang: str) -> str:
    environment = {"LC_ALL": "", "LANG": lang, "COLUMNS": "400", "TERMINAL_WIDTH": "400"}
    found = CliRunner().invoke(
        one_of(path[0]) if path else APP, [*path, "--help"], prog_name="tongban", env=environment
    )
    assert found.exit_code == 0, found.output
    return found.output


def squeezed(text: str) -> str:
    return re.sub(r"\s", "", text)


def both_languages(text: str) -> bool:
    return bool(_CJK.search(text) and _LATIN.search(text))


def test_the_tree_is_the_one_that_people_know():
    assert {path[0] for path in COMMANDS} == set(GROUPS)
    assert len(COMMANDS) > 60


@pytest.mark.parametrize("path", list(TREE), ids=" ".join)
def test_help_is_in_both_languages_whatever_the_locale_is(path):
    command = TREE[path]
    assert both_languages(command.help or ""), command.help
    for parameter in command.params:
        if parameter.name not in {"help", "install_completion", "show_completion"}:
            assert both_languages(parameter.help or ""), (parameter.name, parameter.help)
    said = {squeezed(helped(path, lang)) for lang in ("zh_CN.UTF-8", "en_US.UTF-8")}
    for text in said:
        assert squeezed((command.help or "").split("\n\n")[0]) in text


@pytest.mark.parametrize("path", COMMANDS, ids=" ".join)
def test_every_command_has_an_example_that_it_would_take(path):
    command = TREE[path]
    examples = [part.strip() for part in (command.epilog or "").split(" · ")]
    own = [text for text in examples if text.split()[: 1 + len(path)] == ["tongban", *path]]
    assert own, command.epilog
    # Shown as it is: markup would swallow brackets that are not escaped.
    assert squeezed(command.epilog).replace("\\[", "[") in squeezed(helped(path, "en_US.UTF-8"))
    known = {name for parameter in command.params for name in (*parameter.opts, *parameter.secondary_opts)}
    required = {
        parameter.opts[0] for parameter in command.params if parameter.required and parameter.opts[0].startswith("--")
    }
    for text in own:
        named = set(re.findall(r"(?<![\w-])--[a-z][a-z-]*", text))
        assert named <= known, named - known
        assert required <= named, required - named
    wanted = [
        parameter for parameter in command.params if parameter.param_type_name == "argument" and parameter.required
    ]
    for text in own:
        given = re.sub(r"--[a-z-]+( [^-\s]\S*)?", "", text).split()[1 + len(path) :]
        assert len(given) >= len(wanted) or "--" in text, text


@pytest.mark.parametrize("path", COMMANDS, ids=" ".join)
def test_every_command_answers_programs_too(path):
    offered = {name for parameter in TREE[path].params for name in parameter.opts}
    assert ("--json" in offered) != (path in WITHOUT_JSON)


@pytest.mark.parametrize("path", COMMANDS, ids=" ".join)
def test_what_goes_on_the_chain_can_be_left_to_the_daemon(path):
    """Whoever may wait for the chain may also choose not to."""
    source = TREE[path].callback
    code = getattr(source, "__wrapped__", source).__code__
    if "settle" in code.co_names:
        assert "--no-wait" in {name for parameter in TREE[path].params for name in parameter.opts}


def test_the_exit_statuses_are_documented():
    text = (ROOT / "docs" / "operating.md").read_text(encoding="utf-8")
    table = text.partition("## What a command's exit status says")[2].partition("\n## ")[0]
    assert re.findall(r"^\| (\d+) \|", table, re.MULTILINE) == ["0", "1", "2", "3", "4", "5", "70"]


def test_nothing_that_is_shown_is_read_as_markup():
    """Names and words of others are printed by screens that know no markup; nobody makes another one."""
    folder = ROOT / "node_client" / "cli"
    for path in sorted(folder.glob("*.py")):
        source = path.read_text(encoding="utf-8")
        if path.name != "output.py":
            assert "Console(" not in source, path.name
        assert not re.search(r"\[/?(?:bold|dim|green|red|yellow)[^\]\"']*\]", source), path.name
