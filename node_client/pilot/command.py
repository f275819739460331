"""``./scripts/pilot``: five cities on one machine, the whole story on real files, and what came of it.

Everything runs in separate processes with folders and keys of their own; this one only plays the clerks, the applicants
and the person who pulls the plug. Run again, it goes on from the stored state.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import threading
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from ledger.errors import LedgerError, SetupError
from ledger.services.context import Node
from ledger.wire.sentences import Language
from ledger.wire.traces import Trace, china_time, days_text, line_text
from node_client.cli.output import exit_status, language, say_error
from node_client.forming import form, open_nodes
from node_client.keys import seal_file, unseal_file
from node_client.networks import FIVE_CITIES, Network, NetworkPlan, create_network, load_network, write_private
from node_client.peers import HttpPeers
from node_client.pilot import story, trials
from node_client.pilot.desk import Desk
from node_client.pilot.papers import make_papers, place_papers
from node_client.pilot.people import InCustody, SelfHeld
from node_client.pilot.record import Expectation, Record
from node_client.supervising import NetworkProcesses

__all__ = ["main"]

# 2 March 2026, 9:00 in China, a Monday: no holiday for the next three weeks.
_START = 1_772_413_200
_NAME = "tongban.example/five-cities"
_REGULATOR = "510000"
_CHINA = timezone(timedelta(hours=8))
_TITLES = {
    1: ("联盟成立，协议与事项", "The consortium forms, agrees and publishes"),
    2: ("在武侯窗口一次提交材料", "Papers are handed in once, at Wuhou's window"),
    3: ("绵阳：住房公积金异地贷款", "Mianyang: a loan on a fund held elsewhere"),
    4: ("渝中代收、雄安办理；武侯雁塔联办", "Yuzhong receives, Xiong'an decides; Wuhou and Yanta jointly"),
    5: ("雁塔拔掉网线核验凭证", "Yanta verifies with the network cable out"),
    6: ("应当拒绝的都被拒绝", "What must be refused is refused"),
    7: ("逾期不告知，视为受理", "Silence counts as acceptance, by law"),
    8: ("雁塔节点断电后自行追上", "Yanta's node dies and catches up by itself"),
    9: ("监管方全程追溯", "The regulator traces the case"),
}

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
    if reset and data.exists():
        _require_pilot(data)
        shutil.rmtree(data)
    network = _network(data, now=now)
    processes = NetworkProcesses(network)
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda _number, _frame: _stopped(stop))
    nodes: dict[str, Node] = {}
    ways: list[HttpPeers] = []
    try:
        console.print(f"[bold]通办链五城试点 / Tongban Ledger, five cities[/]  {network.folder}")
        form(network, processes, say=lambda text: console.print(f"  [dim]{text}[/]"))
        nodes = open_nodes(network, ways)
        record = Record(data / "story.json", lambda item: _tell(console, item))
        _say_clock(console, nodes["510107"])
        trace = _play(console, network, processes, nodes, record, files, data)
        _say_trace(console, trace, lang)
        _say_results(console, record)
        if json_file is not None:
            document = record.document() | {"addresses": {code: processes.url(code) for code in processes.nodes}}
            json_file.write_text(json.dumps(document, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
        _say_addresses(console, processes, record)
        if not exit_:
            _stay(stop, processes)
        if not record.good:
            raise typer.Exit(1)
    finally:
        for way in ways:
            way.close()
        for node in nodes.values():
            node.database.close()
        processes.stop()


def main() -> None:
    """Run the command and turn errors into words and an exit status."""
    try:
        app()
    except LedgerError as error:
        say_error(error, language(), as_json=False)
        raise SystemExit(exit_status(error)) from None


def _network(data: Path, *, now: bool) -> Network:
    if (data / "network.toml").exists():
        return load_network(data)
    plan = NetworkPlan(_NAME, FIVE_CITIES, None if now else _START)
    return create_network(data, plan, os.urandom, int(time.time()))


def _require_pilot(data: Path) -> None:
    """Delete nothing that is not a pilot's folder."""
    if any(data.iterdir()) and not (data / "network.toml").exists():
        raise SetupError("pilot.not_a_pilot")


def _play(
    console: Console,
    network: Network,
    processes: NetworkProcesses,
    nodes: dict[str, Node],
    record: Record,
    files: Path | None,
    data: Path,
) -> Trace:
    papers = make_papers(data / "files") if files is None else place_papers(files)
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
    for place, (numbers, play) in enumerate(steps):
        for number in numbers:
            zh, en = _TITLES[number]
            console.print(f"\n[bold cyan]{number}. {zh}[/] {en}")
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


def _stopped(stop: threading.Event) -> None:
    if stop.is_set() or threading.main_thread() is not threading.current_thread():
        return
    stop.set()
    raise KeyboardInterrupt


def _stay(stop: threading.Event, processes: NetworkProcesses) -> None:
    try:
        while not stop.wait(1.0):
            processes.require_running()
    except KeyboardInterrupt:
        return


# ---- what a person sees ---------------------------------------------------------------------------------------------


def _tell(console: Console, item: Expectation) -> None:
    mark = "[green]✔[/]" if item.met else "[bold red]✘[/]"
    found = item.found if item.met else f"{item.found}  [red](预期 / expected: {item.expected})[/]"
    console.print(f"  {mark} {item.name}: {found}")


def _say_clock(console: Console, node: Node) -> None:
    now = node.clock()
    offset = now - int(time.time())
    shown = datetime.fromtimestamp(now, UTC).astimezone(_CHINA).strftime("%Y-%m-%d %H:%M")
    console.print(f"  网络时钟 / network clock: {shown} (UTC+8)，偏移 / offset {offset:+d} s")


def _say_trace(console: Console, trace: Trace, lang: Language) -> None:
    table = Table(title="全程留痕 / trace", title_justify="left", box=None, padding=(0, 1), header_style="dim")
    for heading in ("时间 / time", "内容 / what", "工作日 / working days", "日志 / log"):
        table.add_column(heading, overflow="fold")
    for line in trace.lines:
        days = days_text(line.days, lang) if line.days is not None else ""
        table.add_row(china_time(line.time)[:19], line_text(line, trace.parties, lang), days, f"#{line.place.entry}")
    console.print(table)


def _say_results(console: Console, record: Record) -> None:
    listed = record.expectations
    met = sum(item.met for item in listed)
    style = "green" if record.good else "bold red"
    console.print(f"\n[{style}]{met} / {len(listed)} 项符合预期 / as expected[/]")
    for item in listed:
        if not item.met:
            _tell(console, item)


def _say_addresses(console: Console, processes: NetworkProcesses, record: Record) -> None:
    console.print("\n可以打开的地址 / addresses to open:")
    for code in processes.nodes:
        console.print(f"  {code}  {processes.url(code)}/")
    case = record.fact("case:repayment", str)
    console.print(f"  {processes.url(_REGULATOR)}/trace/{case}")


if __name__ == "__main__":
    main()
