"""Receipts: one document that proves, to anybody and offline, what was anchored, by whom, when, and that it still counts.

A receipt carries the record with the disclosures its bearer chooses, what binds them to one leaf (random bytes, entry,
path in the batch), and the log's entries it relies on, each with its path under one shared checkpoint that the cities
cosigned. Nothing in it is trusted before :mod:`ledger.wire.verification` has checked it.
"""

from __future__ import annotations

import binascii
from base64 import b64decode, b64encode
from dataclasses import dataclass

from ledger.domain import canonical
from ledger.domain.limits import LIMITS
from ledger.domain.status import AbsenceProof
from ledger.errors import FormatError
from ledger.wire.proofs import absence_from_json, absence_to_json, path_from_json, path_to_json

__all__ = ["FORMAT", "LoggedEntry", "Receipt", "encode_receipt", "read_receipt"]

FORMAT = "tongban/receipt/1"
_MEMBERS = frozenset(
    {
        "absence",
        "anchored",
        "blinding",
        "checkpoint",
        "disclosures",
        "engine",
        "entry",
        "format",
        "leaf",
        "path",
        "record",
        "status",
    }
)


@dataclass(frozen=True, slots=True)
class LoggedEntry:
    """An entry of the log, its index, and its path to the checkpoint's root."""

    index: int
    entry: bytes
    path: tuple[bytes, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Receipt:
    """A receipt for one leaf.

    ``engine`` is ``single-sequencer`` where all cities read one embedded engine, else ``network``. ``status`` is the
    newest status entry, ``absence`` the proof that the leaf is not among what it lists as revoked.
    """

    engine: str
    record: bytes
    disclosures: tuple[str, ...]
    leaf: int
    entry: bytes
    blinding: bytes
    path: tuple[bytes, ...]
    anchored: LoggedEntry
    status: LoggedEntry
    absence: AbsenceProof
    checkpoint: bytes


def encode_receipt(receipt: Receipt) -> bytes:
    """Write a receipt."""
    return canonical.encode(
        {
            "absence": absence_to_json(receipt.absence),
            "anchored": _entry_to_json(receipt.anchored),
            "blinding": receipt.blinding.hex(),
            "checkpoint": receipt.checkpoint.decode(),
            "disclosures": list(receipt.disclosures),
            "engine": receipt.engine,
            "entry": receipt.entry.hex(),
            "format": FORMAT,
            "leaf": f"{receipt.leaf >> 32}:{receipt.leaf & 0xFFFFFFFF}",
            "path": path_to_json(receipt.path),
            "record": b64encode(receipt.record).decode(),
            "status": _entry_to_json(receipt.status),
        }
    )


def read_receipt(data: bytes) -> Receipt:
    """Read a receipt strictly; nothing of it is verified here.

    Raises:
        FormatError: ``receipts.too_long``, ``receipts.version``, ``receipts.malformed``; codes of canonical JSON and of
            proofs.
    """
    if len(data) > LIMITS.receipt_bytes:
        raise FormatError("receipts.too_long", size=len(data), limit=LIMITS.receipt_bytes)
    value = canonical.decode(data, limit=LIMITS.receipt_bytes)
    if not isinstance(value, dict):
        raise FormatError("receipts.malformed")
    if value.get("format") != FORMAT:
        raise FormatError("receipts.version")
    if set(value) != _MEMBERS:
        raise FormatError("receipts.malformed")
    disclosures = value["disclosures"]
    if not isinstance(disclosures, list):
        raise FormatError("receipts.malformed")
    try:
        batch, _, index = _text(value["leaf"]).partition(":")
        return Receipt(
            engine=_text(value["engine"]),
            record=b64decode(_text(value["record"]), validate=True),
            disclosures=tuple(_text(item) for item in disclosures),
            leaf=_number(batch, 64) << 32 | _number(index, 32),
            entry=bytes.fromhex(_text(value["entry"])),
            blinding=bytes.fromhex(_text(value["blinding"])),
            path=path_from_json(value["path"]),
            anchored=_entry_from_json(value["anchored"]),
            status=_entry_from_json(value["status"]),
            absence=absence_from_json(value["absence"]),
            checkpoint=_text(value["checkpoint"]).encode(),
        )
    except (ValueError, binascii.Error):
        raise FormatError("receipts.malformed") from None


def _entry_to_json(logged: LoggedEntry) -> canonical.JsonValue:
    return {
        "entry": b64encode(logged.entry).decode(),
        "index": str(logged.index),
        "path": path_to_json(logged.path),
    }


def _entry_from_json(value: canonical.JsonValue) -> LoggedEntry:
    if not isinstance(value, dict) or set(value) != {"entry", "index", "path"}:
        raise FormatError("receipts.malformed")
    entry = b64decode(_text(value["entry"]), validate=True)
    return LoggedEntry(_number(_text(value["index"]), 63), entry, path_from_json(value["path"]))


def _number(text: str, bits: int) -> int:
    if not (text.isascii() and text.isdecimal()) or len(text) > 20 or (text != "0" and text[0] == "0"):
        raise FormatError("receipts.malformed")
    number = int(text)
    if number.bit_length() > bits:
        raise FormatError("receipts.malformed")
    return number


def _text(value: canonical.JsonValue) -> str:
    if not isinstance(value, str):
        raise FormatError("receipts.malformed")
    return value
