"""The OpenAPI document: every route with examples that are true, and every refusal with its words."""

from __future__ import annotations

import html
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

from api.app import create_app
from api.examples import BINARY, EXAMPLES
from ledger.wire.problems import MEDIA_TYPE
from ledger.wire.sentences import is_known
from tests.api.site import CASE, serve


@pytest.fixture(scope="module")
def client(tmp_path_factory) -> Iterator[TestClient]:
    folder: Path = tmp_path_factory.mktemp("site")
    with serve(folder) as served:
        yield TestClient(create_app(served.site))


@pytest.fixture(scope="module")
def document(client) -> dict[str, Any]:
    found: dict[str, Any] = client.get("/openapi.json").json()
    return found


def test_every_route_is_shown_with_what_it_is_asked_and_answers(document):
    routes = {(method, path) for path, methods in document["paths"].items() for method in methods}
    assert routes == set(EXAMPLES)
    for method, path in sorted(routes):
        told = document["paths"][path][method]
        assert told["summary"], path
        ((media, answer),) = told["responses"]["200"]["content"].items()
        assert media == BINARY or answer["example"], path
        for parameter in told.get("parameters", []):
            assert parameter["example"] is not None, (path, parameter["name"])
        if method == "post":
            ((media, request),) = told["requestBody"]["content"].items()
            assert media == BINARY or request["example"], path


def test_every_refusal_is_shown_as_it_is_answered(document):
    assert set(document["components"]["schemas"]) == {"Problem"}
    wanted = set(document["components"]["schemas"]["Problem"]["required"])
    for path, methods in document["paths"].items():
        for told in methods.values():
            shown = {
                code: (status, example["value"])
                for status, answer in told["responses"].items()
                for code, example in answer.get("content", {}).get(MEDIA_TYPE, {}).get("examples", {}).items()
            }
            assert "api.internal" in shown, path
            for code, (status, problem) in shown.items():
                assert is_known(code)
                assert set(problem) >= wanted
                assert (problem["code"], str(problem["status"])) == (code, status)
                assert "…" not in problem["detail"] + problem["next_step"], (path, code)


def members(value: object, path: str = "") -> set[str]:
    """The names in an answer, with those of the first item of each list; the facts of an event are its own."""
    if isinstance(value, dict):
        if path.endswith(("/facts", "/evidence", "/members")):
            return {path}
        return {name for key, inner in value.items() for name in members(inner, f"{path}/{key}")}
    if isinstance(value, list) and value:
        return members(value[-1], f"{path}[]")
    return {path}


@pytest.mark.parametrize(
    ("route", "path"),
    [
        ("/healthz", "/healthz"),
        ("/v1/cases/{identifier}", f"/v1/cases/{CASE.hex()}"),
        ("/v1/materials/{leaf}", "/v1/materials/1:7"),
        ("/v1/trace/{identifier}", f"/v1/trace/{CASE.hex()}"),
    ],
)
def test_an_example_has_the_members_that_the_answer_has(client, route, path):
    answer = client.get(path)
    assert answer.status_code == 200
    assert members(answer.json()) == members(EXAMPLES["get", route].answer)


def test_the_example_of_not_being_ready_is_as_it_is(client):
    answer = client.get("/readyz")
    (other,) = EXAMPLES["get", "/readyz"].others
    assert (answer.status_code, members(answer.json())) == (other.status, members(other.value))


def test_the_page_of_the_api_names_every_route_and_refusal_in_both_languages(client, document):
    for lang, word in (("zh", "可能的错误"), ("en", "How it may refuse")):
        page = client.get(f"/docs?lang={lang}").text
        text = html.unescape(page)
        assert page.count(word) == sum(len(methods) for methods in document["paths"].values())
        assert "tracing.not_found" in page
        for (method, path), example in EXAMPLES.items():
            summary = example.zh if lang == "zh" else document["paths"][path][method]["summary"]
            assert summary in text
