"""Cases: opening them for a person, doing what offices do, and the papers that go with each step.

Every step carries the salted commitment and the sealed box of its paper, readable by the cities of the case alone. The
contract decides whether a step is lawful; a city that bypasses this module gains nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from sqlalchemy import Column, select
from sqlalchemy.engine import Connection

from ledger.chain.codec import canonical_call
from ledger.domain import canonical, typed
from ledger.domain.calls import Fields
from ledger.domain.case_words import case_id
from ledger.domain.cases import Action, Channel, Mode, RecordKind, SupervisionStage
from ledger.domain.operations import Operation
from ledger.errors import NotFoundError
from ledger.ports import TypedMessage
from ledger.services.asking import ask
from ledger.services.consents import split_signature
from ledger.services.context import Node
from ledger.services.registry import readers_of
from ledger.storage.outbox import Intent
from ledger.storage.tables import cases as tables
from ledger.wire.papers import SealedPaper, seal_paper

__all__ = [
    "Submission",
    "act",
    "act_name",
    "assent",
    "contract_of",
    "hand_over",
    "key_of",
    "open_case",
    "opening_name",
    "parties_of",
    "record",
    "seal_for",
    "sequence_of",
    "settle",
    "step",
    "submission_digest",
    "supervise",
    "witnessed_act",
]

_ZERO = bytes(32)


@dataclass(frozen=True, slots=True, kw_only=True)
class Submission:
    """What an applicant's case key signs to open a case."""

    case_key: str
    receiving: int
    handling: int
    matter: bytes
    mode: Mode
    channel: Channel
    version: int
    agreement: bytes = _ZERO
    agreement_version: int = 0
    parent: bytes = _ZERO
    holders: bytes = _ZERO
    commitment: bytes
    blob: bytes
    salt: bytes

    def message(self) -> typed.Fields:
        """Return the typed data's message."""
        return {
            "receiving": self.receiving,
            "handling": self.handling,
            "matter": self.matter,
            "mode": int(self.mode),
            "channel": int(self.channel),
            "version": self.version,
            "agreement": self.agreement,
            "agreementVersion": self.agreement_version,
            "parent": self.parent,
            "holders": self.holders,
            "commitment": self.commitment,
            "blob": self.blob,
            "salt": self.salt,
        }

    def case(self, chain_id: int, contract: str) -> bytes:
        """Return the case's id."""
        return case_id(
            chain_id, contract, self.case_key, self.receiving, self.handling, self.matter, self.mode, self.salt
        )


def submission_digest(node: Node, contract: str, submission: Submission) -> bytes:
    """Return what the case key signs."""
    return typed.digest("Submission", submission.message(), node.chain_id, contract)


def seal_for(node: Node, members: Iterable[int], kind: str, body: canonical.JsonObject) -> SealedPaper:
    """Seal a paper for the cities of a case and store its box.

    Raises:
        NotFoundError: ``registry.no_key`` where a city has published no key to seal to.
        UnavailableError: the blob store cannot take it now.
    """
    with node.database.read() as connection:
        readers = readers_of(connection, {node.member, *members})
    paper = seal_paper(kind, body, readers, node.random)
    node.blobs.put(paper.box)
    return paper


def open_case(
    node: Node,
    contract: str,
    submission: Submission,
    signature: bytes,
    *,
    attending: int = 0,
    witnesses: Sequence[bytes] = (),
) -> tuple[bytes, str]:
    """Relay a submission; return the case's id and the intent's.

    Args:
        node: the city that relays, any.
        contract: the cases contract.
        submission: what is submitted.
        signature: the case key's.
        attending: the window that helped, or 0.
        witnesses: two signatures of witnesses where a window helped.
    """
    case = submission.case(node.chain_id, contract)
    fields: Fields = {
        **asdict(submission),
        "mode": int(submission.mode),
        "channel": int(submission.channel),
        "attending": attending,
        "signatures": [split_signature(item) for item in witnesses],
        **split_signature(signature),
    }
    return case, _enqueue(node, Operation.OPEN, contract, case, fields, opening_name(case))


def opening_name(case: bytes) -> str:
    """Return the name of the intent that opens a case."""
    return f"open:{case.hex()}"


def assent(node: Node, contract: str, case: bytes, paper: SealedPaper) -> str:
    """Record this city's assent to a case that no agreement covers."""
    fields: Fields = {"case": case, "commitment": paper.commitment, "blob": paper.blob}
    return _enqueue(node, Operation.ASSENT, contract, case, fields, f"assent:{node.member}:{case.hex()}")


def act(
    node: Node,
    contract: str,
    case: bytes,
    action: Action,
    *,
    sequence: int,
    signature: bytes = b"",
    detail: int = 0,
    paper: SealedPaper | None = None,
    attending: int = 0,
    witnesses: Sequence[bytes] = (),
) -> str:
    """Relay what an applicant does: signed by the case key, or seen by two witnesses at a window."""
    fields: Fields = {
        "case": case,
        "action": int(action),
        "sequence": sequence,
        "detail": detail,
        "commitment": paper.commitment if paper else _ZERO,
        "blob": paper.blob if paper else _ZERO,
        "attending": attending,
        "signatures": [split_signature(item) for item in witnesses],
        **(split_signature(signature) if signature else {"r": 0, "s": 0, "v": 0}),
    }
    return _enqueue(node, Operation.ACT, contract, case, fields, act_name(case, action, sequence, paper))


def act_name(case: bytes, action: Action, sequence: int, paper: SealedPaper | None) -> str:
    """Return the name of the intent by which an applicant acts."""
    return f"act:{case.hex()}:{sequence}:{int(action)}:{_mark(paper)}"


def step(
    node: Node,
    contract: str,
    case: bytes,
    action: Action,
    *,
    sequence: int,
    paper: SealedPaper | None = None,
    detail: int = 0,
    department: int = 0,
    role: int = 0,
) -> str:
    """Do what an office does, at the number that the case's next step has."""
    fields: Fields = {
        "case": case,
        "action": int(action),
        "sequence": sequence,
        "detail": detail,
        "department": department,
        "role": role,
        "commitment": paper.commitment if paper else _ZERO,
        "blob": paper.blob if paper else _ZERO,
    }
    return _enqueue(
        node, Operation.STEP, contract, case, fields, f"step:{case.hex()}:{sequence}:{int(action)}:{_mark(paper)}"
    )


def hand_over(node: Node, contract: str, case: bytes, *, to_member: int, to_department: int, intent: str) -> str:
    """Hand a case over to another office of the same case."""
    fields: Fields = {"case": case, "to_member": to_member, "to_department": to_department}
    return _enqueue(node, Operation.HAND_OVER, contract, case, fields, intent)


def record(node: Node, contract: str, case: bytes, kind: RecordKind, paper: SealedPaper) -> str:
    """Record what a procedure needs besides its transitions."""
    fields: Fields = {
        "case": case,
        "kind": int(kind),
        "commitment": paper.commitment,
        "blob": paper.blob,
    }
    return _enqueue(node, Operation.RECORD, contract, case, fields, f"record:{paper.commitment.hex()}")


def supervise(
    node: Node, contract: str, case: bytes, stage: SupervisionStage, paper: SealedPaper, *, order: int = 0, due: int = 0
) -> str:
    """Issue (order 0), answer or settle a supervision order; issuing and settling take a regulator's key."""
    fields: Fields = {
        "case": case,
        "order": order,
        "stage": int(stage),
        "due": due,
        "commitment": paper.commitment,
        "blob": paper.blob,
    }
    role = "operate" if stage is SupervisionStage.ANSWERED else "regulate"
    return _enqueue(node, Operation.SUPERVISE, contract, case, fields, f"supervise:{paper.commitment.hex()}", role=role)


def settle(node: Node, contract: str, case: bytes, *, intent: str) -> str:
    """Settle a claim that nobody rebutted in its one working day."""
    return _enqueue(node, Operation.SETTLE, contract, case, {"value": case}, intent)


def witnessed_act(
    node: Node,
    contract: str,
    case: bytes,
    action: int,
    *,
    paper: SealedPaper,
    sequence: int = 0,
    detail: int = 0,
) -> TypedMessage:
    """Return what two witnesses of this city's window sign of a person's act; action 0 is the submission."""
    return TypedMessage(
        "WitnessedAct",
        contract,
        (
            ("caseId", case),
            ("action", action),
            ("sequence", sequence),
            ("detail", detail),
            ("commitment", paper.commitment),
            ("blob", paper.blob),
            ("attending", node.member),
        ),
    )


def key_of(connection: Connection, case: bytes) -> str:
    """Return the address of a case's key.

    Raises:
        NotFoundError: ``cases.not_found``.
    """
    return str(_stated(connection, case, tables.cases.c.case_key))


def parties_of(connection: Connection, case: bytes) -> tuple[int, ...]:
    """Return the members that handle a case, its parent and its children: whoever may read its papers.

    Raises:
        NotFoundError: ``cases.not_found``.
    """
    table = tables.cases
    parent = bytes(_stated(connection, case, table.c.parent))
    family = [case, *([parent] if any(parent) else [])]
    found = connection.execute(
        select(table.c.receiving, table.c.handling).where(table.c.case.in_(family) | table.c.parent.in_(family))
    )
    return tuple(sorted({member for pair in found for member in pair}))


def contract_of(connection: Connection, case: bytes) -> str:
    """Return the contract in which a case was opened, and in which it finishes.

    Raises:
        NotFoundError: ``cases.not_found``.
    """
    return str(_stated(connection, case, tables.cases.c.contract))


def sequence_of(connection: Connection, case: bytes) -> int:
    """Return the number that a case's next step has.

    Raises:
        NotFoundError: ``cases.not_found``.
    """
    return int(_stated(connection, case, tables.cases.c.sequence))


def _stated(connection: Connection, case: bytes, column: Column[Any]) -> Any:  # noqa: ANN401 - what the column holds
    found = connection.execute(select(column).where(tables.cases.c.case == case)).scalar()
    if found is None:
        raise NotFoundError("cases.not_found")
    return found


def _mark(paper: SealedPaper | None) -> str:
    """What tells one attempt from the next: whoever was refused tries again with a paper of its own."""
    return paper.commitment.hex()[:16] if paper else "0"


def _enqueue(
    node: Node,
    operation: Operation,
    contract: str,
    case: bytes,
    fields: Fields,
    name: str,
    *,
    role: str = "operate",
) -> str:
    with node.begin() as uow:
        intent = Intent(
            id=name,
            operation=operation,
            contract=contract,
            role=role,
            subject=case,
            call=canonical_call(operation, fields),
        )
        name = ask(uow.connection, intent, now=node.clock())
        uow.commit()
    return name
