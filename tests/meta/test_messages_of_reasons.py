"""Every reason that a contract gives has its sentences, and no sentence stands for a reason that nobody gives."""

from __future__ import annotations

import tomllib
from importlib.resources import files

from ledger.domain.reasons import Reason


def _tables(area: str) -> dict[str, dict[str, str]]:
    return tomllib.loads((files("ledger.wire") / "messages" / f"{area}.toml").read_text(encoding="utf-8"))


def test_every_reason_has_its_sentences() -> None:
    # Nothing is refused with OK; an unknown reason is that of a newer contract.
    wanted = {reason.name.lower() for reason in Reason if reason} | {"unknown"}
    assert set(_tables("reasons")) == wanted


def test_sentences_are_whole_in_both_languages() -> None:
    for name, sentences in _tables("reasons").items():
        assert set(sentences) == {"zh", "zh_next", "en", "en_next"}, name
        assert all(sentences[part].endswith("。") for part in ("zh", "zh_next")), name
        assert all(sentences[part].endswith(".") for part in ("en", "en_next")), name
