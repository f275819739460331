"""The command ``tongban``.

Every command has ``--json``; errors are a sentence, a code and a next step, in the language of ``LANG``. Exit status: 0
good, 1 a negative verdict, 2 bad input, 3 not now, 4 set-up, 5 stored bytes are not what they were, 70 a fault of the
program itself, of which nothing but its kind and place is said.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable
from importlib import import_module
from typing import NoReturn

import typer
from typer.exceptions import TyperException

from ledger.errors import InputError, LedgerError, SetupError
from ledger.logs import fault_places
from node_client.cli.misuse import help_shown, machine_fault, misuse
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
    "oversight",
    "log",
    "keys",
    "verify",
)
# The command's name and a group's: what is said is the group's help.
_BARE = 2
_MISUSED = 2
# A fault of the program itself (EX_SOFTWARE of sysexits), and the shell's way to say "ended by SIGPIPE".
_FAULT = 70
_PIPE = 141


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
    if "--help" in sys.argv or len(sys.argv) <= _BARE:
        from node_client.cli.helping import fold_help  # noqa: PLC0415 - help alone needs it

        fold_help()
    try:
        status = build(wanted or GROUPS)(prog_name="tongban", standalone_mode=False)
    except LedgerError as error:
        _end(error)
    except TyperException as error:
        if help_shown(error):
            raise SystemExit(_MISUSED) from None
        _end(misuse(error))
    except typer.Abort:
        # The end of the input came where an answer was asked for.
        _end(InputError("cli.no_answer"))
    except BrokenPipeError:
        # Whoever reads has read enough; nothing more can be said there, not even at the end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise SystemExit(_PIPE) from None
    except OSError as error:
        _end(machine_fault(error))
    except Exception as error:  # noqa: BLE001 - a fault of the program is said as where, never as what
        fault = SetupError("cli.fault", kind=type(error).__name__, place=fault_places(error))
        say_error(fault, language(), as_json="--json" in sys.argv)
        raise SystemExit(_FAULT) from None
    raise SystemExit(status if isinstance(status, int) else 0)


def _end(error: LedgerError) -> NoReturn:
    say_error(error, language(), as_json="--json" in sys.argv)
    raise SystemExit(exit_status(error)) from None
