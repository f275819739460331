"""``tongban log``: the transparency log, from a node's folder or from wherever it is served (C2SP tlog-tiles)."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Annotated

import typer

from ledger.domain.checkpoints import parse_checkpoint
from ledger.domain.policies import evaluate, format_policy
from ledger.log.evidence import diagnose as compare
from ledger.log.files import DirectoryFiles
from ledger.log.mirror import catch_up, open_remote, verify_log
from ledger.log.proofs import make_paths
from ledger.log.reader import TreeReader
from ledger.log.store import LogStore
from ledger.log.view import LogView
from ledger.services.publishing import policy_of
from ledger.wire.proofs import LogProof, format_proof
from node_client.cli import splits
from node_client.cli.labels import label
from node_client.cli.nodes import AsJson, NodeOption, opened
from node_client.cli.output import WRONG, good, say_json, screen, styled
from node_client.log_sources import fetcher, log_folder, policy_file

__all__ = ["add_to"]

Where = Annotated[
    str, typer.Argument(help="日志的网址，或节点的文件夹 / the log's address, or a node's folder", show_default=False)
]
PolicyFile = Annotated[Path | None, typer.Option("--policy", help="签署策略文件 / the policy file", show_default=False)]

_SECONDS = 30.0


def add_to(app: typer.Typer) -> None:
    """Add the group."""
    group = typer.Typer(help="透明日志 / the transparency log", no_args_is_help=True)
    group.command("checkpoint", epilog="tongban log checkpoint http://127.0.0.1:8101 --policy five-cities.policy")(
        checkpoint
    )
    group.command("policy", epilog="tongban log policy --node wuhou/ > five-cities.policy")(policy)
    group.command("proof", epilog="tongban log proof wuhou/ 197 --to proofs/")(proof)
    group.command("diagnose", epilog="tongban log diagnose wuhou/ http://127.0.0.1:8102")(diagnose)
    group.command("verify", epilog="tongban log verify http://127.0.0.1:8101 --policy five-cities.policy")(verify)
    group.command("mirror", epilog="tongban log mirror http://127.0.0.1:8101 mirror/ --policy five-cities.policy")(
        mirror
    )
    splits.add_to(group)
    app.add_typer(group, name="log")


def checkpoint(where: Where, *, policy: PolicyFile = None, as_json: AsJson = False) -> None:
    """显示检查点：大小、根、谁签署了。 / Show the checkpoint: size, root, and who signed it."""
    note = fetcher(where)("checkpoint")
    head, signed = parse_checkpoint(note)
    cosigned: list[str] = []
    satisfied = None
    if policy is not None:
        verdict = evaluate(policy_file(policy), head, signed)
        cosigned, satisfied = sorted({name for name, _ in verdict.cosigned}), True
    if as_json:
        say_json(
            {
                "origin": head.origin,
                "size": head.size,
                "root": head.root.hex(),
                "signatures": [line.name for line in signed.signatures],
                "policy_satisfied": satisfied,
                "cosigned": cosigned,
            }
        )
        return
    console = screen()
    console.print(f"{head.origin}\n{label('log_entries', count=head.size)}\n{head.root.hex()}")
    # A city signs with two keys; it is named once.
    for name in dict.fromkeys(line.name for line in signed.signatures):
        console.print(f"  {name}", style="dim")
    if satisfied:
        console.print(good(label("policy_satisfied", cities=", ".join(cosigned))))


def policy(*, node: NodeOption, as_json: AsJson = False) -> None:
    """输出本节点按成员密钥得出的签署策略文件。 / Print the policy file that follows from the members' keys."""
    with opened(node) as city, city.database.read() as connection:
        data = format_policy(policy_of(connection, city.network))
    if as_json:
        say_json({"policy": data.decode(), "sha256": hashlib.sha256(data).hexdigest()})
    else:
        print(data.decode(), end="")  # noqa: T201 - standard output is the interface


def proof(
    where: Where,
    index: Annotated[int, typer.Argument(min=0, help="日志条目的序号 / index of the entry", show_default=False)],
    *,
    to: Annotated[Path, typer.Option(help="写入的文件夹 / folder to write into")] = Path(),
    as_json: AsJson = False,
) -> None:
    """写出一条日志的证明（C2SP tlog-proof）和这条日志。 / Write an entry and its proof (C2SP tlog-proof)."""
    fetch = fetcher(where)
    note = fetch("checkpoint")
    head, _ = parse_checkpoint(note)
    tree = open_remote(fetch, head)
    path = make_paths(tree, [index], head.size)[index]
    to.mkdir(parents=True, exist_ok=True)
    entry = to / f"entry-{index}.json"
    entry.write_bytes(tree.entry(index))
    written = to / f"entry-{index}.tlog-proof"
    written.write_bytes(format_proof(LogProof(index, path, note, None)))
    if as_json:
        say_json({"entry": str(entry), "proof": str(written), "size": head.size})
    else:
        screen().print(f"{entry}\n{written}")


def diagnose(left: Where, right: Where, *, as_json: AsJson = False) -> None:
    """找出两份日志从哪一条开始不同。 / Find the first entry where two logs part."""
    trees = [_tree(left), _tree(right)]
    size = min(tree.head.size for tree in trees)
    found = compare(trees[0], trees[1], size)
    if as_json:
        say_json(
            {
                "size": size,
                "differs_at": None if found is None else found.index,
                "left": None if found is None else found.left.decode("utf-8", "replace"),
                "right": None if found is None else found.right.decode("utf-8", "replace"),
            }
        )
    elif found is None:
        screen().print(good(label("log_agrees", count=size)))
    else:
        console = screen()
        console.print(styled(WRONG, f" {label('log_parts', index=found.index)}"))
        console.print(found.left.decode("utf-8", "replace"))
        console.print(found.right.decode("utf-8", "replace"))
    if found is not None:
        raise typer.Exit(1)


def verify(
    where: Where,
    *,
    policy: Annotated[Path, typer.Option(help="签署策略文件 / the policy file", show_default=False)],
    as_json: AsJson = False,
) -> None:
    """核对整份日志：检查点、每一个文件、每一条。 / Check a whole log: its checkpoint, every file, every entry."""
    with screen(stderr=True).status(label("verifying_log")):
        trusted = verify_log(fetcher(where), policy_file(policy))
    if as_json:
        say_json({"size": trusted.checkpoint.size, "root": trusted.checkpoint.root.hex()})
    else:
        screen().print(good(label("log_whole", count=trusted.checkpoint.size)))


def mirror(
    where: Where,
    folder: Annotated[Path, typer.Argument(help="镜像的文件夹 / folder of the mirror", show_default=False)],
    *,
    policy: Annotated[Path, typer.Option(help="签署策略文件 / the policy file", show_default=False)],
    as_json: AsJson = False,
) -> None:
    """镜像一份日志，逐条核对；再次执行只取新的。 / Mirror a log, every entry checked; again: only what is new."""
    store = LogStore(DirectoryFiles(folder))
    before = store.head.size
    with screen(stderr=True).status(label("mirroring")):
        trusted = catch_up(fetcher(where), policy_file(policy), store)
    if as_json:
        say_json({"size": trusted.checkpoint.size, "added": store.head.size - before})
    else:
        screen().print(label("mirrored", count=store.head.size, new=store.head.size - before))


def _tree(where: str) -> TreeReader:
    if not where.startswith(("http://", "https://")):
        return LogView(DirectoryFiles(log_folder(where))).tree()
    fetch = fetcher(where)
    head, _ = parse_checkpoint(fetch("checkpoint"))
    return open_remote(fetch, head)
