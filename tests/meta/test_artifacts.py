"""The checked-in artifacts are those of the sources, and fit the code limit of every engine."""

from __future__ import annotations

from importlib.resources import files

import pytest

from contracts import CODE_SIZE_LIMIT, NAMES, load
from contracts.compile import build, names, render


@pytest.mark.parametrize("name", names())
def test_artifact_is_that_of_its_source(name: str) -> None:
    checked_in = (files("contracts") / "artifacts" / f"{name}.json").read_text(encoding="utf-8")
    assert checked_in == render(build(name)), f"run scripts/compile {name}"


@pytest.mark.parametrize("name", names())
def test_code_fits(name: str) -> None:
    assert 0 < load(name).code_size <= CODE_SIZE_LIMIT


def test_every_source_is_a_known_contract() -> None:
    found = {
        path.name.removesuffix(".vy") for path in (files("contracts") / "src").iterdir() if path.name.endswith(".vy")
    }
    assert found <= set(NAMES)
