"""What every command that works on a node shares: which node, what became of what was asked for."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from ledger.bootstrap import opened_node
from ledger.domain.divisions import english_name
from ledger.domain.operations import Operation
from ledger.domain.reasons import Reason
from ledger.projections.subjects import SubjectKind
from ledger.services import consortium
from ledger.services.context import Node
from ledger.services.identifying import whole
from ledger.settings import load_settings
from ledger.wire.problems import reason_sentence
from ledger.wire.sentences import Sentence, sentence, term
from node_client.cli.labels import label
from node_client.cli.output import good, language, say_json, screen, wrong
from node_client.peers import ways_to_others
from node_client.waiting import outcomes

__all__ = [
    "MOST",
    "AsJson",
    "Limit",
    "NoWait",
    "NodeOption",
    "cities",
    "named",
    "opened",
    "said_of",
    "say_more",
    "settle",
    "told_of",
]

NodeOption = Annotated[
    Path,
    typer.Option(
        "--node",
        envvar="TONGBAN_NODE",
        help="节点的文件夹，也可用环境变量 TONGBAN_NODE / the node's folder",
        show_default=False,
    ),
]
AsJson = Annotated[bool, typer.Option("--json", help="输出 JSON / print JSON")]
Limit = Annotated[int, typer.Option("--limit", min=1, max=10_000, help="最多列出几条 / how many at most")]
MOST = 100
NoWait = Annotated[bool, typer.Option("--no-wait", help="不等结果 / do not wait for the outcome")]


@contextmanager
def opened(folder: Path) -> Iterator[Node]:
    """Open a node as a clerk does: its picture and its blobs, the keys behind the daemon's socket."""
    settings = load_settings(folder)
    with opened_node(settings, peers=ways_to_others(settings)) as node:
        yield node


def say_more(*, more: bool, limit: int) -> None:
    """Say, under a list, that there is more than it shows."""
    if more:
        screen().print(label("list_more", count=limit))


def named(node: Node, kind: SubjectKind, text: str) -> bytes:
    """The id that a clerk gave whole or by the first digits that a list shows; raises as ``identifying.whole``."""
    with node.database.read() as connection:
        return whole(connection, kind, text)


def cities(node: Node) -> dict[int, str]:
    """The members' names by their numbers, in the reader's language where there is one."""
    with node.database.read() as connection:
        found = consortium.members(connection)
    lang = language()
    return {one.member: (english_name(one.division) if lang == "en" else "") or one.name for one in found}


def settle(
    node: Node,
    intents: Iterable[str],
    *,
    no_wait: bool,
    as_json: bool,
    then: Callable[[], Mapping[str, object]] = dict,
    **facts: object,
) -> None:
    """Wait for what the daemon does and say what became of it; a refusal or a failure ends with status 1.

    Args:
        node: this city's.
        intents: what was asked for.
        no_wait: say only that it is on its way.
        as_json: for programs.
        then: finds what is known only once all of it stands, such as the number of a vote.
        facts: what else the answer carries, such as the id of what was made.
    """
    listed = list(intents)
    console = screen()
    if no_wait:
        if as_json:
            say_json({"intents": listed, **facts})
        else:
            _say_facts(facts)
            console.print(label("written_down"))
        return
    with screen(stderr=True).status(label("going_on_chain")):
        found = outcomes(node, listed)
    bad = [outcome for outcome in found.values() if outcome.state != "done"]
    if not bad:
        facts |= then()
    if as_json:
        rows = [
            {
                "intent": one.intent,
                "operation": one.operation.name.lower(),
                "state": one.state,
                "reason": one.reason.name.lower(),
                "error": one.error,
                "block": one.block,
            }
            for one in found.values()
        ]
        say_json({"done": not bad, "outcomes": rows, **facts})
    else:
        _say_facts(facts)
        for one in found.values():
            if one.state == "done":
                console.print(good(said_of(one.operation, label("on_chain", block=one.block))))
            else:
                told, code = told_of(one.state, one.reason, one.error)
                console.print(wrong(replace(told, text=said_of(one.operation, told.text)), code))
    if bad:
        raise typer.Exit(1)


def told_of(state: str, reason: int | None, error: str | None) -> tuple[Sentence, str]:
    """Say why an operation was refused or has failed and what to do; and the code of that."""
    if state == "refused":
        known = Reason(reason or 0)
        return reason_sentence(int(known), language()), f"reasons.{known.name.lower()}"
    code = error or "general.unknown"
    return sentence(code, language()), code


def said_of(operation: Operation, text: str) -> str:
    """Say of which operation something is told."""
    lang = language()
    return f"{term('operations', operation.name, lang)}{'：' if lang == 'zh' else ': '}{text}"


def _say_facts(facts: Mapping[str, object]) -> None:
    """Say what was made, such as a case's id, which the clerk needs whatever comes of it."""
    for name, value in facts.items():
        text = ", ".join(map(str, value)) if isinstance(value, list) else value
        # On one line, to be copied at one stroke.
        screen(soft_wrap=True).print(label(f"said_{name}", value=text))
