"""Around every route: the reader's language, bounded bodies, and a fault that tells nobody what it met."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from pathlib import Path

import pytest
import structlog
from fastapi import FastAPI
from fastapi.testclient import TestClient
from starlette.requests import Request
from starlette.responses import StreamingResponse
from starlette.types import Message, Receive, Scope, Send

from api.app import create_app
from api.languages import language
from ledger import logs
from ledger.domain.limits import LIMITS
from ledger.errors import FormatError
from ledger.wire.witnessing import Answer, decode_answer, encode_answer
from tests.api.site import serve

PERSON = "样本甲 510107199001011234"


@pytest.fixture
def app(tmp_path: Path) -> Iterator[FastAPI]:
    with serve(tmp_path) as served:
        yield create_app(served.site)


@pytest.fixture
def log() -> Iterator[io.StringIO]:
    out = io.StringIO()
    logs.configure("INFO", out)
    yield out
    structlog.reset_defaults()


def test_a_fault_is_a_problem_with_a_reference_and_nothing_of_what_it_met(app, log):
    @app.get("/fault")
    def fault() -> None:
        raise ValueError(PERSON)

    answer = TestClient(app).get("/fault", headers={"Accept-Language": "en"})
    told = answer.json()
    assert (answer.status_code, told["code"], told["status"]) == (500, "api.internal", 500)
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert "default-src 'none'" in answer.headers["content-security-policy"]
    assert told["facts"]["reference"] in told["detail"]
    assert told["next_step"]
    (line,) = [json.loads(line) for line in log.getvalue().splitlines()]
    assert (line["event"], line["kind"], line["reference"]) == ("api_fault", "valueerror", told["facts"]["reference"])
    assert "/test_guard:" in line["place"]
    for part in PERSON.split():
        assert part not in answer.text
        assert part not in json.loads(answer.text)["detail"]
        assert part not in log.getvalue()
        assert part.encode("unicode_escape").decode() not in log.getvalue()
    assert TestClient(app).get("/fault").json()["detail"] != told["detail"]


def test_an_answer_that_breaks_off_is_not_ended_as_if_it_were_whole(app, log):
    def pieces() -> Iterator[bytes]:
        yield b"begun"
        raise ValueError(PERSON)

    @app.get("/breaks")
    def breaks() -> StreamingResponse:
        return StreamingResponse(pieces())

    sent: list[str] = []

    async def watched(scope: Scope, receive: Receive, send: Send) -> None:
        async def seen(message: Message) -> None:
            sent.append("end" if message.get("more_body") is False else message["type"])
            await send(message)

        await app(scope, receive, seen)

    TestClient(watched).get("/breaks")
    assert sent == ["http.response.start", "http.response.body"]
    assert "api_fault" in log.getvalue()
    assert PERSON.split()[1] not in log.getvalue()


def test_a_body_without_a_stated_length_is_counted_while_it_is_read(app):
    client = TestClient(app)

    def pieces(size: int) -> Iterator[bytes]:
        for start in range(0, size, 65_536):
            yield b" " * min(65_536, size - start)

    whole = client.post("/v1/verify", content=pieces(LIMITS.request_bytes))
    assert (whole.status_code, whole.json()["code"]) == (422, "canonical.malformed")
    over = client.post("/v1/verify", content=pieces(LIMITS.request_bytes + 1))
    assert (over.status_code, over.json()["status"], over.json()["code"]) == (413, 413, "api.too_long")
    for stated in (str(LIMITS.request_bytes + 1), "9" * 5_000, "-1", "1e3"):
        refused = client.post("/v1/verify", content=b"", headers={"Content-Length": stated})
        assert (refused.status_code, refused.json()["code"]) == (413, "api.too_long")


def test_a_method_that_is_not_there_names_those_that_are(app):
    answer = TestClient(app).post("/healthz")
    assert (answer.status_code, answer.json()["status"], answer.json()["code"]) == (405, 405, "api.method")
    assert answer.headers["allow"] == "GET"


@pytest.mark.parametrize(
    ("header", "query", "lang"),
    [
        ("", "", "zh"),
        ("en", "", "en"),
        ("EN-gb", "", "en"),
        ("zh-CN,zh;q=0.9,en;q=0.8", "", "zh"),
        ("en;q=0.3, zh;q=0.7", "", "zh"),
        ("zh;q=0.3,en;q=0.7", "", "en"),
        ("en, zh", "", "en"),
        ("zh, en", "", "zh"),
        ("fr, en;q=0.1", "", "en"),
        ("fr", "", "zh"),
        ("*", "", "zh"),
        ("zh;q=0, *;q=0.5", "", "en"),
        ("en;q=0", "", "zh"),
        ("en;q=0,zh;q=0", "", "zh"),
        ("english", "", "zh"),
        ("en;q=nonsense, zh;q=0.001", "", "zh"),
        ("en;q=1.5, zh;q=0.9", "", "en"),
        ("en;q=0.1234, zh;q=0.1", "", "zh"),
        ("en; Q=0.9 , zh;q=0.8", "", "en"),
        (";;,,=;q", "", "zh"),
        ("zh", "lang=en", "en"),
        ("en", "lang=zh", "zh"),
        ("zh", "lang=english", "zh"),
        ("en", "lang=zh-CN", "en"),
        ("en", "lang=", "en"),
    ],
)
def test_the_reader_is_told_in_the_language_asked_for(header, query, lang):
    scope = {"type": "http", "query_string": query.encode(), "headers": [(b"accept-language", header.encode())]}
    assert language(Request(scope)) == lang


def test_what_is_written_in_words_says_so_to_caches(app):
    client = TestClient(app)
    for path in ("/", "/docs", "/nothing", "/readyz", "/openapi.json"):
        assert "Accept-Language" in client.get(path).headers["vary"]
    assert "vary" not in client.get("/tile/0/000").headers
    assert client.get("/nothing", headers={"Accept-Language": "en"}).headers["content-language"] == "en"
    assert client.get("/nothing").headers["content-language"] == "zh-CN"


@pytest.mark.parametrize(
    "change",
    [
        {"body": "no base64!"}, {"body": "AAA"}, {"body": "AAAA\n"}, {"body": "é"}, {"body": 7}, {"status": 99}, {"status": 600},
        {"status": True}, {"status": "200"}, {"retry_after": -1}, {"retry_after": "5"}, {"content_type": None},
    ],
)  # fmt: skip
def test_what_the_daemon_did_not_answer_is_not_carried(change):
    given = json.loads(encode_answer(Answer(409, b"7\n", "text/x.tlog.size", 3)))
    assert decode_answer(json.dumps(given, sort_keys=True, separators=(",", ":")).encode()).body == b"7\n"
    with pytest.raises(FormatError):
        decode_answer(json.dumps(given | change, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode())
