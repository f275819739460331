"""Which of the two languages a reader is answered in."""

from __future__ import annotations

from collections.abc import Iterator

from fastapi import Request

from ledger.wire.sentences import LANGUAGES, Language

__all__ = ["language"]


def language(request: Request) -> Language:
    """Return the reader's language: what the address says (``?lang=zh``, ``?lang=en``), else the browser's, else Chinese.

    Of ``Accept-Language`` the heavier one of the two counts (RFC 9110 section 12.5.4), the earlier one where both weigh
    the same; a tag counts with everything below it, ``zh-CN`` for Chinese.
    """
    asked = request.query_params.get("lang")
    for known in LANGUAGES:
        if asked == known:
            return known
    ranges = list(_ranges(request.headers.get("accept-language", "")))
    named = {tag for tag, _ in ranges}
    best: Language = "zh"
    heaviest = 0.0
    for tag, weight in ranges:
        # "*" stands for what is not named itself; of that, Chinese comes first.
        found = next((known for known in LANGUAGES if tag == known or (tag == "*" and known not in named)), None)
        if found is not None and weight > heaviest:
            best, heaviest = found, weight
    return best


def _ranges(header: str) -> Iterator[tuple[str, float]]:
    """The primary tags of an ``Accept-Language`` field with their weights; what is malformed is passed over."""
    for item in header.split(","):
        tag, *parameters = (part.strip().lower() for part in item.split(";"))
        weight = 1.0
        for parameter in parameters:
            name, _, value = parameter.partition("=")
            if name.strip() == "q":
                weight = _weight(value.strip())
        yield tag.partition("-")[0], weight


def _weight(text: str) -> float:
    # qvalue of RFC 9110 section 12.4.2: at most three digits, nothing above one.
    whole, _, part = text.partition(".")
    plain = (whole + part).isascii() and (whole + part).isdigit() and len(part) <= 3
    return min(float(text), 1.0) if plain and whole in {"0", "1"} else 0.0
