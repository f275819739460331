"""``tongban material``: papers handed in at this city's window, and what became of them."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Annotated, TypeVar, cast

import typer
from rich.progress import Progress

from ledger.domain.leaves import Holding, leaf_text
from ledger.domain.materials import (
    MATERIAL_TYPES,
    Assurance,
    AssuranceLevel,
    ErasureBasis,
    Issuer,
    RevocationCause,
    material_type,
)
from ledger.errors import InputError, NotFoundError, UnavailableError
from ledger.log.files import DirectoryFiles
from ledger.log.view import LogView
from ledger.services import holders, materials, persons, receipts, renewing
from ledger.services.context import Node
from ledger.services.intake import inspect_file, inspect_folder, resolve_inside
from ledger.services.manifests import ManifestMaterial, read_manifest
from ledger.services.materials import Paper
from ledger.wire.materials import SubjectAccount
from ledger.wire.receipts import encode_receipt
from ledger.wire.sentences import term
from ledger.wire.traces import china_time
from node_client.cli import received
from node_client.cli.files import read_file
from node_client.cli.identities import IdentityFile, read_identity
from node_client.cli.labels import label
from node_client.cli.nodes import AsJson, NodeOption, NoWait, opened, settle
from node_client.cli.output import good, grid, language, say_json, screen

__all__ = ["add_to"]

Name = Annotated[str, typer.Argument(help="材料在本市的编号 / the material's name in this city", show_default=False)]

_CHINA = timezone(timedelta(hours=8))
_SECONDS = 120.0
_PAUSE = 0.1
_NOTHING = "–"

T = TypeVar("T")
_ERASE = "tongban material erase 1c0f… --node wuhou/ --basis consent_withdrawn"
_REFERENCE = re.compile(r"[0-9a-f]{32}")
_FIELD = re.compile(r"([a-z][a-z0-9_]{0,62})=(.*)", re.DOTALL)


def add_to(app: typer.Typer) -> None:
    """Add the group."""
    group = typer.Typer(help="材料 / materials", no_args_is_help=True)
    submitting = "tongban material submit register.pdf --node wuhou/ --type household-register --person 3f… --identity-file id.json --issuer 11510107…"
    group.command(
        "submit",
        epilog=f"{submitting} · tongban material submit scans/ --node wuhou/ --manifest scans.csv --person 3f…",
    )(submit)
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


def submit(
    source: Annotated[Path, typer.Argument(help="文件或文件夹 / a file or a folder", show_default=False)],
    *,
    node: NodeOption,
    manifest: Annotated[Path | None, typer.Option(help="清单，CSV 或 JSON / manifest, CSV or JSON")] = None,
    kind: Annotated[str, typer.Option("--type", help="材料类型 / type of the material")] = "",
    field: Annotated[
        list[str] | None, typer.Option(help="材料载明的内容 名称=值 / what the paper states, name=value")
    ] = None,
    issuer: Annotated[str, typer.Option(help="签发机关统一社会信用代码 / the issuer's credit code")] = "",
    issuer_name: Annotated[str, typer.Option(help="签发机关名称 / the issuer's name")] = "",
    person: Annotated[
        list[str] | None, typer.Option(help="密钥由本市保管的人，按顺序 / persons in custody, in order")
    ] = None,
    account: Annotated[
        list[str] | None, typer.Option(help="自持密钥的扩展公钥，按顺序 / self-held accounts, in order")
    ] = None,
    applicant: Annotated[
        str, typer.Option(help="申请人编号，不给则新建 / the applicant's reference, none: a new one")
    ] = "",
    identity_file: IdentityFile = None,
    uploaded: Annotated[
        bool, typer.Option("--uploaded", help="仅上传，未核对原件 / uploaded, original not inspected")
    ] = False,
    no_wait: NoWait = False,
    as_json: AsJson = False,
) -> None:
    """接收材料：检查、计算指纹、加密、存储、上链。 / Take papers in: checked, hashed, encrypted, stored, anchored."""
    owners = [*(("person", value) for value in person or ()), *(("account", value) for value in account or ())]
    if not owners:
        raise InputError("material.owner")
    if applicant and identity_file is not None:
        raise InputError("material.who")
    if applicant and not _REFERENCE.fullmatch(applicant):
        raise InputError("materials.applicant")
    identity = None if identity_file is None else read_identity(identity_file)
    described = _described(source, manifest, kind, field or [], issuer, issuer_name, len(owners))
    if account and len(described) > 1:
        raise InputError("material.account_each")
    # Where nobody watches, a progress display would leave an empty line behind.
    console = screen(stderr=True)
    with opened(node) as city, Progress(console=console, transient=True, disable=not console.is_terminal) as progress:
        task = progress.add_task(label("checking"), total=None)
        level = (
            Assurance(AssuranceLevel.UPLOADED)
            if uploaded
            else Assurance(AssuranceLevel.INSPECTED, "window-clerk", city.clock())
        )
        papers = [_paper(folder, item, level, _accounts(city, owners, item)) for folder, item in described]
        # Whoever comes again with the same document is the same applicant; that is also how a look-up finds the papers.
        reference = persons.reference(city, identity) if identity else applicant or city.random(16).hex()
        taken = materials.submit(city, reference, papers)
        if not no_wait:
            progress.update(task, description=label("waiting_for_chain"))
            _anchored(city, taken.materials)
    if as_json:
        say_json({"applicant": reference, "submission": taken.submission, "materials": list(taken.materials)})
        return
    console = screen()
    console.print(label("applicant", reference=reference))
    table = grid(3)
    for material, (_, item) in zip(taken.materials, described, strict=True):
        # What the manifest calls it: a clerk who handed in several must know which is which.
        table.add_row(good(material), _type_name(item.type_code), item.key if manifest is not None else "")
    console.print(table)


def listed(
    *,
    node: NodeOption,
    applicant: Annotated[str, typer.Option(help="只列出这个申请人的 / only this applicant's")] = "",
    limit: Annotated[int, typer.Option(min=1, max=10_000, help="最多列出几份 / how many at most")] = 100,
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
        table.add_row(str(row["material"]), _type_name(str(row["type_code"])), _standing(row))
    screen().print(table if rows else label("no_materials"))
    if more:
        screen().print(label("materials_more", count=limit))


def _standing(row: Mapping[str, object]) -> str:
    """What became of a material: erased, revoked and why, or the batch that it stands in."""
    if row["erased_at"]:
        return label("erased")
    if row["revoked_at"]:
        return label("revoked_because", cause=_cause(row))
    return label("batch", number=row["batch"])


def _cause(row: Mapping[str, object]) -> str:
    return term("revocation_causes", RevocationCause(int(str(row["cause"]))).name, language())


def _type_name(code: str) -> str:
    known = MATERIAL_TYPES.get(code)
    return code if known is None else (known.zh if language() == "zh" else known.en)


def show(material: Name, *, node: NodeOption, as_json: AsJson = False) -> None:
    """显示一份材料：类型、叶、状态；不显示内容。 / Show a material: type, leaves, standing; not what it says."""
    with opened(node) as city:
        shown = _shown(city, material)
    if as_json:
        say_json(shown)
        return
    table = grid(2)
    for name, text in (
        ("material", material),
        ("type", _type_name(str(shown["type_code"]))),
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
    leaf: Annotated[str, typer.Option(help="收到的哪一叶 batch:index / which received leaf")] = "",
    as_json: AsJson = False,
) -> None:
    """出具凭证；须等联署的检查点，稍候会自动重试。收到的材料，凭证同时证明使用有授权或法定依据。 / Issue a receipt; waits for a cosigned checkpoint. For what was received it also shows the consent or duty."""
    with opened(node) as city, screen(stderr=True).status(label("waiting_for_cosignatures")):
        log = LogView(DirectoryFiles(city.log_folder))
        use = received.use_of(material)
        if use is not None:
            number, contract, place = received.place_of(city, use, leaf)
            issued = _patiently(
                lambda: receipts.issue_for_use(city, city.keys.open, log, contract, number, place, field)
            )
        else:
            with city.database.read() as connection:
                places = materials.places_of(connection, material, subject)
            if not places:
                raise NotFoundError("materials.not_found")
            # The last one: no use is given it before all the others.
            where, last = places[-1]
            issued = _patiently(lambda: receipts.issue(city, city.keys.open, log, where, last, field or ["file.0"]))
    to.write_bytes(encode_receipt(issued))
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
    """续用：为用得快完的材料登记新的凭据，不需要重新提交；快用完时节点也会自动办理。 / Anchor more leaves of a material; the paper is not handed in again. The node does it by itself when few are left."""
    with opened(node) as city:
        with city.database.read() as connection:
            before = len(materials.leaves_of(connection, material, None))
        queued = renewing.renew(city, material)
        if not no_wait:
            with screen(stderr=True).status(label("waiting_for_chain")):
                _patiently(lambda: _more_leaves(city, material, before))
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


def _described(
    source: Path, manifest: Path | None, kind: str, fields: Sequence[str], issuer: str, issuer_name: str, owners: int
) -> list[tuple[Path, ManifestMaterial]]:
    if manifest is not None:
        return [(source, item) for item in read_manifest(manifest.name, read_file(manifest))]
    material_type(kind)
    folder, names = (
        (source, [item.path.name for item in inspect_folder(source)])
        if source.is_dir()
        else (source.parent, [source.name])
    )
    stated = dict(_pair(text) for text in fields)
    # Without a manifest all files of a folder are pages of one material.
    one = ManifestMaterial("1", kind, tuple(names), stated, issuer, issuer_name, None, None, owners, 1)
    return [(folder, one)]


def _paper(folder: Path, item: ManifestMaterial, level: Assurance, accounts: tuple[SubjectAccount, ...]) -> Paper:
    return Paper(
        files=tuple(inspect_file(resolve_inside(folder, name)) for name in item.files),
        type_code=item.type_code,
        fields=item.fields,
        issuer=Issuer(item.issuer_code, item.issuer_name),
        assurance=level,
        accounts=accounts,
        issued_at=0 if item.issued_on is None else _midnight(item.issued_on.isoformat()),
        expires_at=0 if item.expires_on is None else _midnight(item.expires_on.isoformat()),
    )


def _accounts(city: Node, owners: Sequence[tuple[str, str]], item: ManifestMaterial) -> tuple[SubjectAccount, ...]:
    """An account for each of a material's data subjects, anew for every material: leaves of two share no key.

    Either spouse alone may hand in a marriage certificate: fewer than a type has as a rule are enough, but not fewer
    than a manifest says.
    """
    if item.subjects > len(owners) and item.subjects != material_type(item.type_code).subjects:
        raise InputError("material.subjects", row=item.row, subjects=item.subjects, given=len(owners))
    return tuple(
        holders.custody_account(city, value) if kind == "person" else SubjectAccount(Holding.SELF_HELD, value, 0)
        for kind, value in owners[: item.subjects]
    )


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


def _anchored(city: Node, names: Sequence[str]) -> None:
    """Wait until all are on the chain; raises ``material.unfinished`` with their names, which the clerk needs."""

    def known() -> bool:
        with city.database.read() as connection:
            for name in names:
                materials.find(connection, name)
        return True

    try:
        _patiently(known)
    except NotFoundError as error:
        if error.code != "materials.waiting":
            raise
        raise UnavailableError("material.unfinished", materials=", ".join(names)) from None


def _patiently(attempt: Callable[[], T]) -> T:
    """Try again while something is not there yet."""
    deadline = time.monotonic() + _SECONDS
    while True:
        try:
            return attempt()
        except (UnavailableError, NotFoundError) as error:
            if error.code not in {"materials.waiting", "receipts.not_published"} or time.monotonic() > deadline:
                raise
            time.sleep(_PAUSE)


def _pair(text: str) -> tuple[str, str]:
    found = _FIELD.match(text)
    if found is None:
        # What was typed may be anybody's data, and is not repeated.
        raise InputError("material.field")
    return found[1], found[2]


def _midnight(day: str) -> int:
    return int(datetime.fromisoformat(day).replace(tzinfo=_CHINA).astimezone(UTC).timestamp())
