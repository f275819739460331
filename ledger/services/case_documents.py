"""The applicant who holds the keys alone, at a city: what they are to sign is written down, and what they signed is filed.

Any city writes and any city files: the document carries the sealed paper, which whoever files it keeps for the cities of the
case. Nothing here decides whether an act is lawful, which the contract does; but what is known to be refused, or to be
there already, is said before anybody signs or waits.
"""

from __future__ import annotations

from collections.abc import Iterable

from sqlalchemy import select
from sqlalchemy.engine import Connection

from ledger.domain import typed
from ledger.domain.case_tables import ACTION_RULES
from ledger.domain.cases import Action, Channel, Mode, State
from ledger.domain.catalogue import MatterCode
from ledger.domain.consortium import ContractKind
from ledger.errors import (
    AuthorityError,
    ConflictError,
    FormatError,
    InputError,
    NotFoundError,
    UnavailableError,
)
from ledger.services import agreements, cases, catalogue
from ledger.services.cases import Submission
from ledger.services.context import Node
from ledger.services.overview import CaseShown, case_shown
from ledger.services.registry import current_contract
from ledger.storage import outbox, repeating
from ledger.storage.tables import cases as tables
from ledger.storage.tables import consortium as member_tables
from ledger.wire.case_documents import CaseDocument, City, Message, Shown, check, paper_kind, plain
from ledger.wire.papers import SealedPaper

__all__ = ["cities_of", "draft", "file", "matter_names", "prepare_act", "prepare_submission"]

_ZERO = bytes(32)


def draft(
    node: Node,
    paper: SealedPaper,
    *,
    case_key: str,
    receiving: int,
    handling: int,
    matter: bytes,
    mode: Mode,
    parent: bytes = _ZERO,
) -> Submission:
    """Return a submission under the version that is offered now and the agreement that covers it, if one does.

    Raises:
        NotFoundError: ``catalogue.not_offered``.
    """
    with node.database.read() as connection:
        offered = next((one for one in catalogue.matters(connection, handling) if one.matter == matter), None)
        agreed = agreements.covering(
            connection, receiving=receiving, handling=handling, matter=matter, mode=mode, now=node.clock()
        )
    if offered is None:
        raise NotFoundError("catalogue.not_offered", member=handling)
    return Submission(
        case_key=case_key,
        receiving=receiving,
        handling=handling,
        matter=matter,
        mode=mode,
        channel=Channel.WINDOW,
        version=offered.version,
        agreement=agreed[0] if agreed else _ZERO,
        agreement_version=agreed[1] if agreed else 0,
        parent=parent,
        commitment=paper.commitment,
        blob=paper.blob,
        salt=node.random(32),
    )


def prepare_submission(
    node: Node,
    *,
    case_key: str,
    receiving: int,
    handling: int,
    matter: MatterCode,
    mode: Mode,
    parent: bytes = _ZERO,
    words: str = "",
    expires: int,
    clock_offset: int = 0,
) -> CaseDocument:
    """Write down a submission for a holder to sign.

    Args:
        node: any city.
        case_key: the address that the holder has set aside for this case.
        receiving: the member that receives.
        handling: the member that decides.
        matter: the matter's code.
        mode: the way of handling.
        parent: the joint case that it is a part of.
        words: the applicant's.
        expires: until when it may be signed and filed.
        clock_offset: how far the network's clock stands from the real one, so that the holder's machine can tell.

    Raises:
        InputError: ``signing.words``.
        NotFoundError: ``catalogue.not_offered``, ``registry.no_key``.
        ConflictError: ``signing.key_used``: a key that opened another case would join the two for every reader.
        UnavailableError: the deciding city's entry of the matter cannot be fetched now.
    """
    _require_plain(words)
    entry, _ = catalogue.matter_document(node, handling, matter.id)
    with node.database.read() as connection:
        contract = current_contract(connection, ContractKind.CASES)
        before = connection.execute(select(tables.cases.c.case).where(tables.cases.c.case_key == case_key)).first()
        if before is not None and (not any(parent) or cases.key_of(connection, parent) != case_key):
            raise ConflictError("signing.key_used")
        shown = Shown(
            matter=matter.text,
            zh=entry.zh,
            en=entry.en,
            cities=cities_of(connection, (receiving, handling)),
            asked=tuple((item.zh, item.en) for item in entry.requirements),
            words=words,
            expires=expires,
            clock_offset=clock_offset,
        )
    paper = cases.seal_for(node, [receiving, handling], "submission", shown.body())
    submission = draft(
        node,
        paper,
        case_key=case_key,
        receiving=receiving,
        handling=handling,
        matter=matter.id,
        mode=mode,
        parent=parent,
    )
    return _document(node, contract, case_key, "Submission", dict(submission.message()), shown, paper)


def prepare_act(
    node: Node,
    case: bytes,
    action: Action,
    *,
    detail: int = 0,
    words: str = "",
    expires: int,
    clock_offset: int = 0,
) -> CaseDocument:
    """Write down an act of the applicant in a case, at the number that its next step has now.

    Raises:
        NotFoundError: ``cases.not_found``, ``registry.no_key``.
        InputError: ``signing.detail``, ``signing.words``.
        ConflictError: ``signing.state`` where the case is not in a state in which the contract takes the act.
    """
    _require_plain(words)
    found = case_shown(node, case.hex())
    with node.database.read() as connection:
        contract, key = cases.contract_of(connection, case), cases.key_of(connection, case)
        parties = cases.parties_of(connection, case)
        cities = cities_of(connection, (found.receiving, found.handling, *parties))
    rule = ACTION_RULES[action]
    if not rule.details[0] <= detail <= rule.details[1]:
        raise InputError("signing.detail", least=rule.details[0], most=rule.details[1])
    joint = found.mode == Mode.JOINT and not any(found.parent)
    if State(found.state) not in (rule.parent_states if joint else rule.states):
        raise ConflictError("signing.state")
    zh, en = matter_names(node, found)
    shown = Shown(
        matter=found.code, zh=zh, en=en, cities=cities, words=words, expires=expires, clock_offset=clock_offset
    )
    paper = cases.seal_for(node, parties, paper_kind(action), shown.body())
    message: Message = {
        "caseId": case,
        "action": int(action),
        "sequence": found.sequence,
        "detail": detail,
        "commitment": paper.commitment,
        "blob": paper.blob,
    }
    return _document(node, contract, key, "CaseAct", message, shown, paper)


def file(node: Node, document: CaseDocument) -> tuple[bytes, str]:
    """File what an applicant signed; return the case's id and the intent's.

    Raises:
        ConflictError: ``signing.other_chain``, ``signing.expired``, ``signing.already_filed``, ``signing.moved_on``
            where the case has taken another step since.
        IntegrityError: ``signing.altered``.
        InputError: ``signing.unsigned``.
        AuthorityError: ``signing.signature`` where another key than the case's signed.
        NotFoundError: ``cases.not_found``.
    """
    check(document, now=node.clock())
    if document.chain_id != node.chain_id:
        raise ConflictError("signing.other_chain")
    if not document.signature:
        raise InputError("signing.unsigned")
    try:
        signer = typed.recover(document.digest, document.signature)
    except FormatError:
        signer = ""
    if signer != document.case_key:
        raise AuthorityError("signing.signature")
    paper = SealedPaper(document.box, document.octets("blob"), document.octets("commitment"), document.salt)
    if document.action is None:
        return _file_submission(node, document, paper)
    return document.case, _file_act(node, document, document.action, paper)


def cities_of(connection: Connection, members: Iterable[int]) -> tuple[City, ...]:
    """Return members as an applicant reads them: with names, each once, in the order given."""
    table, wanted = member_tables.members, list(dict.fromkeys(members))
    rows = connection.execute(select(table.c.member, table.c.name, table.c.division).where(table.c.member.in_(wanted)))
    found = {int(row.member): City(int(row.member), str(row.name), str(row.division)) for row in rows}
    return tuple(found.get(member) or City(member, "", "0") for member in wanted)


def matter_names(node: Node, case: CaseShown) -> tuple[str, str]:
    """Return the matter's name in both languages; its code where its list is withdrawn or cannot be fetched now."""
    try:
        entry, _ = catalogue.matter_document(node, case.handling, case.matter)
    except (NotFoundError, UnavailableError):
        return case.code, case.code
    return entry.zh, entry.en


def _file_submission(node: Node, document: CaseDocument, paper: SealedPaper) -> tuple[bytes, str]:
    with node.database.read() as connection:
        if document.contract != current_contract(connection, ContractKind.CASES):
            raise ConflictError("signing.other_chain")
        case = document.case
        known = connection.execute(select(tables.cases.c.case).where(tables.cases.c.case == case)).first()
        if known is not None or _under_way(connection, cases.opening_name(case)):
            raise ConflictError("signing.already_filed")
    node.blobs.put(paper.box)
    return cases.open_case(node, document.contract, _submission(document), document.signature)


def _file_act(node: Node, document: CaseDocument, action: Action, paper: SealedPaper) -> str:
    case, sequence = document.case, document.number("sequence")
    with node.database.read() as connection:
        contract, key = cases.contract_of(connection, case), cases.key_of(connection, case)
        if (document.contract, document.case_key) != (contract, key):
            raise ConflictError("signing.other_chain")
        table = tables.case_transitions
        done = connection.execute(
            select(table.c.case).where(table.c.case == case, table.c.commitment == paper.commitment)
        ).first()
        if done is not None or _under_way(connection, cases.act_name(case, action, sequence, paper)):
            raise ConflictError("signing.already_filed")
        if cases.sequence_of(connection, case) != sequence:
            raise ConflictError("signing.moved_on")
    node.blobs.put(paper.box)
    return cases.act(
        node, contract, case, action, sequence=sequence, signature=document.signature, detail=document.number("detail"),
        paper=paper,
    )  # fmt: skip


def _document(
    node: Node, contract: str, case_key: str, kind: str, message: typed.Fields, shown: Shown, paper: SealedPaper
) -> CaseDocument:
    return CaseDocument(
        chain_id=node.chain_id,
        contract=contract,
        case_key=case_key,
        kind=kind,
        message={name: value for name, value in message.items() if isinstance(value, int | bytes)},
        shown=shown,
        salt=paper.salt,
        box=paper.box,
    )


def _submission(document: CaseDocument) -> Submission:
    octets, number = document.octets, document.number
    return Submission(
        case_key=document.case_key,
        receiving=number("receiving"),
        handling=number("handling"),
        matter=octets("matter"),
        mode=Mode(number("mode")),
        channel=Channel(number("channel")),
        version=number("version"),
        agreement=octets("agreement"),
        agreement_version=number("agreementVersion"),
        parent=octets("parent"),
        holders=octets("holders"),
        commitment=octets("commitment"),
        blob=octets("blob"),
        salt=octets("salt"),
    )


def _under_way(connection: Connection, name: str) -> bool:
    """Whether an intent stands in line or is done; one that was refused or has failed may be handed in again."""
    return any(each.state not in outbox.STUCK for each in repeating.family(connection, name))


def _require_plain(words: str) -> None:
    if not plain(words):
        raise InputError("signing.words")
