"""``tongban material``: papers handed in at this city's window, and what became of them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, cast

import typer

from ledger.domain.leaves import leaf_text
from ledger.domain.materials import (
    AssuranceLevel,
    ErasureBasis,
    RevocationCause,
)
from ledger.errors import InputError, NotFoundError
from ledger.log.files import DirectoryFiles
from ledger.log.view import LogView
from ledger.services import materials, receipts, renewing
from ledger.services.context import Node
from ledger.wire.receipts import encode_receipt
from ledger.wire.sentences import term
from ledger.wire.traces import china_time
from node_client.cli import handing_in, received
from node_client.cli.files import write_file
from node_client.cli.labels import label, type_name
from node_client.cli.nodes import MOST, AsJson, Limit, NodeOption, NoWait, opened, say_more, settle
from node_client.cli.output import good, grid, language, say_json, screen
from node_client.waiting import patiently

__all__ = ["add_to"]

Name = Annotated[str, typer.Argument(help="材料在本市的编号 / the material's name in this city", show_default=False)]

_NOTHING = "–"

_ERASE = "tongban material erase 1c0f… --node wuhou/ --basis consent_withdrawn"


def add_to(app: typer.Typer) -> None:
    """Add the group."""
    group = typer.Typer(help="材料 / materials", no_args_is_help=True)
    handing_in.add_to(group)
    group.command("list", epilog="tongban material list --node wuhou/")(listed)
    group.command("show", epilog="tongban material show 1c0f… --node wuhou/")(show)
    group.command("receipt", epilog="tongban material receipt 1c0f… --node wuhou/ --to receipt.json --field name")(
        receipt
    )
    group.command(
        "revoke", epilog="tongban material revoke 1c0f… --node wuhou/ --cause inspection_withdrawn --words 核对有误"
    )(revoke)
    group.command("renew", epilog="tongban material renew 1c0f… --node wuhou/")(renew)
    group.command("erase", epilog=f"{_ERASE} · tongban material erase use:12 --node mianyang/ --basis retention_ended")(
        erase
    )
    received.add_to(group)
    app.add_typer(group, name="material")


def listed(
    *,
    node: NodeOption,
    applicant: Annotated[str, typer.Option(help="只列出这个申请人的 / only this applicant's")] = "",
    limit: Limit = MOST,
    as_json: AsJson = False,
) -> None:
    """列出本市已上链的材料，最新的在前；已撤销的写明原因。 / List this city's anchored materials, the newest first; of a revoked one the cause."""
    with opened(node) as city, city.database.read() as connection:
        rows = materials.listed(connection, applicant=applicant or None, limit=limit + 1)
    more = len(rows) > limit
    if as_json:
        say_json({"materials": rows[:limit], "more": more})
        return
    table = grid(3)
    for row in rows[:limit]:
        table.add_row(str(row["material"]), type_name(str(row["type_code"])), _standing(row))
    screen().print(table if rows else label("no_materials"))
    say_more(more=more, limit=limit)


def _standing(row: Mapping[str, object]) -> str:
    """What became of a material: erased, revoked and why, or the batch that it stands in."""
    if row["erased_at"]:
        return label("erased")
    if row["revoked_at"]:
        return label("revoked_because", cause=_cause(row))
    return label("batch", number=row["batch"])


def _cause(row: Mapping[str, object]) -> str:
    return term("revocation_causes", RevocationCause(int(str(row["cause"]))).name, language())


def show(material: Name, *, node: NodeOption, as_json: AsJson = False) -> None:
    """显示一份材料：类型、存证项、状态；不显示内容。 / Show a material: type, leaves, standing; not what it says."""
    with opened(node) as city:
        shown = _shown(city, material)
    if as_json:
        say_json(shown)
        return
    table = grid(2)
    for name, text in (
        ("material", material),
        ("type", type_name(str(shown["type_code"]))),
        ("assurance", _assurance(shown["assurance"])),
        ("issued", _day(shown["issued_at"])),
        ("expires", _day(shown["expires_at"])),
        ("revoked", f"{_day(shown['revoked_at'])}  {_cause(shown)}" if shown["revoked_at"] else _day(None)),
        ("erased", _day(shown["erased_at"])),
        ("applicant", str(shown["applicant"] or _NOTHING)),
        ("batch", str(shown["batch"])),
        ("leaves", ", ".join(map(str, cast("list[str]", shown["leaves"])))),
        ("fresh", ", ".join(map(str, cast("list[int]", shown["fresh"])))),
    ):
        table.add_row(label(f"shown_{name}"), text)
    screen().print(table)


def _day(time: object) -> str:
    return china_time(int(str(time)))[:10] if time else _NOTHING


def _assurance(level: object) -> str:
    # An erased material has none any more.
    return term("assurance_levels", AssuranceLevel(int(str(level))).name, language()) if level else _NOTHING


def receipt(
    material: Annotated[
        str,
        typer.Argument(
            help="材料在本市的编号，或收到的材料的使用编号 use:12 / the material's name, or use:12 for what was received",
            show_default=False,
        ),
    ],
    *,
    node: NodeOption,
    to: Annotated[Path, typer.Option(help="写入的文件 / the file to write", show_default=False)],
    field: Annotated[list[str] | None, typer.Option(help="凭证里公开的栏目 / fields to open in it")] = None,
    subject: Annotated[int, typer.Option(min=0, help="第几位数据主体 / whose leaf")] = 0,
    leaf: Annotated[str, typer.Option(help="收到的哪个存证项 batch:index / which received leaf")] = "",
    as_json: AsJson = False,
) -> None:
    """出具凭证；须等联署的检查点，稍候会自动重试。收到的材料，凭证同时证明使用有授权或法定依据。 / Issue a receipt; waits for a cosigned checkpoint. For what was received it also shows the consent or duty."""
    with opened(node) as city, screen(stderr=True).status(label("waiting_for_cosignatures")):
        log = LogView(DirectoryFiles(city.log_folder))
        use = received.use_of(material)
        if use is not None:
            number, contract, place = received.place_of(city, use, leaf)
            issued = patiently(
                lambda: receipts.issue_for_use(city, city.keys.open, log, contract, number, place, field)
            )
        else:
            with city.database.read() as connection:
                places = materials.places_of(connection, material, subject)
            if not places:
                raise NotFoundError("materials.not_found")
            # The last one: no use is given it before all the others.
            where, last = places[-1]
            issued = patiently(lambda: receipts.issue(city, city.keys.open, log, where, last, field or ["file.0"]))
    write_file(to, [encode_receipt(issued)])
    if as_json:
        say_json({"receipt": str(to), "leaf": leaf_text(issued.leaf)})
    else:
        screen().print(good(to))


def revoke(
    material: Name,
    *,
    node: NodeOption,
    cause: Annotated[str, typer.Option(help="撤销原因代码 / the cause's name", show_default=False)],
    words: Annotated[str, typer.Option(help="说明，只封存在本市 / words, sealed to this city", show_default=False)],
    no_wait: NoWait = False,
    as_json: AsJson = False,
) -> None:
    """撤销材料；各地不能再用，原因可查。 / Revoke a material: of no more use anywhere, with the cause shown."""
    if cause.upper() not in RevocationCause.__members__:
        raise InputError("material.cause", known=", ".join(item.name.lower() for item in RevocationCause))
    with opened(node) as city:
        settle(
            city,
            [materials.revoke(city, material, RevocationCause[cause.upper()], words)],
            no_wait=no_wait,
            as_json=as_json,
        )


def renew(material: Name, *, node: NodeOption, no_wait: NoWait = False, as_json: AsJson = False) -> None:
    """续用：为用得快完的材料登记新的存证项，不需要重新提交；快用完时节点也会自动办理。 / Anchor more leaves of a material; the paper is not handed in again. The node does it by itself when few are left."""
    with opened(node) as city:
        with city.database.read() as connection:
            before = len(materials.leaves_of(connection, material, None))
        queued = renewing.renew(city, material)
        if not no_wait:
            with screen(stderr=True).status(label("waiting_for_chain")):
                patiently(lambda: _more_leaves(city, material, before))
        with city.database.read() as connection:
            left = renewing.fresh(connection, material, city.clock())
    if as_json:
        say_json({"material": material, "queued": queued, "fresh": [left[subject] for subject in sorted(left)]})
        return
    console = screen()
    if no_wait:
        console.print(label("written_down"))
        return
    for subject, count in left.items():
        console.print(good(label("leaves_left", subject=subject, count=count)))


def erase(
    material: Annotated[
        str,
        typer.Argument(
            help="材料在本市的编号，或收到的材料的使用编号 use:12 / the material's name, or use:12 for what was received",
            show_default=False,
        ),
    ],
    *,
    node: NodeOption,
    basis: Annotated[str, typer.Option(help="删除的法定依据 / legal basis", show_default=False)],
    no_wait: NoWait = False,
    as_json: AsJson = False,
) -> None:
    """删除材料的内容和密钥，并记录在链上；证明仍在。 / Destroy a material's content and keys, on the record: this city's own, or what another city let it read."""
    if basis.upper() not in ErasureBasis.__members__:
        raise InputError("material.basis", known=", ".join(item.name.lower() for item in ErasureBasis))
    use, ground = received.use_of(material), ErasureBasis[basis.upper()]
    with opened(node) as city:
        last = received.erase(city, use, ground) if use else materials.erase(city, material, ground)
        settle(city, [last], no_wait=no_wait, as_json=as_json)


def _shown(city: Node, material: str) -> dict[str, object]:
    with city.database.read() as connection:
        found = materials.find(connection, material)
        leaves = materials.leaves_of(connection, material, None)
        rows = materials.listed(connection, material=material)
        left = renewing.fresh(connection, material, city.clock())
    facts: Mapping[str, object] = rows[0] if rows else {}
    return {
        **facts,
        "contract": found[0],
        "batch": found[1],
        "leaves": [leaf_text(leaf) for leaf in leaves],
        "fresh": [left[subject] for subject in sorted(left)],
    }


def _more_leaves(city: Node, material: str, before: int) -> bool:
    with city.database.read() as connection:
        if len(materials.leaves_of(connection, material, None)) == before:
            raise NotFoundError("materials.waiting")
    return True
