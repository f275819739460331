"""Being asked: what a city does with another's question about a person.

Only a question that this city's own picture of the chain knows, and that the chain commits to, is answered; the witnesses of the asking city are checked here once more. Empty, refused and full answers have one length.
"""

from __future__ import annotations

import hashlib
from dataclasses import replace
from typing import Any

from sqlalchemy import Row, and_, delete, select

from ledger.chain.codec import canonical_call
from ledger.domain import boxes
from ledger.domain.consortium import ContractKind
from ledger.domain.leaves import Holding
from ledger.domain.limits import LIMITS
from ledger.domain.operations import Operation
from ledger.errors import ConflictError, FormatError, InputError, LedgerError
from ledger.ports import TypedMessage
from ledger.services import custody, holders, persons, releasing
from ledger.services.context import Node
from ledger.services.opening import Unseal
from ledger.services.persons import Identity
from ledger.services.registry import current_contract, readers_of
from ledger.storage import outbox
from ledger.storage.tables import drafts
from ledger.storage.tables import materials as tables
from ledger.wire.lookups import (
    ANSWER_LABEL,
    DELIVERY_KIND,
    Answer,
    FoundLeaf,
    FoundMaterial,
    Question,
    SignedQuestion,
    answer_commitment,
    commitment_of,
    decode_question,
    encode_answer,
    fits,
    question_info,
)

__all__ = ["answer_all", "authorised", "statement"]


def statement(node: Node, asked: Question, commitment: bytes) -> TypedMessage:
    """Return what the two witnesses of a question sign."""
    fields = (
        ("lookup", asked.lookup),
        ("asker", asked.asker),
        ("asked", asked.asked),
        ("purpose", asked.purpose),
        ("commitment", commitment),
    )
    return TypedMessage("LookupRequest", node.consortium, fields)


def authorised(node: Node, asked: Question, commitment: bytes, signatures: tuple[bytes, bytes]) -> bool:
    """Say whether two witnesses in force signed, the first of the city that asks."""
    message = statement(node, asked, commitment)
    return custody.witnesses_of(node, message, signatures)[:1] == (asked.asker,)


def answer_all(node: Node, unseal: Unseal) -> int:
    """Answer whatever was handed over and stands on the record; returns how many questions were dealt with.

    Raises:
        LedgerError: whatever kept one of them from being answered, once all the others are.
    """
    inbox, chain = drafts.inbox, tables.lookups
    done = _forget_unasked(node)
    with node.database.read() as connection:
        rows = connection.execute(
            select(
                inbox.c.digest, inbox.c.sealed, inbox.c.member, chain.c.lookup, chain.c.asker, chain.c.asked,
                chain.c.purpose, chain.c.commitment, chain.c.answered_at,
            )
            .join(chain, and_(chain.c.lookup == inbox.c.subject, inbox.c.kind == DELIVERY_KIND))
            .order_by(inbox.c.received_at)
            .limit(LIMITS.lookups_at_once)
        ).all()  # fmt: skip
    fault: LedgerError | None = None
    for row in rows:
        try:
            done += _deal_with(node, unseal, row)
        except LedgerError as error:
            # One person's papers that cannot be read now keep nobody else waiting; the step still says so.
            fault = fault or error
    if fault is not None:
        raise fault
    return done


def _deal_with(node: Node, unseal: Unseal, row: Row[*tuple[Any, ...]]) -> bool:
    lookup = bytes(row.lookup)
    if row.answered_at is not None or (row.asker, row.asked) != (row.member, node.member):
        # Answered for good: who was asked about need not be known here any longer. Or not the asker's word.
        return _forget(node, bytes(row.digest))
    if _is_under_way(node, lookup):
        return False
    signed = _question_in(node, unseal, lookup, bytes(row.sealed), bytes(row.commitment))
    if signed is None:
        # Not the question that is on the record, which may still come.
        return _forget(node, bytes(row.digest))
    asked = signed.question
    stated = (asked.lookup, asked.asker, asked.asked, asked.purpose)
    on_record = (lookup, row.asker, row.asked, row.purpose)
    if stated != on_record or not authorised(node, asked, bytes(row.commitment), signed.signatures):
        answer = Answer(lookup, refused="lookups.not_authorised")
    else:
        answer = _look(node, unseal, asked)
    _reply(node, int(row.member), answer)
    return True


def _look(node: Node, unseal: Unseal, asked: Question) -> Answer:
    try:
        applicant = persons.find(node, unseal, Identity(asked.kind, asked.number, asked.name))
    except InputError:
        return Answer(asked.lookup, refused="lookups.identity")
    if applicant is None:
        return Answer(asked.lookup)
    table, revoked = tables.materials, tables.leaf_revocations
    withdrawn = select(revoked.c.index).where(
        revoked.c.contract == table.c.contract,
        revoked.c.batch == table.c.batch,
        revoked.c.index == tables.material_leaves.c.index,
        tables.material_leaves.c.material == table.c.material,
    )
    query = (
        select(table)
        .where(
            table.c.applicant == applicant,
            table.c.erased_at.is_(None),
            (table.c.expires_at == 0) | (table.c.expires_at > node.clock()),
            ~withdrawn.exists(),
        )
        .order_by(table.c.issued_at.desc(), table.c.material)
    )
    if asked.types:
        query = query.where(table.c.type_code.in_(asked.types))
    with node.database.read() as connection:
        rows = connection.execute(query).all()
        contract = current_contract(connection, ContractKind.MATERIALS)
    answer = Answer(asked.lookup, more=True)
    for row in rows:
        found = FoundMaterial(
            material=row.material,
            type_code=row.type_code,
            type_set=row.type_set,
            assurance=row.assurance,
            reuse=row.reuse,
            issued_at=row.issued_at,
            expires_at=row.expires_at,
            contract=contract,
            leaves=_leaves(node, unseal, row.material, contract, asked.lookup),
        )
        longer = replace(answer, materials=(*answer.materials, found))
        if not fits(longer):
            return answer
        answer = longer
    return replace(answer, more=False)


def _leaves(node: Node, unseal: Unseal, material: str, contract: str, lookup: bytes) -> tuple[FoundLeaf, ...]:
    """Set a leaf in custody aside for the look-up, one of each data subject; who keeps the keys alone has a wallet."""
    table = tables.material_subjects
    with node.database.read() as connection:
        subjects = connection.execute(
            select(table.c.subject)
            .where(table.c.material == material, table.c.holding == int(Holding.CUSTODY))
            .order_by(table.c.subject)
        ).scalars().all()  # fmt: skip
    found = []
    for subject in subjects:
        try:
            leaf = holders.allot(node, material, subject, lookup)
            own = releasing.own_leaf(node, unseal, contract, leaf)
        except ConflictError:
            # Used up, or revoked in this moment: the material is there all the same.
            continue
        found.append(FoundLeaf(subject, Holding.CUSTODY, leaf, own.entry, own.proof))
    return tuple(found)


def _reply(node: Node, asker: int, answer: Answer) -> None:
    salt = node.random(32)
    with node.database.read() as connection:
        readers = readers_of(connection, [asker])
        contract = connection.execute(
            select(tables.lookups.c.contract).where(tables.lookups.c.lookup == answer.lookup)
        ).scalar_one()
    box = b"".join(boxes.seal_box([encode_answer(answer, salt)], readers, ANSWER_LABEL, node.random))
    node.blobs.put(box)
    intent = outbox.Intent(
        id=f"answer:{answer.lookup.hex()}",
        operation=Operation.ANSWER,
        contract=contract,
        role="operate",
        subject=answer.lookup,
        call=canonical_call(
            Operation.ANSWER,
            {
                "lookup": answer.lookup,
                "commitment": answer_commitment(answer, salt),
                "blob": hashlib.sha256(box).digest(),
            },
        ),
    )
    with node.begin() as uow:
        outbox.enqueue(uow.connection, intent, now=node.clock())
        uow.commit()


def _question_in(node: Node, unseal: Unseal, lookup: bytes, sealed: bytes, commitment: bytes) -> SignedQuestion | None:
    """Open a delivered question; nothing where it is not the one that the chain commits to."""
    try:
        signed = decode_question(unseal(sealed, question_info(lookup, node.member)))
    except (FormatError, InputError):
        return None
    return signed if commitment_of(signed.question, signed.salt) == commitment else None


def _is_under_way(node: Node, lookup: bytes) -> bool:
    with node.database.read() as connection:
        known = outbox.listed(connection, subject=lookup)
    return any(intent.operation == Operation.ANSWER for intent in known)


def _forget(node: Node, digest: bytes) -> bool:
    inbox = drafts.inbox
    with node.begin() as uow:
        gone = uow.connection.execute(delete(inbox).where(inbox.c.digest == digest))
        uow.commit()
    return gone.rowcount > 0


def _forget_unasked(node: Node) -> int:
    """Drop what was handed over and never came onto the record: no honest city delivers before it is there."""
    inbox, chain = drafts.inbox, tables.lookups
    old = and_(
        inbox.c.kind == DELIVERY_KIND,
        inbox.c.received_at < node.clock() - LIMITS.lookup_unasked_seconds,
        ~select(chain.c.lookup).where(chain.c.lookup == inbox.c.subject).exists(),
    )
    with node.database.read() as connection:
        if connection.execute(select(inbox.c.digest).where(old).limit(1)).first() is None:
            return 0
    with node.begin() as uow:
        gone = uow.connection.execute(delete(inbox).where(old))
        uow.commit()
    return int(gone.rowcount)
