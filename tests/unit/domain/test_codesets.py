from __future__ import annotations

import pytest

from ledger.domain import codesets
from ledger.errors import InputError


def test_codes_are_read_in_both_languages() -> None:
    assert codesets.label("GB/T 39046-2020 matter type", "20") == "公共服务"
    assert codesets.label("GB/T 39046-2020 service object", "5", english=True) == "enterprise without legal personality"


def test_every_set_carries_its_edition_and_every_code_both_names() -> None:
    for name, each in codesets.CODE_SETS.items():
        assert name == each.name
        assert "20" in name
        for zh, en in each.values.values():
            assert not zh.isascii()
            assert en.isascii()


@pytest.mark.parametrize(
    ("code_set", "code", "name"),
    [("GB/T 1", "1", "unknown_code_set"), ("GB/T 39046-2020 channel", "7", "unknown_code")],
)
def test_unknown_codes_are_named(code_set: str, code: str, name: str) -> None:
    with pytest.raises(InputError, match=rf"identifiers.{name}"):
        codesets.label(code_set, code)
