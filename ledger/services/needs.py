"""What a matter asks of its applicants, held against what they have handed in: what is there, what is still missing."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from sqlalchemy import and_, exists, or_, select
from sqlalchemy.engine import Connection

from ledger.domain.matters import Matter, Requirement
from ledger.storage.tables import materials as tables

__all__ = ["Need", "needs"]


@dataclass(frozen=True, slots=True)
class Need:
    """One requirement of a matter, and the materials of the applicant that serve it; none: it is still missing."""

    requirement: Requirement
    served_by: tuple[str, ...]


def needs(connection: Connection, matter: Matter, applicants: Iterable[str], *, now: int) -> list[Need]:
    """Hold a matter's requirements against what is anchored here for some people: what is there, what is missing.

    What was revoked or has expired is not there. Two people's papers of one type are two papers: the applicant's
    identity card alone does not serve for the spouse's as well.

    Args:
        connection: this city's picture.
        matter: the deciding city's own list.
        applicants: the random references of the people concerned.
        now: chain time, by which papers expire.
    """
    table, leaf, revoked = tables.materials, tables.material_leaves, tables.leaf_revocations
    same = and_(*(revoked.c[name] == leaf.c[name] for name in ("contract", "batch", "index")))
    rows = list(
        connection.execute(
            select(table.c.material, table.c.type_code, table.c.assurance).where(
                table.c.applicant.in_(list(applicants)),
                table.c.erased_at.is_(None),
                or_(table.c.expires_at == 0, table.c.expires_at > now),
                ~exists().where(leaf.c.material == table.c.material, same),
            )
        )
    )
    found: list[Need] = []
    for requirement in matter.requirements:
        serving = tuple(str(row.material) for row in rows if requirement.serves(row.type_code, row.assurance))
        others = sum(
            one.requirement.types == requirement.types and one.requirement.whose != requirement.whose for one in found
        )
        found.append(Need(requirement, serving if len(serving) > others else ()))
    return found
