"""Crash points and flipped bits: a block is there whole or not at all, and damage is named before it is served."""

from __future__ import annotations

import functools
import shutil
import sqlite3
from typing import TYPE_CHECKING, Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ledger.chain.embedded import index
from ledger.chain.embedded.chain import Engine
from ledger.chain.embedded.checksums import checksum, matches
from ledger.chain.embedded.rpc.dispatch import Rpc
from ledger.chain.embedded.scrub import scrub
from ledger.chain.embedded.store import Store
from ledger.chain.embedded.watermark import Watermark
from ledger.errors import IntegrityError, LedgerError, SetupError, UnavailableError
from tests.unit.chain.embedded.bench import Wall, Workbench, account, calldata, config, sign

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


FULL = True


class CutError(Exception):
    """The machine stops here."""


class FaultyConnection(sqlite3.Connection):
    """A connection that stops before its n-th write; a batch counts row by row."""

    left: int | None = None
    error: type[Exception] = CutError
    at_cut: Callable[[], object] = staticmethod(lambda: None)

    def _step(self, statement: str) -> None:
        if FaultyConnection.left is None or statement.split(maxsplit=1)[0] in {"SELECT", "PRAGMA", "ROLLBACK"}:
            return
        if FaultyConnection.left == 0:
            FaultyConnection.at_cut()
            raise FaultyConnection.error
        FaultyConnection.left -= 1

    def execute(self, statement: str, *args: Any) -> sqlite3.Cursor:
        self._step(statement)
        return super().execute(statement, *args)

    def executemany(self, statement: str, rows: Any) -> sqlite3.Cursor:
        cursor = self.cursor()
        for row in rows:
            self._step(statement)
            cursor.execute(statement, row)
        return cursor


def connect(database: str, **options: Any) -> sqlite3.Connection:
    return sqlite3.connect(database, factory=FaultyConnection, **options)


@pytest.fixture(autouse=True)
def _no_faults():
    FaultyConnection.left = None
    FaultyConnection.error = CutError
    FaultyConnection.at_cut = staticmethod(lambda: None)
    yield
    FaultyConnection.left = None


def opened(path: Path, **more: Any) -> tuple[Engine, Workbench]:
    wall = Wall()
    engine = Engine.open(config(path=path), wall=wall, **more)
    bench = Workbench(engine, wall)
    return engine, bench


def prepared(folder: Path) -> tuple[Path, bytes, int]:
    """A closed store with a contract and a block of calls, its contract, and the sender's next nonce."""
    folder.mkdir(parents=True, exist_ok=True)
    engine, bench = opened(folder / "chain.db")
    bench.deploy()
    bench.mined(bench.contract, calldata("bump(uint256)", 3))
    engine.close()
    return folder / "chain.db", bench.contract, bench.nonce


def block(contract: bytes, nonce: int) -> list[bytes]:
    """Five transactions: four with logs, one reverted."""
    good = [sign(account("first"), nonce + n, contract, calldata("bump(uint256)", n + 1)) for n in range(4)]
    return [*good, sign(account("first"), nonce + 4, contract, b"\1\2\3\4")]


def assert_whole(engine: Engine) -> None:
    """Every place that speaks of the head says the same, and everything under it is there."""
    head = engine.head.number
    assert scrub(engine.store) > 0
    assert len(list(index.blocks_between(engine.store, 0, head))) == head + 1
    for found in index.blocks_between(engine.store, 0, head):
        rows = index.block_transactions(engine.store, found)
        assert [index.transaction_by_hash(engine.store, row.hash) for row in rows] == rows
        assert index.header_of(engine.store, found.hash).block_number == found.number
        assert len(index.block_receipts(engine.store, found)) == len(rows)
    with engine.store.reading() as connection:
        for table in ("transactions", "logs"):
            column = "id >> 20" if table == "transactions" else "number"
            assert (connection.execute(f"SELECT max({column}) FROM {table}").fetchone()[0] or 0) <= head  # noqa: S608  # names of this test


def test_a_block_cut_at_any_write_is_whole_or_absent(tmp_path):
    source, contract, nonce = prepared(tmp_path / "source")
    raws = block(contract, nonce)
    heads = {"before": 0, "after": 0}
    point = 0
    while True:
        place = tmp_path / f"cut-{point}"
        shutil.copytree(source.parent, place)
        engine, _ = opened(place / "chain.db", connect=connect)
        before = engine.head
        for raw in raws:
            engine.send_raw(raw)
        # What a machine that stops at this instant leaves on its disk: the files as they are, nobody closing them.
        left_behind = tmp_path / f"left-{point}"
        FaultyConnection.at_cut = staticmethod(functools.partial(shutil.copytree, place, left_behind))
        FaultyConnection.left = point
        try:
            engine.run_once()
            finished = True
            shutil.copytree(place, left_behind)
        except CutError:
            finished = False
        FaultyConnection.left = None
        engine.close()
        again, bench = opened(left_behind / "chain.db")
        assert_whole(again)
        assert again.head.number == before.number + (1 if finished else 0)
        heads["after" if finished else "before"] += 1
        bench.contract, bench.nonce = contract, nonce + (len(raws) if finished else 0)
        assert bench.mined(contract, calldata("bump(uint256)", 1))["status"] == "0x1"
        again.close()
        shutil.rmtree(left_behind)
        shutil.rmtree(place)
        if finished:
            break
        point += 1
    assert heads == {"before": point, "after": 1}
    assert point > 40, "every row of every table was a crash point"


def test_a_block_cut_between_its_commit_and_the_watermark_is_there(tmp_path, monkeypatch):
    path, contract, nonce = prepared(tmp_path / "source")
    engine, bench = opened(path)
    before = engine.head.number
    bench.contract, bench.nonce = contract, nonce
    bench.send(contract, calldata("bump(uint256)", 1))

    def cut(_mark: Watermark, _height: int, _hash: bytes) -> None:
        shutil.copytree(path.parent, tmp_path / "left")
        raise CutError

    with monkeypatch.context() as patched:
        patched.setattr(Watermark, "write", cut)
        with pytest.raises(CutError):
            engine.run_once()
    engine.close()
    again, bench = opened(tmp_path / "left" / "chain.db")
    assert again.head.number == before + 1
    assert_whole(again)
    again.close()


def test_genesis_cut_at_any_write_is_begun_again(tmp_path):
    point = 0
    while True:
        FaultyConnection.left = point
        path = tmp_path / f"{point}.db"
        try:
            Engine.open(config(path=path), wall=Wall(), connect=connect).close()
            break
        except CutError:
            FaultyConnection.left = None
        again, bench = opened(path)
        assert again.head.number == 0
        bench.deploy()
        assert_whole(again)
        again.close()
        point += 1
    assert point > 10


def test_a_full_disk_costs_nothing_and_is_over_when_there_is_room(tmp_path):
    engine, bench = opened(tmp_path / "chain.db", connect=connect)
    bench.deploy()
    sent = bench.send(bench.contract, calldata("bump(uint256)", 2))
    for point in (0, 1, 5, 12):
        FaultyConnection.left, FaultyConnection.error = point, _disk_full()
        with pytest.raises(UnavailableError, match=r"engine\.store_unavailable"):
            engine.run_once()
        assert engine.fault == "engine.store_unavailable"
        assert engine.pool.get(sent) is not None
        assert bench.read("count()") == 0
    FaultyConnection.left = None
    assert engine.run_once() is not None
    assert engine.receipt(sent) is not None
    assert engine.fault is None
    assert_whole(engine)
    engine.close()


def _disk_full() -> type[Exception]:
    class DiskFullError(sqlite3.OperationalError):
        sqlite_errorcode = sqlite3.SQLITE_FULL
        sqlite_errorname = "SQLITE_FULL"

    return DiskFullError


def everything(engine: Engine, contract: bytes) -> list[bytes]:
    """What a client can ask of the chain: every block, receipt, log, account, slot and proof."""
    rpc = Rpc(engine)

    def ask(method: str, *params: object) -> bytes:
        request = {"jsonrpc": "2.0", "id": 1, "method": method, "params": list(params)}
        return rpc.respond(orjson.dumps(request)) or b""

    answers: list[bytes] = []
    for number in range(engine.head.number + 1):
        found = index.block_by_number(engine.store, number)
        answers.append(ask("eth_getBlockByNumber", hex(number), FULL))
        answers.append(ask("eth_getBlockByHash", "0x" + found.hash.hex(), not FULL))
        answers.append(ask("eth_getBlockReceipts", hex(number)))
        for one in found.transactions:
            answers.append(ask("eth_getTransactionByHash", "0x" + one.hex()))
            answers.append(ask("eth_getTransactionReceipt", "0x" + one.hex()))
        answers.append(ask("eth_getStorageAt", "0x" + contract.hex(), "0x0", hex(number)))
    answers.append(ask("eth_getLogs", {"fromBlock": "0x0"}))
    answers.append(ask("eth_getLogs", {"fromBlock": "0x0", "address": "0x" + contract.hex()}))
    answers.append(ask("eth_call", {"to": "0x" + contract.hex(), "data": "0x" + calldata("count()").hex()}, "latest"))
    answers.append(ask("eth_getProof", "0x" + contract.hex(), ["0x0", "0x1"], "latest"))
    answers.append(ask("eth_getCode", "0x" + contract.hex(), "latest"))
    return answers


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, bytes, list[bytes], list[bytes]]:
    """A closed store, its contract, its hashes, and all its answers."""
    path, contract, _ = prepared(tmp_path_factory.mktemp("sound"))
    engine, _ = opened(path)
    hashes = [
        one
        for found in index.blocks_between(engine.store, 0, engine.head.number)
        for one in (found.hash, *found.transactions)
    ]
    answers = everything(engine, contract)
    engine.close()
    return path, contract, hashes, answers


@settings(max_examples=250, deadline=None)
@given(position=st.integers(0, 2**24), bit=st.integers(0, 7))
def test_a_flipped_bit_is_found_or_changes_no_answer(sound, tmp_path_factory, position, bit):
    path, contract, hashes, answers = sound
    folder = tmp_path_factory.mktemp("flipped")
    for one in path.parent.iterdir():
        shutil.copy(one, folder / one.name)
    raw = bytearray(path.read_bytes())
    raw[position * 40_503 % len(raw)] ^= 1 << bit
    (folder / path.name).write_bytes(raw)
    assert said_of(folder / path.name, contract, hashes, answers) <= {
        "engine.store_damaged",
        "engine.store_format",
        "engine.store_unavailable",
    }
    shutil.rmtree(folder)


def said_of(path: Path, contract: bytes, hashes: list[bytes], answers: list[bytes]) -> set[str]:
    """The codes with which a store refuses, in place of the right answers; a wrong answer is ``wrong``."""
    try:
        engine, _ = opened(path)
    except LedgerError as error:
        return {error.code}
    said: set[str] = set()
    try:
        # No hash that was answered for is answered with "not found".
        for one in hashes:
            if not (index.transaction_by_hash(engine.store, one) or index.block_by_hash(engine.store, one)):
                said.add("wrong")
        for got, expected in zip(everything(engine, contract), answers, strict=True):
            if got != expected:
                document = orjson.loads(got)
                said.add(document["error"]["data"]["code"] if "error" in document else "wrong")
    except LedgerError as error:
        said.add(error.code)
    finally:
        engine.close()
    return said


@pytest.mark.parametrize(
    ("table", "column"),
    [("kv", "v"), ("blocks", "header"), ("blocks", "bloom"), ("transactions", "raw"), ("transactions", "receipt"),
     ("logs", "body"), ("logs", "keys"), ("meta", "v")],
)  # fmt: skip
def test_each_kind_of_damaged_row_is_named(sound, tmp_path, table, column):
    for one in sound[0].parent.iterdir():
        shutil.copy(one, tmp_path / one.name)
    with sqlite3.connect(tmp_path / sound[0].name) as connection:
        where = "k" if table in {"kv", "meta"} else "rowid"
        rows = connection.execute(f"SELECT {where}, {column} FROM {table}").fetchall()  # noqa: S608  # names of this test
        key, value = next((key, value) for key, value in reversed(rows) if value)
        flipped = bytes([value[0] ^ 1]) + value[1:]
        connection.execute(f"UPDATE {table} SET {column} = ? WHERE {where} = ?", (flipped, key))  # noqa: S608  # as above
    connection.close()
    store = Store.open(tmp_path / sound[0].name, cached_nodes=10)
    with pytest.raises(IntegrityError, match=r"engine\.store_damaged") as caught:
        scrub(store)
    assert caught.value.facts["part"] == ("bloom" if column == "bloom" else table)
    store.close()


def test_a_lost_tail_is_noticed(tmp_path):
    engine, bench = opened(tmp_path / "chain.db")
    bench.deploy()
    engine.close()
    (tmp_path / "old").mkdir()
    shutil.copy(tmp_path / "chain.db", tmp_path / "old" / "chain.db")
    engine, _ = opened(tmp_path / "chain.db")
    bench.engine = engine
    bench.mined(bench.contract, calldata("bump(uint256)", 1))
    engine.close()
    shutil.copy(tmp_path / "old" / "chain.db", tmp_path / "chain.db")
    with pytest.raises(IntegrityError, match=r"engine\.store_behind") as caught:
        opened(tmp_path / "chain.db")
    assert caught.value.facts == {"stored": 1, "answered": 2}


def test_a_damaged_write_ahead_log_is_noticed(tmp_path):
    engine, bench = opened(tmp_path / "chain.db")
    bench.deploy()
    live = tmp_path / "live"
    live.mkdir()
    for one in tmp_path.glob("chain.db*"):
        shutil.copy(one, live / one.name)
    engine.close()
    raw = bytearray((live / "chain.db-wal").read_bytes())
    raw[-2_000] ^= 1
    (live / "chain.db-wal").write_bytes(raw)
    with pytest.raises(IntegrityError, match=r"engine\.store_behind"):
        opened(live / "chain.db")


def test_the_watermark_survives_a_torn_write_and_notices_two(tmp_path):
    mark = Watermark.open(tmp_path / "head")
    assert mark.read() is None
    mark.write(7, b"a" * 32)
    mark.write(8, b"b" * 32)
    assert mark.read() == (8, b"b" * 32)
    raw = bytearray((tmp_path / "head").read_bytes())
    raw[5] ^= 1
    (tmp_path / "head").write_bytes(raw)
    assert mark.read() == (7, b"a" * 32)
    raw[60] ^= 1
    (tmp_path / "head").write_bytes(raw)
    with pytest.raises(IntegrityError, match=r"engine\.watermark_damaged"):
        mark.read()
    mark.close()


def test_a_checksum_holds_lengths_and_types():
    assert checksum("kv", b"ab", b"c") != checksum("kv", b"a", b"bc")
    assert checksum("kv", b"ab") != checksum("logs", b"ab")
    assert matches("kv", checksum("kv", b"a", 5), b"a", 5)
    for wrong in (("a", 5), (b"a", None), (b"a", -1), (b"a", 2**70), (b"a", 5.0)):
        assert not matches("kv", checksum("kv", b"a", 5), *wrong)


@given(st.lists(st.binary(max_size=40), min_size=1, max_size=4), st.data())
def test_every_single_bit_changes_the_checksum(fields, data):
    where = data.draw(st.integers(0, len(fields) - 1))
    if not fields[where]:
        return
    at = data.draw(st.integers(0, 8 * len(fields[where]) - 1))
    changed = bytearray(fields[where])
    changed[at // 8] ^= 1 << at % 8
    assert checksum("kv", *fields) != checksum("kv", *fields[:where], bytes(changed), *fields[where + 1 :])


def test_the_store_of_another_version_is_not_touched(tmp_path):
    connection = sqlite3.connect(tmp_path / "chain.db")
    connection.execute("CREATE TABLE other(a)")
    connection.commit()
    connection.close()
    before = (tmp_path / "chain.db").read_bytes()
    with pytest.raises(SetupError, match=r"engine\.store_format"):
        Engine.open(config(path=tmp_path / "chain.db"), wall=Wall())
    assert (tmp_path / "chain.db").read_bytes()[100:] == before[100:]
