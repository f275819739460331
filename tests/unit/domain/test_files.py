from __future__ import annotations

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.domain import files
from ledger.errors import InputError


@given(st.lists(st.binary(max_size=50), max_size=6))
def test_both_digests_in_one_pass(pieces: list[bytes]) -> None:
    whole = b"".join(pieces)
    found = files.digests_of(pieces)
    assert found.size == len(whole)
    assert found.sha256 == hashlib.sha256(whole).hexdigest()
    assert found.sm3 == hashlib.new("sm3", whole).hexdigest()


def test_sm3_of_the_standards_example() -> None:
    """GB/T 32905-2016, annex A.1."""
    assert files.digests_of([b"abc"]).sm3 == "66c7f0f462eeedd9d1f2d46bdc10e4e24167c4875cf2f7a2297da02b8f4ba8e0"


@pytest.mark.parametrize(
    ("name", "media_type"),
    [
        ("a.pdf", "application/pdf"),
        ("样本.JPG", "image/jpeg"),
        ("b.c.ofd", "application/ofd"),
        ("x.TIFF", "image/tiff"),
    ],
)
def test_names_say_the_kind(name: str, media_type: str) -> None:
    assert files.file_type(name).media_type == media_type


@pytest.mark.parametrize(
    ("name", "shown"),
    [("a.exe", "exe"), ("样本甲", ""), (".pdf", ""), ("a.", ""), ("a.样本", ""), ("a.html", "html"), ("a.510107", "")],
)
def test_other_kinds_are_refused_without_repeating_names(name: str, shown: str) -> None:
    with pytest.raises(InputError) as caught:
        files.file_type(name)
    assert caught.value.code == "files.type_not_allowed"
    assert caught.value.facts == {"extension": shown}
