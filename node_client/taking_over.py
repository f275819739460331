"""A new chain key in the old one's place, once the chain knows it; and what the old one was refused meanwhile, again.

Between the change on the chain and the change of the file a node signs with a key that has no roles any more. Nothing of
that is lost: the daemon finishes what a command was cut in, at the next start too, and what was refused for that reason
alone is put in line again for the new key.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from sqlalchemy import and_, exists, select
from sqlalchemy.engine import Connection

from ledger.domain.reasons import Reason
from ledger.services import consortium
from ledger.services.context import Node
from ledger.storage import repeating
from ledger.storage.tables import consortium as register
from ledger.storage.tables import outbox
from node_client.keys import pending_key

__all__ = ["finish_rotation", "finish_rotations", "retry_refused"]


def finish_rotation(folder: Path, role: str) -> None:
    """Let the new key of a role take the old one's place; the daemon notices by itself, or has done it already."""
    with suppress(FileNotFoundError):
        pending_key(folder, role).replace(folder / "chain" / f"{role}.json")


def finish_rotations(folder: Path, connection: Connection, member: int) -> list[str]:
    """Finish every rotation whose new key stands in the picture; answers the roles.

    Args:
        folder: the node's ``keys`` folder.
        connection: of the picture.
        member: whose node this is.
    """
    finished = []
    for path in sorted(folder.joinpath("chain").glob("*.pending")):
        try:
            # A keystore says its address in clear, so no passphrase is asked for.
            address = "0x" + str(json.loads(path.read_bytes())["address"]).removeprefix("0x").lower()
        except (ValueError, KeyError, FileNotFoundError):
            # Not a whole key, or taken over by the command meanwhile: nothing to put in anybody's place.
            continue
        if consortium.roles_of(connection, member, address):
            finish_rotation(folder, path.stem)
            finished.append(path.stem)
    return finished


def retry_refused(node: Node, addresses: Mapping[str, str]) -> list[str]:
    """Put in line again what was refused because its key had been replaced already; answers the intents.

    Args:
        node: this city's.
        addresses: the keys that sign now, by role.
    """
    intents, sent, keys = outbox.intents, outbox.transactions, register.keys
    ended = exists().where(
        keys.c.key == sent.c.address, keys.c.member == node.member, keys.c.until_block <= sent.c.block
    )
    present = exists().where(keys.c.key == sent.c.address, keys.c.until_block.is_(None))
    query = (
        select(intents.c.id, intents.c.role, sent.c.address)
        .join(sent, intents.c.transaction_id == sent.c.id)
        .where(
            intents.c.state == "refused",
            intents.c.reason.in_((int(Reason.NOT_A_KEY), int(Reason.WRONG_ROLE))),
            and_(ended, ~present),
        )
        .order_by(intents.c.sequence)
    )
    line: list[str] = []
    with node.begin() as uow:
        for row in uow.connection.execute(query).all():
            if row.id not in line and addresses.get(row.role, row.address) != row.address:
                line += repeating.retry(uow.connection, row.id)
        uow.commit()
    return line
