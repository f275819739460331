"""Sentences with their facts: English nouns follow the number, and terms are those of the field's code sets."""

from __future__ import annotations

import re
import tomllib
from enum import IntEnum
from pathlib import Path

import pytest

import node_client.cli
from ledger.domain.cases import Channel, Satisfaction
from ledger.domain.codesets import CODE_SETS
from ledger.wire.sentences import catalogue, filled, sentence, term

# Nouns that follow a number which can be one; sizes and upper limits never are.
_COUNTED = re.compile(
    r"\{\w+\} (?:\w+ )?(?:leaves|readings|days|parties|matters|entries|files|times|items|operations|seconds|minutes"
    r"|members|votes|tries|signatures|materials|nodes|addresses)\b"
)
_LOCALES = (
    Path(node_client.cli.__file__).parent.parent / "locales/en.toml",
    Path(node_client.__file__).parent.parent / "api/locales/en.toml",
)


def test_a_noun_follows_its_number():
    text = "{who} read {count} {count:leaf|leaves}"
    assert filled(text, {"who": "Wuhou", "count": 1}) == "Wuhou read 1 leaf"
    assert filled(text, {"who": "Wuhou", "count": "1"}) == "Wuhou read 1 leaf"
    assert filled(text, {"who": "Wuhou", "count": 0}) == "Wuhou read 0 leaves"
    assert filled(text, {"who": "Wuhou", "count": 12}) == "Wuhou read 12 leaves"


def test_a_fact_that_was_not_given_is_an_ellipsis():
    assert filled("{who} read {count} {count:leaf|leaves}", {}) == "… read … leaves"


def test_a_reading_left_is_one():
    told = sentence("trace.used", "en", who="Mianyang", count=1, basis="consent", remaining=1)
    assert told.text == "Mianyang read 1 leaf (consent); 1 reading left"
    assert sentence("custody.wrong_pin", "en", left=1).text.endswith("1 more try.")


def test_no_english_sentence_counts_with_a_plural_alone():
    said = {code: f"{entry['en']} {entry.get('en_next', '')}" for code, entry in catalogue().items()}
    for path in _LOCALES:
        said |= {f"{path.parent}.{name}": text for name, text in tomllib.loads(path.read_text("utf-8")).items()}
    assert {name: text for name, text in said.items() if _COUNTED.search(text) and "at most" not in text} == {}


def test_sizes_are_said_as_people_say_them():
    assert filled("{size:bytes}/{limit:bytes}", {"size": 812, "limit": 1 << 30}) == "812 B/1 GB"
    assert filled("{size:bytes}", {"size": 60_000_008}) == "57.2 MB"
    assert sentence("files.too_large", "zh", size=3 << 20, limit=2048).text == "文件太大（3 MB，最多 2 KB）。"


@pytest.mark.parametrize(
    ("terms", "kind", "code_set"),
    [("channels", Channel, "GB/T 39046-2020 channel"), ("satisfactions", Satisfaction, "GB/T 39046-2020 satisfaction")],
)
def test_a_number_on_the_chain_is_called_what_its_code_set_calls_it(
    terms: str, kind: type[IntEnum], code_set: str
) -> None:
    said = {str(int(one)): term(terms, one.name, "zh") for one in kind}
    assert said == {code: chinese for code, (chinese, _) in CODE_SETS[code_set].values.items()}
