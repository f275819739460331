"""Sending: what the outbox holds becomes transactions, and their receipts become outcomes.

``run_once`` is one pass of a daemon; it may be killed anywhere and run again, by itself or by another. It keeps these:

* A signed transaction is committed before it is sent; a retry sends the same bytes.
* An intent is in at most one nonce at a time, and a nonce is mined at most once.
* A nonce that was mined by a transaction this outbox does not know (it was restored from an old backup, or a key was used
  elsewhere) is looked up on the chain, taken apart, and its operations recognised among the intents, before anything is
  sent anew.
* Only finalised blocks settle anything.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from sqlalchemy.engine import Connection

from ledger.chain import codec
from ledger.domain.calls import Fields, call_digest, call_text, parse_call
from ledger.domain.limits import LIMITS
from ledger.domain.operations import Operation
from ledger.errors import ConflictError, UnavailableError
from ledger.ports import Chain, Clock, MinedTransaction, Receipt, SignedTransaction, Signer, UnsignedTransaction
from ledger.services import grouping
from ledger.services.settling import back_off, settlements
from ledger.storage import outbox, transactions
from ledger.storage.outbox import Intent, Settlement, StoredIntent
from ledger.storage.transactions import StoredTransaction
from ledger.storage.unit_of_work import UnitOfWorkFactory

__all__ = ["Report", "Sender", "enqueue", "run_once"]

_REFUSALS_BEFORE_SHRINKING = 3
_NO_KEY = "sending.no_key"


@dataclass(frozen=True, slots=True)
class Sender:
    """What sending needs: the database, the chain, the city's keys by role, and the time."""

    unit_of_work: UnitOfWorkFactory
    chain: Chain
    signers: Mapping[str, Signer]
    clock: Clock

    def addresses(self) -> dict[str, str]:
        """The address of each role's key; several roles may share one."""
        return {role: signer.address for role, signer in self.signers.items()}


@dataclass(slots=True)
class Report:
    """What one pass did. ``problems`` are codes of errors that time or a person will remove."""

    prepared: int = 0
    sent: int = 0
    done: int = 0
    refused: int = 0
    failed: int = 0
    requeued: int = 0
    adopted: int = 0
    in_flight: int = 0
    waiting: int = 0
    problems: list[str] = field(default_factory=list)

    @property
    def moved(self) -> bool:
        """Whether anything happened, so that another pass at once makes sense."""
        return bool(self.prepared or self.done or self.refused or self.failed or self.requeued or self.adopted)


def enqueue(
    connection: Connection,
    *,
    intent: str,
    operation: Operation,
    contract: str,
    role: str,
    subject: bytes,
    fields: Fields,
    now: int,
    after: str | None = None,
    not_before: int = 0,
) -> bool:
    """Write down, in the caller's transaction, what is to be done on the chain.

    Args:
        connection: of the unit of work that also writes the row it belongs to.
        intent: idempotency key; the same key with the same fields is the same intent.
        operation: what.
        contract: address of the contract, lowercase.
        role: whose key signs: one of ``ports.ROLES``.
        subject: what it is about, 32 bytes (``grouping.NO_SUBJECT`` for nothing in particular). Intents of one subject are
            carried out in order of arrival.
        fields: the operation's fields as the contract names them, shared arrays nested under their own names instead
            of offset and count; ``{"value": …}`` where an operation is no struct.
        now: the time.
        after: an intent that must be done first; if it is refused or fails, this one fails too.
        not_before: earliest time to send it.

    Returns:
        Whether it is new.

    Raises:
        InputError: ``chain.call_malformed``.
        ConflictError: ``storage.intent_differs``.
        UnavailableError: ``storage.outbox_full``.
    """
    call = codec.canonical_call(operation, fields)
    return outbox.enqueue(
        connection,
        Intent(
            id=intent,
            operation=operation,
            contract=contract,
            role=role,
            subject=subject,
            call=call,
            after=after,
            not_before=not_before,
        ),
        now=now,
    )


def run_once(sender: Sender) -> Report:
    """One pass: settle what was mined, recognise what is unknown, form and sign batches, send, settle again.

    Raises:
        IntegrityError: the engine answers what cannot be true.
        UnavailableError: the database cannot be used. An engine that does not answer is only reported.
    """
    report = Report()
    try:
        _settle(sender, report)
        _prepare(sender, _recognise(sender, report), report)
        _send(sender, report)
        _settle(sender, report)
    except UnavailableError as error:
        if error.code.startswith("storage."):
            raise
        report.problems.append(error.code)
    with sender.unit_of_work() as uow:
        report.waiting = outbox.waiting(uow.connection)
        report.in_flight = len(transactions.in_flight(uow.connection))
    return report


# ---- settling -------------------------------------------------------------------------------------------------------


def _settle(sender: Sender, report: Report) -> None:
    with sender.unit_of_work() as uow:
        under_way = transactions.in_flight(uow.connection)
    if not under_way:
        return
    finalised = sender.chain.head().finalised
    nonces = {address: sender.chain.nonce(address) for address in {one.address for one in under_way}}
    mined: list[tuple[StoredTransaction, Receipt]] = []
    for transaction in under_way:
        if transaction.nonce >= nonces[transaction.address]:
            continue
        receipt = sender.chain.receipt(transaction.hash)
        if receipt is None:
            other = sender.chain.mined(transaction.address, transaction.nonce)
            if other is not None and other.hash != transaction.hash and other.block <= finalised:
                _adopt(sender, [other], report)
        elif receipt.block <= finalised:
            mined.append((transaction, receipt))
    if not mined:
        return
    now = sender.clock()
    counted = replace(report)
    with sender.unit_of_work() as uow:
        for transaction, receipt in mined:
            found: list[Settlement] = []
            if transaction.operation is not None:
                carried = transactions.attached(uow.connection, transaction.id)
                found = settlements(carried, transaction.contract, transaction.operation, receipt, now=now)
            transactions.settle(
                uow.connection,
                transaction,
                block=receipt.block,
                gas_used=receipt.gas_used,
                settlements=found,
                now=now,
            )
            _count(counted, found)
        counted.failed += outbox.fail_dependants(uow.connection, now=now)
        uow.commit()
    report.done, report.refused, report.failed, report.requeued = (
        counted.done,
        counted.refused,
        counted.failed,
        counted.requeued,
    )


def _count(report: Report, found: Sequence[Settlement]) -> None:
    for settlement in found:
        report.done += settlement.state == "done"
        report.refused += settlement.state == "refused"
        report.failed += settlement.state == "failed"
        report.requeued += settlement.state == "waiting"


# ---- recognising ----------------------------------------------------------------------------------------------------


def _recognise(sender: Sender, report: Report) -> dict[str, int]:
    """Look up mined nonces that this outbox knows nothing of, as long as something waits that they may have carried.

    All of them are written down at once: half of them would hide the rest from the next pass.

    Returns:
        For each address with something to send, the nonce up to which everything is known.
    """
    with sender.unit_of_work() as uow:
        oldest = outbox.oldest_waiting(uow.connection)
    counts: dict[str, int] = {}
    for address in dict.fromkeys(sender.signers[role].address for role in oldest if role in sender.signers):
        since = min(time for role, time in oldest.items() if sender.addresses().get(role) == address)
        count = sender.chain.nonce(address)
        unknown = _unknown(sender, address, count, since - LIMITS.outbox_adopt_margin_seconds)
        if unknown:
            if max(mined.block for mined in unknown) > sender.chain.head().finalised:
                # What they carry is not certain yet, and nothing may be sent before it is.
                continue
            _adopt(sender, unknown, report)
        counts[address] = count
    return counts


def _unknown(sender: Sender, address: str, count: int, since: int) -> list[MinedTransaction]:
    with sender.unit_of_work() as uow:
        first, last = transactions.nonce_range(uow.connection, address)
        # Below the last nonce that is known there is a gap only where a transaction was dropped, which is not long ago.
        floor = max(first, min(last + 1, count - 4 * LIMITS.outbox_in_flight), count - LIMITS.outbox_adopt, 0)
        known = transactions.known_nonces(uow.connection, address, floor)
    found: list[MinedTransaction] = []
    for nonce in range(count - 1, floor - 1, -1):
        mined = sender.chain.mined(address, nonce) if nonce not in known else None
        if mined is not None:
            found.append(mined)
            if last < 0 and mined.time < since:
                # This outbox is new and has nothing that is as old as this transaction.
                break
    return found


def _adopt(sender: Sender, found: Sequence[MinedTransaction], report: Report) -> None:
    """Write mined transactions down with the intents recognised in them; receipts settle them like any other."""
    with sender.unit_of_work() as uow:
        for mined in sorted(found, key=lambda one: one.nonce):
            taken_apart = codec.decode_call(mined.data)
            operation, calls = (None, []) if taken_apart is None else taken_apart
            digests = [call_digest(mined.contract, operation, call_text(call)) for call in calls] if operation else []
            candidates: dict[bytes, list[StoredIntent]] = {}
            for intent in outbox.matching(uow.connection, mined.sender, mined.nonce, set(digests)):
                candidates.setdefault(intent.digest, []).append(intent)
            carried = [candidates[digest].pop(0).id if candidates.get(digest) else "" for digest in digests]
            transactions.adopt(uow.connection, mined, operation, carried, now=sender.clock())
        uow.commit()
    report.adopted += len(found)


# ---- preparing ------------------------------------------------------------------------------------------------------


def _prepare(sender: Sender, nonces: Mapping[str, int], report: Report) -> None:
    """Form and sign batches; ``nonces`` are those up to which everything is known, for each address."""
    now = sender.clock()
    keys = {signer.address: signer for signer in sender.signers.values()}
    chain_id = sender.chain.chain_id()
    with sender.unit_of_work() as uow:
        # Also what was asked for after its predecessor had been refused.
        stranded = outbox.fail_dependants(uow.connection, now=now)
        waiting = outbox.claimable(uow.connection, now=now, limit=LIMITS.outbox_pass)
        # A key that was just put back is read in seconds; waiting longer brings none, and whoever brings it tries again.
        latest = now - LIMITS.outbox_key_seconds
        keyless = {
            intent.id: _NO_KEY
            for intent in waiting
            if intent.role not in sender.signers and max(intent.created_at, intent.not_before) <= latest
        }
        under_way = transactions.in_flight(uow.connection)
        room = {
            address: LIMITS.outbox_in_flight - sum(one.address == address for one in under_way) for address in nonces
        }
        busy = outbox.busy_subjects(uow.connection)
        batches, malformed = grouping.form(waiting, sender.addresses(), busy=busy, room=room)
        failures = [Settlement(intent, "failed", error=code) for intent, code in {**keyless, **malformed}.items()]
        outbox.apply_all(uow.connection, failures, now=now)
        taken = {
            address: transactions.known_nonces(uow.connection, address, first) for address, first in nonces.items()
        }
        for batch in batches:
            nonce = nonces[batch.address]
            while nonce in taken[batch.address]:
                nonce += 1
            taken[batch.address].add(nonce)
            data = codec.encode_call(batch.operation, batch.calls)
            transactions.record(
                uow.connection,
                address=batch.address,
                nonce=nonce,
                contract=batch.contract,
                operation=batch.operation,
                signed=_sign(keys[batch.address], chain_id, nonce, batch.contract, data),
                carried=[intent.id for intent in batch.intents],
                now=now,
            )
        uow.commit()
    report.prepared += len(batches)
    report.failed += len(failures) + stranded


def _sign(signer: Signer, chain_id: int, nonce: int, contract: str, data: bytes) -> SignedTransaction:
    return signer.sign_transaction(UnsignedTransaction(chain_id, nonce, contract, data, LIMITS.transaction_gas))


# ---- sending --------------------------------------------------------------------------------------------------------


def _send(sender: Sender, report: Report) -> None:
    now = sender.clock()
    with sender.unit_of_work() as uow:
        due = [one for one in transactions.in_flight(uow.connection) if one.send_after <= now and one.raw]
    nonces = {address: sender.chain.nonce(address) for address in {one.address for one in due}}
    stopped: set[str] = set()
    for transaction in due:
        if transaction.address in stopped or transaction.nonce < nonces[transaction.address]:
            continue
        error: str | None = None
        pause = back_off(transaction.attempts)
        try:
            sender.chain.send(transaction.raw)
            report.sent += 1
        except UnavailableError as problem:
            error, pause = problem.code, max(1, problem.retry_after)
        except ConflictError as problem:
            # A used or taken nonce is sorted out when the transaction that has it is mined.
            error = problem.code
        if error is not None:
            report.problems.append(error)
            stopped.add(transaction.address)
        refused = error == "chain.transaction_refused" and transaction.attempts + 1 >= _REFUSALS_BEFORE_SHRINKING
        stuck = error is None and transaction.attempts >= LIMITS.outbox_stuck_attempts
        if refused or (stuck and transaction.nonce == nonces[transaction.address]):
            _shrink(sender, transaction, report, refused=refused)
            continue
        with sender.unit_of_work() as uow:
            transactions.note_sent(uow.connection, transaction.id, now=now, send_after=now + pause, error=error)
            uow.commit()


def _shrink(sender: Sender, transaction: StoredTransaction, report: Report, *, refused: bool) -> None:
    """Put half of a transaction that no block takes in its place, under the same nonce; the rest waits for that nonce.

    A single operation that an engine refuses for good fails; one that is merely not mined is sent on and on.
    """
    now = sender.clock()
    signer = next((one for one in sender.signers.values() if one.address == transaction.address), None)
    with sender.unit_of_work() as uow:
        carried = transactions.attached(uow.connection, transaction.id)
        half = carried[: len(carried) // 2]
        if half and signer is not None and transaction.operation is not None:
            data = codec.encode_call(transaction.operation, [parse_call(intent.call) for intent in half])
            signed = _sign(signer, sender.chain.chain_id(), transaction.nonce, transaction.contract, data)
            transactions.replace(uow.connection, transaction, signed, [intent.id for intent in half], now=now)
            report.prepared += 1
        elif refused:
            failures = [Settlement(intent.id, "failed", error="chain.transaction_refused") for intent in carried]
            transactions.drop(uow.connection, transaction, failures, now=now)
            report.failed += len(failures) + outbox.fail_dependants(uow.connection, now=now)
        else:
            pause = back_off(transaction.attempts)
            transactions.note_sent(uow.connection, transaction.id, now=now, send_after=now + pause)
        uow.commit()
