from __future__ import annotations

import pytest

from ledger.domain import materials
from ledger.domain.materials import Assurance, AssuranceLevel, Issuer, Reuse, ReusePolicy
from ledger.errors import InputError

DAY = 86_400


def test_only_what_was_fetched_or_issued_may_be_called_genuine() -> None:
    genuine = [level for level in AssuranceLevel if level > 1 and Assurance(level, "window", 1).genuine]
    assert genuine == [AssuranceLevel.FETCHED, AssuranceLevel.ISSUED]
    assert not Assurance(AssuranceLevel.UPLOADED).genuine


@pytest.mark.parametrize(
    "arguments",
    [(AssuranceLevel.UPLOADED, "window", 1), (AssuranceLevel.INSPECTED,), (AssuranceLevel.INSPECTED, "", 0)],
)
def test_an_inspection_needs_somebody_who_made_it(arguments: tuple[AssuranceLevel, str, int]) -> None:
    with pytest.raises(InputError, match=r"materials.assurance"):
        Assurance(*arguments)


@pytest.mark.parametrize(
    ("policy", "now", "purpose", "allowed"),
    [
        (ReusePolicy(), 10**9, "any", True),
        (ReusePolicy(Reuse.NEVER), 0, "any", False),
        (ReusePolicy(Reuse.SAME_PURPOSE, purpose="visa"), 0, "visa", True),
        (ReusePolicy(Reuse.SAME_PURPOSE, purpose="visa"), 0, "work", False),
        (ReusePolicy(Reuse.FRESH, days=90), 90 * DAY, "any", True),
        (ReusePolicy(Reuse.FRESH, days=90), 90 * DAY + 1, "any", False),
    ],
)
def test_reuse(policy: ReusePolicy, now: int, purpose: str, allowed: bool) -> None:  # noqa: FBT001 -- a table
    assert policy.allows(issued_at=0, now=now, purpose=purpose) is allowed


@pytest.mark.parametrize(
    "arguments",
    [(Reuse.SAME_PURPOSE,), (Reuse.REUSABLE, "visa"), (Reuse.FRESH,), (Reuse.FRESH, "", -1), (Reuse.NEVER, "", 5)],
)
def test_a_policy_needs_its_fact(arguments: tuple[Reuse, str, int]) -> None:
    with pytest.raises(InputError, match=r"materials.reuse"):
        ReusePolicy(*arguments)


def test_types_are_found_by_code_and_unknown_ones_are_refused() -> None:
    assert materials.material_type("marriage-certificate").subjects == 2
    for code, kind in materials.MATERIAL_TYPES.items():
        assert code == kind.code
        assert kind.zh
        assert kind.en
        assert (kind.reuse == Reuse.FRESH) == (kind.days > 0)
        assert len(set(kind.fields)) == len(kind.fields)
    with pytest.raises(InputError, match=r"materials.unknown_type"):
        materials.material_type("unheard-of")
    with pytest.raises(InputError) as caught:
        materials.material_type("样本甲")
    assert caught.value.facts == {"type_code": "", "known": ", ".join(materials.MATERIAL_TYPES)}


ISSUER = Issuer("11510107MB00000001", "样本机关")
CARD = {"name": "样本甲", "number": "510107190001010017"}


@pytest.mark.parametrize(
    ("kind", "issuer", "fields", "code"),
    [
        ("identity-card", Issuer("", "样本机关"), CARD, "materials.no_issuer"),
        ("identity-card", Issuer("11510107MB00000002", "样本机关"), CARD, "identifiers.credit_check"),
        ("identity-card", Issuer("11510107", "样本机关"), CARD, "identifiers.credit_length"),
        ("identity-card", ISSUER, CARD | {"number": "510107190001010018"}, "identifiers.identity_check"),
        ("identity-card", ISSUER, CARD | {"number": "5101071900010100170"}, "identifiers.identity_length"),
        ("marriage-certificate", ISSUER, {"spouse_number": "51010719000101001X"}, "identifiers.identity_check"),
        ("identity-card", ISSUER, CARD | {"adress": "样本路"}, "materials.unknown_field"),
    ],
)
def test_what_a_paper_states_can_be_right(kind, issuer, fields, code):
    with pytest.raises(InputError) as caught:
        materials.require_statement(materials.material_type(kind), issuer, fields)
    assert caught.value.code == code
    assert not {"510107190001010018", "adress", "样本路"} & {str(value) for value in caught.value.facts.values()}


@pytest.mark.parametrize("number", ["510107190001010017", "E12345678", "H0123456789"])
def test_a_right_number_and_those_of_other_papers_are_taken(number):
    materials.require_statement(materials.material_type("identity-card"), ISSUER, CARD | {"number": number})
