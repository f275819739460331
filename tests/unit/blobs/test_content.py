from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from ledger.blobs import content
from ledger.blobs.cids import cid_of
from ledger.blobs.directory import DirectoryStore
from ledger.domain import canonical
from ledger.domain.limits import LIMITS
from ledger.errors import FormatError, InputError, IntegrityError, NotFoundError, UnavailableError

MIB = LIMITS.block_bytes


@pytest.fixture
def store(tmp_path: Path) -> DirectoryStore:
    return DirectoryStore.create(tmp_path / "blobs")


@pytest.mark.parametrize("size", [0, 1, MIB - 1, MIB, MIB + 1, 2 * MIB])
def test_content_of_every_size(store: DirectoryStore, size: int) -> None:
    cid = content.write_content(store, [b"x" * size])
    assert sum(map(len, content.read_content(store, cid))) == size
    assert canonical.decode_object(store.get(cid))["size"] == size
    assert len(content.content_blocks(store, cid)) == -(-size // MIB) + 1


def test_the_identifier_does_not_depend_on_the_pieces(store: DirectoryStore) -> None:
    assert content.write_content(store, [b"ab" * 700_000]) == content.write_content(store, [b"ab"] * 700_000)


def test_an_interrupted_copy_goes_on(store: DirectoryStore, tmp_path: Path) -> None:
    cid = content.write_content(store, [b"a" * MIB, b"b" * MIB, b"c"])
    target = DirectoryStore.create(tmp_path / "target")
    left = 3

    def fetch(asked: str) -> bytes:
        nonlocal left
        left -= 1
        if left < 0:
            raise UnavailableError("peers.unreachable")
        return store.get(asked)

    with pytest.raises(UnavailableError):
        content.copy_content(fetch, target, cid)
    assert not target.has(cid)
    left = 10
    assert content.copy_content(fetch, target, cid) == 2
    assert content.copy_content(fetch, target, cid) == 1
    assert b"".join(content.read_content(target, cid)) == b"a" * MIB + b"b" * MIB + b"c"


def test_a_fetched_block_must_be_the_one_asked_for(store: DirectoryStore, tmp_path: Path) -> None:
    cid = content.write_content(store, [b"content"])
    target = DirectoryStore.create(tmp_path / "target")
    with pytest.raises(IntegrityError, match=r"blobs.damaged"):
        content.copy_content(lambda _: b"other", target, cid)
    with pytest.raises(IntegrityError, match=r"blobs.damaged"):
        content.copy_content(lambda asked: store.get(asked) if asked == cid else b"other", target, cid)
    assert list(target.cids()) == []


BLOCK = cid_of(b"x")


@pytest.mark.parametrize(
    "manifest",
    [
        b"not json",
        canonical.encode([]),
        canonical.encode({"blocks": [], "format": "tongban/blob/2", "size": 0}),
        canonical.encode({"blocks": [], "format": "tongban/blob/1"}),
        canonical.encode({"blocks": [], "extra": 1, "format": "tongban/blob/1", "size": 0}),
        canonical.encode({"blocks": {}, "format": "tongban/blob/1", "size": 0}),
        canonical.encode({"blocks": [], "format": "tongban/blob/1", "size": "0"}),
        canonical.encode({"blocks": [], "format": "tongban/blob/1", "size": -1}),
        canonical.encode({"blocks": [BLOCK, BLOCK], "format": "tongban/blob/1", "size": 2}),
        canonical.encode({"blocks": [1], "format": "tongban/blob/1", "size": 1}),
        canonical.encode({"blocks": ["x"], "format": "tongban/blob/1", "size": 1}),
        canonical.encode({"blocks": [], "format": "tongban/blob/1", "size": 2**50}),
    ],
    ids=range(12),
)
def test_what_is_no_manifest_is_refused(store: DirectoryStore, manifest: bytes) -> None:
    cid = store.put(manifest)
    with pytest.raises(FormatError):
        list(content.read_content(store, cid))


@pytest.mark.parametrize("size", [2, 1])
def test_blocks_that_do_not_add_up(store: DirectoryStore, size: int) -> None:
    block = store.put(b"x" if size == 2 else b"xx")
    cid = store.put(canonical.encode({"blocks": [block], "format": "tongban/blob/1", "size": size}))
    with pytest.raises(IntegrityError, match=r"blobs.size"):
        list(content.read_content(store, cid))


def test_a_missing_block_is_named(store: DirectoryStore) -> None:
    cid = content.write_content(store, [b"x"])
    store.delete([BLOCK])
    with pytest.raises(NotFoundError) as caught:
        list(content.read_content(store, cid))
    assert caught.value.facts == {"cid": BLOCK}


def test_content_has_a_limit(store: DirectoryStore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(content, "LIMITS", replace(LIMITS, content_bytes=MIB))
    with pytest.raises(InputError, match=r"blobs.too_large"):
        content.write_content(store, [bytes(MIB), b"x"])
