"""The story's memory: an act is asked for once in the whole story, also by whoever plays it again."""

from __future__ import annotations

from pathlib import Path

from ledger.domain.operations import Operation
from ledger.domain.reasons import Reason
from ledger.services import consortium
from ledger.services.context import Node
from ledger.storage import outbox
from ledger.storage.outbox import Settlement
from node_client.pilot.record import Record
from node_client.pilot.room import Room
from tests.integration.services.cities import NOW, two_cities


def play(node: Node, memory: Path) -> str:
    """The same lines of a story, from its file."""
    room = Room({"510107": node}, {}, Record(memory, lambda _item: None))
    return room.asked("move", lambda: consortium.publish_endpoint(node, "https://a.example"))


def test_an_expected_refusal_is_not_tried_again_by_a_second_play(tmp_path):
    with two_cities(tmp_path) as cities:
        node = cities.nodes[1]
        name = play(node, tmp_path / "story.json")
        with node.begin() as uow:
            refused = Settlement(name, "refused", reason=int(Reason.WRONG_ROLE))
            outbox.apply_all(uow.connection, [refused], now=NOW)
            uow.commit()
        assert play(node, tmp_path / "story.json") == name
        with node.database.read() as connection:
            (stored,) = outbox.listed(connection)
        assert (stored.state, stored.operation) == ("refused", Operation.PUBLISH_ENDPOINT)
