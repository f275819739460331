"""Documents about materials: what a city needs to find them again, and what a holder carries.

``tongban/material/1``: everything about one material but its leaves' places: record, disclosures, content key, the
leaves' random bytes, the holders' extended public keys. Sealed to the anchoring city in a blob of its own, so that
erasing one material deletes that blob and nothing else: salts, random bytes and key are gone, the proof stands.

``tongban/batch/1``: the manifest that ``Anchored`` names: all entries in their secret order, and for each material its
blob and the places of its leaves. Sealed to the anchoring city.

``tongban/wallet/1``: the holder's own, encrypted under a key from the holder's seed: records, disclosures, leaves with
their random bytes, numbers of accounts. No city can read it.

All are RFC 8785 JSON, read strictly: exactly these members, each of its type, nothing too long.

Raises:
    FormatError: ``materials.document``, ``materials.document_version``; codes of ``canonical`` and ``leaves``.
"""

from __future__ import annotations

import binascii
import re
from base64 import b64decode, b64encode
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from ledger.domain import canonical, envelopes
from ledger.domain.leaves import BLINDING_BYTES, ENTRY_BYTES, Holding
from ledger.domain.limits import LIMITS
from ledger.errors import FormatError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ledger.domain.leaves import Randomness

__all__ = [
    "BATCH_FORMAT",
    "BATCH_LABEL",
    "MATERIAL_FORMAT",
    "MATERIAL_LABEL",
    "WALLET_FORMAT",
    "BatchManifest",
    "BatchMaterial",
    "MaterialDocument",
    "SubjectAccount",
    "Wallet",
    "WalletLeaf",
    "WalletMaterial",
    "decode_batch",
    "decode_material",
    "decode_wallet",
    "encode_batch",
    "encode_material",
    "encode_wallet",
    "open_wallet",
    "seal_wallet",
]

MATERIAL_FORMAT = "tongban/material/1"
BATCH_FORMAT = "tongban/batch/1"
WALLET_FORMAT = "tongban/wallet/1"
# Labels of the boxes that material documents and batch manifests are sealed in.
MATERIAL_LABEL = "material"
BATCH_LABEL = "batch"

_CID = re.compile(r"b[a-z2-7]{58}")
_CONTRACT = re.compile(r"0x[0-9a-f]{40}")
_NAME = re.compile(r"[0-9A-Za-z_-]{1,64}")


@dataclass(frozen=True, slots=True)
class SubjectAccount:
    """One data subject's side: who keeps the keys, the account's extended public key, the first leaf taken from it."""

    holding: Holding
    account: str
    start: int


@dataclass(frozen=True, slots=True)
class MaterialDocument:
    """One material in the anchoring city's keeping.

    ``material`` and ``applicant`` are random references; ``key`` encrypts the content of every file; ``blindings[s][k]``
    belongs to data subject *s*'s *k*-th leaf of this batch.
    """

    material: str
    applicant: str
    record: bytes
    disclosures: tuple[str, ...]
    key: bytes = field(repr=False)
    blindings: tuple[tuple[bytes, ...], ...] = field(repr=False)
    subjects: tuple[SubjectAccount, ...]


@dataclass(frozen=True, slots=True)
class BatchMaterial:
    """Where one material of a batch is: the CID of its sealed document, and ``leaves[s][k]``, its leaves' indices.

    Its random name and its type stand here too: they are what is left once the document has been destroyed.
    """

    material: str
    type_code: str
    blob: str
    leaves: tuple[tuple[int, ...], ...]


@dataclass(frozen=True, slots=True)
class BatchManifest:
    """A batch as its member knows it; entries in the order of the tree, dummies among them."""

    member: int
    entries: tuple[bytes, ...]
    materials: tuple[BatchMaterial, ...]


@dataclass(frozen=True, slots=True)
class WalletLeaf:
    """One leaf of the holder's: which, its random bytes, the key's place in the account, whether it is spent."""

    contract: str
    leaf: int
    step: int
    spent: bool
    blinding: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class WalletMaterial:
    """One material of the holder's; ``account`` is the number of its hardened account, ``subject`` whose it is."""

    account: int
    subject: int
    record: bytes
    disclosures: tuple[str, ...] = field(repr=False)
    leaves: tuple[WalletLeaf, ...]


@dataclass(frozen=True, slots=True)
class Wallet:
    """A holder's wallet in one version; ``cases`` maps a case (hex) to the number of its hardened account."""

    version: int
    materials: tuple[WalletMaterial, ...]
    cases: tuple[tuple[str, int], ...] = ()


# ---- writing --------------------------------------------------------------------------------------------------------


def encode_material(document: MaterialDocument) -> bytes:
    """Write a material's document; to be sealed in a box labelled ``MATERIAL_LABEL``."""
    return canonical.encode(
        {
            "applicant": document.applicant,
            "blindings": [_b64(b"".join(group)) for group in document.blindings],
            "disclosures": list(document.disclosures),
            "format": MATERIAL_FORMAT,
            "key": _b64(document.key),
            "material": document.material,
            "record": _b64(document.record),
            "subjects": [
                {"account": each.account, "holding": int(each.holding), "start": each.start}
                for each in document.subjects
            ],
        }
    )


def encode_batch(manifest: BatchManifest) -> bytes:
    """Write a batch manifest; to be sealed in a box labelled ``BATCH_LABEL``."""
    return canonical.encode(
        {
            "entries": _b64(b"".join(manifest.entries)),
            "format": BATCH_FORMAT,
            "materials": [
                {
                    "blob": each.blob,
                    "leaves": [list(group) for group in each.leaves],
                    "material": each.material,
                    "type_code": each.type_code,
                }
                for each in manifest.materials
            ],
            "member": manifest.member,
        }
    )


def encode_wallet(wallet: Wallet) -> bytes:
    """Write a wallet; see :func:`seal_wallet`."""
    return canonical.encode(
        {
            "cases": dict(wallet.cases),
            "format": WALLET_FORMAT,
            "materials": [
                {
                    "account": each.account,
                    "disclosures": list(each.disclosures),
                    "leaves": [
                        {
                            "blinding": leaf.blinding.hex(),
                            "contract": leaf.contract,
                            "leaf": _leaf_text(leaf.leaf),
                            "spent": leaf.spent,
                            "step": leaf.step,
                        }
                        for leaf in each.leaves
                    ],
                    "record": _b64(each.record),
                    "subject": each.subject,
                }
                for each in wallet.materials
            ],
            "version": wallet.version,
        }
    )


def seal_wallet(wallet: Wallet, key: bytes, rand: Randomness) -> bytes:
    """Encrypt a wallet under its version's own key (``holders.wallet_content_key``); the result is one envelope."""
    return b"".join(envelopes.encrypt([encode_wallet(wallet)], key, rand, context=WALLET_FORMAT.encode()))


# ---- reading --------------------------------------------------------------------------------------------------------


def decode_material(data: bytes) -> MaterialDocument:
    """Read a material's document."""
    document = _document(
        data,
        MATERIAL_FORMAT,
        {"applicant", "blindings", "disclosures", "key", "material", "record", "subjects"},
        LIMITS.json_bytes,
    )
    subjects = tuple(_subject(each) for each in _list(document["subjects"]))
    # A draft has none yet: they are made when its batch is.
    blindings = tuple(_split(_unb64(each), BLINDING_BYTES) if each else () for each in _list(document["blindings"]))
    key = _unb64(document["key"])
    if len(key) != envelopes.KEY_BYTES or len(blindings) != len(subjects) or (any(blindings) and not all(blindings)):
        raise FormatError("materials.document")
    return MaterialDocument(
        _matching(document["material"], _NAME),
        _matching(document["applicant"], _NAME),
        _unb64(document["record"]),
        tuple(_text(each) for each in _list(document["disclosures"])),
        key,
        blindings,
        subjects,
    )


def decode_batch(data: bytes) -> BatchManifest:
    """Read a batch manifest; no two materials share a leaf, and each leaf is one of its entries."""
    document = _document(data, BATCH_FORMAT, {"entries", "materials", "member"}, LIMITS.batch_manifest_bytes)
    entries = _split(_unb64(document["entries"]), ENTRY_BYTES)
    materials = tuple(_batch_material(each) for each in _list(document["materials"]))
    taken = [index for each in materials for group in each.leaves for index in group]
    if len(set(taken)) != len(taken) or any(index >= len(entries) for index in taken):
        raise FormatError("materials.document")
    return BatchManifest(_number(document["member"]), entries, materials)


def decode_wallet(data: bytes) -> Wallet:
    """Read an opened wallet."""
    document = _document(data, WALLET_FORMAT, {"cases", "materials", "version"}, LIMITS.json_bytes)
    cases = document["cases"]
    if not isinstance(cases, dict):
        raise FormatError("materials.document")
    return Wallet(
        _number(document["version"]),
        tuple(_wallet_material(each) for each in _list(document["materials"])),
        tuple((case, _number(account)) for case, account in cases.items()),
    )


def open_wallet(sealed: Iterable[bytes], key: bytes) -> Wallet:
    """Decrypt and read a wallet.

    Raises:
        InputError: ``envelopes.wrong_key`` for another seed or version.
        FormatError, IntegrityError: as :func:`ledger.domain.envelopes.decrypt` and the module.
    """
    held = bytearray()
    for piece in envelopes.decrypt(sealed, key, context=WALLET_FORMAT.encode()):
        held += piece
        if len(held) > LIMITS.json_bytes:
            raise FormatError("canonical.too_long", size=len(held), limit=LIMITS.json_bytes)
    return decode_wallet(bytes(held))


def _subject(value: canonical.JsonValue) -> SubjectAccount:
    item = _object(value, {"account", "holding", "start"})
    holding = _number(item["holding"])
    if holding not in (Holding.SELF_HELD, Holding.CUSTODY):
        raise FormatError("materials.document")
    return SubjectAccount(Holding(holding), _text(item["account"]), _number(item["start"]))


def _batch_material(value: canonical.JsonValue) -> BatchMaterial:
    item = _object(value, {"blob", "leaves", "material", "type_code"})
    groups = tuple(tuple(_number(index) for index in _list(group)) for group in _list(item["leaves"]))
    if not groups or not all(groups):
        raise FormatError("materials.document")
    material, type_code = (_matching(item[name], _NAME) for name in ("material", "type_code"))
    return BatchMaterial(material, type_code, _matching(item["blob"], _CID), groups)


def _wallet_material(value: canonical.JsonValue) -> WalletMaterial:
    item = _object(value, {"account", "disclosures", "leaves", "record", "subject"})
    return WalletMaterial(
        _number(item["account"]),
        _number(item["subject"]),
        _unb64(item["record"]),
        tuple(_text(each) for each in _list(item["disclosures"])),
        tuple(_wallet_leaf(each) for each in _list(item["leaves"])),
    )


def _wallet_leaf(value: canonical.JsonValue) -> WalletLeaf:
    item = _object(value, {"blinding", "contract", "leaf", "spent", "step"})
    spent = item["spent"]
    if not isinstance(spent, bool):
        raise FormatError("materials.document")
    blinding = _matching(item["blinding"], re.compile(r"[0-9a-f]{64}"))
    return WalletLeaf(
        _matching(item["contract"], _CONTRACT),
        _leaf(_text(item["leaf"])),
        _number(item["step"]),
        spent,
        bytes.fromhex(blinding),
    )


def _leaf_text(leaf: int) -> str:
    # Batch and index: the packed number is wider than JSON's integers.
    return f"{leaf >> 32}:{leaf & 0xFFFFFFFF}"


def _leaf(text: str) -> int:
    match = re.fullmatch(r"(0|[1-9][0-9]{0,18}):(0|[1-9][0-9]{0,9})", text)
    if not match or int(match[2]) >> 32:
        raise FormatError("materials.document")
    return int(match[1]) << 32 | int(match[2])


def _document(data: bytes, expected: str, members: set[str], limit: int) -> canonical.JsonObject:
    document = canonical.decode_object(data, limit=limit)
    if document.get("format") != expected:
        raise FormatError("materials.document_version", expected=expected)
    _object(document, members | {"format"})
    return document


def _object(value: canonical.JsonValue, members: set[str]) -> canonical.JsonObject:
    if not isinstance(value, dict) or set(value) != members:
        raise FormatError("materials.document")
    return value


def _list(value: canonical.JsonValue) -> list[canonical.JsonValue]:
    if not isinstance(value, list):
        raise FormatError("materials.document")
    return value


def _text(value: canonical.JsonValue) -> str:
    if not isinstance(value, str):
        raise FormatError("materials.document")
    return value


def _matching(value: canonical.JsonValue, pattern: re.Pattern[str]) -> str:
    text = _text(value)
    if not pattern.fullmatch(text):
        raise FormatError("materials.document")
    return text


def _number(value: canonical.JsonValue) -> int:
    if type(value) is not int or value < 0:
        raise FormatError("materials.document")
    return value


def _b64(data: bytes) -> str:
    return b64encode(data).decode("ascii")


def _unb64(value: canonical.JsonValue) -> bytes:
    try:
        data = b64decode(_text(value), validate=True)
    except (binascii.Error, ValueError):
        raise FormatError("materials.document") from None
    if _b64(data) != value:
        raise FormatError("materials.document")
    return data


def _split(data: bytes, size: int) -> tuple[bytes, ...]:
    if len(data) % size or not data:
        raise FormatError("materials.document")
    return tuple(data[at : at + size] for at in range(0, len(data), size))
