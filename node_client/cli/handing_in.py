"""``tongban material submit``, ``waiting`` and ``discard``: papers handed in at this city's window, until they are anchored."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer
from rich.progress import Progress

from ledger.domain import workdays
from ledger.domain.leaves import Holding
from ledger.domain.materials import Assurance, AssuranceLevel, Issuer, material_type
from ledger.errors import InputError, NotFoundError, UnavailableError
from ledger.services import drafts, holders, materials, persons
from ledger.services.context import Node
from ledger.services.intake import inspect_file, inspect_folder, resolve_inside
from ledger.services.manifests import ManifestMaterial, read_manifest
from ledger.services.materials import Paper
from ledger.wire.materials import SubjectAccount
from ledger.wire.traces import china_time
from node_client.cli.files import read_file
from node_client.cli.identities import IdentityFile, read_identity
from node_client.cli.labels import label, type_name
from node_client.cli.nodes import MOST, AsJson, Limit, NodeOption, NoWait, opened, say_more
from node_client.cli.output import good, grid, say_json, screen, styled
from node_client.waiting import patiently

__all__ = ["add_to"]

_FIELD = re.compile(r"([a-z][a-z0-9_]{0,62})=(.*)", re.DOTALL)
_SUBMIT = (
    "tongban material submit register.pdf --node wuhou/ --type household-register --person 3f… --identity-file id.json "
    "--issuer 11510107… · tongban material submit scans/ --node wuhou/ --manifest scans.csv --person 3f…"
)


def add_to(group: typer.Typer) -> None:
    """Add the commands to ``tongban material``."""
    group.command("submit", epilog=_SUBMIT)(submit)
    group.command("waiting", epilog="tongban material waiting --node wuhou/")(waiting)
    group.command("discard", epilog="tongban material discard 1c0f… --node wuhou/")(discard)


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
    if applicant:
        materials.require_applicant(applicant)
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
        table.add_row(good(material), type_name(item.type_code), item.key if manifest is not None else "")
    console.print(table)


def waiting(
    *,
    node: NodeOption,
    limit: Limit = MOST,
    as_json: AsJson = False,
) -> None:
    """列出已接收、等待上链的材料，最早的在前；已损坏的标明。 / List what was taken in and waits to be anchored, the oldest first; what is damaged is marked."""
    with opened(node) as city:
        found = drafts.waiting(city, limit=limit + 1)
    listed, more = found[:limit], len(found) > limit
    if as_json:
        rows = [
            {
                "material": one.material,
                "applicant": one.applicant,
                "type_code": one.type_code,
                "handed_in_at": china_time(one.handed_in_at),
                "damaged": one.damaged,
            }
            for one in listed
        ]
        say_json({"waiting": rows, "more": more})
        return
    table = grid(4)
    for one in listed:
        damaged = styled((label("draft_damaged"), "bold red")) if one.damaged else ""
        table.add_row(one.material, type_name(one.type_code), china_time(one.handed_in_at)[:16], damaged)
    screen().print(table if listed else label("nothing_waiting"))
    say_more(more=more, limit=limit)


def discard(
    material: Annotated[
        str, typer.Argument(help="材料在本市的编号 / the material's name in this city", show_default=False)
    ],
    *,
    node: NodeOption,
    as_json: AsJson = False,
) -> None:
    """取消还没有上链的材料，连同内容一并删除；已上链的用 revoke 撤销。 / Take back a material that is not anchored yet, with its content; an anchored one is revoked."""
    with opened(node) as city:
        drafts.discard(city, material)
    if as_json:
        say_json({"discarded": material})
    else:
        screen().print(good(label("discarded", material=material)))


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
        issued_at=0 if item.issued_on is None else workdays.day_start(workdays.day_number(item.issued_on)),
        # A paper is good on the last day that it names.
        expires_at=0 if item.expires_on is None else workdays.day_end(workdays.day_number(item.expires_on)),
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


def _anchored(city: Node, names: Sequence[str]) -> None:
    """Wait until all are on the chain; raises ``material.unfinished`` with their names, which the clerk needs."""

    def known() -> bool:
        with city.database.read() as connection:
            for name in names:
                materials.find(connection, name)
        return True

    try:
        patiently(known)
    except NotFoundError as error:
        if error.code != "materials.waiting":
            raise
        raise UnavailableError("material.unfinished", materials=", ".join(names)) from None


def _pair(text: str) -> tuple[str, str]:
    found = _FIELD.match(text)
    if found is None:
        # What was typed may be anybody's data, and is not repeated.
        raise InputError("material.field")
    return found[1], found[2]
