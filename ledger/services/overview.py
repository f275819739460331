"""What a city's node shows of itself, of a case and of a leaf: read from the picture, up to a block that is named."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Row, Select, and_, func, select
from sqlalchemy.engine import Connection

from ledger.domain.checkpoints import TIMESTAMP_BYTES, parse_checkpoint
from ledger.domain.consortium import MemberStatus
from ledger.errors import NotFoundError
from ledger.log.view import LogView
from ledger.projections import journal, opened
from ledger.projections.cases import model_of
from ledger.projections.consortium import calendars
from ledger.services import health, receiving
from ledger.services.context import Node
from ledger.services.identifying import identify
from ledger.services.publishing import log_cities
from ledger.services.trace import days_of
from ledger.storage.tables import cases as case_tables
from ledger.storage.tables import catalogue as catalogue_tables
from ledger.storage.tables import consents as consent_tables
from ledger.storage.tables import consortium as member_tables
from ledger.storage.tables import materials as material_tables
from ledger.wire.traces import Days, Line, Trace

__all__ = [
    "CaseShown",
    "LeafShown",
    "LogShown",
    "MemberShown",
    "Overview",
    "case_shown",
    "leaf_shown",
    "log_shown",
    "overview",
    "recent_cases",
    "transitions",
]

_RECENT = 12
_MOVING = frozenset({"opened", "stepped"})


@dataclass(frozen=True, slots=True)
class MemberShown:
    """A member as it stands; ``published_at`` is when it last put a key, an address or a matter on the chain."""

    member: int
    name: str
    division: str
    status: MemberStatus
    voting: bool
    url: str
    published_at: int | None


@dataclass(frozen=True, slots=True)
class LogShown:
    """The log: entries here, entries under the served checkpoint, the divisions of those that cosigned it, and when."""

    size: int
    published: int
    cosigners: tuple[str, ...]
    cosigned_at: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class CaseShown:
    """A case as it stands, with its running limit."""

    case: bytes
    receiving: int
    handling: int
    office: int
    matter: bytes
    code: str
    mode: int
    state: int
    result: int
    outcome: int
    sequence: int
    corrections: int
    opened_at: int
    changed_at: int
    parent: bytes
    agreement: bytes
    days: Days | None


@dataclass(frozen=True, slots=True)
class LeafShown:
    """A leaf as the chain has it: who anchored it when, whether it was revoked, spent or used. Nothing of what it is."""

    contract: str
    batch: int
    index: int
    member: int
    anchored_at: int
    root: bytes
    size: int
    revoked_at: int | None
    cause: int | None
    consent: bytes | None
    uses: int
    block: int


@dataclass(frozen=True, slots=True)
class Overview:
    """A node at a glance; times are the network's, ``offset`` how far they stand from this machine's clock.

    ``head`` is where the daemon last saw the chain; ``papers`` and ``releases`` count what other cities have still to
    hand over: papers of this city's cases, and what recorded uses let it read. ``publishes`` says whether this city signs
    checkpoints itself; ``publishers`` who does: division and address.
    """

    member: int
    division: str
    network: str
    block: int | None
    block_time: int | None
    head: health.SeenHead | None
    now: int
    offset: int
    members: tuple[MemberShown, ...]
    log: LogShown
    publishes: bool
    publishers: tuple[tuple[str, str], ...]
    waiting: health.Waiting
    papers: int
    releases: int
    findings: tuple[health.Finding, ...]
    cases: tuple[CaseShown, ...]


def overview(node: Node, log: LogView) -> Overview:
    """Return a node at a glance.

    Raises:
        UnavailableError: ``storage.…``.
        IntegrityError: ``log.damaged``.
    """
    now = node.clock()
    table, urls = member_tables.members, member_tables.endpoints
    with node.database.read() as connection:
        state = journal.position(connection)
        rows = connection.execute(
            select(table, urls.c.url).outerjoin(urls, urls.c.member == table.c.member).order_by(table.c.member)
        )
        published = _published(connection)
        members = tuple(
            MemberShown(
                row.member, row.name, f"{row.division:06d}", MemberStatus(row.status), row.voting, row.url or "",
                published.get(row.member),
            )
            for row in rows
        )  # fmt: skip
        recent = _recent_cases(connection, _RECENT)
        held = health.waiting(connection, now)
        head = health.seen_head(connection)
        papers, releases = opened.count_pending(connection, node.member), receiving.pending(connection, node.member)
        logs = [city for city in log_cities(connection, node.network) if city.log is not None]
    return Overview(
        member=node.member,
        division=node.division,
        network=node.network,
        block=None if state is None else state.block,
        block_time=None if state is None else state.time,
        head=head,
        now=now,
        offset=now - int(time.time()),
        members=members,
        log=log_shown(node, log),
        publishes=node.publisher,
        publishers=tuple((city.division, city.url) for city in logs),
        waiting=held,
        papers=papers,
        releases=len(releases),
        findings=health.findings(node, log),
        cases=recent,
    )


def log_shown(node: Node, log: LogView) -> LogShown:
    """Return how far the log is, and who cosigned what is served."""
    note, tree = log.served()
    if note is None:
        return LogShown(tree.head.size, 0, ())
    checkpoint, signed = parse_checkpoint(note)
    with node.database.read() as connection:
        cities = log_cities(connection, node.network)
    both = {}
    for city in cities:
        if city.cosign_ed25519 is None or city.cosign_ml_dsa is None:
            continue
        keys = (city.cosign_ed25519, city.cosign_ml_dsa)
        lines = [line for key in keys for line in signed.signatures if line.is_by(key)]
        if len(lines) == len(keys):
            # C2SP tlog-cosignature: the time stands before the signature itself.
            both[city.division] = min(int.from_bytes(line.signature[:TIMESTAMP_BYTES]) for line in lines)
    return LogShown(tree.head.size, checkpoint.size, tuple(both), tuple(both.values()))


def _published(connection: Connection) -> dict[int, int]:
    """When each member last put a key, an address or a matter on the chain."""
    tables = (member_tables.service_keys, member_tables.endpoints, catalogue_tables.matters)
    found: dict[int, int] = {}
    for table in tables:
        rows = connection.execute(select(table.c.member, func.max(table.c.time)).group_by(table.c.member))
        for member, moment in rows:
            found[member] = max(found.get(member, 0), moment)
    return found


def case_shown(node: Node, identifier: str) -> CaseShown:
    """Return a case as it stands.

    Raises:
        NotFoundError: ``tracing.not_found``, with the block up to which was looked.
        InputError: ``tracing.identifier``.
    """
    with node.database.read() as connection:
        state = journal.position(connection)
        found = identify(connection, identifier) if state is not None else None
        row = None
        if found is not None and found.kind == "case":
            row = connection.execute(_cases().where(case_tables.cases.c.case == bytes.fromhex(found.name))).first()
        if state is None or row is None:
            raise NotFoundError("tracing.not_found", block=0 if state is None else state.block)
        return _case_shown(row, days_of(model_of(row), state.time, calendars(connection)))


def recent_cases(node: Node, limit: int) -> tuple[CaseShown, ...]:
    """Return the cases that changed last, the newest first."""
    with node.database.read() as connection:
        return _recent_cases(connection, limit)


def _recent_cases(connection: Connection, limit: int) -> tuple[CaseShown, ...]:
    state = journal.position(connection)
    if state is None:
        return ()
    table, known = case_tables.cases, calendars(connection)
    rows = connection.execute(_cases().order_by(table.c.changed_at.desc(), table.c.case).limit(limit))
    return tuple(_case_shown(row, days_of(model_of(row), state.time, known)) for row in rows)


def _cases() -> Select[Any]:
    """Cases with the code of each one's matter, as the deciding city published it."""
    table, matters = case_tables.cases, catalogue_tables.matters
    code = select(func.max(matters.c.code)).where(
        matters.c.matter == table.c.matter, matters.c.member == table.c.handling
    )
    return select(table, code.scalar_subquery().label("code"))


def _case_shown(row: Row[Any], days: Days | None) -> CaseShown:
    return CaseShown(
        case=bytes(row.case),
        receiving=row.receiving,
        handling=row.handling,
        office=row.office,
        matter=bytes(row.matter),
        code=row.code or "",
        mode=row.mode,
        state=row.state,
        result=row.result,
        outcome=row.outcome,
        sequence=row.sequence,
        corrections=row.corrections_receiving + row.corrections_handling,
        opened_at=row.time,
        changed_at=row.changed_at,
        parent=bytes(row.parent),
        agreement=bytes(row.agreement),
        days=days,
    )


def transitions(found: Trace, case: bytes) -> tuple[Line, ...]:
    """Return the lines of a case's own trace that moved it: its submission and every step since, in order."""
    return tuple(line for line in found.lines if line.case == case and line.kind in _MOVING)


def leaf_shown(node: Node, identifier: str) -> LeafShown:
    """Return a leaf (``batch:index``, or with its contract before) as the chain has it.

    Raises:
        NotFoundError: ``tracing.not_found``.
        InputError: ``tracing.identifier``.
        ConflictError: ``tracing.ambiguous``.
    """
    batches, revoked = material_tables.batches, material_tables.leaf_revocations
    leaves, uses = consent_tables.consent_leaves, consent_tables.use_leaves
    with node.database.read() as connection:
        state = journal.position(connection)
        found = identify(connection, identifier) if state is not None else None
        if state is None or found is None or found.kind != "leaf":
            raise NotFoundError("tracing.not_found", block=0 if state is None else state.block)
        ((contract, batch, index),) = found.leaves
        row = connection.execute(select(batches).where(batches.c.contract == contract, batches.c.batch == batch)).one()

        def same(table: object) -> object:
            columns = table.c  # type: ignore[attr-defined]  # each of these tables names a leaf alike
            return and_(columns.contract == contract, columns.batch == batch, columns.index == index)

        end = connection.execute(select(revoked.c.time, revoked.c.cause).where(same(revoked))).first()  # type: ignore[arg-type]  # as above
        consent = connection.execute(select(leaves.c.consent).where(same(leaves))).scalar()  # type: ignore[arg-type]  # as above
        count = connection.execute(select(func.count()).select_from(uses).where(same(uses))).scalar_one()  # type: ignore[arg-type]  # as above
    return LeafShown(
        contract=contract,
        batch=batch,
        index=index,
        member=row.member,
        anchored_at=row.time,
        root=bytes(row.root),
        size=row.size,
        revoked_at=None if end is None else end.time,
        cause=None if end is None else end.cause,
        consent=None if consent is None else bytes(consent),
        uses=int(count),
        block=state.block,
    )
