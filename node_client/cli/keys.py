"""``tongban keys``: a node's keys, made and listed; nothing secret is ever shown."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from ledger.domain.holders import address_of, address_text
from ledger.settings import load_settings
from node_client.cli.output import say_json, screen
from node_client.cli.passphrases import Passphrase
from node_client.keys import KeyRing, create_key_ring, open_key_ring, read_passphrase

__all__ = ["add_to"]

Folder = Annotated[Path, typer.Argument(help="节点的 keys 文件夹 / the node's keys folder", show_default=False)]
AsJson = Annotated[bool, typer.Option("--json", help="输出 JSON / print JSON")]


def add_to(app: typer.Typer) -> None:
    """Add the group."""
    group = typer.Typer(help="节点的密钥 / a node's keys", no_args_is_help=True)
    group.command("new", epilog="tongban keys new wuhou/keys --passphrase-file wuhou/passphrase")(new)
    group.command("list", epilog="tongban keys list wuhou/keys --passphrase-file wuhou/passphrase")(show)
    group.command("rotate", epilog="tongban keys rotate hpke --node wuhou/")(rotate)
    app.add_typer(group, name="keys")


def new(
    folder: Folder,
    *,
    passphrase_file: Passphrase,
    scrypt_n: Annotated[int, typer.Option(min=2**10, help="scrypt 的代价 / cost of scrypt, a power of two")] = 2**18,
    as_json: AsJson = False,
) -> None:
    """生成一套新密钥；已有密钥时不做任何改动。 / Make a new set of keys; nothing that exists is overwritten."""
    ring = create_key_ring(folder, read_passphrase(passphrase_file), os.urandom, scrypt_n=scrypt_n)
    _say(ring, as_json=as_json)


def show(folder: Folder, *, passphrase_file: Passphrase, as_json: AsJson = False) -> None:
    """列出链上密钥的地址和服务密钥的版本。 / List the addresses of chain keys and the versions of service keys."""
    _say(open_key_ring(folder, read_passphrase(passphrase_file)), as_json=as_json)


def rotate(
    kind: Annotated[
        str,
        typer.Argument(
            help="密钥种类：cosign-ed25519、cosign-ml-dsa-44、hpke、requests-ed25519、log-ed25519 / kind of the key",
            show_default=False,
        ),
    ],
    *,
    node: Annotated[
        Path, typer.Option("--node", envvar="TONGBAN_NODE", help="节点的文件夹 / the node's folder", show_default=False)
    ],
    no_wait: Annotated[bool, typer.Option("--no-wait", help="不等结果 / do not wait for the outcome")] = False,
    as_json: AsJson = False,
) -> None:
    """更换一把服务密钥并公布；旧密钥封存的内容仍可打开。 / Replace a service key and publish it; older versions stay readable."""
    # Database and engine, which making and listing keys do without.
    from ledger.services import consortium  # noqa: PLC0415 - as said
    from node_client.cli.nodes import opened, settle  # noqa: PLC0415 - as said
    from node_client.rotation import rotate_service_key  # noqa: PLC0415 - as said

    with opened(node) as city:
        public = rotate_service_key(load_settings(node), kind)
        settle(city, consortium.publish_keys(city, public), no_wait=no_wait, as_json=as_json)


def _say(ring: KeyRing, *, as_json: bool) -> None:
    chain = {role: address_text(address_of(secret)) for role, secret in sorted(ring.chain.items())}
    versions = sorted((key.kind, key.version) for key in ring.service)
    service = [{"kind": kind, "version": version} for kind, version in versions]
    if as_json:
        say_json({"chain": chain, "service": service})
        return
    table = Table(show_header=False, box=None, padding=(0, 2))
    for role, address in chain.items():
        table.add_row(role, address)
    for kind, version in versions:
        table.add_row(kind, f"v{version}")
    screen().print(table)
