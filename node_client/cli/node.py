"""``tongban node``: one city's node."""

from __future__ import annotations

import json
import os
import signal
import threading
from pathlib import Path
from typing import Annotated

import typer

from ledger.errors import LedgerError, SetupError
from ledger.settings import load_settings
from node_client import logs
from node_client.networks import write_private
from node_client.processes import Child, python_child

__all__ = ["add_to"]

Folder = Annotated[Path, typer.Argument(help="节点的文件夹 / the node's folder", show_default=False)]

_WEB_SECONDS = 60.0
# Exit status of a fault of the program itself (EX_SOFTWARE of sysexits).
_FAULT = 70


def add_to(app: typer.Typer) -> None:
    """Add the group."""
    group = typer.Typer(help="本市的节点 / this city's node", no_args_is_help=True)
    group.command("run", epilog="tongban node run wuhou/")(run)
    app.add_typer(group, name="node")


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
    logs.get().info("node_stopped", member=settings.member)


def _require_running(web: Child) -> None:
    if not web.running and web.process.returncode != 0:
        raise SetupError("processes.ended", name="web", status=web.process.returncode, log=web.log.name)
