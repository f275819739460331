"""``tongban catalogue``: the matters that a city offers, with what each asks for and its limits."""

from __future__ import annotations

import codecs
import re
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Annotated, cast

import typer

from ledger.domain import canonical, workdays
from ledger.domain.catalogue import MatterCode
from ledger.domain.limits import LIMITS
from ledger.domain.matter_faults import MatterFault, matter_faults
from ledger.domain.matters import Matter, Requirement, read_matter
from ledger.errors import FormatError, InputError, NotFoundError
from ledger.services import catalogue
from ledger.services.catalogue import DelegationShown, MatterShown
from ledger.wire.problems import explain
from ledger.wire.traces import china_time
from node_client.cli.labels import label
from node_client.cli.nodes import AsJson, NodeOption, NoWait, cities, opened, settle
from node_client.cli.output import GOOD, WRONG, Language, grid, language, say_json, screen, styled

__all__ = ["add_to"]

Source = Annotated[
    Path,
    typer.Argument(help="事项文件或文件夹，JSON 或 TOML / a matter's file or a folder of them", show_default=False),
]


@dataclass(frozen=True, slots=True)
class _Looked:
    """A file that was looked at: the matter that it says, or everything that is wrong with it."""

    name: str
    matter: Matter | None
    faults: tuple[MatterFault, ...]


def add_to(app: typer.Typer) -> None:
    """Add the group."""
    group = typer.Typer(help="事项目录 / the catalogue of matters", no_args_is_help=True)
    group.command("import", epilog="tongban catalogue import matters/ --node wuhou/")(publish)
    group.command("check", epilog="tongban catalogue check matters/")(check)
    group.command("show", epilog="tongban catalogue show --node wuhou/ --member 2")(show)
    group.command("withdraw", epilog="tongban catalogue withdraw local:tongban:… --node wuhou/")(withdraw)
    group.command(
        "delegate",
        epilog="tongban catalogue delegate local:tongban:… 3 --node wuhou/ --until 2027-12-31 --words 委托书第 1 号",
    )(delegate)
    app.add_typer(group, name="catalogue")


def publish(source: Source, *, node: NodeOption, no_wait: NoWait = False, as_json: AsJson = False) -> None:
    """公布事项；有一个文件不合格就全部不公布。 / Publish matters; nothing is published while one file is wrong."""
    looked = list(_look(source))
    if any(item.faults for item in looked):
        _say(looked, as_json=as_json)
        raise typer.Exit(2)
    with opened(node) as city:
        intents = [catalogue.publish(city, item.matter) for item in looked if item.matter is not None]
        settle(city, intents, no_wait=no_wait, as_json=as_json)


def check(source: Source, *, as_json: AsJson = False) -> None:
    """检查事项文件，列出每一处问题；不做任何改动。 / Check matters' files and list every fault; changes nothing."""
    looked = list(_look(source))
    _say(looked, as_json=as_json)
    if any(item.faults for item in looked):
        raise typer.Exit(2)


def show(
    code: Annotated[str, typer.Argument(help="事项编码，不给则全部列出 / a matter's code; none: all")] = "",
    *,
    node: NodeOption,
    member: Annotated[int, typer.Option(min=0, help="成员编号，0 为本市 / member, 0 for this city")] = 0,
    as_json: AsJson = False,
) -> None:
    """显示一个成员公布的事项。 / Show the matters that a member offers."""
    lang = language()
    with opened(node) as city:
        whose = member or city.member
        if code:
            found, version = catalogue.matter_document(city, whose, MatterCode(code).id)
            document = found.document() | {"version": version, "member": whose}
            if as_json:
                say_json(document)
            else:
                _say_matter(found, version)
            return
        with city.database.read() as connection:
            listed = catalogue.matters(connection, whose)
            others = catalogue.delegations(connection, whose, now=city.clock())
        entries = catalogue.matter_documents(city, listed)
        members = cities(city)
    if as_json:
        say_json({"member": whose, "matters": [_offer(item, entries.get(item.matter), others) for item in listed]})
        return
    table = grid(5)
    for item in listed:
        days = label("working_days", days=item.rule.decision_days) if item.rule.decision_days else ""
        silence = label("silence_accepts") if item.rule.silence else ""
        entry = entries.get(item.matter)
        table.add_row(item.code, f"v{item.version}", days, silence, _name(entry, lang) if entry else "")
        for other in others:
            if other.matter == item.matter:
                until = china_time(other.valid_until - 1)[:10]
                table.add_row("", "", "", "", label("delegated", city=members.get(other.grantee, ""), until=until))
    screen().print(table if listed else label("no_matters"))


def withdraw(
    matter: Annotated[str, typer.Argument(help="事项编码 / the matter's code", show_default=False)],
    *,
    node: NodeOption,
    no_wait: NoWait = False,
    as_json: AsJson = False,
) -> None:
    """停止受理一个事项；已受理的照旧办完。 / Open no more cases of a matter; running ones finish as before."""
    with opened(node) as city:
        settle(city, [catalogue.withdraw(city, MatterCode(matter).id)], no_wait=no_wait, as_json=as_json)


def delegate(
    matter: Annotated[str, typer.Argument(help="事项编码 / the matter's code", show_default=False)],
    grantee: Annotated[int, typer.Argument(min=1, help="受委托的成员 / the member that decides", show_default=False)],
    *,
    node: NodeOption,
    until: Annotated[datetime | None, typer.Option(formats=["%Y-%m-%d"], help="最后一日 / the last day")] = None,
    end: Annotated[bool, typer.Option("--end", help="现在终止 / end it now")] = False,
    words: Annotated[str, typer.Option(help="委托的依据，公开 / its ground, published", show_default=False)],
    no_wait: NoWait = False,
    as_json: AsJson = False,
) -> None:
    """委托另一城市以本市名义办理（异地授权）。 / Let another city decide a matter in this one's name."""
    # The end is the first second that is out; the beginning is left to the moment at which it stands on the chain.
    if (until is None) is not end:
        raise InputError("catalogue.until")
    closing = 0 if until is None else workdays.day_start(workdays.day_number(until.date()) + 1)
    with opened(node) as city:
        text: canonical.JsonObject = {"grantor": city.member, "words": words}
        intent = catalogue.delegate(city, grantee, MatterCode(matter).id, text, valid_from=0, valid_until=closing)
        settle(city, [intent], no_wait=no_wait, as_json=as_json)


def _offer(item: MatterShown, entry: Matter | None, delegations: list[DelegationShown]) -> dict[str, object]:
    return {
        "code": item.code,
        "name": None if entry is None else {"zh": entry.zh, "en": entry.en},
        "version": item.version,
        "digest": item.digest.hex(),
        "delegations": [
            {"member": one.grantee, "valid_from": one.valid_from, "valid_until": one.valid_until}
            for one in delegations
            if one.matter == item.matter
        ],
    }


def _look(source: Path) -> Iterator[_Looked]:
    if source.is_dir():
        paths = sorted(path for path in source.iterdir() if path.suffix in {".json", ".toml"})
        if not paths:
            raise NotFoundError("catalogue.no_files")
    elif source.is_file():
        paths = [source]
    else:
        raise NotFoundError("catalogue.no_files")
    seen: set[str] = set()
    for path in paths:
        matter, faults = _read(path)
        code = matter.code.text if matter is not None else None
        if code is not None and code in seen:
            matter, faults = None, [MatterFault("code", InputError("catalogue.twice", matter=code))]
        elif code is not None:
            seen.add(code)
        yield _Looked(path.name, matter, tuple(faults))


def _read(path: Path) -> tuple[Matter | None, list[MatterFault]]:
    """Read a matter's document, in its canonical form or any other spelling of the same values, with all its faults."""
    try:
        data = path.read_bytes()
    except OSError:
        return None, [MatterFault("", FormatError("catalogue.unreadable"))]
    if len(data) > LIMITS.json_bytes:
        return None, [MatterFault("", FormatError("canonical.too_long", size=len(data), limit=LIMITS.json_bytes))]
    data = data.removeprefix(codecs.BOM_UTF8)
    try:
        value: object = tomllib.loads(data.decode()) if path.suffix == ".toml" else canonical.parse(data)
    except tomllib.TOMLDecodeError as error:
        # Where, the parser says only in words.
        place = re.search(r"line (\d+), column (\d+)", str(error))
        return None, [MatterFault(":".join(place.groups()) if place else "", FormatError("catalogue.unreadable"))]
    except UnicodeDecodeError as error:
        return None, [MatterFault(_row(data, error.start), FormatError("catalogue.unreadable"))]
    except FormatError as error:
        position = error.facts.get("position")
        if type(position) is not int:
            return None, [MatterFault("", error)]
        # The parser counts bytes where they are no text, and characters where they are.
        broken = error.code == "canonical.not_utf8"
        row = _row(data, position) if broken else _row(data, len(data.decode()[:position].encode()))
        return None, [MatterFault(row, FormatError("catalogue.unreadable"))]
    faults = matter_faults(value)
    return (None, faults) if faults else (read_matter(canonical.encode(cast("canonical.JsonObject", value))), [])


def _row(data: bytes, position: int) -> str:
    """A place in a file as people look for it: line and column, both from 1."""
    before = data[:position].decode("utf-8", "replace")
    return f"{before.count(chr(10)) + 1}:{len(before) - before.rfind(chr(10))}"


def _say(looked: list[_Looked], *, as_json: bool) -> None:
    lang = language()
    if as_json:
        say_json(
            {
                "good": not any(item.faults for item in looked),
                "files": [
                    {
                        "file": item.name,
                        "code": item.matter.code.text if item.matter else None,
                        "faults": [
                            {
                                "place": fault.path,
                                "error": fault.error.code,
                                "text": explain(fault.error, lang).text,
                                "next_step": explain(fault.error, lang).next_step,
                            }
                            for fault in item.faults
                        ],
                    }
                    for item in looked
                ],
            }
        )
        return
    table = grid(4)
    for item in looked:
        if item.matter is not None:
            table.add_row(GOOD, item.name, "", _name(item.matter, lang))
        for fault in item.faults:
            told = explain(fault.error, lang)
            said = f"{told.text} {told.next_step} [{fault.error.code}]"
            table.add_row(WRONG, item.name, fault.path, said)
    screen().print(table)


def _name(entry: Matter | Requirement, lang: Language) -> str:
    return entry.zh if lang == "zh" else entry.en


def _say_matter(matter: Matter, version: int) -> None:
    lang = language()
    console = screen()
    console.print(styled((_name(matter, lang), "bold"), f"  {matter.code.text}  v{version}"))
    for basis in matter.setting_basis:
        console.print(f"  {basis}")
    for item in matter.requirements:
        console.print(f"  · {_name(item, lang)}: {', '.join(item.fields)}")
