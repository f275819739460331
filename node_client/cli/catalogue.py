"""``tongban catalogue``: the matters that a city offers, with what each asks for and its limits."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from ledger.domain import canonical
from ledger.domain.catalogue import MatterCode
from ledger.domain.matters import Matter, read_matter
from ledger.errors import FormatError, InputError, LedgerError, NotFoundError
from ledger.services import catalogue
from ledger.wire.problems import explain
from node_client.cli.nodes import AsJson, NodeOption, NoWait, opened, settle
from node_client.cli.output import grid, language, say_json

__all__ = ["add_to"]

Source = Annotated[
    Path,
    typer.Argument(help="事项文件或文件夹，JSON 或 TOML / a matter's file or a folder of them", show_default=False),
]


@dataclass(frozen=True, slots=True)
class _Looked:
    """A file that was looked at: the matter that it says, or what is wrong with it."""

    name: str
    matter: Matter | None
    error: LedgerError | None


def add_to(app: typer.Typer) -> None:
    """Add the group."""
    group = typer.Typer(help="事项目录 / the catalogue of matters", no_args_is_help=True)
    group.command("import", epilog="tongban catalogue import matters/ --node wuhou/")(publish)
    group.command("check", epilog="tongban catalogue check matters/")(check)
    group.command("show", epilog="tongban catalogue show --node wuhou/ --member 2")(show)
    app.add_typer(group, name="catalogue")


def publish(source: Source, *, node: NodeOption, no_wait: NoWait = False, as_json: AsJson = False) -> None:
    """公布事项；有一个文件不合格就全部不公布。 / Publish matters; nothing is published while one file is wrong."""
    looked = list(_look(source))
    wrong = next((item.error for item in looked if item.error is not None), None)
    if wrong is not None:
        _say(looked, as_json=as_json)
        raise typer.Exit(2)
    with opened(node) as city:
        intents = [catalogue.publish(city, item.matter) for item in looked if item.matter is not None]
        settle(city, intents, no_wait=no_wait, as_json=as_json)


def check(source: Source, *, as_json: AsJson = False) -> None:
    """检查事项文件，列出每一处问题；不做任何改动。 / Check matters' files and list every fault; changes nothing."""
    looked = list(_look(source))
    _say(looked, as_json=as_json)
    if any(item.error is not None for item in looked):
        raise typer.Exit(2)


def show(
    code: Annotated[str, typer.Argument(help="事项编码，不给则全部列出 / a matter's code; none: all")] = "",
    *,
    node: NodeOption,
    member: Annotated[int, typer.Option(min=0, help="成员编号，0 为本市 / member, 0 for this city")] = 0,
    as_json: AsJson = False,
) -> None:
    """显示一个成员公布的事项。 / Show the matters that a member offers."""
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
    if as_json:
        rows = [{"code": item.code, "version": item.version, "digest": item.digest.hex()} for item in listed]
        say_json({"member": whose, "matters": rows})
        return
    table = grid(4)
    for item in listed:
        days = f"{item.rule.decision_days} 工作日 / working days" if item.rule.decision_days else ""
        silence = "逾期视为受理 / silence accepts" if item.rule.silence else ""
        table.add_row(item.code, f"v{item.version}", days, silence)
    Console(highlight=False).print(table if listed else "没有公布事项 / no matters are offered")


def _look(source: Path) -> Iterator[_Looked]:
    if source.is_dir():
        paths = sorted(path for path in source.iterdir() if path.suffix in {".json", ".toml"})
        if not paths:
            raise NotFoundError("catalogue.no_files")
    elif source.is_file():
        paths = [source]
    else:
        raise NotFoundError("catalogue.no_files")
    seen: dict[str, str] = {}
    for path in paths:
        try:
            matter = _read(path)
            if matter.code.text in seen:
                raise InputError("catalogue.twice", matter=matter.code.text)
            seen[matter.code.text] = path.name
            yield _Looked(path.name, matter, None)
        except LedgerError as error:
            yield _Looked(path.name, None, error)


def _read(path: Path) -> Matter:
    """Read a matter's document, in its canonical form or any other spelling of the same values."""
    try:
        raw = path.read_text(encoding="utf-8")
        value = tomllib.loads(raw) if path.suffix == ".toml" else json.loads(raw)
    except ValueError:
        raise FormatError("catalogue.unreadable") from None
    if not isinstance(value, dict):
        raise FormatError("catalogue.matter_malformed")
    return read_matter(canonical.encode(value))


def _say(looked: list[_Looked], *, as_json: bool) -> None:
    lang = language()
    if as_json:
        say_json(
            {
                "good": all(item.error is None for item in looked),
                "files": [
                    {
                        "file": item.name,
                        "code": item.matter.code.text if item.matter else None,
                        "error": None if item.error is None else item.error.code,
                        "text": "" if item.error is None else explain(item.error, lang).text,
                        "next_step": "" if item.error is None else explain(item.error, lang).next_step,
                    }
                    for item in looked
                ],
            }
        )
        return
    table = grid(3)
    for item in looked:
        if item.matter is not None:
            table.add_row("[green]✔[/]", item.name, item.matter.zh if lang == "zh" else item.matter.en)
        elif item.error is not None:
            told = explain(item.error, lang)
            table.add_row("[bold red]✘[/]", item.name, f"{told.text} {told.next_step} [{item.error.code}]")
    Console(highlight=False).print(table)


def _say_matter(matter: Matter, version: int) -> None:
    lang = language()
    console = Console(highlight=False)
    console.print(f"[bold]{matter.zh if lang == 'zh' else matter.en}[/]  {matter.code.text}  v{version}")
    for basis in matter.setting_basis:
        console.print(f"  {basis}")
    for item in matter.requirements:
        console.print(f"  · {item.zh if lang == 'zh' else item.en}: {', '.join(item.fields)}")
