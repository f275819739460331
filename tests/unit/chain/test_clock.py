"""The network's time: this machine's clock and the engine's offset, asked seldom and remembered while it is away."""

from __future__ import annotations

from ledger.chain.clock import NetworkClock
from ledger.errors import UnavailableError


def test_the_offset_is_asked_once_a_second_and_less_often_while_the_engine_is_away():
    ticks, asked = [0.0], []
    answers: list[int | None] = [5, 6, None, 7]

    def offset() -> int:
        asked.append(ticks[0])
        answer = answers.pop(0)
        if answer is None:
            raise UnavailableError("chain.unreachable")
        return answer

    clock = NetworkClock(offset, known=3, wall=lambda: 100.9, ticks=lambda: ticks[0])
    seen = []
    for moment in (0.0, 0.9, 1.0, 2.0, 3.0, 11.9, 12.0):
        ticks[0] = moment
        seen.append(clock())
    assert asked == [0.0, 1.0, 2.0, 12.0]
    assert seen == [105, 105, 106, 106, 106, 106, 107]


def test_an_engine_that_was_never_there_leaves_what_is_known():
    def away() -> int:
        raise UnavailableError("chain.unreachable")

    assert NetworkClock(away, known=-40, wall=lambda: 100.0)() == 60
