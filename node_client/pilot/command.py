"""``./scripts/pilot``: five cities on one machine, the whole story on real files, and what came of it.

Everything runs in separate processes with folders and keys of their own; this one only plays the clerks, the applicants
and the person who pulls the plug. Run again, it goes on from the stored state.
"""

from __future__ import annotations

import errno
import json
import os
import shutil
import signal
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from ledger.errors import LedgerError, SetupError, UnavailableError
from ledger.services.context import Node
from ledger.wire.traces import Trace
from node_client.cli.output import exit_status, language, say_error
from node_client.forming import form, opened_nodes
from node_client.holding import hold
from node_client.keys import seal_file, unseal_file
from node_client.networks import FIVE_CITIES, Network, NetworkPlan, create_network, load_network, write_private
from node_client.pilot import story, trials
from node_client.pilot.desk import Desk
from node_client.pilot.papers import make_papers, place_papers
from node_client.pilot.people import InCustody, SelfHeld
from node_client.pilot.record import Record
from node_client.pilot.telling import say_addresses, say_chapter, say_clock, say_process, say_results, say_trace, tell
from node_client.supervising import NetworkProcesses

__all__ = ["main"]

# 2 March 2026, 9:00 in China, a Monday: no holiday for the next three weeks.
_START = 1_772_413_200
_NAME = "tongban.example/five-cities"
_REGULATOR = "510000"
# A shell's way of saying that a signal ended a command.
_SIGNALLED = 128

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)


@app.command()
def run(
    *,
    exit_: Annotated[bool, typer.Option("--exit", help="演示结束即退出 / end after the story")] = False,
    json_file: Annotated[
        Path | None, typer.Option("--json", help="把结果写入文件 / write what happened to a file")
    ] = None,
    data: Annotated[Path, typer.Option(help="数据文件夹 / folder of the pilot's data")] = Path("pilot-data"),
    reset: Annotated[
        bool, typer.Option("--reset", help="删除数据，从头再来 / delete the data and begin again")
    ] = False,
    files: Annotated[Path | None, typer.Option(help="改用自己的文件 / use the files of this folder instead")] = None,
    now: Annotated[bool, typer.Option("--now", help="时钟从现在开始 / begin the clock now, not in March 2026")] = False,
) -> None:
    """运行五城试点：搭建、演示、核对每一项预期结果。 / Run the five-city pilot and check every expected result."""
    lang = language()
    console = Console(highlight=False)
    stop = _Stop()
    # What a person has mistyped is said before anything is made or deleted.
    own = None if files is None else place_papers(files)
    if json_file is not None:
        _require_writable(json_file)
    network = _network(data, reset=reset, now=now)
    processes = NetworkProcesses(network)
    opened = ExitStack()
    opened.callback(processes.stop)
    record = Record(data / "story.json", lambda item: tell(console, item, lang))
    try:
        console.print(f"[bold]通办链五城试点 / Tongban Ledger, five cities[/]  {network.folder}")
        form(network, processes, say=lambda text: console.print(f"  [dim]{text}[/]"))
        nodes = opened.enter_context(opened_nodes(network, connected=True))
        say_clock(console, nodes["510107"])
        trace = _play(console, network, processes, nodes, record, own, data)
        say_trace(console, trace, lang)
        say_results(console, record, lang)
        _write_result(json_file, record, processes)
        names = {member.division: member.name for member in network.members}
        say_addresses(console, processes, names, record.fact("case:repayment", str))
        if not exit_:
            console.print("\n按 Ctrl-C 停止 / Ctrl-C stops everything")
            _stay(console, stop, processes)
    except UnavailableError:
        # Whatever was waited for in vain: that a process is gone is the better answer.
        processes.require_running()
        raise
    except KeyboardInterrupt:
        console.print("\n正在停止；再次运行会接着演示 / stopping; run again, the story goes on from here")
        raise typer.Exit(_SIGNALLED + stop.number) from None
    finally:
        stop.ignore()
        # The nodes first, then their processes.
        opened.close()
    if not record.good:
        raise typer.Exit(1)


def main() -> None:
    """Run the command and turn errors into words and an exit status."""
    try:
        app(prog_name="./scripts/pilot")
    except LedgerError as error:
        say_error(error, language(), as_json=False)
        raise SystemExit(exit_status(error)) from None


class _Stop:
    """SIGINT and SIGTERM: the first one ends the story or the waiting, while all is being stopped they do nothing."""

    def __init__(self) -> None:
        self.number = 0
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._asked)

    def ignore(self) -> None:
        """From here on everything is stopped anyway."""
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, signal.SIG_IGN)

    def _asked(self, number: int, _frame: object) -> None:
        self.ignore()
        self.number = number
        raise KeyboardInterrupt


def _network(data: Path, *, reset: bool, now: bool) -> Network:
    try:
        if reset and data.exists():
            _clear(data)
        if (data / "network.toml").exists():
            return load_network(data)
        plan = NetworkPlan(_NAME, FIVE_CITIES, None if now else _START)
        return create_network(data, plan, os.urandom, int(time.time()))
    except OSError as error:
        raise SetupError("pilot.folder", cause=_cause(error)) from None


def _clear(data: Path) -> None:
    """Delete a pilot's data, and nothing that is not a pilot's folder or is being used by one."""
    folder = data.resolve()
    if not folder.is_dir() or (any(folder.iterdir()) and not (folder / "network.toml").exists()):
        raise SetupError("pilot.not_a_pilot")
    held = hold(folder)
    try:
        shutil.rmtree(folder)
    finally:
        held.release()


def _require_writable(path: Path) -> None:
    try:
        _part(path).write_text("", encoding="utf-8")
        _part(path).unlink()
    except OSError as error:
        raise SetupError("pilot.json", cause=_cause(error)) from None
    if path.is_dir():
        raise SetupError("pilot.json", cause="EISDIR")


def _write_result(path: Path | None, record: Record, processes: NetworkProcesses) -> None:
    if path is None:
        return
    document = record.document() | {"addresses": {code: processes.url(code) for code in processes.nodes}}
    _part(path).write_text(json.dumps(document, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    _part(path).replace(path)


def _part(path: Path) -> Path:
    return path.with_name(f"{path.name}.part")


def _cause(error: OSError) -> str:
    return errno.errorcode.get(error.errno or 0, "OSError")


def _play(
    console: Console,
    network: Network,
    processes: NetworkProcesses,
    nodes: dict[str, Node],
    record: Record,
    own: Mapping[str, Path] | None,
    data: Path,
) -> Trace:
    if own is None and not (data / "files").exists():
        console.print("  [dim]制作演示用的样本材料…… / making the sample papers …[/]")
    papers = make_papers(data / "files") if own is None else own
    people = data / "people"
    passphrase = _secret(people / "passphrase")
    seed = _seed(people / "applicant.seed", passphrase)
    pin = _secret(people / "spouse.pin", digits=True)
    desk = Desk(
        nodes,
        {
            "applicant": SelfHeld(seed, record),
            "spouse": InCustody(nodes[story.WUHOU], nodes[story.YANTA], record, lambda: pin),
        },
        record,
    )
    folder = data / "receipts"

    def say(text: str) -> None:
        console.print(f"  {text}")

    found: list[Trace] = []
    steps: Sequence[tuple[tuple[int, ...], Callable[[], object]]] = (
        ((1,), lambda: story.consortium_works(desk, say)),
        ((2,), lambda: story.hand_in(desk, papers, folder, say)),
        ((3,), lambda: story.loan(desk, papers, data, say)),
        ((4,), lambda: story.repayment(desk, say)),
        ((4, 8), lambda: story.joint(desk, processes, say)),
        ((5,), lambda: trials.cable_out(desk, papers, folder, say)),
        ((6,), lambda: trials.refusals(desk, papers, folder, say)),
        ((7,), lambda: trials.silence(desk, network, say)),
        ((9,), lambda: found.append(trials.regulator_traces(desk, _REGULATOR, say))),
    )
    said: set[int] = set()
    for place, (numbers, play) in enumerate(steps):
        for number in numbers:
            if number not in said:
                say_chapter(console, number)
            said.add(number)
        play()
        record.finish(place)
    return found[-1]


def _seed(path: Path, passphrase: str) -> bytes:
    if not path.exists():
        seal_file(path, os.urandom(64), passphrase, os.urandom, scrypt_n=2**14)
    return unseal_file(path, passphrase)


def _secret(path: Path, *, digits: bool = False) -> str:
    if not path.exists():
        write_private(path, f"{int.from_bytes(os.urandom(8)) % 10**6:06d}" if digits else os.urandom(16).hex())
    return path.read_text(encoding="utf-8")


def _stay(console: Console, stop: _Stop, processes: NetworkProcesses) -> None:
    """Stay up until asked to stop; what is killed meanwhile is started again, as a service manager would."""
    try:
        while True:
            time.sleep(1.0)
            processes.revive(lambda child: say_process(console, child))
    except KeyboardInterrupt:
        stop.ignore()
        console.print("\n正在停止 / stopping")


if __name__ == "__main__":
    main()
