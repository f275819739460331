"""Records: what is anchored of a material, in the form of an RFC 9901 (SD-JWT) payload.

Every statement of the paper is one salted digest in ``_sd``, so that a reader is shown only the fields it needs: the
principle of least necessity, Personal Information Protection Law art. 6. The record itself, which every reader gets,
says who issued, who anchored and how far it was looked at, the type, the reuse policy and the times, and no name.

Salts have 144 random bits. Disclosures are those of RFC 9901, section 4.2: base64url(JSON [salt, name, value]), and the
digest is taken over that text. The record is RFC 8785 JSON; SHA-256 of it is what a leaf commits to.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

import orjson
import pybase64

from ledger.domain import canonical
from ledger.domain.disclosures import disclosure_digests, parse_disclosure
from ledger.domain.leaves import Randomness
from ledger.domain.limits import LIMITS
from ledger.domain.materials import (
    Assurance,
    AssuranceLevel,
    FileFact,
    Issuer,
    MaterialDraft,
    Reuse,
    ReusePolicy,
    SourceChannel,
)
from ledger.errors import FormatError, InputError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

__all__ = [
    "FILE_PREFIX",
    "FORMAT",
    "Record",
    "SealedRecord",
    "files_of",
    "open_fields",
    "read_record",
    "require_disclosed",
    "seal_record",
]

FORMAT = "tongban/record/1"
# The claim under which the n-th file of a material is disclosed, n from 0.
FILE_PREFIX = "file."

_SALT_BYTES = 18
_SALT_CHARS = 24
_DIGEST_CHARS = 43
_NAME = re.compile(r"[a-z][a-z0-9_]{0,62}(?:\.[0-9]{1,3})?")
_HEX_64 = re.compile(r"[0-9a-f]{64}")
_CID = re.compile(r"b[a-z2-7]{58}")
_MEDIA_TYPE = re.compile(r"[a-z]+/[a-z0-9][a-z0-9.+-]{0,100}")
_DIVISION = re.compile(r"[0-9A-Z]{6,12}")
_REQUIRED = frozenset(
    {"_sd", "_sd_alg", "anchor", "assurance", "format", "iat", "iss", "issuer", "reuse", "source", "subjects", "type"}
)
_OPTIONAL = frozenset({"exp", "derived_from"})
_ALLOWED = _REQUIRED | _OPTIONAL
_RESERVED = _ALLOWED | {"...", "sub", "vct", "cnf", "status", "nbf", "aud", "jti"}
_ANCHOR = frozenset({"division", "member"})
_ASSURANCE, _EXAMINED = frozenset({"level"}), frozenset({"at", "role"})
_ISSUER = frozenset({"name", "set"})
_REUSE, _TERMS = frozenset({"policy"}), frozenset({"days", "purpose"})
_TYPE = frozenset({"code", "set"})
_sha256 = hashlib.sha256


@dataclass(frozen=True, slots=True)
class SealedRecord:
    """A record's canonical bytes, its digest, and the disclosures that open its fields, in the order of the draft."""

    record: bytes
    digest: bytes
    disclosures: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Record:
    """A record read back; ``sd`` are the digests of its fields, which only disclosures open."""

    issuer: Issuer
    anchor_member: int
    anchor_division: str
    assurance: Assurance
    type_code: str
    type_set: str
    subjects: tuple[int, ...]
    reuse: ReusePolicy
    issued_at: int
    expires_at: int
    source: SourceChannel
    derived_from: tuple[str, ...]
    sd: frozenset[str]


def seal_record(draft: MaterialDraft, rand: Randomness) -> SealedRecord:
    """Salt every field and file of a draft and write the record.

    Raises:
        InputError: ``records.field_name``, ``records.too_many_fields``, ``records.field_too_long``,
            ``records.file_fact``, ``records.shape`` or ``canonical.unsupported``; nothing of the value is repeated.
    """
    claims = _claims(draft)
    salts = pybase64.urlsafe_b64encode(rand(_SALT_BYTES * len(claims))).decode("ascii")
    disclosures: list[bytes] = []
    at = 0
    for name, value in claims.items():
        array = [salts[at : at + _SALT_CHARS], name, value]
        at += _SALT_CHARS
        if type(value) is str:
            try:
                content = orjson.dumps(array)
            except orjson.JSONEncodeError as error:
                raise InputError("canonical.unsupported") from error
        else:
            content = canonical.encode(array)
        if len(content) > LIMITS.record_field_bytes:
            raise InputError("records.field_too_long", field=name, limit=LIMITS.record_field_bytes)
        disclosures.append(pybase64.urlsafe_b64encode(content).rstrip(b"="))
    record = canonical.encode(_payload(draft, sorted(disclosure_digests(disclosures))))
    return SealedRecord(record, _sha256(record).digest(), tuple([text.decode("ascii") for text in disclosures]))


def _claims(draft: MaterialDraft) -> dict[str, canonical.JsonValue]:
    claims = dict(draft.fields)
    if not _good_names(tuple(claims)):
        raise InputError("records.field_name")
    for number, file in enumerate(draft.files):
        claims[f"{FILE_PREFIX}{number}"] = _file_claim(file)
    if len(claims) > LIMITS.record_fields:
        raise InputError("records.too_many_fields", count=len(claims), limit=LIMITS.record_fields)
    return claims


@lru_cache(maxsize=1024)
def _good_names(names: tuple[str, ...]) -> bool:
    """Say whether fields may be called so; remembered, because papers of one type have the same fields."""
    return not any(name in _RESERVED or name.startswith(FILE_PREFIX) or not _NAME.fullmatch(name) for name in names)


def _file_claim(file: FileFact) -> dict[str, canonical.JsonValue]:
    if not _good_file(file):
        raise InputError("records.file_fact")
    return {
        "blob": file.blob,
        "media_type": file.media_type,
        "sha256": file.sha256,
        "size": file.size,
        "sm3": file.sm3,
    }


def _good_file(file: FileFact) -> bool:
    return bool(
        _MEDIA_TYPE.fullmatch(file.media_type)
        and file.size >= 0
        and _HEX_64.fullmatch(file.sha256)
        and _HEX_64.fullmatch(file.sm3)
        and _CID.fullmatch(file.blob)
    )


def _payload(draft: MaterialDraft, digests: list[str]) -> dict[str, canonical.JsonValue]:
    _require_draft(draft)
    assurance: dict[str, canonical.JsonValue] = {"level": int(draft.assurance.level)}
    if draft.assurance.role:
        assurance |= {"at": draft.assurance.at, "role": draft.assurance.role}
    reuse: dict[str, canonical.JsonValue] = {"policy": draft.reuse.kind.value}
    if draft.reuse.purpose:
        reuse["purpose"] = draft.reuse.purpose
    if draft.reuse.days:
        reuse["days"] = draft.reuse.days
    payload: dict[str, canonical.JsonValue] = {
        "_sd": digests,
        "_sd_alg": "sha-256",
        "anchor": {"division": draft.anchor_division, "member": draft.anchor_member},
        "assurance": assurance,
        "format": FORMAT,
        "iat": draft.issued_at,
        "iss": draft.issuer.code,
        "issuer": {"name": draft.issuer.name, "set": draft.issuer.code_set},
        "reuse": reuse,
        "source": draft.source.value,
        "subjects": list(draft.subjects),
        "type": {"code": draft.type_code, "set": draft.type_set},
    }
    if draft.expires_at:
        payload["exp"] = draft.expires_at
    if draft.derived_from:
        payload["derived_from"] = list(draft.derived_from)
    return payload


def _require_draft(draft: MaterialDraft) -> None:
    subjects = draft.subjects
    if (
        not draft.issuer.code
        or not draft.type_code
        or draft.anchor_member < 0
        or not _DIVISION.fullmatch(draft.anchor_division)
        or subjects != tuple(range(len(subjects)))
        or not 1 <= len(subjects) <= LIMITS.record_subjects
        or draft.issued_at < 0
        or draft.expires_at < 0
        or any(not _HEX_64.fullmatch(digest) for digest in draft.derived_from)
    ):
        raise InputError("records.shape")


def open_fields(record: Record, disclosures: Iterable[str]) -> dict[str, canonical.JsonValue]:
    """Return the fields that the disclosures open, each checked against the record.

    Raises:
        FormatError: a disclosure is malformed; ``records.duplicate_field`` where two open one name.
        InputError: ``records.disclosure_mismatch`` for a disclosure that is not of this record.
    """
    shown = tuple(disclosures)
    parsed = [parse_disclosure(disclosure) for disclosure in shown]
    require_disclosed(record, shown)
    opened: dict[str, canonical.JsonValue] = {}
    for _, name, value in parsed:
        if name in opened:
            raise FormatError("records.duplicate_field")
        if name in _RESERVED or not _NAME.fullmatch(name):
            raise FormatError("records.field_name")
        opened[name] = value
    return opened


def require_disclosed(record: Record, disclosures: Iterable[str]) -> None:
    """Require that each disclosure is one of the record's own: then its issuer wrote what it opens.

    Raises:
        FormatError: ``records.disclosure`` for a text that no disclosure can have.
        InputError: ``records.disclosure_mismatch``.
    """
    try:
        texts = [disclosure.encode("ascii") for disclosure in disclosures]
    except UnicodeEncodeError as error:
        raise FormatError("records.disclosure") from error
    if not record.sd.issuperset(disclosure_digests(texts)):
        raise InputError("records.disclosure_mismatch")


def files_of(fields: Mapping[str, canonical.JsonValue]) -> tuple[FileFact, ...]:
    """Return the file facts among opened fields, in their order.

    Raises:
        FormatError: ``records.file_fact``.
    """
    numbered = []
    for name, value in fields.items():
        if not name.startswith(FILE_PREFIX):
            continue
        if not isinstance(value, dict) or set(value) != {"blob", "media_type", "sha256", "size", "sm3"}:
            raise FormatError("records.file_fact")
        size = value["size"]
        texts = [value[key] for key in ("media_type", "sha256", "sm3", "blob")]
        if type(size) is not int or not all(isinstance(text, str) for text in texts):
            raise FormatError("records.file_fact")
        media_type, sha256, sm3, blob = (str(text) for text in texts)
        file = FileFact(media_type, size, sha256, sm3, blob)
        if not _good_file(file):
            raise FormatError("records.file_fact")
        numbered.append((int(name.removeprefix(FILE_PREFIX)), file))
    return tuple(file for _, file in sorted(numbered, key=lambda pair: pair[0]))


def read_record(data: bytes) -> Record:
    """Read a record strictly: canonical form, this version, exactly its members, each of its type.

    Raises:
        FormatError: codes of ``canonical``; ``records.version`` for another format; ``records.shape``.
    """
    payload = canonical.decode_object(data, limit=LIMITS.record_bytes)
    if payload.get("format") != FORMAT:
        raise FormatError("records.version", expected=FORMAT)
    if not _REQUIRED <= payload.keys() <= _ALLOWED or payload["_sd_alg"] != "sha-256":
        raise FormatError("records.shape")
    try:
        return _record(payload)
    except (KeyError, TypeError, ValueError, InputError) as error:
        raise FormatError("records.shape") from error


def _record(payload: canonical.JsonObject) -> Record:
    anchor = _object(payload["anchor"], _ANCHOR)
    assurance = _object(payload["assurance"], _ASSURANCE, _EXAMINED)
    issuer = _object(payload["issuer"], _ISSUER)
    reuse = _object(payload["reuse"], _REUSE, _TERMS)
    kind = _object(payload["type"], _TYPE)
    digests = [_text(digest) for digest in _list(payload["_sd"])]
    sd = frozenset(digests)
    subjects = tuple(_number(index) for index in _list(payload["subjects"]))
    derived = tuple(_text(digest) for digest in _list(payload.get("derived_from", [])))
    if len(sd) != len(digests) or digests != sorted(digests) or not set(map(len, digests)) <= {_DIGEST_CHARS}:
        raise ValueError
    if subjects != tuple(range(len(subjects))) or not subjects or not all(map(_HEX_64.fullmatch, derived)):
        raise ValueError
    return Record(
        issuer=Issuer(_text(payload["iss"]), _text(issuer["name"]), _text(issuer["set"])),
        anchor_member=_number(anchor["member"]),
        anchor_division=_text(anchor["division"]),
        assurance=Assurance(
            AssuranceLevel(_number(assurance["level"])),
            _text(assurance.get("role", "")),
            _number(assurance.get("at", 0)),
        ),
        type_code=_text(kind["code"]),
        type_set=_text(kind["set"]),
        subjects=subjects,
        reuse=ReusePolicy(
            Reuse(_text(reuse["policy"])), _text(reuse.get("purpose", "")), _number(reuse.get("days", 0))
        ),
        issued_at=_number(payload["iat"]),
        expires_at=_number(payload.get("exp", 0)),
        source=SourceChannel(_text(payload["source"])),
        derived_from=derived,
        sd=sd,
    )


def _object(
    value: canonical.JsonValue, required: frozenset[str], optional: frozenset[str] = frozenset()
) -> Mapping[str, canonical.JsonValue]:
    if not isinstance(value, dict) or not required <= value.keys() <= required | optional:
        raise TypeError
    return value


def _list(value: canonical.JsonValue) -> list[canonical.JsonValue]:
    if not isinstance(value, list):
        raise TypeError
    return value


def _text(value: canonical.JsonValue) -> str:
    if not isinstance(value, str):
        raise TypeError
    return value


def _number(value: canonical.JsonValue) -> int:
    if type(value) is not int or value < 0:
        raise TypeError
    return value
