"""The store: crash points at every file operation, flipped bits in every file, and the reference's tiles."""

from __future__ import annotations

import errno
import hashlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ledger.domain import merkle
from ledger.domain.checkpoints import Checkpoint
from ledger.errors import (
    ConflictError,
    FormatError,
    InputError,
    IntegrityError,
    LedgerError,
    NotFoundError,
    UnavailableError,
)
from ledger.log.files import DirectoryFiles, Files, seal, unseal
from ledger.log.mirror import open_remote
from ledger.log.proofs import make_paths, make_proof, make_proof_file
from ledger.log.reader import Head, TreeReader
from ledger.log.store import LogStore
from ledger.log.tiles import (
    ENTRIES,
    Tile,
    decode_bundle,
    edge_width,
    encode_bundle,
    parse_tile_path,
    split_hashes,
    tiles_of_size,
    tree_levels,
)
from ledger.log.view import LogView
from ledger.wire.proofs import parse_proof, verify_proof
from tests.unit.log.disk import LOSSES, Disk, PowerCut
from tests.unit.log.network import network_policy, signed_checkpoint

VECTORS = Path(__file__).parents[2] / "vectors" / "tlog"
ENTRIES_OF_LOG = [b"entry %d" % number for number in range(700)]


@pytest.fixture(scope="module")
def vectors() -> dict[str, Any]:
    found: dict[str, Any] = json.loads((VECTORS / "tlog.json").read_text())
    return found


def _filled(files: Files, size: int, *, publish: bool = True) -> LogStore:
    store = LogStore(files)
    store.append(ENTRIES_OF_LOG[:size])
    if publish:
        store.publish(signed_checkpoint(size, store.head.root, by=()))
    return store


# ---- tiles ----


def test_tiles_are_named_and_filled_as_the_reference_does(vectors: dict[str, Any]) -> None:
    disk = Disk()
    store = _filled(disk, 600)
    paths = set()
    for vector in vectors["tiles"]:
        tile = Tile(vector["level"], vector["n"], vector["width"])
        # The Go library names the tile's height too: tile/8/0/001.
        assert tile.path == vector["path"].replace("tile/8/", "tile/", 1)
        data = disk.contents[tile.path]
        assert hashlib.sha256(data).hexdigest() == vector["sha256"]
        assert store.read(tile.path).data == data
        paths.add(tile.path)
    listed = {tile.path for tile in tiles_of_size(600)}
    assert listed == {*paths, "tile/entries/000", "tile/entries/001", "tile/entries/002.p/88"}
    assert {path for path in disk.contents if path.startswith("tile/")} == listed


def test_the_example_of_the_standard() -> None:
    tiles = tiles_of_size(70_000)
    count = {level: [tile for tile in tiles if tile.level == level] for level in (ENTRIES, 0, 1, 2)}
    assert len(count[0]) == len(count[ENTRIES]) == 274
    assert [tile.width for tile in count[0]][-2:] == [256, 112]
    assert [tile.width for tile in count[1]] == [256, 17]
    assert [tile.width for tile in count[2]] == [1]
    assert Tile(0, 1_234_067).path == "tile/0/x001/x234/067"
    assert {tile.path for tile in tiles_of_size(256)} == {"tile/entries/000", "tile/0/000", "tile/1/000.p/1"}
    assert tiles_of_size(0) == []
    assert (tree_levels(0), tree_levels(1), tree_levels(256), edge_width(70_000, 1)) == (0, 1, 2, 17)


@given(st.integers(-1, 7), st.integers(0, 10**9), st.integers(1, 256))
@settings(max_examples=80, deadline=None)
def test_paths_read_back(level: int, index: int, width: int) -> None:
    tile = Tile(level, index, width)
    if tile.needed_size < 2**63:
        assert parse_tile_path(tile.path) == tile
    else:
        with pytest.raises(FormatError):
            parse_tile_path(tile.path)


@pytest.mark.parametrize(
    "path",
    [
        "",
        "tile",
        "tile/0",
        "tile/0/0",
        "tile/00/000",
        "tile/64/000",
        "tile/63/000",
        "tile/-1/000",
        "tile/0/1000",
        "tile/0/x000/001",
        "tile/0/001/002",
        "tile/0/x001/2",
        "tile/0/000.p/0",
        "tile/0/000.p/00",
        "tile/0/000.p/01",
        "tile/0/000.p/256",
        "tile/0/000.p/999",
        "tile/0/000.p/",
        "tile/0/000/",
        "tile/0/000\n",
        "tile/entries/x999/x999/x999/x999/x999/x999/999",
        "/tile/0/000",
        "tile/0/../../head",
        "tile/entry/000",
        "tile/0/٠٠٠",
        "head",
        "published",
    ],
)
def test_paths_that_name_no_tile_are_refused(path: str) -> None:
    with pytest.raises(FormatError, match=r"log\.tile_path"):
        parse_tile_path(path)
    with pytest.raises(FormatError, match=r"log\.tile_path"):
        _filled(Disk(), 3).read(path)


@given(st.lists(st.binary(max_size=40), max_size=20))
@settings(max_examples=40, deadline=None)
def test_bundles_read_back(entries: list[bytes]) -> None:
    data = encode_bundle(entries)
    assert decode_bundle(data, len(entries)) == tuple(entries)
    for wrong in (data + b"\x00", data[:-1]):
        with pytest.raises(FormatError, match=r"log\.bundle_length"):
            decode_bundle(wrong, len(entries) or 1)
    with pytest.raises(FormatError, match=r"log\.bundle_length"):
        decode_bundle(data, len(entries) + 1)


def test_an_entry_too_long_for_its_length_is_refused() -> None:
    store = _filled(Disk(), 3)
    before = store.head
    with pytest.raises(InputError, match=r"log\.entry_long"):
        store.append([b"fits", b"x" * 65_536])
    assert store.head == before
    store.append([b"x" * 65_535])
    assert store.entry(3) == b"x" * 65_535
    with pytest.raises(FormatError, match=r"log\.tile_length"):
        split_hashes(b"x" * 33, 1)


# ---- appending, proving, reading ----


@given(st.lists(st.sampled_from([1, 2, 17, 200, 255, 256, 257]), min_size=1, max_size=6))
@settings(max_examples=25, deadline=None)
def test_however_entries_arrive_the_tree_is_the_same(steps: list[int]) -> None:
    disk = Disk()
    store = LogStore(disk)
    size = 0
    leaves = merkle.leaf_hashes(ENTRIES_OF_LOG)
    for step in steps:
        chunk = ENTRIES_OF_LOG[size : size + step]
        size += len(chunk)
        head = store.append(chunk)
        assert (head.size, head.root) == (size, merkle.root(leaves[:size]))
    store.verify()
    again = LogStore(disk)
    again.verify()
    assert again.head == store.head
    assert list(again.entries()) == ENTRIES_OF_LOG[:size]
    assert [again.root_at(old) for old in range(0, size, 37)] == [
        merkle.root(leaves[:old]) for old in range(0, size, 37)
    ]


def test_proofs_are_those_of_the_reference(vectors: dict[str, Any]) -> None:
    store = LogStore(Disk())
    store.append(ENTRIES_OF_LOG)
    for case in vectors["inclusion"]:
        assert [value.hex() for value in store.inclusion_proof(case["index"], case["size"])] == case["proof"]
    for case in vectors["consistency"]:
        assert [value.hex() for value in store.consistency_proof(case["old"], case["new"])] == case["proof"]
    for call in (
        lambda: store.inclusion_proof(0, 701),
        lambda: store.inclusion_proof(5, 5),
        lambda: store.consistency_proof(5, 701),
        lambda: store.root_at(701),
        lambda: store.node(10, 0),
        lambda: store.node(-1, 0),
        lambda: store.node(0, 700),
    ):
        with pytest.raises(InputError):
            call()


def test_proof_files_are_made_under_the_published_checkpoint() -> None:
    store = LogStore(Disk())
    store.append(ENTRIES_OF_LOG[:300])
    with pytest.raises(NotFoundError, match=r"log\.no_checkpoint"):
        make_proof(store, 0)
    store.publish(signed_checkpoint(300, store.head.root))
    store.append(ENTRIES_OF_LOG[300:400])
    for index in (0, 255, 256, 299):
        proof = parse_proof(make_proof_file(store, index, extra=b"x"))
        verify_proof(ENTRIES_OF_LOG[index], proof, network_policy())
    with pytest.raises(NotFoundError, match=r"log\.entry_unpublished"):
        make_proof(store, 300)
    assert make_paths(store, [3, 5], 300)[5] == make_proof(store, 5).path
    with pytest.raises(NotFoundError, match=r"log\.entry_absent"):
        store.entry(400)
    assert list(store.entries(250, 260)) == ENTRIES_OF_LOG[250:260]
    assert list(store.entries(390, 999)) == ENTRIES_OF_LOG[390:400]
    assert list(store.entries(5, 5)) == []


def test_what_is_served() -> None:
    disk = Disk()
    store = LogStore(disk)
    with pytest.raises(NotFoundError, match=r"log\.no_checkpoint"):
        store.read("checkpoint")
    store.append(ENTRIES_OF_LOG[:300])
    note = signed_checkpoint(300, store.head.root)
    store.publish(note)
    served = store.read("checkpoint")
    assert (served.data, served.immutable, served.content_type) == (note, False, "text/plain; charset=utf-8")
    tile = store.read("tile/0/000")
    assert (tile.data, tile.immutable) == (disk.contents["tile/0/000"], True)
    assert tile.content_type == "application/octet-stream"
    # Any width that the tree has had is the beginning of what there is.
    assert store.read("tile/0/001.p/7").data == disk.contents["tile/0/001.p/44"][: 7 * 32]
    assert store.read("tile/entries/000.p/2").data == encode_bundle(ENTRIES_OF_LOG[:2])
    for path in ("tile/0/001.p/45", "tile/0/001", "tile/1/000", "tile/2/000.p/1", "tile/entries/001"):
        with pytest.raises(NotFoundError, match=r"log\.tile_absent"):
            store.read(path)


def test_partial_tiles_stay_while_a_checkpoint_needs_them() -> None:
    disk = Disk()
    store = LogStore(disk)

    def partials() -> set[str]:
        return {path for path in disk.contents if path.startswith("tile/0/") and ".p/" in path}

    store.append(ENTRIES_OF_LOG[:10])
    store.append(ENTRIES_OF_LOG[10:20])
    assert partials() == {"tile/0/000.p/20"}
    store.publish(signed_checkpoint(20, store.head.root, by=()))
    store.append(ENTRIES_OF_LOG[20:30])
    store.append(ENTRIES_OF_LOG[30:40])
    assert partials() == {"tile/0/000.p/20", "tile/0/000.p/40"}
    store.append(ENTRIES_OF_LOG[40:300])
    assert {"tile/0/000.p/20", "tile/0/001.p/44"} <= partials()
    store = LogStore(disk)
    store.publish(signed_checkpoint(300, store.head.root, by=()))
    assert partials() == {"tile/0/001.p/44"}
    assert not [path for path in disk.contents if path.startswith("tile/entries/000.p/")]
    # A tile of the second level stays the same over many sizes and is kept for the checkpoint that needs it.
    store.append(ENTRIES_OF_LOG[300:310])
    store.append(ENTRIES_OF_LOG[310:600])
    assert "tile/1/000.p/1" in disk.contents
    store.verify()


@pytest.mark.parametrize(("size", "appended"), [(1, 2), (20, 37), (20, 255), (256, 300), (300, 301), (300, 600)])
def test_the_files_as_they_lie_lead_to_a_checkpoint_inside_what_was_appended(size: int, appended: int) -> None:
    disk = Disk()
    store = LogStore(disk)
    store.append(ENTRIES_OF_LOG[:appended])
    store.publish(signed_checkpoint(size, store.root_at(size), by=()))

    def fetch(path: str) -> bytes:
        if path not in disk.contents:
            raise NotFoundError("log.tile_absent")
        return disk.contents[path]

    remote = open_remote(fetch, Checkpoint("example.org/log", size, store.root_at(size)))
    remote.verify()
    assert list(remote.entries()) == ENTRIES_OF_LOG[:size]
    # Once the full tiles are there and served, the partial ones go.
    store.append([*ENTRIES_OF_LOG[appended:], *ENTRIES_OF_LOG[:68]])
    store.publish(signed_checkpoint(768, store.head.root, by=()))
    assert not [path for path in disk.contents if path.startswith(("tile/0/", "tile/entries/")) and ".p/" in path]
    store.verify()


def test_only_checkpoints_of_this_tree_are_published() -> None:
    store = _filled(Disk(), 20)
    store.append(ENTRIES_OF_LOG[20:30])
    other = merkle.EMPTY_ROOT
    for size, root, kind, code in (
        (31, store.head.root, InputError, "log.publish_ahead"),
        (0, merkle.EMPTY_ROOT, InputError, "log.publish_empty"),
        (30, other, ConflictError, "log.publish_root"),
        (19, store.root_at(19), ConflictError, "log.publish_older"),
    ):
        with pytest.raises(kind, match=code.replace(".", r"\.")):
            store.publish(signed_checkpoint(size, root, by=()))
    with pytest.raises(FormatError):
        store.publish(b"not a note")
    assert store.published is not None
    assert store.published.size == 20
    store.publish(signed_checkpoint(20, store.root_at(20)))
    assert store.published_note == signed_checkpoint_text(store)


def signed_checkpoint_text(store: LogStore) -> bytes:
    return store.read("checkpoint").data


# ---- crashes ----


def _story(store: LogStore) -> Iterator[tuple[int, int]]:
    """Append and publish step by step; yields (entries appended, size published) after each acknowledged step."""
    published = 0
    for low, high, publish in ((0, 3, True), (3, 250, False), (250, 260, True), (260, 600, False), (600, 601, True)):
        store.append(ENTRIES_OF_LOG[low:high])
        yield high, published
        if publish:
            store.publish(signed_checkpoint(high, store.head.root, by=()))
            published = high
            yield high, published


def _operations() -> int:
    disk = Disk()
    for _ in _story(LogStore(disk)):
        pass
    return disk.operations


@pytest.mark.parametrize("loss", LOSSES)
def test_a_power_cut_at_any_file_operation_leaves_a_whole_log(loss: str) -> None:
    count = _operations()
    assert count > 80
    for cut in range(1, count + 1):
        disk = Disk(cut=cut, loss=loss)
        acknowledged = [(0, 0)]
        with pytest.raises(PowerCut):
            acknowledged.extend(_story(LogStore(disk)))
        appended, published = acknowledged[-1]
        found = disk.after_power_cut()
        # Whoever serves the files without us must see a checkpoint whose tiles are all there.
        _check_served_files(found)
        store = LogStore(found)
        store.verify()
        # Nothing acknowledged is lost, and what is there is a beginning of the log.
        assert store.head.size >= appended
        assert (store.published.size if store.published else 0) >= published
        assert list(store.entries()) == ENTRIES_OF_LOG[: store.head.size]
        store.append(ENTRIES_OF_LOG[store.head.size : 601])
        assert store.head.root == merkle.root_of_entries(ENTRIES_OF_LOG[:601])
        store.publish(signed_checkpoint(601, store.head.root, by=()))
        _check_served_files(found)
        LogStore(found).verify()


def _check_served_files(disk: Disk) -> None:
    note = disk.contents.get("checkpoint")
    if note is None:
        return
    size = int(note.split(b"\n")[1])
    for tile in tiles_of_size(size):
        data = disk.contents.get(tile.path) or disk.contents[tile.whole().path]
        entries = ENTRIES_OF_LOG[tile.index * 256 : tile.index * 256 + tile.width]
        if tile.is_bundle:
            assert data.startswith(encode_bundle(entries))
        elif tile.level == 0:
            assert data.startswith(b"".join(merkle.leaf_hashes(entries)))


def test_a_full_disk_appends_nothing_and_recovers(tmp_path: Path) -> None:
    class FullDisk(DirectoryFiles):
        room = True

        def create(self, path: str, data: bytes) -> None:
            if not self.room and path.startswith("head"):
                raise UnavailableError("log.disk", errno=errno.ENOSPC)
            super().create(path, data)

    files = FullDisk(tmp_path)
    store = _filled(files, 20)
    files.room = False
    with pytest.raises(UnavailableError, match=r"log\.disk"):
        store.append(ENTRIES_OF_LOG[20:30])
    assert store.head.size == 20
    store.verify()
    files.room = True
    store.append(ENTRIES_OF_LOG[20:30])
    assert LogStore(files).head == store.head


def test_a_checkpoint_that_could_not_be_written_is_written_next_time() -> None:
    class Stubborn(Disk):
        refuse = False

        def create(self, path: str, data: bytes) -> None:
            if self.refuse and path.startswith("checkpoint"):
                raise UnavailableError("log.disk", errno=errno.ENOSPC)
            super().create(path, data)

    disk = Stubborn()
    store = _filled(disk, 5)
    store.append(ENTRIES_OF_LOG[5:9])
    disk.refuse = True
    for _ in range(2):
        with pytest.raises(UnavailableError):
            store.publish(signed_checkpoint(9, store.head.root, by=()))
    # Both the writer that stops here and one that goes on come out right.
    assert LogView(disk).checkpoint() == signed_checkpoint(5, store.root_at(5), by=())
    disk.refuse = False
    assert LogStore(disk).published == store.published
    store.append(ENTRIES_OF_LOG[9:12])
    store.publish(signed_checkpoint(12, store.head.root, by=()))
    LogStore(disk).verify()


# ---- flipped bits ----


def _names_file(call: Any, path: str) -> bool:
    try:
        call()
    except IntegrityError as error:
        return error.facts.get("file") == path
    return False


@pytest.mark.parametrize("size", [1, 44, 256, 300, 512, 600])
def test_a_flipped_bit_in_any_file_is_found_and_named(size: int) -> None:
    disk = Disk()
    store = _filled(disk, size)
    for path, good in sorted(disk.contents.items()):
        for place in sorted({0, len(good) // 3, len(good) // 2, len(good) - 1}):
            bad = bytearray(good)
            bad[place] ^= 0x10
            disk.contents[path] = bytes(bad)
            # Before anything is signed, by the process that runs; and when a new one starts, before it serves anything.
            assert _names_file(store.verify, path), path
            assert _names_file(lambda: LogStore(disk).verify(), path), path
        del disk.contents[path]
        assert _names_file(store.verify, path), path
        if path == "checkpoint":
            # That is what a crash before the first one was served leaves, so it is written again.
            LogStore(disk).verify()
            assert disk.contents[path] == good
        else:
            with pytest.raises(IntegrityError):
                LogStore(disk).verify()
        disk.contents[path] = good
    LogStore(disk).verify()


def test_nothing_is_shown_over_a_flipped_bit() -> None:
    disk = Disk()
    running = _filled(disk, 600)
    good = disk.contents["checkpoint"]
    disk.contents["checkpoint"] = good[:-1]
    with pytest.raises(IntegrityError, match=r"checkpoint"):
        running.read("checkpoint")
    disk.contents["checkpoint"] = good
    for path in [path for path in disk.contents if path.startswith("tile/") or path == "checkpoint"]:
        good = disk.contents[path]
        disk.contents[path] = good[:-1] + bytes([good[-1] ^ 1])
        for reader in (lambda: LogStore(disk), lambda: LogView(disk)):
            with pytest.raises(IntegrityError):
                reader().read(path)
        disk.contents[path] = good


def test_a_verification_of_a_stretch_reads_that_stretch() -> None:
    disk = Disk()
    store = _filled(disk, 700)
    disk.contents["tile/entries/000"] = disk.contents["tile/entries/001"]
    store.verify(256, 512)
    store.verify(512)
    with pytest.raises(IntegrityError, match=r"tile/entries/000"):
        store.verify(0, 1)


# ---- records, views, real directories ----


def test_sealed_records() -> None:
    data = seal({"a": 1})
    assert unseal(data, "record") == {"a": 1}
    for bad in (b"", b"{}", data.replace(b"1", b"2", 1), data[:-1]):
        with pytest.raises(IntegrityError, match=r"record"):
            unseal(bad, "record")


def test_a_view_follows_the_writer_without_writing() -> None:
    disk = Disk()
    view = LogView(disk)
    assert view.tree().head.size == 0
    with pytest.raises(NotFoundError, match=r"log\.no_checkpoint"):
        view.read("checkpoint")
    store = _filled(disk, 20)
    operations = disk.operations
    assert view.read("checkpoint").data == store.published_note
    assert view.tree().entry(19) == ENTRIES_OF_LOG[19]
    tree = view.tree()
    assert view.tree() is tree
    assert disk.operations == operations
    store.append(ENTRIES_OF_LOG[20:300])
    assert view.tree().head == store.head
    assert view.read("tile/0/001.p/44").data == store.read("tile/0/001.p/44").data


def test_a_view_shows_no_checkpoint_but_the_published_one() -> None:
    disk = Disk()
    view = LogView(disk)
    store = _filled(disk, 20)
    good = disk.contents.pop("checkpoint")
    # The first checkpoint is recorded and not yet served.
    with pytest.raises(NotFoundError, match=r"log\.no_checkpoint"):
        view.checkpoint()
    disk.contents["checkpoint"] = good
    store.append(ENTRIES_OF_LOG[20:30])
    store.publish(signed_checkpoint(30, store.head.root, by=()))
    newer = disk.contents["checkpoint"]

    class Swapping:
        """The writer publishes between the reading of the record and of the file."""

        def __init__(self) -> None:
            self.answers = [older_record, newest, newer_record, newer_record, newest]

        def read(self, path: str) -> bytes | None:
            assert path in {"published", "checkpoint"}
            return self.answers.pop(0)

    older_record, newer_record = (
        seal({"format": 1, "note": good.decode(), "previous": None}),
        disk.contents["published"],
    )
    newest = newer
    assert LogView(Swapping()).checkpoint() == newer


def test_a_view_that_meets_a_moving_writer_reads_again() -> None:
    disk = Disk()
    store = _filled(disk, 20, publish=False)

    class Moving:
        moved = False

        def read(self, path: str) -> bytes | None:
            if path.startswith("tile/") and not self.moved:
                # The writer drops the partial tile of the old size just before it is read.
                self.moved = True
                store.append(ENTRIES_OF_LOG[20:30])
            return disk.read(path)

    assert LogView(Moving()).tree().head.size == 30


def test_files_of_a_real_directory(tmp_path: Path) -> None:
    files = DirectoryFiles(tmp_path / "log")
    store = _filled(files, 300)
    store.append(ENTRIES_OF_LOG[300:600])
    store.publish(signed_checkpoint(600, store.head.root, by=()))
    found = {str(path.relative_to(tmp_path / "log")) for path in (tmp_path / "log").rglob("*") if path.is_file()}
    assert found == {"head", "published", "checkpoint", *(tile.path for tile in tiles_of_size(600)), "tile/1/000.p/1"}
    LogStore(files).verify()
    files.remove("tile/0/nothing")
    assert files.read("tile/0/000/below-a-file") is None
    for call in (
        lambda: files.read("tile"),
        lambda: files.create("tile/0/000/x", b""),
        lambda: files.rename("nothing", "something"),
        lambda: files.sync_directory("nothing"),
        lambda: files.remove("tile/0"),
    ):
        with pytest.raises(UnavailableError, match=r"log\.disk"):
            call()


def test_errors_never_show_a_path_of_the_machine(tmp_path: Path) -> None:
    files = DirectoryFiles(tmp_path)
    with pytest.raises(LedgerError) as caught:
        files.rename("nothing", "something")
    assert str(tmp_path) not in str(caught.value)


def test_old_tiles_leave_the_memory_and_are_read_again() -> None:
    disk = Disk()
    store = LogStore(disk)
    store.append([b"%d" % number for number in range(300 * 256)])
    store.verify()
    assert len(store._cache) == 256
    assert store.entry(5) == b"5"
    assert store.entry(70_000) == b"70000"


def test_a_head_that_no_file_leads_to_is_blamed_itself() -> None:
    disk = Disk()
    _filled(disk, 20, publish=False)
    disk.contents["head"] = seal({"format": 1, "size": "20", "root": bytes(32).hex()})
    with pytest.raises(IntegrityError, match=r"head"):
        LogStore(disk)
    full = Disk()
    _filled(full, 256, publish=False)
    full.contents["head"] = seal({"format": 1, "size": "256", "root": bytes(32).hex()})
    with pytest.raises(IntegrityError, match=r"head"):
        LogStore(full)
    with pytest.raises(IntegrityError, match=r"checkpoint"):
        TreeReader(full, Head(256, bytes(32)))


def test_a_tile_of_another_length_is_damage() -> None:
    disk = Disk()
    _filled(disk, 300)
    for path in ("tile/0/001.p/44", "tile/1/000.p/1", "tile/entries/001.p/44"):
        good = disk.contents[path]
        for bad in (good[:-1], good + b"\x00", b""):
            disk.contents[path] = bad
            with pytest.raises(IntegrityError, match=path):
                LogStore(disk)
        disk.contents[path] = good


def test_records_that_contradict_each_other_are_damage() -> None:
    disk = Disk()
    _filled(disk, 20)
    head = disk.contents.pop("head")
    with pytest.raises(IntegrityError, match=r"head"):
        LogStore(disk)
    disk.contents["head"] = head
    record = disk.contents.pop("published")
    with pytest.raises(IntegrityError, match=r"published"):
        LogStore(disk)
    disk.contents["published"] = record
    # An older head was restored from a backup while the checkpoint is newer.
    older = Disk()
    _filled(older, 10, publish=False)
    disk.contents |= older.contents
    with pytest.raises(IntegrityError, match=r"head"):
        LogStore(disk)
