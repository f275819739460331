"""What every blob store does, shown on each of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from ledger.blobs import content
from ledger.blobs.cids import cid_of
from ledger.blobs.directory import DirectoryStore
from ledger.blobs.ipfs import IpfsStore
from ledger.domain.limits import LIMITS
from ledger.errors import FormatError, InputError, IntegrityError, NotFoundError, UnavailableError
from ledger.ports import BlobStore


@dataclass
class Subject:
    store: BlobStore
    # Where the store keeps a block on the disk.
    file: Callable[[str], Path]


@pytest.fixture(params=["directory", pytest.param("ipfs", marks=pytest.mark.serial)])
def subject(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Subject]:
    if request.param == "directory":
        yield Subject(DirectoryStore.create(tmp_path / "blobs"), lambda cid: tmp_path / "blobs" / cid[-2:] / cid)
        return
    node = request.getfixturevalue("kubo")
    store = IpfsStore(node.api)
    yield Subject(store, lambda cid: _flatfs(node.repository / "blocks", cid))
    store.delete(list(store.cids()))
    store.close()


def _flatfs(blocks: Path, cid: str) -> Path:
    """Kubo names a block's file by the multihash, in base32, whatever the codec."""
    before = {path: path.read_bytes() for path in blocks.glob("*/*.data")}
    return next(path for path, data in before.items() if cid_of(data) == cid)


def test_a_store_that_takes_blocks_says_so_and_leaves_nothing_behind(
    subject: Subject, monkeypatch: pytest.MonkeyPatch
) -> None:
    subject.store.check()
    assert list(subject.store.cids()) == []
    for module in ("ledger.blobs.directory", "ledger.blobs.ipfs"):
        monkeypatch.setattr(f"{module}.LIMITS", replace(LIMITS, store_free_bytes=2**62))
    with pytest.raises(UnavailableError, match=r"blobs\.low"):
        subject.store.check()


def test_a_block_comes_back_and_twice_is_once(subject: Subject) -> None:
    cid = subject.store.put(b"block")
    assert cid == cid_of(b"block") == subject.store.put(b"block")
    assert subject.store.get(cid) == subject.store.local(cid) == b"block"
    assert subject.store.has(cid)
    assert list(subject.store.cids()) == [cid]


@pytest.mark.parametrize("size", [0, 1, LIMITS.block_bytes])
def test_blocks_of_every_size(subject: Subject, size: int) -> None:
    assert subject.store.get(subject.store.put(bytes(size))) == bytes(size)


def test_a_block_that_is_not_there(subject: Subject) -> None:
    cid = cid_of(b"absent")
    assert not subject.store.has(cid)
    assert subject.store.delete([cid]) == 0
    with pytest.raises(NotFoundError) as caught:
        subject.store.get(cid)
    assert (caught.value.code, caught.value.facts) == ("blobs.not_found", {"cid": cid})


def test_a_flipped_bit_is_named_and_repaired_by_the_right_block(subject: Subject) -> None:
    cid = subject.store.put(b"content of a block")
    path = subject.file(cid)
    path.chmod(0o600)
    path.write_bytes(b"content of a blocj")
    with pytest.raises(IntegrityError) as caught:
        subject.store.get(cid)
    assert (caught.value.code, caught.value.facts) == ("blobs.damaged", {"cid": cid})
    assert not subject.store.has(cid)
    assert subject.store.put(b"content of a block") == cid
    assert subject.store.get(cid) == b"content of a block"


def test_a_deleted_block_is_gone_from_the_disk(subject: Subject) -> None:
    kept, gone = subject.store.put(b"kept"), subject.store.put(b"gone")
    path = subject.file(gone)
    assert subject.store.delete([gone]) == 1
    assert not path.exists()
    assert not subject.store.has(gone)
    assert subject.store.get(kept) == b"kept"
    assert list(subject.store.cids()) == [kept]


def test_what_is_no_identifier_is_refused(subject: Subject) -> None:
    for cid in ("", "../../etc/passwd", "bafkrei" + "A" * 52, "Qm" + "a" * 44):
        for attempt in (subject.store.get, subject.store.has, lambda cid: subject.store.delete([cid])):
            with pytest.raises(FormatError, match=r"blobs.cid"):
                attempt(cid)


def test_a_block_too_large_is_refused(subject: Subject) -> None:
    with pytest.raises(InputError, match=r"blobs.block_too_large"):
        subject.store.put(bytes(LIMITS.block_bytes + 1))
    assert list(subject.store.cids()) == []


def test_content_of_several_blocks(subject: Subject, tmp_path: Path) -> None:
    pieces = [bytes([number]) * 700_000 for number in range(5)]
    cid = content.write_content(subject.store, pieces)
    assert b"".join(content.read_content(subject.store, cid)) == b"".join(pieces)
    blocks = content.content_blocks(subject.store, cid)
    assert len(blocks) == 5
    assert blocks[-1] == cid
    other = DirectoryStore.create(tmp_path / "other")
    assert content.copy_content(subject.store.get, other, cid) == 5
    assert content.write_content(other, pieces) == cid
    assert b"".join(content.read_content(other, cid)) == b"".join(pieces)
    assert content.delete_content(subject.store, cid) == 5
    assert list(subject.store.cids()) == []
