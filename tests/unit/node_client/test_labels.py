"""Labels of the command: every name in both languages, with the same facts, and none that nobody shows."""

from __future__ import annotations

import re
import string
from pathlib import Path

import node_client.cli
from node_client.cli.labels import label, labels

SOURCES = "\n".join(path.read_text("utf-8") for path in sorted(Path(node_client.cli.__file__).parent.glob("*.py")))


def facts(text: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(text) if name is not None}


def test_both_languages_say_the_same_with_the_same_facts():
    assert set(labels("zh")) == set(labels("en"))
    for name, text in labels("zh").items():
        assert facts(text) == facts(labels("en")[name]), name
        assert re.search(r"[一-鿿]", text), name


def test_every_label_that_is_shown_is_there_and_every_one_there_is_shown():
    named = set(re.findall(r"""label\(\s*["']([a-z_]+)["']""", SOURCES))
    assert named <= set(labels("zh"))
    # The rest are put together from a prefix and a state, or chosen from a table.
    chosen = set(re.findall(r"""["']([a-z_]+)["']""", SOURCES))
    prefixes = tuple(re.findall(r"""label\(f["']([a-z_]+_)\{""", SOURCES))
    assert {name for name in labels("zh") if name not in chosen and not name.startswith(prefixes)} == set()


def test_a_label_speaks_the_language_of_the_locale(monkeypatch):
    monkeypatch.setenv("LC_ALL", "en_GB.UTF-8")
    assert label("on_chain", block=7) == "On the chain, block 7"
    monkeypatch.setenv("LC_ALL", "zh_CN.UTF-8")
    assert label("on_chain", block=7) == "已上链，区块 7"
