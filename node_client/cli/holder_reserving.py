"""``tongban holder allot`` and ``case-key``: a fresh leaf and a fresh key for each case, marked in the wallet before use."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ledger.domain.leaves import leaf_text
from ledger.domain.limits import LIMITS
from ledger.errors import InputError, NotFoundError
from node_client.cli.labels import label
from node_client.cli.output import say_json, screen
from node_client.cli.passphrases import Passphrase
from node_client.keys import read_passphrase
from node_client.seeds import open_seed

__all__ = ["add_to"]

Seed = Annotated[Path, typer.Argument(help="种子文件 / the seed's file", show_default=False)]
Folder = Annotated[Path, typer.Option("--node", help="节点的文件夹 / the node's folder", show_default=False)]
AtOnce = Annotated[
    bool, typer.Option("--at-once", help="立即发布，不等随机时刻 / publish now, not at a random moment of the hour")
]
AsJson = Annotated[bool, typer.Option("--json", help="输出 JSON / print JSON")]


def add_to(group: typer.Typer) -> None:
    """Add the commands to ``tongban holder``."""
    group.command("case-key", epilog="tongban holder case-key my.seed --passphrase-file passphrase --node wuhou/")(
        case_key
    )
    group.command(
        "allot", epilog="tongban holder allot my.seed 1c0f… --case 22ba… --passphrase-file passphrase --node wuhou/"
    )(allot)


def case_key(
    file: Seed,
    *,
    passphrase_file: Passphrase,
    node: Folder,
    at_once: AtOnce = False,
    as_json: AsJson = False,
) -> None:
    """为一个新办件取一把没有用过的密钥，记入钱包；显示的地址交给窗口。 / Set a fresh key aside for a new case and keep the wallet; the address shown goes to the window."""
    from ledger.services import holders, wallets  # noqa: PLC0415 - loads database and engine, which other commands do without
    from ledger.wire.wallets import Wallet  # noqa: PLC0415 - as above
    from node_client.cli.nodes import opened  # noqa: PLC0415 - as above

    seed = open_seed(file, read_passphrase(passphrase_file)).seed()
    with opened(node) as city:
        try:
            held = wallets.find(city, seed).wallet
        except NotFoundError:
            # The first thing that this holder does.
            held = Wallet()
        held, number = wallets.reserve_case(held)
        # Kept before it is handed out: an address that was shown once is shown for no other case.
        held, intent = wallets.save(city, seed, held, spread=0 if at_once else LIMITS.wallet_spread_seconds)
    address = holders.case_address(seed, number)
    if as_json:
        say_json({"number": number, "address": address, "version": held.version, "intent": intent})
        return
    console = screen()
    console.print(address)
    console.print(label("case_key_next"))


def allot(
    file: Seed,
    material: Annotated[str, typer.Argument(help="材料编号[:主体] / the material[:subject]", show_default=False)],
    *,
    case: Annotated[str, typer.Option(help="办件编号 / the case", show_default=False)],
    passphrase_file: Passphrase,
    node: Folder,
    at_once: AtOnce = False,
    as_json: AsJson = False,
) -> None:
    """为一个办件留出一个未用的存证项，并保存钱包；同一办件再问是同一个。 / Set a fresh leaf aside for a case and keep the wallet; asked again for the case it is the same."""
    from ledger.domain.consortium import ContractKind  # noqa: PLC0415 - as above
    from ledger.projections.subjects import SubjectKind  # noqa: PLC0415 - as above
    from ledger.services import wallets  # noqa: PLC0415 - as above
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
    place = leaf_text(leaf.leaf)
    if as_json:
        say_json({"leaf": place, "version": marked.version, "intent": intent})
    else:
        screen().print(place)
