"""What a reading is for, as an option of every command that asks for it."""

from __future__ import annotations

from typing import Annotated

import typer

from ledger.domain.consents import Purpose
from ledger.errors import InputError

__all__ = ["PurposeOption", "purpose_of"]

PurposeOption = Annotated[
    str, typer.Option("--purpose", help="用途：handle 办理、verify 核验、archive 归档、review 复核 / purpose")
]


def purpose_of(text: str) -> Purpose:
    """Return the purpose that was named.

    Raises:
        InputError: ``case.purpose``.
    """
    if text.upper() not in Purpose.__members__:
        raise InputError("case.purpose", known=", ".join(one.name.lower() for one in Purpose))
    return Purpose[text.upper()]
