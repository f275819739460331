"""Boxes: one encrypted content, openable by each of the members it is for.

Everything a member must find again from the chain and the blobs alone travels in a box: batch manifests for the
anchoring member, case papers for both cities of a case. In front stands the content key, wrapped for each; behind it
the envelope. Whose box it is stands on it by member number only.

Layout: ``TBX`` ‖ version 1 ‖ number of members (1) ‖ for each member number (4) ‖ length (2) ‖ wrapped key ‖ envelope.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ledger.domain import canonical, envelopes, wrapping
from ledger.domain.limits import LIMITS
from ledger.errors import AuthorityError, FormatError, InputError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from ledger.domain.envelopes import Suite
    from ledger.domain.leaves import Randomness
    from ledger.domain.wrapping import RecipientPrivate, RecipientPublic

__all__ = ["open_box", "open_box_with", "readers", "seal_box"]

_MAGIC = b"TBX\x01"


def seal_box(
    chunks: Iterable[bytes],
    recipients: Mapping[int, RecipientPublic],
    label: str,
    rand: Randomness,
    *,
    suite: Suite = envelopes.Suite.AES_256_GCM,
) -> Iterator[bytes]:
    """Encrypt content for some members under a fresh key.

    Args:
        chunks: the content, in pieces.
        recipients: each member's number and public key.
        label: what the box is (``batch``, ``case``, …); must be given again to open.
        rand: randomness.
        suite: the content's algorithms.

    Raises:
        InputError: ``envelopes.no_readers``, ``envelopes.too_many_readers``.
    """
    if not recipients:
        raise InputError("envelopes.no_readers")
    if len(recipients) > LIMITS.box_readers:
        raise InputError("envelopes.too_many_readers", count=len(recipients), limit=LIMITS.box_readers)
    key = envelopes.new_key(rand)
    head = bytearray(_MAGIC + bytes((len(recipients),)))
    for member, recipient in sorted(recipients.items()):
        wrapped = wrapping.wrap_key(key, recipient, _info(label, member))
        head += member.to_bytes(4, "big") + len(wrapped).to_bytes(2, "big") + wrapped
    body = envelopes.encrypt(chunks, key, rand, suite=suite, context=label.encode())
    return _chain(bytes(head), body)


def open_box(chunks: Iterable[bytes], member: int, keys: Sequence[RecipientPrivate], label: str) -> Iterator[bytes]:
    """Open a box with any of a member's keys, the present one and those before it.

    Raises:
        FormatError: ``envelopes.box``, ``envelopes.box_version``.
        AuthorityError: ``envelopes.not_a_reader`` if the box is not for this member.
        InputError: ``envelopes.unseal`` if none of the keys opens it; codes of :func:`envelopes.decrypt`.
    """
    source = _Source(chunks)
    wrapped = _entries(source).get(member)
    if wrapped is None:
        raise AuthorityError("envelopes.not_a_reader", member=member)
    key = _unwrap(wrapped, keys, _info(label, member))
    yield from envelopes.decrypt(source.rest(), key, context=label.encode())


def open_box_with(
    chunks: Iterable[bytes], member: int, unseal: Callable[[bytes, bytes], bytes], label: str
) -> Iterator[bytes]:
    """Open a box where the keys are kept elsewhere: ``unseal(wrapped, info)`` answers the content key.

    Raises:
        LedgerError: as :func:`open_box`, and whatever ``unseal`` raises.
    """
    source = _Source(chunks)
    wrapped = _entries(source).get(member)
    if wrapped is None:
        raise AuthorityError("envelopes.not_a_reader", member=member)
    yield from envelopes.decrypt(source.rest(), unseal(wrapped, _info(label, member)), context=label.encode())


def readers(chunks: Iterable[bytes]) -> tuple[int, ...]:
    """Return the numbers of the members a box is for."""
    return tuple(_entries(_Source(chunks)))


def _unwrap(wrapped: bytes, keys: Sequence[RecipientPrivate], info: bytes) -> bytes:
    for key in keys:
        try:
            return wrapping.unwrap_key(wrapped, key, info)
        except FormatError:
            raise
        except InputError:
            # Another of the member's keys may be the one of that time.
            continue
    raise InputError("envelopes.unseal")


def _entries(source: _Source) -> dict[int, bytes]:
    magic = source.take(4)
    if magic[:3] != _MAGIC[:3]:
        raise FormatError("envelopes.box")
    if magic != _MAGIC:
        raise FormatError("envelopes.box_version", version=magic[3])
    found = {}
    for _ in range(source.take(1)[0]):
        member = int.from_bytes(source.take(4), "big")
        found[member] = source.take(int.from_bytes(source.take(2), "big"))
    return found


def _info(label: str, member: int) -> bytes:
    return canonical.encode({"label": label, "member": member, "use": "tongban/box/1"})


def _chain(head: bytes, body: Iterator[bytes]) -> Iterator[bytes]:
    yield head
    yield from body


class _Source:
    """A run of pieces, read by count from the front."""

    def __init__(self, chunks: Iterable[bytes]) -> None:
        self._chunks = iter(chunks)
        self._held = b""

    def take(self, count: int) -> bytes:
        """Return exactly ``count`` bytes, or raise ``envelopes.box``."""
        while len(self._held) < count:
            piece = next(self._chunks, None)
            if piece is None:
                raise FormatError("envelopes.box")
            self._held += piece
        taken, self._held = self._held[:count], self._held[count:]
        return taken

    def rest(self) -> Iterator[bytes]:
        """Yield whatever was not taken."""
        yield self._held
        yield from self._chunks
