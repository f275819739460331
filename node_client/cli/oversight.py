"""``tongban oversight``: how cases, limits, corrections, refusals and readings stand over some days."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Annotated

import typer

from ledger.domain import workdays
from ledger.domain.consents import Basis
from ledger.domain.operations import Operation
from ledger.domain.reasons import Reason
from ledger.services.oversight import Overview, overview
from ledger.wire.problems import reason_sentence
from ledger.wire.sentences import term
from ledger.wire.traces import china_time, member_text
from node_client.cli.labels import label
from node_client.cli.nodes import AsJson, NodeOption, opened
from node_client.cli.output import Language, grid, language, say_json, screen

__all__ = ["add_to"]

# Enough of an id to find it with every command that takes one by its first digits.
_SHORT = 12
# Two names of cities and a state are too much for a table of 80 columns.
_IN_LINES = {"volume", "overdue"}


def add_to(app: typer.Typer) -> None:
    """Add the command."""
    app.command("oversight", epilog="tongban oversight --since 2026-03-01 --until 2026-03-31 --node sichuan/")(
        oversight
    )


def oversight(
    *,
    node: NodeOption,
    since: Annotated[datetime, typer.Option(formats=["%Y-%m-%d"], help="第一日 / the first day", show_default=False)],
    until: Annotated[datetime, typer.Option(formats=["%Y-%m-%d"], help="最后一日 / the last day", show_default=False)],
    as_json: AsJson = False,
) -> None:
    """监督：办件量、时限、补正、超期、停用的协议、被拒绝的操作和材料读取。 / Oversight: cases, limits, corrections, overdue cases, unused agreements, refusals, readings."""
    lang = language()
    with opened(node) as city:
        found = overview(city, workdays.day_number(since.date()), workdays.day_number(until.date()))
    if as_json:
        say_json(_document(found))
        return
    console = screen()
    console.print(label("oversight_as_of", block=found.block, time=china_time(found.time)))
    for name, rows in _sections(found, lang):
        console.print(f"\n{label(f'oversight_{name}')}", style="bold")
        if not rows:
            console.print(label("nothing"))
            continue
        if name in _IN_LINES:
            for head, detail in rows:
                console.print(f"{head}\n    {detail}")
            continue
        table = grid(len(rows[0]))
        for row in rows:
            table.add_row(*row)
        console.print(table)


def _document(found: Overview) -> dict[str, object]:
    """The overview with names for codes and hex for ids."""
    return {
        "since": found.since,
        "until": found.until,
        "block": found.block,
        "time": found.time,
        "volume": [asdict(one) | {"mode": one.mode.name.lower()} for one in found.volume],
        "timeliness": [asdict(one) for one in found.timeliness],
        "corrections": [asdict(one) for one in found.corrections],
        "overdue": [
            asdict(one)
            | {
                "case": one.case.hex(),
                "matter": one.matter.hex(),
                "state": one.state.name.lower(),
                "clock": one.clock.name.lower(),
            }
            for one in found.overdue
        ],
        "dormant": [asdict(one) | {"agreement": one.agreement.hex()} for one in found.dormant],
        "refusals": [
            asdict(one) | {"operation": _operation(one.operation), "reason": _reason(one.reason)}
            for one in found.refusals
        ],
        "readings": [
            {"member": member, "basis": Basis(basis).name.lower(), "count": count}
            for (member, basis), count in sorted(found.readings.items())
        ],
    }


def _sections(found: Overview, lang: Language) -> Iterator[tuple[str, Sequence[tuple[str, ...]]]]:
    def who(member: int) -> str:
        return member_text(member, found.parties, lang)

    def between(receiving: int, handling: int) -> str:
        return f"{who(receiving)} → {who(handling)}"

    yield (
        "volume",
        [
            (
                between(one.receiving, one.handling),
                _counts(
                    lang,
                    running=one.running,
                    granted=one.granted,
                    refused=one.refused,
                    not_accepted=one.not_accepted,
                    withdrawn=one.withdrawn,
                    first=f"{term('modes', one.mode.name, lang)} · {label('volume_submitted', count=one.submitted)}",
                ),
            )
            for one in found.volume
        ],
    )
    yield (
        "timeliness",
        [
            (who(one.member), label("in_time", count=one.in_time), label("late", count=one.late),
             label("unlimited", count=one.unlimited), label("promises_kept", count=one.promises_kept))
            for one in found.timeliness
        ],
    )  # fmt: skip
    yield (
        "corrections",
        [
            (who(one.member), label("corrections_asked", count=one.requests, cases=one.cases),
             label("corrections_repeated", count=one.repeated))
            for one in found.corrections
        ],
    )  # fmt: skip
    yield (
        "overdue",
        [
            (
                f"{one.case.hex()[:_SHORT]}  {between(one.receiving, one.handling)}",
                " · ".join(
                    (
                        term("states", one.state.name, lang),
                        f"{term('clocks', one.clock.name, lang)} {one.elapsed} / {label('working_days', days=one.allowed)}",
                        *((label("claimable"),) if one.claimable else ()),
                    )
                ),
            )
            for one in found.overdue
        ],
    )
    yield (
        "dormant",
        [
            (one.agreement.hex()[:_SHORT], label("never_used") if one.last is None else china_time(one.last))
            for one in found.dormant
        ],
    )
    yield (
        "refusals",
        [
            (
                who(one.member),
                term("operations", _operation(one.operation), lang),
                reason_sentence(one.reason, lang).text,
                str(one.count),
            )
            for one in found.refusals
        ],
    )
    yield (
        "readings",
        [
            (who(member), term("use_bases", Basis(basis).name, lang), str(count))
            for (member, basis), count in sorted(found.readings.items())
        ],
    )


def _counts(lang: Language, *, first: str, **counts: int) -> str:
    said = (
        f"{label('volume_running') if name == 'running' else term('states', name, lang)} {count}"
        for name, count in counts.items()
        if count
    )
    return " · ".join((first, *said))


def _operation(number: int) -> str:
    """The operation's name, or its number where this software does not know it."""
    try:
        return Operation(number).name.lower()
    except ValueError:
        return str(number)


def _reason(number: int) -> str:
    try:
        return Reason(number).name.lower()
    except ValueError:
        return str(number)
