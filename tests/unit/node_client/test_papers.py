"""The story's papers, and those of a user's own folder in their place."""

from __future__ import annotations

import pytest

from ledger.errors import InputError
from ledger.services.intake import inspect_file
from node_client.pilot.papers import PAPERS, make_decision, make_papers, place_papers


def test_the_decision_is_made_where_there_is_no_folder_yet(tmp_path):
    path = make_decision(tmp_path / "data" / "files")
    assert path.read_bytes().startswith(b"%PDF-")
    written = path.stat().st_mtime_ns
    assert make_decision(path.parent).stat().st_mtime_ns == written


def test_a_users_own_files_stand_for_the_papers_in_the_order_of_their_names(tmp_path):
    for name, content in (("b.pdf", b"%PDF-1.7\n"), ("a.jpg", b"\xff\xd8\xff\xe0"), (".hidden", b"x")):
        (tmp_path / name).write_bytes(content)
    placed = place_papers(tmp_path)
    assert [path.name for path in placed.values()] == [("a.jpg", "b.pdf")[number % 2] for number in range(len(PAPERS))]


def test_a_folder_without_files_is_said(tmp_path):
    with pytest.raises(InputError, match=r"pilot\.no_files"):
        place_papers(tmp_path)


def test_a_folder_that_is_not_there_is_said(tmp_path):
    with pytest.raises(InputError, match=r"pilot\.no_files"):
        place_papers(tmp_path / "nowhere")


def test_a_file_that_no_window_takes_is_named_by_its_place_and_never_by_its_name(tmp_path):
    (tmp_path / "1 样本.pdf").write_bytes(b"%PDF-1.7\n%%EOF\n")
    (tmp_path / "2 样本甲.pdf").write_bytes(b"no document at all")
    with pytest.raises(InputError, match=r"pilot\.file") as caught:
        place_papers(tmp_path)
    assert dict(caught.value.facts) == {"number": 2, "why": "files.wrong_type"}


def test_files_beyond_the_papers_are_left_alone(tmp_path):
    for number in range(len(PAPERS)):
        (tmp_path / f"{number}.pdf").write_bytes(b"%PDF-1.7\n%%EOF\n")
    (tmp_path / "z.exe").write_bytes(b"MZ")
    assert [path.name for path in place_papers(tmp_path).values()] == [f"{n}.pdf" for n in range(len(PAPERS))]


def test_the_papers_are_of_the_sizes_that_offices_meet_and_the_same_every_time(tmp_path):
    made = make_papers(tmp_path / "one")
    sizes = {key: path.stat().st_size for key, path in made.items()}
    assert 60_000_000 < sizes["marriage"] < 70_000_000
    assert 3_000_000 < sizes["household"] < 10_000_000
    assert sizes["contribution"] < 10_000
    for key in ("household", "identity-applicant", "contribution", "contract"):
        assert inspect_file(made[key]).digests.size == sizes[key]
    # What is there already is left as it is; what is missing is made anew, byte for byte as before.
    before = made["household"].read_bytes()
    made["household"].unlink()
    assert make_papers(tmp_path / "one")["household"].read_bytes() == before
