"""``tongban holder``: an applicant's seed, kept alone or in custody, and the wallet that goes with it."""

from __future__ import annotations

import os
import sys
from contextlib import AbstractContextManager
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.table import Table

from ledger.domain import holders, records
from ledger.domain.holders import Branch
from ledger.domain.limits import LIMITS
from ledger.domain.mnemonics import Language
from ledger.errors import InputError, NotFoundError
from ledger.wire.wallets import Wallet, encode_wallet
from node_client.cli import holder_reserving, holder_signing
from node_client.cli.labels import label
from node_client.cli.output import grid, say_json, screen
from node_client.cli.passphrases import Passphrase
from node_client.keys import read_passphrase
from node_client.networks import write_private
from node_client.seeds import new_seed, open_seed, save_seed, seed_from_words

if TYPE_CHECKING:
    from ledger.services.context import Node

__all__ = ["add_to"]

SeedFile = Annotated[Path, typer.Argument(help="种子文件 / the seed's file", show_default=False)]
NodeFolder = Annotated[Path, typer.Option("--node", help="节点的文件夹 / the node's folder", show_default=False)]
ScryptN = Annotated[int, typer.Option(min=2**10, help="scrypt 的代价 / cost of scrypt, a power of two")]
AsJson = Annotated[bool, typer.Option("--json", help="输出 JSON / print JSON")]


class Words(StrEnum):
    """In which list the twelve words are shown."""

    ZH = "zh"
    EN = "en"
    NONE = "none"


_LANGUAGES = {Words.ZH: Language.CHINESE, Words.EN: Language.ENGLISH, Words.NONE: Language.CHINESE}


def add_to(app: typer.Typer) -> None:
    """Add the group."""
    group = typer.Typer(help="申请人的种子和钱包 / an applicant's seed and wallet", no_args_is_help=True)
    group.command("new", epilog="tongban holder new my.seed --passphrase-file passphrase --words zh")(new)
    group.command("show", epilog="tongban holder show my.seed --passphrase-file passphrase --account 0")(show)
    group.command("recover", epilog="tongban holder recover my.seed --passphrase-file passphrase --words-file words")(
        recover
    )
    group.command("wallet", epilog="tongban holder wallet my.seed --passphrase-file passphrase --node wuhou/")(wallet)
    holder_reserving.add_to(group)
    holder_signing.add_to(group)
    app.add_typer(group, name="holder")


def new(
    file: Annotated[Path | None, typer.Argument(help="种子文件 / the seed's file", show_default=False)] = None,
    *,
    passphrase_file: Annotated[
        Path | None,
        typer.Option(help="口令文件，仅本人可读 / passphrase file, readable by its owner alone", show_default=False),
    ] = None,
    words: Annotated[Words, typer.Option(help="显示一次助记词 / show the twelve words once, in which list")] = Words.ZH,
    custody: Annotated[bool, typer.Option("--custody", help="由本市代管 / in custody of the node's city")] = False,
    node: Annotated[
        Path | None, typer.Option("--node", help="代管的节点 / the node that keeps it", show_default=False)
    ] = None,
    pin_file: Annotated[
        Path | None,
        typer.Option(help="本人密码的文件 / file with the person's number, six to twelve digits", show_default=False),
    ] = None,
    scrypt_n: ScryptN = 2**18,
    as_json: AsJson = False,
) -> None:
    """生成种子：自己保管，助记词只显示这一次；或由本市代管。 / Make a seed: kept alone, its words shown this once, or in custody."""
    if custody and node is not None and pin_file is not None and file is None:
        _enrol(node, read_passphrase(pin_file), as_json=as_json)
        return
    if custody or file is None or passphrase_file is None:
        raise InputError("holders.file_or_custody")
    seed = new_seed(os.urandom, _LANGUAGES[words])
    save_seed(file, seed, read_passphrase(passphrase_file), os.urandom, scrypt_n=scrypt_n)
    shown = "" if words is Words.NONE else seed.words()
    if as_json:
        say_json({"file": file.name, "words": shown.split()})
        return
    console = screen()
    if shown:
        console.print(label("write_words_down"))
        console.print("  ".join(f"{place}. {word}" for place, word in enumerate(shown.split(), 1)))
    console.print(f"{file.name} ✔")


def show(
    file: SeedFile,
    *,
    passphrase_file: Passphrase,
    account: Annotated[int, typer.Option(min=0, help="材料账户的序号 / number of the material's account")] = 0,
    start: Annotated[int, typer.Option(min=0, help="从第几个存证项起 / from which leaf on")] = 0,
    leaves: Annotated[
        int, typer.Option(min=1, max=1000, help="显示几个 / how many leaves")
    ] = LIMITS.leaves_per_subject,
    case: Annotated[int, typer.Option(min=0, help="办件账户的序号 / number of the case's account")] = 0,
    as_json: AsJson = False,
) -> None:
    """显示材料账户的扩展公钥、存证项地址和办件地址；不显示任何秘密。 / Show an account's public key, leaf and case addresses; nothing secret."""
    root = holders.master(open_seed(file, read_passphrase(passphrase_file)).seed())
    public = holders.account(root, Branch.MATERIAL, account).public()
    addresses = [holders.address_text(each) for each in holders.leaf_addresses(public, start, leaves)]
    case_key = holders.leaf_keys(holders.account(root, Branch.CASE, case), 0, 1)[0]
    of_case = holders.address_text(holders.address_of(case_key))
    if as_json:
        found = [{"leaf": start + place, "address": address} for place, address in enumerate(addresses)]
        say_json(
            {
                "account": account,
                "public": public.encode(),
                "leaves": found,
                "case": {"number": case, "address": of_case},
            }
        )
        return
    # A line of its own, however narrow the screen: it is copied whole, and is good for nothing cut off.
    console = screen(soft_wrap=True)
    console.print(label("account", number=account))
    console.print(public.encode())
    table = grid(2)
    for place, address in enumerate(addresses):
        table.add_row(label("leaf", number=start + place), address)
    table.add_row(label("case", name=case), of_case)
    console.print(table)


def recover(
    file: SeedFile,
    *,
    passphrase_file: Passphrase,
    words_file: Annotated[
        Path | None,
        typer.Option(help="助记词文件，仅本人可读；不给则键入 / file with the words; without it they are typed"),
    ] = None,
    scrypt_n: ScryptN = 2**18,
    as_json: AsJson = False,
) -> None:
    """用抄写的助记词恢复种子文件。 / Make the seed's file again from the words that were written down."""
    if words_file is not None:
        text = read_passphrase(words_file)
    elif sys.stdin.isatty():
        text = str(typer.prompt(label("ask_words"), hide_input=True))
    else:
        text = sys.stdin.readline()
    seed = seed_from_words(text)
    save_seed(file, seed, read_passphrase(passphrase_file), os.urandom, scrypt_n=scrypt_n)
    if as_json:
        say_json({"file": file.name, "words": len(seed.words().split())})
    else:
        screen().print(f"{file.name} ✔")


def wallet(
    file: SeedFile,
    *,
    passphrase_file: Passphrase,
    node: NodeFolder,
    add: Annotated[
        list[str] | None,
        typer.Option(
            help="把本市的材料加入钱包并保存：材料[:主体[:账户]] / put a material of this city into it and publish: "
            "MATERIAL[:SUBJECT[:ACCOUNT]]",
            show_default=False,
        ),
    ] = None,
    at_once: Annotated[
        bool, typer.Option("--at-once", help="立即发布，不等随机时刻 / publish now, not at a random moment of the hour")
    ] = False,
    save: Annotated[
        Path | None,
        typer.Option(
            help="把打开的钱包写入文件，仅本人可读 / write the opened wallet to a private file", show_default=False
        ),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """取回并列出钱包；可以加入材料，发布新的一版。 / Fetch and list the wallet; add materials and publish a new version."""
    from ledger.services import wallets  # noqa: PLC0415 - loads database and engine, which other commands do without

    seed = open_seed(file, read_passphrase(passphrase_file)).seed()
    intent = ""
    with _opened(node) as opened:
        try:
            found = wallets.find(opened, seed)
            held, block = found.wallet, found.block
        except NotFoundError:
            if not add:
                raise
            held, block = Wallet(), 0
        for wanted in add or ():
            material, subject, account = _wanted(wanted, held.next_material)
            held = wallets.add(held, wallets.hand_out(opened, material, subject, account))
        if add:
            spread = 0 if at_once else LIMITS.wallet_spread_seconds
            held, intent = wallets.save(opened, seed, held, spread=spread)
    if save is not None:
        write_private(save, encode_wallet(held).decode())
    _say_wallet(held, block, intent, as_json=as_json)


def _say_wallet(held: Wallet, block: int, intent: str, *, as_json: bool) -> None:
    listed = [
        {
            "material": each.material,
            "type": records.read_record(each.record).type_code,
            "member": records.read_record(each.record).anchor_member,
            "subject": each.subject,
            "account": each.account,
            "leaves": len(each.leaves),
            "fresh": sum(not leaf.spent for leaf in each.leaves),
        }
        for each in held.materials
    ]
    if as_json:
        say_json(
            {"version": held.version, "block": block, "materials": listed, "cases": len(held.cases), "intent": intent}
        )
        return
    table = Table(
        *(label(f"column_{name}") for name in ("material", "type", "member", "subject", "account", "fresh")), box=None
    )
    for each in listed:
        values = [str(each[name]) for name in ("material", "type", "member", "subject", "account")]
        table.add_row(*values, f"{each['fresh']}/{each['leaves']}")
    console = screen()
    console.print(label("wallet_version", version=held.version, block=block))
    console.print(table)
    if intent:
        console.print(intent)


def _enrol(folder: Path, pin: str, *, as_json: bool) -> None:
    from ledger.services.holders import enrol  # noqa: PLC0415 - as in wallet

    with _opened(folder) as node:
        person = enrol(node, pin)
    if as_json:
        say_json({"person": person})
    else:
        screen().print(person)


def _opened(folder: Path) -> AbstractContextManager[Node]:
    """Open a node's folder beside its running daemon, which holds the keys."""
    from node_client.cli.nodes import opened  # noqa: PLC0415 - as in wallet

    return opened(folder)


def _wanted(text: str, account: int) -> tuple[str, int, int]:
    material, *numbers = text.split(":")
    if not material or len(numbers) > 2 or not all(each.isascii() and each.isdecimal() for each in numbers):
        raise InputError("holders.add_form")
    subject = int(numbers[0]) if numbers else 0
    return material, subject, int(numbers[1]) if len(numbers) > 1 else account
