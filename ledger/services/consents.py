"""Granting and revoking: what an applicant signed becomes an intent of whichever city relays it.

Any city relays and the holder pays nothing. Nothing here decides whether a consent is good: the contract does. What is
refused beforehand is refused with the contract's own reason, so that nobody waits for an answer that is known.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import and_, false, or_, select
from sqlalchemy.engine import Connection

from ledger.chain.codec import canonical_call
from ledger.domain import merkle, typed
from ledger.domain.calls import Fields, Value
from ledger.domain.consents import ConsentTerms, Grantee, Purpose, check_terms, consent_digest
from ledger.domain.leaves import LeafEntry
from ledger.domain.operations import Operation
from ledger.domain.reasons import Reason
from ledger.errors import InputError, RefusedError
from ledger.services.asking import ask
from ledger.services.context import Node
from ledger.storage.outbox import Intent
from ledger.storage.tables import consents as tables
from ledger.storage.tables import materials as material_tables
from ledger.storage.tables.consortium import members
from ledger.wire.consents import Disclosed, new_disclosed

__all__ = [
    "LeafShown",
    "Prepared",
    "Reading",
    "feed",
    "grant",
    "grant_witnessed",
    "listed",
    "prepare",
    "revoke",
    "revoke_witnessed",
    "stands_in_batch",
]


@dataclass(frozen=True, slots=True)
class LeafShown:
    """A leaf as the contract wants to see it: its 58 bytes and the path to its batch's root; the holder's signature
    over the consent where the holder signs.
    """  # noqa: D205 - one sentence needs two lines

    leaf: int
    entry: bytes
    path: tuple[bytes, ...]
    signature: bytes = b""

    def fields(self) -> dict[str, Value]:
        """Return the struct's fields."""
        entry = LeafEntry.decode(self.entry)
        fields: dict[str, Value] = {
            "leaf": self.leaf,
            "version": int(entry.holding),
            "holder": "0x" + entry.holder.hex(),
            "valid_until": entry.valid_until,
            "commitment": entry.commitment,
            "path": list(self.path),
        }
        if self.signature:
            fields.update(split_signature(self.signature))
        return fields


@dataclass(frozen=True, slots=True)
class Prepared:
    """A consent ready to be shown and signed: its terms, the document of disclosed fields, its name."""

    terms: ConsentTerms
    disclosed: Disclosed
    digest: bytes


@dataclass(frozen=True, slots=True)
class Reading:
    """One line of the access list: who read what, when, for which case; ``basis`` 1 consent, 2 statutory duty."""

    use: int
    member: int
    case: bytes
    leaf: int
    basis: int
    block: int
    time: int


def prepare(
    node: Node,
    contract: str,
    cases: str,
    *,
    case: bytes,
    matter: bytes,
    shown: Mapping[int, tuple[str, ...]],
    grantees: Sequence[Grantee],
    days: int,
    purpose: Purpose = Purpose.HANDLE,
) -> Prepared:
    """Make a consent's terms, to be shown in words and signed by every leaf's holder.

    Args:
        node: the city that prepares it.
        contract: the materials contract that holds the leaves.
        cases: the cases contract of the case.
        case: the case it is for.
        matter: the case's matter.
        shown: for each leaf (``batch << 32 | index``) the fields that may be seen.
        grantees: who may read, and how often.
        days: for how many days from now.
        purpose: what for.

    Raises:
        InputError: ``consents.nothing_disclosed``.
        RefusedError: ``consents.refused`` with the reason the contract would give, or for a city that is no member.
    """
    now = node.clock()
    with node.database.read() as connection:
        known = set(connection.execute(select(members.c.member)).scalars())
    if not {grantee.member for grantee in grantees} <= known:
        _require(Reason.UNKNOWN_MEMBER)
    disclosed = new_disclosed(shown, node.random)
    terms = ConsentTerms(
        leaves=tuple(sorted(shown)),
        grantees=tuple(sorted(grantees)),
        matter=matter,
        cases=cases,
        case=case,
        purpose=purpose,
        disclosed=disclosed.digest,
        valid_from=now,
        valid_until=now + days * 86_400,
        salt=node.random(32),
    )
    _require(check_terms(terms, now))
    return Prepared(terms, disclosed, consent_digest(terms, node.chain_id, contract))


def grant(node: Node, contract: str, terms: ConsentTerms, leaves: Sequence[LeafShown]) -> str:
    """Relay a consent that every leaf's holder signed.

    Returns:
        The intent's id.

    Raises:
        RefusedError: ``consents.refused``: a signature is not the holder's, or a term cannot be.
    """
    _require(check_terms(terms, node.clock()))
    digest = consent_digest(terms, node.chain_id, contract)
    for leaf in leaves:
        if typed.recover(digest, leaf.signature) != "0x" + LeafEntry.decode(leaf.entry).holder.hex():
            _require(Reason.BAD_SIGNATURE)
    fields = _terms_fields(terms) | {"leaves": [leaf.fields() for leaf in leaves]}
    return _enqueue(node, Operation.GRANT, contract, digest, fields)


def grant_witnessed(
    node: Node,
    contract: str,
    terms: ConsentTerms,
    leaves: Sequence[LeafShown],
    *,
    attending: int,
    paper: bytes,
    signatures: Sequence[bytes],
) -> str:
    """Relay a consent signed on paper: two witnesses' signatures and the custodian's, in this order.

    Returns:
        The intent's id.

    Raises:
        RefusedError: ``consents.refused``.
    """
    _require(check_terms(terms, node.clock()))
    digest = consent_digest(terms, node.chain_id, contract)
    fields = _terms_fields(terms) | {
        "leaves": [leaf.fields() for leaf in leaves],
        "attending": attending,
        "paper": paper,
        "signatures": [split_signature(signature) for signature in signatures],
    }
    return _enqueue(node, Operation.GRANT_WITNESSED, contract, digest, fields)


def revoke(node: Node, contract: str, consent: bytes, leaf: LeafShown) -> str:
    """Relay one holder's revocation; ``leaf.signature`` is over the revocation. Works before the grant as well.

    Returns:
        The intent's id.
    """
    fields: dict[str, Value] = {"consent": consent} | leaf.fields()
    return _enqueue(node, Operation.REVOKE_CONSENT, contract, consent, fields)


def revoke_witnessed(
    node: Node, contract: str, consent: bytes, *, attending: int, paper: bytes, signatures: Sequence[bytes]
) -> str:
    """Relay a revocation that two witnesses of a window signed.

    Returns:
        The intent's id.
    """
    fields: dict[str, Value] = {
        "consent": consent,
        "paper": paper,
        "attending": attending,
        "signatures": [split_signature(signature) for signature in signatures],
    }
    return _enqueue(node, Operation.REVOKE_WITNESSED, contract, consent, fields)


def stands_in_batch(connection: Connection, contract: str, shown: LeafShown) -> bool:
    """Whether a leaf that came with a holder's document stands under the root of its batch; a batch that this city does
    not know yet is left to the contract.
    """  # noqa: D205 - one sentence needs two lines
    table = material_tables.batches
    row = connection.execute(
        select(table.c.root, table.c.size).where(table.c.contract == contract, table.c.batch == shown.leaf >> 32)
    ).first()
    if row is None:
        return True
    index, hashed = shown.leaf & 0xFFFFFFFF, merkle.leaf_hash(shown.entry)
    try:
        merkle.verify_inclusion(hashed, index, int(row.size), shown.path, bytes(row.root))
    except InputError:
        return False
    return True


def feed(connection: Connection, places: Iterable[tuple[str, int]], *, limit: int) -> list[Reading]:
    """Return the access list of some leaves, the newest reading first.

    Args:
        connection: this city's picture.
        places: contract and leaf (``batch << 32 | index``) of each: every generation of the contract numbers its batches.
        limit: how many at most.
    """
    uses, used = tables.uses, tables.use_leaves
    by_batch: dict[tuple[str, int], list[int]] = {}
    for contract, leaf in places:
        by_batch.setdefault((contract, leaf >> 32), []).append(leaf & 0xFFFFFFFF)
    ours = (
        and_(used.c.contract == contract, used.c.batch == batch, used.c.index.in_(indices))
        for (contract, batch), indices in by_batch.items()
    )
    rows = connection.execute(
        select(
            uses.c.use, uses.c.member, uses.c.case, uses.c.basis, uses.c.block, uses.c.time,
            used.c.batch, used.c.index.label("place"),
        )
        .join(used, and_(used.c.contract == uses.c.contract, used.c.use == uses.c.use))
        .where(or_(false(), *ours))
        .order_by(uses.c.block.desc(), uses.c.use.desc())
        .limit(limit)
    )  # fmt: skip
    return [
        Reading(row.use, row.member, row.case, row.batch << 32 | row.place, row.basis, row.block, row.time)
        for row in rows
    ]


def listed(connection: Connection, *, case: bytes | None = None, limit: int = 100) -> list[dict[str, object]]:
    """Return consents on the record, the newest first: all, or those for one case; digests as hex.

    ``grantees`` says of each city how many uses it was given and how many are left.
    """
    table = tables.consents
    query = select(table).order_by(table.c.block.desc()).limit(limit)
    if case is not None:
        query = query.where(table.c.case == case)
    rows = [dict(row._mapping) for row in connection.execute(query)]  # noqa: SLF001 - SQLAlchemy's public name
    given = tables.consent_grantees
    found: dict[bytes, list[dict[str, int]]] = {}
    for one in connection.execute(
        select(given).where(given.c.consent.in_([row["consent"] for row in rows])).order_by(given.c.member)
    ):
        grantee = {"member": int(one.member), "uses": int(one.uses), "remaining": int(one.remaining)}
        found.setdefault(bytes(one.consent), []).append(grantee)
    return [
        {name: value.hex() if isinstance(value, bytes) else value for name, value in row.items()}
        | {"grantees": found.get(row["consent"], [])}
        for row in rows
    ]


def split_signature(signature: bytes) -> dict[str, Value]:
    """Return a signature's fields as the contracts take them."""
    return {
        "r": int.from_bytes(signature[:32], "big"),
        "s": int.from_bytes(signature[32:64], "big"),
        "v": signature[64],
    }


def _terms_fields(terms: ConsentTerms) -> dict[str, Value]:
    return {
        "matter": terms.matter,
        "cases": terms.cases,
        "case": terms.case,
        "purpose": int(terms.purpose),
        "disclosed": terms.disclosed,
        "valid_from": terms.valid_from,
        "valid_until": terms.valid_until,
        "salt": terms.salt,
        "grantees": [grantee.packed() for grantee in terms.grantees],
    }


def _enqueue(node: Node, operation: Operation, contract: str, consent: bytes, fields: Fields) -> str:
    name = f"{operation.name.lower()}:{consent.hex()}"
    with node.begin() as uow:
        intent = Intent(
            id=name,
            operation=operation,
            contract=contract,
            role="operate",
            subject=consent,
            call=canonical_call(operation, fields),
        )
        name = ask(uow.connection, intent, now=node.clock())
        uow.commit()
    return name


def _require(reason: Reason) -> None:
    if reason is not Reason.OK:
        raise RefusedError("consents.refused", reason=reason.name.lower())
