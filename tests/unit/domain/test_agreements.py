"""Agreements as a city rebuilds them from events; the contract is the judge in ``tests/contracts``."""

from __future__ import annotations

from ledger.domain.agreements import Agreement, text_digest
from ledger.domain.events import AgreementAccepted, AgreementDrafted, AgreementEnded
from ledger.domain.reasons import Reason

ID, MATTER, OTHER, ZERO = b"\x01" * 32, b"\x02" * 32, b"\x03" * 32, bytes(32)
KEY = "0x" + "11" * 20


def drafted(version: int, parties: tuple[int, ...], kind: int = 1, *, until: int = 0) -> AgreementDrafted:
    return AgreementDrafted(ID, version, kind, 1, ZERO, ZERO, parties, (MATTER,), (0b110,), 30, 100, until, ZERO, ZERO)


def accepted(version: int, member: int) -> AgreementAccepted:
    return AgreementAccepted(ID, version, member, KEY, 0, in_force=False)


def signed() -> Agreement:
    agreement = Agreement.drafted(drafted(1, (1, 2), until=900))
    for member in (1, 2):
        agreement = agreement.with_acceptance(accepted(1, member))
    return agreement


def test_it_binds_once_all_have_accepted() -> None:
    agreement = Agreement.drafted(drafted(1, (1, 2)))
    assert agreement.covers(1, 1, 2, MATTER, 1, 200) is Reason.NOT_IN_FORCE
    agreement = agreement.with_acceptance(accepted(1, 1))
    assert agreement.in_force == 0
    assert agreement.with_acceptance(accepted(1, 2)).in_force == 1


def test_what_it_covers() -> None:
    agreement = signed()
    assert agreement.covers(1, 1, 2, MATTER, 2, 100) is Reason.OK
    assert agreement.covers(2, 1, 2, MATTER, 2, 100) is Reason.BAD_VERSION
    assert agreement.covers(1, 1, 2, MATTER, 2, 99) is Reason.NOT_IN_FORCE
    assert agreement.covers(1, 1, 2, MATTER, 2, 900) is Reason.NOT_IN_FORCE
    assert agreement.covers(1, 1, 3, MATTER, 2, 100) is Reason.NOT_A_PARTY
    assert agreement.covers(1, 1, 2, MATTER, 3, 100) is Reason.NOT_COVERED
    assert agreement.covers(1, 1, 2, OTHER, 2, 100) is Reason.NOT_COVERED


def test_notice_ends_it_later() -> None:
    agreement = signed().with_notice(AgreementEnded(ID, 2, 500, ZERO))
    assert agreement.covers(1, 1, 2, MATTER, 2, 499) is Reason.OK
    assert agreement.covers(1, 1, 2, MATTER, 2, 500) is Reason.AGREEMENT_ENDED


def test_who_leaves_is_asked_too() -> None:
    agreement = signed().with_draft(drafted(2, (1, 3), kind=2))
    assert agreement.versions[2].asked == {1, 2, 3}
    for member in (1, 3):
        agreement = agreement.with_acceptance(accepted(2, member))
    assert agreement.in_force == 1
    assert agreement.with_acceptance(accepted(2, 2)).in_force == 2


def test_a_text_has_one_digest_whatever_the_order_of_its_members() -> None:
    assert text_digest({"a": 1, "b": 2}) == text_digest({"b": 2, "a": 1})
    assert text_digest({"a": 1}) != text_digest({"a": 2})
