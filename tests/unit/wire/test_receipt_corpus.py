"""Every way to forge a receipt is refused with a code of its own, in bounded time.

The attacks start from the checked-in vectors. Where an attack needs the cities' signatures over a lie, the lie is written
into the log of the vectors' own world and cosigned there: behind the signatures each check must hold by itself.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from ledger.domain import merkle, typed
from ledger.domain.consents import Grantee
from ledger.domain.limits import LIMITS
from ledger.domain.policies import PolicyKey
from ledger.wire.receipts import LoggedEntry, Receipt, encode_receipt, read_receipt
from ledger.wire.verification import Outcome, verify_receipt
from tests.unit.log.network import DIVISIONS, log_signer
from tests.unit.wire import receipt_world as world
from tests.unit.wire.receipt_vectors import FILE, GOOD, NOW, POLICY, verdict_of
from tests.unit.wire.receipt_world import SCENES, START, Scene, make

pytestmark = pytest.mark.timeout(60)

USE = read_receipt(GOOD["use"])
PLAIN = read_receipt(GOOD["plain"])
PATH = USE.path
HASHES = merkle.leaf_hashes(world.batch().entries)
PLACE = USE.leaf & 0xFFFFFFFF
LAST = len(HASHES) - 1


def _moved(index: int, **changes: Any) -> Receipt:
    return replace(USE, leaf=world.BATCH << 32 | index, **changes)


def _entry(logged: LoggedEntry, old: bytes, new: bytes) -> LoggedEntry:
    assert old in logged.entry
    return replace(logged, entry=logged.entry.replace(old, new, 1))


def _given(**changes: Any) -> Receipt:
    """The consent's document changed, its entries as they are."""
    assert USE.use is not None
    return replace(USE, use=replace(USE.use, consent=replace(USE.use.consent, **changes)))


def _terms(**changes: Any) -> Receipt:
    assert USE.use is not None
    return _given(terms=replace(USE.use.consent.terms, **changes))


def _signatures(change: Callable[[bytes], bytes]) -> Receipt:
    """This leaf's signature changed."""
    assert USE.use is not None
    consent = USE.use.consent
    own = consent.terms.leaves.index(USE.leaf)
    changed = [change(each) if place == own else each for place, each in enumerate(consent.signatures)]
    return _given(signatures=tuple(changed))


def _high_s(signature: bytes) -> bytes:
    order = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141
    mirrored = order - int.from_bytes(signature[32:64], "big")
    return signature[:32] + mirrored.to_bytes(32, "big") + bytes((55 - signature[64],))


def _told(**changes: Any) -> Receipt:
    """The lie stands in the log, and the cities have cosigned it."""
    return make(replace(SCENES["use"], **changes))


def _replayed() -> Receipt:
    """The consent of another case, with its own grant; the use is of this one."""
    other = world.consent(salt=bytes([4]) * 32)
    return make(Scene(given=other, used={"consent": world.consent().digest}))


def _other_tree() -> tuple[bytes, ...]:
    other = [merkle.leaf_hash(b"other"), *HASHES[1:]] if PLACE else [*HASHES[:-1], merkle.leaf_hash(b"other")]
    return merkle.inclusion_proof(other, PLACE)


def _forged_absence() -> Receipt:
    """The leaf is revoked; the proof of an older tree, in which it was not, is shown."""
    return replace(make(Scene(given=world.consent(), revoked=(USE.leaf,))), absence=USE.absence)


FORGED: dict[str, tuple[Callable[[], Receipt], str, str]] = {
    # The batch's tree
    "an inner node as leaf": (
        lambda: _moved(PLACE >> 1, entry=HASHES[PLACE & ~1] + HASHES[PLACE | 1], path=PATH[1:]),
        "anchored",
        "log.proof_short",
    ),
    "an inner node with a padded path": (
        lambda: replace(USE, entry=HASHES[PLACE & ~1] + HASHES[PLACE | 1]),
        "anchored",
        "log.inclusion_mismatch",
    ),
    "a truncated path": (lambda: replace(USE, path=PATH[:-1]), "anchored", "log.proof_short"),
    "an extended path": (lambda: replace(USE, path=(*PATH, PATH[0])), "anchored", "log.proof_long"),
    "swapped siblings": (
        lambda: replace(USE, path=(PATH[1], PATH[0], *PATH[2:])),
        "anchored",
        "log.inclusion_mismatch",
    ),
    "another leaf's place": (lambda: _moved(PLACE ^ 1), "anchored", "log.inclusion_mismatch"),
    "a place outside the tree": (lambda: _moved(len(HASHES)), "anchored", "log.index_range"),
    "a duplicated last leaf": (
        lambda: _moved(
            LAST + 1,
            entry=world.batch().entries[LAST],
            path=merkle.inclusion_proof([*HASHES, HASHES[LAST]], LAST + 1),
        ),
        "anchored",
        "log.index_range",
    ),
    "another tree": (lambda: replace(USE, path=_other_tree()), "anchored", "log.inclusion_mismatch"),
    "a wrong size": (
        lambda: _told(anchored={"size": len(HASHES) * 2}),
        "anchored",
        "log.proof_short",
    ),
    "another batch": (
        lambda: replace(USE, leaf=(world.BATCH + 1) << 32 | PLACE),
        "anchored",
        "receipts.other_batch",
    ),
    "another record": (
        lambda: replace(USE, record=USE.record.replace(b"510107", b"510108")),
        "anchored",
        "leaves.commitment_mismatch",
    ),
    "other random bytes": (lambda: replace(USE, blinding=bytes(32)), "anchored", "leaves.commitment_mismatch"),
    "another city's anchoring of the same leaves": (
        lambda: _told(anchored={"member": 2}),
        "anchored",
        "receipts.other_member",
    ),
    # The log
    "an entry changed": (
        lambda: replace(USE, anchored=_entry(USE.anchored, b'"member":1', b'"member":2')),
        "anchored",
        "log.inclusion_mismatch",
    ),
    "an entry at another place": (
        lambda: replace(USE, anchored=replace(USE.anchored, index=USE.anchored.index + 1)),
        "anchored",
        "log.inclusion_mismatch",
    ),
    "an entry of another log": (lambda: replace(USE, anchored=PLAIN.anchored), "anchored", "log.inclusion_mismatch"),
    "an entry of another kind": (lambda: replace(USE, anchored=USE.status), "anchored", "receipts.other_entry"),
    "another size in the checkpoint": (
        lambda: replace(USE, checkpoint=USE.checkpoint.replace(b"\n8\n", b"\n9\n", 1)),
        "seen",
        "log.signature_invalid",
    ),
    "too few cities": (lambda: _told(by=DIVISIONS[:3]), "seen", "log.policy_quorum"),
    # What was revoked
    "a revoked leaf": (_forged_absence, "not_revoked", "log.inclusion_mismatch"),
    "a status without neighbours": (
        lambda: replace(USE, absence=replace(USE.absence, left=None, right=None)),
        "not_revoked",
        "log.status_neighbour_missing",
    ),
    "a status of another chain": (lambda: _told(status={"chain_id": 1}), "not_revoked", "receipts.other_chain"),
    "a status older than the anchoring": (
        lambda: _told(status_first=True),
        "not_revoked",
        "receipts.status_too_old",
    ),
    "an event as status": (lambda: replace(USE, status=USE.anchored), "not_revoked", "receipts.other_entry"),
    "a moved clock on a network": (lambda: replace(USE, engine="network"), "not_revoked", "receipts.clock_moved"),
    # The fields
    "a field opened twice": (
        lambda: replace(USE, disclosures=(*USE.disclosures, USE.disclosures[0])),
        "fingerprint",
        "records.duplicate_field",
    ),
    "a field of another record": (
        lambda: replace(USE, disclosures=("W10",)),
        "fingerprint",
        "records.disclosure",
    ),
    "more than was disclosed": (
        lambda: _told(opened=(*world.SHOWN, "number")),
        "consent",
        "receipts.more_than_disclosed",
    ),
    # The consent
    "a replayed consent": (_replayed, "consent", "receipts.other_consent"),
    "a consent for another matter": (lambda: _terms(matter=bytes(32)), "consent", "receipts.other_matter"),
    "a consent for another case": (lambda: _terms(case=bytes(32)), "consent", "receipts.other_case"),
    "a use in another cases contract": (lambda: _told(used={"cases": world.OTHER}), "consent", "receipts.other_case"),
    "a consent for another leaf": (
        lambda: _terms(leaves=(world.leaf_of(1),)),
        "consent",
        "receipts.other_leaf",
    ),
    "a use of the other leaf alone": (
        lambda: _told(used={"leaves": (world.leaf_of(1),)}),
        "consent",
        "receipts.other_leaf",
    ),
    "a use by another city": (lambda: _told(used={"member": 3}), "consent", "receipts.other_city"),
    "a consent for another city": (lambda: _terms(grantees=(Grantee(2, 2),)), "consent", "receipts.other_city"),
    "another term": (lambda: _terms(salt=bytes(32)), "consent", "receipts.other_terms"),
    "a longer validity": (lambda: _terms(valid_until=START + 10**8), "consent", "receipts.other_terms"),
    "a consent for another chain": (lambda: _given(chain_id=1), "consent", "receipts.other_chain"),
    "a use on another chain": (
        lambda: _told(used_place={"chain_id": 1}),
        "consent",
        "receipts.other_chain",
    ),
    "a consent for another contract": (lambda: _given(contract=world.OTHER), "consent", "receipts.other_contract"),
    "a grant by another contract": (
        lambda: _told(granted_place={"contract": world.OTHER}),
        "consent",
        "receipts.other_contract",
    ),
    "a use of other fields": (
        lambda: _told(used={"disclosed": bytes(32)}),
        "consent",
        "consents.disclosed_mismatch",
    ),
    "an expired consent": (
        lambda: _told(used_place={"time": START + 31 * 86_400}),
        "consent",
        "receipts.consent_expired",
    ),
    "a consent that a leaf's end cut short": (
        lambda: _told(granted={"valid_until": START + 60}),
        "consent",
        "receipts.consent_expired",
    ),
    "a use before its time": (
        lambda: _told(used_place={"time": START - 1}),
        "consent",
        "receipts.consent_expired",
    ),
    "a consent that is used up": (lambda: _told(used={"remaining": 2}), "consent", "receipts.used_up"),
    "a use before its grant": (lambda: _told(use_first=True), "consent", "receipts.use_order"),
    "a grant in place of the use": (
        lambda: replace(USE, use=replace(USE.use, used=USE.use.granted) if USE.use else None),
        "consent",
        "receipts.other_entry",
    ),
    "a use by duty without consent": (
        lambda: _told(used={"basis": 2, "consent": bytes(32)}),
        "consent",
        "receipts.other_consent",
    ),
    # The signatures
    "a malleable signature": (lambda: _signatures(_high_s), "consent", "typed.signature"),
    "a signature of zeros": (lambda: _signatures(lambda _: bytes(65)), "consent", "typed.signature"),
    "somebody else's signature": (
        lambda: _signatures(lambda _: typed.sign(world.consent().digest, bytes([7]) * 32)),
        "consent",
        "receipts.other_signer",
    ),
    "the holder's signature under another consent": (
        lambda: _signatures(lambda _: typed.sign(world.consent(salt=bytes([4]) * 32).digest, world.holder_keys(0)[0])),
        "consent",
        "receipts.other_signer",
    ),
    "signatures in another order": (
        lambda: _given(signatures=tuple(reversed(world.consent().signatures))),
        "consent",
        "receipts.other_signer",
    ),
    "a signature too few": (
        lambda: _given(signatures=world.consent().signatures[:1]),
        "consent",
        "receipts.signature_count",
    ),
    "no signatures": (lambda: _given(signatures=()), "consent", "receipts.signature_count"),
    "said to be on paper": (
        lambda: _given(signatures=(), attending=4, paper=world.PAPER),
        "consent",
        "receipts.other_paper",
    ),
    "another paper": (
        lambda: make(replace(SCENES["witnessed"], granted={"paper": bytes([1]) * 32})),
        "consent",
        "receipts.other_paper",
    ),
}


@pytest.mark.parametrize("name", FORGED)
def test_a_forged_receipt_is_refused_by_its_check(name: str) -> None:
    forge, check, code = FORGED[name]
    receipt = forge()
    data = encode_receipt(receipt)
    assert len(data) <= LIMITS.receipt_bytes
    verdict = verdict_of(receipt)
    found = verdict.check(check)
    assert (found.outcome, found.code) == (Outcome.FAILED, code)
    assert not verdict.good


def test_a_paper_that_has_expired_is_not_called_valid() -> None:
    expired = verdict_of(USE, now=START + 6 * 365 * 86_400).check("validity")
    assert (expired.outcome, expired.code) == (Outcome.FAILED, "receipts.expired")


def test_a_paper_expires_by_the_networks_clock() -> None:
    until = int(dict(verdict_of(USE).check("validity").evidence)["until"])
    real = until - world.CLOCK_OFFSET

    def outcome(now: int, receipt: Receipt = USE) -> Outcome:
        return verify_receipt(receipt, POLICY, [FILE], now=now, wall=True).check("validity").outcome

    assert (outcome(real), outcome(real + 1)) == (Outcome.PASSED, Outcome.FAILED)
    # A clock that went back makes nothing valid again: the status was made at a time that has come already.
    late = _told(status={"block_time": until + 1})
    assert outcome(0, late) is Outcome.FAILED
    # The offset counts only where the cities' signatures stand behind it.
    unsigned = replace(USE, checkpoint=USE.checkpoint.replace(b"\n8\n", b"\n9\n", 1))
    assert (outcome(until, unsigned), outcome(until + 1, unsigned)) == (Outcome.PASSED, Outcome.FAILED)


def test_whoever_trusts_another_log_is_not_convinced() -> None:
    key = log_signer(DIVISIONS[1]).key
    verdict = verify_receipt(USE, replace(POLICY, logs=(PolicyKey(key.name, key),)), [FILE], now=NOW)
    assert verdict.check("seen").code == "log.policy_log"
    # Nothing is called true or false that rests on a checkpoint that is not trusted.
    assert {verdict.check(name).outcome for name in ("anchored", "assurance", "not_revoked", "consent")} == {
        Outcome.COULD_NOT_CHECK
    }
