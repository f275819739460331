"""What ``--detail`` of a step says: a word or a code of the field, a day count, a place, or when a notice was given."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from enum import IntEnum
from typing import Final

from ledger.domain.cases import Action, Channel, NoticeKind, Organ, Satisfaction, SpecialProcedure
from ledger.domain.leaves import read_leaf
from ledger.domain.workdays import CHINA
from ledger.errors import InputError
from ledger.wire.sentences import Language, term

__all__ = ["detail_of", "meaning"]


_ORGANS: Final = (Organ, "organs")
_CHANNELS: Final = (Channel, "channels")
_NOTICES: Final = (NoticeKind, "notice_kinds")
_CODES: Final[Mapping[Action, tuple[type[IntEnum], str]]] = {
    Action.RATE: (Satisfaction, "satisfactions"),
    Action.SIGN_DELIVERY: _CHANNELS,
    Action.DELIVER: _CHANNELS,
    Action.REQUEST_CORRECTION: _NOTICES,
    Action.REBUT: _NOTICES,
    Action.SUSPEND: (SpecialProcedure, "special_procedures"),
    Action.REVOKE_RESULT: _ORGANS,
    Action.CHANGE_RESULT: _ORGANS,
    Action.DECLARE_UNLAWFUL: _ORGANS,
    Action.DEREGISTER: _ORGANS,
}
_OTHERS: Final[Mapping[Action, tuple[str, str]]] = {
    Action.ACCEPT: ("1 容缺受理", "1 tolerantly"),
    Action.EXTEND: ("工作日数，由负责人", "working days, by the head"),
    Action.GRANT: ("结果的第一个存证项，如 17:0", "the result's first leaf, such as 17:0"),
    Action.REFUSE: ("理由代码", "the ground's code"),
    Action.TRANSFER_UP: ("上级机关的成员编号，不在联盟内的不写", "the superior's member number, none where it is no member"),
}  # fmt: skip
# Only a rebuttal speaks of a notice that the matter is not accepted.
_NOT_ASKED: Final = {Action.REQUEST_CORRECTION: NoticeKind.NON_ACCEPTANCE}


def meaning(action: Action, lang: Language) -> str:
    """Say what the detail of an action is, for its help; empty where it has none."""
    if action in _CODES:
        kind, group = _CODES[action]
        known = [one for one in kind if one is not _NOT_ASKED.get(action)]
        words = ("、" if lang == "zh" else ", ").join(f"{one.value} {term(group, one.name, lang)}" for one in known)
        if action is Action.REBUT:
            given = {
                "zh": "，后接 @ 和告知时间，如 1@2026-03-05T10:00",
                "en": "; then @ and when it was given, such as 1@2026-03-05T10:00",
            }[lang]
            return words + given
        return words
    if action in _OTHERS:
        return _OTHERS[action][0 if lang == "zh" else 1]
    return ""


def detail_of(action: Action, text: str) -> int:
    """Read what was given for ``--detail``: a number, or a word of the field as its English name.

    Raises:
        InputError: ``case.detail``, ``leaves.place``.
    """
    if not text:
        return 0
    head, _, moment = text.partition("@")
    if action is Action.REBUT and moment:
        return _moment(moment) << 8 | _code(action, head)
    if action is Action.GRANT and ":" in text:
        return read_leaf(text)
    return _code(action, text)


def _code(action: Action, text: str) -> int:
    if text.isdecimal():
        return int(text)
    kind = _CODES.get(action, (IntEnum, ""))[0]
    try:
        return int(kind[text.upper()])
    except KeyError:
        raise InputError("case.detail") from None


def _moment(text: str) -> int:
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        raise InputError("case.detail") from None
    return int((found if found.tzinfo else found.replace(tzinfo=CHINA)).timestamp())
