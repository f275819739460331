"""Every operation on materials and consents, in every state of leaf, consent and case, from every role.

The first table says who may do what at all; the second what the state alone answers to whoever may. Each line of the
second rests on a sentence of the design, given beside it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from ledger.domain import typed
from ledger.domain.consortium import Role, Standing
from ledger.domain.operations import Operation
from ledger.domain.reasons import Reason
from tests.contracts.chain import CHAIN_ID, ZERO, address_of, key
from tests.contracts.desk import CASE, MATTER, PAPER, Consent, Desk, open_desk

DAY = 86_400
ROLES = {
    Operation.ANCHOR: Role.ISSUE,
    Operation.REVOKE: Role.ISSUE,
    Operation.ERASE: Role.OPERATE,
    Operation.POINT: Role.OPERATE,
    Operation.ASK: Role.OPERATE | Role.WITNESS,
    Operation.ANSWER: Role.OPERATE,
    Operation.GRANT: Role.OPERATE | Role.WITNESS,
    Operation.GRANT_WITNESSED: Role.OPERATE | Role.WITNESS,
    Operation.CONFIRM_WITNESSED: Role.REGULATE,
    Operation.REVOKE_CONSENT: Role.OPERATE | Role.WITNESS | Role.REGULATE,
    Operation.REVOKE_WITNESSED: Role.OPERATE | Role.WITNESS | Role.REGULATE,
    Operation.USE: Role.OPERATE,
    Operation.USE_BY_DUTY: Role.OPERATE,
}
LEAF = 0  # self-held, without an end
HELD = 6  # in custody of Wuhou


def consent(desk: Desk) -> Consent:
    """The consent of the matrix: one self-held leaf, Mianyang may read once."""
    return Consent(leaves=(LEAF,), grantees=((2, 1),), **desk.extra["times"])


def paper(desk: Desk) -> Consent:
    """The same on paper, over a leaf in custody."""
    return Consent(leaves=(HELD,), grantees=((2, 1),), salt=b"\x56" * 32, **desk.extra["times"])


def arguments(desk: Desk, operation: Operation) -> tuple[Any, ...]:
    """Arguments that are right, whatever the state."""
    given, on_paper = consent(desk), paper(desk)
    world = desk.world
    witnesses = (world.key("yanta", "witness"), world.key("yanta", "witness2"))
    if operation is Operation.GRANT:
        return tuple(desk.grant_arguments(given))
    if operation is Operation.GRANT_WITNESSED:
        return tuple(desk.paper_arguments(on_paper, "yanta", (*witnesses, world.key("wuhou", "issue"))))
    if operation is Operation.USE:
        fields = desk.fields(given)
        item = {
            "consent": desk.digest(given), "case": CASE, "cases": fields["cases"], "granted_for": CASE, "matter": MATTER,
            "purpose": 1, "disclosed": fields["disclosed"], "leaf_offset": 0, "leaf_count": 1,
        }  # fmt: skip
        return ([item], [desk.word(LEAF)])
    if operation is Operation.USE_BY_DUTY:
        item = {
            "case": CASE, "cases": desk.cases.address, "purpose": 1, "disclosed": b"\x33" * 32, "provision": b"\x71" * 32,
            "notice": b"\x72" * 32, "leaf_offset": 0, "leaf_count": 1,
        }  # fmt: skip
        return ([item], [desk.leaf(LEAF, 0)], list(desk.proofs[LEAF]))
    if operation is Operation.REVOKE_CONSENT:
        digest = desk.digest(given)
        message = typed.digest("ConsentRevocation", {"consent": digest}, CHAIN_ID, world.contract("materials").address)
        item = {"consent": digest} | desk.leaf(LEAF, 0) | desk.signature(message, desk.holders[LEAF])
        return ([item], list(desk.proofs[LEAF]))
    if operation is Operation.REVOKE_WITNESSED:
        number = world.number("yanta")
        fields = {"consent": desk.digest(on_paper), "paper": PAPER, "attending": number}
        message = typed.digest("PaperRevocation", fields, CHAIN_ID, world.contract("materials").address)
        item = fields | {"signature_offset": 0, "signature_count": 2}
        return ([item], [desk.signature(message, signer) for signer in witnesses])
    return _plain(desk, operation, on_paper)


def _plain(desk: Desk, operation: Operation, on_paper: Consent) -> tuple[Any, ...]:
    if operation is Operation.ANCHOR:
        return ([{"root": b"\x81" * 32, "size": 256, "blob": b"\x82" * 32, "flags": 0}],)
    if operation is Operation.REVOKE:
        return ([{"batch": desk.batch, "leaf_offset": 0, "leaf_count": 1, "cause": 1, "commitment": ZERO}], [LEAF])
    if operation is Operation.ERASE:
        item = {"batch": desk.batch, "consent": ZERO, "basis": 3, "commitment": ZERO, "leaf_offset": 0, "leaf_count": 1}
        return ([item], [LEAF])
    if operation is Operation.POINT:
        return ([(b"\x91" * 32, b"\x92" * 32)],)
    if operation is Operation.ASK:
        return ([(b"\xa1" * 32, 1, 1, b"\xa2" * 32)],)
    if operation is Operation.ANSWER:
        return ([(b"\xa0" * 32, b"\xa3" * 32, b"\xa4" * 32)],)
    assert operation is Operation.CONFIRM_WITNESSED
    return ([desk.digest(on_paper)],)


def do(desk: Desk, member: str, role: str, operation: Operation) -> None:
    """One operation, done."""
    desk.world.send(member, role, "materials", operation.name.lower(), *arguments(desk, operation)).done()


def used_up(desk: Desk) -> None:
    do(desk, "mianyang", "operate", Operation.GRANT)
    do(desk, "mianyang", "operate", Operation.USE)


def granted(desk: Desk) -> None:
    do(desk, "mianyang", "operate", Operation.GRANT)


def taken_back(desk: Desk) -> None:
    granted(desk)
    do(desk, "yanta", "operate", Operation.REVOKE_CONSENT)


def expired(desk: Desk) -> None:
    granted(desk)
    desk.world.chain.advance(40 * DAY)


def leaf_revoked(desk: Desk) -> None:
    granted(desk)
    do(desk, "wuhou", "issue", Operation.REVOKE)


def case_closed(desk: Desk) -> None:
    granted(desk)
    desk.case(member=2, reason=int(Reason.CASE_NOT_READING))


def on_paper(desk: Desk) -> None:
    do(desk, "yanta", "operate", Operation.GRANT_WITNESSED)


def taken_back_before(desk: Desk) -> None:
    do(desk, "yanta", "operate", Operation.REVOKE_CONSENT)


def nothing(desk: Desk) -> None:
    del desk


STATES: dict[str, Callable[[Desk], None]] = {
    "fresh": nothing,
    "granted": granted,
    "used up": used_up,
    "taken back": taken_back,
    "taken back before": taken_back_before,
    "expired": expired,
    "leaf revoked": leaf_revoked,
    "case closed": case_closed,
    "on paper": on_paper,
}
OK = Reason.OK
# What the state answers to whoever may; operations that are not named are done in every state.
RECORDED = ("granted", "used up", "taken back", "expired", "leaf revoked", "case closed")
ANSWERS: dict[Operation, dict[str, Reason]] = {
    # A consent is recorded once, and its leaves are spent by that; a tombstone counts though nothing was recorded.
    Operation.GRANT: dict.fromkeys(RECORDED, Reason.ALREADY_DONE) | {"taken back before": Reason.CONSENT_REVOKED},
    # On paper nothing is different, but that its own time runs out while it lies there.
    Operation.GRANT_WITNESSED: {"on paper": Reason.ALREADY_DONE, "expired": Reason.CONSENT_EXPIRED},
    # No reading without a consent that is good at that moment, for a case that still reads, of a leaf that still counts.
    Operation.USE: {
        "fresh": Reason.UNKNOWN_CONSENT,
        "on paper": Reason.UNKNOWN_CONSENT,
        "used up": Reason.USED_UP,
        "taken back": Reason.CONSENT_REVOKED,
        "taken back before": Reason.UNKNOWN_CONSENT,
        "expired": Reason.CONSENT_EXPIRED,
        "leaf revoked": Reason.LEAF_REVOKED,
        "case closed": Reason.CASE_NOT_READING,
    },
    # A statutory duty needs no consent, but the same case and the same leaf.
    Operation.USE_BY_DUTY: {"leaf revoked": Reason.LEAF_REVOKED, "case closed": Reason.CASE_NOT_READING},
    # Another window's paper is held for nobody: there is nothing to confirm.
    Operation.CONFIRM_WITNESSED: dict.fromkeys(("fresh", "taken back before", *RECORDED), Reason.UNKNOWN_CONSENT)
    | {"on paper": Reason.ALREADY_DONE},
    # Taking back and revoking are done once.
    Operation.REVOKE_CONSENT: {"taken back": Reason.ALREADY_DONE, "taken back before": Reason.ALREADY_DONE},
    Operation.REVOKE: {"leaf revoked": Reason.ALREADY_DONE},
}


@pytest.fixture(scope="module")
def desk(founded):
    before, contracts = founded.chain.snapshot(), dict(founded.contracts)
    made = open_desk(founded)
    made.extra["times"] = {"valid_from": made.now, "valid_until": made.now + 30 * DAY}
    founded.send("mianyang", "operate", "materials", "ask", [(b"\xa0" * 32, 1, 1, b"\xa2" * 32)]).done()
    yield made
    founded.chain.revert(before)
    founded.contracts = contracts


ACTORS = {
    Operation.ANCHOR: ("wuhou", "issue"),
    Operation.REVOKE: ("wuhou", "issue"),
    Operation.ERASE: ("wuhou", "operate"),
    Operation.POINT: ("wuhou", "operate"),
    Operation.ASK: ("yanta", "operate"),
    Operation.ANSWER: ("wuhou", "operate"),
    Operation.GRANT: ("mianyang", "operate"),
    Operation.GRANT_WITNESSED: ("yanta", "witness"),
    Operation.CONFIRM_WITNESSED: ("regulator", "regulate"),
    Operation.REVOKE_CONSENT: ("xiongan", "operate"),
    Operation.REVOKE_WITNESSED: ("yanta", "witness"),
    Operation.USE: ("mianyang", "operate"),
    Operation.USE_BY_DUTY: ("mianyang", "operate"),
}


def answer(desk: Desk, member: str, role: str, operation: Operation) -> Reason:
    receipt = desk.world.send(member, role, "materials", operation.name.lower(), *arguments(desk, operation))
    return receipt.reasons_by_index(1)[0]


@pytest.mark.parametrize("state", STATES)
def test_what_every_state_answers_to_whoever_may(desk, state):
    chain = desk.world.chain
    before = chain.snapshot()
    STATES[state](desk)
    here = chain.snapshot()
    for operation, (member, role) in ACTORS.items():
        chain.revert(here)
        expected = ANSWERS.get(operation, {}).get(state, OK)
        assert answer(desk, member, role, operation) is expected, operation
    chain.revert(before)


@pytest.mark.parametrize("state", STATES)
def test_every_role_is_asked_for_first(desk, state):
    """Whoever has not the role is told so in every state, and changes nothing; whoever has it is never told so."""
    world = desk.world
    before = world.chain.snapshot()
    STATES[state](desk)
    here = world.chain.snapshot()
    senders = dict(world.members["mianyang"].keys)
    senders |= {"regulate": world.key("regulator", "regulate"), "stranger": key("stranger")}
    for name, sender in senders.items():
        standing = Standing.unpack(world.call("consortium", "standing", address_of(sender)))
        for operation, roles in ROLES.items():
            world.chain.revert(here)
            receipt = world.chain.send(
                sender, world.contract("materials"), operation.name.lower(), *arguments(desk, operation)
            )
            (found,) = receipt.reasons_by_index(1)
            refusal = standing.refusal(roles)
            if refusal is OK:
                assert found not in {Reason.NOT_A_KEY, Reason.WRONG_ROLE}, (name, operation)
            else:
                assert found is refusal, (name, operation)
    world.chain.revert(before)


def test_a_suspended_member_does_nothing(desk):
    world = desk.world
    before = world.chain.snapshot()
    granted(desk)
    world.suspend("mianyang")
    here = world.chain.snapshot()
    for sender in world.members["mianyang"].keys.values():
        for operation in ROLES:
            world.chain.revert(here)
            receipt = world.chain.send(
                sender, world.contract("materials"), operation.name.lower(), *arguments(desk, operation)
            )
            assert receipt.reasons_by_index(1) == [Reason.MEMBER_SUSPENDED], operation
    world.chain.revert(before)


def test_the_matrix_leaves_no_operation_out():
    assert set(ROLES) == set(ACTORS) == {operation for operation in Operation if 40 <= operation < 70}
