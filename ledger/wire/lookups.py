"""Look-ups: one city asks another whether it keeps papers of a person who stands at its window.

A question is sealed to the city asked and handed over as a delivery of the kind ``lookup``; an answer is one box.

``tongban/lookup-question/1``: who is looked for, what for, which types of papers, and the two witnesses' signatures.
``tongban/lookup-answer/1``: what was found, or that nothing was, or that the question was refused: all of one length.

RFC 8785 JSON, read strictly. The chain holds SHA-256(salt ‖ body) of question and answer, nothing else of them.

Raises:
    FormatError: ``lookups.document``; codes of ``canonical``.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass, field

from ledger.domain import canonical
from ledger.domain.leaves import Holding, leaf_text
from ledger.domain.limits import LIMITS
from ledger.errors import InputError
from ledger.wire.padding import pad, unpad
from ledger.wire.strict import Strict

__all__ = [
    "ANSWER_LABEL",
    "DELIVERY_KIND",
    "Answer",
    "FoundLeaf",
    "FoundMaterial",
    "Question",
    "SignedQuestion",
    "answer_commitment",
    "commitment_of",
    "decode_answer",
    "decode_question",
    "encode_answer",
    "encode_question",
    "fits",
    "question_info",
]

# The label of the box that an answer is sealed in.
ANSWER_LABEL = "lookup"
# The kind of the delivery that a question is.
DELIVERY_KIND = "lookup"

_QUESTION_FORMAT = "tongban/lookup-question/1"
_ANSWER_FORMAT = "tongban/lookup-answer/1"
_SALT_BYTES = 32
_SIGNATURE_BYTES = 65
_CODE = re.compile(r"[a-z_]+\.[a-z0-9_]+|")
_NAME = re.compile(r"[0-9A-Za-z_.:-]{1,64}")
_CONTRACT = re.compile(r"0x[0-9a-f]{40}")
_READ = Strict("lookups.document")


@dataclass(frozen=True, slots=True)
class Question:
    """What one city asks another; ``paper`` is SHA-256 of the authorisation that the person signed."""

    lookup: bytes
    asker: int
    asked: int
    purpose: int
    kind: str
    number: str = field(repr=False)
    name: str = field(repr=False)
    types: tuple[str, ...]
    paper: bytes


@dataclass(frozen=True, slots=True)
class SignedQuestion:
    """A question with its salt and the signatures of the two witnesses before whom the person asked for it."""

    question: Question
    salt: bytes = field(repr=False)
    signatures: tuple[bytes, bytes] = field(repr=False)


@dataclass(frozen=True, slots=True)
class FoundLeaf:
    """A fresh leaf set aside for whoever asked: which data subject's, who keeps its key, and what the chain wants to see."""

    subject: int
    holding: Holding
    leaf: int
    entry: bytes
    proof: tuple[bytes, ...]


@dataclass(frozen=True, slots=True)
class FoundMaterial:
    """A material that the asked city keeps: what it is, not what it says."""

    material: str
    type_code: str
    type_set: str
    assurance: int
    reuse: str
    issued_at: int
    expires_at: int
    contract: str
    leaves: tuple[FoundLeaf, ...]


@dataclass(frozen=True, slots=True)
class Answer:
    """The answer: ``refused`` is the code of a refusal, empty otherwise; ``more`` says that not everything fitted."""

    lookup: bytes
    refused: str = ""
    materials: tuple[FoundMaterial, ...] = ()
    more: bool = False


def question_info(lookup: bytes, asked: int) -> bytes:
    """Say what a sealed question is, as HPKE's ``info``."""
    return canonical.encode({"asked": asked, "lookup": lookup.hex(), "use": "tongban/lookup/1"})


def commitment_of(question: Question, salt: bytes) -> bytes:
    """Return the salted commitment of a question, which the chain holds and the witnesses sign."""
    return hashlib.sha256(salt + canonical.encode(_question(question))).digest()


def answer_commitment(answer: Answer, salt: bytes) -> bytes:
    """Return the salted commitment of an answer."""
    return hashlib.sha256(salt + canonical.encode(_answer(answer))).digest()


def encode_question(signed: SignedQuestion) -> bytes:
    """Write a question, padded to the one length that all have.

    Raises:
        InputError: ``lookups.too_long``.
    """
    document = canonical.encode(
        {
            "format": _QUESTION_FORMAT,
            "question": _question(signed.question),
            "salt": signed.salt.hex(),
            "signatures": [signature.hex() for signature in signed.signatures],
        }
    )
    content = pad(document, LIMITS.lookup_question_bytes)
    if len(content) != LIMITS.lookup_question_bytes:
        raise InputError("lookups.too_long")
    return content


def decode_question(content: bytes) -> SignedQuestion:
    """Read an opened question."""
    document = _padded(content, LIMITS.lookup_question_bytes, _QUESTION_FORMAT, {"question", "salt", "signatures"})
    item = _READ.fields(
        document["question"],
        {"asked", "asker", "kind", "lookup", "name", "number", "paper", "purpose", "types"},
    )
    signatures = [_READ.hex(each, _SIGNATURE_BYTES) for each in _READ.items(document["signatures"])]
    types = tuple(_READ.matching(each, _NAME) for each in _READ.items(item["types"]))
    if len(signatures) != 2 or len(types) > LIMITS.lookup_types:
        raise _READ.wrong()
    question = Question(
        lookup=_READ.hex(item["lookup"], 32),
        asker=_READ.number(item["asker"]),
        asked=_READ.number(item["asked"]),
        purpose=_READ.number(item["purpose"]),
        kind=_READ.text(item["kind"]),
        number=_READ.text(item["number"]),
        name=_READ.text(item["name"]),
        types=types,
        paper=_READ.hex(item["paper"], 32),
    )
    return SignedQuestion(question, _READ.hex(document["salt"], _SALT_BYTES), (signatures[0], signatures[1]))


def fits(answer: Answer) -> bool:
    """Say whether an answer fits into the one length that all have."""
    return len(pad(_answer_document(answer, bytes(_SALT_BYTES)), LIMITS.lookup_answer_bytes)) == (
        LIMITS.lookup_answer_bytes
    )


def encode_answer(answer: Answer, salt: bytes) -> bytes:
    """Write an answer, padded to the one length that all have.

    Raises:
        InputError: ``lookups.too_long``.
    """
    if not fits(answer):
        raise InputError("lookups.too_long")
    return pad(_answer_document(answer, salt), LIMITS.lookup_answer_bytes)


def decode_answer(content: bytes) -> tuple[Answer, bytes]:
    """Read an opened answer and its salt."""
    document = _padded(content, LIMITS.lookup_answer_bytes, _ANSWER_FORMAT, {"answer", "salt"})
    item = _READ.fields(document["answer"], {"lookup", "materials", "more", "refused"})
    answer = Answer(
        lookup=_READ.hex(item["lookup"], 32),
        refused=_READ.matching(item["refused"], _CODE),
        materials=tuple(_found(each) for each in _READ.items(item["materials"])),
        more=_READ.flag(item["more"]),
    )
    return answer, _READ.hex(document["salt"], _SALT_BYTES)


def _question(question: Question) -> canonical.JsonObject:
    return {
        "asked": question.asked,
        "asker": question.asker,
        "kind": question.kind,
        "lookup": question.lookup.hex(),
        "name": question.name,
        "number": question.number,
        "paper": question.paper.hex(),
        "purpose": question.purpose,
        "types": list(question.types),
    }


def _answer(answer: Answer) -> canonical.JsonObject:
    return {
        "lookup": answer.lookup.hex(),
        "materials": [
            {
                "assurance": each.assurance,
                "contract": each.contract,
                "expires_at": each.expires_at,
                "issued_at": each.issued_at,
                "leaves": [
                    {
                        "entry": leaf.entry.hex(),
                        "holding": int(leaf.holding),
                        "leaf": leaf_text(leaf.leaf),
                        "proof": [step.hex() for step in leaf.proof],
                        "subject": leaf.subject,
                    }
                    for leaf in each.leaves
                ],
                "material": each.material,
                "reuse": each.reuse,
                "type_code": each.type_code,
                "type_set": each.type_set,
            }
            for each in answer.materials
        ],
        "more": answer.more,
        "refused": answer.refused,
    }


def _answer_document(answer: Answer, salt: bytes) -> bytes:
    return canonical.encode({"answer": _answer(answer), "format": _ANSWER_FORMAT, "salt": salt.hex()})


def _padded(content: bytes, size: int, expected: str, members: set[str]) -> canonical.JsonObject:
    if len(content) != size:
        raise _READ.wrong()
    document = canonical.decode_object(unpad(content, size, "lookups.document"))
    if document.get("format") != expected:
        raise _READ.wrong()
    return _READ.fields(document, members | {"format"})


def _found(value: canonical.JsonValue) -> FoundMaterial:
    item = _READ.fields(
        value,
        {"assurance", "contract", "expires_at", "issued_at", "leaves", "material", "reuse", "type_code", "type_set"},
    )
    return FoundMaterial(
        material=_READ.matching(item["material"], _NAME),
        type_code=_READ.matching(item["type_code"], _NAME),
        type_set=_READ.matching(item["type_set"], _NAME),
        assurance=_READ.number(item["assurance"]),
        reuse=_READ.matching(item["reuse"], _NAME),
        issued_at=_READ.number(item["issued_at"]),
        expires_at=_READ.number(item["expires_at"]),
        contract=_READ.matching(item["contract"], _CONTRACT),
        leaves=tuple(_leaf(each) for each in _READ.items(item["leaves"])),
    )


def _leaf(value: canonical.JsonValue) -> FoundLeaf:
    item = _READ.fields(value, {"entry", "holding", "leaf", "proof", "subject"})
    holding = _READ.number(item["holding"])
    if holding not in (Holding.SELF_HELD, Holding.CUSTODY):
        raise _READ.wrong()
    return FoundLeaf(
        subject=_READ.number(item["subject"]),
        holding=Holding(holding),
        leaf=_READ.leaf(item["leaf"]),
        entry=_READ.hex(item["entry"], 58),
        proof=tuple(_READ.hex(step, 32) for step in _READ.items(item["proof"])),
    )
