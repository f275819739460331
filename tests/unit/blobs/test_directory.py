from __future__ import annotations

import errno
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ledger.blobs.cids import cid_of
from ledger.blobs.directory import DirectoryStore
from ledger.errors import IntegrityError, NotFoundError, SetupError, UnavailableError


@pytest.fixture
def store(tmp_path: Path) -> DirectoryStore:
    return DirectoryStore.create(tmp_path / "blobs")


def test_opening_again_finds_the_blocks(store: DirectoryStore, tmp_path: Path) -> None:
    cid = store.put(b"block")
    assert DirectoryStore.create(tmp_path / "blobs").get(cid) == b"block"


class Fault:
    """Fails the n-th call of an operating-system function that the store makes, once."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, names: list[str], at: int, error: BaseException) -> None:
        self.calls = 0
        for name in names:
            monkeypatch.setattr(os, name, self._wrap(getattr(os, name), at, error))

    def _wrap(self, call: Callable[..., Any], at: int, error: BaseException) -> Callable[..., Any]:
        def failing(*arguments: object, **options: object) -> object:
            self.calls += 1
            if self.calls == at:
                raise error
            return call(*arguments, **options)

        return failing


def calls_of_one_put(tmp_path: Path) -> int:
    with pytest.MonkeyPatch.context() as patch:
        store = DirectoryStore.create(tmp_path / "counted")
        counting = Fault(patch, ["fsync", "replace", "fdopen"], -1, OSError())
        store.put(b"block")
    return counting.calls


@pytest.mark.parametrize("error", [OSError(errno.ENOSPC, "full"), OSError(errno.EIO, "disk"), KeyboardInterrupt()])
def test_a_write_cut_at_each_step_leaves_the_whole_block_or_none(tmp_path: Path, error: BaseException) -> None:
    steps = calls_of_one_put(tmp_path)
    assert steps == 5  # a new folder synced, the file opened, synced, renamed, its folder synced
    for at in range(1, steps + 1):
        root = tmp_path / f"cut-{at}"
        store = DirectoryStore.create(root)
        with pytest.MonkeyPatch.context() as patch:
            Fault(patch, ["fsync", "replace", "fdopen"], at, error)
            with pytest.raises((UnavailableError, KeyboardInterrupt)) as caught:
                store.put(b"block")
        if isinstance(caught.value, UnavailableError):
            full = isinstance(error, OSError) and error.errno == errno.ENOSPC
            assert caught.value.code == ("blobs.full" if full else "blobs.unreachable")
        # After a fault there is no acknowledgement; the block is wholly there or not at all, and nothing else is.
        again = DirectoryStore.create(root)
        assert set(again.cids()) <= {cid_of(b"block")}
        assert list((root / "tmp").iterdir()) == []
        assert again.put(b"block") == cid_of(b"block")
        assert again.get(cid_of(b"block")) == b"block"


def test_a_full_disk_changes_nothing_and_is_named(store: DirectoryStore, monkeypatch: pytest.MonkeyPatch) -> None:
    kept = store.put(b"kept")
    Fault(monkeypatch, ["fsync"], 1, OSError(errno.ENOSPC, "No space left on device"))
    with pytest.raises(UnavailableError) as caught:
        store.put(b"new")
    assert (caught.value.code, caught.value.retry_after) == ("blobs.full", 60)
    assert list(store.cids()) == [kept]
    store.put(b"new")
    assert store.get(cid_of(b"new")) == b"new"


def test_a_store_that_takes_no_block_says_why(store: DirectoryStore, monkeypatch: pytest.MonkeyPatch) -> None:
    for number, code in ((errno.ENOSPC, "full"), (errno.EROFS, "unreachable")):
        with monkeypatch.context() as patch:
            Fault(patch, ["fsync"], 1, OSError(number, "refused"))
            with pytest.raises(UnavailableError, match=rf"blobs\.{code}"):
                store.check()
    store.check()
    assert not list(store._temporary.iterdir())


def test_a_store_that_is_gone_is_not_an_empty_one(store: DirectoryStore, tmp_path: Path) -> None:
    cid = store.put(b"block")
    shutil.move(tmp_path / "blobs", tmp_path / "away")
    for attempt in (
        lambda: store.get(cid),
        lambda: store.put(b"other"),
        lambda: store.delete([cid]),
        lambda: list(store.cids()),
        lambda: store.has(cid),
    ):
        with pytest.raises(UnavailableError, match=r"blobs.unreachable"):
            attempt()
    shutil.move(tmp_path / "away", tmp_path / "blobs")
    assert store.get(cid) == b"block"
    with pytest.raises(NotFoundError):
        store.get(cid_of(b"other"))


@pytest.mark.parametrize("change", [b"", b"bloc", b"block and more", b"Block", b"x" * (2 * 1024 * 1024)])
def test_a_changed_file_is_named(store: DirectoryStore, tmp_path: Path, change: bytes) -> None:
    cid = store.put(b"block")
    (tmp_path / "blobs" / cid[-2:] / cid).write_bytes(change)
    with pytest.raises(IntegrityError) as caught:
        store.get(cid)
    assert caught.value.facts == {"cid": cid}
    assert store.put(b"block") == cid
    assert store.get(cid) == b"block"


def test_a_folder_in_a_blocks_place_is_no_block(store: DirectoryStore, tmp_path: Path) -> None:
    cid = cid_of(b"block")
    (tmp_path / "blobs" / cid[-2:] / cid).mkdir(parents=True)
    with pytest.raises(UnavailableError, match=r"blobs.unreachable"):
        store.get(cid)


def test_another_folder_is_not_a_store(tmp_path: Path) -> None:
    (tmp_path / "format").write_text("tongban/blobs/9\n")
    with pytest.raises(SetupError, match=r"blobs.not_a_store"):
        DirectoryStore.create(tmp_path)


def test_a_store_cannot_be_made_below_a_file(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    with pytest.raises(UnavailableError, match=r"blobs.unreachable"):
        DirectoryStore.create(tmp_path / "file" / "blobs")


def test_leftovers_of_an_interrupted_write_are_swept_by_age(store: DirectoryStore, tmp_path: Path) -> None:
    old, new = tmp_path / "blobs" / "tmp" / "old", tmp_path / "blobs" / "tmp" / "new"
    for path, time in ((old, 1_000), (new, 3_000)):
        path.write_bytes(b"part")
        os.utime(path, (time, time))
    store.check(now=lambda: 2_000 + 86_400)
    assert not old.exists()
    assert new.exists()


@pytest.mark.parametrize(
    ("call", "attempt"),
    [
        ("unlink", lambda store: store.delete([cid_of(b"block")])),
        ("iterdir", lambda store: list(store.cids())),
    ],
)
def test_a_disk_that_fails_while_deleting_or_listing(
    store: DirectoryStore, monkeypatch: pytest.MonkeyPatch, call: str, attempt: Callable[[DirectoryStore], object]
) -> None:
    store.put(b"block")

    def failing(*_: object, **__: object) -> None:
        raise OSError(errno.EIO, "disk")

    monkeypatch.setattr(Path, call, failing)
    with pytest.raises(UnavailableError, match=r"blobs.unreachable"):
        attempt(store)
