from __future__ import annotations

import errno
import hashlib
import io
import os
import zipfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from ledger.domain.limits import LIMITS
from ledger.errors import InputError, LedgerError, NotFoundError
from ledger.services import intake

PDF = b"%PDF-1.7\n" + b"content\n" * 1000


def test_a_good_file_is_known_by_both_digests(tmp_path: Path) -> None:
    path = tmp_path / "样本.pdf"
    path.write_bytes(PDF)
    found = intake.inspect_file(path)
    assert found.kind.media_type == "application/pdf"
    assert found.digests.size == len(PDF)
    assert found.digests.sha256 == hashlib.sha256(PDF).hexdigest()
    assert found.digests.sm3 == hashlib.new("sm3", PDF).hexdigest()
    assert b"".join(intake.read_handed_in(found)) == PDF


def ofd() -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("OFD.xml", "<ofd/>")
    return out.getvalue()


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.jpg", b"\xff\xd8\xff\xe0\x00\x10JFIF\x00" + bytes(100)),
        ("a.JPEG", b"\xff\xd8\xff\xe1\x00\x10Exif\x00" + bytes(100)),
        ("a.png", b"\x89PNG\r\n\x1a\n" + bytes(100)),
        ("a.tif", b"II*\x00" + bytes(100)),
        ("a.tiff", b"MM\x00*" + bytes(100)),
        ("a.ofd", ofd()),
        ("a.zip", ofd()),
    ],
)
def test_every_allowed_kind(tmp_path: Path, name: str, content: bytes) -> None:
    (tmp_path / name).write_bytes(content)
    assert name.lower().endswith(intake.inspect_file(tmp_path / name).kind.extensions)


@pytest.mark.parametrize(
    ("name", "content", "code"),
    [
        ("a.pdf", b"", "empty"),
        ("a.exe", PDF, "type_not_allowed"),
        ("a.jpg", PDF, "wrong_type"),
        ("a.pdf", ofd(), "wrong_type"),
        ("a.pdf", b"plain text", "wrong_type"),
        ("a.pdf", b"\x00", "wrong_type"),
        ("a.ofd", PDF, "wrong_type"),
        ("a.docx", ofd(), "archive_kind"),
        ("a.ofd", ofd()[:40], "archive_form"),
    ],
    ids=range(9),
)
def test_bad_files_are_named(tmp_path: Path, name: str, content: bytes, code: str) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(InputError) as caught:
        intake.inspect_file(tmp_path / name)
    assert caught.value.code == f"files.{code}"


def test_a_file_beyond_the_limit_is_refused_unread(tmp_path: Path) -> None:
    path = tmp_path / "a.pdf"
    with path.open("wb") as file:
        file.truncate(LIMITS.intake_file_bytes + 1)
    with pytest.raises(InputError, match=r"files.too_large"):
        intake.inspect_file(path)


def test_a_file_that_grows_without_end_is_given_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "a.pdf"
    path.write_bytes(PDF)
    monkeypatch.setattr(intake, "LIMITS", replace(LIMITS, intake_file_bytes=len(PDF)))
    grown = intake._digests(io.BytesIO(PDF * 3))
    assert grown.size == len(PDF) * 3  # one piece was enough to see it
    with path.open("ab") as file:
        file.write(b"x")
    with pytest.raises(InputError, match=r"files.too_large"):
        intake.inspect_file(path)


def change_content(path: Path) -> None:
    path.write_bytes(PDF[:-1] + b"X")
    os.utime(path, ns=(1, 1))


def change_inode(path: Path) -> None:
    other = path.with_name("other")
    other.write_bytes(PDF)
    other.replace(path)


@pytest.mark.parametrize(
    "change", [change_content, change_inode, lambda path: path.write_bytes(PDF + b"x"), Path.unlink]
)
def test_a_file_that_changes_while_it_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, change: Callable[[Path], object]
) -> None:
    path = tmp_path / "a.pdf"
    path.write_bytes(PDF)
    digests = intake._digests

    def changing(file: io.BytesIO) -> object:
        found = digests(file)
        change(path)
        return found

    monkeypatch.setattr(intake, "_digests", changing)
    with pytest.raises(InputError, match=r"files.changed"):
        intake.inspect_file(path)


@pytest.mark.parametrize("content", [PDF + b"x", PDF[:-1], PDF[:-1] + b"X", PDF * 1000])
def test_a_file_that_changes_after_it_was_inspected(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "a.pdf"
    path.write_bytes(PDF)
    found = intake.inspect_file(path)
    path.write_bytes(content)
    with pytest.raises(InputError, match=r"files.changed"):
        list(intake.read_handed_in(found))
    path.unlink()
    with pytest.raises(NotFoundError, match=r"files.missing"):
        list(intake.read_handed_in(found))


def test_pipes_and_folders_are_not_files(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "a.pdf")
    (tmp_path / "b.pdf").mkdir()
    for name in ("a.pdf", "b.pdf"):
        with pytest.raises(InputError, match=r"files.not_a_file"):
            intake.inspect_file(tmp_path / name)
        with pytest.raises(InputError, match=r"files.not_a_file"):
            intake.resolve_inside(tmp_path, name)
    with pytest.raises(NotFoundError, match=r"files.missing"):
        intake.inspect_file(tmp_path / "c.pdf")


@pytest.mark.parametrize("call", ["open", "read"])
def test_what_cannot_be_read_is_said_without_its_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, call: str
) -> None:
    path = tmp_path / "样本甲.pdf"
    path.write_bytes(PDF)

    def failing(*_: object, **__: object) -> None:
        raise OSError(errno.EACCES, "Permission denied", str(path))

    if call == "open":
        monkeypatch.setattr(os, "open", failing)
    else:
        monkeypatch.setattr(intake, "_digests", failing)
    with pytest.raises(InputError) as caught:
        intake.inspect_file(path)
    assert caught.value.code == "files.unreadable"
    assert caught.value.__cause__ is None
    assert "样本甲" not in str(caught.value)


def test_only_what_lies_in_the_folder_is_found(tmp_path: Path) -> None:
    folder = tmp_path / "folder"
    (folder / "inner").mkdir(parents=True)
    for path in (folder / "a.pdf", folder / "inner" / "b.pdf", tmp_path / "secret.pdf"):
        path.write_bytes(PDF)
    (folder / "link.pdf").symlink_to(tmp_path / "secret.pdf")
    (folder / "loop.pdf").symlink_to(folder / "loop.pdf")
    (folder / "good.pdf").symlink_to(folder / "a.pdf")
    (folder / "up").symlink_to(tmp_path)
    assert intake.resolve_inside(folder, "a.pdf") == folder / "a.pdf"
    assert intake.resolve_inside(folder, "inner/b.pdf") == folder / "inner" / "b.pdf"
    assert intake.resolve_inside(folder, "good.pdf") == folder / "a.pdf"
    for name in (
        "", "../secret.pdf", "inner/../../secret.pdf", str(tmp_path / "secret.pdf"), "link.pdf", "up/secret.pdf",
        "loop.pdf", "a.pdf\x00", "..\\secret.pdf",
    ):  # fmt: skip
        with pytest.raises(InputError) as caught:
            intake.resolve_inside(folder, name)
        assert caught.value.code == "files.outside"
    with pytest.raises(NotFoundError, match=r"files.missing"):
        intake.resolve_inside(folder, "none.pdf")


def test_a_folder_is_taken_whole_or_not_at_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(InputError, match=r"files.none"):
        intake.inspect_folder(tmp_path)
    (tmp_path / "sub").mkdir()
    for name in ("b.pdf", "a.pdf", ".hidden"):
        (tmp_path / name).write_bytes(PDF)
    assert [file.path.name for file in intake.inspect_folder(tmp_path)] == ["a.pdf", "b.pdf"]
    (tmp_path / "c.pdf").write_bytes(b"")
    with pytest.raises(LedgerError, match=r"files.empty"):
        intake.inspect_folder(tmp_path)
    monkeypatch.setattr(intake, "LIMITS", replace(LIMITS, intake_files=2))
    with pytest.raises(InputError, match=r"files.too_many"):
        intake.inspect_folder(tmp_path)
    with pytest.raises(NotFoundError, match=r"files.missing"):
        intake.inspect_folder(tmp_path / "none")
