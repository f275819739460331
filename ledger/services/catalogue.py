"""Matters that cities publish, and whom they let decide in their name.

Published documents are public: each lies as one raw block whose identifier is the digest that stands on the chain, so
whoever has the chain can fetch and check it. Every function writes one intent and returns its name; asking twice does it
once, asking again after something else has taken its place does it again (``asking``).
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass

from sqlalchemy import select, tuple_
from sqlalchemy.engine import Connection

from ledger.blobs.cids import cid_from_digest
from ledger.domain import canonical
from ledger.domain.agreements import text_digest
from ledger.domain.calls import Fields
from ledger.domain.catalogue import LimitRule
from ledger.domain.consortium import ContractKind
from ledger.domain.matters import Matter, read_matter
from ledger.domain.operations import Operation
from ledger.errors import AuthorityError, FormatError, IntegrityError, NotFoundError, UnavailableError
from ledger.services.asking import ask_for
from ledger.services.context import Node
from ledger.services.registry import current_contract
from ledger.storage.tables import catalogue as tables

__all__ = [
    "DelegationShown",
    "MatterShown",
    "ask_catalogue",
    "delegate",
    "delegations",
    "entries_here",
    "fetch_once",
    "matter_document",
    "matter_documents",
    "matters",
    "publish",
    "published",
    "withdraw",
]


@dataclass(frozen=True, slots=True)
class MatterShown:
    """A member's newest version of a matter, as the chain has it."""

    member: int
    matter: bytes
    version: int
    code: str
    rule: LimitRule
    digest: bytes
    offered: bool


@dataclass(frozen=True, slots=True)
class DelegationShown:
    """That another city decides a matter in a member's name; both moments are seconds, the end is the first one out."""

    grantor: int
    grantee: int
    matter: bytes
    valid_from: int
    valid_until: int


def publish(node: Node, matter: Matter) -> str:
    """Publish this city's entry of a matter, as a new version where there is one already."""
    document = canonical.encode(matter.document())
    node.blobs.put(document)
    fields: Fields = {
        "matter": matter.code.id,
        "rule": matter.rule.pack(),
        "digest": matter.digest,
        "blob": matter.digest,
        "code": matter.code.text,
    }

    def stands(connection: Connection, contract: str) -> bool:
        present = _offered(connection, contract, node.member, matter.code.id)
        return present is not None and present == (matter.digest, matter.rule.pack())

    thing = f"matter:{matter.code.id.hex()[:32]}"
    said = f"publish:{matter.digest.hex()[:32]}"
    return ask_catalogue(node, Operation.PUBLISH, fields, thing, said, role="operate", stands=stands)


def withdraw(node: Node, matter: bytes) -> str:
    """Open no new cases of a matter here any more; running ones finish."""

    def stands(connection: Connection, contract: str) -> bool:
        return _offered(connection, contract, node.member, matter) is None

    thing = f"matter:{matter.hex()[:32]}"
    return ask_catalogue(node, Operation.WITHDRAW, {"value": matter}, thing, "withdraw", role="operate", stands=stands)


def delegate(
    node: Node, grantee: int, matter: bytes, text: canonical.JsonObject, *, valid_from: int, valid_until: int
) -> str:
    """Authorise another city to decide a matter in this one's name 异地授权."""
    digest = text_digest(text)
    node.blobs.put(canonical.encode(text))
    fields: Fields = {
        "grantee": grantee,
        "matter": matter,
        "valid_from": valid_from,
        "valid_until": valid_until,
        "digest": digest,
        "blob": digest,
    }

    def stands(connection: Connection, contract: str) -> bool:
        table = tables.delegations
        present = select(table.c.valid_from, table.c.valid_until, table.c.digest).where(
            table.c.contract == contract,
            table.c.grantor == node.member,
            table.c.grantee == grantee,
            table.c.matter == matter,
        )
        row = connection.execute(present).one_or_none()
        return row is not None and (row.valid_from, row.valid_until, bytes(row.digest)) == (
            valid_from,
            valid_until,
            digest,
        )

    said = f"{digest.hex()[:16]}:{valid_from}:{valid_until}"
    return ask_catalogue(
        node, Operation.DELEGATE, fields, f"delegate:{grantee}:{matter.hex()[:32]}", said, stands=stands
    )


def matters(connection: Connection, member: int | None = None) -> list[MatterShown]:
    """Return what members offer now, or one member's."""
    table = tables.matters
    query = select(table).where(table.c.offered).order_by(table.c.member, table.c.code)
    if member is not None:
        query = query.where(table.c.member == member)
    return [
        MatterShown(
            row.member, bytes(row.matter), row.version, row.code, LimitRule.unpack(int(row.rule)), bytes(row.digest),
            offered=True,
        )
        for row in connection.execute(query)
    ]  # fmt: skip


def matter_document(node: Node, member: int, matter: bytes) -> tuple[Matter, int]:
    """Return a member's published entry of a matter and its version, from here or from that member.

    Raises:
        NotFoundError: ``catalogue.not_offered``.
        IntegrityError: ``catalogue.document_differs``.
        UnavailableError: ``peers.…``.
    """
    with node.database.read() as connection:
        found = next((item for item in matters(connection, member) if item.matter == matter), None)
    if found is None:
        raise NotFoundError("catalogue.not_offered", member=member)
    return _entry(published(node, member, found.digest), member, matter), found.version


def matter_documents(node: Node, listed: Iterable[MatterShown]) -> dict[bytes, Matter]:
    """Return the entries of what is listed, by matter, as far as they can be had now.

    A member that does not answer is asked once; what it has published and was read before is here.
    """
    found: dict[bytes, Matter] = {}
    away: set[int] = set()
    for item in listed:
        try:
            data = published(node, item.member, item.digest, ask=item.member not in away)
            found[item.matter] = _entry(data, item.member, item.matter)
        except (AuthorityError, NotFoundError, UnavailableError):
            away.add(item.member)
        except (FormatError, IntegrityError):
            # The contract takes any digest: what one member published is no entry, and the others' are not its hostages.
            continue
    return found


def fetch_once(node: Node) -> int:
    """Fetch the entries of what others offer that are not here yet, and return how many came.

    What a matter is called and what it needs is then known here while the city that decides it is away.
    """
    with node.database.read() as connection:
        listed = matters(connection)
    missing = [item for item in listed if not node.blobs.has(cid_from_digest(item.digest))]
    return len(matter_documents(node, missing))


def entries_here(node: Node, wanted: Collection[tuple[int, bytes]]) -> dict[tuple[int, bytes], Matter]:
    """Return the entries, by member and matter, of matters offered now whose documents are here; nobody is asked."""
    table = tables.matters
    query = select(table.c.member, table.c.matter, table.c.digest).where(
        table.c.offered, tuple_(table.c.member, table.c.matter).in_(list(wanted))
    )
    with node.database.read() as connection:
        rows = connection.execute(query).all()
    found = {}
    for row in rows:
        try:
            data = node.blobs.local(cid_from_digest(bytes(row.digest)))
            found[row.member, bytes(row.matter)] = _entry(data, row.member, bytes(row.matter))
        except (NotFoundError, FormatError, IntegrityError):
            # Not fetched yet; or no entry of this matter, for the contract takes any digest.
            continue
    return found


def delegations(connection: Connection, grantor: int, *, now: int) -> list[DelegationShown]:
    """Return what a member has others decide in its name now."""
    table = tables.delegations
    query = select(table).where(table.c.grantor == grantor, table.c.valid_from <= now, table.c.valid_until > now)
    return [
        DelegationShown(row.grantor, row.grantee, bytes(row.matter), row.valid_from, row.valid_until)
        for row in connection.execute(query.order_by(table.c.matter, table.c.grantee))
    ]


def published(node: Node, member: int, digest: bytes, *, ask: bool = True) -> bytes:
    """Return a published document by its digest, from here or from the member that published it; then it is kept here.

    Args:
        node: this city's.
        member: who published it.
        digest: as it stands on the chain.
        ask: whether that member may be asked.

    Raises:
        NotFoundError: ``blobs.not_found``.
        IntegrityError: ``catalogue.document_differs``.
        UnavailableError: ``peers.…``.
    """
    cid = cid_from_digest(digest)
    try:
        return node.blobs.get(cid)
    except NotFoundError:
        if not ask:
            raise
    data = node.peers.blob(member, cid)
    if hashlib.sha256(data).digest() != digest:
        raise IntegrityError("catalogue.document_differs", member=member)
    node.blobs.put(data)
    return data


def _offered(connection: Connection, contract: str, member: int, matter: bytes) -> tuple[bytes, int] | None:
    """The text and the rule under which a member offers a matter now."""
    table = tables.matters
    row = connection.execute(
        select(table.c.digest, table.c.rule).where(
            table.c.contract == contract, table.c.member == member, table.c.matter == matter, table.c.offered
        )
    ).one_or_none()
    return None if row is None else (bytes(row.digest), int(row.rule))


def _entry(data: bytes, member: int, matter: bytes) -> Matter:
    """The entry that a document is, if it is of this matter."""
    entry = read_matter(data)
    if entry.code.id != matter:
        raise IntegrityError("catalogue.document_differs", member=member)
    return entry


def ask_catalogue(
    node: Node,
    operation: Operation,
    fields: Fields,
    thing: str,
    said: str,
    *,
    role: str = "administer",
    stands: Callable[[Connection, str], bool] = lambda _connection, _contract: True,
    alone: bool = False,
) -> str:
    """Write down what the catalogue's contract is asked, and return the intent's name; as ``asking.ask_for``."""
    with node.database.read() as connection:
        contract = current_contract(connection, ContractKind.CATALOGUE)

    def still(connection: Connection) -> bool:
        return stands(connection, contract)

    return ask_for(node, operation, contract, fields, thing, said, role=role, stands=still, alone=alone)
