"""``tongban verify``: what receipts and proofs show, offline."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Group
from rich.table import Table
from rich.text import Text

from ledger.domain.consents import Purpose
from ledger.domain.materials import AssuranceLevel
from ledger.domain.workdays import CHINA
from ledger.wire.problems import explain, problem
from ledger.wire.sentences import sentence, term
from ledger.wire.verification import Check, Outcome
from node_client import offline
from node_client.cli.output import Language, exit_status, language, say_json, screen
from node_client.offline import Item, Report

__all__ = ["add_to"]

_MARKS = {
    Outcome.PASSED: ("✔", "green"),
    Outcome.FAILED: ("✘", "bold red"),
    Outcome.COULD_NOT_CHECK: ("？", "yellow"),
    Outcome.NOT_CLAIMED: ("–", "dim"),
}
# UTC+8 all year since 1991; a bare machine may have no table of time zones.
_TIMES = frozenset({"as_of", "at", "time", "until"})
# Shown by their beginning; whole with --json.
_DIGESTS = frozenset({"case", "consent", "matter", "parent_case"})
_UNITS = ((86_400, "天", "d"), (3600, "小时", "h"), (60, "分钟", "min"), (1, "秒", "s"))
_EXAMPLES = "tongban verify receipt.json register.pdf --policy five-cities.policy · tongban verify papers/"


def add_to(app: typer.Typer) -> None:
    """Add the command."""
    app.command("verify", epilog=_EXAMPLES)(verify)


def verify(
    things: Annotated[
        list[Path],
        typer.Argument(
            metavar="FILE...",
            help="凭证、.tlog-proof 证明、要核对的文件或文件夹 / receipts, proofs, files to hold against them, folders",
            show_default=False,
        ),
    ],
    *,
    policy: Annotated[
        Path | None,
        typer.Option(
            help="网络的签署策略文件；文件夹里有 policy 文件时可省略 / the network's policy file; a folder may hold it as `policy`",
            show_default=False,
        ),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="输出 JSON / print JSON")] = False,
) -> None:
    """核验凭证和证明，不需要网络、数据库和密钥。 / Verify receipts and proofs without network, database or key.

    退出状态：0 全部通过，1 有不通过或未能核验的，2 输入有误。 / Exit status: 0 all good, 1 not, 2 bad input.
    """
    report = offline.verify_all(things, policy, now=int(time.time()))
    lang = language()
    if len(report.items) == 1 and report.items[0].error is not None:
        raise report.items[0].error
    if as_json:
        say_json(_document(report, lang))
    else:
        screen().print(_page(report, lang))
    if report.malformed:
        raise typer.Exit(max(exit_status(item.error) for item in report.items if item.error is not None))
    if not report.good:
        raise typer.Exit(1)


def _document(report: Report, lang: Language) -> dict[str, object]:
    return {
        "good": report.good,
        "items": [_item_document(item, lang) for item in report.items],
        "unknown": list(report.unknown),
    }


def _item_document(item: Item, lang: Language) -> dict[str, object]:
    head: dict[str, object] = {"name": item.name, "kind": item.kind.value, "files": list(item.files)}
    if item.error is not None:
        return head | {"good": False, "error": problem(item.error, lang)}
    checks = item.verdict.checks if item.verdict is not None else ()
    return head | {
        "good": item.verdict is not None and item.verdict.good,
        "checks": [
            {"name": check.name, "outcome": check.outcome.value, "code": check.code, "evidence": dict(check.evidence)}
            for check in checks
        ],
    }


def _page(report: Report, lang: Language) -> Group:
    parts: list[Text | Table] = []
    for item in report.items:
        parts += [_head(item, lang), _body(item, lang), Text()]
    if report.unknown:
        parts.append(Text(term("verified", "unknown", lang), style="bold yellow"))
        parts += [Text(f"  {name}") for name in report.unknown]
        parts.append(Text())
    good = sum(item.verdict is not None and item.verdict.good for item in report.items)
    summary = f"{term('verified', 'good' if report.good else 'bad', lang)}  {good}/{len(report.items)}"
    parts.append(Text(summary, style="bold green" if report.good else "bold red"))
    return Group(*parts)


def _head(item: Item, lang: Language) -> Text:
    outcomes = {check.outcome for check in item.verdict.checks} if item.verdict is not None else {Outcome.FAILED}
    worst = next((one for one in (Outcome.FAILED, Outcome.COULD_NOT_CHECK) if one in outcomes), Outcome.PASSED)
    mark, style = _MARKS[worst]
    about = (item.about, *item.files)
    return Text.assemble(
        (f"{mark} ", style), (item.name, "bold"), f"  {term('verified', item.kind.value, lang)}", *(f"  {each}" for each in about if each)
    )  # fmt: skip


def _body(item: Item, lang: Language) -> Table:
    table = Table(show_header=False, box=None, padding=(0, 1))
    if item.error is not None:
        told = explain(item.error, lang)
        table.add_row(Text(f"{told.text} {told.next_step} [{item.error.code}]", style="red"))
        return table
    for check in item.verdict.checks if item.verdict is not None else ():
        mark, style = _MARKS[check.outcome]
        said = term("outcomes_of_checks", check.outcome.value, lang)
        table.add_row(
            Text(mark, style=style), term("checks", check.name, lang), Text(said, style=style), _facts(check, lang)
        )
    return table


def _facts(check: Check, lang: Language) -> Text:
    if check.code:
        told = sentence(check.code, lang, **dict(check.evidence))
        return Text(f"{told.text} {told.next_step} [{check.code}]")
    between = "，" if lang == "zh" else ", "
    return Text(
        between.join(f"{term('evidence', name, lang)} {_said(name, value, lang)}" for name, value in check.evidence)
    )


def _said(name: str, value: str | int, lang: Language) -> str:
    if name in _TIMES:
        return _moment(int(value))
    if name in _DIGESTS:
        return f"{str(value)[:16]}…"
    words: dict[str, Callable[[str | int], str]] = {
        "clock_offset": lambda seconds: _span(int(seconds), lang),
        "engine": lambda engine: term("orderings", str(engine), lang),
        "level": lambda level: f"{level} {term('assurance_levels', AssuranceLevel(int(level)).name, lang)}",
        "genuine": lambda genuine: term("genuine", str(genuine), lang),
        "purpose": lambda purpose: term("purposes", Purpose(int(purpose)).name, lang),
    }
    return words[name](value) if name in words else str(value)


def _span(seconds: int, lang: Language) -> str:
    """How far a clock is off, in the two largest units that it comes to."""
    rest, said = abs(seconds), []
    for size, *units in _UNITS:
        count, rest = divmod(rest, size)
        if count:
            said.append(f"{count} {units[lang == 'en']}")
    return ("−" if seconds < 0 else "") + " ".join(said[:2] or [f"0 {_UNITS[-1][1 + (lang == 'en')]}"])


def _moment(seconds: int) -> str:
    try:
        return datetime.fromtimestamp(seconds, CHINA).strftime("%Y-%m-%d %H:%M:%S")
    except (OverflowError, OSError, ValueError):
        # No calendar has this time; the number is what the chain said.
        return str(seconds)
