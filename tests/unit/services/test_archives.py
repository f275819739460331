from __future__ import annotations

import io
import struct
import zipfile
from collections.abc import Callable

import pytest

from ledger.domain.files import file_type
from ledger.errors import InputError
from ledger.services.archives import check_archive

OFD = {"OFD.xml": b"<ofd/>", "Doc_0/Document.xml": b"<document/>"}


def package(entries: dict[str, bytes], compression: int = zipfile.ZIP_DEFLATED) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", compression) as archive:
        for name, content in entries.items():
            archive.writestr(name, content)
    return out.getvalue()


def check(data: bytes, name: str = "a.ofd") -> None:
    check_archive(io.BytesIO(data), len(data), file_type(name))


@pytest.mark.parametrize(
    ("name", "entries"),
    [
        ("a.ofd", OFD),
        ("a.zip", {"scan.txt": b"text"}),
        ("a.zip", {}),
        ("a.docx", {"[Content_Types].xml": b"x", "word/document.xml": b"x"}),
        ("a.xlsx", {"xl/workbook.xml": b"x"}),
        ("a.zip", {"text.txt": b"0" * 200_000}),
    ],
    ids=range(6),
)
def test_ordinary_packages_are_taken(name: str, entries: dict[str, bytes]) -> None:
    check(package(entries), name)


def overlapping() -> bytes:
    """Two hundred directory entries that all point at one packed megabyte of zeros."""
    single = package({"a": bytes(1024 * 1024)})
    start = single.index(b"PK\x01\x02")
    entry = single[start : start + 46]
    directory = b"".join(
        entry[:28] + struct.pack("<H", 4) + entry[30:46] + f"{number:04}".encode() for number in range(200)
    )
    end = struct.pack("<4s4H2LH", b"PK\x05\x06", 0, 0, 200, 200, len(directory), start, 0)
    return single[:start] + directory + end


def lying() -> bytes:
    """The directory claims one byte, the data unpack to a megabyte."""
    data = bytearray(package({"OFD.xml": bytes(1024 * 1024)}))
    start = data.index(b"PK\x01\x02")
    data[start + 24 : start + 28] = struct.pack("<L", 1)
    return bytes(data)


def many() -> bytes:
    return package({f"{number}": b"" for number in range(4_097)})


def encrypted() -> bytes:
    data = bytearray(package(OFD))
    start = data.index(b"PK\x01\x02")
    data[start + 8] |= 1
    return bytes(data)


def sixty_four() -> bytes:
    data = package(OFD)
    at = data.rindex(b"PK\x05\x06")
    return data[:at] + b"PK\x06\x07" + bytes(16) + data[at:]


def huge_directory() -> bytes:
    data = bytearray(package(OFD))
    at = data.rindex(b"PK\x05\x06")
    data[at + 12 : at + 16] = struct.pack("<L", 2**31)
    return bytes(data)


def twice() -> bytes:
    data = package({"OFD.xml": b"a", "OFE.xml": b"b"})
    return data.replace(b"OFE.xml", b"OFD.xml")


def flipped() -> bytes:
    data = bytearray(package({"OFD.xml": b"some content" * 10}, zipfile.ZIP_STORED))
    data[60] ^= 1
    return bytes(data)


@pytest.mark.parametrize(
    ("make", "code"),
    [
        (lambda: b"PK\x03\x04", "archive_form"),
        (lambda: package(OFD)[:-10], "archive_form"),
        (sixty_four, "archive_form"),
        (twice, "archive_form"),
        (many, "archive_entries"),
        (huge_directory, "archive_entries"),
        (lambda: package({"OFD.xml": bytes(16 * 1024 * 1024)}), "archive_bomb"),
        (overlapping, "archive_bomb"),
        (lying, "archive_damaged"),
        (flipped, "archive_damaged"),
        (lambda: package(OFD)[30:], "archive_damaged"),
        (lambda: package({**OFD, "../../etc/cron.d/x": b"x"}), "archive_path"),
        (lambda: package({**OFD, "/etc/passwd": b"x"}), "archive_path"),
        (lambda: package({**OFD, "..\\x": b"x"}), "archive_path"),
        (lambda: package({**OFD, "C:/x": b"x"}), "archive_path"),
        (encrypted, "archive_encrypted"),
        (lambda: package({"other.xml": b"x"}), "archive_kind"),
    ],
    ids=range(17),
)
def test_every_bad_package_is_named(make: Callable[[], bytes], code: str) -> None:
    with pytest.raises(InputError) as caught:
        check(make())
    assert caught.value.code == f"files.{code}"


def test_the_claimed_number_of_entries_is_not_trusted() -> None:
    data = bytearray(many())
    at = data.rindex(b"PK\x05\x06")
    data[at + 8 : at + 12] = struct.pack("<2H", 1, 1)
    with pytest.raises(InputError, match=r"files.archive_entries"):
        check(bytes(data))
