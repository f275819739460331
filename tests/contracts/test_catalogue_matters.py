"""Matters: versions, limit rules, withdrawal, delegations."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st

from ledger.domain.catalogue import CaseType, ClockStart, LimitRule, MatterCode, MatterType
from ledger.domain.consortium import ContractKind
from ledger.domain.events import DelegationSet, MatterPublished, MatterWithdrawn
from ledger.domain.reasons import Reason
from ledger.errors import LedgerError
from tests.contracts.chain import ZERO, Receipt
from tests.contracts.world import World

RULE = LimitRule.licence(commitment_days=12, supply_days=30)
CODE = MatterCode("local:gjj-loan")
OTHER = MatterCode("local:household")
DIGEST, BLOB = b"\x01" * 32, b"\x02" * 32
DAY = 86_400


def publication(
    code: MatterCode = CODE, rule: int = RULE.pack(), digest: bytes = DIGEST
) -> tuple[bytes, int, bytes, bytes, str]:
    return code.id, rule, digest, BLOB, code.text


def publish(world: World, *publications: tuple[bytes, int, bytes, bytes, str], member: str = "wuhou") -> Receipt:
    return world.send(member, "operate", "catalogue", "publish", list(publications))


def delegate(world: World, *grants: tuple[int, bytes, int, int, bytes, bytes], member: str = "wuhou") -> Receipt:
    return world.send(member, "administer", "catalogue", "delegate", list(grants))


def test_a_matter_is_published_in_versions(world: World) -> None:
    event = publish(world, publication()).done().one(MatterPublished)
    assert event == MatterPublished(1, CODE.id, 1, RULE.pack(), DIGEST, BLOB, CODE.text)
    slower = replace(RULE, commitment_days=0)
    assert publish(world, publication(rule=slower.pack())).done().one(MatterPublished).version == 2
    assert publish(world, publication(rule=slower.pack())).reasons == [Reason.ALREADY_DONE]
    assert publish(world, publication(rule=slower.pack(), digest=b"\x03" * 32)).done().one(MatterPublished).version == 3
    assert world.call("catalogue", "latest", 1, CODE.id) == 3
    assert [world.call("catalogue", "rule", 1, CODE.id, version) for version in range(5)] == [
        0,
        RULE.pack(),
        slower.pack(),
        slower.pack(),
        0,
    ]
    assert world.call("catalogue", "digest", 1, CODE.id, 3) == b"\x03" * 32
    # Another member's list is its own.
    assert world.call("catalogue", "latest", 2, CODE.id) == 0
    assert publish(world, publication(), member="mianyang").done().one(MatterPublished).version == 1


def test_a_withdrawn_matter_keeps_its_versions(world: World) -> None:
    publish(world, publication()).done()
    withdraw = ("wuhou", "operate", "catalogue", "withdraw", [CODE.id])
    assert world.send(*withdraw).done().one(MatterWithdrawn) == MatterWithdrawn(1, CODE.id, 1)
    assert world.call("catalogue", "latest", 1, CODE.id) == 0
    assert world.call("catalogue", "rule", 1, CODE.id, 1) == RULE.pack()
    assert world.send(*withdraw).reasons == [Reason.ALREADY_DONE]
    assert world.send("wuhou", "operate", "catalogue", "withdraw", [OTHER.id]).reasons == [Reason.UNKNOWN_MATTER]
    # The same text may be offered again: it is a new version.
    assert publish(world, publication()).done().one(MatterPublished).version == 2
    assert world.call("catalogue", "latest", 1, CODE.id) == 2


def test_publications_that_are_refused(world: World) -> None:
    cases = [
        ((OTHER.id, RULE.pack(), DIGEST, BLOB, CODE.text), Reason.UNKNOWN_MATTER),
        ((ZERO, RULE.pack(), DIGEST, BLOB, ""), Reason.UNKNOWN_MATTER),
        (publication(rule=0), Reason.BAD_RULE),
        (publication(digest=ZERO), Reason.DIGEST_MISSING),
    ]
    receipt = publish(world, *(item for item, _ in cases))
    assert receipt.reasons_by_index(len(cases)) == [reason for _, reason in cases]


_EDGES = [
    RULE.pack(),
    RULE.pack() | 1 << 113,
    RULE.pack() | 1 << 255,
    # Clock start 0, 3.
    RULE.pack() & ~(255 << 33),
    RULE.pack() | 3 << 33,
    # Matter types 0, 11, 20, 21, 255.
    *(RULE.pack() & ~(255 << 65) | kind << 65 for kind in (0, 10, 11, 19, 20, 21, 255)),
    # Case types 0, 3, 9, 10.
    *(RULE.pack() & ~(255 << 73) | kind << 73 for kind in (0, 1, 3, 9, 10)),
    # A promise of 20 and of 21 days where the law has 20.
    *(RULE.pack() & ~(65535 << 41) | days << 41 for days in (20, 21)),
    # Silence with no term.
    RULE.pack() & ~255,
    RULE.pack() & ~255 & ~(1 << 32),
]


def _is_rule(word: int) -> bool:
    try:
        return LimitRule.unpack(word).pack() == word
    except LedgerError:
        return False


def test_model_and_contract_know_the_same_rules(world: World) -> None:
    receipt = publish(world, *(publication(MatterCode(f"local:m{place}"), word) for place, word in enumerate(_EDGES)))
    expected = [Reason.OK if _is_rule(word) else Reason.BAD_RULE for word in _EDGES]
    assert receipt.reasons_by_index(len(_EDGES)) == expected
    assert {Reason.OK, Reason.BAD_RULE} == set(expected)


_RULES = st.builds(
    LimitRule,
    matter_type=st.sampled_from(MatterType),
    case_type=st.sampled_from(CaseType),
    correction_days=st.integers(1, 255),
    decision_days=st.integers(0, 65_535),
    extension_days=st.integers(0, 255),
    silence=st.booleans(),
    start=st.sampled_from(ClockStart),
    delivery_days=st.integers(0, 255),
    joint_days=st.integers(0, 255),
    joint_extension_days=st.integers(0, 255),
    supply_days=st.integers(0, 255),
    lower_review_days=st.integers(0, 255),
)


@settings(max_examples=15, deadline=None)
@given(rules=st.lists(_RULES, min_size=16, max_size=16), flips=st.lists(st.integers(0, 130), min_size=16, max_size=16))
def test_model_and_contract_agree_on_any_word(founded: World, rules: list[LimitRule], flips: list[int]) -> None:
    snapshot = founded.chain.snapshot()
    words = [rule.pack() ^ 1 << flip for rule, flip in zip(rules, flips, strict=True)]
    receipt = publish(founded, *(publication(MatterCode(f"local:m{place}"), word) for place, word in enumerate(words)))
    assert receipt.reasons_by_index(16) == [Reason.OK if _is_rule(word) else Reason.BAD_RULE for word in words]
    founded.chain.revert(snapshot)


def test_a_grantor_delegates_its_own_matter_for_a_time(world: World) -> None:
    publish(world, publication()).done()
    now = world.chain.now
    grant = (2, CODE.id, now + DAY, now + 3 * DAY, DIGEST, BLOB)
    event = delegate(world, grant).done().one(DelegationSet)
    assert event == DelegationSet(1, 2, CODE.id, now + DAY, now + 3 * DAY, DIGEST, BLOB)
    assert world.call("catalogue", "delegated", 1, 2, CODE.id) is False
    world.chain.advance(DAY)
    assert world.call("catalogue", "delegated", 1, 2, CODE.id) is True
    assert world.call("catalogue", "delegated", 2, 1, CODE.id) is False
    # Without passing it on: the grantee has no such matter of its own.
    onward = (3, CODE.id, now, now + 3 * DAY, DIGEST, BLOB)
    assert delegate(world, onward, member="mianyang").reasons == [Reason.UNKNOWN_MATTER]
    world.chain.advance(2 * DAY)
    assert world.call("catalogue", "delegated", 1, 2, CODE.id) is False
    delegate(world, (2, CODE.id, now, now + 9 * DAY, DIGEST, BLOB)).done()
    assert world.call("catalogue", "delegated", 1, 2, CODE.id) is True
    delegate(world, (2, CODE.id, 0, 0, ZERO, ZERO)).done()
    assert world.call("catalogue", "delegated", 1, 2, CODE.id) is False


def test_delegations_that_are_refused(world: World) -> None:
    publish(world, publication()).done()
    now = world.chain.now
    until = now + DAY
    cases = [
        ((2, OTHER.id, 0, until, DIGEST, BLOB), Reason.UNKNOWN_MATTER),
        ((1, CODE.id, 0, until, DIGEST, BLOB), Reason.OUT_OF_RANGE),
        ((2, CODE.id, 0, now, DIGEST, BLOB), Reason.OUT_OF_RANGE),
        ((2, CODE.id, until, until, DIGEST, BLOB), Reason.OUT_OF_RANGE),
        ((2, CODE.id, 0, until, ZERO, BLOB), Reason.DIGEST_MISSING),
        ((99, CODE.id, 0, until, DIGEST, BLOB), Reason.UNKNOWN_MEMBER),
        ((3, CODE.id, 0, 0, ZERO, ZERO), Reason.NO_DELEGATION),
    ]
    receipt = delegate(world, *(grant for grant, _ in cases))
    assert receipt.reasons_by_index(len(cases)) == [reason for _, reason in cases]


def test_a_replaced_generation_takes_nothing_new_and_lets_the_old_end(world: World) -> None:
    publish(world, publication()).done()
    until = world.chain.now + DAY
    delegate(world, (2, CODE.id, 0, until, DIGEST, BLOB)).done()
    second = world.chain.deploy("catalogue", world.consortium.address)
    early = world.chain.send(world.key("wuhou", "operate"), second, "publish", [publication()])
    assert early.reasons == [Reason.GENERATION_CLOSED]
    world.register(second, ContractKind.CATALOGUE)
    world.chain.send(world.key("wuhou", "operate"), second, "publish", [publication()]).done()
    assert publish(world, publication(OTHER)).reasons == [Reason.GENERATION_CLOSED]
    assert delegate(world, (3, CODE.id, 0, until, DIGEST, BLOB)).reasons == [Reason.GENERATION_CLOSED]
    assert world.call("catalogue", "rule", 1, CODE.id, 1) == RULE.pack()
    delegate(world, (2, CODE.id, 0, 0, ZERO, ZERO)).done()
    world.send("wuhou", "operate", "catalogue", "withdraw", [CODE.id]).done()
