"""``tongban consent``: what applicants allowed, who used it, and taking it back."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Annotated, cast

import typer

from ledger.domain import typed
from ledger.domain.consents import Grantee
from ledger.domain.consortium import ContractKind
from ledger.domain.leaves import leaf_text, read_leaf
from ledger.errors import InputError
from ledger.ports import TypedMessage
from ledger.projections.subjects import SubjectKind
from ledger.services import attending, cases, consents, holders, materials
from ledger.services.context import Node
from ledger.services.overview import case_shown
from ledger.services.registry import current_contract
from ledger.wire.grants import GrantedConsent, read_granted
from ledger.wire.traces import china_time
from node_client.cli import using
from node_client.cli.files import read_file, write_file
from node_client.cli.granting import grant
from node_client.cli.identities import PinFile, read_pin
from node_client.cli.labels import label
from node_client.cli.nodes import MOST, AsJson, Limit, NodeOption, NoWait, cities, named, opened, say_more, settle
from node_client.cli.output import grid, say_json, screen
from node_client.cli.purposes import PurposeOption, purpose_of

__all__ = ["add_to"]

Document = Annotated[Path, typer.Argument(help="授权文书 / the document of the consent", show_default=False)]
_PREPARE = (
    "tongban consent prepare --node wuhou/ --case 22ba… --material 1c0f…=name,file.0 --grantee 2=2 --to consent.json"
)
_GRANT = "tongban consent grant consent.json --node wuhou/ · tongban consent grant one.json other.json --node wuhou/"
_SHOWN = re.compile(r"([0-9A-Za-z_-]{1,64})(?::([0-9]{1,2}))?=([^=]+)")
_GRANTEE = re.compile(r"([0-9]{1,5})=([0-9]{1,5})")


def add_to(app: typer.Typer) -> None:
    """Add the group."""
    group = typer.Typer(help="授权 / consents", no_args_is_help=True)
    group.command("prepare", epilog=_PREPARE)(prepare)
    group.command("grant", epilog=_GRANT)(grant)
    group.command("witness", epilog="tongban consent witness consent.json --node yanta/ --person 3f…")(witness)
    group.command("attest", epilog="tongban consent attest witnessed.json --node wuhou/ --to second.json")(attest)
    using.add_to(group)
    group.command("revoke", epilog="tongban consent revoke consent.json --node wuhou/ --window")(revoke)
    group.command("list", epilog="tongban consent list --node wuhou/ --case 22ba…")(listed)
    group.command("feed", epilog="tongban consent feed 1c0f… --node wuhou/")(feed)
    app.add_typer(group, name="consent")


def prepare(
    *,
    node: NodeOption,
    case: Annotated[str, typer.Option(help="办件编号 / the case", show_default=False)],
    grantee: Annotated[
        list[str],
        typer.Option(help="谁可以读取几次 成员=次数 / who may read how often, member=uses", show_default=False),
    ],
    to: Annotated[Path, typer.Option(help="写入的文件 / the file to write", show_default=False)],
    material: Annotated[
        list[str] | None,
        typer.Option(
            help="本市代管的材料和公开的栏目 编号[:主体]=栏目,… / a material in custody here and what it shows, name[:subject]=field,…"
        ),
    ] = None,
    leaf: Annotated[
        list[str] | None,
        typer.Option(
            help="已知的存证项，如异地查询所得 batch:index=栏目,… / a known leaf, as a look-up gives, batch:index=field,…"
        ),
    ] = None,
    purpose: PurposeOption = "handle",
    days: Annotated[int, typer.Option(min=1, max=1826, help="有效天数 / valid for days")] = 30,
    as_json: AsJson = False,
) -> None:
    """拟定授权书：为一个办件，写明哪些材料的哪些栏目、给谁、几次、到何时；尚未签署。 / Write a consent down for one case, to be shown and signed."""
    what_for = purpose_of(purpose)
    grantees = [Grantee(int(member), int(uses)) for member, uses in _matching(_GRANTEE, grantee)]
    shown = using.fields_of_leaves(leaf or ())
    wanted = _matching(_SHOWN, material or ())
    with opened(node) as city:
        name = named(city, SubjectKind.CASE, case)
        found = case_shown(city, case)
        with city.database.read() as connection:
            contract = current_contract(connection, ContractKind.MATERIALS)
            where = cases.contract_of(connection, name)
        for kept, subject, fields in wanted:
            materials.require_stated(city, kept, fields.split(","))
            shown[holders.allot(city, kept, int(subject or 0), name)] = tuple(fields.split(","))
        prepared = consents.prepare(
            city,
            contract,
            where,
            case=name,
            matter=found.matter,
            shown=shown,
            grantees=grantees,
            days=days,
            purpose=what_for,
        )
        document = GrantedConsent(
            chain_id=city.chain_id,
            contract=contract,
            terms=prepared.terms,
            disclosed=prepared.disclosed,
            signatures=(),
        )
        write_file(to, [document.encode()])
    leaves = [leaf_text(place) for place in prepared.terms.leaves]
    if as_json:
        say_json({"consent": prepared.digest.hex(), "leaves": leaves, "document": str(to)})
    else:
        screen().print(f"{prepared.digest.hex()} → {to}")


def witness(
    document: Document,
    *,
    node: NodeOption,
    person: Annotated[
        str,
        typer.Option(
            help="申请人在保管城市的代管编号；经查询找到的材料不用填 / the person's reference where the keys are kept; none for leaves found by a look-up"
        ),
    ] = "",
    to: Annotated[
        Path | None, typer.Option(help="把写明窗口的授权文书存为文件 / keep the document as it was witnessed")
    ] = None,
    second: Annotated[
        Path | None,
        typer.Option(
            help="第二位见证人在外地视频见证的签名文件（consent attest 所写）/ the second witness's signature, by video from another city"
        ),
    ] = None,
    only_write: Annotated[
        bool,
        typer.Option(
            "--only-write", help="只写出 --to 文书，交外地的第二位见证人 / only write the document for that witness"
        ),
    ] = False,
    no_wait: NoWait = False,
    as_json: AsJson = False,
) -> None:
    """窗口见证授权：本窗口两位见证人签署，保管密钥的城市（可以是外地）会签。 / Witness a paper consent at this window; the city that keeps the keys, here or elsewhere, countersigns."""
    with opened(node) as city:
        granted = _at_window(city, read_granted(read_file(document)))
        if only_write:
            if to is None:
                raise InputError("consent.form")
            write_file(to, [granted.encode()])
            _say_written(to, granted, as_json=as_json)
            return
        message = attending.paper_consent(granted)
        other = city.keys.witness(2, message) if second is None else _signature(second)
        both = (city.keys.witness(1, message), other)
        shown, custodian = attending.countersigned(city, granted, both, person=person)
        intent = consents.grant_witnessed(
            city,
            granted.contract,
            granted.terms,
            shown,
            attending=city.member,
            paper=granted.paper,
            signatures=[*both, custodian],
        )
        if to is not None:
            write_file(to, [granted.encode()])
        settle(city, [intent], no_wait=no_wait, as_json=as_json, consent=granted.digest.hex())


def attest(
    document: Annotated[
        Path,
        typer.Argument(help="另一城市窗口写出的授权文书 / the document that another window wrote", show_default=False),
    ],
    *,
    node: NodeOption,
    to: Annotated[Path, typer.Option(help="写入的文件 / the file to write", show_default=False)],
    as_json: AsJson = False,
) -> None:
    """作为第二位见证人，通过视频见证另一城市窗口的纸质授权。 / Sign as second witness, by video, what a person signs at another city's window."""
    with opened(node) as city:
        granted = read_granted(read_file(document))
        if not granted.attending or granted.attending == city.member or not any(granted.paper):
            raise InputError("consent.attest")
        signature = city.keys.witness(1, attending.paper_consent(granted))
    write_file(to, [json.dumps({"consent": granted.digest.hex(), "signature": signature.hex()}).encode(), b"\n"])
    _say_written(to, granted, as_json=as_json)


def revoke(
    document: Document,
    *,
    node: NodeOption,
    leaf: Annotated[
        str,
        typer.Option(
            help="以哪个存证项的持有人撤回 batch:index，不给为第一个 / whose holder takes it back; none: the first leaf's"
        ),
    ] = "",
    pin_file: PinFile = None,
    window: Annotated[
        bool, typer.Option("--window", help="由本窗口两位见证人签署，密钥在哪里都可以 / witnessed at this window")
    ] = False,
    no_wait: NoWait = False,
    as_json: AsJson = False,
) -> None:
    """撤回授权；任何一位持有人的签名，或任何窗口两位见证人即可。 / Take a consent back; one holder's signature, or two witnesses of any window, is enough."""
    with opened(node) as city:
        granted = read_granted(read_file(document))
        if window:
            intent = _revoked_at_window(city, granted)
        else:
            place = read_leaf(leaf) if leaf else granted.terms.leaves[0]
            digest = typed.digest("ConsentRevocation", {"consent": granted.digest}, granted.chain_id, granted.contract)
            with city.database.read() as connection:
                material = materials.material_of(connection, granted.contract, place)
            signature = holders.sign_leaf(city, material, place, digest, read_pin(pin_file))
            shown = holders.show_leaf(city, material, place, signature)
            intent = consents.revoke(city, granted.contract, granted.digest, shown)
        settle(city, [intent], no_wait=no_wait, as_json=as_json)


def listed(
    *,
    node: NodeOption,
    case: Annotated[str, typer.Option(help="办件编号 / the case")] = "",
    limit: Limit = MOST,
    as_json: AsJson = False,
) -> None:
    """列出授权，最新的在前：有效期、剩余次数、是否撤回。 / List consents, the newest first: validity, uses left, whether taken back."""
    with opened(node) as city:
        wanted = named(city, SubjectKind.CASE, case) if case else None
        with city.database.read() as connection:
            found = consents.listed(connection, case=wanted, limit=limit + 1)
        names, now = cities(city), city.clock()
    rows, more = found[:limit], len(found) > limit
    if as_json:
        say_json({"consents": rows, "more": more})
        return
    table = grid(4)
    for row in rows:
        left = "\n".join(
            label(
                "uses_left", city=names.get(one["member"], str(one["member"])), left=one["remaining"], uses=one["uses"]
            )
            for one in cast("list[dict[str, int]]", row["grantees"])
        )
        table.add_row(str(row["consent"])[:16], str(row["case"])[:16], _standing(row, now), left)
    screen().print(table if rows else label("no_consents"))
    say_more(more=more, limit=limit)


def _standing(row: Mapping[str, object], now: int) -> str:
    if row["revoked_at"]:
        return label("taken_back")
    until = int(str(row["valid_until"]))
    return label("expired" if until <= now else "until", day=china_time(until)[:10])


def feed(
    material: Annotated[str, typer.Argument(help="材料编号 / the material", show_default=False)],
    *,
    node: NodeOption,
    limit: Limit = MOST,
    as_json: AsJson = False,
) -> None:
    """谁、何时、为哪个办件读取了这份材料，最近的在前。 / Who read this material, when, for which case; the newest first."""
    with opened(node) as city, city.database.read() as connection:
        materials.find(connection, material)
        readings = consents.feed(connection, materials.places_of(connection, material, None), limit=limit + 1)
    found, more = readings[:limit], len(readings) > limit
    if as_json:
        rows = [
            {
                "use": one.use,
                "member": one.member,
                "case": one.case.hex(),
                "basis": one.basis,
                "time": china_time(one.time),
            }
            for one in found
        ]
        say_json({"readings": rows, "more": more})
        return
    table = grid(4)
    for one in found:
        basis = label("by_consent" if one.basis == 1 else "by_duty")
        table.add_row(china_time(one.time)[:19], label("member", number=one.member), one.case.hex()[:16], basis)
    screen().print(table if found else label("nobody_read"))
    say_more(more=more, limit=limit)


def _at_window(city: Node, prepared: GrantedConsent) -> GrantedConsent:
    """Return a consent with this window and its paper's commitment; one that has them keeps them."""
    if prepared.attending == city.member and any(prepared.paper):
        return prepared
    paper = cases.seal_for(city, [], "paper-consent", {"consent": prepared.digest.hex()})
    return replace(prepared, attending=city.member, paper=paper.commitment, signatures=())


def _signature(path: Path) -> bytes:
    data = read_file(path)
    try:
        signature = bytes.fromhex(json.loads(data)["signature"])
    except (ValueError, KeyError, TypeError):
        raise InputError("consent.second") from None
    return signature


def _say_written(path: Path, granted: GrantedConsent, *, as_json: bool) -> None:
    if as_json:
        say_json({"consent": granted.digest.hex(), "document": str(path)})
    else:
        screen().print(f"{granted.digest.hex()} → {path}")


def _revoked_at_window(city: Node, granted: GrantedConsent) -> str:
    paper = cases.seal_for(city, [], "paper-revocation", {"consent": granted.digest.hex()})
    fields = (("consent", granted.digest), ("paper", paper.commitment), ("attending", city.member))
    message = TypedMessage("PaperRevocation", granted.contract, fields)
    return consents.revoke_witnessed(
        city,
        granted.contract,
        granted.digest,
        attending=city.member,
        paper=paper.commitment,
        signatures=attending.both_witnesses(city, message),
    )


def _matching(pattern: re.Pattern[str], texts: Sequence[str]) -> list[tuple[str, ...]]:
    found = [pattern.fullmatch(text) for text in texts]
    if not all(found):
        raise InputError("consent.form")
    return [match.groups(default="") for match in found if match is not None]
