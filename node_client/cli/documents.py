"""Documents of an applicant who holds the keys alone: written at a city, signed elsewhere, filed at any city."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ledger.bootstrap import wall_clock
from ledger.domain.cases import Action
from ledger.errors import InputError
from ledger.services import case_documents
from ledger.services.context import Node
from ledger.wire.case_documents import CaseDocument, read_case_document
from ledger.wire.sentences import term
from ledger.wire.traces import china_time
from node_client.cli.files import read_file, write_file
from node_client.cli.labels import label
from node_client.cli.output import good, language, say_json, screen

__all__ = ["DAYS", "Days", "Document", "Prepare", "filed", "require", "require_one_way", "until", "write"]

# Long enough to take a document home and come back, short enough that nobody files what was forgotten.
DAYS = 7
_DAY = 86_400

Prepare = Annotated[
    Path | None,
    typer.Option(
        "--prepare",
        help="申请人自己保管密钥：只写出待签的文书，不提交 / the applicant holds the keys: only write the document to be signed",
    ),
]
Document = Annotated[
    Path | None,
    typer.Option(
        "--document",
        help="提交申请人用 tongban holder sign 签好的文书 / file the document that the applicant signed with `tongban holder sign`",
    ),
]
Days = Annotated[
    int,
    typer.Option(
        min=1, max=30, help="写出的文书几天内有效 / days within which the written document may be signed and filed"
    ),
]


def require_one_way(prepare: Path | None, document: Path | None, signed_here: object) -> None:
    """Refuse more than one of: to be signed elsewhere, signed elsewhere, signed here.

    Raises:
        InputError: ``signing.one_way``.
    """
    if sum((prepare is not None, document is not None, bool(signed_here))) > 1:
        raise InputError("signing.one_way")


def require(**options: object) -> None:
    """Refuse an option that was not given.

    Raises:
        InputError: ``signing.incomplete`` with the first that is missing.
    """
    for name, value in options.items():
        if not value:
            option = name if name.isupper() else "--" + name.replace("_", "-")
            raise InputError("signing.incomplete", option=option)


def until(city: Node, days: int) -> tuple[int, int]:
    """Return when a document that is written now ends, and how far the network's clock stands from the real one."""
    now = city.clock()
    return now + days * _DAY, now - wall_clock() if city.engine == "embedded" else 0


def write(path: Path, document: CaseDocument, *, as_json: bool) -> None:
    """Write a document for the applicant, and say what comes next."""
    write_file(path, [document.encode()])
    if as_json:
        say_json({"case": document.case.hex(), "document": str(path), "expires": china_time(document.shown.expires)})
        return
    # A command is copied as one line, however narrow the screen.
    console = screen(soft_wrap=True)
    console.print(good(label("document_written", file=path.name, day=china_time(document.shown.expires)[:10])))
    console.print(label("document_next", file=path.name))


def filed(city: Node, path: Path, action: Action | None, case: bytes = b"") -> tuple[bytes, str]:
    """File what an applicant signed; return the case and the intent.

    Args:
        city: any.
        path: of the signed document.
        action: which act the command is for; ``None`` for the opening.
        case: which case the command names, if it does.

    Raises:
        NotFoundError: ``files.missing``.
        InputError: ``signing.other_act``; further codes of :func:`ledger.services.case_documents.file`.
    """
    document = read_case_document(read_file(path))
    if document.action != action or case not in {b"", document.case}:
        raise InputError("signing.other_act", act=act_name(document))
    return case_documents.file(city, document)


def act_name(document: CaseDocument) -> str:
    """Return what a document is for, as a word."""
    action, lang = document.action, language()
    return term("operations", "open", lang) if action is None else term("actions", action.name, lang)
