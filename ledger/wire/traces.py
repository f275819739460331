"""Traces 全程留痕: everything that happened to one thing, as a timeline with a proof for each line.

A line says when (chain time, shown in China Standard Time), where on the chain, who with which key in which role, what
in words, on which evidence, and for a case how many working days were used and left. ``entry`` is the line's place in
the transparency log: a ``tlog-proof`` of it can be asked for and attached.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final, TypeAlias

from ledger.domain.canonical import JsonValue
from ledger.domain.cases import Clock
from ledger.domain.divisions import english_name
from ledger.domain.workdays import CHINA
from ledger.wire.problems import reason_sentence
from ledger.wire.sentences import Language, sentence, term

__all__ = [
    "FORMAT",
    "Actor",
    "Days",
    "Fact",
    "Line",
    "Party",
    "Place",
    "Trace",
    "china_time",
    "days_document",
    "days_text",
    "document",
    "line_text",
    "member_text",
]

FORMAT: Final = "tongban/trace/1"
# Facts of a step that say more of its action.
_DETAILS: Final = ("notice", "given", "procedure", "channel", "rating", "leaf", "superior", "organ")

# Name, how it is put into words, value. Groups: a group of ``terms``; ``members``, ``moments``, ``reasons``, ``yes_no``;
# empty for plain values.
Fact: TypeAlias = tuple[str, str, int | str | bool]


@dataclass(frozen=True, slots=True)
class Party:
    """A member as a person reads it."""

    member: int
    name: str
    division: int


@dataclass(frozen=True, slots=True)
class Actor:
    """Who sent it: the member, the key, and the roles that the key had at that moment.

    ``applicant`` where the applicant acted and the member only relayed; ``helper`` the member whose window helped.
    ``department`` and ``role`` are the office that an officer acted for.
    """

    member: int
    key: str = ""
    roles: tuple[str, ...] = ()
    applicant: bool = False
    helper: int = 0
    department: int = 0
    department_name: str = ""
    role: str = ""


@dataclass(frozen=True, slots=True)
class Place:
    """Where it stands: chain and log."""

    block: int
    log_index: int
    transaction: bytes
    contract: str
    entry: int


@dataclass(frozen=True, slots=True)
class Days:
    """The running limit of a case at that moment, in working days.

    ``used`` is ``None`` where a calendar that is needed is not out; ``due`` an ISO date, or ``None``: not yet known, or
    no limit (``allowed`` 0), or stopped.
    """

    clock: Clock
    used: int | None
    allowed: int
    due: str | None
    stopped: bool = False
    overdue: bool = False

    @property
    def left(self) -> int | None:
        """Days left; 0 once over."""
        return None if self.used is None or not self.allowed else max(0, self.allowed - self.used)


@dataclass(frozen=True, slots=True)
class Line:
    """One event."""

    kind: str
    time: int
    place: Place
    who: Actor | None = None
    facts: tuple[Fact, ...] = ()
    case: bytes | None = None
    commitment: bytes | None = None
    blob: str | None = None
    days: Days | None = None
    refused: int | None = None


@dataclass(frozen=True, slots=True)
class Trace:
    """The timeline of one thing, up to the block that the picture goes to."""

    kind: str
    identifier: str
    block: int
    time: int
    lines: tuple[Line, ...]
    parties: Mapping[int, Party]
    # Cases whose events are among the lines: the case itself, its parent, its children.
    cases: tuple[bytes, ...] = ()
    # The limit that runs now, by the picture's last block.
    days: Days | None = None


def china_time(moment: int) -> str:
    """A chain time as people in China read it, with its offset."""
    return datetime.fromtimestamp(moment, UTC).astimezone(CHINA).isoformat()


def line_text(line: Line, parties: Mapping[int, Party], lang: Language) -> str:
    """A line in words."""
    facts = {name: _fact(group, value, parties, lang) for name, group, value in line.facts}
    if "action" in facts:
        facts["action"] += _detail(facts, lang)
    text = sentence(f"trace.{line.kind}", lang, **facts | {"who": _who(line.who, parties, lang)}).text
    # Whatever it begins with, a word of ours or a name, a line is a sentence.
    return text[:1].upper() + text[1:]


def _detail(facts: Mapping[str, str], lang: Language) -> str:
    """What a step's code says, after its action: the procedure, the channel, the rating or the organ."""
    said = [facts[name] for name in _DETAILS if name in facts]
    if "days" in facts:
        said.append(sentence("trace.more_days", lang, days=facts["days"]).text)
    inside = "，".join(said) if lang == "zh" else ", ".join(said)
    if not inside:
        return ""
    return f"（{inside}）" if lang == "zh" else f" ({inside})"


def days_text(days: Days, lang: Language) -> str:
    """The working-day columns in words."""
    clock = term("clocks", days.clock.name, lang)
    if days.used is None:
        return sentence("trace.days_uncounted", lang, clock=clock).text
    if not days.allowed:
        return sentence("trace.days_open", lang, clock=clock, used=days.used).text
    name = "days"
    if days.stopped:
        name = "days_stopped"
    elif days.due is None:
        name = "days_unknown"
    elif days.overdue:
        name = "days_over"
    over = max(0, days.used - days.allowed)
    return sentence(f"trace.{name}", lang, clock=clock, used=days.used, left=days.left, over=over, due=days.due).text


def document(trace: Trace, lang: Language | None = None) -> dict[str, JsonValue]:
    """The wire form; with a language, each line also carries its words."""
    return {
        "format": FORMAT,
        "kind": trace.kind,
        "identifier": trace.identifier,
        "as_of": {"block": trace.block, "time": trace.time, "china": china_time(trace.time)},
        "cases": [case.hex() for case in trace.cases],
        "days": days_document(trace.days, lang),
        "members": {
            str(party.member): {"name": party.name, "division": party.division}
            for party in sorted(trace.parties.values(), key=lambda one: one.member)
        },
        "lines": [_line(line, trace.parties, lang) for line in trace.lines],
    }


def _line(line: Line, parties: Mapping[int, Party], lang: Language | None) -> dict[str, JsonValue]:
    facts: dict[str, JsonValue] = {name: value for name, _, value in line.facts}
    found: dict[str, JsonValue] = {
        "kind": line.kind,
        "time": line.time,
        "china": china_time(line.time),
        "block": line.place.block,
        "log_index": line.place.log_index,
        "transaction": "0x" + line.place.transaction.hex(),
        "contract": line.place.contract,
        "entry": line.place.entry,
        "who": _actor(line.who),
        "facts": facts,
        "case": line.case.hex() if line.case is not None else None,
        "commitment": line.commitment.hex() if line.commitment is not None else None,
        "blob": line.blob,
        "days": days_document(line.days, lang),
        "refused": line.refused,
    }
    if lang is not None:
        found["text"] = line_text(line, parties, lang)
    return found


def _actor(actor: Actor | None) -> JsonValue:
    if actor is None:
        return None
    roles: Sequence[JsonValue] = list(actor.roles)
    return {
        "member": actor.member,
        "key": actor.key,
        "roles": list(roles),
        "applicant": actor.applicant,
        "helper": actor.helper,
        "department": actor.department,
        "department_name": actor.department_name,
        "role": actor.role,
    }


def days_document(days: Days | None, lang: Language | None = None) -> JsonValue:
    """The working days in the wire form; with a language, also in words."""
    if days is None:
        return None
    found: dict[str, JsonValue] = {
        "clock": days.clock.name.lower(),
        "used": days.used,
        "allowed": days.allowed,
        "left": days.left,
        "due": days.due,
        "stopped": days.stopped,
        "overdue": days.overdue,
    }
    if lang is not None:
        found["text"] = days_text(days, lang)
    return found


def _who(actor: Actor | None, parties: Mapping[int, Party], lang: Language) -> str:
    if actor is None:
        return sentence("trace.nobody", lang).text
    if actor.applicant and actor.helper:
        return sentence("trace.helped", lang, helper=member_text(actor.helper, parties, lang)).text
    if actor.applicant:
        return sentence("trace.applicant", lang).text
    name = member_text(actor.member, parties, lang)
    inside = "，" if lang == "zh" else ", "
    more = inside.join(
        part for part in (actor.department_name, term("officer_roles", actor.role, lang) if actor.role else "") if part
    )
    if not more:
        return name
    return f"{name}（{more}）" if lang == "zh" else f"{name} ({more})"


def member_text(member: int, parties: Mapping[int, Party], lang: Language) -> str:
    """A member's name: its place's English one where there is one, else its own; its number where nobody knows it."""
    party = parties.get(member)
    if party is None:
        return f"#{member}"
    return (english_name(f"{party.division:06}") if lang == "en" else "") or party.name


def _fact(group: str, value: int | str | bool, parties: Mapping[int, Party], lang: Language) -> str:  # noqa: FBT001  # a fact may be yes or no
    if group == "members":
        return member_text(int(value), parties, lang)
    if group == "moments":
        return china_time(int(value))
    if group == "reasons":
        return reason_sentence(int(value), lang).text
    if group == "key_roles":
        joint = "、" if lang == "zh" else ", "
        return joint.join(term("key_roles", name, lang) for name in str(value).split()) or "—"
    return term(group, str(value), lang) if group else str(value)
