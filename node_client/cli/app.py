"""The command ``tongban``.

Every command has ``--json``; errors are a sentence, a code and a next step, in the language of ``LANG``. Exit status: 0
good, 1 a negative verdict, 2 bad input, 3 not now, 4 set-up, 5 stored bytes are not what they were.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable
from importlib import import_module

import typer

from ledger.errors import LedgerError
from node_client.cli.output import exit_status, language, say_error

__all__ = ["GROUPS", "build", "main"]

# Each word loads one module and no other: `verify` must run where there is neither engine nor database.
GROUPS = (
    "network",
    "node",
    "member",
    "agreement",
    "catalogue",
    "material",
    "holder",
    "consent",
    "case",
    "trace",
    "log",
    "keys",
    "verify",
)


def build(names: Iterable[str] = GROUPS) -> typer.Typer:
    """Return the command with some of its groups, each ``node_client.cli.<name>`` with a function ``add_to``."""
    app = typer.Typer(
        name="tongban",
        help="通办链：材料一次提交，各地凭授权使用，人人可以核验。 / Tongban Ledger: hand papers in once, let other cities use them by consent, let anybody verify.",
        no_args_is_help=True,
        add_completion=False,
        pretty_exceptions_enable=False,
    )
    # A callback keeps the group's name in the command even where only one group is loaded.
    app.callback()(lambda: None)
    for name in names:
        import_module(f"node_client.cli.{name}").add_to(app)
    return app


def main() -> None:
    """Run the command and turn errors into words and an exit status."""
    wanted = [name for name in sys.argv[1:2] if name in GROUPS]
    try:
        build(wanted or GROUPS)()
    except LedgerError as error:
        say_error(error, language(), as_json="--json" in sys.argv)
        raise SystemExit(exit_status(error)) from None
