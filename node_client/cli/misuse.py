"""What the parser and the machine say, as errors of the product: they know English alone, and no code and no next step."""

from __future__ import annotations

import errno
from collections.abc import Mapping
from pathlib import Path

from typer._click.exceptions import (  # Typer gives these no public name
    BadArgumentUsage,
    BadOptionUsage,
    BadParameter,
    MissingParameter,
    NoArgsIsHelpError,
    NoSuchOption,
    UsageError,
)
from typer.core import TyperArgument, TyperOption
from typer.exceptions import TyperException

from ledger.errors import InputError, LedgerError, SetupError, UnavailableError

__all__ = ["help_shown", "machine_fault", "misuse"]

_LONGEST = 80
_FULL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})
_FORBIDDEN = frozenset({errno.EACCES, errno.EPERM, errno.EROFS})


def help_shown(error: TyperException) -> bool:
    """Say whether a group was named and nothing else: the parser has shown its help."""
    return isinstance(error, NoArgsIsHelpError)


def misuse(error: TyperException) -> InputError:
    """Return what the parser found as an error of the product; the next step names the command's own help."""
    context = error.ctx if isinstance(error, UsageError) else None
    facts: Mapping[str, str] = {"help": f"{context.command_path if context is not None else 'tongban'} --help"}
    if isinstance(error, MissingParameter):
        return InputError("cli.missing", name=_name(error), **facts)
    if isinstance(error, BadParameter):
        return InputError("cli.value", name=_name(error), wanted=_wanted(error), **facts)
    if isinstance(error, NoSuchOption):
        return InputError("cli.no_option", name=error.option_name[:_LONGEST], **facts)
    if isinstance(error, BadOptionUsage):
        return InputError("cli.option", name=error.option_name[:_LONGEST], **facts)
    if isinstance(error, BadArgumentUsage):
        return InputError("cli.argument", **facts)
    # An unknown command, or more words than the command takes.
    return InputError("cli.words", **facts)


def machine_fault(error: OSError) -> LedgerError:
    """Return what the machine refused: a file that may not be touched, a full disk, anything else by the system's name."""
    file = Path(str(error.filename)).name if error.filename is not None else ""
    if error.errno in _FULL:
        return UnavailableError("cli.disk_full", retry_after=60)
    if error.errno in _FORBIDDEN:
        return SetupError("cli.forbidden", file=file)
    return SetupError("cli.machine", file=file, cause=errno.errorcode.get(error.errno or 0, type(error).__name__))


def _name(error: BadParameter) -> str:
    """What the parameter is called: an option by its longest spelling, an argument by its place's name."""
    if error.param is None:
        return ""
    return max(error.param.opts, key=len, default=None) or error.param.name or ""


def _wanted(error: BadParameter) -> str:
    """The choices, the range or the kind of value, as the help shows it."""
    if not isinstance(error.param, TyperArgument | TyperOption) or error.ctx is None:
        return ""
    kind = error.param.display_type_rich(error.ctx) or ""
    least, most = error.param.min, error.param.max
    bounds = (
        "" if least is None and most is None else f" {'' if least is None else least}…{'' if most is None else most}"
    )
    return f"{kind}{bounds}"
