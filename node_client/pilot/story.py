"""The story's first half: the consortium works, papers are handed in once, and three cases are served from them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from ledger.domain import canonical
from ledger.domain.cases import Action, Channel, Mode, NoticeKind, OfficerRole, Satisfaction
from ledger.domain.catalogue import agreement_id
from ledger.domain.consortium import ContractKind
from ledger.domain.materials import Issuer
from ledger.errors import UnavailableError
from ledger.log.files import DirectoryFiles
from ledger.log.view import LogView
from ledger.projections import journal
from ledger.services import agreements, catalogue, receipts
from ledger.services.needs import needs
from ledger.wire.receipts import encode_receipt
from node_client.pilot.catalogue import LOAN, MATTERS, MIGRATION, MODES, REPAYMENT, matter_id, matters
from node_client.pilot.desk import Desk, Kept
from node_client.pilot.papers import APPLICANT, SPOUSE, Person, make_decision
from node_client.supervising import NetworkProcesses
from node_client.waiting import caught_up, done

__all__ = [
    "MIANYANG",
    "WUHOU",
    "XIONGAN",
    "YANTA",
    "YUZHONG",
    "agreement",
    "consortium_works",
    "hand_in",
    "joint",
    "loan",
    "repayment",
]

WUHOU, MIANYANG, XIONGAN, YUZHONG, YANTA = "510107", "510700", "133100", "500103", "610113"
CITIES = (WUHOU, MIANYANG, XIONGAN, YUZHONG, YANTA)
_DEPARTMENT = 1
# The receipt shows the last of a paper's leaves, which no use is allotted before the others.
_RECEIPT_TURN = 7
_BEST = int(Satisfaction.VERY_SATISFIED)
_ISSUER = Issuer("11510107MB00000001", "武侯区政务服务中心（样本）")
_MIANYANG = Issuer("11510700MB0000001X", "绵阳市住房公积金服务中心（样本）")

Say = Callable[[str], None]


def consortium_works(desk: Desk, say: Say) -> None:
    """The five publish their nine matters and sign one agreement for three modes; the calendars are posted."""
    record = desk.record
    waiting = [
        (city, [catalogue.publish(desk.nodes[city], entry) for entry in matters(_DEPARTMENT)]) for city in CITIES
    ]
    for city, intents in waiting:
        done(desk.nodes[city], intents)
    say("五城各公布九个事项的清单和时限 / each of the five published nine matters with their limits")
    wuhou = desk.nodes[WUHOU]
    terms = record.fact("agreement", lambda: {"salt": wuhou.random(32).hex(), "valid_from": wuhou.clock()})
    salt, valid_from = bytes.fromhex(str(terms["salt"])), int(str(terms["valid_from"]))
    text: canonical.JsonObject = {
        "title": "五城政务服务跨省通办合作协议（样本）",
        "parties": [int(city) for city in CITIES],
        "matters": list(MATTERS),
        "notice_days": 30,
    }
    named, intent = agreements.draft(
        wuhou,
        text,
        parties=[desk.nodes[city].member for city in CITIES],
        matters={matter_id(key): MODES[key] for key in MATTERS},
        notice_days=30,
        valid_from=valid_from,
        salt=salt,
    )
    desk.settled(WUHOU, [intent])
    accepted = [(city, [agreements.accept(desk.nodes[city], named, 1)]) for city in CITIES]
    block = max(done(desk.nodes[city], intents) for city, intents in accepted)
    caught_up(desk.nodes.values(), block)
    with wuhou.database.read() as connection:
        (shown,) = agreements.agreements(connection, named)
        offered = len(catalogue.matters(connection))
    modes = {mode for _, listed in shown.matters for mode in listed}
    record.expect(1, "matters-published", 45, offered)
    record.expect(1, "agreement-in-force", "5 parties, 9 matters, 3 modes", _agreed(shown, len(modes)))


def agreement(desk: Desk) -> bytes:
    """Return the agreement's id."""
    node = desk.nodes[WUHOU]
    kept: dict[str, object] = desk.record.fact("agreement", dict)
    return agreement_id(
        chain_id=node.chain_id,
        contract=desk.contract(ContractKind.CATALOGUE),
        member=node.member,
        salt=bytes.fromhex(str(kept["salt"])),
    )


def hand_in(desk: Desk, papers: Mapping[str, Path], folder: Path, say: Say) -> None:
    """The couple hands five papers in at Wuhou's window, and gets a receipt for each."""
    both = ("applicant", "spouse")
    listed: list[tuple[str, str, Path | None, Mapping[str, canonical.JsonValue], tuple[str, ...]]] = [
        ("identity-applicant", "identity-card", papers["identity-applicant"], _identity(APPLICANT), ("applicant",)),
        ("identity-spouse", "identity-card", papers["identity-spouse"], _identity(SPOUSE), ("spouse",)),
        ("household", "household-register", papers["household"],
         {"head_name": APPLICANT.name, "name": SPOUSE.name, "relation": "妻", "address": "成都市武侯区样本路 1 号"}, both),
        ("marriage", "marriage-certificate", papers["marriage"],
         {"holder_name": APPLICANT.name, "spouse_name": SPOUSE.name, "registered_on": "2020-05-20",
          "certificate_number": "SAMPLE-J510107-2020-000001"}, both),
        ("contribution", "fund-contribution", papers["contribution"],
         {"name": APPLICANT.name, "account": "SAMPLE-0001", "months": 96, "monthly_amount": 2400, "balance": 138000,
          "loans": 0}, ("applicant",)),
    ]  # fmt: skip
    kept = desk.hand_in(WUHOU, listed, issuer=_ISSUER)
    batches = {desk.place(item.name, 0, 0) >> 32 for item in kept}
    desk.record.expect(2, "one-batch", 1, len(batches))
    say(
        "五份材料已核对原件、加密、上链；正在等待联署 / five papers inspected, encrypted, anchored; waiting for cosignatures"
    )
    for item in kept:
        issue_receipt(desk, item, folder)
    desk.record.expect(2, "receipts", 5, len(list(folder.glob("*.receipt.json"))))


def issue_receipt(desk: Desk, kept: Kept, folder: Path) -> Path:
    """Let a window hand out the receipt of a paper; waits until a cosigned checkpoint covers it."""
    path = folder / f"{kept.name}.receipt.json"
    if path.exists():
        return path
    node = desk.nodes[kept.city]
    leaf = desk.place(kept.name, 0, _RECEIPT_TURN)
    log = LogView(DirectoryFiles(node.log_folder))

    def issue() -> bytes | None:
        try:
            receipt = receipts.issue(node, node.keys.open, log, desk.contract(ContractKind.MATERIALS), leaf, ["file.0"])
        except UnavailableError as error:
            if error.code != "receipts.not_published":
                raise
            return None
        return encode_receipt(receipt)

    content = desk.patiently(issue)
    folder.mkdir(parents=True, exist_ok=True)
    part = path.with_suffix(".part")
    part.write_bytes(content)
    part.replace(path)
    return path


def loan(desk: Desk, papers: Mapping[str, Path], folder: Path, say: Say) -> None:
    """A loan in Mianyang on a fund held in Chengdu: what is there is reused, what is missing is handed in, all is decided."""
    record, mianyang = desk.record, desk.nodes[MIANYANG]
    applicant = desk.people["applicant"]
    entry, _ = catalogue.matter_document(mianyang, mianyang.member, matter_id(LOAN))
    with desk.nodes[WUHOU].database.read() as connection:
        needed = needs(connection, entry, [desk.applicant(WUHOU)], now=mianyang.clock())
    for need in needed:
        mark = "已有 / there" if need.served_by else "还缺 / missing"
        say(f"  {need.requirement.zh} {need.requirement.en}: {mark}")
    record.expect(3, "missing", "purchase", ",".join(need.requirement.key for need in needed if not need.served_by))
    desk.hand_in(
        MIANYANG,
        [("contract", "purchase-contract", papers["contract"],
          {"buyer_name": APPLICANT.name, "address": "绵阳市样本路 1 号", "price": 860000, "signed_on": "2026-02-20",
           "contract_number": "SAMPLE-2026-0001"}, ("applicant",))],
        issuer=_MIANYANG,
    )  # fmt: skip
    submission = desk.submission(
        "loan",
        applicant,
        receiving=MIANYANG,
        handling=MIANYANG,
        matter=LOAN,
        mode=Mode.FULLY_ONLINE,
        decision="decision",
    )
    case = desk.opened("loan", applicant, submission, relay=MIANYANG)
    record.fact("case:loan", case.hex)
    wanted = {
        "loan-applicant": [("identity-applicant", 0), ("household", 0), ("contribution", 0), ("contract", 0)],
        "loan-spouse": [("identity-spouse", 0)],
        "loan-both": [("marriage", 0), ("marriage", 1)],
    }
    opened = 0
    for name, listed in wanted.items():
        leaves = desk.allot(name, listed)
        granted = desk.consent(name, leaves, relay=MIANYANG, case=case, matter=LOAN, grantees={MIANYANG: 2})
        desk.settled(MIANYANG, [desk.grant(granted, leaves, relay=MIANYANG)])
        desk.settled(MIANYANG, [desk.use(granted, MIANYANG, case, name="first")])
        opened += desk.received(MIANYANG, granted, leaves, case)
    say(f"绵阳凭授权读取了七份材料，共 {opened // 2**20} MB / Mianyang read seven leaves under consent")
    record.expect(3, "files-opened", _sizes(papers, wanted), opened)
    for name, action, officer, words in (
        ("loan-accept", Action.ACCEPT, OfficerRole.RECEIVER, "予以受理"),
        ("loan-review", Action.REVIEW, 0, "开始审查"),
    ):
        desk.settled(MIANYANG, [desk.step(name, case, MIANYANG, action, words=words, officer=officer)])
    (decision,) = desk.hand_in(
        MIANYANG,
        [("decision", "decision", make_decision(folder / "files"),
          {"name": APPLICANT.name, "matter": "住房公积金异地贷款", "case": case.hex(), "result": "准予",
           "decided_on": "2026-03-02", "document_number": "SAMPLE-绵公积金-2026-1"}, ("applicant",))],
        issuer=_MIANYANG,
        decision=True,
    )  # fmt: skip
    first = desk.place(decision.name, 0, 0)
    for name, action, detail, officer in (
        ("loan-grant", Action.GRANT, first, OfficerRole.DECIDER),
        ("loan-close", Action.CLOSE, 0, 0),
        ("loan-deliver", Action.DELIVER, int(Channel.WEB), 0),
    ):
        desk.settled(MIANYANG, [desk.step(name, case, MIANYANG, action, detail=detail, officer=officer)])
    desk.settled(MIANYANG, [desk.act("loan-rate", case, "loan", applicant, Action.RATE, relay=MIANYANG, detail=_BEST)])
    record.expect(3, "loan-state", "rated", desk.state(case))


def repayment(desk: Desk, say: Say) -> None:
    """Yuzhong receives, Xiong'an decides, on papers from Wuhou and the decision that Mianyang made."""
    record, applicant = desk.record, desk.people["applicant"]
    submission = desk.submission(
        "repayment", applicant, receiving=YUZHONG, handling=XIONGAN, matter=REPAYMENT, mode=Mode.RECEIVED_HERE
    )
    case = desk.opened("repayment", applicant, submission, relay=YUZHONG)
    record.fact("case:repayment", case.hex)
    desk.settled(XIONGAN, [desk.step("repayment-receive", case, XIONGAN, Action.RECEIVE, words="收到异地代收材料")])
    desk.settled(
        XIONGAN,
        [desk.step("repayment-correct", case, XIONGAN, Action.REQUEST_CORRECTION, detail=int(NoticeKind.FORMAL),
                   words="请补正：申请表未签名")],
    )  # fmt: skip
    asked = record.fact("repayment-corrected", lambda: desk.state(case))
    record.expect(4, "correction-asked", "correction", asked)
    desk.settled(YUZHONG, [desk.act("repayment-supply", case, "repayment", applicant, Action.SUPPLY, relay=YUZHONG)])
    leaves = desk.allot("repayment", [("identity-applicant", 0), ("marriage", 0), ("marriage", 1), ("decision", 0)])
    granted = desk.consent(
        "repayment", leaves, relay=YUZHONG, case=case, matter=REPAYMENT, grantees={YUZHONG: 1, XIONGAN: 2}
    )
    desk.settled(YUZHONG, [desk.grant(granted, leaves, relay=YUZHONG)])
    for city in (YUZHONG, XIONGAN):
        desk.settled(city, [desk.use(granted, city, case, name="first")])
    for city in (YUZHONG, XIONGAN):
        opened = desk.received(city, granted, leaves, case)
        record.expect(4, f"opened-by-{city}", "yes", "yes" if opened else "no")
    say(
        "渝中与雄安各自凭同一授权读取，其中包括绵阳的办理结果 / both read under one consent, Mianyang's decision among it"
    )
    for name, action, officer, detail in (
        ("repayment-accept", Action.ACCEPT, OfficerRole.RECEIVER, 0),
        ("repayment-review", Action.REVIEW, 0, 0),
        ("repayment-grant", Action.GRANT, OfficerRole.DECIDER, 0),
        ("repayment-close", Action.CLOSE, 0, 0),
    ):
        desk.settled(XIONGAN, [desk.step(name, case, XIONGAN, action, officer=officer, detail=detail)])
    desk.settled(YUZHONG, [desk.step("repayment-deliver", case, YUZHONG, Action.DELIVER, detail=int(Channel.WINDOW))])
    desk.settled(
        YUZHONG, [desk.act("repayment-rate", case, "repayment", applicant, Action.RATE, relay=YUZHONG, detail=_BEST)]
    )
    record.expect(4, "repayment-state", "rated", desk.state(case))


def joint(desk: Desk, processes: NetworkProcesses, say: Say) -> None:
    """A migration in Wuhou and Yanta at once, at Yanta's window, for the spouse who has no phone; Yanta's node dies once."""
    record, spouse, yanta = desk.record, desk.people["spouse"], desk.nodes[YANTA]
    parent_form = desk.submission(
        "migration", spouse, receiving=YANTA, handling=YANTA, matter=MIGRATION, mode=Mode.JOINT
    )
    parent = desk.opened("migration", spouse, parent_form, relay=YANTA, attending=YANTA)
    child_form = desk.submission(
        "migration-wuhou", spouse, receiving=YANTA, handling=WUHOU, matter=MIGRATION, mode=Mode.JOINT, parent=parent,
        key_of="migration",
    )  # fmt: skip
    child = desk.opened("migration", spouse, child_form, relay=YANTA, attending=YANTA)
    record.fact("case:migration", parent.hex)
    record.fact("case:migration-wuhou", child.hex)
    leaves = desk.allot("migration", [("identity-spouse", 0), ("household", 1), ("marriage", 1)])
    granted = desk.consent(
        "migration", leaves, relay=YANTA, case=parent, matter=MIGRATION, grantees={YANTA: 2, WUHOU: 2}, attending=YANTA
    )
    desk.settled(YANTA, [desk.grant(granted, leaves, relay=YANTA, attending=YANTA)])
    # Written down, and then the node is killed before anybody knows whether it was sent.
    use = desk.use(granted, YANTA, parent, name="first")
    if not record.finished(8):
        record.fact("yanta-killed", lambda: _killed(processes))
        say("雁塔节点被强行终止，其余城市继续办理 / Yanta's node was killed; the others go on")
    desk.settled(WUHOU, [desk.step("migration-receive", child, WUHOU, Action.RECEIVE)], everywhere=False)
    if not processes.nodes[YANTA].running:
        behind = _block(desk, YANTA) < _block(desk, WUHOU)
        processes.start_node(YANTA).wait_ready(120)
        record.expect(8, "yanta-behind", "yes", "yes" if behind else "no")
    desk.settled(YANTA, [use])
    desk.settled(WUHOU, [desk.use(granted, WUHOU, child, name="first")])
    opened = desk.received(YANTA, granted, leaves, parent)
    record.expect(4, "opened-at-the-window", "yes", "yes" if opened else "no")
    record.expect(8, "yanta-used-once", 1, desk.uses(granted, YANTA))
    caught_up([yanta], desk.newest_block())
    record.expect(8, "yanta-same-picture", "equal", desk.compared(YANTA, WUHOU))
    _finish_joint(desk, parent, child)


def _finish_joint(desk: Desk, parent: bytes, child: bytes) -> None:
    spouse = desk.people["spouse"]
    for name, case, city, action, officer in (
        ("migration-accept", parent, YANTA, Action.ACCEPT, OfficerRole.RECEIVER),
        ("child-accept", child, YANTA, Action.ACCEPT, OfficerRole.RECEIVER),
        ("child-review", child, WUHOU, Action.REVIEW, 0),
        ("child-grant", child, WUHOU, Action.GRANT, OfficerRole.DECIDER),
        ("child-close", child, WUHOU, Action.CLOSE, 0),
        ("migration-review", parent, YANTA, Action.REVIEW, 0),
        ("migration-close", parent, YANTA, Action.CLOSE, 0),
        ("migration-deliver", parent, YANTA, Action.DELIVER, 0),
    ):
        detail = int(Channel.WINDOW) if action is Action.DELIVER else 0
        desk.settled(city, [desk.step(name, case, city, action, officer=officer, detail=detail)])
    rated = desk.act(
        "migration-rate", parent, "migration", spouse, Action.RATE, relay=YANTA, detail=_BEST, attending=YANTA
    )
    desk.settled(YANTA, [rated])
    desk.record.expect(4, "migration-state", "rated", desk.state(parent))
    desk.record.expect(4, "migration-child-state", "closed", desk.state(child))


def _killed(processes: NetworkProcesses) -> bool:
    processes.nodes[YANTA].kill()
    return True


def _block(desk: Desk, city: str) -> int:
    with desk.nodes[city].database.read() as connection:
        state = journal.position(connection)
    return -1 if state is None else state.block


def _identity(person: Person) -> dict[str, canonical.JsonValue]:
    return {"name": person.name, "number": person.identity_number, "valid_until": "2036-01-01"}


def _sizes(papers: Mapping[str, Path], wanted: Mapping[str, list[tuple[str, int]]]) -> int:
    return sum(papers[name].stat().st_size for listed in wanted.values() for name, _ in listed)


def _agreed(shown: agreements.AgreementShown, modes: int) -> str:
    state = "" if shown.in_force_at is not None else " (not in force)"
    return f"{len(shown.parties)} parties, {len(shown.matters)} matters, {modes} modes{state}"
