"""``tongban verify``: what a receipt proves, offline."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from ledger.wire.sentences import sentence, term
from ledger.wire.verification import Check, Outcome, Verdict
from node_client import offline
from node_client.cli.output import Language, language, say_json

__all__ = ["add_to"]

_MARKS = {Outcome.PASSED: ("✔", "green"), Outcome.FAILED: ("✘", "bold red"), Outcome.COULD_NOT_CHECK: ("？", "yellow")}


def add_to(app: typer.Typer) -> None:
    """Add the command."""
    app.command("verify", epilog="tongban verify receipt.json register.pdf --policy five-cities.policy")(verify)


def verify(
    receipt: Annotated[Path, typer.Argument(help="凭证文件 / the receipt", show_default=False)],
    files: Annotated[
        list[Path] | None, typer.Argument(help="要核对的文件 / files to hold against it", show_default=False)
    ] = None,
    *,
    policy: Annotated[Path, typer.Option(help="网络的签署策略文件 / the network's policy file", show_default=False)],
    as_json: Annotated[bool, typer.Option("--json", help="输出 JSON / print JSON")] = False,
) -> None:
    """核验凭证，不需要网络、数据库和密钥。 / Verify a receipt without network, database or key."""
    verdict = offline.verify(receipt, policy, files or (), now=int(time.time()))
    lang = language()
    if as_json:
        say_json({"good": verdict.good, "checks": [_document(check) for check in verdict.checks]})
    else:
        Console(highlight=False).print(_table(verdict, lang))
    if not verdict.good:
        raise typer.Exit(1)


def _document(check: Check) -> dict[str, object]:
    return {"name": check.name, "outcome": check.outcome.value, "code": check.code, "evidence": dict(check.evidence)}


def _table(verdict: Verdict, lang: Language) -> Table:
    table = Table(show_header=False, box=None, padding=(0, 1))
    for check in verdict.checks:
        mark, style = _MARKS[check.outcome]
        said = term("outcomes_of_checks", check.outcome.value, lang)
        facts = "  ".join(f"{name}={value}" for name, value in check.evidence)
        if check.code:
            told = sentence(check.code, lang)
            facts = f"{told.text} {told.next_step} [{check.code}]"
        table.add_row(f"[{style}]{mark}[/]", term("checks", check.name, lang), f"[{style}]{said}[/]", facts)
    return table
