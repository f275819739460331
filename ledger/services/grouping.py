"""Which intents travel together in one transaction.

One entry point of one contract under one key makes a batch, within the bounds of the entry point's arrays, 96 KB of
calldata and 8 M gas. Intents about one subject keep their order of arrival: transactions of one key are mined in the order
of their nonces, and one key waits for another where both act on the same subject.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from ledger.chain.codec import weight
from ledger.chain.entry_points import entry_point
from ledger.domain.calls import Fields, parse_call
from ledger.domain.limits import LIMITS
from ledger.domain.operations import Operation
from ledger.errors import InputError
from ledger.storage.outbox import StoredIntent

__all__ = ["NO_SUBJECT", "Batch", "form"]

# The subject of an intent that is about nothing in particular: it keeps no order.
NO_SUBJECT = bytes(32)
# Selector, and offset and length of each of at most six arrays.
_FRAME_BYTES = 4 + 6 * 64


@dataclass(slots=True)
class Batch:
    """Intents of one key for one entry point of one contract, in order."""

    address: str
    role: str
    contract: str
    operation: Operation
    intents: list[StoredIntent] = field(default_factory=list)
    calls: list[Fields] = field(default_factory=list)
    _bytes: int = _FRAME_BYTES
    _gas: int = 0
    _items: dict[str, int] = field(default_factory=dict)
    closed: bool = False

    def take(self, intent: StoredIntent) -> bool:
        """Add an intent if there is room; an empty batch always has."""
        call = parse_call(intent.call)
        point = entry_point(self.operation)
        more = weight(self.operation, call)
        items = {name: self._items.get(name, 0) + count for name, count in more.items.items()}
        fits = (
            not self.closed
            and not intent.alone
            and point.batched
            and self._bytes + more.calldata <= LIMITS.transaction_calldata_bytes
            and self._gas + more.gas <= LIMITS.transaction_gas
            and all(count <= point.bounds.get(name, 1) for name, count in items.items())
        )
        if self.intents and not fits:
            return False
        self.intents.append(intent)
        self.calls.append(call)
        self._bytes += more.calldata
        self._gas += more.gas
        self._items = items
        self.closed = intent.alone or not point.batched
        return True


def form(
    waiting: Iterable[StoredIntent],
    addresses: Mapping[str, str],
    *,
    busy: Mapping[bytes, str],
    room: Mapping[str, int],
) -> tuple[Sequence[Batch], Mapping[str, str]]:
    """Form batches of what waits.

    Args:
        waiting: the intents that may be sent now, in order of arrival.
        addresses: address of the key of each role; intents of other roles stay where they are.
        busy: for subjects in transactions under way, the address that acts on them.
        room: how many more transactions each address may have under way.

    Returns:
        The batches, in the order in which they take their nonces, and the intents that no contract could read, each
        with its error's code. What found no room stays waiting.
    """
    batches: list[Batch] = []
    left = dict(room)
    open_batches: dict[tuple[str, str, Operation], int] = {}
    last: dict[bytes, tuple[str, int]] = {subject: (address, -1) for subject, address in busy.items()}
    held: set[bytes] = set()
    malformed: dict[str, str] = {}
    for intent in waiting:
        address = addresses.get(intent.role)
        subject = intent.subject
        if address is None or subject in held:
            continue
        before = last.get(subject) if subject != NO_SUBJECT else None
        position = None
        if before is None or before[0] == address:
            key = (address, intent.contract, intent.operation)
            try:
                position = _place(batches, open_batches, key, intent, before[1] if before else -1, left)
            except InputError as error:
                malformed[intent.id] = error.code
                continue
        if subject == NO_SUBJECT:
            continue
        if position is None:
            # Whatever comes later about the same subject must not overtake this one.
            held.add(subject)
        else:
            last[subject] = (address, position)
    return batches, malformed


def _place(
    batches: list[Batch],
    open_batches: dict[tuple[str, str, Operation], int],
    key: tuple[str, str, Operation],
    intent: StoredIntent,
    earliest: int,
    left: dict[str, int],
) -> int | None:
    """Put an intent into the open batch of its kind or a new one; answers the batch's number."""
    address, contract, operation = key
    number = open_batches.get(key)
    if number is not None and number >= earliest and batches[number].take(intent):
        return number
    if left.get(address, 0) <= 0:
        return None
    batch = Batch(address, intent.role, contract, operation)
    batch.take(intent)
    left[address] -= 1
    batches.append(batch)
    open_batches[key] = len(batches) - 1
    return len(batches) - 1
