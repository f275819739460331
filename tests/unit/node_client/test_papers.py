"""The story's papers, and those of a user's own folder in their place."""

from __future__ import annotations

import pytest

from ledger.errors import InputError
from node_client.pilot.papers import PAPERS, make_decision, place_papers


def test_the_decision_is_made_where_there_is_no_folder_yet(tmp_path):
    path = make_decision(tmp_path / "data" / "files")
    assert path.read_bytes().startswith(b"%PDF-")
    written = path.stat().st_mtime_ns
    assert make_decision(path.parent).stat().st_mtime_ns == written


def test_a_users_own_files_stand_for_the_papers_in_the_order_of_their_names(tmp_path):
    for name in ("b.pdf", "a.jpg", ".hidden"):
        (tmp_path / name).write_bytes(b"x")
    placed = place_papers(tmp_path)
    assert [path.name for path in placed.values()] == [("a.jpg", "b.pdf")[number % 2] for number in range(len(PAPERS))]


def test_a_folder_without_files_is_said(tmp_path):
    with pytest.raises(InputError, match=r"pilot\.no_files"):
        place_papers(tmp_path)
