"""The cities and the command for every test here that wants them."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from ledger.settings import NodeSettings, load_settings
from node_client.keys import CHAIN_ROLES, save_chain_key, save_service_keys
from tests.integration.node_client.stage import Stage, stage
from tests.integration.services.custodians import _ring
from tests.unit.node_client.commanding import Command

PASSPHRASE = "correct horse"


@pytest.fixture
def staged(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Iterator[Stage]:
    with stage(tmp_path, Command(tmp_path, monkeypatch, capsys)) as found:
        yield found


@pytest.fixture
def settings(staged: Stage) -> NodeSettings:
    """Wuhou's folder with its keys in files."""
    home = staged.folder / "wuhou"
    ring = _ring(home / "keys", "wuhou")
    for role in CHAIN_ROLES:
        secret = hashlib.sha256(f"tongban test key: wuhou {role}".encode()).digest()
        save_chain_key(home / "keys", role, secret, PASSPHRASE, scrypt_n=1024)
    save_service_keys(ring, PASSPHRASE, os.urandom, scrypt_n=1024)
    (home / "passphrase").touch(mode=0o600)
    (home / "passphrase").write_text(PASSPHRASE)
    with (home / "node.toml").open("a") as file:
        file.write("scrypt_n = 1024\n")
    return load_settings(home)
