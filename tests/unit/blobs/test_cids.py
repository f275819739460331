from __future__ import annotations

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.blobs import cids
from ledger.errors import FormatError

# Raw blocks as IPFS itself names them: the empty block, and the one every tutorial adds.
VECTORS = [
    (b"", "bafkreihdwdcefgh4dqkjv67uzcmw7ojee6xedzdetojuzjevtenxquvyku"),
    (b"hello world", "bafkreifzjut3te2nhyekklss27nh3k72ysco7y32koao5eei66wof36n5e"),
]


@pytest.mark.parametrize(("block", "cid"), VECTORS)
def test_published_identifiers(block: bytes, cid: str) -> None:
    assert cids.cid_of(block) == cid
    assert cids.digest_of(cid) == hashlib.sha256(block).digest()


@given(st.binary(min_size=32, max_size=32))
def test_every_digest_has_one_identifier(digest: bytes) -> None:
    cid = cids.cid_from_digest(digest)
    assert len(cid) == cids.CID_CHARS
    assert cids.digest_of(cid) == digest


GOOD = VECTORS[1][1]


@pytest.mark.parametrize(
    "text",
    [
        "",
        GOOD[:-1],
        GOOD + "a",
        GOOD.upper(),
        "z" + GOOD[1:],
        GOOD[:-1] + "f",  # the same digest, the unused bits set
        GOOD[:-1] + "1",
        GOOD[:-1] + "é",
        "bafybei" + GOOD[7:],
        "bafkreh" + GOOD[7:],
        "../" + GOOD[3:],
    ],
)
def test_any_other_text_is_refused(text: str) -> None:
    with pytest.raises(FormatError, match=r"blobs.cid"):
        cids.digest_of(text)


def test_a_digest_has_32_bytes() -> None:
    with pytest.raises(FormatError, match=r"blobs.cid"):
        cids.cid_from_digest(bytes(31))
