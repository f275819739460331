"""The one thing that setting up needs of a machine is a Python that fits; where there is none, it says so."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[2] / "scripts" / "setup"
TOOLS = ("bash", "cat", "cut", "dirname", "rm", "sh", "sha256sum", "touch")


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project with a script and a PATH on which there is no Python yet."""
    (tmp_path / "scripts").mkdir()
    shutil.copy(SCRIPT, tmp_path / "scripts")
    (tmp_path / "bin").mkdir()
    for tool in TOOLS:
        found = shutil.which(tool)
        assert found is not None
        (tmp_path / "bin" / tool).symlink_to(found)
    return tmp_path


def python(path: Path, version: str) -> None:
    """An interpreter that is none, of a version that does not fit."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f'#!/bin/sh\n[ "$1" = --version ] && echo "Python {version}" || exit 1\n')
    path.chmod(0o755)


def refused(project: Path) -> list[str]:
    done = subprocess.run(
        [project / "bin" / "bash", project / "scripts" / "setup", "run"],
        env={"PATH": str(project / "bin")}, capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert done.returncode == 1
    return done.stderr.splitlines()


@pytest.mark.parametrize("version", ["3.14.0", "3.10.13"])
def test_a_machine_with_another_python_is_told_which_are_needed_and_which_it_has(project, version):
    python(project / "bin" / "python3", version)
    chinese, english = refused(project)
    assert f"需要 Python 3.11、3.12 或 3.13，这台机器上没有（python3 是 Python {version}）" in chinese
    assert f"Python 3.11, 3.12 or 3.13 is needed and not there (python3 is Python {version})" in english
    assert not (project / ".venv").exists()


def test_a_machine_without_python_is_told_too(project):
    chinese, english = refused(project)
    assert "这台机器上没有。" in chinese
    assert "is needed and not there." in english


def test_an_environment_of_another_python_is_not_used(project):
    python(project / ".venv" / "bin" / "python", "3.14.0")
    chinese, english = refused(project)
    assert chinese.startswith(".venv 里的是 Python 3.14.0，")
    assert english.startswith(".venv holds Python 3.14.0;")


def test_a_python_that_fits_is_taken_whatever_python3_is(project):
    python(project / "bin" / "python3", "3.14.0")
    # It has no module of its own for environments: what was begun is taken away again.
    ours = project / "bin" / f"python3.{sys.version_info.minor}"
    ours.write_text(f'#!/bin/sh\n[ "$1" = -m ] && exit 1\nexec {sys.executable} "$@"\n')
    ours.chmod(0o755)
    chinese, english = refused(project)
    assert chinese.startswith(f"{ours.name} 缺少 venv 模块。")
    assert english.startswith(f"{ours.name} lacks the venv module.")
    assert not (project / ".venv").exists()
