"""``tongban case lookup``: asking another city what papers it keeps of somebody who carries none, and no wallet either.

The exception, where the wallet is the rule: the person names at most three cities and signs an authorisation before two
witnesses of this window; each question stands on the chain before anybody can answer it.
"""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Annotated

import typer

from ledger.domain.consents import Purpose
from ledger.domain.leaves import leaf_text
from ledger.domain.materials import material_type
from ledger.projections.subjects import SubjectKind
from ledger.services import lookups
from ledger.services.attending import both_witnesses
from ledger.wire.lookups import Answer
from ledger.wire.sentences import sentence
from ledger.wire.traces import china_time
from node_client.cli.files import read_file
from node_client.cli.identities import IdentityFile, read_identity
from node_client.cli.labels import label, type_name
from node_client.cli.nodes import MOST, AsJson, Limit, NodeOption, NoWait, named, opened, say_more, settle
from node_client.cli.output import grid, language, say_json, screen, wrong
from node_client.cli.purposes import PurposeOption, purpose_of

__all__ = ["add_to"]

_ASK = (
    "tongban case lookup ask --node mianyang/ --city 1 --identity-file person.json --paper authorisation.pdf "
    "--type household-register"
)


def add_to(app: typer.Typer) -> None:
    """Add the group."""
    group = typer.Typer(
        help="异地查询：向其他城市查询申请人已存的材料 / look-ups of papers kept in other cities", no_args_is_help=True
    )
    group.command("ask", epilog=_ASK)(ask)
    group.command("list", epilog="tongban case lookup list --node mianyang/")(listed)
    group.command("show", epilog="tongban case lookup show 5d1f… --node mianyang/")(show)
    app.add_typer(group, name="lookup")


def ask(
    *,
    node: NodeOption,
    city: Annotated[
        list[int],
        typer.Option(min=1, help="申请人指定的城市，最多三个 / members that the person names", show_default=False),
    ],
    paper: Annotated[
        Path, typer.Option(help="申请人签字的授权书，只取其指纹 / the signed authorisation; its digest alone is used")
    ],
    identity_file: IdentityFile = Path("-"),
    kind: Annotated[
        list[str] | None, typer.Option("--type", help="要查的材料类型，不给为全部 / types looked for; none: any")
    ] = None,
    purpose: PurposeOption = "handle",
    no_wait: NoWait = False,
    as_json: AsJson = False,
) -> None:
    """提出查询：本窗口两位见证人签署，先上链，再加密送达。 / Ask: witnessed at this window, on the chain first, then delivered sealed."""
    what_for = purpose_of(purpose)
    types = tuple(material_type(code).code for code in kind or ())
    digest = hashlib.sha256(read_file(paper)).digest()
    identity = read_identity(identity_file or Path("-"))
    with opened(node) as here:
        prepared = lookups.prepare(here, city, identity, types=types, purpose=what_for, paper=digest)
        intents = [lookups.ask(here, one, both_witnesses(here, one.statement)) for one in prepared]
        names = [one.question.lookup.hex() for one in prepared]
        settle(here, intents, no_wait=no_wait, as_json=as_json, lookups=names)


def listed(*, node: NodeOption, limit: Limit = MOST, as_json: AsJson = False) -> None:
    """列出本市提出的查询及其进展；不显示查的是谁。 / List what this city asked and how far each is; nobody is named."""
    with opened(node) as city, city.database.read() as connection:
        found = lookups.listed(connection, limit=limit + 1)
    rows, more = found[:limit], len(found) > limit
    if as_json:
        say_json(
            {
                "lookups": [
                    {
                        "lookup": row.lookup.hex(),
                        "asked": row.asked,
                        "purpose": Purpose(row.purpose).name.lower(),
                        "state": row.state,
                        "created_at": china_time(row.created_at),
                    }
                    for row in rows
                ],
                "more": more,
            }
        )
        return
    table = grid(4)
    for row in rows:
        table.add_row(
            china_time(row.created_at)[:19],
            row.lookup.hex(),
            label("member", number=row.asked),
            label(f"lookup_{row.state}"),
        )
    screen().print(table if rows else label("no_lookups"))
    say_more(more=more, limit=limit)


def show(
    lookup: Annotated[str, typer.Argument(help="查询编号，64 位十六进制 / the look-up's id", show_default=False)],
    *,
    node: NodeOption,
    as_json: AsJson = False,
) -> None:
    """显示答复：有哪些材料、可授权的存证项；读取内容仍须授权。 / Show the answer: which papers, which leaf of each; reading takes a consent."""
    lang = language()
    with opened(node) as city:
        answer = lookups.read(city, named(city, SubjectKind.LOOKUP, lookup))
    if as_json:
        say_json(_document(answer))
        return
    console = screen()
    if answer.refused:
        told = sentence(answer.refused, lang)
        console.print(wrong(told, answer.refused))
        return
    table = grid(4)
    for each in answer.materials:
        places = ", ".join(leaf_text(leaf.leaf) for leaf in each.leaves)
        until = china_time(each.expires_at)[:10] if each.expires_at else ""
        table.add_row(each.material, type_name(each.type_code), until, places or label("kept_by_holder"))
    console.print(table if answer.materials else label("no_such_papers"))
    if answer.more:
        console.print(label("more_papers"))


def _document(answer: Answer) -> dict[str, object]:
    return {
        "lookup": answer.lookup.hex(),
        "refused": answer.refused,
        "more": answer.more,
        "materials": [
            {
                "material": each.material,
                "type": each.type_code,
                "assurance": each.assurance,
                "reuse": each.reuse,
                "issued_at": each.issued_at,
                "expires_at": each.expires_at,
                "contract": each.contract,
                "leaves": [{"subject": leaf.subject, "leaf": leaf_text(leaf.leaf)} for leaf in each.leaves],
            }
            for each in answer.materials
        ],
    }
