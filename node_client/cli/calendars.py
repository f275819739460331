"""``tongban member calendar``, ``calendars`` and ``object``: the working days that limits of law are counted in."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ledger.errors import InputError
from ledger.services import calendars
from node_client.cli.labels import label
from node_client.cli.nodes import AsJson, NodeOption, NoWait, opened, settle
from node_client.cli.output import grid, say_json, screen

__all__ = ["add_to"]

_Year = Annotated[int, typer.Argument(help="年份 / the year", show_default=False)]


def add_to(group: typer.Typer) -> None:
    """Add the commands to ``tongban member``."""
    group.command("calendar", epilog="tongban member calendar 2027 --notice 2027.csv --node sichuan/")(post)
    group.command("calendars", epilog="tongban member calendars --node wuhou/")(show)
    group.command("object", epilog="tongban member object 2026 --words 与通知不一致 --node wuhou/")(protest)


def post(
    year: _Year,
    *,
    node: NodeOption,
    notice: Annotated[
        Path | None,
        typer.Option(
            help="当年放假安排（JSON 或 CSV）；已收录的年份可不给 / that year's notice, JSON or CSV; not needed for a year known here",
            show_default=False,
        ),
    ] = None,
    no_wait: NoWait = False,
    as_json: AsJson = False,
) -> None:
    """公布或更正一年的工作日历（监管方），依据国务院办公厅的放假通知。 / Post a year's working days, or correct them, as a regulator."""
    one = calendars.notice_calendar(year) if notice is None else calendars.read_notice_file(notice)
    if one.year != year:
        raise InputError("workdays.other_year", year=year, given=one.year)
    with opened(node) as city:
        settle(city, calendars.post_calendars(city, [one]), no_wait=no_wait, as_json=as_json)


def show(*, node: NodeOption, as_json: AsJson = False) -> None:
    """列出现行的工作日历和对它的异议。 / List the calendars in force and the objections to them."""
    with opened(node) as city, city.database.read() as connection:
        listed = calendars.posted(connection)
    if as_json:
        say_json(
            {
                "calendars": [
                    {
                        "year": one.year,
                        "version": one.version,
                        "member": one.member,
                        "working_days": one.working,
                        "objections": list(one.objections),
                    }
                    for one in listed
                ]
            }
        )
        return
    console = screen()
    if not listed:
        console.print(label("no_calendars"))
        return
    table = grid(4)
    for one in listed:
        objections = ", ".join(label("member", number=number) for number in one.objections)
        table.add_row(
            str(one.year),
            label("calendar_version", version=one.version, member=one.member),
            label("working_days", days=one.working),
            label("objections", members=objections) if objections else "",
        )
    console.print(table)


def protest(
    year: _Year,
    *,
    node: NodeOption,
    words: Annotated[
        str,
        typer.Option(
            help="理由；链上只留其摘要 / the reasons; only their digest goes onto the chain", show_default=False
        ),
    ],
    no_wait: NoWait = False,
    as_json: AsJson = False,
) -> None:
    """对现行的工作日历提出异议，记录在案。 / Object to a year's calendar in force; it is recorded."""
    with opened(node) as city:
        settle(city, [calendars.object_calendar(city, year, words)], no_wait=no_wait, as_json=as_json)
