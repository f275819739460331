"""The nine matters of the pilot, in three modes of handling, with what each asks for.

Names and kinds are those that the five cities' published lists have; a matter without a national code has a local one.
Limits rest on the law that each names; an authority may promise less, never more.
"""

from __future__ import annotations

from ledger.domain.cases import Mode
from ledger.domain.catalogue import CaseType, ClockStart, LimitRule, MatterCode, MatterType, mode_bits
from ledger.domain.materials import AssuranceLevel
from ledger.domain.matters import Matter, Necessity, Requirement, Whose

__all__ = ["LICENCE", "LOAN", "MATTERS", "MIGRATION", "MODES", "REPAYMENT", "matter_id", "matters"]

LOAN = "provident-fund-loan-remote"
REPAYMENT = "provident-fund-withdraw-repayment"
MIGRATION = "household-migration-marriage"
LICENCE = "partnership-establishment"

_LICENCE_LAW = "中华人民共和国行政许可法第三十二条、第四十二条、第四十四条"
_FUND = ("住房公积金管理条例", "建金〔2014〕148号")


def _requirement(
    key: str,
    zh: str,
    en: str,
    kind: str,
    fields: tuple[str, ...],
    *,
    whose: Whose = Whose.APPLICANT,
    necessity: Necessity = Necessity.REQUIRED,
) -> Requirement:
    least = AssuranceLevel.ISSUED if kind == "decision" else AssuranceLevel.INSPECTED
    return Requirement(
        key=key, zh=zh, en=en, types=(kind,), fields=fields, whose=whose, least=least, necessity=necessity
    )


_IDENTITY = _requirement(
    "identity", "申请人身份证", "Applicant's identity card", "identity-card", ("name", "number", "valid_until")
)
_SPOUSE = _requirement(
    "identity-spouse", "配偶身份证", "Spouse's identity card", "identity-card", ("name", "number", "valid_until"),
    whose=Whose.SPOUSE,
)  # fmt: skip
_HOUSEHOLD = _requirement(
    "household", "户口簿", "Household register", "household-register", ("head_name", "name", "relation", "address")
)
_MARRIAGE = _requirement(
    "marriage", "结婚证", "Marriage certificate", "marriage-certificate",
    ("holder_name", "spouse_name", "registered_on", "certificate_number"),
)  # fmt: skip
_CONTRIBUTION = _requirement(
    "contribution", "异地贷款职工住房公积金缴存使用证明", "Certificate of provident-fund contributions",
    "fund-contribution", ("name", "account", "months", "monthly_amount", "balance", "loans"),
)  # fmt: skip
_PURCHASE = _requirement(
    "purchase", "购房合同", "Purchase contract", "purchase-contract",
    ("buyer_name", "address", "price", "signed_on", "contract_number"),
)  # fmt: skip
_DECISION = _requirement(
    "loan-decision", "住房公积金贷款办理结果", "Decision on the provident-fund loan", "decision",
    ("name", "matter", "result", "decided_on", "document_number"),
)  # fmt: skip

_BENEFIT = LimitRule(
    matter_type=MatterType.BENEFIT,
    case_type=CaseType.COMMITMENT,
    correction_days=5,
    decision_days=15,
    extension_days=5,
    commitment_days=10,
    delivery_days=5,
    supply_days=10,
    joint_days=30,
    joint_extension_days=10,
)
_CONFIRMATION = LimitRule(
    matter_type=MatterType.CONFIRMATION,
    case_type=CaseType.COMMITMENT,
    correction_days=5,
    decision_days=20,
    commitment_days=10,
    delivery_days=5,
    supply_days=10,
    joint_days=30,
    start=ClockStart.RECEIVING_RECEIPT,
)
_SERVICE = LimitRule(
    matter_type=MatterType.PUBLIC_SERVICE,
    case_type=CaseType.COMMITMENT,
    correction_days=5,
    decision_days=15,
    commitment_days=10,
    delivery_days=5,
    supply_days=10,
)
_INSTANT = LimitRule(matter_type=MatterType.PUBLIC_SERVICE, case_type=CaseType.INSTANT, decision_days=1)

_ONLINE_AND_RECEIVED = (Mode.FULLY_ONLINE, Mode.RECEIVED_HERE)
# Key, names, limits, legal basis of setting, requirements, and the modes under which the five handle it.
_LISTED: tuple[
    tuple[str, str, str, LimitRule, tuple[str, ...], tuple[Requirement, ...], tuple[Mode, ...]], ...
] = (
    (LOAN, "住房公积金异地贷款", "Housing loan on a provident fund held elsewhere", _BENEFIT, _FUND,
     (_IDENTITY, _SPOUSE, _HOUSEHOLD, _MARRIAGE, _CONTRIBUTION, _PURCHASE), _ONLINE_AND_RECEIVED),
    (REPAYMENT, "偿还购房贷款提取住房公积金", "Provident-fund withdrawal to repay a housing loan", _BENEFIT, _FUND,
     (_IDENTITY, _MARRIAGE, _DECISION), _ONLINE_AND_RECEIVED),
    ("provident-fund-withdraw-purchase", "购房提取住房公积金", "Provident-fund withdrawal for buying a home", _BENEFIT,
     _FUND, (_IDENTITY, _MARRIAGE, _PURCHASE), _ONLINE_AND_RECEIVED),
    (MIGRATION, "夫妻投靠户口迁移", "Household migration to a spouse", _CONFIRMATION, ("中华人民共和国户口登记条例第十条",),
     (_IDENTITY, _HOUSEHOLD, _MARRIAGE), (Mode.RECEIVED_HERE, Mode.JOINT)),
    (LICENCE, "合伙企业设立登记", "Registration of a partnership", LimitRule.licence(supply_days=10),
     ("中华人民共和国合伙企业法第九条", "中华人民共和国市场主体登记管理条例"), (_IDENTITY,), _ONLINE_AND_RECEIVED),
    ("enterprise-establishment", "企业设立登记", "Registration of an enterprise", LimitRule.licence(supply_days=10),
     ("中华人民共和国市场主体登记管理条例",), (_IDENTITY,), _ONLINE_AND_RECEIVED),
    ("social-security-query", "社会保障信息查询打印", "Query and print of social-security records", _INSTANT,
     ("社会保险经办条例",), (_IDENTITY,), (Mode.FULLY_ONLINE,)),
    ("pension-transfer", "企业职工基本养老保险关系转移接续", "Transfer of pension relations", _SERVICE,
     ("中华人民共和国社会保险法第十九条",), (_IDENTITY,), (*_ONLINE_AND_RECEIVED, Mode.JOINT)),
    ("remote-care-registration", "基本医疗保险异地就医备案", "Registration for care in another place", _INSTANT,
     ("中华人民共和国社会保险法第二十九条",), (_IDENTITY,), _ONLINE_AND_RECEIVED),
)  # fmt: skip


def matter_id(key: str) -> bytes:
    """Return a matter's id by its key in the list above."""
    return _code(key).id


def matters(department: int) -> tuple[Matter, ...]:
    """Return the nine entries as a city publishes them, handled by the department of that number."""
    return tuple(
        Matter(
            code=_code(key),
            zh=zh,
            en=en,
            department=department,
            rule=rule,
            limit_basis=(_LICENCE_LAW,) if rule.matter_type is MatterType.LICENCE else setting,
            setting_basis=setting,
            requirements=requirements,
        )
        for key, zh, en, rule, setting, requirements, _ in _LISTED
    )


MATTERS = tuple(item[0] for item in _LISTED)
MODES = {_key: mode_bits(*modes) for _key, *_, modes in _LISTED}


def _code(key: str) -> MatterCode:
    return MatterCode(f"local:tongban:{key}")
