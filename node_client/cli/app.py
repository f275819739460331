"""The command ``tongban``.

Every command has ``--json``; errors are a sentence, a code and a next step, in the language of ``LANG``. Exit status: 0
good, 1 a negative verdict, 2 bad input, 3 not now, 4 set-up, 5 stored bytes are not what they were.
"""

from __future__ import annotations

import sys

import typer

from ledger.errors import LedgerError
from node_client.cli import keys, network, node, verify
from node_client.cli.output import exit_status, language, say_error

__all__ = ["app", "main"]

app = typer.Typer(
    name="tongban",
    help="通办链：材料一次提交，各地凭授权使用，人人可以核验。 / Tongban Ledger: hand papers in once, let other cities use them by consent, let anybody verify.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
for group in (network, node, keys, verify):
    group.add_to(app)


def main() -> None:
    """Run the command and turn errors into words and an exit status."""
    try:
        app()
    except LedgerError as error:
        say_error(error, language(), as_json="--json" in sys.argv)
        raise SystemExit(exit_status(error)) from None
