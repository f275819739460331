"""The web process over a real database and a real log: files as the standard says, problems with code and next step."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from fastapi.testclient import TestClient

from api.app import create_app
from ledger.domain.limits import LIMITS
from ledger.log.files import DirectoryFiles
from ledger.log.view import LogView
from tests.api.site import CASE, Served, serve


@pytest.fixture
def served(tmp_path) -> Iterator[Served]:
    with serve(tmp_path) as found:
        yield found


@pytest.fixture
def client(served) -> TestClient:
    return TestClient(create_app(served.site))


def test_the_logs_files_are_served_as_the_standard_says(client, served):
    assert client.get("/checkpoint").content == served.log.published_note
    assert client.get("/checkpoint").headers["cache-control"] == "no-cache"
    whole = client.get("/tile/0/000")
    assert (whole.status_code, len(whole.content)) == (200, 256 * 32)
    assert "immutable" in whole.headers["cache-control"]
    assert len(client.get("/tile/0/001.p/44").content) == 44 * 32


def test_entry_bundles_are_compressed_for_whoever_takes_gzip(client):
    plain = client.get("/tile/entries/000", headers={"Accept-Encoding": "identity"})
    assert "content-encoding" not in plain.headers
    for header, packed in (("gzip", True), ("br, GZIP;q=0.5", True), ("gzip;q=0, br", False), ("gzip; q=0.0", False)):
        answer = client.get("/tile/entries/000", headers={"Accept-Encoding": header})
        assert ("content-encoding" in answer.headers) is packed, header
        assert answer.content == plain.content
        assert (int(answer.headers["content-length"]) < len(plain.content) // 2) is packed
        assert answer.headers["vary"] == "Accept-Encoding"
    assert "content-encoding" not in client.get("/tile/0/000", headers={"Accept-Encoding": "gzip"}).headers


def test_head_is_get_without_the_content(client):
    for path in ("/", "/healthz", "/checkpoint", "/tile/0/000", "/tile/0/999", "/static/site.css", "/nothing"):
        whole, head = client.get(path), client.head(path)
        assert (head.status_code, head.content) == (whole.status_code, b""), path
        assert head.headers["content-length"] == whole.headers["content-length"]
        assert head.headers["content-type"] == whole.headers["content-type"]


def test_a_browser_is_shown_an_error_as_a_page(client):
    browser = {"Accept": "text/html,application/xhtml+xml,*/*;q=0.8", "Accept-Language": "en"}
    for path in ("/nothing", "/v1/cases/no-id", "/tile/0/999"):
        page = client.get(path, headers=browser)
        assert page.status_code == client.get(path).status_code
        assert page.headers["content-type"].startswith("text/html")
        assert page.headers["content-language"] == "en"
        assert client.get(path).json()["code"] in page.text
        assert "style-src 'self'" in page.headers["content-security-policy"]
        for answer in (page, client.get(path)):
            assert {one.strip() for one in answer.headers["vary"].split(",")} == {"Accept", "Accept-Language"}
    # What a page sends is answered for the program that sent it.
    assert client.post("/healthz", headers=browser).json()["code"] == "api.method"


def test_what_is_not_there_is_a_problem_in_the_readers_language(client):
    answer = client.get("/tile/0/999", headers={"Accept-Language": "en"})
    assert (answer.status_code, answer.headers["content-type"]) == (404, "application/problem+json")
    assert answer.json()["code"] == "log.tile_absent"
    assert answer.json()["next_step"]
    assert answer.json()["detail"] != client.get("/tile/0/999").json()["detail"]
    assert client.get("/tile/../../passwd").status_code in {404, 422}
    for path, code in (("/nothing", "api.no_route"), ("/v1/cases/" + "9" * 64, "tracing.not_found")):
        problem = client.get(path)
        assert (problem.status_code, problem.json()["code"]) == (404, code)
    assert client.get("/v1/cases/no-id").json()["code"] == "tracing.identifier"
    assert client.post("/healthz").json()["code"] == "api.method"
    assert client.get("/v1/cases/" + "9" * 200).status_code == 422


def test_a_case_and_a_leaf_as_they_stand(client):
    case = client.get(f"/v1/cases/{CASE.hex()}", headers={"Accept-Language": "en"}).json()
    assert (case["state"]["name"], case["receiving"], case["handling"]) == ("accepted", 1, 2)
    moved = [(one["action"]["code"], one["state"]["code"], one["by_applicant"]) for one in case["transitions"]]
    assert moved == [
        ("submit", 1, True), ("receive", 1, False), ("request_correction", 2, False), ("supply", 1, True), ("accept", 3, False),
    ]  # fmt: skip
    received = case["transitions"][1]
    assert (received["action"]["name"], received["member"]["name"]) == ("receive", "四川省绵阳市")
    assert received["at"] == "2026-03-03T09:00:00+08:00"
    # One of five working days to say what is missing, and twenty to decide from the acceptance on.
    assert (received["days"]["used"], received["days"]["left"]) == (1, 4)
    assert (case["transitions"][-1]["days"]["clock"], case["transitions"][-1]["days"]["left"]) == ("decision", 20)
    assert [one["block"] for one in case["transitions"]] == sorted(one["block"] for one in case["transitions"])
    leaf = client.get("/v1/materials/1:7").json()
    assert (leaf["member"], leaf["status"], leaf["uses"]) == (1, "in_force", 0)
    assert client.get("/v1/materials/1:700").status_code == 404


def test_before_the_first_checkpoint(served, tmp_path):
    empty = LogView(DirectoryFiles(tmp_path / "new"))
    client = TestClient(create_app(type(served.site)(served.site.node, empty, served.site.policy)))
    assert client.get("/checkpoint").json()["code"] == "log.no_checkpoint"
    assert client.get("/").status_code == 200


@pytest.mark.parametrize(
    ("body", "code"),
    [(b"{}", "receipts.version"), (b"[]", "receipts.malformed"), (b'{"a":1,"a":2}', "canonical.duplicate_key")],
)
def test_what_is_no_receipt_is_refused(client, body, code):
    answer = client.post("/v1/verify", content=body, headers={"Content-Type": "application/json"})
    assert (answer.status_code, answer.json()["code"]) == (422, code)


def test_a_body_that_is_too_long_is_refused_before_it_is_read(client):
    answer = client.post("/v1/verify", content=b" " * (LIMITS.receipt_bytes + 1))
    assert (answer.status_code, answer.json()["code"]) == (413, "api.too_long")


def test_every_answer_has_the_headers(client):
    for path in ("/healthz", "/checkpoint", "/tile/0/999", "/", "/static/site.css", "/docs"):
        headers = client.get(path).headers
        assert headers["x-content-type-options"] == "nosniff"
        assert "default-src 'none'" in headers["content-security-policy"]
