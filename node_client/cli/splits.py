"""``tongban log evidence``, ``report``, ``vouch`` and ``resolve``: a split of the log, and how the cities end it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from ledger.domain.notes import NoteSigner
from ledger.log.files import DirectoryFiles
from ledger.log.view import LogView
from ledger.log.witness_store import WitnessStore
from ledger.services import cosigning, splits
from ledger.services.context import Node
from ledger.settings import load_settings
from node_client.cli.files import read_file
from node_client.cli.labels import label
from node_client.cli.nodes import AsJson, NodeOption, opened
from node_client.cli.output import good, say_json, screen
from node_client.daemon import open_keys, witness_path
from node_client.keyholder import note_signers

__all__ = ["add_to"]

_Number = Annotated[int, typer.Argument(min=1, help="证据编号 / number of the evidence", show_default=False)]


def add_to(group: typer.Typer) -> None:
    """Add the commands to ``tongban log``."""
    group.command("evidence", epilog="tongban log evidence --node wuhou/ --to evidence/")(show)
    group.command("report", epilog="tongban log report one.note other.note --node wuhou/")(report)
    group.command("vouch", epilog="tongban log vouch 4096 --to wuhou.note --node wuhou/")(vouch)
    group.command("resolve", epilog="tongban log resolve 1 wuhou.note mianyang.note … --node wuhou/")(resolve)


@dataclass(frozen=True, slots=True)
class _Witnessing:
    """A city with its cosigning keys and their memory; the daemon may run meanwhile."""

    node: Node
    state: WitnessStore
    signers: tuple[NoteSigner, ...]

    @property
    def log(self) -> LogView:
        return LogView(DirectoryFiles(self.node.log_folder))


@contextmanager
def _witnessing(folder: Path) -> Iterator[_Witnessing]:
    settings = load_settings(folder)
    ring = open_keys(settings)
    with opened(folder) as city:
        signers = note_signers(ring, city.network, city.division)
        yield _Witnessing(city, cosigning.open_witness(witness_path(settings, ring), signers), signers)


def show(
    *,
    node: NodeOption,
    to: Annotated[
        Path | None,
        typer.Option(help="把两份检查点写入这个文件夹 / folder to write both checkpoints into", show_default=False),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """列出日志分歧的证据：同一大小的两个不同的根。 / List the evidence of splits: two roots of one size."""
    with _witnessing(node) as city:
        listed = city.state.evidence()
    if to is not None:
        to.mkdir(parents=True, exist_ok=True)
        for number, evidence, _ in listed:
            (to / f"evidence-{number}-left.note").write_bytes(evidence.left)
            (to / f"evidence-{number}-right.note").write_bytes(evidence.right)
    if as_json:
        say_json(
            {
                "evidence": [
                    {
                        "number": number,
                        "scope": evidence.scope,
                        "size": evidence.size,
                        "roots": [root.hex() for root in evidence.roots()],
                        "right_is_own_view": evidence.right_is_view,
                        "found_at": evidence.found_at,
                        "resolved": resolution is not None,
                    }
                    for number, evidence, resolution in listed
                ]
            }
        )
        return
    console = screen()
    if not listed:
        console.print(good(label("no_evidence")))
    for number, evidence, resolution in listed:
        state = label("split_open" if resolution is None else "split_resolved")
        console.print(f"#{number}  {label('log_entries', count=evidence.size)}  {state}")
        for root, own in zip(evidence.roots(), (False, evidence.right_is_view), strict=True):
            console.print(f"    {root.hex()}" + (f"  {label('own_view')}" if own else ""))


def report(
    left: Annotated[Path, typer.Argument(help="一份签名的检查点 / a signed checkpoint", show_default=False)],
    right: Annotated[Path, typer.Argument(help="另一份 / another", show_default=False)],
    *,
    node: NodeOption,
    as_json: AsJson = False,
) -> None:
    """提交两份互相矛盾的检查点作为证据；本市随即停止联署。 / Hand in two checkpoints that contradict each other; cosigning stops."""
    notes = [read_file(path) for path in (left, right)]
    with _witnessing(node) as city:
        found = splits.report(city.node, city.state, *notes)
    if as_json:
        say_json({"size": found.size, "roots": [root.hex() for root in found.roots()]})
    else:
        screen().print(good(label("evidence_kept", size=found.size)))


def vouch(
    size: Annotated[
        int, typer.Argument(min=1, help="证据所说的日志大小 / the size that the evidence is about", show_default=False)
    ],
    *,
    node: NodeOption,
    to: Annotated[Path, typer.Option(help="写入的文件 / file to write", show_default=False)],
    as_json: AsJson = False,
) -> None:
    """按本市自己看到的链，为留存的一方签署处理意见。 / Sign for the surviving head, from this city's own view of the chain."""
    with _witnessing(node) as city:
        note = splits.vouch(city.node, city.log.tree(), city.signers, size)
    to.write_bytes(note)
    if as_json:
        say_json({"note": str(to)})
    else:
        screen().print(good(label("vouched", file=to.name)))


def resolve(
    number: _Number,
    parts: Annotated[
        list[Path],
        typer.Argument(help="各城市签署的处理意见 / what the cities signed (log vouch)", show_default=False),
    ],
    *,
    node: NodeOption,
    as_json: AsJson = False,
) -> None:
    """用三分之二城市签署的处理意见结束分歧，恢复联署。 / End a split by what two thirds of the cities signed; cosigning goes on."""
    notes = [read_file(path) for path in parts]
    with _witnessing(node) as city:
        splits.resolve(city.node, city.log.tree(), city.state, number, notes)
    if as_json:
        say_json({"resolved": number})
    else:
        screen().print(good(label("split_ended", number=number)))
