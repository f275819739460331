"""The story's consents: written down, granted, used, and what a reader then has in hand."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from sqlalchemy import select

from ledger.domain import typed
from ledger.domain.consents import Grantee
from ledger.domain.consortium import ContractKind
from ledger.errors import NotFoundError
from ledger.services import attending as attended
from ledger.services import cases, consents, releasing
from ledger.services.context import Node
from ledger.services.received import Received, content, read_received
from ledger.storage.tables import consents as consent_tables
from ledger.wire.grants import GrantedConsent, read_granted
from node_client.pilot.catalogue import matter_id, matters
from node_client.pilot.room import DEPARTMENT, Leaf, Room

__all__ = ["ConsentDesk"]

_ZERO = bytes(32)


class ConsentDesk(Room):
    """What applicants allow and cities read, each once under its name."""

    def consent(
        self,
        name: str,
        leaves: Sequence[Leaf],
        *,
        relay: str,
        case: bytes,
        matter: str,
        grantees: Mapping[str, int],
        days: int = 30,
        attending: str = "",
    ) -> GrantedConsent:
        """Write a consent down with every signature it takes: of the holders, or of two witnesses and the custodian."""
        node, contract = self.nodes[relay], self.contract(ContractKind.MATERIALS)

        def make() -> str:
            prepared = consents.prepare(
                node,
                contract,
                self.contract(ContractKind.CASES),
                case=case,
                matter=matter_id(matter),
                shown={item.leaf: self._shown(matter, self.papers[item.paper].type_code) for item in leaves},
                grantees=[Grantee(self.nodes[city].member, uses) for city, uses in grantees.items()],
                days=days,
            )
            signatures: tuple[bytes, ...] = ()
            paper = _ZERO
            if attending:
                sealed = cases.seal_for(node, [], "paper-consent", {"consent": prepared.digest.hex()})
                paper = sealed.commitment
            else:
                signatures = tuple(
                    self.people[item.holder].sign_leaf(item.paper, item.turn, prepared.digest)
                    for item in sorted(leaves, key=lambda item: item.leaf)
                )
            return (
                GrantedConsent(
                    chain_id=node.chain_id,
                    contract=contract,
                    terms=prepared.terms,
                    disclosed=prepared.disclosed,
                    signatures=signatures,
                    attending=self.nodes[attending].member if attending else 0,
                    paper=paper,
                )
                .encode()
                .hex()
            )

        return read_granted(bytes.fromhex(self.record.fact(f"consent:{name}", make)))

    def grant(self, granted: GrantedConsent, leaves: Sequence[Leaf], *, relay: str, attending: str = "") -> str:
        """Relay a consent; return the intent. At a window the city that keeps the keys is asked to countersign."""
        node = self.nodes[relay]
        if attending:
            window, message = self.nodes[attending], attended.paper_consent(granted)
            both = attended.both_witnesses(window, message)
            person = self.people[leaves[0].holder].reference()
            held, custodian = attended.countersigned(window, granted, both, person=person)
            return self.asked(
                f"grant:{granted.digest.hex()}",
                lambda: consents.grant_witnessed(
                    node,
                    granted.contract,
                    granted.terms,
                    held,
                    attending=granted.attending,
                    paper=granted.paper,
                    signatures=[*both, custodian],
                ),
            )
        shown = []
        for number, item in enumerate(sorted(leaves, key=lambda item: item.leaf)):
            keeper = self.nodes[item.city]
            own = releasing.own_leaf(keeper, keeper.keys.open, granted.contract, item.leaf)
            shown.append(consents.LeafShown(item.leaf, own.entry, own.proof, granted.signatures[number]))
        return self.asked(
            f"grant:{granted.digest.hex()}", lambda: consents.grant(node, granted.contract, granted.terms, shown)
        )

    def granted(self, granted: GrantedConsent) -> bool:
        """Say whether a consent is on the record already."""
        table = consent_tables.consents
        with next(iter(self.nodes.values())).database.read() as connection:
            return (
                connection.execute(select(table.c.consent).where(table.c.consent == granted.digest)).first() is not None
            )

    def revocation_digest(self, granted: GrantedConsent) -> bytes:
        """Return what a holder signs to take a consent back."""
        return typed.digest("ConsentRevocation", {"consent": granted.digest}, granted.chain_id, granted.contract)

    def use(self, granted: GrantedConsent, city: str, case: bytes, *, name: str) -> str:
        """Put a city's reading on the record; return the intent."""
        return releasing.use(self.nodes[city], granted, case=case, intent=f"use:{granted.digest.hex()[:24]}:{name}")

    def received(self, city: str, granted: GrantedConsent, leaves: Sequence[Leaf], case: bytes) -> int:
        """Wait until a city has received what it may read, open every file, and return their bytes; digests are checked."""
        node = self.nodes[city]
        number = self._use_number(node, granted, case)
        total = 0
        for item in leaves:

            def read(leaf: int = item.leaf) -> Received | None:
                try:
                    return read_received(node, number, leaf)
                except NotFoundError:
                    return None

            for file in self.patiently(read).files:
                total += sum(len(piece) for piece in content(node, number, item.leaf, file))
        return total

    def uses(self, granted: GrantedConsent, city: str) -> int:
        """Return how many readings of a city under a consent are on the record."""
        table = consent_tables.uses
        with self.nodes[city].database.read() as connection:
            rows = connection.execute(
                select(table.c.use).where(table.c.consent == granted.digest, table.c.member == self.nodes[city].member)
            )
            return len(rows.all())

    def _shown(self, matter: str, type_code: str) -> tuple[str, ...]:
        """The fields that the matter's own list asks of a kind of paper, and its file."""
        entry = next(item for item in matters(DEPARTMENT) if item.code.id == matter_id(matter))
        asked = {name for item in entry.requirements if type_code in item.types for name in item.fields}
        return (*sorted(asked), "file.0")

    def _use_number(self, node: Node, granted: GrantedConsent, case: bytes) -> int:
        with node.database.read() as connection:
            return releasing.use_of_consent(connection, node.member, granted.digest, case)
