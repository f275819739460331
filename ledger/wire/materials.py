"""Documents about materials: what a city needs to find them again. What a holder carries is in ``wire.wallets``.

``tongban/material/1``: everything about one material but its leaves' places: record, disclosures, content key, the
leaves' random bytes, the holders' extended public keys. Sealed to the anchoring city in a blob of its own, so that
erasing one material deletes that blob and nothing else: salts, random bytes and key are gone, the proof stands.

``tongban/batch/1``: the manifest that ``Anchored`` names: all entries in their secret order, and for each material its
blob and the places of its leaves. Sealed to the anchoring city.

Both are RFC 8785 JSON, read strictly: exactly these members, each of its type, nothing too long.

Raises:
    FormatError: ``materials.document``, ``materials.document_version``; codes of ``canonical`` and ``leaves``.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from ledger.domain import canonical, envelopes
from ledger.domain.leaves import BLINDING_BYTES, ENTRY_BYTES, Holding
from ledger.domain.limits import LIMITS
from ledger.errors import FormatError, InputError
from ledger.wire.strict import Strict, base64_text

__all__ = [
    "BATCH_FORMAT",
    "BATCH_LABEL",
    "MATERIAL_FORMAT",
    "MATERIAL_LABEL",
    "BatchManifest",
    "BatchMaterial",
    "MaterialDocument",
    "SubjectAccount",
    "decode_batch",
    "decode_material",
    "encode_batch",
    "encode_material",
]

MATERIAL_FORMAT = "tongban/material/1"
BATCH_FORMAT = "tongban/batch/1"
# Labels of the boxes that material documents and batch manifests are sealed in.
MATERIAL_LABEL = "material"
BATCH_LABEL = "batch"

_CID = re.compile(r"b[a-z2-7]{58}")
_NAME = re.compile(r"[0-9A-Za-z_-]{1,64}")
_strict = Strict("materials.document")
_object, _list, _text, _matching = _strict.fields, _strict.items, _strict.text, _strict.matching
_number, _unb64 = _strict.number, _strict.base64


@dataclass(frozen=True, slots=True)
class SubjectAccount:
    """One data subject's side: who keeps the keys, the account's extended public key, the first leaf taken from it.

    For keys in custody of the anchoring city, ``person`` is the random reference of whoever was enrolled there and
    ``number`` the account's number in that person's seed, so that the city finds the key of each leaf. What a holder keeps
    alone has neither: the number is in the holder's wallet.

    Raises:
        InputError: ``materials.account``.
    """

    holding: Holding
    account: str
    start: int
    person: str = ""
    number: int = 0

    def __post_init__(self) -> None:
        """Refuse a custody of nobody's, and a person where nobody needs one."""
        if (self.holding is Holding.CUSTODY) != bool(_NAME.fullmatch(self.person)) or (not self.person and self.number):
            raise InputError("materials.account")


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


# ---- writing --------------------------------------------------------------------------------------------------------


def encode_material(document: MaterialDocument) -> bytes:
    """Write a material's document; to be sealed in a box labelled ``MATERIAL_LABEL``."""
    return canonical.encode(
        {
            "applicant": document.applicant,
            "blindings": [base64_text(b"".join(group)) for group in document.blindings],
            "disclosures": list(document.disclosures),
            "format": MATERIAL_FORMAT,
            "key": base64_text(document.key),
            "material": document.material,
            "record": base64_text(document.record),
            "subjects": [
                {
                    "account": each.account,
                    "holding": int(each.holding),
                    "number": each.number,
                    "person": each.person,
                    "start": each.start,
                }
                for each in document.subjects
            ],
        }
    )


def encode_batch(manifest: BatchManifest) -> bytes:
    """Write a batch manifest; to be sealed in a box labelled ``BATCH_LABEL``."""
    return canonical.encode(
        {
            "entries": base64_text(b"".join(manifest.entries)),
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


def _subject(value: canonical.JsonValue) -> SubjectAccount:
    item = _object(value, {"account", "holding", "number", "person", "start"})
    holding = _number(item["holding"])
    if holding not in (Holding.SELF_HELD, Holding.CUSTODY):
        raise FormatError("materials.document")
    account, person = _text(item["account"]), _text(item["person"])
    try:
        return SubjectAccount(Holding(holding), account, _number(item["start"]), person, _number(item["number"]))
    except InputError:
        raise FormatError("materials.document") from None


def _batch_material(value: canonical.JsonValue) -> BatchMaterial:
    item = _object(value, {"blob", "leaves", "material", "type_code"})
    groups = tuple(tuple(_number(index) for index in _list(group)) for group in _list(item["leaves"]))
    if not groups or not all(groups):
        raise FormatError("materials.document")
    material, type_code = (_matching(item[name], _NAME) for name in ("material", "type_code"))
    return BatchMaterial(material, type_code, _matching(item["blob"], _CID), groups)


def _document(data: bytes, expected: str, members: set[str], limit: int) -> canonical.JsonObject:
    document = canonical.decode_object(data, limit=limit)
    if document.get("format") != expected:
        raise FormatError("materials.document_version", expected=expected)
    _object(document, members | {"format"})
    return document


def _split(data: bytes, size: int) -> tuple[bytes, ...]:
    if len(data) % size or not data:
        raise FormatError("materials.document")
    return tuple(data[at : at + size] for at in range(0, len(data), size))
