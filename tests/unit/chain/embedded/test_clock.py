from __future__ import annotations

import pytest

from ledger.chain.embedded.clock import ChainClock
from ledger.errors import InputError, UnavailableError
from tests.unit.chain.embedded.bench import Wall


def test_the_chain_is_never_ahead_of_the_wall_clock_and_its_offset():
    wall = Wall(1_000.9)
    clock = ChainClock(wall, offset=50)
    assert clock.now() == 1_050
    assert clock.next_timestamp(1_000) == 1_050
    assert clock.next_timestamp(1_050) == 1_050


def test_small_steps_back_repeat_the_second_and_large_ones_stop():
    clock = ChainClock(Wall(1_000))
    assert clock.next_timestamp(1_002) == 1_002
    with pytest.raises(UnavailableError, match=r"engine\.clock_behind") as caught:
        clock.next_timestamp(1_003)
    assert caught.value.retry_after == 3


def test_the_offset_only_grows():
    clock = ChainClock(Wall(), offset=-5)
    clock.check_offset(-5)
    clock.check_offset(0)
    with pytest.raises(InputError, match=r"engine\.clock_backwards"):
        clock.check_offset(-6)
