"""The steps of a case as commands of ``tongban case``: one for each transition, of offices and of applicants."""

from __future__ import annotations

from typing import Annotated

import typer

from ledger.domain import typed
from ledger.domain.cases import Action
from ledger.projections.subjects import SubjectKind
from ledger.services import case_documents, cases, holders
from ledger.services.attending import both_witnesses
from ledger.services.context import Node
from ledger.wire.case_documents import APPLICANT_ACTS
from ledger.wire.papers import SealedPaper
from ledger.wire.sentences import term
from node_client.cli import documents
from node_client.cli.details import detail_of, meaning
from node_client.cli.documents import Days, Document, Prepare
from node_client.cli.identities import PinFile, read_pin
from node_client.cli.nodes import AsJson, NodeOption, NoWait, named, opened, settle

__all__ = ["Id", "Window", "Words", "add_to", "paper_for"]

Id = Annotated[
    str, typer.Argument(help="办件编号，或其前八位以上 / the case's id, or its first digits", show_default=False)
]
Words = Annotated[str, typer.Option(help="随办件封存的说明 / words, sealed to the case's cities")]
Detail = Annotated[str, typer.Option(help="附加代码，含义见本命令的说明 / code, as said above", show_default=False)]
Department = Annotated[int, typer.Option(min=0, help="实施部门编号 / department")]
Officer = Annotated[int, typer.Option(min=0, max=4, help="1 受理人 2 审查人 3 决定人 4 负责人 / officer's role")]
Window = Annotated[bool, typer.Option("--window", help="由本窗口两位见证人签署 / witnessed at this window")]

# What offices do comes after what applicants do and what the law does by itself.
_OFFICE = tuple(action for action in Action if action >= Action.RECEIVE)
# Commands are called as the actions are, but for the one that everybody calls by a word.
_CALLED = {Action.REQUEST_CORRECTION: "correct"}


def add_to(group: typer.Typer) -> None:
    """Add a command for each step."""
    for action in _OFFICE:
        example = f"tongban case {_name(action)} 22ba… --node wuhou/ --words …"
        group.command(_name(action), help=_help(action), epilog=example)(_office(action))
    for action in APPLICANT_ACTS:
        command = f"tongban case {_name(action)}"
        example = (
            f"{command} 22ba… --node wuhou/ --window · {command} 22ba… --node wuhou/ --prepare act.json · "
            f"{command} --node wuhou/ --document signed.json"
        )
        group.command(_name(action), help=_help(action), epilog=example)(_applicant(action))


def _name(action: Action) -> str:
    return _CALLED.get(action) or action.name.lower().replace("_", "-")


def _help(action: Action) -> str:
    zh, en = (term("actions", action.name, lang) for lang in ("zh", "en"))
    if meaning(action, "zh"):
        zh, en = f"{zh}（--detail {meaning(action, 'zh')}）", f"{en} (--detail {meaning(action, 'en')})"
    return f"{zh}。 / {en[0].upper()}{en[1:]}."


def _office(action: Action):  # type: ignore[no-untyped-def]  # noqa: ANN202 - a command for typer
    def step(
        case: Id,
        *,
        node: NodeOption,
        words: Words = "",
        detail: Detail = "",
        department: Department = 0,
        officer: Officer = 0,
        no_wait: NoWait = False,
        as_json: AsJson = False,
    ) -> None:
        said = detail_of(action, detail)
        with opened(node) as city:
            name = named(city, SubjectKind.CASE, case)
            with city.database.read() as connection:
                sequence, contract = cases.sequence_of(connection, name), cases.contract_of(connection, name)
            paper = paper_for(city, name, action.name.lower(), words)
            intent = cases.step(
                city, contract, name, action, sequence=sequence, paper=paper, detail=said,
                department=department, role=officer,
            )  # fmt: skip
            settle(city, [intent], no_wait=no_wait, as_json=as_json)

    return step


def _applicant(action: Action):  # type: ignore[no-untyped-def]  # noqa: ANN202 - as above
    def act(
        case: Annotated[
            str,
            typer.Argument(
                help="办件编号，或其前八位以上；用 --document 时可不写 / the case's id, or its first digits; not needed with --document",
                show_default=False,
            ),
        ] = "",
        *,
        node: NodeOption,
        words: Words = "",
        detail: Detail = "",
        pin_file: PinFile = None,
        window: Window = False,
        prepare: Prepare = None,
        document: Document = None,
        days: Days = documents.DAYS,
        no_wait: NoWait = False,
        as_json: AsJson = False,
    ) -> None:
        documents.require_one_way(prepare, document, window or pin_file is not None)
        if not case and document is None:
            documents.require(CASE=case)
        said = detail_of(action, detail)
        with opened(node) as city:
            name = named(city, SubjectKind.CASE, case) if case else b""
            if document is not None:
                _, intent = documents.filed(city, document, action, name)
                settle(city, [intent], no_wait=no_wait, as_json=as_json)
            elif prepare is not None:
                expires, offset = documents.until(city, days)
                written = case_documents.prepare_act(
                    city, name, action, detail=said, words=words, expires=expires, clock_offset=offset
                )
                documents.write(prepare, written, as_json=as_json)
            else:
                intent = _signed_here(city, name, action, words, said, pin_file, window=window)
                settle(city, [intent], no_wait=no_wait, as_json=as_json)

    return act


def _signed_here(
    city: Node, name: bytes, action: Action, words: str, detail: int, pin_file: PinFile, *, window: bool
) -> str:
    """Act with a key in this city's custody, or before two witnesses of this window."""
    with city.database.read() as connection:
        sequence, contract = cases.sequence_of(connection, name), cases.contract_of(connection, name)
        key = cases.key_of(connection, name)
    paper = paper_for(city, name, action.name.lower(), words)
    witnesses: tuple[bytes, ...] = ()
    signature = b""
    if window:
        seen = cases.witnessed_act(city, contract, name, int(action), sequence=sequence, detail=detail, paper=paper)
        witnesses = both_witnesses(city, seen)
    else:
        message: typed.Fields = {
            "caseId": name, "action": int(action), "sequence": sequence, "detail": detail,
            "commitment": paper.commitment, "blob": paper.blob,
        }  # fmt: skip
        digest = typed.digest("CaseAct", message, city.chain_id, contract)
        signature = holders.sign_case(city, key, digest, read_pin(pin_file))
    return cases.act(
        city, contract, name, action, sequence=sequence, signature=signature, detail=detail, paper=paper,
        attending=city.member if window else 0, witnesses=witnesses,
    )  # fmt: skip


def paper_for(city: Node, case: bytes, kind: str, words: str) -> SealedPaper:
    """Seal words about a step to the cities of the case."""
    with city.database.read() as connection:
        parties = cases.parties_of(connection, case)
    return cases.seal_for(city, parties, kind.replace("_", "-"), {"words": words})
