"""``tongban trace``: everything that happened to one thing, in order, with a proof for each line."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table
from rich.text import Text

from ledger.domain.checkpoints import parse_checkpoint
from ledger.errors import UnavailableError
from ledger.log.files import DirectoryFiles
from ledger.log.proofs import make_paths
from ledger.log.view import LogView
from ledger.services import audit, catalogue
from ledger.services.context import Node
from ledger.services.intake import inspect_file
from ledger.services.overview import case_shown
from ledger.services.trace import show
from ledger.wire.proofs import LogProof, format_proof
from ledger.wire.sentences import Language, sentence
from ledger.wire.traces import Trace, china_time, days_text, document, line_text
from node_client.cli.flowing import Flowing
from node_client.cli.labels import label
from node_client.cli.nodes import AsJson, NodeOption, opened
from node_client.cli.output import GOOD, WRONG, language, say_json, screen, styled

__all__ = ["add_to"]

_EXAMPLES = (
    "tongban trace 22baf9ed… --node wuhou/ · tongban trace register.pdf --node wuhou/ · "
    "tongban trace 22baf9ed… --node wuhou/ --proofs proofs/"
)


def add_to(app: typer.Typer) -> None:
    """Add the command."""
    app.command("trace", epilog=_EXAMPLES)(trace)


def trace(
    identifier: Annotated[
        str,
        typer.Argument(
            metavar="ID",
            help="办件、存证项 batch:index、授权、交易的编号，或一个文件 / id of a case, leaf, consent or transaction, or a file",
            show_default=False,
        ),
    ],
    *,
    node: NodeOption,
    proofs: Annotated[
        Path | None, typer.Option(help="把每一行的证明写入文件夹 / write each line's proof into a folder")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """全程留痕：时间线、工作日、依据和证明。 / The trace: timeline, working days, evidence and proofs."""
    lang = language()
    path = Path(identifier)
    wanted = f"file:{inspect_file(path).digests.sha256}" if path.is_file() else identifier
    with opened(node) as city:
        found = show(city, wanted)
        with city.database.read() as connection:
            refused = audit.listed(connection, [found.identifier, *(case.hex() for case in found.cases)])
        matter = _matter(city, found, lang)
        written = _write_proofs(city, found, proofs) if proofs is not None else set()
    entries = {line.place.entry for line in found.lines}
    pending = len(entries - written) if proofs is not None else 0
    if as_json:
        local = [{"time": one.time, "kind": one.kind, "code": one.code, "member": one.member} for one in refused]
        proven = {"written": sorted(written), "not_published": sorted(entries - written) if pending else []}
        say_json(document(found, lang) | {"refused_here": local, "proofs": proven})
        return
    console = screen()
    if matter:
        console.print(styled((matter, "bold")))
    table = Table(box=None, padding=(0, 1), header_style="dim")
    headings = [label(f"trace_{name}") for name in ("time", "what", "days", "log")]
    for heading in headings + [label("trace_proof")] * (proofs is not None):
        table.add_column(heading, overflow="fold")
    for line in found.lines:
        said = line_text(line, found.parties, lang)
        row: list[str | Text] = [
            china_time(line.time)[:19],
            styled(WRONG, f" {said}") if line.refused is not None else Flowing(said),
            Flowing(days_text(line.days, lang)) if line.days is not None else "",
            f"#{line.place.entry}",
        ]
        if proofs is not None:
            row.append(GOOD if line.place.entry in written else label("not_published"))
        table.add_row(*row)
    console.print(table)
    for one in refused:
        told = sentence(one.code, lang)
        console.print(styled(f"{china_time(one.time)[:19]} ", WRONG, f" {told.text}", (f" {one.code}", "dim")))
    if found.days is not None:
        console.print(days_text(found.days, lang))
    console.print(label("looked_up_to", block=found.block), style="dim")
    if proofs is not None:
        console.print(label("proofs_written", count=len(written), where=proofs))
    if pending:
        console.print(label("pending_proofs", count=pending))


def _matter(city: Node, found: Trace, lang: Language) -> str:
    """What the case is about, by the name that the deciding city gives it, or by its code while that is not here."""
    if found.kind != "case":
        return ""
    case = case_shown(city, found.identifier)
    entry = catalogue.entries_here(city, {(case.handling, case.matter)}).get((case.handling, case.matter))
    return case.code if entry is None else entry.zh if lang == "zh" else entry.en


def _write_proofs(city: Node, found: Trace, folder: Path) -> set[int]:
    """Write the proofs of what is published already; the others come with a later checkpoint."""
    note, tree = LogView(DirectoryFiles(city.log_folder)).served()
    if note is None:
        raise UnavailableError("receipts.not_published")
    head, _ = parse_checkpoint(note)
    wanted = sorted({line.place.entry for line in found.lines if line.place.entry < head.size})
    paths = make_paths(tree, wanted, head.size)
    folder.mkdir(parents=True, exist_ok=True)
    for index in wanted:
        (folder / f"entry-{index}.json").write_bytes(tree.entry(index))
        (folder / f"entry-{index}.tlog-proof").write_bytes(format_proof(LogProof(index, paths[index], note, None)))
    return set(wanted)
