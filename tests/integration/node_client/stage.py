"""Cities on an engine in this process, with folders that the command ``tongban`` opens: it asks, the test carries out."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ledger.bootstrap import KEY_SOCKET
from ledger.storage import outbox
from ledger.storage.outbox import StoredIntent
from node_client.keyholder import KeyServer
from tests.integration.network import CHAIN_ID
from tests.integration.services.custodians import Cities, cities_on_an_engine
from tests.unit.node_client.commanding import Said

__all__ = ["Stage", "stage"]


@dataclass
class Stage:
    """The cities and the command."""

    folder: Path
    cities: Cities
    command: Callable[..., Said]

    def said(self, *arguments: str) -> dict[str, Any]:
        """What a command that must go well says to programs."""
        found = self.command(*arguments, "--json")
        assert found.returncode == 0, found.stderr + found.stdout
        document: dict[str, Any] = json.loads(found.stdout)
        return document

    def refused(self, *arguments: str) -> str:
        """The code with which a command must end."""
        found = self.command(*arguments, "--json")
        assert found.returncode == 2, found.stderr + found.stdout
        kind: str = json.loads(found.stderr)["type"]
        return kind.removeprefix("/problems/")

    def asked(self, *arguments: str) -> str:
        """The one intent that a command writes down, and what became of it once the daemons have worked."""
        (name,) = self.said(*arguments, "--no-wait")["intents"]
        self.cities.pump()
        return str(name)

    def intent(self, city: str, name: str) -> StoredIntent:
        """An intent as it stands."""
        with self.cities.nodes[city].database.read() as connection:
            return outbox.find(connection, name)


@contextmanager
def stage(folder: Path, command: Callable[..., Said]) -> Iterator[Stage]:
    """Open three cities, each with its keys behind a socket."""
    with ExitStack() as stack:
        found = stack.enter_context(cities_on_an_engine(folder))
        for city, node in found.nodes.items():
            # The engine is in this process; the command finds nobody at the address and needs nobody.
            (folder / city / "node.toml").write_text(
                f'network = "{node.network}"\ndivision = "{node.division}"\nmember = {node.member}\n'
                f'consortium = "{node.consortium}"\nchain_id = {CHAIN_ID}\nrpc_urls = ["http://127.0.0.1:9"]\n'
            )
            stack.enter_context(closing(KeyServer(folder / city / KEY_SOCKET, node.keys)))
        yield Stage(folder, found, command)
