"""The story's cases: submitted, taken step by step, witnessed at windows where an applicant has no phone."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping

from sqlalchemy import select

from ledger.domain import typed
from ledger.domain.cases import Action, Channel, Mode, State
from ledger.domain.consortium import ContractKind
from ledger.ports import TypedMessage
from ledger.services import agreements, cases, catalogue, custody
from ledger.services.attending import both_witnesses
from ledger.storage.tables import cases as case_tables
from ledger.wire.papers import SealedPaper
from node_client.pilot.catalogue import matter_id
from node_client.pilot.people import Holder
from node_client.pilot.room import DEPARTMENT, Room

__all__ = ["CaseDesk"]

_ZERO = bytes(32)


class CaseDesk(Room):
    """What clerks and applicants do to a case, each once under its name."""

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
                    agreed = agreements.covering(
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
        witnesses: tuple[bytes, ...] = ()
        if attending:
            witnesses = self.witnessed(attending, case, 0, 0, 0, submission.commitment, submission.blob)
        number = self.nodes[attending].member if attending else 0

        def ask() -> str:
            return cases.open_case(node, contract, submission, signature, attending=number, witnesses=witnesses)[1]

        return case, self.asked(f"open:{case.hex()}", ask)

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
        return self.asked(
            f"step:{name}",
            lambda: cases.step(
                node,
                self.contract(ContractKind.CASES),
                case,
                action,
                sequence=int(str(kept["sequence"])),
                paper=_paper(kept),
                detail=detail,
                department=DEPARTMENT if officer else 0,
                role=officer,
            ),
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
        witnesses: tuple[bytes, ...] = ()
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
        return self.asked(
            f"act:{name}",
            lambda: cases.act(
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
            ),
        )

    def witnessed(
        self, city: str, case: bytes, action: int, sequence: int, detail: int, commitment: bytes, blob: bytes
    ) -> tuple[bytes, bytes]:
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
        return both_witnesses(node, message)

    def signed_case(self, name: str, holder: Holder, digest: bytes, attending: str) -> bytes:
        """Sign a submission with the case's key; at a window the two witnesses stand for a number in custody."""
        if not attending:
            return holder.sign_case(name, digest)
        node = self.nodes[attending]
        message = custody.statement(node, holder.case_key(name), digest)
        return holder.sign_case_witnessed(name, digest, both_witnesses(node, message))

    def state(self, case: bytes) -> str:
        """Return a case's state, by its name."""
        with next(iter(self.nodes.values())).database.read() as connection:
            table = case_tables.cases
            found = connection.execute(select(table.c.state).where(table.c.case == case)).scalar()
        return State(found or 0).name.lower()

    def _parties(self, case: bytes) -> list[int]:
        node = next(iter(self.nodes.values()))
        with node.database.read() as connection:
            return list(cases.parties_of(connection, case))


def _paper(kept: Mapping[str, object]) -> SealedPaper:
    return SealedPaper(b"", bytes.fromhex(str(kept["blob"])), bytes.fromhex(str(kept["commitment"])))
