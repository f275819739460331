from __future__ import annotations

import pytest

from ledger.domain import materials
from ledger.domain.materials import Assurance, AssuranceLevel, Reuse, ReusePolicy
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
    assert caught.value.facts == {"type_code": ""}
