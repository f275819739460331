"""Receipts: one document that proves, to anybody and offline, what was anchored, by whom, when, and that it still counts.

A receipt carries the record with the disclosures its bearer chooses, what binds them to one leaf (random bytes, entry,
path in the batch), and the log's entries it relies on, each with its path under one shared checkpoint that the cities
cosigned. Where it shows a use, it carries the consent with all terms and signatures, and the entries that recorded the
grant and the use; where a statute made the city look, the provision's text and the entry of the use. Nothing in it is trusted before :mod:`ledger.wire.verification` has checked it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from ledger.domain import canonical
from ledger.domain.leaves import leaf_text
from ledger.domain.limits import LIMITS
from ledger.domain.status import AbsenceProof
from ledger.errors import FormatError
from ledger.wire.consents import Disclosed, read_disclosed
from ledger.wire.grants import GrantedConsent, granted_from
from ledger.wire.proofs import absence_from_json, absence_to_json, path_from_json, path_to_json
from ledger.wire.strict import Strict, base64_text

__all__ = [
    "ENGINES",
    "FORMAT",
    "NETWORK",
    "SINGLE_SEQUENCER",
    "LoggedEntry",
    "Receipt",
    "ShownDuty",
    "ShownUse",
    "encode_receipt",
    "read_receipt",
]

FORMAT = "tongban/receipt/1"
# What orders the chain: one engine that all cities read, or validators who agree.
SINGLE_SEQUENCER = "single-sequencer"
NETWORK = "network"
ENGINES = frozenset({SINGLE_SEQUENCER, NETWORK})

_MEMBERS = {
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
_INDEX = re.compile(r"0|[1-9][0-9]{0,18}")
_READ = Strict("receipts.malformed")


@dataclass(frozen=True, slots=True)
class LoggedEntry:
    """An entry of the log, its index, and its path to the checkpoint's root."""

    index: int
    entry: bytes
    path: tuple[bytes, ...]


@dataclass(frozen=True, slots=True)
class ShownUse:
    """A use of the leaf: the consent as it was signed, and the entries of its recording and of the use."""

    consent: GrantedConsent
    granted: LoggedEntry
    used: LoggedEntry


@dataclass(frozen=True, slots=True)
class ShownDuty:
    """A use of the leaf under a statutory duty: the provision, the fields it let be seen, and the entry of the use."""

    provision: str
    disclosed: Disclosed
    used: LoggedEntry


@dataclass(frozen=True, slots=True, kw_only=True)
class Receipt:
    """A receipt for one leaf.

    ``engine`` is ``single-sequencer`` where all cities read one embedded engine, else ``network``: what the issuing city
    says of it. ``status`` is the newest status entry, which also says how far the network's clock stands from the real
    one; ``absence`` is the proof that the leaf is not among what it lists as revoked. Of ``use`` and ``duty`` there is one at
    most.
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
    use: ShownUse | None = None
    duty: ShownDuty | None = None


def encode_receipt(receipt: Receipt) -> bytes:
    """Write a receipt."""
    body: canonical.JsonObject = {
        "absence": absence_to_json(receipt.absence),
        "anchored": _entry_to_json(receipt.anchored),
        "blinding": receipt.blinding.hex(),
        "checkpoint": receipt.checkpoint.decode(),
        "disclosures": list(receipt.disclosures),
        "engine": receipt.engine,
        "entry": receipt.entry.hex(),
        "format": FORMAT,
        "leaf": leaf_text(receipt.leaf),
        "path": path_to_json(receipt.path),
        "record": base64_text(receipt.record),
        "status": _entry_to_json(receipt.status),
    }
    if receipt.use is not None:
        body["use"] = {
            "consent": receipt.use.consent.document(),
            "granted": _entry_to_json(receipt.use.granted),
            "used": _entry_to_json(receipt.use.used),
        }
    if receipt.duty is not None:
        body["duty"] = {
            "disclosed": base64_text(receipt.duty.disclosed.encode()),
            "provision": receipt.duty.provision,
            "used": _entry_to_json(receipt.duty.used),
        }
    return canonical.encode(body)


def read_receipt(data: bytes) -> Receipt:
    """Read a receipt strictly: what is read is written again as the same bytes. Nothing of it is verified here.

    Raises:
        FormatError: ``receipts.too_long``, ``receipts.version``, ``receipts.engine``, ``receipts.malformed``; codes of
            canonical JSON, of proofs and of consents.
    """
    if len(data) > LIMITS.receipt_bytes:
        raise FormatError("receipts.too_long", size=len(data), limit=LIMITS.receipt_bytes)
    value = canonical.decode(data, limit=LIMITS.receipt_bytes)
    if not isinstance(value, dict):
        raise _READ.wrong()
    if value.get("format") != FORMAT:
        raise FormatError("receipts.version")
    shown = {"use", "duty"} & set(value)
    body = _READ.fields(value, _MEMBERS | shown)
    if len(shown) > 1:
        raise _READ.wrong()
    disclosures = _READ.items(body["disclosures"])
    if len(disclosures) > LIMITS.record_fields:
        raise _READ.wrong()
    engine = _READ.text(body["engine"])
    if engine not in ENGINES:
        raise FormatError("receipts.engine")
    receipt = Receipt(
        engine=engine,
        record=_READ.base64(body["record"]),
        disclosures=tuple(_READ.text(item) for item in disclosures),
        leaf=_READ.leaf(body["leaf"]),
        entry=_READ.hex(body["entry"]),
        blinding=_READ.hex(body["blinding"]),
        path=path_from_json(body["path"]),
        anchored=_entry_from_json(body["anchored"]),
        status=_entry_from_json(body["status"]),
        absence=absence_from_json(body["absence"]),
        checkpoint=_READ.text(body["checkpoint"]).encode(),
        use=_use_from_json(body["use"]) if "use" in body else None,
        duty=_duty_from_json(body["duty"]) if "duty" in body else None,
    )
    if encode_receipt(receipt) != data:
        raise _READ.wrong()
    return receipt


def _entry_to_json(logged: LoggedEntry) -> canonical.JsonValue:
    return {"entry": base64_text(logged.entry), "index": str(logged.index), "path": path_to_json(logged.path)}


def _entry_from_json(value: canonical.JsonValue) -> LoggedEntry:
    body = _READ.fields(value, {"entry", "index", "path"})
    index = int(_READ.matching(body["index"], _INDEX))
    if index.bit_length() > 63:
        raise _READ.wrong()
    return LoggedEntry(index, _READ.base64(body["entry"]), path_from_json(body["path"]))


def _use_from_json(value: canonical.JsonValue) -> ShownUse:
    body = _READ.fields(value, {"consent", "granted", "used"})
    return ShownUse(granted_from(body["consent"]), _entry_from_json(body["granted"]), _entry_from_json(body["used"]))


def _duty_from_json(value: canonical.JsonValue) -> ShownDuty:
    body = _READ.fields(value, {"disclosed", "provision", "used"})
    provision = _READ.text(body["provision"])
    if not 0 < len(provision.encode()) <= LIMITS.provision_bytes:
        raise _READ.wrong()
    return ShownDuty(provision, read_disclosed(_READ.base64(body["disclosed"])), _entry_from_json(body["used"]))
