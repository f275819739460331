"""Whatever the documentation allows, and whatever it does not: no request makes the process fail."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import schemathesis
from fastapi import FastAPI
from hypothesis import HealthCheck, given, settings

from api.app import create_app
from tests.api.site import serve


@pytest.fixture(scope="module")
def app(tmp_path_factory) -> Iterator[FastAPI]:
    with serve(tmp_path_factory.mktemp("site")) as served:
        yield create_app(served.site)


def test_no_request_is_a_fault(app):
    schema = schemathesis.openapi.from_asgi("/openapi.json", app)
    operations: list[Any] = [result.ok() for result in schema.get_all_operations()]  # type: ignore[union-attr]  # the schema is our own
    assert len(operations) == len([1 for methods in app.openapi()["paths"].values() for _ in methods])
    for operation in operations:

        @given(case=operation.as_strategy())
        @settings(max_examples=15, deadline=None, suppress_health_check=list(HealthCheck))
        def ask(case):
            response = case.call()
            # Not now (503) is an answer: the daemon does not run beside this test.
            assert response.status_code < 500 or response.status_code == 503, (case.path, response.status_code)
            if response.status_code >= 400:
                kind = response.headers["content-type"][0]
                assert kind.startswith("application/problem+json") or case.path == "/readyz", case.path

        ask()
