"""What a receipt proves: named checks, each with its evidence, without network, database or key.

Three answers, never mixed: *passed*, *failed*, *could not check*. A verdict never calls a material genuine below
assurance 3: until then somebody only looked at a paper. Times are those of the chain.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from ledger.domain import leaves, merkle, records
from ledger.domain.entries import EventEntry, StatusEntry, parse_entry
from ledger.domain.events import Anchored
from ledger.domain.files import FileDigests
from ledger.domain.leaves import LeafEntry
from ledger.domain.logged_events import event_of
from ledger.domain.policies import Policy
from ledger.domain.status import leaf_status_identifier, verify_absence
from ledger.errors import FormatError, InputError, LedgerError
from ledger.wire.proofs import TrustedCheckpoint, trust_checkpoint, verify_entry
from ledger.wire.receipts import LoggedEntry, Receipt

__all__ = ["Check", "Outcome", "Verdict", "verify_receipt"]


class Outcome(StrEnum):
    """The answer of one check."""

    PASSED = "passed"
    FAILED = "failed"
    COULD_NOT_CHECK = "could_not_check"


@dataclass(frozen=True, slots=True)
class Check:
    """One check: its name, its answer, the code where it failed, and the evidence as facts."""

    name: str
    outcome: Outcome
    code: str = ""
    evidence: tuple[tuple[str, str | int], ...] = ()


@dataclass(frozen=True, slots=True)
class Verdict:
    """All checks of a receipt, in order."""

    checks: tuple[Check, ...]

    @property
    def good(self) -> bool:
        """Whether every check passed."""
        return all(check.outcome is Outcome.PASSED for check in self.checks)

    def check(self, name: str) -> Check:
        """Return one check by its name."""
        return next(check for check in self.checks if check.name == name)


def verify_receipt(receipt: Receipt, policy: Policy, files: Iterable[FileDigests] = (), *, now: int) -> Verdict:
    """Check a receipt against the policy its reader trusts.

    Args:
        receipt: what was read; nothing of it is trusted yet.
        policy: whose cosignatures count, had from elsewhere.
        files: digests of the files that are held against the record; none: the files cannot be checked.
        now: POSIX seconds, for the paper's own validity.
    """
    seen, trusted = _seen(receipt, policy)
    anchored, event = _anchored(receipt, trusted)
    contract = event[0] if event else ""
    return Verdict(
        (
            _fingerprint(receipt, tuple(files)),
            anchored,
            _assurance(receipt, event),
            _not_revoked(receipt, trusted, contract),
            _validity(receipt, now),
            seen,
        )
    )


def _seen(receipt: Receipt, policy: Policy) -> tuple[Check, TrustedCheckpoint | None]:
    try:
        trusted = trust_checkpoint(receipt.checkpoint, policy)
    except LedgerError as error:
        return Check("seen", Outcome.FAILED, error.code), None
    facts = (
        ("log_size", trusted.checkpoint.size),
        ("cosigned", len(trusted.verdict.cosigned)),
        ("engine", receipt.engine),
    )
    return Check("seen", Outcome.PASSED, "", facts), trusted


def _entry(logged: LoggedEntry, trusted: TrustedCheckpoint) -> EventEntry | StatusEntry:
    verify_entry(logged.entry, logged.index, logged.path, trusted)
    entry = parse_entry(logged.entry)
    if not isinstance(entry, EventEntry | StatusEntry):
        raise FormatError("receipts.other_entry")
    return entry


def _anchored(receipt: Receipt, trusted: TrustedCheckpoint | None) -> tuple[Check, tuple[str, Anchored] | None]:
    """Hold the leaf to its batch's root, and the root to the ``Anchored`` entry that names member and key."""
    if trusted is None:
        return Check("anchored", Outcome.COULD_NOT_CHECK), None
    try:
        entry = _entry(receipt.anchored, trusted)
        if not isinstance(entry, EventEntry):
            raise FormatError("receipts.other_entry")
        event = event_of(entry)
        if not isinstance(event, Anchored) or event.batch != receipt.leaf >> 32:
            raise InputError("receipts.other_batch")
        index = receipt.leaf & 0xFFFFFFFF
        merkle.verify_inclusion(merkle.leaf_hash(receipt.entry), index, event.size, receipt.path, event.root)
        leaves.verify_entry(LeafEntry.decode(receipt.entry), receipt.record, receipt.blinding)
        if records.read_record(receipt.record).anchor_member != event.member:
            raise InputError("receipts.other_member")
    except LedgerError as error:
        return Check("anchored", Outcome.FAILED, error.code), None
    facts = (("member", event.member), ("block", entry.block_number), ("time", entry.block_time))
    return Check("anchored", Outcome.PASSED, "", facts), (entry.contract, event)


def _fingerprint(receipt: Receipt, files: tuple[FileDigests, ...]) -> Check:
    try:
        known = records.files_of(records.open_fields(receipt.record, receipt.disclosures))
    except LedgerError as error:
        return Check("fingerprint", Outcome.FAILED, error.code)
    if not files or not known:
        return Check("fingerprint", Outcome.COULD_NOT_CHECK)
    wanted = {(file.sha256, file.sm3, file.size) for file in known}
    if any((file.sha256, file.sm3, file.size) not in wanted for file in files):
        return Check("fingerprint", Outcome.FAILED, "receipts.other_file")
    return Check("fingerprint", Outcome.PASSED, "", (("files", len(files)),))


def _assurance(receipt: Receipt, event: tuple[str, Anchored] | None) -> Check:
    if event is None:
        return Check("assurance", Outcome.COULD_NOT_CHECK)
    record = records.read_record(receipt.record)
    facts = (("level", int(record.assurance.level)), ("genuine", int(record.assurance.genuine)))
    return Check("assurance", Outcome.PASSED, "", facts)


def _not_revoked(receipt: Receipt, trusted: TrustedCheckpoint | None, contract: str) -> Check:
    if trusted is None or not contract:
        return Check("not_revoked", Outcome.COULD_NOT_CHECK)
    try:
        status = _entry(receipt.status, trusted)
        if not isinstance(status, StatusEntry):
            raise FormatError("receipts.other_entry")
        if receipt.status.index <= receipt.anchored.index:
            raise InputError("receipts.status_too_old")
        identifier = leaf_status_identifier(contract, receipt.leaf >> 32, receipt.leaf & 0xFFFFFFFF)
        verify_absence(identifier, receipt.absence, status.status_size, status.status_root)
    except LedgerError as error:
        return Check("not_revoked", Outcome.FAILED, error.code)
    facts = (("as_of_block", status.block_number), ("as_of", status.block_time), ("clock_offset", status.clock_offset))
    return Check("not_revoked", Outcome.PASSED, "", facts)


def _validity(receipt: Receipt, now: int) -> Check:
    try:
        entry, record = LeafEntry.decode(receipt.entry), records.read_record(receipt.record)
    except LedgerError as error:
        return Check("validity", Outcome.FAILED, error.code)
    ends = [time for time in (entry.valid_until, record.expires_at) if time]
    if ends and now > min(ends):
        return Check("validity", Outcome.FAILED, "receipts.expired", (("until", min(ends)),))
    return Check("validity", Outcome.PASSED, "", (("until", min(ends)),) if ends else ())
