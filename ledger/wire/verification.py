"""What a receipt proves: named checks, each with its evidence, without network, database or key.

Three answers, never mixed: *passed*, *failed*, *could not check*; and *not claimed* where a receipt says nothing of the
kind, as one that shows no use says nothing of a consent. A verdict never calls a material genuine below assurance 3:
until then somebody only looked at a paper. Times are those of the chain.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property

from ledger.domain import leaves, merkle, records, typed
from ledger.domain.canonical import JsonObject
from ledger.domain.consents import Basis, provision_digest
from ledger.domain.entries import EventEntry, StatusEntry, parse_entry
from ledger.domain.events import Anchored, Event, Granted, Used
from ledger.domain.files import FileDigests
from ledger.domain.leaves import LeafEntry
from ledger.domain.logged_events import event_of
from ledger.domain.policies import Policy
from ledger.domain.records import Record
from ledger.domain.status import leaf_status_identifier, verify_absence
from ledger.errors import FormatError, InputError, LedgerError
from ledger.wire.grants import GrantedConsent
from ledger.wire.proofs import LogProof, TrustedCheckpoint, trust_checkpoint, verify_entry
from ledger.wire.receipts import SINGLE_SEQUENCER, LoggedEntry, Receipt, ShownUse

__all__ = ["Check", "Outcome", "Verdict", "verify_logged", "verify_receipt"]


class Outcome(StrEnum):
    """The answer of one check."""

    PASSED = "passed"
    FAILED = "failed"
    COULD_NOT_CHECK = "could_not_check"
    NOT_CLAIMED = "not_claimed"


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
        """Whether every check of what the receipt claims passed."""
        return all(check.outcome in {Outcome.PASSED, Outcome.NOT_CLAIMED} for check in self.checks)

    def check(self, name: str) -> Check:
        """Return one check by its name."""
        return next(check for check in self.checks if check.name == name)


class _Opened:
    """A receipt's record and fields, read where the first check needs them and not again; a fault shows in each check."""

    def __init__(self, receipt: Receipt) -> None:
        self._receipt = receipt

    @cached_property
    def record(self) -> Record:
        return records.read_record(self._receipt.record)

    @cached_property
    def fields(self) -> JsonObject:
        return records.open_fields(self.record, self._receipt.disclosures)


@dataclass(frozen=True, slots=True)
class _Anchoring:
    """The anchoring that a leaf was held to: on which chain, by which contract, and what it said."""

    chain_id: int
    contract: str
    event: Anchored


def verify_receipt(
    receipt: Receipt, policy: Policy, files: Iterable[FileDigests] = (), *, now: int, wall: bool = False
) -> Verdict:
    """Check a receipt against the policy its reader trusts.

    Args:
        receipt: what was read; nothing of it is trusted yet.
        policy: whose cosignatures count, had from elsewhere.
        files: digests of the files that are held against the record; none: the files cannot be checked.
        now: POSIX seconds of the network's clock, for the paper's own validity.
        wall: whether ``now`` is this machine's clock instead, as for somebody without a node: then the offset that the
            status entry states is added, once the cities' signatures have shown that it is theirs.
    """
    opened = _Opened(receipt)
    seen, trusted = _seen(receipt, policy)
    anchored, anchoring = _anchored(receipt, opened, trusted)
    not_revoked = _not_revoked(receipt, trusted, anchoring)
    return Verdict(
        (
            _fingerprint(opened, tuple(files)),
            anchored,
            _assurance(opened, anchoring),
            not_revoked,
            _consent(receipt, opened, trusted, anchoring),
            _validity(receipt, opened, _network_time(not_revoked, now, wall=wall)),
            seen,
        )
    )


def verify_logged(entry: bytes, proof: LogProof, policy: Policy) -> Verdict:
    """Check that an entry stands in the log: ``logged`` and ``seen``, as in a receipt.

    Args:
        entry: the entry's bytes, as the log's tiles have them.
        proof: a parsed ``.tlog-proof``; nothing of it is trusted yet.
        policy: whose cosignatures count, had from elsewhere.
    """
    try:
        trusted = trust_checkpoint(proof.checkpoint, policy)
    except LedgerError as error:
        return Verdict((Check("logged", Outcome.COULD_NOT_CHECK), Check("seen", Outcome.FAILED, error.code)))
    facts = (("log_size", trusted.checkpoint.size), ("cosigned", len(trusted.verdict.cosigned)))
    seen = Check("seen", Outcome.PASSED, "", facts)
    try:
        verify_entry(entry, proof.index, proof.path, trusted)
        read = parse_entry(entry)
    except LedgerError as error:
        return Verdict((Check("logged", Outcome.FAILED, error.code), seen))
    told: tuple[tuple[str, str | int], ...] = (("index", proof.index),)
    if isinstance(read, EventEntry):
        told += (("event", read.name), ("contract", read.contract))
    if isinstance(read, EventEntry | StatusEntry):
        told += (("block", read.block_number), ("time", read.block_time))
    return Verdict((Check("logged", Outcome.PASSED, "", told), seen))


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


def _event(logged: LoggedEntry, trusted: TrustedCheckpoint) -> tuple[EventEntry, Event]:
    entry = _entry(logged, trusted)
    if not isinstance(entry, EventEntry):
        raise FormatError("receipts.other_entry")
    return entry, event_of(entry)


def _anchored(receipt: Receipt, opened: _Opened, trusted: TrustedCheckpoint | None) -> tuple[Check, _Anchoring | None]:
    """Hold the leaf to its batch's root, and the root to the ``Anchored`` entry that names member and key."""
    if trusted is None:
        return Check("anchored", Outcome.COULD_NOT_CHECK), None
    try:
        entry, event = _event(receipt.anchored, trusted)
        if not isinstance(event, Anchored) or event.batch != receipt.leaf >> 32:
            raise InputError("receipts.other_batch")
        index = receipt.leaf & 0xFFFFFFFF
        merkle.verify_inclusion(merkle.leaf_hash(receipt.entry), index, event.size, receipt.path, event.root)
        leaves.verify_entry(LeafEntry.decode(receipt.entry), receipt.record, receipt.blinding)
        if opened.record.anchor_member != event.member:
            raise InputError("receipts.other_member")
    except LedgerError as error:
        return Check("anchored", Outcome.FAILED, error.code), None
    facts = (("member", event.member), ("block", entry.block_number), ("time", entry.block_time))
    return Check("anchored", Outcome.PASSED, "", facts), _Anchoring(entry.chain_id, entry.contract, event)


def _fingerprint(opened: _Opened, files: tuple[FileDigests, ...]) -> Check:
    try:
        known = records.files_of(opened.fields)
    except LedgerError as error:
        return Check("fingerprint", Outcome.FAILED, error.code)
    if not files and not known:
        return Check("fingerprint", Outcome.NOT_CLAIMED)
    if not files or not known:
        return Check("fingerprint", Outcome.COULD_NOT_CHECK, "", (("of", len(known)),))
    wanted = {(file.sha256, file.sm3, file.size) for file in known}
    if any((file.sha256, file.sm3, file.size) not in wanted for file in files):
        return Check("fingerprint", Outcome.FAILED, "receipts.other_file")
    return Check("fingerprint", Outcome.PASSED, "", (("files", len(files)), ("of", len(known))))


def _assurance(opened: _Opened, anchoring: _Anchoring | None) -> Check:
    if anchoring is None:
        return Check("assurance", Outcome.COULD_NOT_CHECK)
    assurance = opened.record.assurance
    facts = (("level", int(assurance.level)), ("genuine", int(assurance.genuine)))
    return Check("assurance", Outcome.PASSED, "", facts)


def _not_revoked(receipt: Receipt, trusted: TrustedCheckpoint | None, anchoring: _Anchoring | None) -> Check:
    if trusted is None or anchoring is None:
        return Check("not_revoked", Outcome.COULD_NOT_CHECK)
    try:
        status = _entry(receipt.status, trusted)
        if not isinstance(status, StatusEntry):
            raise FormatError("receipts.other_entry")
        if status.chain_id != anchoring.chain_id:
            raise InputError("receipts.other_chain")
        if receipt.status.index <= receipt.anchored.index:
            raise InputError("receipts.status_too_old")
        if status.clock_offset and receipt.engine != SINGLE_SEQUENCER:
            # Validators keep the real time; only the pilot's single engine has a clock of its own.
            raise InputError("receipts.clock_moved")
        identifier = leaf_status_identifier(anchoring.contract, receipt.leaf >> 32, receipt.leaf & 0xFFFFFFFF)
        verify_absence(identifier, receipt.absence, status.status_size, status.status_root)
    except LedgerError as error:
        return Check("not_revoked", Outcome.FAILED, error.code)
    facts = (("as_of_block", status.block_number), ("as_of", status.block_time), ("clock_offset", status.clock_offset))
    return Check("not_revoked", Outcome.PASSED, "", facts)


def _consent(
    receipt: Receipt, opened: _Opened, trusted: TrustedCheckpoint | None, anchoring: _Anchoring | None
) -> Check:
    """Hold the signed consent to the entries of its recording and of its use, and both to what is opened here."""
    use = receipt.use
    if use is None and receipt.duty is None:
        return Check("consent", Outcome.NOT_CLAIMED)
    if trusted is None or anchoring is None:
        return Check("consent", Outcome.COULD_NOT_CHECK)
    if use is None:
        return _duty(receipt, opened, trusted, anchoring)
    try:
        granted_entry, granted = _event(use.granted, trusted)
        used_entry, used = _event(use.used, trusted)
        if not isinstance(granted, Granted) or not isinstance(used, Used):
            raise FormatError("receipts.other_entry")
        if not receipt.anchored.index < use.granted.index < use.used.index:
            raise InputError("receipts.use_order")
        places = {(entry.chain_id, entry.contract) for entry in (granted_entry, used_entry)}
        _require_place(use.consent, anchoring, places)
        _require_terms(use.consent, granted, used, receipt.leaf)
        _require_within(receipt, opened, use, used)
        signed = _require_signatures(receipt, use.consent, granted)
        _require_in_time(granted, used, used_entry.block_time)
    except LedgerError as error:
        return Check("consent", Outcome.FAILED, error.code)
    return Check("consent", Outcome.PASSED, "", _consent_facts(use, granted, used, used_entry) + signed)


def _duty(receipt: Receipt, opened: _Opened, trusted: TrustedCheckpoint, anchoring: _Anchoring) -> Check:
    """Hold a reading without consent to the entry of its use: the provision, and no more than it let be seen.

    That the holder was told is in the entry as a commitment; that the city might read for the case, and that the provision
    is one of law, is what the contract required and what a court would judge.
    """
    duty = receipt.duty
    if duty is None:
        return Check("consent", Outcome.NOT_CLAIMED)
    try:
        entry, used = _event(duty.used, trusted)
        if not isinstance(used, Used) or used.basis != Basis.DUTY:
            raise FormatError("receipts.other_entry")
        if not receipt.anchored.index < duty.used.index:
            raise InputError("receipts.use_order")
        if entry.chain_id != anchoring.chain_id:
            raise InputError("receipts.other_chain")
        if entry.contract != anchoring.contract:
            raise InputError("receipts.other_contract")
        if receipt.leaf not in used.leaves:
            raise InputError("receipts.other_leaf")
        if provision_digest(duty.provision) != used.provision:
            raise InputError("receipts.other_provision")
        if duty.disclosed.digest != used.disclosed:
            raise InputError("consents.disclosed_mismatch")
        if not set(opened.fields) <= set(duty.disclosed.fields(receipt.leaf)):
            raise InputError("receipts.more_than_disclosed")
    except LedgerError as error:
        return Check("consent", Outcome.FAILED, error.code)
    facts: tuple[tuple[str, str | int], ...] = (
        ("basis", "duty"),
        ("provision", duty.provision),
        ("use", used.use),
        ("reader", used.member),
        ("time", entry.block_time),
        ("case", used.case.hex()),
        ("purpose", used.purpose),
    )
    return Check("consent", Outcome.PASSED, "", facts)


def _require_place(consent: GrantedConsent, anchoring: _Anchoring, places: set[tuple[int, str]]) -> None:
    """Typed data binds chain and contract, and the entries must be of the same: a consent for another is of no use."""
    places = places | {(consent.chain_id, consent.contract)}
    if {chain_id for chain_id, _ in places} != {anchoring.chain_id}:
        raise InputError("receipts.other_chain")
    if {contract for _, contract in places} != {anchoring.contract}:
        raise InputError("receipts.other_contract")


def _require_terms(consent: GrantedConsent, granted: Granted, used: Used, leaf: int) -> None:
    """Each term has its own code where the entries tell of it; the digest covers all of them."""
    terms = consent.terms
    if used.consent != granted.consent:
        raise InputError("receipts.other_consent")
    if terms.matter != granted.matter:
        raise InputError("receipts.other_matter")
    if (terms.cases, terms.case) != (granted.cases, granted.case) or used.cases != granted.cases:
        raise InputError("receipts.other_case")
    if terms.leaves != granted.leaves or leaf not in terms.leaves or leaf not in used.leaves:
        raise InputError("receipts.other_leaf")
    if tuple(grantee.packed() for grantee in terms.grantees) != granted.grantees:
        raise InputError("receipts.other_city")
    if all(grantee.member != used.member for grantee in terms.grantees):
        raise InputError("receipts.other_city")
    if consent.digest != granted.consent:
        raise InputError("receipts.other_terms")


def _require_within(receipt: Receipt, opened: _Opened, use: ShownUse, used: Used) -> None:
    disclosed = use.consent.disclosed
    if {use.consent.terms.disclosed, used.disclosed} != {disclosed.digest}:
        raise InputError("consents.disclosed_mismatch")
    if not set(opened.fields) <= set(disclosed.fields(receipt.leaf)):
        raise InputError("receipts.more_than_disclosed")


def _require_signatures(receipt: Receipt, consent: GrantedConsent, granted: Granted) -> tuple[tuple[str, int], ...]:
    """Recover this leaf's holder. Whose the other leaves are is in no entry of the log: the grant attests it."""
    if (consent.attending, consent.paper) != (granted.attending, granted.paper):
        raise InputError("receipts.other_paper")
    if granted.attending:
        if consent.signatures:
            raise InputError("receipts.signature_count")
        return (("witnessed_by", granted.attending), ("custodian", granted.custodian))
    if len(consent.signatures) != len(consent.terms.leaves):
        raise InputError("receipts.signature_count")
    # The consent's own digest, as the terms were held against it before.
    signers = [typed.recover(granted.consent, signature) for signature in consent.signatures]
    signer = signers[consent.terms.leaves.index(receipt.leaf)]
    if signer != "0x" + LeafEntry.decode(receipt.entry).holder.hex():
        raise InputError("receipts.other_signer")
    return (("signatures", len(signers)),)


def _require_in_time(granted: Granted, used: Used, time: int) -> None:
    if not granted.valid_from <= time <= granted.valid_until:
        raise InputError("receipts.consent_expired")
    allowed = next(grantee & 0xFFFF for grantee in granted.grantees if grantee >> 16 == used.member)
    if not 0 <= used.remaining < allowed:
        raise InputError("receipts.used_up")


def _consent_facts(use: ShownUse, granted: Granted, used: Used, entry: EventEntry) -> tuple[tuple[str, str | int], ...]:
    facts: tuple[tuple[str, str | int], ...] = (
        ("consent", granted.consent.hex()),
        ("use", used.use),
        ("reader", used.member),
        ("time", entry.block_time),
        ("case", used.case.hex()),
        ("matter", granted.matter.hex()),
        ("purpose", int(use.consent.terms.purpose)),
        ("remaining", used.remaining),
    )
    # The contract lets a consent be used for a child of its case as well; that it is one is what the entry attests.
    return facts if used.case == granted.case else (*facts, ("parent_case", granted.case.hex()))


def _network_time(not_revoked: Check, now: int, *, wall: bool) -> int:
    """Return the network's time: at least that of the status, which is when the network stood there already."""
    if not_revoked.outcome is not Outcome.PASSED:
        return now
    facts = dict(not_revoked.evidence)
    return max(now + (int(facts["clock_offset"]) if wall else 0), int(facts["as_of"]))


def _validity(receipt: Receipt, opened: _Opened, now: int) -> Check:
    try:
        entry, record = LeafEntry.decode(receipt.entry), opened.record
    except LedgerError as error:
        return Check("validity", Outcome.FAILED, error.code)
    ends = [time for time in (entry.valid_until, record.expires_at) if time]
    if ends and now > min(ends):
        return Check("validity", Outcome.FAILED, "receipts.expired", (("until", min(ends)), ("at", now)))
    return Check("validity", Outcome.PASSED, "", (("until", min(ends)),) if ends else ())
