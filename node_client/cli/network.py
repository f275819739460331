"""``tongban network``: a whole network on one machine, for a pilot; and its embedded engine alone."""

from __future__ import annotations

import os
import signal
import socket
import threading
import time
from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer
from rich.text import Text

from ledger.domain.workdays import CHINA
from ledger.errors import InputError
from ledger.settings import load_settings
from node_client.cli.labels import label
from node_client.cli.output import good, grid, say_json, screen, styled
from node_client.networks import FIVE_CITIES, NetworkPlan, create_network, engine_store, load_network

__all__ = ["add_to"]

Folder = Annotated[Path, typer.Argument(help="网络的文件夹 / the network's folder", show_default=False)]
AsJson = Annotated[bool, typer.Option("--json", help="输出 JSON / print JSON")]

# UTC+8 all year since 1991; a bare machine may have no table of time zones.


def add_to(app: typer.Typer) -> None:
    """Add the group."""
    group = typer.Typer(help="网络与内置引擎 / the network and its embedded engine", no_args_is_help=True)
    group.command("init", epilog="tongban network init pilot/ --start 2026-03-02T09:00")(init)
    group.command("run", epilog="tongban network run pilot/")(run)
    group.command("status", epilog="tongban network status pilot/ --json")(status)
    group.command("engine", epilog="tongban network engine engine/ --chain-id 20261 --port 8545 --interval 1")(engine)
    app.add_typer(group, name="network")


def init(
    folder: Folder,
    *,
    name: Annotated[str, typer.Option(help="网络名称 / the network's name")] = "tongban.example/five-cities",
    start: Annotated[
        str, typer.Option(help="时钟起点：now 或如 2026-03-02T09:00（北京时间） / where the clock begins, China time")
    ] = "now",
    port: Annotated[
        int, typer.Option(min=0, max=65_500, help="引擎端口，各节点依次其后；0 为任选 / engine's port, 0 for any")
    ] = 0,
    as_json: AsJson = False,
) -> None:
    """建立五城试点网络的文件夹：密钥和设置，尚未运行。 / Make the five cities' network folder: keys and settings."""
    plan = NetworkPlan(name, FIVE_CITIES, _start(start))
    network = create_network(folder, plan, os.urandom, int(time.time()), port=port or None)
    _say_members(folder, as_json=as_json)
    if not as_json:
        screen().print(f"tongban network run {network.folder}")


def run(
    folder: Folder,
    *,
    as_json: AsJson = False,
) -> None:
    """运行引擎和全部节点，首次运行时组建联盟，直到收到停止信号。 / Run engine and nodes, form the consortium once."""
    from node_client.forming import form  # noqa: PLC0415 - loads database and engine, which other commands do without
    from node_client.supervising import NetworkProcesses  # noqa: PLC0415 - as above

    network = load_network(folder)
    processes = NetworkProcesses(network)
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda _number, _frame: stop.set())
    console = screen(stderr=True)
    try:
        form(network, processes, say=console.print)
        _say_members(folder, as_json=as_json)
        while not stop.wait(1.0):
            processes.require_running()
    finally:
        processes.stop()


def status(
    folder: Folder,
    *,
    deep: Annotated[
        bool, typer.Option("--deep", help="逐行核对引擎的数据文件 / check every row of the engine's store too")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """列出成员、端口和是否在运行。 / List the members, their addresses, and whether they run."""
    rows = None
    if deep:
        from ledger.chain.embedded.scrub import scrub_file  # noqa: PLC0415 - loads the engine

        with screen(stderr=True).status(label("scrubbing")):
            rows = scrub_file(engine_store(load_network(folder)))
    _say_members(folder, as_json=as_json, store_rows=rows)


def engine(
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
    """只运行内置引擎（JSON-RPC，仅回环地址），直到收到停止信号。 / Run the embedded engine alone, on loopback."""
    # The engine takes a second to import, and no other command needs it.
    from ledger.chain.embedded.config import EngineConfig  # noqa: PLC0415 - as said
    from node_client.engine import run_engine  # noqa: PLC0415 - as said

    folder.mkdir(parents=True, exist_ok=True)
    run_engine(
        folder,
        EngineConfig(
            path=folder / "engine.db",
            chain_id=chain_id,
            port=port,
            interval=interval,
            clock_offset=clock_offset,
            private=bool(allow),
            allowed_senders=frozenset(_address(item) for item in allow or ()),
            ready_file=ready_file,
        ),
    )


def _say_members(folder: Path, *, as_json: bool, store_rows: int | None = None) -> None:
    network = load_network(folder)
    rows = []
    for member in network.members:
        settings = load_settings(network.node_folder(member.division))
        rows.append(
            {
                "member": settings.member,
                "division": member.division,
                "name": member.name,
                "voting": member.voting,
                "publisher": member.publisher,
                "url": settings.public_url,
                "running": _answers(settings.port),
            }
        )
    engine_running = _answers(network.engine_port)
    if as_json:
        head = {"name": network.name, "chain_id": network.chain_id, "consortium": network.consortium}
        checked = {} if store_rows is None else {"store_rows": store_rows}
        say_json({**head, "clock_offset": network.clock_offset, "engine": engine_running, "members": rows, **checked})
        return
    table = grid(4)
    table.add_row("0", "engine", network.rpc_url, _mark(engine_running))
    for row in rows:
        table.add_row(str(row["member"]), str(row["name"]), str(row["url"]), _mark(running=bool(row["running"])))
    screen().print(table)
    if store_rows is not None:
        screen().print(good(label("store_whole", count=store_rows)))


def _mark(running: bool) -> Text:  # noqa: FBT001 - the thing itself
    return styled((label("running"), "green") if running else (label("stopped"), "dim"))


def _answers(port: int) -> bool:
    with socket.socket() as probe:
        probe.settimeout(0.5)
        return probe.connect_ex(("127.0.0.1", port)) == 0


def _start(text: str) -> int | None:
    if text == "now":
        return None
    try:
        return int(datetime.fromisoformat(text).replace(tzinfo=CHINA).timestamp())
    except ValueError:
        raise InputError("cli.time") from None


def _address(text: str) -> bytes:
    try:
        raw = bytes.fromhex(text.removeprefix("0x"))
    except ValueError:
        raw = b""
    if len(raw) != 20:
        raise InputError("cli.address")
    return raw
