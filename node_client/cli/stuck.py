"""What the daemon was to do on the chain and what was refused or has failed: shown, and put in line again.

Part of ``tongban node``. Asking for the same again does the same for one act; here an operator sees all of them.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from ledger.bootstrap import opened_node
from ledger.errors import InputError
from ledger.settings import load_settings
from ledger.storage import outbox, repeating
from ledger.storage.outbox import STUCK, StoredIntent
from ledger.wire.sentences import term
from ledger.wire.traces import china_time
from node_client.cli.labels import label
from node_client.cli.nodes import said_of, told_of
from node_client.cli.output import Language, good, language, say_json, screen, styled, wrong

__all__ = ["retry", "stuck"]

Folder = Annotated[Path, typer.Argument(help="节点的文件夹 / the node's folder", show_default=False)]
AsJson = Annotated[bool, typer.Option("--json", help="输出 JSON / print JSON")]


def stuck(
    folder: Folder,
    *,
    limit: Annotated[int, typer.Option(min=1, max=10_000, help="最多列出几项 / how many at most")] = 50,
    as_json: AsJson = False,
) -> None:
    """列出被合约拒绝或失败的操作、原因和办法，最新的在前。 / List what was refused or has failed, why, and what to do; the newest first."""
    lang = language()
    with opened_node(load_settings(folder)) as node, node.database.read() as connection:
        found = [one for state in STUCK for one in outbox.listed(connection, state=state, limit=limit)]
        counts = outbox.counts(connection)
    newest = sorted(found, key=lambda one: -one.sequence)[:limit]
    total = sum(counts.get(state, 0) for state in STUCK)
    if as_json:
        say_json({"stuck": [_document(one, lang) for one in newest], "count": total})
        return
    console = screen()
    for one in newest:
        # The name stands in a line of its own, so that it is copied at one stroke.
        console.print(styled((china_time(one.settled_at or one.created_at)[:19], "dim"), f"  {one.id}"), soft_wrap=True)
        told, code = told_of(one.state, one.reason, one.error)
        console.print(wrong(replace(told, text=said_of(one.operation, told.text)), code))
    if not newest:
        console.print(label("nothing_stuck"))
    if total > len(newest):
        console.print(label("stuck_more", total=total))


def retry(
    folder: Folder,
    names: Annotated[
        list[str] | None,
        typer.Argument(metavar="INTENT…", help="要重试的操作，见 node stuck / what to try again", show_default=False),
    ] = None,
    *,
    failed: Annotated[
        bool, typer.Option("--all-failed", help="重试全部失败的操作 / everything that has failed, not what was refused")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """把被拒绝或失败的操作重新排队，由守护进程办理。 / Put what was refused or has failed in line again for the daemon."""
    if not names and not failed:
        raise InputError("cli.nothing_to_retry")
    with opened_node(load_settings(folder)) as node, node.begin() as uow:
        wanted = list(names or ())
        if failed:
            listed = outbox.listed(uow.connection, state="failed", limit=outbox.counts(uow.connection).get("failed", 0))
            # In the order in which they came.
            wanted += [one.id for one in reversed(listed)]
        line: list[str] = []
        for name in wanted:
            if name not in line:
                line += repeating.retry(uow.connection, name)
        uow.commit()
    if as_json:
        say_json({"retried": line})
        return
    for name in line:
        screen().print(good(name))
    screen().print(label("in_line_again", count=len(line)))


def _document(intent: StoredIntent, lang: Language) -> dict[str, object]:
    told, code = told_of(intent.state, intent.reason, intent.error)
    return {
        "intent": intent.id,
        "operation": intent.operation.name.lower(),
        "operation_name": term("operations", intent.operation.name, lang),
        "state": intent.state,
        "code": code,
        "text": told.text,
        "next_step": told.next_step,
        "role": intent.role,
        "created_at": china_time(intent.created_at),
        "settled_at": None if intent.settled_at is None else china_time(intent.settled_at),
    }
