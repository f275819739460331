"""The option that names a passphrase's file, for every command that opens sealed keys or a holder's seed."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

__all__ = ["Passphrase"]

Passphrase = Annotated[
    Path,
    typer.Option(
        "--passphrase-file",
        help="口令文件，仅本人可读 / passphrase file, readable by its owner alone",
        show_default=False,
    ),
]
