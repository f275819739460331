"""What became of the intents of a mined transaction.

The receipt tells: ``Refused`` names an operation by its index, and every other one was done. A transaction that was
reverted did nothing at all: its intents are sent again, each alone, so that one of them cannot spoil the others for
ever.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ledger.domain.events import (
    AgreementAccepted,
    AgreementDrafted,
    AgreementEnded,
    Anchored,
    Assented,
    CalendarObjected,
    CalendarPosted,
    ConsentConfirmed,
    ConsentRevoked,
    DelegationSet,
    DepartmentSet,
    EndpointPublished,
    ErasureRecorded,
    Event,
    Granted,
    HandedOver,
    KeySet,
    LeavesRevoked,
    LookupAnswered,
    LookupAsked,
    MatterPublished,
    MatterWithdrawn,
    MemberConfirmed,
    Opened,
    Proposed,
    Recorded,
    RecoveryObjected,
    RecoveryStarted,
    Refused,
    ServiceKeyPublished,
    Stepped,
    Supervised,
    Used,
    Voted,
    WalletPointed,
)
from ledger.domain.limits import LIMITS
from ledger.domain.operations import Operation
from ledger.ports import LocatedEvent, Receipt
from ledger.storage.outbox import Settlement, StoredIntent

__all__ = ["back_off", "settlements"]

# The event that an operation emits exactly once when it is done.
_EVENTS: Mapping[Operation, type[Event]] = {
    Operation.CONFIRM: MemberConfirmed,
    Operation.PROPOSE: Proposed,
    Operation.VOTE: Voted,
    Operation.SET_KEYS: KeySet,
    Operation.START_RECOVERY: RecoveryStarted,
    Operation.FINISH_RECOVERY: KeySet,
    Operation.OBJECT_RECOVERY: RecoveryObjected,
    Operation.PUBLISH_KEYS: ServiceKeyPublished,
    Operation.PUBLISH_ENDPOINT: EndpointPublished,
    Operation.SET_DEPARTMENTS: DepartmentSet,
    Operation.POST_CALENDARS: CalendarPosted,
    Operation.OBJECT_CALENDARS: CalendarObjected,
    Operation.PUBLISH: MatterPublished,
    Operation.WITHDRAW: MatterWithdrawn,
    Operation.DRAFT: AgreementDrafted,
    Operation.ACCEPT: AgreementAccepted,
    Operation.END: AgreementEnded,
    Operation.DELEGATE: DelegationSet,
    Operation.ANCHOR: Anchored,
    Operation.REVOKE: LeavesRevoked,
    Operation.ERASE: ErasureRecorded,
    Operation.POINT: WalletPointed,
    Operation.ASK: LookupAsked,
    Operation.ANSWER: LookupAnswered,
    Operation.GRANT: Granted,
    Operation.GRANT_WITNESSED: Granted,
    Operation.CONFIRM_WITNESSED: ConsentConfirmed,
    Operation.REVOKE_CONSENT: ConsentRevoked,
    Operation.REVOKE_WITNESSED: ConsentRevoked,
    Operation.USE: Used,
    Operation.USE_BY_DUTY: Used,
    Operation.ASSENT: Assented,
    Operation.OPEN: Opened,
    Operation.ACT: Stepped,
    Operation.STEP: Stepped,
    Operation.HAND_OVER: HandedOver,
    Operation.SUPERVISE: Supervised,
    Operation.RECORD: Recorded,
    Operation.SETTLE: Stepped,
}


def settlements(
    carried: Sequence[StoredIntent], contract: str, operation: Operation, receipt: Receipt, *, now: int
) -> list[Settlement]:
    """Read from a receipt what became of each intent that its transaction carried.

    Args:
        carried: the intents, each with its position in the transaction.
        contract: the contract that was called.
        operation: the operation that was called for.
        receipt: of the mined transaction.
        now: for when to try again.
    """
    if not receipt.succeeded:
        return [_reverted(intent, len(carried), now) for intent in carried]
    events = [located for located in receipt.events if located.contract == contract]
    refused = {
        located.event.index: located.event
        for located in events
        if isinstance(located.event, Refused) and located.event.operation == operation
    }
    results = _results(carried, operation, events, refused)
    return [
        Settlement(intent.id, "refused", reason=refused[intent.position].reason)
        if intent.position in refused
        else Settlement(intent.id, "done", result=results.get(intent.id))
        for intent in carried
    ]


def back_off(attempts: int) -> int:
    """Seconds to the next attempt: doubled each time, up to a bound."""
    return min(LIMITS.outbox_resend_seconds << min(attempts, 16), LIMITS.outbox_resend_most_seconds)


def _reverted(intent: StoredIntent, carried: int, now: int) -> Settlement:
    if carried > 1:
        return Settlement(intent.id, "waiting", alone=True)
    if intent.attempts + 1 >= LIMITS.outbox_reverts:
        return Settlement(intent.id, "failed", error="chain.reverted")
    return Settlement(intent.id, "waiting", alone=True, not_before=now + back_off(intent.attempts))


def _results(
    carried: Sequence[StoredIntent],
    operation: Operation,
    events: Sequence[LocatedEvent],
    refused: Mapping[int, Refused],
) -> dict[str, object]:
    """The event of each intent that was done; where an event more was emitted on the way, those that name the subject."""
    done = [intent for intent in carried if intent.position not in refused]
    found = [located for located in events if isinstance(located.event, _EVENTS[operation])]
    if len(found) == len(done):
        return {intent.id: _result(located) for intent, located in zip(done, found, strict=True)}
    by_subject: dict[bytes, list[LocatedEvent]] = {}
    for located in found:
        for _, _, value in located.arguments:
            if isinstance(value, bytes):
                by_subject.setdefault(value, []).append(located)
    return {intent.id: _result(by_subject[intent.subject][-1]) for intent in done if intent.subject in by_subject}


def _result(located: LocatedEvent) -> dict[str, object]:
    return {
        "event": type(located.event).__name__,
        "block": located.block,
        "transaction": "0x" + located.transaction.hex(),
        "log_index": located.log_index,
        "arguments": {name: _plain(value) for name, _, value in located.arguments},
    }


def _plain(value: object) -> object:
    if isinstance(value, bytes):
        return "0x" + value.hex()
    if isinstance(value, tuple):
        return [_plain(item) for item in value]
    return value
