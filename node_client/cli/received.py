"""``tongban material received`` and ``open``: what other cities let this one read, and the files of it."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated

import typer

from ledger.domain import canonical
from ledger.domain.files import FILE_TYPES
from ledger.domain.leaves import leaf_text, read_leaf
from ledger.domain.materials import ErasureBasis
from ledger.errors import ConflictError, InputError, NotFoundError
from ledger.projections.subjects import SubjectKind
from ledger.services import received
from ledger.services.context import Node
from ledger.services.received import content, read_received
from ledger.wire.traces import china_time
from node_client.cli.files import write_file
from node_client.cli.labels import label, type_name
from node_client.cli.nodes import MOST, AsJson, Limit, NodeOption, named, say_more
from node_client.cli.nodes import opened as opened_node
from node_client.cli.output import grid, say_json, screen

__all__ = ["add_to", "erase", "place_of", "use_of"]

_USE = re.compile(r"use:(?:(0x[0-9a-f]{40}):)?([0-9]{1,18})")
_SUFFIXES = {kind.media_type: kind.extensions[0] for kind in FILE_TYPES}


def add_to(group: typer.Typer) -> None:
    """Add the commands to ``tongban material``."""
    group.command("received", epilog="tongban material received --node mianyang/ --case 22ba…")(listed)
    group.command("open", epilog="tongban material open use:12 1:17 --node mianyang/ --to papers/")(open_)


def use_of(text: str) -> tuple[int, str | None] | None:
    """Return the number and the contract of ``use:12`` or ``use:0x…:12``; nothing for any other text."""
    found = _USE.fullmatch(text.lower())
    return None if found is None else (int(found[2]), found[1])


def erase(city: Node, use: tuple[int, str | None], basis: ErasureBasis) -> str:
    """Ask for the erasure of what a use let this city read; returns the intent that is done last."""
    return received.erase(city, use[0], basis, use[1])


def place_of(city: Node, use: tuple[int, str | None], leaf: str) -> tuple[int, str, int]:
    """Return number, contract and leaf of what was received under a use; the leaf may be left out where there is one.

    Raises:
        NotFoundError: ``releases.not_received``.
        ConflictError: ``releases.ambiguous``.
        InputError: ``material.which_leaf``, ``leaves.place``.
    """
    number, contract = use
    wanted = read_leaf(leaf) if leaf else None
    with city.database.read() as connection:
        found = received.of_use(connection, number, contract)
    if wanted is not None:
        found = [item for item in found if item.leaf == wanted]
    if not found:
        raise NotFoundError("releases.not_received", use=number)
    if len({item.contract for item in found}) > 1:
        raise ConflictError("releases.ambiguous", use=number)
    if len(found) > 1:
        raise InputError("material.which_leaf", known=", ".join(leaf_text(item.leaf) for item in found))
    return number, found[0].contract, found[0].leaf


def listed(
    *,
    node: NodeOption,
    case: Annotated[str, typer.Option(help="办件编号 / the case")] = "",
    limit: Limit = MOST,
    as_json: AsJson = False,
) -> None:
    """列出本市凭授权收到的材料，最新的在前：哪次使用、哪个存证项、哪个办件。 / List what this city received, the newest first: which use, which leaf, which case."""
    with opened_node(node) as city:
        wanted = named(city, SubjectKind.CASE, case) if case else None
        with city.database.read() as connection:
            found = received.listed(connection, case=wanted, limit=limit + 1)
    rows, more = found[:limit], len(found) > limit
    if as_json:
        say_json(
            {
                "received": [
                    {
                        "use": row.use,
                        "contract": row.contract,
                        "leaf": leaf_text(row.leaf),
                        "case": row.case.hex(),
                        "type": row.type_code,
                        "received_at": china_time(row.received_at),
                        "state": row.state,
                    }
                    for row in rows
                ],
                "more": more,
            }
        )
        return
    table = grid(5)
    for row in rows:
        name = type_name(row.type_code)
        table.add_row(f"use:{row.use}", leaf_text(row.leaf), name, row.case.hex()[:16], label(f"received_{row.state}"))
    screen().print(table if rows else label("nothing_received"))
    say_more(more=more, limit=limit)


def open_(
    use: Annotated[str, typer.Argument(help="使用编号 use:12 或 use:0x合约:12 / the use", show_default=False)],
    leaf: Annotated[
        str, typer.Argument(help="哪个存证项 batch:index，只有一个时不用填 / which leaf, where there are several")
    ] = "",
    *,
    node: NodeOption,
    to: Annotated[Path, typer.Option(help="写入的文件夹 / the folder to write to", show_default=False)],
    as_json: AsJson = False,
) -> None:
    """打开收到的材料：核对指纹后写出文件和所载内容，仅本人可读。 / Open what was received: fields and files, held against their digests."""
    wanted = use_of(use)
    if wanted is None:
        raise InputError("tracing.identifier")
    with opened_node(node) as city:
        number, contract, packed = place_of(city, wanted, leaf)
        found = read_received(city, number, packed, contract)
        to.mkdir(mode=0o700, parents=True, exist_ok=True)
        written = [write_file(to / "fields.json", [canonical.encode(found.fields)])]
        for file in found.files:
            path = to / f"{file.sha256[:16]}{_SUFFIXES.get(file.media_type, '')}"
            written.append(write_file(path, content(city, number, packed, file, contract)))
    if as_json:
        say_json({"files": [str(path) for path in written], "type": found.record.type_code})
        return
    for path in written:
        screen().print(str(path))
