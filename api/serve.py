"""``python -m api.serve``: serve a city's log and verify receipts on loopback until stopped."""

from __future__ import annotations

import argparse
import time
from pathlib import Path

import uvicorn

from api.app import create_app
from ledger.domain.policies import parse_policy
from ledger.log.files import DirectoryFiles
from ledger.log.view import LogView

__all__ = ["main"]


def main() -> None:
    """Read the arguments and serve."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--log", type=Path, required=True, help="folder of the log's tiles, as the daemon writes them")
    parser.add_argument("--policy", type=Path, required=True, help="the network's tlog-policy file")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=8101)
    chosen = parser.parse_args()
    app = create_app(
        LogView(DirectoryFiles(chosen.log)), parse_policy(chosen.policy.read_bytes()), lambda: int(time.time())
    )
    uvicorn.run(app, host=chosen.host, port=chosen.port, log_level="warning", access_log=False)


if __name__ == "__main__":
    main()
