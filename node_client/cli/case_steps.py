"""The steps of a case as commands of ``tongban case``: one for each transition, of offices and of applicants."""

from __future__ import annotations

from typing import Annotated

import typer

from ledger.domain import typed
from ledger.domain.cases import Action
from ledger.domain.consortium import ContractKind
from ledger.projections.subjects import SubjectKind
from ledger.services import cases, holders
from ledger.services.context import Node
from ledger.services.registry import current_contract
from ledger.wire.papers import SealedPaper
from node_client.cli.identities import PinFile, read_pin
from node_client.cli.nodes import AsJson, NodeOption, NoWait, named, opened, settle

__all__ = ["Id", "Window", "Words", "add_to", "cases_contract", "paper_for"]

Id = Annotated[
    str, typer.Argument(help="办件编号，或其前八位以上 / the case's id, or its first digits", show_default=False)
]
Words = Annotated[str, typer.Option(help="随办件封存的说明 / words, sealed to the case's cities")]
Detail = Annotated[int, typer.Option(min=0, help="附加代码，见说明 / detail code")]
Department = Annotated[int, typer.Option(min=0, help="实施部门编号 / department")]
Officer = Annotated[int, typer.Option(min=0, max=4, help="1 受理人 2 审查人 3 决定人 4 负责人 / officer's role")]
Window = Annotated[bool, typer.Option("--window", help="由本窗口两位见证人签署 / witnessed at this window")]

# What offices do: the command, the action, its help in both languages.
_OFFICE = (
    ("receive", Action.RECEIVE, "登记收到异地代收的材料", "Record the receipt of what another city received"),
    (
        "correct",
        Action.REQUEST_CORRECTION,
        "要求补正（--detail 1 形式 2 内容）",
        "Ask for corrections (--detail 1 form, 2 substance)",
    ),
    ("accept", Action.ACCEPT, "受理（--detail 1 容缺受理）", "Accept (--detail 1: tolerantly)"),
    ("refuse-acceptance", Action.REFUSE_ACCEPTANCE, "不予受理", "Refuse to accept"),
    ("review", Action.REVIEW, "开始审查", "Begin the review"),
    (
        "suspend",
        Action.SUSPEND,
        "进入特别程序，时限暂停（--detail 1 听证 … 9 其他）",
        "Suspend for a special procedure (--detail 1 hearing … 9 other)",
    ),
    ("resume", Action.RESUME, "特别程序结束，恢复计时", "Resume after a special procedure"),
    (
        "extend",
        Action.EXTEND,
        "延长办理时限（--detail 工作日数，负责人）",
        "Extend the limit (--detail working days, by the head)",
    ),
    (
        "grant",
        Action.GRANT,
        "准予（--detail 结果的第一叶 batch<<32|index）",
        "Grant (--detail the result's first leaf)",
    ),
    ("refuse", Action.REFUSE, "不予（--detail 理由代码）", "Refuse (--detail the ground's code)"),
    ("close", Action.CLOSE, "办结", "Close"),
    (
        "deliver",
        Action.DELIVER,
        "送达（--detail 渠道：1 窗口 2 网站 3 移动 4 邮寄 9 其他）",
        "Deliver (--detail channel: 1 window 2 web 3 mobile 4 post 9 other)",
    ),
    ("close-uncorrected", Action.CLOSE_UNCORRECTED, "逾期未补正，终止", "Close a case whose corrections did not come"),
    ("transfer-up", Action.TRANSFER_UP, "转报上级", "Transfer to the superior authority"),
    ("rebut", Action.REBUT, "证明已按时告知", "Prove that notice was given in time"),
    (
        "revoke-result",
        Action.REVOKE_RESULT,
        "撤销结果（--detail 1 本机关 2 上级 3 复议 4 法院）",
        "Revoke the result (--detail organ)",
    ),
    ("change-result", Action.CHANGE_RESULT, "变更结果", "Change the result"),
    ("declare-unlawful", Action.DECLARE_UNLAWFUL, "确认违法", "Declare the result unlawful"),
    ("deregister", Action.DEREGISTER, "注销结果", "Deregister the result"),
)
# What applicants do, with the case's key or before two witnesses.
_APPLICANT = (
    ("supply", Action.SUPPLY, "补正材料", "Supply corrections"),
    ("withdraw", Action.WITHDRAW, "撤回申请", "Withdraw"),
    ("sign-delivery", Action.SIGN_DELIVERY, "签收结果", "Sign for delivery"),
    ("rate", Action.RATE, "评价（--detail 1 非常满意 … 5 非常不满意）", "Rate (--detail 1 very satisfied … 5)"),
    ("claim", Action.CLAIM, "主张逾期视为受理", "Claim that silence counts as acceptance"),
)


def add_to(group: typer.Typer) -> None:
    """Add a command for each step."""
    for name, action, zh, en in _OFFICE:
        group.command(name, help=f"{zh}。 / {en}.", epilog=f"tongban case {name} 22ba… --node wuhou/ --words …")(
            _office(action)
        )
    for name, action, zh, en in _APPLICANT:
        group.command(name, help=f"{zh}。 / {en}.", epilog=f"tongban case {name} 22ba… --node wuhou/ --window")(
            _applicant(action)
        )


def _office(action: Action):  # type: ignore[no-untyped-def]  # noqa: ANN202 - a command for typer
    def step(
        case: Id,
        *,
        node: NodeOption,
        words: Words = "",
        detail: Detail = 0,
        department: Department = 0,
        officer: Officer = 0,
        no_wait: NoWait = False,
        as_json: AsJson = False,
    ) -> None:
        with opened(node) as city:
            name = named(city, SubjectKind.CASE, case)
            with city.database.read() as connection:
                sequence = cases.sequence_of(connection, name)
            paper = paper_for(city, name, action.name.lower(), words)
            intent = cases.step(
                city, cases_contract(city), name, action, sequence=sequence, paper=paper, detail=detail,
                department=department, role=officer,
            )  # fmt: skip
            settle(city, [intent], no_wait=no_wait, as_json=as_json)

    return step


def _applicant(action: Action):  # type: ignore[no-untyped-def]  # noqa: ANN202 - as above
    def act(
        case: Id,
        *,
        node: NodeOption,
        words: Words = "",
        detail: Detail = 0,
        pin_file: PinFile = None,
        window: Window = False,
        no_wait: NoWait = False,
        as_json: AsJson = False,
    ) -> None:
        with opened(node) as city:
            name, contract = named(city, SubjectKind.CASE, case), cases_contract(city)
            with city.database.read() as connection:
                sequence = cases.sequence_of(connection, name)
                key = cases.key_of(connection, name)
            paper = paper_for(city, name, action.name.lower(), words)
            witnesses: list[bytes] = []
            signature = b""
            if window:
                seen = cases.witnessed_act(
                    city, contract, name, int(action), sequence=sequence, detail=detail, paper=paper
                )
                witnesses = [city.keys.witness(1, seen), city.keys.witness(2, seen)]
            else:
                message: typed.Fields = {
                    "caseId": name, "action": int(action), "sequence": sequence, "detail": detail,
                    "commitment": paper.commitment, "blob": paper.blob,
                }  # fmt: skip
                digest = typed.digest("CaseAct", message, city.chain_id, contract)
                signature = holders.sign_case(city, key, digest, read_pin(pin_file))
            intent = cases.act(
                city, contract, name, action, sequence=sequence, signature=signature, detail=detail, paper=paper,
                attending=city.member if window else 0, witnesses=witnesses,
            )  # fmt: skip
            settle(city, [intent], no_wait=no_wait, as_json=as_json)

    return act


def paper_for(city: Node, case: bytes, kind: str, words: str) -> SealedPaper:
    """Seal words about a step to the cities of the case."""
    with city.database.read() as connection:
        parties = cases.parties_of(connection, case)
    return cases.seal_for(city, parties, kind.replace("_", "-"), {"words": words})


def cases_contract(city: Node) -> str:
    """Return the contract that takes new cases now."""
    with city.database.read() as connection:
        return current_contract(connection, ContractKind.CASES)
