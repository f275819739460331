"""One process works on a folder at a time, and a hold ends with its process."""

from __future__ import annotations

import subprocess
import sys

import pytest

from ledger.errors import SetupError
from node_client.holding import hold


def test_a_folder_is_held_once_and_again_after_its_release(tmp_path):
    first = hold(tmp_path)
    with pytest.raises(SetupError, match=r"processes\.held"):
        hold(tmp_path)
    first.release()
    first.release()
    hold(tmp_path).release()
    assert list(tmp_path.iterdir()) == []


@pytest.mark.serial
def test_a_hold_ends_with_its_process_however_that_ends(tmp_path):
    program = (
        "import pathlib, signal, sys; from node_client.holding import hold\n"
        "held = hold(pathlib.Path(sys.argv[1])); print('held', flush=True); signal.pause()\n"
    )
    with subprocess.Popen([sys.executable, "-c", program, str(tmp_path)], stdout=subprocess.PIPE) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == b"held\n"
        with pytest.raises(SetupError, match=r"processes\.held"):
            hold(tmp_path)
        other.kill()
        hold(tmp_path, seconds=30).release()
