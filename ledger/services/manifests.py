"""Manifests: which files make up which material, and what their papers state, as CSV or JSON.

CSV has one row for each file. ``material`` and ``file`` stand in every row; the first row of a material carries the rest
(``type``, ``issuer_code``, ``issuer_name``, ``issued_on``, ``expires_on``, ``subjects``, and what the paper states in
columns called ``field.NAME``), further rows of the same material add files. JSON is the same as an object with
``format`` and ``materials``, each with ``files`` and ``fields``.

A file that was saved with its heading missing has people's data where columns should be: errors give numbers of rows and
columns and repeat nothing.

Raises:
    FormatError: codes ``files.manifest_…``.
"""

from __future__ import annotations

import csv
import io
import re
from dataclasses import dataclass, replace
from datetime import date
from typing import TYPE_CHECKING

from ledger.domain import canonical
from ledger.domain.limits import LIMITS
from ledger.domain.materials import material_type
from ledger.errors import FormatError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

__all__ = ["FORMAT", "ManifestMaterial", "read_manifest"]

FORMAT = "tongban/manifest/1"
_COLUMNS = ("material", "file", "type", "issuer_code", "issuer_name", "issued_on", "expires_on", "subjects")
_FIELD = re.compile(r"field\.([a-z][a-z0-9_]{0,62})")
_MEMBERS = frozenset(
    {"material", "files", "type", "issuer_code", "issuer_name", "issued_on", "expires_on", "subjects", "fields"}
)


@dataclass(frozen=True, slots=True)
class ManifestMaterial:
    """One material as the manifest describes it; ``row`` is where its description begins, for messages."""

    key: str
    type_code: str
    files: tuple[str, ...]
    fields: Mapping[str, canonical.JsonValue]
    issuer_code: str
    issuer_name: str
    issued_on: date | None
    expires_on: date | None
    subjects: int
    row: int


def read_manifest(name: str, data: bytes) -> tuple[ManifestMaterial, ...]:
    """Read a manifest whole, or refuse it whole.

    Args:
        name: the file's name, whose extension (``.csv``, ``.json``) says how to read it.
        data: its bytes, UTF-8 with or without a byte-order mark.

    Raises:
        FormatError: ``files.manifest_kind``, ``files.manifest_too_long``, ``files.manifest_utf8``,
            ``files.manifest_column``, ``files.manifest_missing_column``, ``files.manifest_row``,
            ``files.manifest_duplicate``, ``files.manifest_empty``, ``files.manifest_version``; codes of ``canonical``.
        InputError: ``materials.unknown_type``.
    """
    if len(data) > LIMITS.manifest_bytes:
        raise FormatError("files.manifest_too_long", size=len(data), limit=LIMITS.manifest_bytes)
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise FormatError("files.manifest_utf8", position=error.start) from None
    lowered = name.lower()
    if lowered.endswith(".csv"):
        found = _from_csv(text)
    elif lowered.endswith(".json"):
        found = _from_json(text)
    else:
        raise FormatError("files.manifest_kind")
    if not found:
        raise FormatError("files.manifest_empty")
    _require_distinct_files(found)
    return tuple(found)


def _require_distinct_files(materials: Sequence[ManifestMaterial]) -> None:
    seen: set[str] = set()
    for material in materials:
        for file in material.files:
            if file in seen:
                raise FormatError("files.manifest_duplicate", row=material.row)
            seen.add(file)


def _from_csv(text: str) -> list[ManifestMaterial]:
    rows = _rows(text)
    if not rows:
        raise FormatError("files.manifest_empty")
    _, header = rows[0]
    columns = _columns(header)
    found: dict[str, ManifestMaterial] = {}
    seen: dict[tuple[str, ...], int] = {}
    for number, cells in rows[1:]:
        if len(cells) != len(columns):
            raise FormatError("files.manifest_row", row=number, column=min(len(cells), len(columns)) + 1)
        if tuple(cells) in seen:
            raise FormatError("files.manifest_duplicate", row=number)
        seen[tuple(cells)] = number
        row = {column: cell.strip() for column, cell in zip(columns, cells, strict=True)}
        known = found.get(row["material"])
        found[row["material"]] = _add_file(known, row, number, columns) if known else _first_row(row, number, columns)
    return list(found.values())


def _rows(text: str) -> list[tuple[int, list[str]]]:
    """Read the rows that hold anything, with the numbers of their lines."""
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    rows: list[tuple[int, list[str]]] = []
    try:
        for cells in reader:
            if any(cell.strip() for cell in cells):
                rows.append((reader.line_num, cells))
            if len(rows) > LIMITS.manifest_rows:
                raise FormatError("files.manifest_rows", limit=LIMITS.manifest_rows)
    except csv.Error:
        raise FormatError("files.manifest_row", row=reader.line_num, column=0) from None
    return rows


def _columns(header: list[str]) -> list[str]:
    columns = [cell.strip() for cell in header]
    for number, column in enumerate(columns, 1):
        if column not in _COLUMNS and not _FIELD.fullmatch(column):
            raise FormatError("files.manifest_column", column=number, known=", ".join(_COLUMNS))
        if columns.index(column) != number - 1:
            raise FormatError("files.manifest_column", column=number, known=", ".join(_COLUMNS))
    for needed in _COLUMNS[:3]:
        if needed not in columns:
            raise FormatError("files.manifest_missing_column", name=needed)
    return columns


def _add_file(known: ManifestMaterial, row: dict[str, str], number: int, columns: list[str]) -> ManifestMaterial:
    """Add a further row's file; whatever else the row states would have two values."""
    for column, cell in row.items():
        if column not in {"material", "file"} and cell:
            raise FormatError("files.manifest_row", row=number, column=columns.index(column) + 1)
    if not row["file"]:
        raise FormatError("files.manifest_row", row=number, column=columns.index("file") + 1)
    if row["file"] in known.files:
        raise FormatError("files.manifest_duplicate", row=number)
    return replace(known, files=(*known.files, row["file"]))


def _first_row(row: dict[str, str], number: int, columns: list[str]) -> ManifestMaterial:
    def place(column: str) -> int:
        return columns.index(column) + 1

    for needed in ("material", "file"):
        if not row[needed]:
            raise FormatError("files.manifest_row", row=number, column=place(needed))
    kind = material_type(row["type"])
    fields: dict[str, canonical.JsonValue] = {}
    for column, cell in row.items():
        match = _FIELD.fullmatch(column)
        if match and cell:
            fields[match[1]] = cell
    subjects = row.get("subjects", "")
    if subjects and not (
        subjects.isascii() and subjects.isdigit() and 1 <= int(subjects[:3]) <= LIMITS.record_subjects
    ):
        raise FormatError("files.manifest_row", row=number, column=place("subjects"))
    days = {}
    for column in ("issued_on", "expires_on"):
        days[column] = _date(row.get(column, ""))
        if row.get(column) and days[column] is None:
            raise FormatError("files.manifest_row", row=number, column=place(column))
    return ManifestMaterial(
        row["material"], kind.code, (row["file"],), fields, row.get("issuer_code", ""), row.get("issuer_name", ""),
        days["issued_on"], days["expires_on"], int(subjects) if subjects else kind.subjects, number,
    )  # fmt: skip


def _date(text: str) -> date | None:
    try:
        return date.fromisoformat(text) if len(text) == 10 else None
    except ValueError:
        return None


def _from_json(text: str) -> list[ManifestMaterial]:
    document = canonical.parse(text.encode(), limit=LIMITS.manifest_bytes)
    if not isinstance(document, dict) or document.get("format") != FORMAT:
        raise FormatError("files.manifest_version", expected=FORMAT)
    listed = document.get("materials")
    if set(document) != {"format", "materials"} or not isinstance(listed, list):
        raise FormatError("files.manifest_row", row=0, column=0)
    if len(listed) > LIMITS.manifest_rows:
        raise FormatError("files.manifest_rows", limit=LIMITS.manifest_rows)
    found: dict[str, ManifestMaterial] = {}
    for number, item in enumerate(listed, 1):
        material = _from_item(item, number)
        if material.key in found:
            raise FormatError("files.manifest_duplicate", row=number)
        found[material.key] = material
    return list(found.values())


def _from_item(item: canonical.JsonValue, number: int) -> ManifestMaterial:
    if not isinstance(item, dict) or not {"material", "files", "type"} <= set(item) or not set(item) <= _MEMBERS:
        raise FormatError("files.manifest_row", row=number, column=0)
    files, fields, subjects = item["files"], item.get("fields", {}), item.get("subjects")
    texts = {name: item.get(name, "") for name in _MEMBERS - {"files", "fields", "subjects"}}
    if (
        not isinstance(files, list)
        or not files
        or not all(isinstance(file, str) and file for file in files)
        or not isinstance(fields, dict)
        or not all(_FIELD.fullmatch(f"field.{name}") for name in fields)
        or not all(isinstance(text, str) for text in texts.values())
        or not texts["material"]
        or (subjects is not None and (type(subjects) is not int or not 1 <= subjects <= LIMITS.record_subjects))
    ):
        raise FormatError("files.manifest_row", row=number, column=0)
    plain = {name: str(text) for name, text in texts.items()}
    issued, expires = _date(plain["issued_on"]), _date(plain["expires_on"])
    if (plain["issued_on"] and issued is None) or (plain["expires_on"] and expires is None):
        raise FormatError("files.manifest_row", row=number, column=0)
    kind = material_type(plain["type"])
    return ManifestMaterial(
        plain["material"], kind.code, tuple(str(file) for file in files), fields, plain["issuer_code"],
        plain["issuer_name"], issued, expires, subjects if isinstance(subjects, int) else kind.subjects, number,
    )  # fmt: skip
