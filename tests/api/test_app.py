"""The public part of the API over a real log: files as the standard says, problems with code and next step."""

from __future__ import annotations

import pytest
from fastapi.testclient import TestClient

from api.app import create_app
from ledger.domain.limits import LIMITS
from ledger.log.files import DirectoryFiles
from ledger.log.store import LogStore
from ledger.log.view import LogView
from tests.unit.log.network import network_policy, signed_checkpoint


@pytest.fixture
def store(tmp_path) -> LogStore:
    return LogStore(DirectoryFiles(tmp_path))


@pytest.fixture
def client(tmp_path, store) -> TestClient:
    head = store.append([b"entry %d" % number for number in range(300)])
    store.publish(signed_checkpoint(head.size, head.root))
    return TestClient(create_app(LogView(DirectoryFiles(tmp_path)), network_policy(), lambda: 1_790_000_000))


def test_the_logs_files_are_served_as_the_standard_says(client, store):
    assert client.get("/checkpoint").content == store.published_note
    assert client.get("/checkpoint").headers["cache-control"] == "no-cache"
    whole = client.get("/tile/0/000")
    assert (whole.status_code, len(whole.content)) == (200, 256 * 32)
    assert "immutable" in whole.headers["cache-control"]
    assert len(client.get("/tile/0/001.p/44").content) == 44 * 32


def test_health_and_readiness(client):
    assert client.get("/healthz").json() == {"status": "ok"}
    assert client.get("/readyz").json()["log_size"] == 300


def test_what_is_not_there_is_a_problem_in_the_readers_language(client):
    answer = client.get("/tile/0/999", headers={"Accept-Language": "en"})
    assert (answer.status_code, answer.headers["content-type"]) == (404, "application/problem+json")
    assert answer.json()["code"] == "log.tile_absent"
    assert answer.json()["next_step"]
    assert answer.json()["detail"] != client.get("/tile/0/999").json()["detail"]
    assert client.get("/tile/../../passwd").status_code in {404, 422}


def test_before_the_first_checkpoint(tmp_path):
    LogStore(DirectoryFiles(tmp_path / "new"))
    client = TestClient(create_app(LogView(DirectoryFiles(tmp_path / "new")), network_policy(), lambda: 0))
    assert client.get("/checkpoint").json()["code"] == "log.no_checkpoint"


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
    for path in ("/healthz", "/checkpoint", "/tile/0/999"):
        headers = client.get(path).headers
        assert headers["x-content-type-options"] == "nosniff"
        assert "default-src 'none'" in headers["content-security-policy"]
