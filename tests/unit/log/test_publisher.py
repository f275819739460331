"""Publishing and mirroring: five cities that cosign each other's view, and a sixth that needs only files."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest

from ledger.domain import merkle
from ledger.domain.checkpoints import parse_checkpoint
from ledger.domain.limits import LIMITS
from ledger.domain.notes import KeySigner, VerifierKey
from ledger.domain.policies import evaluate
from ledger.errors import ConflictError, InputError, IntegrityError, NotFoundError, UnavailableError
from ledger.log import publisher as publishing
from ledger.log.mirror import Fetch, catch_up, fetch_checkpoint, open_remote, verify_log
from ledger.log.publisher import Publisher, is_due
from ledger.log.store import LogStore
from ledger.log.view import LogView
from ledger.log.witness import WitnessAnswer, WitnessedLog, add_checkpoint, parse_request
from ledger.log.witness_store import WitnessStore
from tests.unit.log.disk import Disk, PowerCut
from tests.unit.log.network import DIVISIONS, log_signer, network_policy, signed_checkpoint, signers

ENTRIES = [b"entry %d" % number for number in range(900)]
NOW = 1_767_225_600
POLICY = network_policy()


@dataclass
class City:
    """A cosigning city with its own tree, built from its own view, and its own memory."""

    division: str
    store: LogStore
    state: WitnessStore
    keys_to_sign: tuple[KeySigner, ...]
    down: bool = False
    asked: list[bytes] = field(default_factory=list)

    @property
    def name(self) -> str:
        return self.division

    @property
    def keys(self) -> tuple[VerifierKey, ...]:
        return tuple(signer.key for signer in signers(self.division))

    def add_checkpoint(self, body: bytes) -> WitnessAnswer:
        if self.down:
            raise UnavailableError("log.disk", errno=0)
        self.asked.append(body)
        logs = {log_signer().key.name: WitnessedLog((log_signer().key,), rebuilt=True)}
        return add_checkpoint(
            body, logs=logs, state=self.state, view=self, signers=self.keys_to_sign, now=NOW + len(self.asked)
        )

    def root_at(self, size: int) -> bytes | None:
        return self.store.root_at(size) if size <= self.store.head.size else None

    def is_timely(self, size: int) -> bool:
        return size > 0


@pytest.fixture
def cities(tmp_path: Path) -> list[City]:
    found = []
    for division in DIVISIONS[1:]:
        keys = signers(division)
        state = WitnessStore.create(tmp_path / f"{division}.db", [signer.key for signer in keys])
        found.append(City(division, LogStore(Disk()), state, keys))
    return found


def _grow(size: int, *stores: LogStore) -> None:
    for store in stores:
        store.append(ENTRIES[store.head.size : size])


def _publisher(store: LogStore) -> Publisher:
    return Publisher(store, log_signer(), POLICY)


def test_five_cities_publish_as_the_log_grows(cities: list[City]) -> None:
    store = LogStore(Disk())
    publisher = _publisher(store)
    for size in (1, 3, 256, 300, 700):
        _grow(size, store, *(city.store for city in cities))
        publication = publisher.publish(cities)
        assert publication.is_served
        assert [one.code for one in publication.collected] == [None] * 4
        assert store.published_note == publication.note
        checkpoint, note = parse_checkpoint(publication.note)
        assert (checkpoint.size, len(note.signatures)) == (size, 9)
        evaluate(POLICY, checkpoint, note)
    # After the first time each city is asked once, with the size it has.
    assert [parse_request(body).old_size for body in cities[0].asked] == [0, 1, 3, 256, 300]


def test_a_checkpoint_at_a_common_height_may_lie_behind_the_head(cities: list[City]) -> None:
    store = LogStore(Disk())
    _grow(300, store)
    _grow(200, *(city.store for city in cities))
    assert _publisher(store).publish(cities, size=200).is_served
    assert store.published is not None
    assert (store.published.size, store.head.size) == (200, 300)
    assert [block for block in range(10) if is_due(block, 4)] == [0, 4, 8]


def test_the_old_checkpoint_stays_until_enough_cities_have_signed(cities: list[City]) -> None:
    store = LogStore(Disk())
    publisher = _publisher(store)
    _grow(10, store, *(city.store for city in cities))
    publisher.publish(cities)
    _grow(20, store, *(city.store for city in cities[:2]))
    cities[2].down = True
    waiting = publisher.publish(cities)
    assert not waiting.is_served
    assert [one.code for one in waiting.collected] == [None, None, "log.disk", "log.not_synced"]
    assert waiting.collected[3].status == 503
    assert store.published is not None
    assert store.published.size == 10
    _grow(20, *(city.store for city in cities))
    cities[2].down = False
    assert publisher.publish(cities).is_served
    assert store.published.size == 20


def test_missing_signatures_are_added_later_and_the_others_kept(cities: list[City]) -> None:
    store = LogStore(Disk())
    publisher = Publisher(store, log_signer())
    _grow(10, store, *(city.store for city in cities))
    cities[3].down = True
    first = publisher.publish(cities)
    assert first.is_served
    assert len(parse_checkpoint(first.note)[1].signatures) == 7
    cities[3].down = False
    second = publisher.publish(cities)
    note = parse_checkpoint(second.note)[1]
    assert len(note.signatures) == 9
    assert set(parse_checkpoint(first.note)[1].signatures) < set(note.signatures)
    assert [len(city.asked) for city in cities] == [1, 1, 1, 1]


def test_cosigners_may_be_asked_at_once(cities: list[City]) -> None:
    store = LogStore(Disk())
    _grow(300, store, *(city.store for city in cities))
    with ThreadPoolExecutor(max_workers=4) as pool:
        publication = _publisher(store).publish(cities, run=pool.map)
    assert publication.is_served


def test_a_city_that_knows_another_size_is_asked_again(cities: list[City]) -> None:
    store = LogStore(Disk())
    _grow(300, store, *(city.store for city in cities))
    Publisher(store, log_signer()).publish(cities, size=100)
    # A publisher that lost its checkpoint learns the size from the answer.
    fresh = LogStore(Disk())
    _grow(300, fresh)
    assert _publisher(fresh).publish(cities).is_served
    assert [parse_request(body).old_size for body in cities[0].asked] == [0, 0, 100]


def test_a_publisher_that_went_back_is_told_so(cities: list[City]) -> None:
    store = LogStore(Disk())
    _grow(300, store, *(city.store for city in cities))
    _publisher(store).publish(cities)
    back = LogStore(Disk())
    _grow(200, back)
    publication = _publisher(back).publish(cities)
    assert not publication.is_served
    assert {one.code for one in publication.collected} == {"log.cosigner_ahead"}


class Stranger(City):
    """A cosigner whose answers are not what they should be."""

    answer = WitnessAnswer(200, b"")

    def add_checkpoint(self, body: bytes) -> WitnessAnswer:
        self.asked.append(body)
        return self.answer


def _stranger(city: City, answer: WitnessAnswer) -> Stranger:
    stranger = Stranger(city.division, city.store, city.state, city.keys_to_sign)
    stranger.answer = answer
    return stranger


def test_answers_that_are_not_cosignatures_are_not_taken(cities: list[City]) -> None:
    store = LogStore(Disk())
    _grow(10, store, *(city.store for city in cities))
    good = parse_checkpoint(signed_checkpoint(10, store.head.root, by=DIVISIONS[1:2]))[1].signatures
    other = parse_checkpoint(signed_checkpoint(9, store.root_at(9), by=DIVISIONS[1:2]))[1].signatures
    foreign = parse_checkpoint(signed_checkpoint(10, store.head.root, by=DIVISIONS[2:3]))[1].signatures
    forged = replace(good[1], signature=good[1].signature[:-1] + b"\x00")
    for answer, code in (
        (WitnessAnswer(200, b""), "log.signature_line"),
        (WitnessAnswer(200, b"\xff\n"), "log.note_utf8"),
        (WitnessAnswer(200, b"x" * (LIMITS.log_note_bytes + 1)), "log.note_long"),
        (WitnessAnswer(200, foreign[1].line().encode()), "log.cosigner_unknown_keys"),
        (WitnessAnswer(200, other[1].line().encode()), "log.signature_invalid"),
        (WitnessAnswer(200, forged.line().encode()), "log.signature_invalid"),
        (WitnessAnswer(500, b"oops"), "log.cosigner_refused"),
        (WitnessAnswer(409, b"5\n"), "log.cosigner_refused"),
        (WitnessAnswer(409, b"five\n", "text/x.tlog.size"), "log.number"),
        (WitnessAnswer(409, b"5\n", "text/x.tlog.size"), "log.cosigner_refused"),
        (WitnessAnswer(409, b"9" * 100, "text/x.tlog.size"), "log.number"),
        (WitnessAnswer(409, b"11\n", "text/x.tlog.size"), "log.cosigner_ahead"),
    ):
        stranger = _stranger(cities[0], answer)
        publication = Publisher(store, log_signer()).publish([stranger])
        assert publication.collected[0].code == code
        assert publication.collected[0].signatures == ()
        assert len(parse_checkpoint(publication.note)[1].signatures) == 1
        assert len(stranger.asked) <= 2


def test_nothing_is_signed_over_a_flipped_bit(cities: list[City]) -> None:
    disk = Disk()
    store = LogStore(disk)
    _grow(700, store, *(city.store for city in cities))
    for path, good in sorted(disk.contents.items()):
        disk.contents[path] = good[:-1] + bytes([good[-1] ^ 1])
        with pytest.raises(IntegrityError) as caught:
            _publisher(store).publish(cities)
        assert caught.value.facts["file"] == path
        disk.contents[path] = good
    assert all(not city.asked for city in cities)
    assert store.published is None


def test_a_file_that_breaks_while_cosigners_are_asked_stops_it(cities: list[City]) -> None:
    disk = Disk()
    store = LogStore(disk)
    _grow(700, store, *(city.store for city in cities))

    class Breaking(City):
        def add_checkpoint(self, body: bytes) -> WitnessAnswer:
            # The next question needs a proof from a tile that is not what it was.
            store._cache.clear()
            disk.contents["tile/0/000"] = bytes(256 * 32)
            return WitnessAnswer(409, b"5\n", "text/x.tlog.size") if body else WitnessAnswer(500, b"")

    breaking = Breaking(cities[0].division, cities[0].store, cities[0].state, cities[0].keys_to_sign)
    with pytest.raises(IntegrityError, match=r"tile/0/000"):
        _publisher(store).publish([breaking])
    assert store.published is None


def test_a_large_log_is_read_again_stretch_by_stretch(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(publishing, "LIMITS", replace(LIMITS, log_reread_entries=256))
    disk = Disk()
    store = LogStore(disk)
    publisher = Publisher(store, log_signer())
    _grow(700, store)
    publisher.publish([])
    _grow(701, store)
    disk.contents["tile/entries/000"] = bytes(len(disk.contents["tile/entries/000"]))
    # New files and the second stretch are read; the first comes round again.
    publisher.publish([])
    _grow(702, store)
    publisher.publish([])
    _grow(703, store)
    with pytest.raises(IntegrityError, match=r"tile/entries/000"):
        publisher.publish([])


def test_what_cannot_be_published() -> None:
    store = LogStore(Disk())
    with pytest.raises(InputError, match=r"log\.publish_empty"):
        Publisher(store, log_signer()).publish([])
    _grow(10, store)
    with pytest.raises(InputError, match=r"log\.size_range"):
        Publisher(store, log_signer()).publish([], size=11)
    Publisher(store, log_signer()).publish([])
    with pytest.raises(ConflictError, match=r"log\.publish_older"):
        Publisher(store, log_signer()).publish([], size=9)
    with pytest.raises(InputError, match=r"log\.policy_log"):
        Publisher(store, log_signer("510700"), POLICY).publish([])


# ---- mirrors ----


def _served(disk: Disk) -> dict[str, bytes]:
    """Files as a web server has them."""
    return {path: data for path, data in disk.contents.items() if path == "checkpoint" or path.startswith("tile/")}


def _fetcher(files: dict[str, bytes]) -> Fetch:
    def fetch(path: str) -> bytes:
        if path not in files:
            raise NotFoundError("log.tile_absent", size=0)
        return files[path]

    return fetch


def _published(size: int) -> dict[str, bytes]:
    disk = Disk()
    store = LogStore(disk)
    _grow(size, store)
    store.publish(signed_checkpoint(size, store.head.root))
    return _served(disk)


@pytest.mark.parametrize("own", [0, 1, 255, 256, 300, 599, 600])
def test_a_city_catches_up_from_files_alone(own: int) -> None:
    files = _published(600)
    store = LogStore(Disk())
    _grow(own, store)
    trusted = catch_up(_fetcher(files), POLICY, store)
    assert trusted.checkpoint.size == 600
    assert list(store.entries()) == ENTRIES[:600]
    store.verify()
    assert store.published_note == files["checkpoint"]
    # Again is no work and no harm.
    catch_up(_fetcher(files), POLICY, store)
    assert store.head.size == 600


def test_catching_up_survives_a_power_cut_at_any_instant() -> None:
    files = _published(600)
    count = Disk()
    catch_up(_fetcher(files), POLICY, LogStore(count), publish=False)
    for cut in range(1, count.operations + 1):
        disk = Disk(cut=cut)
        with pytest.raises(PowerCut):
            catch_up(_fetcher(files), POLICY, LogStore(disk), publish=False)
        store = LogStore(disk.after_power_cut())
        catch_up(_fetcher(files), POLICY, store)
        assert store.head.root == merkle.root_of_entries(ENTRIES[:600])


def test_a_whole_log_is_verified_from_its_files() -> None:
    files = _published(600)
    previous = parse_checkpoint(_published(300)["checkpoint"])[0]
    assert verify_log(_fetcher(files), POLICY, previous=previous).checkpoint.size == 600
    for path, good in list(files.items()):
        if path != "checkpoint":
            files[path] = bytes([good[0] ^ 1]) + good[1:]
            with pytest.raises(IntegrityError) as caught:
                verify_log(_fetcher(files), POLICY)
            assert caught.value.facts["file"] == path
            del files[path]
            with pytest.raises(IntegrityError) as caught:
                verify_log(_fetcher(files), POLICY)
            assert caught.value.facts["file"] == path
        files[path] = good
    with pytest.raises(ConflictError, match=r"log\.mirror_split"):
        verify_log(_fetcher(files), POLICY, previous=replace(previous, root=bytes(32)))
    with pytest.raises(ConflictError, match=r"log\.mirror_shrunk"):
        verify_log(_fetcher(files), POLICY, previous=replace(previous, size=601))


def test_full_tiles_stand_in_for_partial_ones() -> None:
    files = _published(300)
    later = _published(600)
    mixed = {path: data for path, data in {**later, **files}.items() if not path.endswith(".p/44")}
    assert "tile/0/001.p/44" not in mixed
    store = LogStore(Disk())
    catch_up(_fetcher(mixed), POLICY, store)
    assert store.head.size == 300
    remote = open_remote(_fetcher(mixed), parse_checkpoint(files["checkpoint"])[0])
    assert remote.entry(299) == ENTRIES[299]
    mixed["tile/entries/001"] = b"\xff\xff"
    with pytest.raises(IntegrityError, match=r"tile/entries/001"):
        open_remote(_fetcher(mixed), parse_checkpoint(files["checkpoint"])[0])


def test_files_are_not_trusted_before_their_checkpoint_is() -> None:
    with pytest.raises(NotFoundError, match=r"log\.no_checkpoint"):
        fetch_checkpoint(_fetcher({}), POLICY)
    files = _published(300)
    root = merkle.root_of_entries(ENTRIES[:300])
    files["checkpoint"] = signed_checkpoint(300, root, by=DIVISIONS[:3])
    store = LogStore(Disk())
    with pytest.raises(InputError, match=r"log\.policy_quorum"):
        catch_up(_fetcher(files), POLICY, store)
    files["checkpoint"] = signed_checkpoint(300, root, timestamp=NOW + 600)
    with pytest.raises(InputError, match=r"log\.signature_future"):
        catch_up(_fetcher(files), POLICY, store, not_after=NOW)
    files["checkpoint"] = signed_checkpoint(300, root)
    files["tile/entries/000"] = b"x" * (257 * 65_537)
    with pytest.raises(IntegrityError, match=r"tile/entries/000"):
        catch_up(_fetcher(files), POLICY, store)
    assert store.head.size == 0


def test_another_history_is_never_appended() -> None:
    files = _published(300)
    store = LogStore(Disk())
    store.append([b"altered", *ENTRIES[1:100]])
    with pytest.raises(ConflictError, match=r"log\.mirror_split"):
        catch_up(_fetcher(files), POLICY, store)
    assert store.head.size == 100
    longer = LogStore(Disk())
    _grow(301, longer)
    with pytest.raises(ConflictError, match=r"log\.mirror_shrunk"):
        catch_up(_fetcher(files), POLICY, longer)


def test_a_view_serves_what_a_mirror_needs() -> None:
    disk = Disk()
    store = LogStore(disk)
    _grow(600, store)
    store.publish(signed_checkpoint(600, store.head.root))
    view = LogView(disk)
    assert verify_log(lambda path: view.read(path).data, POLICY).checkpoint.size == 600
