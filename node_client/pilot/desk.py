"""What the story's clerks and applicants do, each at a city's own node: hand in, open, grant, use, decide, rate.

Everything that is random (salts, sealed papers, the choice of a leaf) is written down before it is used, so that a story
that was cut anywhere goes on with the same cases and consents.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from sqlalchemy import select

from ledger.domain import canonical, typed
from ledger.domain.cases import Action, Channel, Mode, State
from ledger.domain.consents import Grantee
from ledger.domain.consortium import ContractKind
from ledger.domain.materials import Assurance, AssuranceLevel, Issuer, SourceChannel
from ledger.errors import NotFoundError, UnavailableError
from ledger.ports import TypedMessage
from ledger.projections import journal
from ledger.services import attending as attended
from ledger.services import cases, catalogue, consents, custody, materials, persons, releasing
from ledger.services.context import Node
from ledger.services.intake import inspect_file
from ledger.services.persons import RESIDENT, Identity
from ledger.services.registry import current_contract
from ledger.services.releasing import Received
from ledger.storage.tables import cases as case_tables
from ledger.storage.tables import consents as consent_tables
from ledger.storage.tables import materials as material_tables
from ledger.wire.grants import GrantedConsent, read_granted
from ledger.wire.papers import SealedPaper
from node_client.pilot.catalogue import matter_id, matters
from node_client.pilot.papers import APPLICANT
from node_client.pilot.people import Holder
from node_client.pilot.record import Record
from node_client.waiting import caught_up, done, outcomes

__all__ = ["Desk", "Kept", "Leaf"]

_ZERO = bytes(32)
_DEPARTMENT = 1
_SECONDS = 90.0
_PAUSE = 0.05

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Kept:
    """A paper of the story once it is anchored: its name, where, and whose leaves it has, in order."""

    name: str
    city: str
    material: str
    type_code: str
    holders: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Leaf:
    """One leaf chosen for one use: of which paper, of which subject, the how-manieth."""

    paper: str
    subject: int
    turn: int
    leaf: int
    city: str
    holder: str


class Desk:
    """The windows of all cities, and the people in front of them.

    Args:
        nodes: every member's node, opened as a clerk's command does, by division.
        people: the story's holders by role.
        record: the story's memory.
    """

    def __init__(self, nodes: Mapping[str, Node], people: Mapping[str, Holder], record: Record) -> None:
        self.nodes = nodes
        self.people = people
        self.record = record
        self.papers: dict[str, Kept] = {}

    # ---- contracts and pictures -------------------------------------------------------------------------------------

    def contract(self, kind: ContractKind) -> str:
        """Return a contract's present address."""
        with next(iter(self.nodes.values())).database.read() as connection:
            return current_contract(connection, kind)

    def settled(self, city: str, intents: Sequence[str], *, everywhere: bool = True) -> None:
        """Wait until intents are done, and until every city's picture shows it."""
        block = done(self.nodes[city], intents, seconds=_SECONDS)
        if everywhere:
            caught_up(self.nodes.values(), block, seconds=_SECONDS)

    def refusal(self, city: str, intent: str) -> str:
        """Wait for an intent's outcome and return the contract's reason, ``ok`` where it was done."""
        outcome = outcomes(self.nodes[city], [intent], seconds=_SECONDS)[intent]
        caught_up(self.nodes.values(), outcome.block, seconds=_SECONDS)
        return outcome.reason.name.lower() if outcome.state != "failed" else outcome.error

    # ---- handing in -------------------------------------------------------------------------------------------------

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

    # ---- cases ------------------------------------------------------------------------------------------------------

    def submission(
        self,
        name: str,
        holder: Holder,
        *,
        receiving: str,
        handling: str,
        matter: str,
        mode: Mode,
        parent: bytes = _ZERO,
        covered: bool = True,
        decision: str = "",
        key_of: str = "",
    ) -> cases.Submission:
        """Write a submission down: the paper sealed for the cities of the case, the agreement that covers it."""
        first, second = self.nodes[receiving], self.nodes[handling]

        def make() -> dict[str, object]:
            paper = cases.seal_for(first, [second.member], "submission", {"matter": matter, "words": "样本：申请办理"})
            with first.database.read() as connection:
                shown = {item.matter: item for item in catalogue.matters(connection, second.member)}
                agreed = None
                if covered:
                    agreed = catalogue.covering(
                        connection,
                        receiving=first.member,
                        handling=second.member,
                        matter=matter_id(matter),
                        mode=mode,
                        now=first.clock(),
                    )
            addresses = holder.account(decision).account if decision else ""
            return {
                "version": shown[matter_id(matter)].version,
                "agreement": agreed[0].hex() if agreed else _ZERO.hex(),
                "agreement_version": agreed[1] if agreed else 0,
                "commitment": paper.commitment.hex(),
                "blob": paper.blob.hex(),
                "salt": first.random(32).hex(),
                # Whose leaves the decision will have: the account's public node, as a digest.
                "holders": hashlib.sha256(addresses.encode()).hexdigest() if decision else _ZERO.hex(),
            }

        kept = self.record.fact(f"submission:{name}", make)
        words = {key: bytes.fromhex(str(kept[key])) for key in ("agreement", "commitment", "blob", "salt", "holders")}
        return cases.Submission(
            case_key=holder.case_key(key_of or name),
            receiving=first.member,
            handling=second.member,
            matter=matter_id(matter),
            mode=mode,
            channel=Channel.WINDOW,
            version=int(str(kept["version"])),
            agreement_version=int(str(kept["agreement_version"])),
            parent=parent,
            **words,
        )

    def open(
        self, name: str, holder: Holder, submission: cases.Submission, *, relay: str, attending: str = ""
    ) -> tuple[bytes, str]:
        """Relay a submission, with two witnesses' signatures where a window helps; return the case and the intent."""
        node, contract = self.nodes[relay], self.contract(ContractKind.CASES)
        digest = cases.submission_digest(node, contract, submission)
        signature = self.signed_case(name, holder, digest, attending)
        case = submission.case(node.chain_id, contract)
        witnesses: list[bytes] = []
        if attending:
            witnesses = self.witnessed(attending, case, 0, 0, 0, submission.commitment, submission.blob)
        number = self.nodes[attending].member if attending else 0
        return cases.open_case(node, contract, submission, signature, attending=number, witnesses=witnesses)

    def opened(
        self, name: str, holder: Holder, submission: cases.Submission, *, relay: str, attending: str = ""
    ) -> bytes:
        """Open a case and wait until every city knows it."""
        case, intent = self.open(name, holder, submission, relay=relay, attending=attending)
        self.settled(relay, [intent])
        return case

    def step(
        self, name: str, case: bytes, city: str, action: Action, *, detail: int = 0, words: str = "", officer: int = 0
    ) -> str:
        """Do what an office does, once under that name; return the intent."""
        node = self.nodes[city]

        def make() -> dict[str, object]:
            with node.database.read() as connection:
                sequence = cases.sequence_of(connection, case)
            paper = cases.seal_for(node, self._parties(case), action.name.lower(), {"words": words or "样本"})
            return {"sequence": sequence, "commitment": paper.commitment.hex(), "blob": paper.blob.hex()}

        kept = self.record.fact(f"step:{name}", make)
        return cases.step(
            node,
            self.contract(ContractKind.CASES),
            case,
            action,
            sequence=int(str(kept["sequence"])),
            paper=_paper(kept),
            detail=detail,
            department=_DEPARTMENT if officer else 0,
            role=officer,
        )

    def act(
        self,
        name: str,
        case: bytes,
        case_name: str,
        holder: Holder,
        action: Action,
        *,
        relay: str,
        detail: int = 0,
        attending: str = "",
    ) -> str:
        """Relay what an applicant does, signed with the case's key or witnessed at a window; return the intent."""
        node, contract = self.nodes[relay], self.contract(ContractKind.CASES)

        def make() -> dict[str, object]:
            with node.database.read() as connection:
                sequence = cases.sequence_of(connection, case)
            paper = cases.seal_for(node, self._parties(case), action.name.lower(), {"words": "样本"})
            return {"sequence": sequence, "commitment": paper.commitment.hex(), "blob": paper.blob.hex()}

        kept = self.record.fact(f"act:{name}", make)
        paper, sequence = _paper(kept), int(str(kept["sequence"]))
        witnesses: list[bytes] = []
        signature = b""
        if attending:
            witnesses = self.witnessed(attending, case, int(action), sequence, detail, paper.commitment, paper.blob)
        else:
            message: typed.Fields = {
                "caseId": case,
                "action": int(action),
                "sequence": sequence,
                "detail": detail,
                "commitment": paper.commitment,
                "blob": paper.blob,
            }
            signature = holder.sign_case(case_name, typed.digest("CaseAct", message, node.chain_id, contract))
        return cases.act(
            node,
            contract,
            case,
            action,
            sequence=sequence,
            signature=signature,
            detail=detail,
            paper=paper,
            attending=self.nodes[attending].member if attending else 0,
            witnesses=witnesses,
        )

    # ---- consents ---------------------------------------------------------------------------------------------------

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
            both = (window.keys.witness(1, message), window.keys.witness(2, message))
            person = self.people[leaves[0].holder].reference()
            held, custodian = attended.countersigned(window, granted, both, person=person)
            return consents.grant_witnessed(
                node,
                granted.contract,
                granted.terms,
                held,
                attending=granted.attending,
                paper=granted.paper,
                signatures=[*both, custodian],
            )
        shown = []
        for number, item in enumerate(sorted(leaves, key=lambda item: item.leaf)):
            keeper = self.nodes[item.city]
            own = releasing.own_leaf(keeper, keeper.keys.open, granted.contract, item.leaf)
            shown.append(consents.LeafShown(item.leaf, own.entry, own.proof, granted.signatures[number]))
        return consents.grant(node, granted.contract, granted.terms, shown)

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
                    return releasing.read_received(node, number, leaf)
                except NotFoundError:
                    return None

            for file in self.patiently(read).files:
                total += sum(len(piece) for piece in releasing.content(node, number, item.leaf, file))
        return total

    # ---- windows ----------------------------------------------------------------------------------------------------

    def witnessed(
        self, city: str, case: bytes, action: int, sequence: int, detail: int, commitment: bytes, blob: bytes
    ) -> list[bytes]:
        """Let a window's two witnesses sign what they saw."""
        node = self.nodes[city]
        message = TypedMessage(
            "WitnessedAct",
            self.contract(ContractKind.CASES),
            (
                ("caseId", case),
                ("action", action),
                ("sequence", sequence),
                ("detail", detail),
                ("commitment", commitment),
                ("blob", blob),
                ("attending", node.member),
            ),
        )
        return [node.keys.witness(1, message), node.keys.witness(2, message)]

    def signed_case(self, name: str, holder: Holder, digest: bytes, attending: str) -> bytes:
        """Sign a submission with the case's key; at a window the two witnesses stand for a number in custody."""
        if not attending:
            return holder.sign_case(name, digest)
        node = self.nodes[attending]
        message = custody.statement(node, holder.case_key(name), digest)
        return holder.sign_case_witnessed(name, digest, (node.keys.witness(1, message), node.keys.witness(2, message)))

    # ---- what stands ------------------------------------------------------------------------------------------------

    def state(self, case: bytes) -> str:
        """Return a case's state, by its name."""
        with next(iter(self.nodes.values())).database.read() as connection:
            table = case_tables.cases
            found = connection.execute(select(table.c.state).where(table.c.case == case)).scalar()
        return State(found or 0).name.lower()

    def uses(self, granted: GrantedConsent, city: str) -> int:
        """Return how many readings of a city under a consent are on the record."""
        table = consent_tables.uses
        with self.nodes[city].database.read() as connection:
            rows = connection.execute(
                select(table.c.use).where(table.c.consent == granted.digest, table.c.member == self.nodes[city].member)
            )
            return len(rows.all())

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

    def patiently(self, attempt: Callable[[], T | None]) -> T:
        """Try something until it answers.

        Raises:
            UnavailableError: ``outcomes.slow``.
        """
        deadline = time.monotonic() + _SECONDS
        while True:
            found = attempt()
            if found is not None:
                return found
            if time.monotonic() > deadline:
                raise UnavailableError("outcomes.slow", waiting=1)
            time.sleep(_PAUSE)

    # ---- inside -----------------------------------------------------------------------------------------------------

    def _shown(self, matter: str, type_code: str) -> tuple[str, ...]:
        """The fields that the matter's own list asks of a kind of paper, and its file."""
        entry = next(item for item in matters(_DEPARTMENT) if item.code.id == matter_id(matter))
        asked = {name for item in entry.requirements if type_code in item.types for name in item.fields}
        return (*sorted(asked), "file.0")

    def _parties(self, case: bytes) -> list[int]:
        node = next(iter(self.nodes.values()))
        with node.database.read() as connection:
            return list(cases.parties_of(connection, case))

    def _use_number(self, node: Node, granted: GrantedConsent, case: bytes) -> int:
        with node.database.read() as connection:
            return releasing.use_of_consent(connection, node.member, granted.digest, case)

    def _anchored(self, node: Node, names: Sequence[str]) -> None:
        table, batches = material_tables.materials, material_tables.batches

        def block() -> int | None:
            with node.database.read() as connection:
                rows = connection.execute(select(table.c.material).where(table.c.material.in_(names))).all()
                newest = connection.execute(select(batches.c.block).order_by(batches.c.block.desc()).limit(1)).scalar()
            return int(newest or 0) if len(rows) == len(names) else None

        caught_up(self.nodes.values(), self.patiently(block), seconds=_SECONDS)


def _paper(kept: Mapping[str, object]) -> SealedPaper:
    return SealedPaper(b"", bytes.fromhex(str(kept["blob"])), bytes.fromhex(str(kept["commitment"])))
