from __future__ import annotations

import random
from dataclasses import dataclass, replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ledger.chain.embedded.chain import Engine
from ledger.chain.embedded.mempool import Mempool, Outcome
from ledger.domain.limits import LIMITS
from ledger.errors import ConflictError, InputError, LedgerError, UnavailableError
from tests.unit.chain.embedded.bench import Wall, Workbench, account, calldata, config, sign

A, B = b"a" * 20, b"b" * 20
SMALL = replace(LIMITS, engine_pool_transactions=8, engine_pool_sender=6, engine_nonce_ahead=20, engine_outcomes=4)


@dataclass(frozen=True)
class Fake:
    """What the pool looks at in a transaction."""

    nonce: int
    mark: int = 0
    gas: int = 100
    sender: bytes = A

    @property
    def hash(self) -> bytes:
        return bytes([self.sender[0], self.nonce, self.mark]).rjust(32, b"\0")


class Ledger:
    """A chain that only counts nonces."""

    def __init__(self, limits=SMALL) -> None:
        self.nonces: dict[bytes, int] = {}
        self.wall = Wall(1_000.0)
        self.pool = Mempool(limits, lambda sender: self.nonces.get(sender, 0), self.wall)

    def add(self, nonce, mark=0, sender=A, gas=100, raw=b"x" * 10):
        return self.pool.add(Fake(nonce, mark, gas, sender), raw, sender)

    def state_of(self, one):
        outcome = self.pool.outcome(one.hash)
        return None if outcome is None else outcome.state

    def mine(self, gas=10_000):
        chosen = self.pool.select(gas)
        for one in chosen:
            assert one.nonce == self.nonces.get(one.sender, 0)
            self.nonces[one.sender] = one.nonce + 1
        self.pool.settle(chosen)
        return [(one.sender, one.nonce) for one in chosen]


def test_future_nonces_wait_until_the_gap_closes():
    ledger = Ledger()
    ledger.add(2)
    ledger.add(1)
    assert ledger.pool.counts() == (0, 2)
    assert not ledger.pool.has_ready()
    assert ledger.mine() == []
    ledger.add(0)
    assert ledger.pool.counts() == (3, 0)
    assert ledger.pool.next_nonce(A) == 3
    assert ledger.mine() == [(A, 0), (A, 1), (A, 2)]
    assert ledger.pool.counts() == (0, 0)


def test_duplicates_and_used_nonces_are_answered():
    ledger = Ledger()
    ledger.add(0)
    with pytest.raises(ConflictError, match=r"engine\.known"):
        ledger.add(0)
    ledger.mine()
    with pytest.raises(ConflictError, match=r"engine\.nonce_too_low"):
        ledger.add(0, mark=1)
    with pytest.raises(InputError, match=r"engine\.nonce_too_high"):
        ledger.add(1 + SMALL.engine_nonce_ahead + 1)


def test_a_later_transaction_replaces_the_one_before_it_and_that_one_stays_out():
    ledger = Ledger()
    old = ledger.add(0)
    new = ledger.add(0, mark=1)
    assert ledger.pool.get(old.hash) is None
    assert ledger.pool.outcome(old.hash) == Outcome("replaced", new.hash.hex())
    with pytest.raises(ConflictError, match=r"engine\.replaced"):
        ledger.add(0)
    assert ledger.pool.select(1_000) == [new]
    assert ledger.pool.pending_hashes() == [new.hash]


def test_a_replacement_that_comes_while_its_block_is_closed_is_refused():
    ledger = Ledger()
    ledger.add(0)
    ledger.add(1)
    chosen = ledger.pool.select(1_000)
    late = ledger.add(0, mark=1)
    ledger.nonces[A] = 2
    ledger.pool.settle(chosen)
    assert ledger.state_of(late) == "refused"
    assert ledger.pool.outcome(chosen[0].hash) is None
    assert ledger.pool.counts() == (0, 0)


def test_what_waits_too_long_behind_a_gap_expires_and_ready_ones_do_not():
    ledger = Ledger()
    ledger.add(0, sender=B)
    gone = ledger.add(2)
    ledger.wall.seconds += SMALL.engine_waiting_seconds
    assert ledger.pool.expire() == 0
    ledger.wall.seconds += 1
    assert ledger.pool.expire() == 1
    assert ledger.state_of(gone) == "expired"
    assert ledger.pool.counts() == (1, 0)
    assert ledger.pool.oldest() == SMALL.engine_waiting_seconds + 1
    assert ledger.add(2).hash == gone.hash, "an expired transaction may be sent again"
    assert ledger.pool.outcome(gone.hash) is None


def test_a_full_pool_says_when_to_come_again():
    ledger = Ledger()
    for nonce in range(6):
        ledger.add(nonce)
    with pytest.raises(UnavailableError, match=r"engine\.sender_full") as caught:
        ledger.add(6)
    assert caught.value.retry_after > 0
    ledger.add(0, sender=B)
    ledger.add(1, sender=B)
    with pytest.raises(UnavailableError, match=r"engine\.pool_full"):
        ledger.add(2, sender=B)
    ledger.add(1, mark=1, sender=B)  # a replacement needs no room
    ledger.mine()
    ledger.add(2, sender=B)


def test_waiting_transactions_take_at_most_half_of_the_pool():
    ledger = Ledger()
    for nonce in (1, 3):
        ledger.add(nonce)
        ledger.add(nonce, sender=B)
    with pytest.raises(UnavailableError, match=r"engine\.waiting_full"):
        ledger.add(5)
    ledger.add(0)
    assert ledger.pool.counts() == (2, 3)


def test_the_bytes_of_the_pool_are_bounded():
    ledger = Ledger(replace(SMALL, engine_pool_bytes=25))
    ledger.add(0)
    ledger.add(1)
    with pytest.raises(UnavailableError, match=r"engine\.pool_full"):
        ledger.add(2)
    ledger.mine()
    ledger.add(2)


def test_arrival_decides_among_senders_nonces_within_one():
    ledger = Ledger()
    ledger.add(1, sender=B)
    ledger.add(0)
    ledger.add(0, sender=B)
    ledger.add(1)
    assert ledger.mine() == [(A, 0), (B, 0), (B, 1), (A, 1)]


def test_the_gas_of_a_block_is_never_exceeded_and_a_large_one_holds_up_only_its_sender():
    ledger = Ledger()
    ledger.add(0, gas=500)
    ledger.add(1, gas=600)
    ledger.add(2, gas=1)
    ledger.add(0, gas=400, sender=B)
    assert ledger.mine(1_000) == [(A, 0), (B, 0)]
    assert ledger.mine(1_000) == [(A, 1), (A, 2)]


def test_outcomes_are_forgotten_in_the_end():
    ledger = Ledger()
    first = ledger.add(0)
    for mark in range(1, 7):
        ledger.add(0, mark=mark)
    assert ledger.pool.outcome(first.hash) is None


def test_refusing_a_ready_transaction_opens_a_gap():
    ledger = Ledger()
    bad = ledger.add(0)
    ledger.add(1)
    ledger.pool.refuse(bad, "because")
    assert ledger.pool.counts() == (0, 1)
    ledger.add(0, mark=1)
    assert ledger.mine() == [(A, 0), (A, 1)]


STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("add"), st.sampled_from([A, B]), st.integers(0, 12), st.integers(0, 2)),
        st.tuples(st.just("mine"), st.integers(50, 900)),
        st.tuples(st.just("wait"), st.integers(1, 500)),
    ),
    max_size=60,
)


@settings(max_examples=150, deadline=None)
@given(STEPS)
def test_every_transaction_is_waiting_mined_or_answered_for(steps):
    ledger = Ledger(replace(SMALL, engine_outcomes=1_000))
    taken: dict[bytes, tuple[bytes, int]] = {}
    mined: set[tuple[bytes, int]] = set()
    for step in steps:
        if step[0] == "add":
            _, sender, nonce, mark = step
            try:
                one = ledger.add(nonce, mark, sender)
            except LedgerError:
                continue
            taken[one.hash] = (sender, nonce)
        elif step[0] == "mine":
            mined.update(ledger.mine(step[1]))
        else:
            ledger.wall.seconds += step[1]
            ledger.pool.expire()
        ready, waiting = ledger.pool.counts()
        assert ready + waiting == len(ledger.pool.pending_hashes())
        assert ready + waiting <= SMALL.engine_pool_transactions
        for sender in (A, B):
            run = ledger.nonces.get(sender, 0)
            found = [ledger.pool.get(one) for one, place in taken.items() if place[0] == sender]
            here = {one.nonce for one in found if one is not None}
            while run in here:
                run += 1
            assert ledger.pool.next_nonce(sender) == run
    for one, place in taken.items():
        assert ledger.pool.get(one) or ledger.pool.outcome(one) or place in mined


def test_streamed_transactions_with_gaps_duplicates_and_wrong_nonces_all_end():
    engine = Engine.open(config(), wall=Wall())
    bench = Workbench(engine, engine.clock.wall)
    bench.deploy()
    chance = random.Random(20_260_101)  # noqa: S311  # a fixed shuffle, not a secret
    signers = [account(f"stream {n}") for n in range(4)]
    sent = [sign(who, nonce, bench.contract, calldata("count()"), gas=60_000) for who in signers for nonce in range(60)]
    extra = chance.sample(sent, 40) + [sign(who, 10_000, bench.contract, gas=60_000) for who in signers]
    stream = sent + extra
    chance.shuffle(stream)
    answers: set[bytes] = set()
    refused: set[str] = set()
    for number, raw in enumerate(stream):
        try:
            answers.add(engine.send_raw(raw))
        except (ConflictError, InputError) as error:
            refused.add(error.code)
        if number % 25 == 0:
            engine.run_once()
    while engine.run_once() is not None:
        pass
    assert len(answers) == len(sent)
    assert refused == {"engine.known", "engine.nonce_too_high"}
    assert all(engine.receipt(one) is not None for one in answers)
    assert engine.pool.counts() == (0, 0)
    engine.close()
