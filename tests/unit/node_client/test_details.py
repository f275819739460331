"""What ``--detail`` of a step of a case may say."""

from __future__ import annotations

import pytest

from ledger.domain.case_tables import ACTION_RULES, FREE_DETAIL
from ledger.domain.cases import Action
from ledger.errors import InputError
from node_client.cli.details import detail_of, meaning


@pytest.mark.parametrize(
    ("action", "text", "detail"),
    [
        (Action.ACCEPT, "", 0),
        (Action.EXTEND, "7", 7),
        (Action.SUSPEND, "hearing", 1),
        (Action.DELIVER, "other", 9),
        (Action.RATE, "very_dissatisfied", 1),
        (Action.GRANT, "17:3", 17 << 32 | 3),
        # Ten o'clock in China is two o'clock in UTC.
        (Action.REBUT, "1@2026-03-05T10:00", 1_772_676_000 << 8 | 1),
        (Action.REBUT, "formal@2026-03-05T10:00", 1_772_676_000 << 8 | 1),
    ],
)
def test_a_word_a_code_a_leaf_and_a_moment_are_read(action: Action, text: str, detail: int) -> None:
    assert detail_of(action, text) == detail


@pytest.mark.parametrize(
    ("action", "text", "code"),
    [
        (Action.SUSPEND, "holiday", "case.detail"),
        (Action.ACCEPT, "hearing", "case.detail"),
        (Action.EXTEND, "17:0", "case.detail"),
        (Action.GRANT, "17:", "leaves.place"),
        (Action.REBUT, "1@yesterday", "case.detail"),
        (Action.RATE, "-1", "case.detail"),
    ],
)
def test_anything_else_is_refused(action: Action, text: str, code: str) -> None:
    with pytest.raises(InputError) as caught:
        detail_of(action, text)
    assert caught.value.code == code


@pytest.mark.parametrize("action", sorted(ACTION_RULES))
def test_each_step_with_a_detail_says_what_it_is_in_both_languages(action: Action) -> None:
    takes_one = ACTION_RULES[action].details[1] in range(1, FREE_DETAIL + 1)
    assert bool(meaning(action, "zh")) == bool(meaning(action, "en")) == takes_one
