"""Pages: templates filled with the words of one language, under a policy that lets nothing but our own files load."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from fastapi import Request, Response
from fastapi.responses import HTMLResponse
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from api.languages import language
from ledger.errors import LedgerError
from ledger.wire.problems import explain

__all__ = ["PACKAGE", "page", "problem_page", "words"]

PACKAGE = Path(str(files("api")))
_POLICY = (
    "default-src 'none'; style-src 'self'; img-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)


def page(request: Request, template: str, status: int = 200, **values: Any) -> Response:  # noqa: ANN401 - whatever the template shows
    """Return a page in the reader's language."""
    lang = language(request)
    html = _environment().get_template(template).render(t=words(lang), code=lang, **values)
    return HTMLResponse(
        html, status, headers={"Content-Security-Policy": _POLICY, "Content-Language": words(lang).lang}
    )


def problem_page(request: Request, error: LedgerError, status: int | None = None) -> Response:
    """Return an error as a page: what happened and what to do, with the error's own status unless another is given."""
    told = explain(error, language(request))
    return page(
        request,
        "problem.html",
        status or error.http_status,
        text=told.text,
        next_step=told.next_step,
        error_code=error.code,
    )


@cache
def words(lang: str) -> SimpleNamespace:
    """Return a page's words in a language; every name is there in both."""
    found: Mapping[str, str] = tomllib.loads((PACKAGE / "locales" / f"{lang}.toml").read_text(encoding="utf-8"))
    return SimpleNamespace(**found)


@cache
def _environment() -> Environment:
    return Environment(
        loader=FileSystemLoader(PACKAGE / "templates"), autoescape=True, undefined=StrictUndefined, trim_blocks=True
    )
