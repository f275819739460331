"""A witness's answer on its way from the daemon to the web process, which only carries it (C2SP tlog-witness)."""

from __future__ import annotations

import binascii
from base64 import b64decode, b64encode
from dataclasses import dataclass

from ledger.domain import canonical
from ledger.errors import FormatError

__all__ = ["Answer", "decode_answer", "encode_answer"]

_STATUSES = range(200, 600)


@dataclass(frozen=True, slots=True)
class Answer:
    """An HTTP answer: status, body, its type, and when to ask again."""

    status: int
    body: bytes
    content_type: str
    retry_after: int | None = None


def encode_answer(answer: Answer) -> bytes:
    """Write an answer."""
    return canonical.encode(
        {
            "body": b64encode(answer.body).decode(),
            "content_type": answer.content_type,
            "retry_after": answer.retry_after,
            "status": answer.status,
        }
    )


def decode_answer(data: bytes) -> Answer:
    """Read an answer.

    Raises:
        FormatError: ``keys.request_form``, and the codes of canonical JSON.
    """
    document = canonical.decode_object(data)
    status, body, kind, retry = (document.get(name) for name in ("status", "body", "content_type", "retry_after"))
    if type(status) is not int or status not in _STATUSES or not isinstance(body, str) or not isinstance(kind, str):
        raise FormatError("keys.request_form")
    if retry is not None and (type(retry) is not int or retry < 0):
        raise FormatError("keys.request_form")
    try:
        return Answer(status, b64decode(body.encode("ascii"), validate=True), kind, retry)
    except (binascii.Error, UnicodeEncodeError):
        raise FormatError("keys.request_form") from None
