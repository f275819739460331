"""``tongban holder allot``, ``sign`` and ``revoke``: whoever keeps the keys alone grants and takes back, in any city.

What is signed is shown first, in words; nothing is signed before it was confirmed.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ledger.domain import records
from ledger.domain.consents import Purpose
from ledger.domain.limits import LIMITS
from ledger.domain.materials import MATERIAL_TYPES
from ledger.errors import InputError, NotFoundError, RefusedError
from ledger.wire.grants import GrantedConsent, read_granted
from ledger.wire.sentences import Language, term
from ledger.wire.traces import china_time
from node_client.cli.labels import label
from node_client.cli.output import language, say_json, screen
from node_client.keys import read_passphrase
from node_client.seeds import open_seed

if TYPE_CHECKING:
    from ledger.wire.wallets import Wallet

__all__ = ["add_to"]

Seed = Annotated[Path, typer.Argument(help="种子文件 / the seed's file", show_default=False)]
Passphrase = Annotated[
    Path,
    typer.Option(
        "--passphrase-file",
        help="口令文件，仅本人可读 / passphrase file, readable by its owner alone",
        show_default=False,
    ),
]
Folder = Annotated[Path, typer.Option("--node", help="节点的文件夹 / the node's folder", show_default=False)]
AsJson = Annotated[bool, typer.Option("--json", help="输出 JSON / print JSON")]


def add_to(group: typer.Typer) -> None:
    """Add the commands to ``tongban holder``."""
    group.command(
        "allot", epilog="tongban holder allot my.seed 1c0f… --case 22ba… --passphrase-file passphrase --node wuhou/"
    )(allot)
    group.command(
        "sign",
        epilog="tongban holder sign my.seed consent.json --passphrase-file passphrase --node yuzhong/ --to signed.json",
    )(sign)
    group.command(
        "revoke", epilog="tongban holder revoke my.seed consent.json --passphrase-file passphrase --node yuzhong/"
    )(revoke)


def allot(
    file: Seed,
    material: Annotated[str, typer.Argument(help="材料编号[:主体] / the material[:subject]", show_default=False)],
    *,
    case: Annotated[str, typer.Option(help="办件编号 / the case", show_default=False)],
    passphrase_file: Passphrase,
    node: Folder,
    at_once: Annotated[
        bool, typer.Option("--at-once", help="立即发布，不等随机时刻 / publish now, not at a random moment of the hour")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """为一个办件留出一个未用的叶，并保存钱包；同一办件再问是同一个叶。 / Set a fresh leaf aside for a case and keep the wallet; asked again for the case it is the same."""
    from ledger.domain.consortium import ContractKind  # noqa: PLC0415 - as below
    from ledger.projections.subjects import SubjectKind  # noqa: PLC0415 - as above
    from ledger.services import wallets  # noqa: PLC0415 - loads database and engine, which other commands do without
    from ledger.services.registry import current_contract  # noqa: PLC0415 - as above
    from node_client.cli.nodes import named, opened  # noqa: PLC0415 - as above

    seed = open_seed(file, read_passphrase(passphrase_file)).seed()
    name, _, subject = material.partition(":")
    if subject and not (subject.isascii() and subject.isdecimal()):
        raise InputError("holders.add_form")
    with opened(node) as city:
        wanted = named(city, SubjectKind.CASE, case)
        held = wallets.find(city, seed).wallet
        with city.database.read() as connection:
            contract = current_contract(connection, ContractKind.MATERIALS)
        marked, leaf = wallets.allot(held, name, wanted, int(subject) if subject else None, contract=contract)
        intent = ""
        if marked != held:
            # Kept before anything is signed: a leaf that was shown once is shown for no other case.
            marked, intent = wallets.save(city, seed, marked, spread=0 if at_once else LIMITS.wallet_spread_seconds)
    place = f"{leaf.leaf >> 32}:{leaf.leaf & 0xFFFFFFFF}"
    if as_json:
        say_json({"leaf": place, "version": marked.version, "intent": intent})
    else:
        screen().print(place)


def sign(
    file: Seed,
    document: Annotated[Path, typer.Argument(help="授权文书 / the document of the consent", show_default=False)],
    *,
    passphrase_file: Passphrase,
    node: Folder,
    to: Annotated[
        Path | None, typer.Option(help="把带签名的文书存为文件，交给可读取的城市 / keep the signed document")
    ] = None,
    yes: Annotated[
        bool, typer.Option("--yes", help="已看过内容，直接签署 / what is signed was read; do not ask")
    ] = False,
    no_wait: Annotated[bool, typer.Option("--no-wait", help="不等结果 / do not wait for the outcome")] = False,
    as_json: AsJson = False,
) -> None:
    """用自己保管的密钥签署授权，由任何一个城市转交；先显示内容，确认后才签。 / Sign a consent with one's own keys; any city relays it. Shown first, signed once confirmed."""
    from ledger.services import consents, holders, wallets  # noqa: PLC0415 - as in allot
    from node_client.cli.nodes import opened, settle  # noqa: PLC0415 - as in allot

    granted = _read(document)
    seed = open_seed(file, read_passphrase(passphrase_file)).seed()
    with opened(node) as city:
        if granted.chain_id != city.chain_id:
            raise RefusedError("consents.refused", reason="unknown_contract")
        held = wallets.find(city, seed).wallet
        shown = holders.sign_consent(seed, held, granted.terms, granted.chain_id, granted.contract)
        if len(shown) != len(granted.terms.leaves):
            # Somebody else's leaf is among them, who has to sign with theirs.
            raise NotFoundError("wallets.no_leaf")
        if not yes:
            _show(held, granted, language())
            typer.confirm(label("ask_agree"), abort=True, err=True)
        signed = replace(granted, signatures=tuple(leaf.signature for leaf in shown))
        intent = consents.grant(city, granted.contract, granted.terms, shown)
        if to is not None:
            to.write_bytes(signed.encode())
        settle(city, [intent], no_wait=no_wait, as_json=as_json, consent=granted.digest.hex())


def revoke(
    file: Seed,
    document: Annotated[Path, typer.Argument(help="授权文书 / the document of the consent", show_default=False)],
    *,
    passphrase_file: Passphrase,
    node: Folder,
    no_wait: Annotated[bool, typer.Option("--no-wait", help="不等结果 / do not wait for the outcome")] = False,
    as_json: AsJson = False,
) -> None:
    """用自己保管的密钥撤回授权，由任何一个城市转交；登记之前撤回也有效。 / Take a consent back with one's own keys; any city relays it, before it is recorded as well."""
    from ledger.services import consents, holders, wallets  # noqa: PLC0415 - as in allot
    from node_client.cli.nodes import opened, settle  # noqa: PLC0415 - as in allot

    granted = _read(document)
    seed = open_seed(file, read_passphrase(passphrase_file)).seed()
    with opened(node) as city:
        held = wallets.find(city, seed).wallet
        leaf = holders.sign_revocation(
            seed, held, granted.digest, granted.terms.leaves, granted.chain_id, granted.contract
        )
        intent = consents.revoke(city, granted.contract, granted.digest, leaf)
        settle(city, [intent], no_wait=no_wait, as_json=as_json, consent=granted.digest.hex())


def _read(path: Path) -> GrantedConsent:
    try:
        return read_granted(path.read_bytes())
    except OSError:
        raise NotFoundError("files.missing") from None


def _show(held: Wallet, granted: GrantedConsent, lang: Language) -> None:
    console = screen(stderr=True)
    terms = granted.terms
    kinds = {leaf.leaf: records.read_record(each.record).type_code for each in held.materials for leaf in each.leaves}
    console.print(label("case", name=terms.case.hex()))
    console.print(label("purpose", name=term("purposes", Purpose(terms.purpose).name, lang)))
    for leaf in terms.leaves:
        known = MATERIAL_TYPES.get(kinds.get(leaf, ""))
        name = kinds.get(leaf, "") if known is None else (known.zh if lang == "zh" else known.en)
        console.print(f"{name}: {', '.join(granted.disclosed.fields(leaf))}")
    for grantee in terms.grantees:
        console.print(label("member_uses", number=grantee.member, uses=grantee.uses))
    console.print(label("until_or_taken_back", day=china_time(terms.valid_until)[:10]))
