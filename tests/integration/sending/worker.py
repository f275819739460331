"""A process with an engine and a sender that says each step it takes, for whoever wants to kill it there."""

from __future__ import annotations

import sys
from pathlib import Path

from ledger.chain.embedded.chain import Engine
from ledger.chain.embedded.provider import EngineProvider
from ledger.chain.gateway import Gateway
from ledger.services import sending
from ledger.services.sending import Sender
from ledger.storage.database import open_database
from tests.integration.network import config, signers
from tests.integration.sending.node import Clock
from tests.integration.sending.steps import SteppedWork, Steps


class Told:
    """Writes a line for each step."""

    def step(self) -> None:
        """Pass a point at which the process may be killed."""
        sys.stdout.write("step\n")
        sys.stdout.flush()


def main(folder: Path, consortium: str, now: int) -> int:
    """Pass after pass until all is done."""
    engine = Engine.open(config(folder / "chain" / "engine.db"))
    database = open_database(folder / "node.db")
    told = Told()
    chain = Steps(Gateway([EngineProvider(engine, mine=True)], consortium), told)
    for number in range(60):
        clock = Clock(now + 400 * number)
        sender = Sender(lambda: SteppedWork(database, told), chain, signers("wuhou"), clock)
        report = sending.run_once(sender)
        engine.run_once()
        if not report.waiting and not report.in_flight:
            database.close()
            engine.close()
            return 0
    return 1


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), sys.argv[2], int(sys.argv[3])))
