"""What a custodian releases under a recorded use, sealed to the grantee.

For each leaf of the use: the record, the disclosures that the consent lets be seen, what binds both to the leaf on the
chain, and the content keys of the files among them. The grantee checks all of it against its own picture before it
shows anything; the custodian's word is not needed.
"""

from __future__ import annotations

from base64 import b64decode, b64encode
from dataclasses import dataclass

from ledger.domain import canonical
from ledger.domain.leaves import leaf_text, read_leaf
from ledger.errors import FormatError, InputError

__all__ = ["FORMAT", "ReleasedLeaf", "decode_release", "encode_release"]

FORMAT = "tongban/release/1"


@dataclass(frozen=True, slots=True)
class ReleasedLeaf:
    """One leaf's share: ``content_keys`` maps a file's blob (CID) to the 32-byte key of its envelope."""

    leaf: int
    entry: bytes
    blinding: bytes
    proof: tuple[bytes, ...]
    record: bytes
    disclosures: tuple[str, ...]
    content_keys: tuple[tuple[str, bytes], ...]


def encode_release(use: int, leaves: tuple[ReleasedLeaf, ...]) -> bytes:
    """Write the document that is then sealed to the grantee."""
    listed: list[canonical.JsonValue] = [
        {
            "blinding": item.blinding.hex(),
            "content_keys": {cid: key.hex() for cid, key in item.content_keys},
            "disclosures": list(item.disclosures),
            "entry": item.entry.hex(),
            "leaf": leaf_text(item.leaf),
            "proof": [step.hex() for step in item.proof],
            "record": b64encode(item.record).decode(),
        }
        for item in leaves
    ]
    return canonical.encode({"format": FORMAT, "leaves": listed, "use": str(use)})


def decode_release(document: bytes) -> tuple[int, tuple[ReleasedLeaf, ...]]:
    """Read an opened release strictly; return the use's number and the leaves.

    Raises:
        FormatError: ``releases.malformed``, and the codes of canonical JSON.
    """
    value = canonical.decode(document)
    if not isinstance(value, dict) or value.get("format") != FORMAT:
        raise FormatError("releases.malformed")
    listed = value.get("leaves")
    if not isinstance(listed, list):
        raise FormatError("releases.malformed")
    try:
        return int(_text(value["use"])), tuple(_leaf(item) for item in listed)
    except (ValueError, KeyError, TypeError, InputError):
        raise FormatError("releases.malformed") from None


def _leaf(item: canonical.JsonValue) -> ReleasedLeaf:
    if not isinstance(item, dict):
        raise FormatError("releases.malformed")
    keys = item["content_keys"]
    if not isinstance(keys, dict):
        raise FormatError("releases.malformed")
    return ReleasedLeaf(
        leaf=read_leaf(_text(item["leaf"])),
        entry=bytes.fromhex(_text(item["entry"])),
        blinding=bytes.fromhex(_text(item["blinding"])),
        proof=tuple(bytes.fromhex(step) for step in _texts(item["proof"])),
        record=b64decode(_text(item["record"]), validate=True),
        disclosures=tuple(_texts(item["disclosures"])),
        content_keys=tuple((cid, bytes.fromhex(_text(key))) for cid, key in keys.items()),
    )


def _text(value: canonical.JsonValue) -> str:
    if not isinstance(value, str):
        raise FormatError("releases.malformed")
    return value


def _texts(value: canonical.JsonValue) -> list[str]:
    if not isinstance(value, list):
        raise FormatError("releases.malformed")
    return [_text(item) for item in value]
