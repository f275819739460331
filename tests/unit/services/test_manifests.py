from __future__ import annotations

import json
from dataclasses import replace
from datetime import date
from typing import Any

import pytest

from ledger.domain.limits import LIMITS
from ledger.errors import FormatError, InputError, LedgerError
from ledger.services import manifests

HEADER = "material,file,type,issuer_code,issuer_name,issued_on,expires_on,subjects,field.name,field.number"
CSV = f"""{HEADER}
marriage,marriage-1.pdf,marriage-certificate,11510107MB15000004,样本区民政局,2020-05-20,,,样本甲,"0,1"
marriage,marriage-2.pdf,,,,,,,,

card,card.jpg,identity-card,,,,2036-01-01,1,样本甲,
"""
JSON: dict[str, Any] = {
    "format": "tongban/manifest/1",
    "materials": [
        {
            "material": "marriage", "files": ["marriage-1.pdf", "marriage-2.pdf"], "type": "marriage-certificate",
            "issuer_code": "11510107MB15000004", "issuer_name": "样本区民政局", "issued_on": "2020-05-20",
            "fields": {"name": "样本甲", "number": "0,1"},
        },
        {
            "material": "card", "files": ["card.jpg"], "type": "identity-card", "expires_on": "2036-01-01",
            "subjects": 1, "fields": {"name": "样本甲"},
        },
    ],
}  # fmt: skip


@pytest.mark.parametrize("data", [CSV.encode(), b"\xef\xbb\xbf" + CSV.encode(), CSV.replace("\n", "\r\n").encode()])
def test_csv_and_json_say_the_same(data: bytes) -> None:
    marriage, card = manifests.read_manifest("list.CSV", data)
    assert marriage.files == ("marriage-1.pdf", "marriage-2.pdf")
    assert (marriage.issued_on, marriage.expires_on, marriage.subjects) == (date(2020, 5, 20), None, 2)
    assert marriage.fields == {"name": "样本甲", "number": "0,1"}
    assert (card.expires_on, card.subjects, card.type_code) == (date(2036, 1, 1), 1, "identity-card")
    again = manifests.read_manifest("list.json", json.dumps(JSON, ensure_ascii=False, indent=1).encode())
    assert [replace(each, row=0) for each in again] == [replace(each, row=0) for each in (marriage, card)]


SHORT = "material,file,type\n"


@pytest.mark.parametrize(
    ("text", "code", "facts"),
    [
        ("", "manifest_empty", {}),
        (SHORT, "manifest_empty", {}),
        ("样本甲,510107199003070002,x\n", "manifest_column", {"column": 1}),
        ("material,file,type,colour\n", "manifest_column", {"column": 4}),
        ("material,file,type,file\n", "manifest_column", {"column": 4}),
        ("material,file,type,field.Name\n", "manifest_column", {"column": 4}),
        ("material,type\n", "manifest_missing_column", {"name": "file"}),
        (SHORT + "a,a.pdf\n", "manifest_row", {"row": 2, "column": 3}),
        (SHORT + "a,a.pdf,photo,x\n", "manifest_row", {"row": 2, "column": 4}),
        (SHORT + ",a.pdf,photo\n", "manifest_row", {"row": 2, "column": 1}),
        (SHORT + "a,,photo\n", "manifest_row", {"row": 2, "column": 2}),
        (SHORT + "a,a.pdf,photo\na,b.pdf,photo\n", "manifest_row", {"row": 3, "column": 3}),
        (SHORT + "a,a.pdf,photo\na,,\n", "manifest_row", {"row": 3, "column": 2}),
        (SHORT + "a,a.pdf,photo\na,a.pdf,photo\n", "manifest_duplicate", {"row": 3}),
        (SHORT + "a,a.pdf,photo\na,a.pdf,\n", "manifest_duplicate", {"row": 3}),
        (SHORT + "a,a.pdf,photo\nb,a.pdf,photo\n", "manifest_duplicate", {"row": 3}),
        (SHORT + 'a,"a.pdf,photo\n', "manifest_row", {"row": 2, "column": 0}),
        ("material,file,type,issued_on\na,a.pdf,photo,2026-02-30\n", "manifest_row", {"row": 2, "column": 4}),
        ("material,file,type,expires_on\na,a.pdf,photo,20260101\n", "manifest_row", {"row": 2, "column": 4}),
        ("material,file,type,subjects\na,a.pdf,photo,0\n", "manifest_row", {"row": 2, "column": 4}),
        ("material,file,type,subjects\na,a.pdf,photo,three\n", "manifest_row", {"row": 2, "column": 4}),
    ],
    ids=range(21),
)
def test_bad_tables_are_named_by_row_and_column(text: str, code: str, facts: dict[str, object]) -> None:
    with pytest.raises(FormatError) as caught:
        manifests.read_manifest("list.csv", text.encode())
    told = {name: value for name, value in caught.value.facts.items() if name != "known"}
    assert (caught.value.code, told) == (f"files.{code}", facts)


def test_other_encodings_and_kinds_are_refused() -> None:
    with pytest.raises(FormatError) as caught:
        manifests.read_manifest("list.csv", CSV.encode("gb18030"))
    assert caught.value.code == "files.manifest_utf8"
    assert caught.value.__cause__ is None
    with pytest.raises(FormatError, match=r"files.manifest_kind"):
        manifests.read_manifest("list.xlsx", b"")
    with pytest.raises(FormatError, match=r"files.manifest_too_long"):
        manifests.read_manifest("list.csv", bytes(LIMITS.manifest_bytes + 1))
    with pytest.raises(InputError, match=r"materials.unknown_type"):
        manifests.read_manifest("list.csv", (SHORT + "a,a.pdf,样本甲\n").encode())


def test_rows_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(manifests, "LIMITS", replace(LIMITS, manifest_rows=2))
    with pytest.raises(FormatError, match=r"files.manifest_rows"):
        manifests.read_manifest("list.csv", CSV.encode())
    many = {**JSON, "materials": JSON["materials"] * 2}
    with pytest.raises(FormatError, match=r"files.manifest_rows"):
        manifests.read_manifest("list.json", json.dumps(many).encode())


def item(**change: object) -> dict[str, Any]:
    return {**JSON, "materials": [{**JSON["materials"][1], **change}]}


@pytest.mark.parametrize(
    ("document", "code"),
    [
        ([], "files.manifest_version"),
        ({**JSON, "format": "tongban/manifest/2"}, "files.manifest_version"),
        ({**JSON, "extra": 1}, "files.manifest_row"),
        ({**JSON, "materials": {}}, "files.manifest_row"),
        ({**JSON, "materials": []}, "files.manifest_empty"),
        ({**JSON, "materials": [1]}, "files.manifest_row"),
        ({**JSON, "materials": [{"material": "a"}]}, "files.manifest_row"),
        (item(colour="red"), "files.manifest_row"),
        (item(files=[]), "files.manifest_row"),
        (item(files=[""]), "files.manifest_row"),
        (item(files="a.pdf"), "files.manifest_row"),
        (item(fields=[]), "files.manifest_row"),
        (item(fields={"Name": 1}), "files.manifest_row"),
        (item(material=""), "files.manifest_row"),
        (item(issuer_name=1), "files.manifest_row"),
        (item(subjects=0), "files.manifest_row"),
        (item(subjects="1"), "files.manifest_row"),
        (item(issued_on="yesterday"), "files.manifest_row"),
        (item(expires_on="2026-13-01"), "files.manifest_row"),
        (item(type="unheard-of"), "materials.unknown_type"),
        (item(files=["a.pdf", "a.pdf"]), "files.manifest_duplicate"),
        ({**JSON, "materials": [JSON["materials"][1]] * 2}, "files.manifest_duplicate"),
    ],
    ids=range(22),
)
def test_bad_documents_are_named(document: object, code: str) -> None:
    with pytest.raises(LedgerError) as caught:
        manifests.read_manifest("list.json", json.dumps(document).encode())
    assert caught.value.code == code
