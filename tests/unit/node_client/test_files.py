"""Files named on the command line: read with words for what is missing, written for their owner alone and whole."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from ledger.errors import NotFoundError
from node_client.cli.files import read_file, write_file


def test_what_is_no_file_is_missing(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"content")
    assert read_file(tmp_path / "file") == b"content"
    for path in (tmp_path, tmp_path / "none", tmp_path / "file" / "below"):
        with pytest.raises(NotFoundError, match=r"files\.missing"):
            read_file(path)


def test_its_owner_alone_reads_what_is_written_over_an_open_file_too(tmp_path: Path) -> None:
    path = tmp_path / "consent.json"
    path.write_bytes(b"before")
    path.chmod(0o644)
    assert write_file(path, [b"one ", b"other"]) == path
    assert (path.read_bytes(), path.stat().st_mode & 0o777) == (b"one other", 0o600)


def test_what_is_cut_short_leaves_what_was_there(tmp_path: Path) -> None:
    path = tmp_path / "paper.pdf"
    path.write_bytes(b"before")

    def damaged() -> Iterator[bytes]:
        yield b"half"
        raise ValueError

    with pytest.raises(ValueError, match=r"^$"):
        write_file(path, damaged())
    assert (path.read_bytes(), sorted(tmp_path.iterdir())) == (b"before", [path])
