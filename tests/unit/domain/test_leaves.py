from __future__ import annotations

import hashlib
import random
from collections import Counter
from datetime import datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ledger.domain import leaves
from ledger.domain.leaves import Holding, LeafEntry, LeafRequest
from ledger.domain.workdays import CHINA
from ledger.errors import FormatError, InputError

DIGEST = hashlib.sha256(b"record").digest()


def seeded(seed: int = 1) -> leaves.Randomness:
    return random.Random(seed).randbytes  # noqa: S311 -- repeatable tests


def stamp(*parts: int) -> int:
    return int(datetime(*parts, tzinfo=CHINA).timestamp())  # type: ignore[misc]  # year to second


@pytest.mark.parametrize(
    ("moment", "floor"),
    [
        ((2026, 12, 31, 23, 59, 59), (2026, 12, 31, 23, 59, 59)),
        ((2026, 12, 31, 23, 59, 58), (2026, 9, 30, 23, 59, 59)),
        ((2027, 1, 1, 0, 0, 0), (2026, 12, 31, 23, 59, 59)),
        ((2027, 3, 31, 23, 59, 59), (2027, 3, 31, 23, 59, 59)),
        ((2027, 5, 20, 12, 0, 0), (2027, 3, 31, 23, 59, 59)),
        ((2028, 2, 29, 0, 0, 0), (2027, 12, 31, 23, 59, 59)),
    ],
)
def test_quarters_end_in_china_standard_time(moment: tuple[int, ...], floor: tuple[int, ...]) -> None:
    assert leaves.quarter_floor(stamp(*moment)) == stamp(*floor)


@given(st.integers(stamp(1970, 7, 1), stamp(9990, 1, 1)))
def test_rounding_goes_down_by_less_than_a_quarter_and_once(timestamp: int) -> None:
    floor = leaves.quarter_floor(timestamp)
    assert 0 <= timestamp - floor < 93 * 86400
    assert leaves.quarter_floor(floor) == floor
    end = datetime.fromtimestamp(floor + 1, CHINA)
    assert (end.month % 3, end.day, end.hour, end.minute, end.second) == (1, 1, 0, 0, 0)


@pytest.mark.parametrize("timestamp", [-5, 0, 1, 10**15])
def test_times_out_of_range(timestamp: int) -> None:
    with pytest.raises(InputError, match=r"leaves.time"):
        leaves.quarter_floor(timestamp)


@given(
    st.sampled_from(Holding),
    st.binary(min_size=20, max_size=20),
    st.sampled_from([0, stamp(2030, 7, 1) - 1]),
    st.binary(min_size=32, max_size=32),
)
def test_an_entry_survives_its_bytes(holding: Holding, holder: bytes, valid: int, commitment: bytes) -> None:
    entry = LeafEntry(holding, holder, valid, commitment)
    data = entry.encode()
    assert len(data) == leaves.ENTRY_BYTES
    assert LeafEntry.decode(data) == entry


def test_the_layout_is_the_published_one() -> None:
    entry = LeafEntry(Holding.CUSTODY, b"\xaa" * 20, stamp(2027, 4, 1) - 1, leaves.commit(b"\x11" * 32, DIGEST))
    data = entry.encode()
    assert data[:21] == b"\x02" + b"\xaa" * 20
    assert int.from_bytes(data[21:26], "big") == stamp(2027, 3, 31, 23, 59, 59)
    assert data[26:] == hashlib.sha256(b"\x02" + b"\x11" * 32 + DIGEST).digest()


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"", "leaves.length"),
        (bytes(57), "leaves.length"),
        (b"\x01" + bytes(58), "leaves.length"),
        (bytes(58), "leaves.version"),
        (b"\x03" + bytes(57), "leaves.version"),
        (b"\x01" + bytes(24) + b"\x01" + bytes(32), "leaves.quarter"),
        (b"\x01" + bytes(20) + b"\xff" * 5 + bytes(32), "leaves.quarter"),
    ],
)
def test_malformed_entries_are_named(data: bytes, code: str) -> None:
    with pytest.raises(FormatError) as caught:
        LeafEntry.decode(data)
    assert caught.value.code == code


@pytest.mark.parametrize(
    ("entry", "code"),
    [
        (LeafEntry(Holding.CUSTODY, b"", 0, DIGEST), "leaves.shape"),
        (LeafEntry(Holding.CUSTODY, bytes(20), 0, b""), "leaves.shape"),
        (LeafEntry(Holding.CUSTODY, bytes(20), stamp(2027, 1, 2), DIGEST), "leaves.quarter"),
    ],
)
def test_entries_out_of_form_are_not_encoded(entry: LeafEntry, code: str) -> None:
    with pytest.raises(InputError) as caught:
        entry.encode()
    assert caught.value.code == code


def test_an_entry_commits_to_one_record() -> None:
    entry = LeafEntry(Holding.SELF_HELD, bytes(20), 0, leaves.commit(b"\x11" * 32, DIGEST))
    leaves.verify_entry(entry, b"record", b"\x11" * 32)
    with pytest.raises(InputError, match=r"leaves.commitment_mismatch"):
        leaves.verify_entry(entry, b"recorD", b"\x11" * 32)
    with pytest.raises(InputError, match=r"leaves.commitment_mismatch"):
        leaves.verify_entry(entry, b"record", b"\x12" * 32)
    with pytest.raises(InputError, match=r"leaves.shape"):
        leaves.verify_entry(entry, b"record", b"\x11" * 31)


@pytest.mark.parametrize(
    ("real", "size"),
    [
        (1, 256),
        (256, 256),
        (257, 512),
        (512, 512),
        (2049, 4096),
        (4096, 4096),
        (4097, 8192),
        (10_000, 12_288),
        (80_000, 81_920),
    ],
)
def test_padding(real: int, size: int) -> None:
    assert leaves.padded_size(real) == size


@settings(max_examples=25, deadline=None)
@given(st.lists(st.integers(1, 40), min_size=1, max_size=12), st.integers(0, 2**32))
def test_a_planned_batch_holds_every_leaf_once_and_opens(counts: list[int], seed: int) -> None:
    rand = seeded(seed)
    records = [b"record %d" % number for number in range(len(counts))]
    requests = [
        LeafRequest(
            leaves.record_digest(record),
            stamp(2027, 5, 1) * (number % 2),
            Holding(1 + number % 2),
            [rand(20) for _ in range(count)],
        )
        for number, (record, count) in enumerate(zip(records, counts, strict=True))
    ]
    plan = leaves.plan_batch(requests, rand)
    assert len(plan.entries) == len(plan.blindings) == leaves.padded_size(sum(counts))
    taken = [index for group in plan.indices for index in group]
    assert len(set(taken)) == len(taken) == sum(counts)
    for request, record, group in zip(requests, records, plan.indices, strict=True):
        for holder, index in zip(request.holders, group, strict=True):
            entry = LeafEntry.decode(plan.entries[index])
            assert (entry.holding, entry.holder) == (request.holding, holder)
            assert entry.valid_until == (stamp(2027, 4, 1) - 1 if request.expires else 0)
            leaves.verify_entry(entry, record, plan.blindings[index])
    dummies = set(range(len(plan.entries))) - set(taken)
    real_shapes = {(e.holding, e.valid_until) for e in (LeafEntry.decode(plan.entries[i]) for i in taken)}
    for index in dummies:
        assert plan.blindings[index] == b""
        entry = LeafEntry.decode(plan.entries[index])
        assert (entry.holding, entry.valid_until) in real_shapes
    assert len(set(plan.entries)) == len(plan.entries)


def test_the_order_is_secret() -> None:
    """Every place is reached about equally often by the first leaf."""
    rand = seeded(7)
    request = LeafRequest(DIGEST, 0, Holding.CUSTODY, [bytes(20)])
    octants = Counter(leaves.plan_batch([request], rand).indices[0][0] // 32 for _ in range(800))
    assert set(octants) == set(range(8))
    assert all(60 < count < 145 for count in octants.values())


@pytest.mark.parametrize(
    ("requests", "code"),
    [
        ([], "leaves.none"),
        ([LeafRequest(DIGEST, 0, Holding.CUSTODY, [])], "leaves.none"),
        ([LeafRequest(DIGEST, 0, Holding.CUSTODY, [b"x"])], "leaves.shape"),
        ([LeafRequest(b"", 0, Holding.CUSTODY, [bytes(20)])], "leaves.shape"),
        ([LeafRequest(DIGEST, 0, Holding.CUSTODY, [bytes(20)] * (2**20 + 1))], "leaves.too_many"),
    ],
)
def test_batches_out_of_form_are_refused(requests: list[LeafRequest], code: str) -> None:
    with pytest.raises(InputError) as caught:
        leaves.plan_batch(requests, seeded())
    assert caught.value.code == code


@given(st.integers(0, 2**64 - 1), st.integers(0, 2**32 - 1))
def test_a_leaf_is_read_as_it_is_written(batch: int, index: int) -> None:
    text = leaves.leaf_text(batch << 32 | index)
    assert text == f"{batch}:{index}"
    assert leaves.read_leaf(text) == batch << 32 | index


@pytest.mark.parametrize(
    "text", ["", "7", "7:", ":7", "07:1", "7:01", "7:1:1", " 7:1", "7:1\n", "７:1", f"7:{2**32}", f"{2**64}:0"]
)
def test_a_leaf_has_one_spelling(text: str) -> None:
    with pytest.raises(InputError) as caught:
        leaves.read_leaf(text)
    assert caught.value.code == "leaves.place"
