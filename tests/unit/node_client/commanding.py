"""The command ``tongban`` in this process: what it says and how it ends."""

from __future__ import annotations

import io
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from node_client.cli.app import main


@dataclass
class Said:
    """What the command said."""

    returncode: int
    stdout: str
    stderr: str


@dataclass
class Command:
    """Runs the command in a folder, in English unless a test says otherwise."""

    folder: Path
    monkeypatch: pytest.MonkeyPatch
    capsys: pytest.CaptureFixture[str]
    lang: str = "en_US.UTF-8"
    columns: str = "200"

    def __call__(self, *arguments: str, typed: str = "") -> Said:
        self.monkeypatch.chdir(self.folder)
        self.monkeypatch.setenv("LC_ALL", self.lang)
        self.monkeypatch.setenv("COLUMNS", self.columns)
        self.monkeypatch.setattr(sys, "argv", ["tongban", *arguments])
        self.monkeypatch.setattr(sys, "stdin", io.StringIO(typed))
        with pytest.raises(SystemExit) as ended:
            main()
        said = self.capsys.readouterr()
        return Said(ended.value.code if isinstance(ended.value.code, int) else 0, said.out, said.err)
