"""Limits that consortium and catalogue enforce are those of ``LIMITS``."""

from __future__ import annotations

import re
from importlib.resources import files

import pytest

from ledger.domain import consortium, workdays
from ledger.domain.limits import LIMITS


def _source(name: str) -> str:
    return (files("contracts") / "src" / name).read_text(encoding="utf-8")


def _constant(source: str, name: str) -> int:
    found = re.search(rf"^{name}: constant\(uint256\) = ([0-9 *]+)$", _source(source), re.MULTILINE)
    assert found is not None, name
    product = 1
    for factor in found[1].split("*"):
        product *= int(factor)
    return product


@pytest.mark.parametrize(
    ("source", "name", "value"),
    [
        ("modules/drafts.vy", "MAX_PARTIES", LIMITS.agreement_parties),
        ("modules/drafts.vy", "MAX_MATTERS", LIMITS.agreement_matters),
        ("modules/drafts.vy", "MAX_NOTICE_DAYS", LIMITS.agreement_notice_days),
        ("modules/calendars.vy", "FIRST_YEAR", workdays.FIRST_YEAR),
        ("modules/calendars.vy", "LAST_YEAR", workdays.LAST_YEAR),
        ("modules/calendars.vy", "MAX_SPAN", workdays.MAX_SPAN),
        ("modules/standing.vy", "ZONE", workdays.ZONE_SECONDS),
        ("modules/standing.vy", "DAY", workdays.DAY_SECONDS),
        ("modules/roster.vy", "RECOVERY_DELAY", consortium.RECOVERY_DELAY),
        ("modules/roster.vy", "LEVELS", len(consortium.Level)),
        ("modules/directory.vy", "SERVICE_KINDS", len(consortium.ServiceKeyKind)),
        ("consortium.vy", "VOTING_PERIOD", consortium.VOTING_PERIOD),
        ("consortium.vy", "FULL_NETWORK", consortium.FULL_NETWORK),
        ("consortium.vy", "KINDS", len(consortium.ContractKind)),
        *(("modules/standing.vy", role.name, role.value) for role in consortium.Role),
        *(("modules/standing.vy", status.name, status.value) for status in consortium.MemberStatus if status),
    ],
)
def test_constant_is_the_domains(source: str, name: str, value: int) -> None:
    assert _constant(source, name) == value


@pytest.mark.parametrize(
    ("source", "event", "field", "value"),
    [
        ("modules/roster.vy", "MemberListed", "name", LIMITS.member_name_bytes),
        ("modules/directory.vy", "DepartmentSet", "name", LIMITS.department_name_bytes),
        ("modules/directory.vy", "EndpointPublished", "url", LIMITS.endpoint_url_bytes),
        ("modules/matters.vy", "MatterPublished", "code", LIMITS.matter_code_bytes),
    ],
)
def test_text_is_as_long_as_the_domain_says(source: str, event: str, field: str, value: int) -> None:
    body = re.search(rf"^event {event}:\n((?:    .*\n)+)", _source(source), re.MULTILINE)
    assert body is not None
    assert f"    {field}: String[{value}]" in body[1]
