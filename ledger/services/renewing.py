"""More leaves for a material whose leaves are nearly used up, so that nobody hands a paper in twice.

Each case takes a leaf of its own, and a material is anchored with a handful. The anchoring city holds the extended public
key of each data subject's account, and therefore needs nobody to derive the next addresses: the material waits for a batch
among the others, the same record under fresh keys and fresh random bytes, and no reader of the chain can tell that it was
there before. Leaves of a replaced contract take no new consent, so they do not count.

A material that was revoked or erased, or has expired, gets no more.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import ColumnElement, Table, and_, exists, func, insert, literal, or_, select
from sqlalchemy.engine import Connection

from ledger.domain import boxes
from ledger.domain.consortium import ContractKind
from ledger.domain.limits import LIMITS
from ledger.errors import ConflictError, LedgerError, NotFoundError
from ledger.projections.subjects import SubjectKind
from ledger.services import materials
from ledger.services.context import Node
from ledger.services.opening import Unseal, open_material
from ledger.services.registry import current_contract, readers_of
from ledger.storage import outbox
from ledger.storage.tables import chain as chain_tables
from ledger.storage.tables import consents as consent_tables
from ledger.storage.tables import drafts
from ledger.storage.tables import holders as local
from ledger.storage.tables import materials as tables
from ledger.storage.tables.outbox import intents
from ledger.wire.materials import encode_material

__all__ = ["RenewalMemory", "fresh", "renew", "run_once"]


@dataclass(slots=True)
class RenewalMemory:
    """Up to where the passes have looked, so that only what was used since is counted; safe to throw away.

    ``cursor`` is the name up to which all materials were looked through, after a start or under a new contract; ``None``
    once that is done.
    """

    contract: str = ""
    block: int = -1
    allotted_at: int = -1
    cursor: str | None = ""


def fresh(connection: Connection, material: str, now: int) -> dict[int, int]:
    """Return how many leaves of a material can still be consented to, by data subject.

    A leaf in the hands of a holder who has allotted it and not signed yet counts: the city cannot know.

    Raises:
        NotFoundError: ``registry.no_contract``.
    """
    leaf = tables.material_leaves
    usable = _usable(current_contract(connection, ContractKind.MATERIALS), now)
    rows = connection.execute(
        select(leaf.c.subject, func.count().filter(usable).label("left"))
        .where(leaf.c.material == material)
        .group_by(leaf.c.subject)
        .order_by(leaf.c.subject)
    )
    return {int(row.subject): int(row.left) for row in rows}


def renew(node: Node, material: str) -> bool:
    """Put a material in line for more leaves; the applicant has to do nothing.

    Returns:
        Whether it was put in line now; not so where it stands there already.

    Raises:
        NotFoundError: ``materials.not_found``, ``materials.waiting``.
        ConflictError: ``materials.erased``, ``materials.revoked``, ``materials.expired``.
        UnavailableError: the key holder does not answer.
    """
    with node.database.read() as connection:
        _require_alive(connection, material, node.clock())
    return _put_in_line(node, node.keys.open, material)


def run_once(node: Node, unseal: Unseal, memory: RenewalMemory) -> int:
    """Put materials in line of which a data subject has too few leaves left; returns how many.

    Only materials of which leaves were used since the last pass are counted; after a start, and once a new contract has taken
    the place of the old, all of them, so many in a pass.

    Raises:
        UnavailableError: the database cannot be used now; the materials are looked through again.
    """
    _forget_refused(node)
    now = node.clock()
    with node.database.read() as connection:
        try:
            contract = current_contract(connection, ContractKind.MATERIALS)
        except NotFoundError:
            # The network is still being formed.
            return 0
        block = connection.execute(select(chain_tables.sync_state.c.block)).scalar() or 0
        allotted_at = connection.execute(select(func.max(local.allotments.c.created_at))).scalar() or 0
        if memory.contract != contract:
            memory.contract, memory.cursor = contract, ""
            memory.block, memory.allotted_at = block, min(allotted_at, now - 1)
        if memory.cursor is not None:
            names = _window(connection, memory.cursor)
            memory.cursor = names[-1] if len(names) == LIMITS.renewals_at_once else None
        elif (memory.block, memory.allotted_at) == (block, allotted_at):
            return 0
        else:
            names = sorted(_touched(connection, memory))
            # Another allotment may come in this second.
            memory.block, memory.allotted_at = block, min(allotted_at, now - 1)
        due = _due(connection, contract, now, names)
    done = 0
    for material in due:
        try:
            done += _put_in_line(node, unseal, material)
        except ConflictError:
            # Revoked or erased in this moment.
            continue
        except LedgerError:
            # What was not put in line is looked for again.
            memory.contract = ""
            raise
    return done


# ---- inside ---------------------------------------------------------------------------------------------------------


def _window(connection: Connection, cursor: str) -> list[str]:
    """Return the names of the materials that follow a name, so many as a pass looks at."""
    table = tables.materials
    rows = connection.execute(
        select(table.c.material)
        .where(table.c.material > cursor)
        .order_by(table.c.material)
        .limit(LIMITS.renewals_at_once)
    )
    return [str(name) for name in rows.scalars()]


def _due(connection: Connection, contract: str, now: int, names: Sequence[str]) -> list[str]:
    """Return which of these materials want more leaves."""
    due: list[str] = []
    for at in range(0, len(names), LIMITS.renewals_at_once):
        due += _due_of(connection, contract, now, names[at : at + LIMITS.renewals_at_once])
    return due


def _due_of(connection: Connection, contract: str, now: int, names: Sequence[str]) -> list[str]:
    leaf, material, waiting = tables.material_leaves, tables.materials, drafts.material_drafts
    query = (
        select(leaf.c.material, leaf.c.subject)
        .join(material, material.c.material == leaf.c.material)
        .where(
            leaf.c.material.in_(names),
            material.c.sealed.is_not(None),
            or_(leaf.c.valid_until == 0, leaf.c.valid_until > now),
            ~exists().where(waiting.c.id == leaf.c.material),
            ~_ended(),
        )
        .group_by(leaf.c.material, leaf.c.subject)
        .having(
            and_(
                func.count().filter(_usable(contract, now)) < LIMITS.fresh_leaves_least,
                # A material of which any leaf was revoked is no more to be used.
                func.count().filter(_at_leaf(tables.leaf_revocations)) == 0,
            )
        )
    )
    return sorted({str(row.material) for row in connection.execute(query)})


def _touched(connection: Connection, since: RenewalMemory) -> set[str]:
    """The materials of which a leaf was consented to or set aside since."""
    leaf, subjects, taken = tables.material_leaves, chain_tables.event_subjects, local.allotments
    places: dict[tuple[str, int], set[int]] = {}
    keys = connection.execute(
        select(subjects.c.subject).where(subjects.c.block > since.block, subjects.c.kind == SubjectKind.LEAF.value)
    ).scalars()
    for key in keys:
        contract, batch, index = str(key).rsplit(":", 2)
        places.setdefault((contract, int(batch)), set()).add(int(index))
    rows = connection.execute(
        select(taken.c.contract, taken.c.batch, taken.c.index.label("place")).where(
            taken.c.created_at >= since.allotted_at
        )
    )
    for row in rows:
        places.setdefault((str(row.contract), int(row.batch)), set()).add(int(row.place))
    found: set[str] = set()
    for (contract, number), indices in places.items():
        ours = connection.execute(
            select(leaf.c.material).where(
                leaf.c.contract == contract, leaf.c.batch == number, leaf.c.index.in_(sorted(indices))
            )
        )
        found.update(str(name) for name in ours.scalars())
    return found


def _usable(contract: str, now: int) -> ColumnElement[bool]:
    leaf = tables.material_leaves
    return and_(
        leaf.c.contract == contract,
        or_(leaf.c.valid_until == 0, leaf.c.valid_until > now),
        ~_at_leaf(consent_tables.consent_leaves),
        ~_at_leaf(local.allotments),
        ~_at_leaf(tables.leaf_revocations),
    )


def _at_leaf(table: Table) -> ColumnElement[bool]:
    leaf = tables.material_leaves
    return exists().where(*(table.c[name] == leaf.c[name] for name in ("contract", "batch", "index")))


def _ended() -> ColumnElement[bool]:
    """Whether a revocation or an erasure of a material was asked for; one that was refused is tried again as it was."""
    name = tables.material_leaves.c.material
    return exists().where(intents.c.id.in_((literal("revoke:").concat(name), literal("erase:").concat(name))))


def _require_alive(connection: Connection, material: str, now: int) -> None:
    _, _, sealed = materials.find(connection, material)
    leaf = tables.material_leaves
    ended = {kind: outbox.known(connection, f"{kind}:{material}") for kind in ("revoke", "erase")}
    if sealed is None or ended["erase"]:
        raise ConflictError("materials.erased")
    mine = select(leaf.c.index).where(leaf.c.material == material)
    if (
        ended["revoke"]
        or connection.execute(mine.where(_at_leaf(tables.leaf_revocations)).limit(1)).first() is not None
    ):
        raise ConflictError("materials.revoked")
    lasting = or_(leaf.c.valid_until == 0, leaf.c.valid_until > now)
    if connection.execute(mine.where(lasting).limit(1)).first() is None:
        raise ConflictError("materials.expired")


def _put_in_line(node: Node, unseal: Unseal, material: str) -> bool:
    """Write the draft that the next batch takes; the one name lets no two wait at a time."""
    table = drafts.material_drafts
    with node.database.read() as connection:
        row = connection.execute(select(tables.materials).where(tables.materials.c.material == material)).one()
        readers = readers_of(connection, [node.member])
    if row.sealed is None:
        raise ConflictError("materials.erased")
    document = open_material(node, unseal, row.sealed)
    sealed = b"".join(boxes.seal_box([encode_material(document)], readers, materials.DRAFT_LABEL, node.random))
    with node.begin() as uow:
        if uow.connection.execute(select(table.c.id).where(table.c.id == material)).first() is not None:
            return False
        # What was opened above may have been given an end since.
        _require_alive(uow.connection, material, node.clock())
        if materials.find(uow.connection, material)[2] != row.sealed:
            return False
        uow.connection.execute(
            insert(table).values(
                id=material,
                submission=node.random(16).hex(),
                applicant=document.applicant,
                type_code=row.type_code,
                state="waiting",
                sealed=sealed,
                created_at=node.clock(),
            )
        )
        uow.commit()
    return True


def _forget_refused(node: Node) -> None:
    """Let go of what went into a batch that the chain refused: it may be put in line again, and revoked meanwhile."""
    table, known = drafts.material_drafts, tables.materials
    with node.database.read() as connection:
        rows = connection.execute(
            select(table.c.id, table.c.root)
            .join(known, known.c.material == table.c.id)
            .where(table.c.state == "batched")
        ).all()
        lost = [
            str(row.id)
            for row in rows
            if outbox.find(connection, f"anchor:{bytes(row.root).hex()}").state in {"refused", "failed"}
        ]
    if lost:
        with node.begin() as uow:
            uow.connection.execute(table.delete().where(table.c.id.in_(lost), table.c.state == "batched"))
            uow.commit()
