"""``tongban holder sign`` and ``revoke``: whoever keeps the keys alone signs on a machine of their own, for any city.

What is signed is shown first, in words; nothing is signed before it was confirmed, and nothing where the words are not what
the key would sign.
"""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ledger.domain import records
from ledger.errors import ConflictError, InputError, NotFoundError
from ledger.wire import case_documents
from ledger.wire.case_documents import City
from ledger.wire.consent_parts import ConsentPart, SignedLeaf
from ledger.wire.grants import GrantedConsent, read_granted
from ledger.wire.strict import is_kind
from ledger.wire.wallets import Wallet, decode_wallet
from node_client.cli import holder_cases
from node_client.cli.files import read_file, write_file
from node_client.cli.holder_words import agreed, say_signed, show_consent, signed_name
from node_client.cli.output import language
from node_client.cli.passphrases import Passphrase
from node_client.keys import read_passphrase
from node_client.seeds import open_seed

if TYPE_CHECKING:
    from ledger.services.context import Node

__all__ = ["add_to"]

Seed = Annotated[Path, typer.Argument(help="种子文件 / the seed's file", show_default=False)]
AsJson = Annotated[bool, typer.Option("--json", help="输出 JSON / print JSON")]
_NO_WAIT = typer.Option("--no-wait", help="不等结果 / do not wait for the outcome")
_SIGN = "tongban holder sign my.seed open.json --passphrase-file passphrase --to signed.json"


def add_to(group: typer.Typer) -> None:
    """Add the commands to ``tongban holder``."""
    group.command(
        "sign",
        epilog=f"{_SIGN} · tongban holder sign my.seed consent.json --passphrase-file passphrase --node yuzhong/",
    )(sign)
    group.command(
        "revoke", epilog="tongban holder revoke my.seed consent.json --passphrase-file passphrase --node yuzhong/"
    )(revoke)


def sign(
    file: Seed,
    document: Annotated[
        Path,
        typer.Argument(
            help="窗口写好的文书：办件文书或授权书 / what the window wrote: a case's document or a consent",
            show_default=False,
        ),
    ],
    *,
    passphrase_file: Passphrase,
    node: Annotated[
        Path | None,
        typer.Option(
            "--node",
            help="城市节点的文件夹：从那里取钱包，签好的授权由它转交；签办件文书不需要 / a city's node: the wallet is fetched there, a consent relayed; not needed for a case",
            show_default=False,
        ),
    ] = None,
    wallet: Annotated[
        Path | None,
        typer.Option(
            help="存为文件的钱包（holder wallet --save），没有节点时用来签授权 / the wallet as a file, to sign a consent without any node"
        ),
    ] = None,
    to: Annotated[
        Path | None,
        typer.Option(
            help="签好的文书写到哪里；不写则在原名后加 .signed / where the signed document goes; none: the name with .signed"
        ),
    ] = None,
    yes: Annotated[
        bool, typer.Option("--yes", help="已看过内容，直接签署 / what is signed was read; do not ask")
    ] = False,
    no_wait: Annotated[bool, _NO_WAIT] = False,
    as_json: AsJson = False,
) -> None:
    """在自己的电脑上签署：先用白话显示内容，确认后才签；办件文书签好后交回窗口，授权可由任何城市转交。 / Sign on one's own machine: shown first in plain words, signed once confirmed, then handed in anywhere."""
    data = read_file(document)
    seed = open_seed(file, read_passphrase(passphrase_file)).seed()
    if is_kind(data, case_documents.FORMAT):
        holder_cases.sign(seed, data, to or signed_name(document), yes=yes, as_json=as_json)
        return
    granted = read_granted(data)
    with nullcontext() if node is None else _opened(node) as city:
        _sign_consent(city, seed, granted, wallet, to, document, yes=yes, no_wait=no_wait, as_json=as_json)


def _sign_consent(
    city: Node | None,
    seed: bytes,
    granted: GrantedConsent,
    wallet: Path | None,
    to: Path | None,
    document: Path,
    *,
    yes: bool,
    no_wait: bool,
    as_json: bool,
) -> None:
    from ledger.services import consents, holders  # noqa: PLC0415 - loads database and engine, which a case does without
    from node_client.cli.nodes import settle  # noqa: PLC0415 - as above

    if city is not None and granted.chain_id != city.chain_id:
        raise ConflictError("signing.other_chain")
    held = _wallet(city, seed, wallet)
    own = holders.own_leaves(held, granted.terms, granted.contract)
    others = len(granted.terms.leaves) - len(own)
    if not yes:
        kinds = {leaf: records.read_record(material.record).type_code for leaf, (material, _) in own.items()}
        show_consent(granted, kinds, language(), _cities(city, granted), _matter(city, granted))
        agreed()
    shown = holders.sign_consent(seed, held, granted.terms, granted.chain_id, granted.contract)
    if city is not None and not others:
        intent = consents.grant(city, granted.contract, granted.terms, shown)
        if to is not None:
            write_file(to, [replace(granted, signatures=tuple(leaf.signature for leaf in shown)).encode()])
        settle(city, [intent], no_wait=no_wait, as_json=as_json, consent=granted.digest.hex())
        return
    # Others sign theirs, or no city is at hand: this holder's part goes to the window that relays.
    part = ConsentPart(
        replace(granted, signatures=()),
        tuple(SignedLeaf(leaf.leaf, leaf.entry, leaf.path, leaf.signature) for leaf in shown),
    )
    path = to or signed_name(document)
    write_file(path, [part.encode()])
    facts = {"consent": granted.digest.hex(), "signed": len(shown), "others": others}
    say_signed(path, "consent grant", facts, others=others, as_json=as_json)


def revoke(
    file: Seed,
    document: Annotated[Path, typer.Argument(help="授权文书 / the document of the consent", show_default=False)],
    *,
    passphrase_file: Passphrase,
    node: Annotated[Path, typer.Option("--node", help="节点的文件夹 / the node's folder", show_default=False)],
    no_wait: Annotated[bool, _NO_WAIT] = False,
    as_json: AsJson = False,
) -> None:
    """用自己保管的密钥撤回授权，由任何一个城市转交；登记之前撤回也有效。 / Take a consent back with one's own keys; any city relays it, before it is recorded as well."""
    from ledger.services import consents, holders, wallets  # noqa: PLC0415 - as for a consent
    from node_client.cli.nodes import settle  # noqa: PLC0415 - as for a consent

    granted = read_granted(read_file(document))
    seed = open_seed(file, read_passphrase(passphrase_file)).seed()
    with _opened(node) as city:
        held = wallets.find(city, seed).wallet
        leaf = holders.sign_revocation(
            seed, held, granted.digest, granted.terms.leaves, granted.chain_id, granted.contract
        )
        intent = consents.revoke(city, granted.contract, granted.digest, leaf)
        settle(city, [intent], no_wait=no_wait, as_json=as_json, consent=granted.digest.hex())


def _wallet(city: Node | None, seed: bytes, file: Path | None) -> Wallet:
    """Return the wallet from a file, or else as a city finds it."""
    if file is not None:
        return decode_wallet(read_file(file))
    if city is None:
        raise InputError("holders.no_wallet")
    from ledger.services import wallets  # noqa: PLC0415 - as for a consent

    return wallets.find(city, seed).wallet


def _cities(city: Node | None, granted: GrantedConsent) -> dict[int, City]:
    """Return who may read, by number; without a node their names are not known."""
    if city is None:
        return {}
    from ledger.services.case_documents import cities_of  # noqa: PLC0415 - as for a consent

    with city.database.read() as connection:
        found = cities_of(connection, [grantee.member for grantee in granted.terms.grantees])
    return {each.member: each for each in found}


def _matter(city: Node | None, granted: GrantedConsent) -> str:
    """Return what the case is about; nothing where no node says so, or another matter than the consent's."""
    if city is None:
        return ""
    from ledger.services.case_documents import matter_names  # noqa: PLC0415 - as for a consent
    from ledger.services.overview import case_shown  # noqa: PLC0415 - as for a consent

    try:
        case = case_shown(city, granted.terms.case.hex())
    except NotFoundError:
        return ""
    if case.matter != granted.terms.matter:
        return ""
    zh, en = matter_names(city, case)
    return zh if language() == "zh" else en


def _opened(folder: Path) -> AbstractContextManager[Node]:
    from node_client.cli.nodes import opened  # noqa: PLC0415 - as for a consent

    return opened(folder)
