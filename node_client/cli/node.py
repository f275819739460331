"""``tongban node``: one city's node."""

from __future__ import annotations

import json
import os
import signal
import threading
from pathlib import Path
from typing import Annotated

import typer

from ledger import logs
from ledger.errors import InputError, LedgerError, SetupError
from ledger.parentage import follow_parent
from ledger.settings import load_settings
from ledger.wire.problems import explain
from ledger.wire.sentences import term
from node_client.cli.labels import label
from node_client.cli.output import GOOD, WRONG, grid, language, say_json, screen, styled, wrong
from node_client.holding import hold
from node_client.networks import write_private
from node_client.processes import Child, python_child

__all__ = ["add_to"]

Folder = Annotated[Path, typer.Argument(help="节点的文件夹 / the node's folder", show_default=False)]

AsJson = Annotated[bool, typer.Option("--json", help="输出 JSON / print JSON")]

_INIT = (
    "tongban node init wuhou/ --division 510107 --network tongban.example/five-cities --consortium 0x… --chain-id 20261 "
    "--rpc http://127.0.0.1:8545"
)
_REBUILD = (
    "tongban node rebuild wuhou/ · "
    "tongban node rebuild wuhou/ --from-log http://127.0.0.1:8102 --policy five-cities.policy"
)
_WEB_SECONDS = 60.0
# How long to wait for this node's earlier process that is just ending.
_ENDING_SECONDS = 10.0
# Exit status of a fault of the program itself (EX_SOFTWARE of sysexits).
_FAULT = 70


def add_to(app: typer.Typer) -> None:
    """Add the group."""
    from node_client.cli.stuck import retry, stuck  # noqa: PLC0415 - loads the database, which `node init --help` does without

    group = typer.Typer(help="本市的节点 / this city's node", no_args_is_help=True)
    group.command("init", epilog=_INIT)(init)
    group.command("run", epilog="tongban node run wuhou/")(run)
    group.command("status", epilog="tongban node status wuhou/ --json")(status)
    group.command("doctor", epilog="tongban node doctor wuhou/")(doctor)
    group.command("stuck", epilog="tongban node stuck wuhou/")(stuck)
    group.command("retry", epilog="tongban node retry wuhou/ endpoint:3f2a… · tongban node retry wuhou/ --all-failed")(
        retry
    )
    group.command("rebuild", epilog=_REBUILD)(rebuild)
    group.command("backup", epilog="tongban node backup wuhou/ wuhou.tar --blobs")(backup)
    group.command("restore", epilog="tongban node restore wuhou.tar wuhou-again/")(restore)
    app.add_typer(group, name="node")


def init(
    folder: Folder,
    *,
    division: Annotated[str, typer.Option(help="六位行政区划代码 / six-digit code of the place", show_default=False)],
    network: Annotated[str, typer.Option(help="网络名称 / the network's name", show_default=False)],
    consortium: Annotated[
        str, typer.Option(help="联盟合约地址 / address of the consortium contract", show_default=False)
    ],
    chain_id: Annotated[int, typer.Option(min=1, help="链编号 / the chain's number", show_default=False)],
    rpc: Annotated[list[str], typer.Option(help="链服务地址，可多个 / the engine's addresses", show_default=False)],
    engine: Annotated[str, typer.Option(help="embedded 或 network / kind of engine")] = "network",
    member: Annotated[int, typer.Option(min=0, help="成员编号，未列入时为 0 / member number, 0 before listing")] = 0,
    port: Annotated[int, typer.Option(min=0, max=65_535, help="网页端口 / port of the web process")] = 8101,
    public_url: Annotated[str, typer.Option(help="其他城市访问本节点的地址 / how others reach this node")] = "",
    scrypt_n: Annotated[int, typer.Option(min=2**10, help="密钥文件的 scrypt 代价 / scrypt cost of key files")] = 2**18,
    as_json: AsJson = False,
) -> None:
    """建立一个城市的节点文件夹：口令、密钥、设置。 / Make a city's node folder: passphrase, keys, settings."""
    from node_client.node_folder import create_node  # noqa: PLC0415 - loads database and engine

    values: dict[str, object] = {
        "network": network,
        "division": division,
        "member": member,
        "consortium": consortium,
        "chain_id": chain_id,
        "engine": engine,
        "rpc_urls": rpc,
        "port": port,
        "public_url": public_url,
        "scrypt_n": scrypt_n,
    }
    addresses = create_node(folder, values, os.urandom)
    if as_json:
        say_json({"chain": addresses})
        return
    console = screen()
    for role, address in addresses.items():
        console.print(f"{role:<12} {address}")
    console.print(f"tongban node run {folder}")


def status(folder: Folder, *, as_json: AsJson = False) -> None:
    """显示节点状况；未就绪时退出状态为 1。 / Show how the node is; exit status 1 while it is not ready."""
    from ledger.bootstrap import opened_node  # noqa: PLC0415 - as above
    from ledger.log.files import DirectoryFiles  # noqa: PLC0415 - as above
    from ledger.log.view import LogView  # noqa: PLC0415 - as above
    from ledger.services.overview import overview  # noqa: PLC0415 - as above

    lang = language()
    with opened_node(load_settings(folder)) as node:
        view = overview(node, LogView(DirectoryFiles(node.log_folder)))
    # A city that has not been listed yet has no standing.
    standing = next((one.status.name for one in view.members if one.member == view.member), None)
    found = [item.told(lang) for item in view.findings]
    if as_json:
        say_json(
            {
                "ready": not found,
                "member": view.member,
                "status": standing and standing.lower(),
                "block": view.block,
                "block_time": view.block_time,
                "now": view.now,
                "clock_offset": view.offset,
                "log": {"size": view.log.size, "published": view.log.published, "cosigners": list(view.log.cosigners)},
                "head": None if view.head is None else view.head.number,
                "waiting": {
                    "intents": view.waiting.intents,
                    "in_flight": view.waiting.in_flight,
                    "materials": view.waiting.materials,
                    "papers": view.papers,
                    "releases": view.releases,
                    "stuck": view.waiting.stuck,
                },
                "findings": [{"code": item.code, "text": item.text, "next_step": item.next_step} for item in found],
            }
        )
    else:
        console = screen()
        table = grid(2)
        told = "" if standing in {None, "ACTIVE"} else f"  {term('member_statuses', str(standing), lang)}"
        table.add_row(label("status_member"), styled(f"{view.member} ({view.division})", (told, "yellow")))
        head = view.block if view.head is None else max(view.head.number, view.block or 0)
        table.add_row(label("status_block"), label("status_read", block=view.block, head=head))
        published = label("status_published", size=view.log.size, published=view.log.published)
        table.add_row(label("status_log"), published if view.publishes else str(view.log.size))
        if view.publishes:
            table.add_row(label("status_cosigned"), ", ".join(view.log.cosigners) or "–")
        waits = view.waiting
        table.add_row(
            label("status_waiting"),
            label("status_waits", intents=waits.intents, in_flight=waits.in_flight, materials=waits.materials),
        )
        table.add_row(label("status_due"), label("status_dues", papers=view.papers, releases=view.releases))
        if waits.stuck:
            table.add_row(label("status_stuck"), label("status_see_stuck", count=waits.stuck))
        console.print(table)
        for item in found:
            console.print(wrong(item, item.code, mark=False))
    if found:
        raise typer.Exit(1)


def doctor(folder: Folder, *, as_json: AsJson = False) -> None:
    """逐项检查节点，说明问题和办法；不做任何改动。 / Check everything in turn and say what to do; changes nothing."""
    from ledger.services.health import Finding  # noqa: PLC0415 - as above
    from node_client.doctor import examine  # noqa: PLC0415 - as above

    lang = language()
    checked = list(examine(load_settings(folder)))
    told = [Finding(item.code, dict(item.facts)).told(lang) if item.code else None for item in checked]
    if as_json:
        rows = [
            {
                "name": item.name,
                "outcome": item.outcome,
                "code": item.code,
                "text": text.text if text else "",
                "next_step": text.next_step if text else "",
            }
            for item, text in zip(checked, told, strict=True)
        ]
        say_json({"good": all(item.outcome == "good" for item in checked), "checks": rows})
    else:
        table = grid(3)
        marks = {"good": GOOD, "wrong": WRONG, "skipped": styled(("？", "yellow"))}
        for item, text in zip(checked, told, strict=True):
            table.add_row(
                marks[item.outcome],
                label(f"doctor_{item.name}"),
                f"{text.text} {text.next_step} [{item.code}]" if text else "",
            )
        screen().print(table)
    if any(item.outcome != "good" for item in checked):
        raise typer.Exit(1)


def rebuild(
    folder: Folder,
    *,
    from_log: Annotated[
        str,
        typer.Option(
            metavar="WHERE",
            help="只用日志的文件重建：网址、镜像或节点的文件夹 / from the log's files alone: an address, a mirror, a node's folder",
        ),
    ] = "",
    policy: Annotated[
        Path | None, typer.Option(help="签署策略文件，--from-log 时必给 / the policy file, needed with --from-log")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """重建数据库里的全部投影；须先停下守护进程。 / Make the picture again, from this node's journal or from a log's files."""
    from node_client.log_sources import fetcher, policy_file  # noqa: PLC0415 - as above
    from node_client.node_folder import rebuild_from_log, rebuild_node  # noqa: PLC0415 - as above

    settings = load_settings(folder)
    if bool(from_log) != (policy is not None):
        raise InputError("rebuild.policy")
    with screen(stderr=True).status(label("rebuilding")):
        if policy is not None:
            made = rebuild_from_log(settings, fetcher(from_log), policy_file(policy))
        else:
            made = rebuild_node(settings)
    behind = made.behind
    if as_json:
        code = None if behind is None else behind.code
        say_json({"entries": made.entries, "materials": made.materials, "behind": code})
        return
    screen().print(label("rebuilt", entries=made.entries, materials=made.materials))
    if behind is not None:
        screen().print(label("newer_from_chain"))
        screen().print(wrong(explain(behind, language()), behind.code, mark=False))


def backup(
    folder: Folder,
    target: Annotated[Path, typer.Argument(help="备份文件 / the archive", show_default=False)],
    *,
    blobs: Annotated[bool, typer.Option("--blobs", help="包括加密内容 / the encrypted content too")] = False,
    as_json: AsJson = False,
) -> None:
    """备份节点，运行中也可以；密钥保持加密。 / Back the node up, also while it runs; keys stay sealed."""
    from node_client.backup import backup as write  # noqa: PLC0415 - few commands need it

    with screen(stderr=True).status(label("backing_up")):
        count = write(folder, target, blobs=blobs)
    _say_count(count, target, as_json=as_json)


def restore(
    source: Annotated[Path, typer.Argument(help="备份文件 / the archive", show_default=False)],
    folder: Annotated[Path, typer.Argument(help="空文件夹 / an empty folder", show_default=False)],
    *,
    as_json: AsJson = False,
) -> None:
    """把备份恢复到空文件夹，先核对每个文件。 / Restore into an empty folder, every file checked first."""
    from node_client.backup import restore as read  # noqa: PLC0415 - few commands need it

    _say_count(read(source, folder), folder, as_json=as_json)


def _say_count(count: int, where: Path, *, as_json: bool) -> None:
    if as_json:
        say_json({"files": count})
    else:
        screen().print(label("files_written", count=count, where=where))


def run(
    folder: Folder,
    *,
    ready_file: Annotated[
        Path | None, typer.Option(help="就绪后写入地址的文件 / file that gets the address once ready")
    ] = None,
) -> None:
    """运行守护进程和网页进程，直到收到停止信号。 / Run the daemon and the web process until stopped."""
    from node_client.daemon import Daemon  # noqa: PLC0415 - loads database and engine, which other commands do without

    settings = load_settings(folder)
    logs.configure(settings.log_level)
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda _number, _frame: stop.set())
    follow_parent()
    held = hold(folder, seconds=_ENDING_SECONDS)
    daemon = Daemon(settings)
    web = None
    try:
        daemon.start()
        web = python_child(
            "web",
            ("-m", "api.serve", str(folder), "--ready-file", str(folder / "web.json")),
            ready=folder / "web.json",
            log=folder / "web.log",
            own_group=False,
        )
        web.wait_ready(_WEB_SECONDS)
        if ready_file is not None:
            url = json.loads(web.ready.read_text(encoding="utf-8"))["url"]
            write_private(ready_file, json.dumps({"url": url, "pid": os.getpid()}))
        logs.get().info("node_ready", member=settings.member)
        daemon.run(stop, ended=lambda: web is not None and not web.running)
        _require_running(web)
    except LedgerError:
        raise
    except Exception as error:  # noqa: BLE001 - a fault of the program is written down as where, never as what
        logs.get().critical("fault", kind=type(error).__name__.lower(), place=logs.fault_places(error))
        raise SystemExit(_FAULT) from None
    finally:
        if web is not None:
            web.stop()
        daemon.close()
        if ready_file is not None:
            ready_file.unlink(missing_ok=True)
        held.release()
    logs.get().info("node_stopped", member=settings.member)


def _require_running(web: Child) -> None:
    if not web.running and web.process.returncode != 0:
        raise SetupError("processes.ended", name="web", status=web.process.returncode, log=web.log.name)
