"""What the story's clerks and applicants do, each at a city's own node: hand in, open, grant, use, decide, rate.

Everything that is random (salts, sealed papers, the choice of a leaf) is written down before it is used, so that a story
that was cut anywhere goes on with the same cases and consents.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from sqlalchemy import select

from ledger.domain import canonical
from ledger.domain.materials import Assurance, AssuranceLevel, Issuer, SourceChannel
from ledger.projections import journal
from ledger.services import materials, persons
from ledger.services.context import Node
from ledger.services.intake import inspect_file
from ledger.services.persons import RESIDENT, Identity
from ledger.storage.tables import materials as material_tables
from node_client.pilot.case_desk import CaseDesk
from node_client.pilot.consent_desk import ConsentDesk
from node_client.pilot.papers import APPLICANT
from node_client.pilot.room import SECONDS, Kept, Leaf
from node_client.waiting import caught_up

__all__ = ["Desk", "Kept", "Leaf"]


class Desk(CaseDesk, ConsentDesk):
    """The windows of all cities, and the people in front of them."""

    def hand_in(
        self,
        city: str,
        listed: Sequence[tuple[str, str, Path | None, Mapping[str, canonical.JsonValue], tuple[str, ...]]],
        *,
        issuer: Issuer,
        decision: bool = False,
    ) -> list[Kept]:
        """Hand papers in at a city's window, all in one go: name, type, file, what it states, whose it is."""
        node = self.nodes[city]
        applicant = self.applicant(city)
        name = "+".join(item[0] for item in listed)
        level = AssuranceLevel.ISSUED if decision else AssuranceLevel.INSPECTED

        def submit() -> list[str]:
            papers = [
                materials.Paper(
                    files=(inspect_file(path),) if path is not None else (),
                    type_code=kind,
                    fields=fields,
                    issuer=issuer,
                    assurance=Assurance(level, "window-clerk", node.clock()),
                    accounts=tuple(self.people[role].account(paper) for role in roles),
                    source=SourceChannel.DECISION if decision else SourceChannel.APPLICANT,
                )
                for paper, kind, path, fields, roles in listed
            ]
            return list(materials.submit(node, applicant, papers).materials)

        names = self.record.fact(f"materials:{name}", submit)
        self._anchored(node, names)
        kept = [
            Kept(paper, city, material, kind, roles)
            for (paper, kind, _, _, roles), material in zip(listed, names, strict=True)
        ]
        self.papers.update({item.name: item for item in kept})
        return kept

    def applicant(self, city: str) -> str:
        """Return the couple's reference in a city: whoever comes again with the same document is recognised."""
        person = Identity(RESIDENT, APPLICANT.identity_number, APPLICANT.name)
        return self.record.fact(f"family:{city}", lambda: persons.reference(self.nodes[city], person))

    def place(self, paper: str, subject: int, turn: int) -> int:
        """Return where a leaf of a paper stands: ``batch << 32 | index``."""
        kept, table = self.papers[paper], material_tables.material_leaves
        with self.nodes[kept.city].database.read() as connection:
            row = connection.execute(
                select(table.c.batch, table.c.index.label("place")).where(
                    table.c.material == kept.material, table.c.subject == subject, table.c.turn == turn
                )
            ).one()
        return int(row.batch) << 32 | int(row.place)

    def allot(self, purpose: str, wanted: Sequence[tuple[str, int]]) -> list[Leaf]:
        """Choose a fresh leaf of each paper and subject for one purpose, the same one when asked again."""
        found = []
        for paper, subject in wanted:
            count = self.record.count(f"turn:{paper}:{subject}")
            turn = self.record.fact(f"turn:{paper}:{subject}:{purpose}", lambda count=count: count)  # type: ignore[misc]  # bound early
            kept = self.papers[paper]
            leaf = self.place(paper, subject, turn)
            found.append(Leaf(paper, subject, turn, leaf, kept.city, kept.holders[subject]))
        return found

    def newest_block(self) -> int:
        """Return the newest block that any city's picture shows."""
        newest = 0
        for node in self.nodes.values():
            with node.database.read() as connection:
                state = journal.position(connection)
            newest = max(newest, state.block if state is not None else 0)
        return newest

    def compared(self, one: str, other: str) -> str:
        """Say whether two cities have the same entries of the log, up to where both are."""
        found = []
        for city in (one, other):
            with self.nodes[city].database.read() as connection:
                found.append(list(journal.entries_from(connection, 0)))
        length = min(len(entries) for entries in found)
        return "equal" if length and found[0][:length] == found[1][:length] else "different"

    def _anchored(self, node: Node, names: Sequence[str]) -> None:
        table, batches = material_tables.materials, material_tables.batches

        def block() -> int | None:
            with node.database.read() as connection:
                rows = connection.execute(select(table.c.material).where(table.c.material.in_(names))).all()
                newest = connection.execute(select(batches.c.block).order_by(batches.c.block.desc()).limit(1)).scalar()
            return int(newest or 0) if len(rows) == len(names) else None

        caught_up(self.nodes.values(), self.patiently(block), seconds=SECONDS)
