"""``tongban network``: the embedded engine, for a pilot on one machine."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ledger.errors import InputError

__all__ = ["add_to"]


def add_to(app: typer.Typer) -> None:
    """Add the group."""
    group = typer.Typer(help="网络与内置引擎 / the network and its embedded engine", no_args_is_help=True)
    group.command("run", epilog="tongban network run engine/ --chain-id 20261 --port 8545 --interval 1")(run)
    app.add_typer(group, name="network")


def run(
    folder: Annotated[Path, typer.Argument(help="引擎数据文件夹 / folder of the engine's store", show_default=False)],
    *,
    chain_id: Annotated[int, typer.Option(min=1, help="链编号 / the chain's number", show_default=False)],
    port: Annotated[int, typer.Option(min=0, max=65_535, help="端口，0 为任选 / port, 0 for any")] = 8545,
    interval: Annotated[
        float, typer.Option(min=0, help="出块间隔秒数，0 为按需 / seconds between blocks, 0 on demand")
    ] = 0.0,
    clock_offset: Annotated[int, typer.Option(help="新链的时钟偏移秒数 / offset of a new chain's clock, seconds")] = 0,
    allow: Annotated[
        list[str] | None, typer.Option(help="允许发送的地址；不给则不限 / addresses that may send; none: anybody")
    ] = None,
    ready_file: Annotated[
        Path | None, typer.Option(help="就绪后写入地址的文件 / file that gets the address once ready")
    ] = None,
) -> None:
    """在本机运行内置引擎（JSON-RPC，仅回环地址），直到收到停止信号。 / Run the embedded engine on loopback until stopped."""
    # The engine takes a second to import, and no other command needs it.
    from ledger.chain.embedded.config import EngineConfig  # noqa: PLC0415 - as said
    from ledger.chain.embedded.server import serve  # noqa: PLC0415 - as said

    folder.mkdir(parents=True, exist_ok=True)
    serve(
        EngineConfig(
            path=folder / "engine.db",
            chain_id=chain_id,
            port=port,
            interval=interval,
            clock_offset=clock_offset,
            private=bool(allow),
            allowed_senders=frozenset(_address(item) for item in allow or ()),
            ready_file=ready_file,
        )
    )


def _address(text: str) -> bytes:
    try:
        raw = bytes.fromhex(text.removeprefix("0x"))
    except ValueError:
        raw = b""
    if len(raw) != 20:
        raise InputError("cli.address")
    return raw
