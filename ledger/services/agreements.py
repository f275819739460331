"""The agreements under which cities receive and decide for one another: drafted, accepted by each party, ended.

Every function that asks for something writes one intent and returns its name, as in ``catalogue``; the text itself is a
published document, fetched by its digest.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import func, select
from sqlalchemy.engine import Connection

from ledger.domain import canonical
from ledger.domain.agreements import AgreementKind, text_digest
from ledger.domain.calls import Fields
from ledger.domain.cases import Mode
from ledger.domain.catalogue import agreement_id, modes_of
from ledger.domain.consortium import ContractKind, MemberStatus
from ledger.domain.operations import Operation
from ledger.services.catalogue import ask_catalogue, published
from ledger.services.context import Node
from ledger.services.registry import current_contract
from ledger.storage.tables import catalogue as tables
from ledger.storage.tables import consortium as register

__all__ = [
    "AgreementShown",
    "accept",
    "agreements",
    "covering",
    "draft",
    "end",
    "text_of",
]

_ZERO = bytes(32)
_SALT = b"tongban/agreement/1\n"


@dataclass(frozen=True, slots=True)
class AgreementShown:
    """One version of an agreement: parties, matters with their modes, and where it stands."""

    agreement: bytes
    version: int
    drafted_by: int
    digest: bytes
    kind: AgreementKind
    parent: bytes
    predecessor: bytes
    parties: tuple[int, ...]
    matters: tuple[tuple[bytes, tuple[Mode, ...]], ...]
    notice_days: int
    valid_from: int
    valid_until: int
    accepted: tuple[int, ...]
    in_force_at: int | None
    superseded_at: int | None
    ends: int | None


def draft(
    node: Node,
    text: canonical.JsonObject,
    *,
    parties: Sequence[int],
    matters: Mapping[bytes, int],
    notice_days: int,
    valid_from: int,
    valid_until: int = 0,
    salt: bytes | None = None,
    kind: AgreementKind = AgreementKind.NEW,
    agreement: bytes = _ZERO,
    parent: bytes = _ZERO,
    predecessor: bytes = _ZERO,
) -> tuple[bytes, str]:
    """Put an agreement's text to its parties; return its id and the intent.

    Args:
        node: the drafting city, a party.
        text: the document itself.
        parties: members, by number.
        matters: modes of handling for each matter, as ``catalogue.mode_bits``.
        notice_days: between a party's notice and the end.
        valid_from: POSIX seconds; 0 for as soon as every party has accepted.
        valid_until: 0 for no end.
        salt: of a new agreement's id, 32 bytes; by default it follows from the text, so that a text is drafted once
            however often it is asked for, and once more when notice of it was given.
        kind: new, or an amendment or accession of ``agreement``.
        agreement: the one that is changed.
        parent: the agreement that a new one rests on.
        predecessor: the one that a new one succeeds.
    """
    digest = text_digest(text)
    node.blobs.put(canonical.encode(text))
    named = agreement
    if kind is AgreementKind.NEW:
        with node.database.read() as connection:
            contract = current_contract(connection, ContractKind.CATALOGUE)
            salt = salt if salt is not None else _salt(connection, node.member, digest)
        named = agreement_id(chain_id=node.chain_id, contract=contract, member=node.member, salt=salt)
    listed = sorted(matters.items())
    fields: Fields = {
        # A new agreement's id is made by the contract from this salt; a change names the agreement.
        "agreement": salt if salt is not None and kind is AgreementKind.NEW else agreement,
        "kind": int(kind),
        "parent": parent,
        "predecessor": predecessor,
        "notice_days": notice_days,
        "valid_from": valid_from,
        "valid_until": valid_until,
        "digest": digest,
        "blob": digest,
        "parties": sorted(parties),
        "matters": [matter for matter, _ in listed],
        "modes": [bits for _, bits in listed],
    }

    def stands(connection: Connection, _contract: str) -> bool:
        table = tables.agreements
        newest = select(table.c.digest).where(table.c.agreement == named).order_by(table.c.version.desc()).limit(1)
        return connection.execute(newest).scalar() == digest

    return named, ask_catalogue(
        node, Operation.DRAFT, fields, f"draft:{named.hex()}", f"{int(kind)}:{digest.hex()[:16]}", stands=stands
    )


def accept(node: Node, agreement: bytes, version: int) -> str:
    """Accept a draft with this member's own key."""
    fields: Fields = {"agreement": agreement, "version": version}
    return ask_catalogue(node, Operation.ACCEPT, fields, f"accept:{agreement.hex()}", str(version), alone=True)


def end(node: Node, agreement: bytes, notice: canonical.JsonObject) -> str:
    """Give notice; running cases finish under the old terms."""
    node.blobs.put(canonical.encode(notice))
    digest = text_digest(notice)
    fields: Fields = {"agreement": agreement, "digest": digest}
    return ask_catalogue(node, Operation.END, fields, f"end:{agreement.hex()}", digest.hex()[:16])


def text_of(node: Node, shown: AgreementShown) -> canonical.JsonObject:
    """Return the text that a version's parties accept, from here or from the member that drafted it.

    Raises:
        IntegrityError: ``catalogue.document_differs``.
        UnavailableError: ``peers.…``.
        FormatError: it is no canonical object.
    """
    return canonical.decode_object(published(node, shown.drafted_by, shown.digest))


def agreements(connection: Connection, agreement: bytes | None = None) -> list[AgreementShown]:
    """Return agreements with all their versions, the newest version of each first; or one agreement's."""
    table = tables.agreements
    begun = func.min(table.c.block).over(partition_by=table.c.agreement)
    query = select(table).order_by(begun, table.c.agreement, table.c.version.desc())
    if agreement is not None:
        query = query.where(table.c.agreement == agreement)
    return [_shown(connection, row) for row in connection.execute(query).all()]


def covering(
    connection: Connection, *, receiving: int, handling: int, matter: bytes, mode: Mode, now: int
) -> tuple[bytes, int] | None:
    """Return the agreement and version to name for a new case, or ``None`` where none covers it.

    None covers a case of a member that is not in good standing, as the contract has it.
    Of several that cover it the one that came into force last is named, and before others one of which no notice was
    given: a later text of the same parties is the one that they mean.
    """
    if not _active(connection, {receiving, handling}):
        return None
    fitting = []
    for item in agreements(connection):
        if item.in_force_at is None or item.superseded_at is not None:
            continue
        over = item.ends is not None and now >= item.ends
        if over or now < item.valid_from or (item.valid_until and now >= item.valid_until):
            continue
        if {receiving, handling} <= set(item.parties) and mode in dict(item.matters).get(matter, ()):
            fitting.append((item.ends is None, item.in_force_at, item.agreement, item.version))
    if not fitting:
        return None
    _, _, agreement, version = max(fitting)
    return agreement, version


def _shown(connection: Connection, row: object) -> AgreementShown:
    agreement, version = row.agreement, row.version  # type: ignore[attr-defined]  # a row of the table above
    parties, items, accepted, ends = (
        tables.agreement_parties,
        tables.agreement_items,
        tables.acceptances,
        tables.agreement_ends,
    )
    members = connection.execute(
        select(parties.c.member)
        .where(parties.c.agreement == agreement, parties.c.version == version, parties.c.party)
        .order_by(parties.c.member)
    ).scalars()
    listed = connection.execute(
        select(items.c.matter, items.c.modes)
        .where(items.c.agreement == agreement, items.c.version == version)
        .order_by(items.c.matter)
    )
    signed = connection.execute(
        select(accepted.c.member)
        .where(accepted.c.agreement == agreement, accepted.c.version == version)
        .order_by(accepted.c.member)
    ).scalars()
    values = row._mapping  # type: ignore[attr-defined]  # noqa: SLF001 - SQLAlchemy's public name
    return AgreementShown(
        agreement=bytes(agreement),
        version=version,
        drafted_by=values["member"],
        digest=bytes(values["digest"]),
        kind=AgreementKind(values["kind"]),
        parent=bytes(values["parent"]),
        predecessor=bytes(values["predecessor"]),
        parties=tuple(members),
        matters=tuple((bytes(item.matter), modes_of(item.modes)) for item in listed),
        notice_days=values["notice_days"],
        valid_from=values["valid_from"],
        valid_until=values["valid_until"],
        accepted=tuple(signed),
        in_force_at=values["in_force_at"],
        superseded_at=values["superseded_at"],
        ends=connection.execute(select(ends.c.effective).where(ends.c.agreement == agreement)).scalar(),
    )


def _active(connection: Connection, members: set[int]) -> bool:
    table = register.members
    query = select(func.count()).where(table.c.member.in_(members), table.c.status == int(MemberStatus.ACTIVE))
    return connection.execute(query).scalar_one() == len(members)


def _salt(connection: Connection, member: int, digest: bytes) -> bytes:
    """The salt of a member's next agreement with a text: another one for each of which notice was given."""
    table, ends = tables.agreements, tables.agreement_ends
    over = (
        select(func.count())
        .select_from(table.join(ends, ends.c.agreement == table.c.agreement))
        .where(table.c.member == member, table.c.version == 1, table.c.digest == digest)
    )
    turn = connection.execute(over).scalar_one()
    said: canonical.JsonObject = {"member": member, "text": digest.hex(), "turn": turn}
    return hashlib.sha256(_SALT + canonical.encode(said)).digest()
