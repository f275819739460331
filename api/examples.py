"""What each route is asked and what it answers, as examples: for the OpenAPI document and the page of the API.

One entry a route, so that a test can hold that none is forgotten and that the examples have the members that the real
answers have.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from ledger.errors import (
    AuthorityError,
    ConflictError,
    FormatError,
    InputError,
    IntegrityError,
    LedgerError,
    NotFoundError,
    UnavailableError,
)

__all__ = ["BINARY", "EXAMPLES", "JSON", "TEXT", "Example", "Other"]

JSON = "application/json"
TEXT = "text/plain"
BINARY = "application/octet-stream"

_CASE = "22baf9eda447490aa5b86d909106b08892c30b5347cf6685b5fe95828e5109a3"
_CID = "bafkreiaobyha4dqobyha4dqobyha4dqobyha4dqobyha4dqobyha4dqoby"
_KEY = "0x7a0f1bd6a1c5b2f0a6c1d0e9b8a7968574635241"
_NOTE = """tongban.example/five-cities/510107
300
yjk9Apa+xeC43KuYO9H7fRRh9RLnJny4ljGtJv1m2Eg=

— tongban.example/five-cities/510107 EKgiqVy4rbUk1TMljVVAlQUHXY1q+dd2+3O555p1mFRYjDiwbwjlYFQoDEg7wvhCXsYeXnHozVEBCN2Va24gC8Pyfwk=
"""
_COSIGNED = (
    "— tongban.example/five-cities/510700/cosigner "
    "AdELXgAAAABpqNWQGMr2o6izktLmu1q4/iqFLNnp0dQMjf67gZGZIvYqmrtBREJTFzA4zSJbloz54BwNsP4W5aMdHb/zgEO6su1TDQ==\n"
)
_DAYS = {
    "clock": "decision", "used": 0, "allowed": 20, "left": 20, "due": "2026-04-01", "stopped": False, "overdue": False,
    "text": "办理期限：已用 0 个工作日，剩余 20 个，2026-04-01 到期",
}  # fmt: skip
_TEXT = "四川省绵阳市（住房公积金管理中心，受理人）：受理，现状态：受理"


@dataclass(frozen=True, slots=True)
class Other:
    """An answer of another status that is no problem document."""

    status: int
    about: str
    media: str
    value: object


@dataclass(frozen=True, slots=True)
class Example:
    """A route's example: what it is for in Chinese, what it answers and is asked, and how it may refuse."""

    zh: str
    answer: object = None
    media: str = JSON
    request: tuple[str, object] | None = None
    parameters: Mapping[str, object] = field(default_factory=dict)
    problems: tuple[LedgerError, ...] = ()
    others: tuple[Other, ...] = ()
    signed: bool = False


_STORAGE = UnavailableError("storage.unavailable", retry_after=5, cause="SQLITE_BUSY")
_TOO_LONG = InputError("api.too_long", limit=1_048_576)
_NO_KEYS = UnavailableError("keys.holder_unreachable", retry_after=5)
_NOT_FOUND = NotFoundError("tracing.not_found", block=128)
_IDENTIFIER = InputError("tracing.identifier")
_DAMAGED = IntegrityError("log.damaged", file="tile/0/000")
_SIGNED = (
    AuthorityError("peers.unsigned"),
    AuthorityError("peers.unknown_key", key="2:1"),
    AuthorityError("peers.replayed", member=2),
    UnavailableError("peers.key_not_yet", retry_after=5, key="2:2"),
    _NO_KEYS,
)

EXAMPLES: Mapping[tuple[str, str], Example] = {
    ("get", "/healthz"): Example("本进程是否应答", {"status": "ok"}),
    ("get", "/readyz"): Example(
        "节点是否就绪；如未就绪，说明问题和处理办法",
        {"ready": True, "findings": []},
        problems=(_STORAGE,),
        others=(
            Other(
                503,
                "Not ready: what is wrong, and what to do",
                JSON,
                {
                    "ready": False,
                    "findings": [
                        {
                            "code": "health.daemon_silent",
                            "text": "守护进程已有 95 秒没有动静。",
                            "next_step": "用 tongban node run 启动它，并查看 node.log；已提交的业务不会丢失。",
                        }
                    ],
                },
            ),
        ),
    ),
    ("get", "/metrics"): Example(
        "供 Prometheus 采集的运行指标",
        "# HELP tongban_picture_block newest block of the picture\n# TYPE tongban_picture_block gauge\n"
        "tongban_picture_block 128.0\n",
        TEXT,
        problems=(_STORAGE,),
    ),
    ("get", "/checkpoint"): Example(
        "已签名的日志检查点（C2SP tlog-checkpoint）",
        _NOTE,
        TEXT,
        problems=(NotFoundError("log.no_checkpoint"), _DAMAGED),
    ),
    ("get", "/tile/{path}"): Example(
        "日志的瓦片或条目文件（C2SP tlog-tiles）",
        media=BINARY,
        parameters={"path": "0/000"},
        problems=(FormatError("log.tile_path"), NotFoundError("log.tile_absent", size=300), _DAMAGED),
    ),
    ("post", "/witness/v1/add-checkpoint"): Example(
        "请本市联署一个检查点（C2SP tlog-witness）",
        _COSIGNED,
        TEXT,
        request=(TEXT, f"old 0\n\n{_NOTE}"),
        problems=(_TOO_LONG, _NO_KEYS),
        others=(
            Other(400, "The request is malformed", TEXT, "log.consistency_sizes\n"),
            Other(403, "No known log signed the checkpoint", TEXT, "log.signature_missing\n"),
            Other(404, "The log is not known here", TEXT, "log.origin_unknown\n"),
            Other(409, "The size that was cosigned last is another: ask with that", "text/x.tlog.size", "256\n"),
            Other(422, "The checkpoint does not follow from what was cosigned", TEXT, "log.split_view\n"),
        ),
    ),
    ("post", "/v1/verify"): Example(
        "按本网络的规则核验凭证：只交凭证（整个请求就是凭证本身），或连同文件的大小和指纹；文件本身不用上传",
        {
            "good": True,
            "checks": [
                {"name": "fingerprint", "outcome": "passed", "code": "", "evidence": {"files": 1, "of": 1}},
                {
                    "name": "anchored",
                    "outcome": "passed",
                    "code": "",
                    "evidence": {"member": 1, "block": 12, "time": 1_772_413_920},
                },
                {"name": "validity", "outcome": "passed", "code": "", "evidence": {"until": 1_924_963_199}},
            ],
        },
        request=(
            JSON,
            {
                "receipt": {
                    "format": "tongban/receipt/1",
                    "leaf": "7:24",
                    "record": "eyJfc2QiOlsi…",
                    "blinding": "998dc15d…",
                    "entry": "0198e8e1…",
                    "path": ["0O55czXG…"],
                    "disclosures": ["WyJNdjdrckNQ…"],
                    "anchored": {"entry": "eyJhcmdz…", "index": "2", "path": ["DUHNcaov…"]},
                    "status": {"entry": "eyJibG9j…", "index": "4", "path": ["cdy65w6Z…"]},
                    "absence": {"left": None, "right": None},
                    "checkpoint": "tongban.example/five…",
                    "engine": "single-sequencer",
                },
                "files": [
                    {
                        "size": 3_998_697,
                        "sha256": "63956b9a7a2cb5d0e6a9c0a4bfb2f5a1a84b7fba2b3cbf7d2a66ec4ab3ea1f0c",
                        "sm3": "66c7f0f462eeedd9d1f2d46bdc10e4e24167c4875cf2f7a2297da02b8f4ba8e0",
                    }
                ],
            },
        ),
        problems=(
            FormatError("receipts.malformed"),
            FormatError("receipts.question"),
            FormatError("receipts.version"),
            _TOO_LONG,
            UnavailableError("publishing.no_keys", retry_after=30),
        ),
    ),
    ("get", "/v1/cases/{identifier}"): Example(
        "办件的现状和每一步",
        {
            "case": _CASE,
            "state": {"code": 3, "name": "受理"},
            "mode": {"code": 2, "name": "异地代收代办"},
            "receiving": 1,
            "handling": 2,
            "office": 2,
            "matter": {"id": "5f1c0a…", "code": "000129002000"},
            "result": "none",
            "outcome": "stands",
            "sequence": 1,
            "corrections": 0,
            "opened_at": "2026-03-02T09:00:52+08:00",
            "changed_at": "2026-03-03T10:30:00+08:00",
            "parent": None,
            "agreement": "8d21…",
            "limit": "办理期限：已用 1 个工作日，剩余 19 个，2026-04-01 到期",
            "as_of_block": 128,
            "transitions": [
                {
                    "action": {"code": "accept", "name": "受理"},
                    "state": {"code": 3, "name": "受理"},
                    "at": "2026-03-03T10:30:00+08:00",
                    "member": {"number": 2, "name": "四川省绵阳市"},
                    "by_applicant": False,
                    "days": _DAYS,
                    "text": _TEXT,
                    "block": 97,
                    "entry": 143,
                }
            ],
        },
        parameters={"identifier": _CASE},
        problems=(_IDENTIFIER, _NOT_FOUND, _STORAGE),
    ),
    ("get", "/v1/materials/{leaf}"): Example(
        "链上记录的一个存证项",
        {
            "contract": "0x5fbd…",
            "batch": 1,
            "index": 17,
            "member": 1,
            "anchored_at": "2026-03-02T09:00:24+08:00",
            "root": "1f0b…",
            "size": 256,
            "status": "in_force",
            "revoked_at": None,
            "cause": None,
            "consent": "5893…",
            "uses": 1,
            "as_of_block": 128,
        },
        parameters={"leaf": "1:17"},
        problems=(_IDENTIFIER, _NOT_FOUND, ConflictError("tracing.ambiguous"), _STORAGE),
    ),
    ("get", "/v1/trace/{identifier}"): Example(
        "链上任何事项的全程留痕，每行附证明位置",
        {
            "format": "tongban/trace/1",
            "kind": "case",
            "identifier": _CASE,
            "as_of": {"block": 128, "time": 1_772_672_400, "china": "2026-03-05T09:00:00+08:00"},
            "cases": [_CASE],
            "days": _DAYS,
            "members": {"2": {"name": "四川省绵阳市", "division": 510_700}},
            "lines": [
                {
                    "kind": "stepped",
                    "time": 1_772_505_000,
                    "china": "2026-03-03T10:30:00+08:00",
                    "block": 97,
                    "log_index": 0,
                    "transaction": "0x2694…",
                    "contract": "0xe7f1…",
                    "entry": 143,
                    "who": {
                        "member": 2,
                        "key": _KEY,
                        "roles": ["operate"],
                        "applicant": False,
                        "helper": 0,
                        "department": 1,
                        "department_name": "住房公积金管理中心",
                        "role": "receiver",
                    },
                    "facts": {"action": "accept", "state": "accepted", "sequence": 1},
                    "case": _CASE,
                    "commitment": "0505…",
                    "blob": _CID,
                    "days": _DAYS,
                    "refused": None,
                    "text": _TEXT,
                }
            ],
        },
        parameters={"identifier": _CASE},
        problems=(_IDENTIFIER, _NOT_FOUND, ConflictError("tracing.ambiguous"), _STORAGE),
    ),
    ("get", "/peers/v1/blobs/{cid}"): Example(
        "按编号取一块加密内容",
        media=BINARY,
        parameters={"cid": _CID},
        problems=(*_SIGNED, FormatError("blobs.cid"), NotFoundError("blobs.not_found", cid=_CID)),
        signed=True,
    ),
    ("post", "/peers/v1/releases/{use}"): Example(
        "凭已上链的使用记录取得可读内容",
        media=BINARY,
        request=(
            JSON,
            {
                "format": "tongban/disclosed/1",
                "leaves": [{"leaf": "1:17", "fields": ["name", "valid_until"]}],
                "salt": "9f3c…",
            },
        ),
        parameters={"use": 7},
        problems=(
            *_SIGNED,
            NotFoundError("releases.no_use", use=7),
            AuthorityError("releases.disclosed"),
            ConflictError("releases.revoked", cause=1),
            ConflictError("releases.erased"),
        ),
        signed=True,
    ),
    ("post", "/peers/v1/inbox"): Example(
        "送交一份密封文书",
        media=BINARY,
        request=(BINARY, None),
        problems=(
            *_SIGNED,
            FormatError("peers.delivery"),
            InputError("peers.too_long", limit=1_048_576),
            UnavailableError("peers.inbox_full", retry_after=60),
        ),
        signed=True,
    ),
    ("post", "/peers/v1/attending"): Example(
        "他市窗口为密钥由本市保管的人办事时所需",
        media=BINARY,
        request=(BINARY, None),
        problems=(*_SIGNED, FormatError("attending.form")),
        signed=True,
    ),
}
