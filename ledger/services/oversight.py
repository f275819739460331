"""Oversight 监督: how cases, limits, corrections and readings stand, for a regulator or for a city about itself."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from ledger.domain import workdays
from ledger.errors import InputError, UnavailableError
from ledger.projections import journal, oversight
from ledger.projections.consortium import calendars
from ledger.projections.oversight import Corrections, Dormant, Overdue, Refusals, Timeliness, Volume
from ledger.services import consortium
from ledger.services.context import Node
from ledger.wire.traces import Party

__all__ = ["Overview", "overview"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Overview:
    """The days ``since`` to ``until`` (POSIX seconds, half open) as they stand in the picture of block ``block``.

    ``overdue`` is as of that block. ``readings`` counts uses by member and basis (1 consent, 2 statutory duty).
    """

    since: int
    until: int
    block: int
    time: int
    volume: tuple[Volume, ...]
    timeliness: tuple[Timeliness, ...]
    corrections: tuple[Corrections, ...]
    overdue: tuple[Overdue, ...]
    dormant: tuple[Dormant, ...]
    refusals: tuple[Refusals, ...]
    readings: Mapping[tuple[int, int], int]
    parties: Mapping[int, Party]


def overview(node: Node, first: int, last: int) -> Overview:
    """Return the overview of some days.

    Args:
        node: whose picture is asked.
        first: number of the first day (``workdays.day_number``).
        last: number of the last.

    Raises:
        InputError: ``oversight.days`` where the last day is before the first.
        UnavailableError: ``oversight.nothing_read`` while nothing of the chain has been read.
    """
    if last < first:
        raise InputError("oversight.days")
    since, until = workdays.day_start(first), workdays.day_start(last + 1)
    with node.database.read() as connection:
        state = journal.position(connection)
        if state is None:
            raise UnavailableError("oversight.nothing_read")
        return Overview(
            since=since,
            until=until,
            block=state.block,
            time=state.time,
            volume=oversight.volume(connection, since, until),
            timeliness=oversight.timeliness(connection, since, until),
            corrections=oversight.corrections(connection, since, until),
            overdue=tuple(oversight.overdue(connection, state.time, calendars(connection))),
            dormant=oversight.dormant_agreements(connection, since),
            refusals=oversight.refusals_by_reason(connection, since, until),
            readings=oversight.readings(connection, since, until),
            parties={
                one.member: Party(one.member, one.name, int(one.division)) for one in consortium.members(connection)
            },
        )
