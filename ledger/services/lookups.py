"""Look-ups in other cities by a person's identity: the exception, where the wallet is the rule.

The person names at most three cities before two witnesses of a window; nothing is broadcast. Each question has a random id
of its own, is sealed for the city asked, and stands on the chain, with asker, asked, purpose and a salted commitment, before
anybody can answer it. The city asked answers only what its own picture of the chain says was asked of it, after it has
checked the witnesses; empty, refused and full answers look alike from outside. An answer says what papers are there and
sets a fresh leaf of each aside; reading one takes a consent like any other.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import func, insert, select, update
from sqlalchemy.engine import Connection

from ledger.blobs.cids import cid_from_digest, cid_of
from ledger.chain.codec import canonical_call
from ledger.domain import boxes, wrapping
from ledger.domain.consents import Purpose
from ledger.domain.consortium import ContractKind
from ledger.domain.limits import LIMITS
from ledger.domain.operations import Operation
from ledger.domain.workdays import day_end, day_of, day_start
from ledger.errors import (
    AuthorityError,
    FormatError,
    InputError,
    IntegrityError,
    LedgerError,
    NotFoundError,
    UnavailableError,
)
from ledger.ports import TypedMessage
from ledger.services import lookup_answers
from ledger.services.context import Node
from ledger.services.opening import Unseal
from ledger.services.persons import Identity
from ledger.services.registry import current_contract, readers_of
from ledger.storage import outbox
from ledger.storage.tables import holders as local
from ledger.storage.tables import materials as tables
from ledger.wire.deliveries import Delivery, encode_delivery
from ledger.wire.lookups import (
    ANSWER_LABEL,
    DELIVERY_KIND,
    Answer,
    Question,
    SignedQuestion,
    answer_commitment,
    commitment_of,
    decode_answer,
    decode_question,
    encode_question,
    question_info,
)

__all__ = ["LookupState", "Prepared", "ask", "listed", "prepare", "question", "read", "run_once"]


@dataclass(frozen=True, slots=True)
class Prepared:
    """A question ready to be witnessed: its commitment's salt, and what the two witnesses sign."""

    question: Question
    salt: bytes
    statement: TypedMessage


@dataclass(frozen=True, slots=True)
class LookupState:
    """How far a look-up is: ``waiting`` for the chain, ``recorded``, ``delivered``, ``answered`` (not here yet), ``here``."""

    lookup: bytes
    asked: int
    purpose: int
    state: str
    created_at: int


# ---- asking ---------------------------------------------------------------------------------------------------------


def prepare(
    node: Node, cities: Sequence[int], identity: Identity, *, types: Sequence[str], purpose: Purpose, paper: bytes
) -> tuple[Prepared, ...]:
    """Prepare a question to each of the cities that a person named.

    Args:
        node: the city at whose window the person stands.
        cities: the members named, at most three.
        identity: who it is; established by the clerk.
        types: the codes of the papers looked for; none means any.
        purpose: what for.
        paper: SHA-256 of the authorisation that the person signed.

    Raises:
        InputError: ``lookups.cities`` for none, too many, the same twice or this city itself; ``lookups.types``.
    """
    if not 0 < len(cities) <= LIMITS.lookup_cities or len(set(cities)) != len(cities) or node.member in cities:
        raise InputError("lookups.cities", limit=LIMITS.lookup_cities)
    if len(types) > LIMITS.lookup_types:
        raise InputError("lookups.types", limit=LIMITS.lookup_types)
    prepared = []
    for city in cities:
        asked = Question(
            lookup=node.random(32),
            asker=node.member,
            asked=city,
            purpose=int(purpose),
            kind=identity.kind,
            number=identity.number,
            name=identity.name,
            types=tuple(sorted(set(types))),
            paper=paper,
        )
        salt = node.random(32)
        prepared.append(Prepared(asked, salt, lookup_answers.statement(node, asked, commitment_of(asked, salt))))
    return tuple(prepared)


def ask(node: Node, prepared: Prepared, witnesses: tuple[bytes, bytes]) -> str:
    """Put a question on the record; the daemon delivers it once it stands there.

    Args:
        node: the city that asks.
        prepared: one of the questions of :func:`prepare`.
        witnesses: signatures over ``prepared.statement``, the first by a witness of this city.

    Returns:
        The intent's id.

    Raises:
        AuthorityError: ``lookups.not_authorised``.
        InputError: ``lookups.too_long``.
        UnavailableError: ``lookups.daily_limit``.
    """
    asked, now = prepared.question, node.clock()
    commitment = commitment_of(asked, prepared.salt)
    if not lookup_answers.authorised(node, asked, commitment, witnesses):
        raise AuthorityError("lookups.not_authorised")
    content = encode_question(SignedQuestion(asked, prepared.salt, witnesses))
    table = local.lookup_questions
    with node.begin() as uow:
        _require_quota(uow.connection, node, now)
        contract = current_contract(uow.connection, ContractKind.MATERIALS)
        sealed = {
            member: wrapping.seal(content, recipient, question_info(asked.lookup, member))
            for member, recipient in readers_of(uow.connection, [node.member, asked.asked]).items()
        }
        intent = outbox.Intent(
            id=f"ask:{asked.lookup.hex()}",
            operation=Operation.ASK,
            contract=contract,
            role="operate",
            subject=asked.lookup,
            call=canonical_call(
                Operation.ASK,
                {"lookup": asked.lookup, "asked": asked.asked, "purpose": asked.purpose, "commitment": commitment},
            ),
        )
        if outbox.enqueue(uow.connection, intent, now=now):
            uow.connection.execute(
                insert(table).values(
                    lookup=asked.lookup,
                    asked=asked.asked,
                    purpose=asked.purpose,
                    document=encode_delivery(Delivery(DELIVERY_KIND, asked.lookup, sealed[asked.asked])),
                    sealed=sealed[node.member],
                    created_at=now,
                )
            )
        uow.commit()
    return intent.id


def listed(connection: Connection, *, limit: int = 100) -> list[LookupState]:
    """List what this city asked, the newest first; nobody is named."""
    asked, chain = local.lookup_questions, tables.lookups
    rows = connection.execute(
        select(
            asked.c.lookup, asked.c.asked, asked.c.purpose, asked.c.created_at, asked.c.delivered_at, asked.c.fetched_at,
            chain.c.block, chain.c.answered_at,
        )
        .outerjoin(chain, chain.c.lookup == asked.c.lookup)
        .order_by(asked.c.created_at.desc(), asked.c.lookup)
        .limit(limit)
    )  # fmt: skip
    return [LookupState(bytes(row.lookup), row.asked, row.purpose, _state(row), row.created_at) for row in rows]


def question(node: Node, lookup: bytes) -> Question:
    """Open what this city asked.

    Raises:
        NotFoundError: ``lookups.not_found``.
    """
    sealed = _row(node, lookup)[0]
    return decode_question(node.keys.open(sealed, question_info(lookup, node.member))).question


def read(node: Node, lookup: bytes) -> Answer:
    """Open the answer to a question of this city.

    Raises:
        NotFoundError: ``lookups.not_found``; ``lookups.no_answer`` while there is none.
        IntegrityError: ``lookups.answer_mismatch`` where what came is not what the chain says was answered.
    """
    _, box = _row(node, lookup)
    if box is None:
        raise NotFoundError("lookups.no_answer")
    with node.database.read() as connection:
        commitment = connection.execute(
            select(tables.lookups.c.answer_commitment).where(tables.lookups.c.lookup == lookup)
        ).scalar_one()
    answer = _opened(node, node.keys.open, lookup, box, commitment)
    if answer is None:
        raise IntegrityError("lookups.answer_mismatch")
    return answer


# ---- the daemon -----------------------------------------------------------------------------------------------------


def run_once(node: Node, unseal: Unseal) -> int:
    """Deliver questions, answer questions, fetch answers; returns how many of these were done.

    A city that does not answer delays its own questions only.

    Raises:
        UnavailableError: the database or the blob store cannot be used now.
    """
    return _deliver(node) + lookup_answers.answer_all(node, unseal) + _fetch(node, unseal)


def _deliver(node: Node) -> int:
    table = local.lookup_questions
    with node.database.read() as connection:
        rows = connection.execute(
            select(table.c.lookup, table.c.asked, table.c.document)
            .join(tables.lookups, tables.lookups.c.lookup == table.c.lookup)
            .where(table.c.delivered_at.is_(None))
            .order_by(table.c.created_at)
            .limit(LIMITS.lookups_at_once)
        ).all()
    done = 0
    for row in rows:
        try:
            node.peers.hand_over(int(row.asked), bytes(row.document))
        except LedgerError:
            # Away, or at odds with us for now: asked again with every pass, and nobody else waits for it.
            continue
        with node.begin() as uow:
            uow.connection.execute(update(table).where(table.c.lookup == row.lookup).values(delivered_at=node.clock()))
            uow.commit()
        done += 1
    return done


def _fetch(node: Node, unseal: Unseal) -> int:
    asked, chain = local.lookup_questions, tables.lookups
    with node.database.read() as connection:
        rows = connection.execute(
            select(asked.c.lookup, asked.c.asked, chain.c.answer_blob, chain.c.answer_commitment)
            .join(chain, chain.c.lookup == asked.c.lookup)
            .where(asked.c.fetched_at.is_(None), chain.c.answered_at.is_not(None))
            .order_by(asked.c.created_at)
            .limit(LIMITS.lookups_at_once)
        ).all()
    done = 0
    for row in rows:
        cid = cid_from_digest(bytes(row.answer_blob))
        try:
            box = node.peers.blob(int(row.asked), cid)
        except LedgerError:
            continue
        if cid_of(box) != cid:
            continue
        if _opened(node, unseal, bytes(row.lookup), box, bytes(row.answer_commitment)) is None:
            # Kept as empty: it was answered, and ``read`` says that the answer is none.
            box = b""
        with node.begin() as uow:
            uow.connection.execute(
                update(asked).where(asked.c.lookup == row.lookup).values(answer=box, fetched_at=node.clock())
            )
            uow.commit()
        done += 1
    return done


def _opened(node: Node, unseal: Unseal, lookup: bytes, box: bytes, commitment: bytes) -> Answer | None:
    """Open an answer; nothing where it is not what the chain commits to."""
    try:
        content = b"".join(boxes.open_box_with([box], node.member, unseal, ANSWER_LABEL))
        answer, salt = decode_answer(content)
    except (AuthorityError, FormatError, InputError, IntegrityError):
        return None
    return answer if answer.lookup == lookup and answer_commitment(answer, salt) == commitment else None


# ---- inside ---------------------------------------------------------------------------------------------------------


def _require_quota(connection: Connection, node: Node, now: int) -> None:
    table, today = tables.lookups, day_start(day_of(now))
    count = connection.execute(
        select(func.count()).select_from(table).where(table.c.asker == node.member, table.c.time >= today)
    ).scalar_one()
    if count >= LIMITS.lookups_a_day:
        raise UnavailableError("lookups.daily_limit", retry_after=day_end(day_of(now)) + 1 - now)


def _row(node: Node, lookup: bytes) -> tuple[bytes, bytes | None]:
    table = local.lookup_questions
    with node.database.read() as connection:
        row = connection.execute(select(table.c.sealed, table.c.answer).where(table.c.lookup == lookup)).first()
    if row is None:
        raise NotFoundError("lookups.not_found")
    return bytes(row.sealed), None if row.answer is None else bytes(row.answer)


def _state(row: object) -> str:
    for name, state in (("fetched_at", "here"), ("answered_at", "answered"), ("delivered_at", "delivered")):
        if getattr(row, name) is not None:
            return state
    return "waiting" if getattr(row, "block", None) is None else "recorded"
