"""What the pilot shows a person: the chapters, each expected result in words, the clock, the trace, the addresses."""

from __future__ import annotations

import time
import tomllib
from collections.abc import Mapping
from functools import cache
from pathlib import Path

from rich.console import Console
from rich.table import Table
from rich.text import Text

from ledger.services.context import Node
from ledger.wire.sentences import Language
from ledger.wire.traces import Trace, china_time, days_text, line_text
from node_client.pilot.record import Expectation, Record
from node_client.processes import Child
from node_client.supervising import NetworkProcesses

__all__ = [
    "expectation_words",
    "say_addresses",
    "say_chapter",
    "say_clock",
    "say_process",
    "say_results",
    "say_trace",
    "tell",
]

_DAY = 86_400
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


def say_chapter(console: Console, number: int) -> None:
    """Head a chapter of the story."""
    zh, en = _TITLES[number]
    console.print(f"\n[bold cyan]{number}. {zh}[/] {en}")


@cache
def expectation_words(lang: Language) -> Mapping[str, str]:
    """Return what each expected result says, by its name."""
    path = Path(__file__).parent / "expectations.toml"
    table: Mapping[str, Mapping[str, str]] = tomllib.loads(path.read_text(encoding="utf-8"))
    return {name: entry[lang] for name, entry in table.items()}


def tell(console: Console, item: Expectation, lang: Language) -> None:
    """Say one expected result and what came about."""
    words = expectation_words(lang).get(item.name, item.name)
    shown = Text.assemble(
        ("  ✔ ", "green") if item.met else ("  ✘ ", "bold red"), words, (f"  {item.name} = {item.found}", "dim")
    )
    if not item.met:
        expected = f"应为 {item.expected}" if lang == "zh" else f"expected {item.expected}"
        shown.append(f"  ({expected})", "red")
    console.print(shown)


def say_clock(console: Console, node: Node) -> None:
    """Say what the network's clock shows and how far it is from this machine's."""
    now = node.clock()
    offset = now - int(time.time())
    shown = china_time(now)[:16].replace("T", " ")
    days, rest = divmod(abs(offset), _DAY)
    sign = "−" if offset < 0 else "+"
    console.print(
        f"  网络时钟 / network clock: {shown} (UTC+8)\n"
        f"  与本机相差 / offset from this machine: {sign}{days} d {rest // 3600} h ({offset:+d} s)"
    )


def say_trace(console: Console, trace: Trace, lang: Language) -> None:
    """Print the timeline of a case."""
    table = Table(title="全程留痕 / trace", title_justify="left", box=None, padding=(0, 1), header_style="dim")
    headings = (
        ("时间", "内容", "工作日", "日志") if lang == "zh" else ("time (UTC+8)", "what", "working days", "log entry")
    )
    for place, heading in enumerate(headings):
        table.add_column(heading, overflow="fold", no_wrap=place == len(headings) - 1, ratio=(12, 34, 22, 0)[place])
    for line in trace.lines:
        days = days_text(line.days, lang) if line.days is not None else ""
        moment = china_time(line.time)[:19].replace("T", " ")
        table.add_row(moment, line_text(line, trace.parties, lang), days, f"#{line.place.entry}")
    console.print(table)


def say_results(console: Console, record: Record, lang: Language) -> None:
    """Say how many results came about, and each one that did not."""
    listed = record.expectations
    met = sum(item.met for item in listed)
    style = "green" if record.good else "bold red"
    console.print(f"\n[{style}]{met} / {len(listed)} 项符合预期 / as expected[/]")
    for item in listed:
        if not item.met:
            tell(console, item, lang)


def say_addresses(console: Console, processes: NetworkProcesses, names: Mapping[str, str], case: str) -> None:
    """Say what can be opened in a browser.

    Args:
        console: where to.
        processes: running.
        names: the members' names by division.
        case: whose trace the last member, the regulator, shows.
    """
    console.print("\n可以打开的地址 / addresses to open:")
    for code in processes.nodes:
        console.print(f"  {processes.url(code)}/  {code} {names[code]}")
    regulator = list(processes.nodes)[-1]
    console.print("监管方看到的办件留痕 / the case's trace as the regulator sees it:")
    console.print(f"  {processes.url(regulator)}/trace/{case}", soft_wrap=True)


def say_process(console: Console, child: Child) -> None:
    """Say that a process has ended, or that it answers again."""
    if child.running:
        console.print(f"  [green]{child.name} 已重新启动 / is back[/]")
    else:
        console.print(
            f"  [yellow]进程 {child.name} 已结束（状态 {child.process.returncode}），十秒后重新启动 / "
            f"process {child.name} has ended; it is started again in ten seconds[/]"
        )
