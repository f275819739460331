"""Lines of the screens: Chinese flows, words stay whole, what closes a clause is never first."""

from __future__ import annotations

import io
import itertools

from hypothesis import given, settings
from hypothesis import strategies as st
from rich.cells import cell_len
from rich.console import Console

from node_client.cli.flowing import Flowing, breaks
from node_client.cli.output import grid


def lines(text: str, width: int) -> list[str]:
    places = [0, *breaks(text, width), len(text)]
    return [text[a:b].rstrip() for a, b in itertools.pairwise(places)]


def test_chinese_goes_on_in_the_same_line():
    assert lines("✘ 陕西省西安市的操作“读取材料”未被接受：授权已撤回。", 24) == [
        "✘ 陕西省西安市的操作“读",
        "取材料”未被接受：授权已",
        "撤回。",
    ]


def test_what_closes_a_clause_is_never_first_and_words_stay_whole():
    assert lines("共四个字，然后", 8) == ["共四个", "字，然后"]
    assert lines("read by Mianyang under consent", 12) == ["read by", "Mianyang", "under", "consent"]
    assert lines("ab" * 6, 5) == ["ababa", "babab", "ab"]


@settings(max_examples=30, deadline=None)
@given(st.text(alphabet="ab 一二，（）。：é", max_size=60), st.integers(2, 20))
def test_nothing_is_lost_and_no_line_is_too_wide(text: str, width: int):
    places = breaks(text, width)
    assert places == sorted(set(places))
    assert all(cell_len(line) <= width for line in lines(text, width))


def test_a_cell_of_a_grid_flows_and_the_first_is_kept_whole():
    table = grid(2)
    table.add_row("2026-03-16", "四川省绵阳市读取 2 份材料（本人授权），本授权还剩 1 次")
    out = io.StringIO()
    Console(file=out, width=40, highlight=False).print(table)
    shown = [line.rstrip() for line in out.getvalue().splitlines()]
    assert shown[0] == "2026-03-16  四川省绵阳市读取 2 份材料"
    assert len(shown) == 3
    assert Flowing("样本").plain == "样本"
