"""What an applicant who holds the keys alone is asked to sign for a case: to open it, or to act in it.

A city writes the document, the applicant reads and signs it on a machine of their own, any city hands it in. It carries the
EIP-712 message of the contract, the paper that the message commits to, with its salt, and the box in which that paper is
sealed for the cities of the case. What the applicant is shown *is* the paper: whoever changes a word of it changes the
commitment, and what was signed is no longer that. So the words stand with the signature, and the city that wrote them can
be held to them.

The contract knows no expiry of a submission; the cities and the applicant's own program keep it.

Raises:
    FormatError: ``signing.form``, ``signing.version``; codes of ``canonical``.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass, field
from typing import TypeAlias

from ledger.domain import canonical, typed
from ledger.domain.case_tables import ACTION_RULES
from ledger.domain.case_words import case_id
from ledger.domain.cases import Action, Mode
from ledger.domain.catalogue import MatterCode
from ledger.domain.limits import LIMITS
from ledger.errors import ConflictError, InputError, IntegrityError
from ledger.wire.papers import commitment_of
from ledger.wire.strict import Strict, base64_text

__all__ = [
    "APPLICANT_ACTS",
    "FORMAT",
    "CaseDocument",
    "City",
    "Shown",
    "check",
    "paper_kind",
    "plain",
    "read_case_document",
]

FORMAT = "tongban/case-document/1"
APPLICANT_ACTS = (Action.SUPPLY, Action.WITHDRAW, Action.SIGN_DELIVERY, Action.RATE, Action.CLAIM)

_MEMBERS = {"box", "case_key", "chain_id", "contract", "format", "kind", "message", "paper", "signature"}
_SHOWN = {"asked", "cities", "clock_offset", "expires", "matter"}
_ADDRESS = re.compile(r"0x[0-9a-f]{40}")
_CHAIN_ID = re.compile(r"[1-9][0-9]{0,76}")
_DIVISION = re.compile(r"[0-9]{1,9}")
_KIND = re.compile(r"Submission|CaseAct")
_SIGNATURE_BYTES = 65
_SALT_BYTES = 32
_READ = Strict("signing.form")

# Every field of both messages is a number or 32 bytes.
Message: TypeAlias = "dict[str, int | bytes]"


@dataclass(frozen=True, slots=True)
class City:
    """A city of the case: the member's number, its name, the code of the place."""

    member: int
    name: str
    division: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """What the applicant reads before signing.

    Attributes:
        matter: the matter's code.
        zh: its name.
        en: the same in English.
        cities: that of the receiving office first; they alone can open the paper.
        asked: the materials that the matter asks for, each in Chinese and English; of a submission only.
        words: the applicant's own words.
        expires: POSIX seconds of the network's clock; after it nobody signs or hands in.
        clock_offset: how far a pilot's clock stands from the real one.
    """

    matter: str
    zh: str
    en: str
    cities: tuple[City, ...]
    asked: tuple[tuple[str, str], ...] = ()
    words: str = ""
    expires: int
    clock_offset: int = 0

    def body(self) -> canonical.JsonObject:
        """Return what the paper says."""
        return {
            "shown": {
                "asked": [{"en": en, "zh": zh} for zh, en in self.asked],
                "cities": [
                    {"division": city.division, "member": city.member, "name": city.name} for city in self.cities
                ],
                "clock_offset": self.clock_offset,
                "expires": self.expires,
                "matter": {"code": self.matter, "en": self.en, "zh": self.zh},
            },
            "words": self.words,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseDocument:
    """A submission or an act of the applicant, to be signed or signed.

    Attributes:
        chain_id: of the chain.
        contract: the cases contract.
        case_key: the address whose key signs.
        kind: ``Submission`` or ``CaseAct``, as in :mod:`ledger.domain.typed`.
        message: the typed data's message.
        shown: what the applicant reads, which is what the paper says.
        salt: the paper's.
        box: the paper as it is sealed.
        signature: r ‖ s ‖ v; empty before it was signed.
    """

    chain_id: int
    contract: str
    case_key: str
    kind: str
    message: Message
    shown: Shown
    salt: bytes = field(repr=False)
    box: bytes = field(repr=False)
    signature: bytes = b""

    @property
    def action(self) -> Action | None:
        """What the applicant does; ``None`` for the submission."""
        return Action(self.number("action")) if self.kind == "CaseAct" else None

    @property
    def case(self) -> bytes:
        """The case's id, which a submission determines."""
        if self.kind == "CaseAct":
            return self.octets("caseId")
        receiving, handling, mode = (self.number(name) for name in ("receiving", "handling", "mode"))
        return case_id(
            self.chain_id, self.contract, self.case_key, receiving, handling, self.octets("matter"), mode,
            self.octets("salt"),
        )  # fmt: skip

    @property
    def digest(self) -> bytes:
        """What the case's key signs."""
        return typed.digest(self.kind, self.message, self.chain_id, self.contract)

    @property
    def paper_kind(self) -> str:
        """Under which kind the paper is sealed."""
        return paper_kind(self.action)

    def document(self) -> canonical.JsonObject:
        """Return the document."""
        return {
            "box": base64_text(self.box),
            "case_key": self.case_key,
            "chain_id": str(self.chain_id),
            "contract": self.contract.lower(),
            "format": FORMAT,
            "kind": self.kind,
            "message": {
                name: value.hex() if isinstance(value, bytes) else value for name, value in self.message.items()
            },
            "paper": {"body": self.shown.body(), "salt": self.salt.hex()},
            "signature": self.signature.hex(),
        }

    def encode(self) -> bytes:
        """Return its canonical bytes."""
        return canonical.encode(self.document())

    def number(self, name: str) -> int:
        """Return a number of the message."""
        value = self.message[name]
        if not isinstance(value, int):
            raise _READ.wrong()
        return value

    def octets(self, name: str) -> bytes:
        """Return 32 bytes of the message."""
        value = self.message[name]
        if not isinstance(value, bytes):
            raise _READ.wrong()
        return value


def paper_kind(action: Action | None) -> str:
    """Return under which kind the paper of an act is sealed, or that of the submission."""
    return "submission" if action is None else action.name.lower().replace("_", "-")


def plain(text: str) -> bool:
    """Whether text shows on a screen as what it is: no control characters, none that turn the direction of reading.

    Whoever writes a document could otherwise hide on the applicant's screen what the document says.
    """
    return all(character.isprintable() or character in "\n\u3000" for character in text)


def read_case_document(data: bytes) -> CaseDocument:
    """Read a document strictly; whether its words and its message agree is :func:`check`'s to say.

    Raises:
        FormatError: ``signing.form``; ``signing.version`` where a newer program wrote it.
    """
    value = canonical.decode(data, limit=LIMITS.case_document_bytes)
    document = _READ.document(value, _MEMBERS, named=FORMAT, otherwise="signing.version")
    kind = _READ.matching(document["kind"], _KIND)
    paper = _READ.fields(document["paper"], {"body", "salt"})
    signature = _READ.hex(document["signature"])
    if len(signature) not in {0, _SIGNATURE_BYTES}:
        raise _READ.wrong()
    return CaseDocument(
        chain_id=int(_READ.matching(document["chain_id"], _CHAIN_ID)),
        contract=_READ.matching(document["contract"], _ADDRESS),
        case_key=_READ.matching(document["case_key"], _ADDRESS),
        kind=kind,
        message=_message(kind, document["message"]),
        shown=read_shown(paper["body"]),
        salt=_READ.hex(paper["salt"], _SALT_BYTES),
        box=_READ.base64(document["box"]),
        signature=signature,
    )


def read_shown(value: canonical.JsonValue) -> Shown:
    """Read a paper's body: what an applicant who holds the keys alone was shown and signed.

    Raises:
        FormatError: ``signing.form``; the paper is of another sort.
    """
    body = _READ.fields(value, {"shown", "words"})
    shown = _READ.fields(body["shown"], _SHOWN)
    matter = _READ.fields(shown["matter"], {"code", "en", "zh"})
    offset = shown["clock_offset"]
    if type(offset) is not int:
        raise _READ.wrong()
    return Shown(
        matter=_said(matter["code"]),
        zh=_said(matter["zh"]),
        en=_said(matter["en"]),
        cities=tuple(_city(item) for item in _READ.items(shown["cities"])),
        asked=tuple(_asked(item) for item in _READ.items(shown["asked"])),
        words=_said(body["words"]),
        expires=_READ.number(shown["expires"]),
        clock_offset=offset,
    )


def check(document: CaseDocument, *, now: int) -> None:
    """Hold the words against what is signed, and the day against the clock.

    Args:
        document: as it was read.
        now: the time of the network's clock.

    Raises:
        IntegrityError: ``signing.altered`` where the words shown are not those that the message commits to, or name
            another matter or other cities than it.
        ConflictError: ``signing.expired``.
    """
    message, shown = document.message, document.shown
    good = (
        commitment_of(document.salt, document.paper_kind, shown.body()) == message["commitment"]
        and hashlib.sha256(document.box).digest() == message["blob"]
    )
    if document.action is None:
        listed = {city.member for city in shown.cities}
        good = good and listed == {message["receiving"], message["handling"]} and _matter(shown) == message["matter"]
    if not good:
        raise IntegrityError("signing.altered")
    if shown.expires <= now:
        raise ConflictError("signing.expired")


def _matter(shown: Shown) -> bytes:
    try:
        return MatterCode(shown.matter).id
    except InputError:
        raise IntegrityError("signing.altered") from None


def _message(kind: str, value: canonical.JsonValue) -> Message:
    types = dict(typed.STRUCTS[kind])
    found = _READ.fields(value, set(types))
    message: Message = {}
    for name, wanted in types.items():
        if wanted == "bytes32":
            message[name] = _READ.hex(found[name], 32)
        else:
            number = _READ.number(found[name])
            if number.bit_length() > int(wanted.removeprefix("uint")):
                raise _READ.wrong()
            message[name] = number
    if not (_known_act(message) if kind == "CaseAct" else message["mode"] in tuple(Mode)):
        raise _READ.wrong()
    return message


def _known_act(message: Message) -> bool:
    """Whether this is an act of the applicant's, its detail one that the contract takes."""
    action, detail = message["action"], message["detail"]
    if action not in APPLICANT_ACTS or not isinstance(detail, int):
        return False
    least, most = ACTION_RULES[Action(action)].details
    return least <= detail <= most


def _city(value: canonical.JsonValue) -> City:
    item = _READ.fields(value, {"division", "member", "name"})
    return City(_READ.number(item["member"]), _said(item["name"]), _READ.matching(item["division"], _DIVISION))


def _asked(value: canonical.JsonValue) -> tuple[str, str]:
    item = _READ.fields(value, {"en", "zh"})
    return _said(item["zh"]), _said(item["en"])


def _said(value: canonical.JsonValue) -> str:
    text = _READ.text(value)
    if not plain(text):
        raise _READ.wrong()
    return text
