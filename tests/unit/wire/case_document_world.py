"""Documents of a case out of fixed seeds: an application to be signed, a rating to be signed, and the applicant's keys."""

from __future__ import annotations

import hashlib
from dataclasses import replace

from ledger.domain import holders, typed
from ledger.domain.cases import Action, Channel, Mode, Satisfaction
from ledger.domain.catalogue import MatterCode
from ledger.wire.case_documents import CaseDocument, City, Message, Shown
from ledger.wire.papers import commitment_of

__all__ = ["BOX", "CASES", "CHAIN_ID", "EXPIRES", "KEY", "SEED", "rating", "signed", "submission"]

CHAIN_ID = 20_261
CASES = "0x" + "c" * 40
# The seed of nobody; the applicant's fourth case.
SEED = bytes(range(64))
KEY = holders.leaf_keys(holders.account(holders.master(SEED), holders.Branch.CASE, 3), 0, 1)[0]
ADDRESS = holders.address_text(holders.address_of(KEY))
# 2026-03-09 09:00 in China.
EXPIRES = 1_773_018_000
BOX = b"sample box: what is sealed for the cities of the case"
SALT = hashlib.sha256(b"paper").digest()
MATTER = "local:tongban:fund-repayment-withdrawal"
WUHOU, MIANYANG = City(1, "武侯区", "510107"), City(2, "绵阳市", "510700")


def shown(**changes: object) -> Shown:
    """What the applicant reads."""
    value = Shown(
        matter=MATTER,
        zh="提取住房公积金偿还购房贷款本息",
        en="withdrawal from the housing fund to repay a mortgage",
        cities=(WUHOU, MIANYANG),
        asked=(("居民身份证", "identity card"), ("结婚证", "marriage certificate")),
        words="样本：申请办理",
        expires=EXPIRES,
    )
    return replace(value, **changes)


def submission(says: Shown | None = None, **changes: int | bytes) -> CaseDocument:
    """An application in Mianyang, received in Wuhou; the commitment is that of the words."""
    says = says or shown()
    message: Message = {
        "receiving": 1,
        "handling": 2,
        "matter": MatterCode(MATTER).id,
        "mode": int(Mode.RECEIVED_HERE),
        "channel": int(Channel.WINDOW),
        "version": 1,
        "agreement": bytes([5]) * 32,
        "agreementVersion": 1,
        "parent": bytes(32),
        "holders": bytes(32),
        "commitment": commitment_of(SALT, "submission", says.body()),
        "blob": hashlib.sha256(BOX).digest(),
        "salt": bytes([7]) * 32,
    }
    return _document("Submission", message | changes, says)


def rating(says: Shown | None = None, **changes: int | bytes) -> CaseDocument:
    """The rating of that case once it is closed."""
    says = says or shown(asked=(), words="办得快")
    message: Message = {
        "caseId": submission().case,
        "action": int(Action.RATE),
        "sequence": 6,
        "detail": int(Satisfaction.VERY_SATISFIED),
        "commitment": commitment_of(SALT, "rate", says.body()),
        "blob": hashlib.sha256(BOX).digest(),
    }
    return _document("CaseAct", message | changes, says)


def signed(document: CaseDocument) -> CaseDocument:
    """The document with the signature of the case's key."""
    return replace(document, signature=typed.sign(document.digest, KEY))


def _document(kind: str, message: Message, says: Shown) -> CaseDocument:
    return CaseDocument(
        chain_id=CHAIN_ID, contract=CASES, case_key=ADDRESS, kind=kind, message=message, shown=says, salt=SALT, box=BOX
    )
