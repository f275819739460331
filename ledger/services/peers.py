"""City to city: who asked, whether it may, and what it is given."""

from __future__ import annotations

from ledger.errors import UnavailableError
from ledger.wire.witnessing import Answer

__all__ = ["Unconnected"]


class Unconnected:
    """The port ``Peers`` of a process that has no way to the other cities: the web process and the command.

    Raises:
        UnavailableError: ``peers.unreachable``, always.
    """

    def blob(self, member: int, cid: str) -> bytes:
        """Fetch nothing."""
        raise UnavailableError("peers.unreachable", member=member)

    def release(self, member: int, use: int, disclosed: bytes) -> bytes:
        """Ask nobody."""
        raise UnavailableError("peers.unreachable", member=member)

    def add_checkpoint(self, member: int, request: bytes) -> Answer:
        """Ask nobody."""
        raise UnavailableError("peers.unreachable", member=member)

    def hand_over(self, member: int, document: bytes) -> None:
        """Deliver nothing."""
        raise UnavailableError("peers.unreachable", member=member)
