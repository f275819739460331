"""What an identifier names: a case, a leaf, a consent, a file … found in the picture, never guessed.

Forms: ``kind:…`` always works (``case:``, ``consent:``, ``agreement:``, ``leaf:batch:index``, ``leaf:contract:batch:index``,
``batch:``, ``use:``, ``member:``, ``lookup:``, ``pointer:``, ``proposal:``, ``transaction:``, ``file:``, ``key:``). Without it
64 hex digits are looked for as each kind of digest, ``batch:index`` is a leaf, ``0x`` and 40 digits a key or a contract,
six digits a member by its division. Lists show the first digits of a digest; eight or more of them do where they name one
thing only.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from sqlalchemy import bindparam, or_, select
from sqlalchemy.engine import Connection

from ledger.errors import ConflictError, InputError, NotFoundError
from ledger.projections.subjects import SubjectKind, batch_key, leaf_key, use_key
from ledger.storage.tables import chain, consents, consortium, materials

__all__ = ["Identified", "identify", "whole"]

_HEX: Final = re.compile(r"(?:0x)?([0-9a-f]{64})\Z")
_SHORT: Final = re.compile(r"(?:0x)?([0-9a-f]{8,63})\Z")
_ADDRESS: Final = re.compile(r"0x[0-9a-f]{40}\Z")
_NUMBER: Final = re.compile(r"[0-9]{1,18}\Z")
_LONGEST: Final = 128
_SUBJECT = (
    select(chain.event_subjects.c.block)
    .where(chain.event_subjects.c.kind == bindparam("what"), chain.event_subjects.c.subject == bindparam("name"))
    .limit(1)
)
# In the order in which a bare digest is looked for.
_DIGESTS: Final = (
    SubjectKind.CASE, SubjectKind.CONSENT, SubjectKind.AGREEMENT, SubjectKind.LOOKUP, SubjectKind.POINTER,
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Identified:
    """Kind and canonical name of a thing, and the subjects under which its events are found.

    ``transaction`` is set instead of subjects for a transaction; ``leaves`` are (contract, batch, index) whose anchoring
    belongs to the trace.
    """

    kind: str
    name: str
    subjects: tuple[tuple[SubjectKind, str], ...] = ()
    leaves: tuple[tuple[str, int, int], ...] = ()
    transaction: bytes | None = None


def identify(connection: Connection, identifier: str) -> Identified | None:
    """Find what an identifier names; ``None`` where the picture has no such thing.

    Raises:
        InputError: ``tracing.identifier``: it has none of the forms.
        ConflictError: ``tracing.ambiguous``: a number that several generations of a contract have; name the contract.
            ``tracing.short``: first digits that several things share.
    """
    text = identifier.strip().lower()
    if not text or len(text) > _LONGEST:
        raise InputError("tracing.identifier")
    prefix, _, rest = text.partition(":")
    if rest and prefix in _BY_KIND:
        return _BY_KIND[prefix](connection, rest)
    if found := _HEX.match(text):
        return _digest(connection, found[1])
    if _ADDRESS.match(text):
        return _key(connection, text)
    if rest and (_NUMBER.match(prefix) or _ADDRESS.match(prefix)):
        return _leaf(connection, text)
    if _NUMBER.match(text) and len(text) == 6:
        return _member(connection, text)
    if found := _SHORT.match(text):
        kinds = _beginning(connection, _DIGESTS, found[1])
        return Identified(kinds[0][0].value, kinds[0][1], (kinds[0],)) if kinds else None
    raise InputError("tracing.identifier")


def whole(connection: Connection, kind: SubjectKind, text: str) -> bytes:
    """The 32 bytes of an id that is given whole or by its first digits, eight or more; ``kind:`` may stand before it.

    A whole id is not looked for: whoever asks with it says what is not there.

    Raises:
        InputError: ``tracing.identifier``.
        NotFoundError: ``tracing.unknown``: nothing of this kind begins so.
        ConflictError: ``tracing.short``: several do.
    """
    digits = text.strip().lower().removeprefix(f"{kind.value}:")
    if found := _HEX.match(digits):
        return bytes.fromhex(found[1])
    short = _SHORT.match(digits)
    if short is None:
        raise InputError("tracing.identifier")
    known = _beginning(connection, (kind,), short[1])
    if not known:
        raise NotFoundError("tracing.unknown")
    return bytes.fromhex(known[0][1])


def _beginning(connection: Connection, kinds: tuple[SubjectKind, ...], digits: str) -> list[tuple[SubjectKind, str]]:
    """The one subject of these kinds that begins so, if any."""
    table = chain.event_subjects
    found: list[tuple[SubjectKind, str]] = []
    for kind in kinds:
        # "g" follows every hex digit: a range, so that the index serves.
        query = (
            select(table.c.subject)
            .where(table.c.kind == kind.value, table.c.subject >= digits, table.c.subject < digits + "g")
            .distinct()
            .limit(2)
        )
        found += [(kind, subject) for subject in connection.execute(query).scalars()]
    if len(found) > 1:
        raise ConflictError("tracing.short")
    return found


def _known(connection: Connection, kind: SubjectKind, subject: str) -> bool:
    return connection.execute(_SUBJECT, {"what": kind.value, "name": subject}).first() is not None


def _digest(connection: Connection, digits: str) -> Identified | None:
    for kind in _DIGESTS:
        if _known(connection, kind, digits):
            return Identified(kind.value, digits, ((kind, digits),))
    return (
        _transaction(connection, digits)
        or _file(connection, digits)
        or (
            Identified("refused", digits, ((SubjectKind.REFUSED, digits),))
            if _known(connection, SubjectKind.REFUSED, digits)
            else None
        )
    )


def _of_digest(kind: SubjectKind, connection: Connection, text: str) -> Identified | None:
    if short := _SHORT.match(text):
        found = _beginning(connection, (kind,), short[1])
        return Identified(kind.value, found[0][1], (found[0],)) if found else None
    digits = _digits(text)
    known = _known(connection, kind, digits) or _known(connection, SubjectKind.REFUSED, digits)
    return Identified(kind.value, digits, ((kind, digits),)) if known else None


def _digits(text: str) -> str:
    found = _HEX.match(text)
    if found is None:
        raise InputError("tracing.identifier")
    return found[1]


def _number(text: str) -> int:
    if not _NUMBER.match(text):
        raise InputError("tracing.identifier")
    return int(text)


def _transaction(connection: Connection, text: str) -> Identified | None:
    digits = _digits(text)
    table = chain.events
    query = select(table.c.block).where(table.c.transaction == bytes.fromhex(digits)).limit(1)
    if connection.execute(query).first() is None:
        return None
    return Identified("transaction", digits, transaction=bytes.fromhex(digits))


def _file(connection: Connection, text: str) -> Identified | None:
    """A file of this city's own materials, by its SHA-256 or SM3 digest."""
    digits = _digits(text)
    files, leaves = materials.material_files, materials.material_leaves
    digest = bytes.fromhex(digits)
    rows = connection.execute(
        select(leaves.c.contract, leaves.c.batch, leaves.c.index)
        .join(files, files.c.material == leaves.c.material)
        .where(or_(files.c.sha256 == digest, files.c.sm3 == digest))
        .distinct()
        .order_by(leaves.c.contract, leaves.c.batch, leaves.c.index)
    ).all()
    if not rows:
        return None
    found = tuple((contract, batch, index) for contract, batch, index in rows)
    return Identified("file", digits, tuple((SubjectKind.LEAF, leaf_key(*leaf)) for leaf in found), found)


def _leaf(connection: Connection, text: str) -> Identified | None:
    *contract, batch, index = text.split(":") if text.count(":") in {1, 2} else ("", "", "", "")
    number, place = _number(batch), _number(index)
    where = _contract_of_batch(connection, number, contract[0] if contract else None, place)
    if where is None:
        return None
    name = leaf_key(where, number, place)
    return Identified("leaf", name, ((SubjectKind.LEAF, name),), ((where, number, place),))


def _batch(connection: Connection, text: str) -> Identified | None:
    *contract, batch = text.split(":")
    number = _number(batch)
    where = _contract_of_batch(connection, number, contract[0] if contract else None, 0)
    if where is None:
        return None
    name = batch_key(where, number)
    return Identified("batch", name, ((SubjectKind.BATCH, name),))


def _contract_of_batch(connection: Connection, batch: int, contract: str | None, index: int) -> str | None:
    table = materials.batches
    query = select(table.c.contract).where(table.c.batch == batch, table.c.size > index)
    if contract is not None:
        query = query.where(table.c.contract == contract)
    found = connection.execute(query).scalars().all()
    if len(found) > 1:
        raise ConflictError("tracing.ambiguous")
    return found[0] if found else None


def _use(connection: Connection, text: str) -> Identified | None:
    *contract, use = text.split(":")
    table = consents.uses
    query = select(table.c.contract, table.c.consent).where(table.c.use == _number(use))
    if contract:
        query = query.where(table.c.contract == contract[0])
    found = connection.execute(query).all()
    if len(found) > 1:
        raise ConflictError("tracing.ambiguous")
    if not found:
        return None
    name = use_key(found[0].contract, int(use))
    subjects = [(SubjectKind.USE, name)]
    if any(found[0].consent):
        subjects.append((SubjectKind.CONSENT, found[0].consent.hex()))
    return Identified("use", name, tuple(subjects))


def _member(connection: Connection, text: str) -> Identified | None:
    table = consortium.members
    number = _number(text)
    query = select(table.c.member).where(or_(table.c.member == number, table.c.division == number))
    found = connection.execute(query).scalars().all()
    if len(found) > 1:
        raise ConflictError("tracing.ambiguous")
    return Identified("member", str(found[0]), ((SubjectKind.MEMBER, str(found[0])),)) if found else None


def _key(connection: Connection, text: str) -> Identified | None:
    if not _ADDRESS.match(text):
        raise InputError("tracing.identifier")
    for kind in (SubjectKind.KEY, SubjectKind.CONTRACT):
        if _known(connection, kind, text):
            return Identified(kind.value, text, ((kind, text),))
    return None


def _proposal(connection: Connection, text: str) -> Identified | None:
    name = str(_number(text))
    known = _known(connection, SubjectKind.PROPOSAL, name)
    return Identified("proposal", name, ((SubjectKind.PROPOSAL, name),)) if known else None


_BY_KIND: Final = {
    **{
        kind.value: lambda connection, text, kind=kind: _of_digest(kind, connection, text)  # type: ignore[misc]  # bound early
        for kind in _DIGESTS
    },
    "leaf": _leaf,
    "batch": _batch,
    "use": _use,
    "member": _member,
    "proposal": _proposal,
    "transaction": _transaction,
    "tx": _transaction,
    "file": _file,
    "key": _key,
    "contract": _key,
}
