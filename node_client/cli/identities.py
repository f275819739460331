"""Who somebody is, as a clerk enters it: from a file that only its owner reads, or asked for; never an argument.

What stands on a command line is seen by every user of the machine and stays in the shell's history.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ledger.domain import canonical
from ledger.errors import FormatError, InputError
from ledger.services.persons import RESIDENT, Identity
from node_client.cli.files import read_file
from node_client.cli.labels import label

__all__ = ["IdentityFile", "PinFile", "read_identity", "read_pin"]

IdentityFile = Annotated[
    Path | None,
    typer.Option(
        "--identity-file",
        help='身份信息文件（JSON：kind、number、name，仅本人可读），kind 为证件类型，如 resident-card、passport；"-" 表示现场输入 / JSON file with kind, number and name, readable by its owner alone; "-": asked',
    ),
]
PinFile = Annotated[
    Path | None,
    typer.Option(
        "--pin-file",
        help="本人密码的文件，仅本人可读；不给则询问 / file with the personal number, readable by its owner alone; none: asked",
    ),
]
_MEMBERS = {"kind", "number", "name"}
_LONGEST = 4_096
_OTHERS = 0o077


def read_identity(path: Path) -> Identity:
    """Return whom a file names, or ask for it where the path is ``-``.

    Raises:
        NotFoundError: ``files.missing``.
        InputError: ``persons.file``, ``persons.file_open``; ``persons.identity`` and codes of ``identifiers``. Nothing of
            what was entered is repeated.
    """
    if str(path) == "-":
        kind = str(typer.prompt(label("ask_document_kind"), default=RESIDENT, err=True))
        number = str(typer.prompt(label("ask_document_number"), hide_input=True, err=True))
        return Identity(kind, number, str(typer.prompt(label("ask_name"), hide_input=True, err=True)))
    data = _read_private(path)
    try:
        document = canonical.parse(data, limit=_LONGEST)
    except FormatError:
        raise InputError("persons.file") from None
    if not isinstance(document, dict) or set(document) != _MEMBERS:
        raise InputError("persons.file")
    values = {name: document[name] for name in _MEMBERS}
    if not all(isinstance(value, str) for value in values.values()):
        raise InputError("persons.file")
    return Identity(str(values["kind"]), str(values["number"]), str(values["name"]))


def read_pin(path: Path | None) -> str:
    """Return the personal number that a file holds, or ask for it where there is none.

    Raises:
        NotFoundError: ``files.missing``.
        InputError: ``persons.file_open``; ``persons.pin_text`` where it is no text.
    """
    if path is None:
        return str(typer.prompt(label("ask_personal_number"), hide_input=True, err=True))
    try:
        return _read_private(path).decode().strip()
    except UnicodeDecodeError:
        raise InputError("persons.pin_text") from None


def _read_private(path: Path) -> bytes:
    data = read_file(path)
    if path.stat().st_mode & _OTHERS:
        raise InputError("persons.file_open")
    return data
