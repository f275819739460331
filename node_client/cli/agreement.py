"""``tongban agreement``: the texts under which cities receive and decide for one another."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.markup import escape

from ledger.domain.agreements import AgreementKind
from ledger.domain.cases import Mode
from ledger.domain.catalogue import MatterCode, mode_bits
from ledger.errors import AuthorityError, FormatError, InputError, NotFoundError, UnavailableError
from ledger.projections.subjects import SubjectKind
from ledger.services import agreements, catalogue, consortium
from ledger.services.agreements import AgreementShown
from ledger.services.context import Node
from ledger.wire.sentences import term
from ledger.wire.traces import china_time
from node_client.cli.labels import label
from node_client.cli.nodes import AsJson, NodeOption, NoWait, cities, named, opened, settle
from node_client.cli.output import GOOD, grid, language, say_json, screen, styled

__all__ = ["add_to"]

Text = Annotated[Path, typer.Argument(help="协议文件，JSON 或 TOML / the text, JSON or TOML", show_default=False)]
Id = Annotated[
    str, typer.Argument(help="协议编号，或清单里的前几位 / the agreement's id, or its first digits", show_default=False)
]

_EXAMPLE = (
    "five-cities.toml: title = '…'; parties = ['510107', …]; notice_days = 30; "
    "[matters] 'local:tongban:pension-transfer' = ['fully_online', 'received_here']"
)


def add_to(app: typer.Typer) -> None:
    """Add the group."""
    group = typer.Typer(help="城市间的协议 / agreements between cities", no_args_is_help=True)
    group.command("draft", epilog=escape(f"tongban agreement draft five-cities.toml --node wuhou/ · {_EXAMPLE}"))(draft)
    group.command("accept", epilog="tongban agreement accept 8c9f… 1 --node mianyang/")(accept)
    group.command("amend", epilog="tongban agreement amend 8c9f… new.toml --node wuhou/")(amend)
    group.command("accede", epilog="tongban agreement accede 8c9f… with-yanta.toml --node yanta/")(accede)
    group.command("end", epilog="tongban agreement end 8c9f… --node wuhou/ --words 期满不续")(end)
    group.command("list", epilog="tongban agreement list --node wuhou/")(listed)
    group.command("show", epilog="tongban agreement show 8c9f… --node wuhou/ --json")(show)
    app.add_typer(group, name="agreement")


def draft(text: Text, *, node: NodeOption, no_wait: NoWait = False, as_json: AsJson = False) -> None:
    """提出一份新协议，各方分别接受后生效。 / Draft a new agreement; it binds once every party has accepted."""
    _drafted(text, node, AgreementKind.NEW, "", no_wait=no_wait, as_json=as_json)


def amend(agreement: Id, text: Text, *, node: NodeOption, no_wait: NoWait = False, as_json: AsJson = False) -> None:
    """修改协议，原有各方和新的各方都要重新接受。 / Amend it; all parties, old and new, accept again."""
    _drafted(text, node, AgreementKind.AMENDMENT, agreement, no_wait=no_wait, as_json=as_json)


def accede(agreement: Id, text: Text, *, node: NodeOption, no_wait: NoWait = False, as_json: AsJson = False) -> None:
    """加入协议，各方都要接受。 / Accede to it; everybody accepts."""
    _drafted(text, node, AgreementKind.ACCESSION, agreement, no_wait=no_wait, as_json=as_json)


def accept(
    agreement: Id,
    version: Annotated[int, typer.Argument(min=1, help="版本 / version", show_default=False)],
    *,
    node: NodeOption,
    no_wait: NoWait = False,
    as_json: AsJson = False,
) -> None:
    """以本成员的密钥接受一个版本。 / Accept a version with this member's own key."""
    with opened(node) as city:
        settle(
            city,
            [agreements.accept(city, named(city, SubjectKind.AGREEMENT, agreement), version)],
            no_wait=no_wait,
            as_json=as_json,
        )


def end(
    agreement: Id,
    *,
    node: NodeOption,
    words: Annotated[str, typer.Option(help="理由，公开 / the reason, published", show_default=False)],
    no_wait: NoWait = False,
    as_json: AsJson = False,
) -> None:
    """发出终止通知；通知期满后不再受理新办件，已受理的照旧办完。 / Give notice; running cases finish as before."""
    with opened(node) as city:
        ended = named(city, SubjectKind.AGREEMENT, agreement)
        intent = agreements.end(city, ended, {"member": city.member, "words": words})
        settle(city, [intent], no_wait=no_wait, as_json=as_json)


def listed(*, node: NodeOption, as_json: AsJson = False) -> None:
    """列出全部协议和版本。 / List all agreements and versions."""
    with opened(node) as city, city.database.read() as connection:
        found, now = agreements.agreements(connection), city.clock()
    if as_json:
        say_json({"agreements": [_document(item) for item in found]})
        return
    table = grid(5)
    for item in found:
        parties, matters = len(item.parties), len(item.matters)
        table.add_row(
            item.agreement.hex()[:16],
            f"v{item.version}",
            _state(item, now),
            label("parties", count=parties),
            label("matters", count=matters),
        )
    screen().print(table if found else label("no_agreements"))


def show(agreement: Id, *, node: NodeOption, as_json: AsJson = False) -> None:
    """显示一份协议的全部版本。 / Show every version of an agreement."""
    lang = language()
    with opened(node) as city:
        wanted = named(city, SubjectKind.AGREEMENT, agreement)
        with city.database.read() as connection:
            found = agreements.agreements(connection, wanted)
            codes = {item.matter: item.code for item in catalogue.matters(connection)}
        if not found:
            raise NotFoundError("agreement.unknown")
        titles = [_title(city, item) for item in found]
        names, now = cities(city), city.clock()
    if as_json:
        versions = [_document(item) | {"title": title} for item, title in zip(found, titles, strict=True)]
        say_json({"agreement": wanted.hex(), "versions": versions})
        return
    console = screen()
    console.print(wanted.hex())
    for item, title in zip(found, titles, strict=True):
        console.print(styled((f"v{item.version}", "bold"), f" {_state(item, now)}  {title or ''}"))
        console.print(_terms(item))
        table = grid(3)
        for party in item.parties:
            mark = GOOD if party in item.accepted else styled(("？", "yellow"))
            table.add_row(mark, str(party), names.get(party, ""))
        console.print(table)
        matters = grid(2)
        for matter, modes in item.matters:
            said = ("、" if lang == "zh" else "; ").join(term("modes", mode.name, lang) for mode in modes)
            matters.add_row(codes.get(matter, matter.hex()[:16]), said)
        console.print(matters)


def _title(city: Node, item: AgreementShown) -> str | None:
    """What a version calls itself; its text is fetched from the member that drafted it, which may be away."""
    try:
        return str(agreements.text_of(city, item).get("title", ""))
    except (AuthorityError, NotFoundError, UnavailableError):
        # The rest stands on the chain and can be shown without it.
        return None


def _terms(item: AgreementShown) -> str:
    """How much notice is to be given, and from when to when the text says that it holds."""
    said = [label("agreement_notice", days=item.notice_days)]
    if item.valid_from:
        said.append(label("agreement_from", day=_day(item.valid_from)))
    if item.valid_until:
        said.append(label("agreement_until", day=_day(item.valid_until - 1)))
    return "  ".join(said)


def _day(moment: int) -> str:
    return china_time(moment)[:10]


def _drafted(path: Path, node: Path, kind: AgreementKind, changed: str, *, no_wait: bool, as_json: bool) -> None:
    text = _read(path)
    with opened(node) as city:
        drafted, intent = agreements.draft(
            city,
            text,
            parties=_parties(city, text),
            matters={MatterCode(str(code)).id: _modes(modes) for code, modes in dict(text["matters"]).items()},
            notice_days=_number(text, "notice_days", 0xFFFF),
            valid_from=_number(text, "valid_from"),
            valid_until=_number(text, "valid_until"),
            kind=kind,
            agreement=named(city, SubjectKind.AGREEMENT, changed) if changed else bytes(32),
            parent=_id(str(text["parent"])) if "parent" in text else bytes(32),
            predecessor=_id(str(text["predecessor"])) if "predecessor" in text else bytes(32),
        )
        settle(city, [intent], no_wait=no_wait, as_json=as_json, agreement=drafted.hex())


def _number(text: dict[str, Any], name: str, most: int = 0xFF_FFFF_FFFF) -> int:
    """A number of the text; 0 where it says none. JSON's ``true`` is a number to Python, and none here."""
    value = text.get(name, 0)
    if type(value) is not int or not 0 <= value <= most:
        raise InputError("agreement.number", name=name, most=most)
    return value


def _read(path: Path) -> dict[str, Any]:
    try:
        raw = path.read_text(encoding="utf-8")
        text = tomllib.loads(raw) if path.suffix == ".toml" else json.loads(raw)
    except OSError:
        raise NotFoundError("agreement.missing") from None
    except ValueError:
        # Not UTF-8, no TOML, no JSON.
        raise FormatError("agreement.unreadable") from None
    if not isinstance(text, dict) or not {"title", "parties", "matters", "notice_days"} <= set(text):
        raise FormatError("agreement.incomplete")
    if not isinstance(text["matters"], dict) or not isinstance(text["parties"], list):
        raise FormatError("agreement.incomplete")
    return text


def _parties(city: Node, text: dict[str, Any]) -> list[int]:
    with city.database.read() as connection:
        numbers = {one.division: one.member for one in consortium.members(connection)}
    found = []
    for party in text["parties"]:
        if str(party) not in numbers:
            raise InputError("agreement.party", party=str(party)[:12])
        found.append(numbers[str(party)])
    return found


def _modes(names: object) -> int:
    if not isinstance(names, list) or not all(str(name).upper() in Mode.__members__ for name in names):
        raise InputError("agreement.modes")
    return mode_bits(*(Mode[str(name).upper()] for name in names))


def _id(text: str) -> bytes:
    try:
        raw = bytes.fromhex(text.removeprefix("0x"))
    except ValueError:
        raw = b""
    if len(raw) != 32:
        raise InputError("agreement.id")
    return raw


def _state(item: AgreementShown, now: int) -> str:
    if item.superseded_at is not None:
        return label("agreement_superseded")
    if item.ends is not None:
        return label("agreement_ended" if now >= item.ends else "agreement_ending", day=_day(item.ends))
    return label("agreement_awaited" if item.in_force_at is None else "agreement_in_force")


def _document(item: AgreementShown) -> dict[str, object]:
    return {
        "agreement": item.agreement.hex(),
        "version": item.version,
        "kind": item.kind.name.lower(),
        "parent": item.parent.hex(),
        "predecessor": item.predecessor.hex(),
        "parties": list(item.parties),
        "accepted": list(item.accepted),
        "matters": {matter.hex(): [mode.name.lower() for mode in modes] for matter, modes in item.matters},
        "notice_days": item.notice_days,
        "valid_from": item.valid_from,
        "valid_until": item.valid_until,
        "in_force_at": item.in_force_at,
        "superseded_at": item.superseded_at,
        "ends": item.ends,
    }
