"""The story's second half: what must not work does not, silence has its day, and anybody can see what happened."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from sqlalchemy import select

from ledger.chain.gateway import Gateway
from ledger.domain import merkle, workdays
from ledger.domain.cases import Action, Mode, OfficerRole
from ledger.domain.checkpoints import parse_checkpoint
from ledger.domain.files import digests_of
from ledger.domain.leaves import leaf_text
from ledger.domain.materials import Issuer, RevocationCause
from ledger.domain.policies import format_policy
from ledger.domain.reasons import Reason
from ledger.errors import InputError, LedgerError, NotFoundError, UnavailableError
from ledger.log.files import DirectoryFiles
from ledger.log.proofs import make_paths
from ledger.log.view import LogView
from ledger.projections.consortium import calendars
from ledger.services import audit, consents, materials, releasing
from ledger.services.publishing import policy_of
from ledger.services.trace import show
from ledger.services.verification import verify as verify_here
from ledger.storage.tables import cases as case_tables
from ledger.wire.consents import new_disclosed
from ledger.wire.grants import GrantedConsent, read_granted
from ledger.wire.traces import Trace
from node_client.networks import Network
from node_client.peers import HttpPeers
from node_client.pilot.catalogue import LICENCE, LOAN, REPAYMENT
from node_client.pilot.desk import Desk, Leaf
from node_client.pilot.story import MIANYANG, WUHOU, XIONGAN, YANTA, YUZHONG, Say

__all__ = ["cable_out", "refusals", "regulator_traces", "silence"]

_PURCHASE = "provident-fund-withdraw-purchase"
# Runs the command with every way out of this machine, and within it, closed before anything is imported.
_NO_NETWORK = (
    "import sys\n"
    "def refuse(event, _):\n"
    "    if event.startswith('socket.') or event == 'sqlite3.connect':\n"
    "        raise SystemExit('no network and no database here')\n"
    "sys.addaudithook(refuse)\n"
    "from node_client.cli.app import main\n"
    "main()\n"
)


def cable_out(desk: Desk, papers: Mapping[str, Path], folder: Path, say: Say) -> None:
    """Yanta verifies a receipt with neither engine nor node nor database: a receipt, a policy, a file."""
    with desk.nodes[YANTA].database.read() as connection:
        (folder / "five-cities.policy").write_bytes(format_policy(policy_of(connection, desk.nodes[YANTA].network)))
    for name in ("identity-applicant", "household"):
        status, verdict = _verified(folder, f"{name}.receipt.json", papers[name])
        say(f"  {name}: " + ", ".join(f"{item['name']} {item['outcome']}" for item in verdict["checks"]))
        desk.record.expect(5, f"offline-{name}", "0 True", f"{status} {verdict['good']}")


def refusals(desk: Desk, papers: Mapping[str, Path], folder: Path, say: Say) -> None:
    """Everything that a consent, an office or a file does not allow is refused, each with its code, each in a trace."""
    _changed_byte(desk, papers, folder)
    _consents(desk, say)
    _offices(desk)
    _peer(desk)
    _revoked(desk, papers)


def silence(desk: Desk, network: Network, say: Say) -> None:
    """After five working days of silence a licence case counts as accepted; a day earlier, or for another matter, not."""
    record, applicant = desk.record, desk.people["applicant"]
    opened = {}
    for name, matter in (("licence", LICENCE), ("benefit", REPAYMENT)):
        form = desk.submission(
            f"silent-{name}", applicant, receiving=YUZHONG, handling=XIONGAN, matter=matter, mode=Mode.RECEIVED_HERE
        )
        opened[name] = desk.opened(f"silent-{name}", applicant, form, relay=YUZHONG)
    record.fact("case:licence", opened["licence"].hex)
    received = _received(desk, opened["licence"])
    _advance_to(network, desk, workdays.day_start(_after_working_days(desk, received, 5)) + 10 * 3600)
    say("日历拨到第五个工作日 / the calendar is moved to the fifth working day")
    early = _claim(desk, opened["licence"], "silent-licence", "early")
    _refused(desk, "claim-a-day-early", YUZHONG, early, Reason.TOO_EARLY, opened["licence"], step=7)
    # The limit has run out once a sixth working day begins, which after a fifth on a Friday is the Monday.
    _advance_to(network, desk, workdays.day_start(_after_working_days(desk, received, 6)) + 60)
    say("日历拨到第六个工作日 / the calendar is moved to the sixth")
    other = _claim(desk, opened["benefit"], "silent-benefit", "benefit")
    _refused(desk, "claim-without-law", YUZHONG, other, Reason.SILENCE_COUNTS_NOT, opened["benefit"], step=7)
    claimed = _claim(desk, opened["licence"], "silent-licence", "claim")
    record.expect(7, "claim-in-time", "ok", desk.refusal(YUZHONG, claimed))
    expired = record.fact("expiring-case", str)
    granted, _ = _kept_consent(desk, "expiring", bytes.fromhex(expired), _PURCHASE, days=1, uses=2)
    late = desk.use(granted, MIANYANG, bytes.fromhex(expired), name="late")
    _refused(desk, "after-expiry", MIANYANG, late, Reason.CONSENT_EXPIRED, bytes.fromhex(expired))
    # Remembered, so that the play that is taken up again moves the calendar no further.
    rebuttable = record.fact("rebuttable-since", desk.nodes[YUZHONG].clock)
    _advance_to(network, desk, workdays.day_start(_after_working_days(desk, rebuttable, 2)) + 60)
    accept = desk.step("licence-settle", opened["licence"], XIONGAN, Action.REVIEW)
    desk.settled(XIONGAN, [accept])
    record.expect(7, "accepted-by-law", "review", desk.state(opened["licence"]))
    with desk.nodes[WUHOU].database.read() as connection:
        table = case_tables.cases
        claim = connection.execute(select(table.c.claim_accepted).where(table.c.case == opened["licence"])).scalar_one()
    record.expect(7, "claim-accepted", "True", bool(claim))


def regulator_traces(desk: Desk, regulator: str, say: Say) -> Trace:
    """The regulator sees one timeline over both cities, with a proof for each line that a cosigned checkpoint carries."""
    case = desk.record.fact("case:repayment", str)
    node = desk.nodes[regulator]
    trace = show(node, case)
    log = LogView(DirectoryFiles(desk.nodes[WUHOU].log_folder))

    def proven() -> int | None:
        note, tree = log.served()
        if note is None:
            return None
        checkpoint, _ = parse_checkpoint(note)
        if max(line.place.entry for line in trace.lines) >= checkpoint.size:
            return None
        paths = make_paths(tree, [line.place.entry for line in trace.lines], checkpoint.size)
        for line in trace.lines:
            entry = tree.entry(line.place.entry)
            path = paths[line.place.entry]
            merkle.verify_inclusion(merkle.leaf_hash(entry), line.place.entry, checkpoint.size, path, checkpoint.root)
        return len(trace.lines)

    count = desk.patiently(proven)
    desk.record.expect(9, "lines-proven", len(trace.lines), count)
    desk.record.expect(
        9, "both-cities", "yes", "yes" if len({line.who.member for line in trace.lines if line.who}) > 1 else "no"
    )
    desk.record.expect(
        9, "working-days-shown", "yes", "yes" if any(line.days is not None for line in trace.lines) else "no"
    )
    say(f"时间线共 {count} 行，每行均已在检查点下证明 / {count} lines, each proven under a cosigned checkpoint")
    return trace


# ---- refused --------------------------------------------------------------------------------------------------------


def _changed_byte(desk: Desk, papers: Mapping[str, Path], folder: Path) -> None:
    original = papers["identity-applicant"].read_bytes()
    changed = folder / ("changed" + papers["identity-applicant"].suffix)
    changed.write_bytes(original[:-3] + bytes((original[-3] ^ 1,)) + original[-2:])
    receipt = folder / "identity-applicant.receipt.json"
    status, verdict = _verified(folder, receipt.name, changed)
    codes = [item["code"] for item in verdict["checks"] if item["outcome"] == "failed"]
    desk.record.expect(6, "changed-byte", "1 receipts.other_file", f"{status} {','.join(codes)}")
    node = desk.nodes[YANTA]
    verify_here(node, receipt.read_bytes(), [digests_of([changed.read_bytes()])])
    with node.database.read() as connection:
        noted = [line.code for line in audit.listed(connection) if line.kind == "verify"]
    desk.record.expect(6, "changed-byte-in-audit", "receipts.other_file", noted[-1] if noted else "nothing")


def _consents(desk: Desk, say: Say) -> None:
    record, applicant = desk.record, desk.people["applicant"]
    form = desk.submission(
        "purchase", applicant, receiving=MIANYANG, handling=MIANYANG, matter=_PURCHASE, mode=Mode.FULLY_ONLINE
    )
    case = desk.opened("purchase", applicant, form, relay=MIANYANG)
    record.fact("expiring-case", case.hex)
    loan = bytes.fromhex(record.fact("case:loan", str))
    first, _ = _kept_consent(desk, "other-matter", case, _PURCHASE, uses=1)
    other = desk.submission(
        "second-loan", applicant, receiving=MIANYANG, handling=MIANYANG, matter=LOAN, mode=Mode.FULLY_ONLINE
    )
    another = desk.opened("second-loan", applicant, other, relay=MIANYANG)
    wrong = desk.use(first, MIANYANG, another, name="other-matter")
    # What is refused of a consent stands with the consent, and so in the trace of the case that it was given for.
    _refused(desk, "other-matter", MIANYANG, wrong, Reason.WRONG_MATTER, case)
    strange = desk.use(first, YUZHONG, case, name="other-city")
    _refused(desk, "other-city", YUZHONG, strange, Reason.NOT_A_GRANTEE, case)
    desk.settled(MIANYANG, [desk.use(first, MIANYANG, case, name="only")])
    again = desk.use(first, MIANYANG, case, name="again")
    _refused(desk, "after-last-use", MIANYANG, again, Reason.USED_UP, case)
    withdrawn, leaves = _kept_consent(desk, "withdrawn", case, _PURCHASE, uses=2)
    custodian = desk.nodes[leaves[0].city]
    own = releasing.own_leaf(custodian, custodian.keys.open, withdrawn.contract, leaves[0].leaf)
    signature = desk.people[leaves[0].holder].sign_leaf(
        leaves[0].paper, leaves[0].turn, desk.revocation_digest(withdrawn)
    )
    revoked = consents.revoke(
        desk.nodes[YUZHONG],
        withdrawn.contract,
        withdrawn.digest,
        consents.LeafShown(leaves[0].leaf, own.entry, own.proof, signature),
    )
    desk.settled(YUZHONG, [revoked])
    late = desk.use(withdrawn, MIANYANG, case, name="late")
    _refused(desk, "after-revocation", MIANYANG, late, Reason.CONSENT_REVOKED, case)
    _kept_consent(desk, "expiring", case, _PURCHASE, days=1, uses=2)
    # The loan's own consent, of which Mianyang has a use left: the case is over, and with it the reading.
    left = read_granted(bytes.fromhex(record.fact("consent:loan-spouse", str)))
    ended = desk.use(left, MIANYANG, loan, name="ended")
    _refused(desk, "ended-case", MIANYANG, ended, Reason.CASE_NOT_READING, loan)
    say(
        "授权用于其他事项、其他城市、撤回后、用完后，均被链上合约拒绝 / every misuse of a consent was refused on the chain"
    )


def _kept_consent(
    desk: Desk, name: str, case: bytes, matter: str, *, uses: int, days: int = 30
) -> tuple[GrantedConsent, list[Leaf]]:
    leaves = desk.allot(name, [("identity-applicant", 0)])
    granted = desk.consent(name, leaves, relay=MIANYANG, case=case, matter=matter, grantees={MIANYANG: uses}, days=days)
    if not desk.granted(granted):
        desk.settled(MIANYANG, [desk.grant(granted, leaves, relay=MIANYANG)])
    return granted, leaves


def _offices(desk: Desk) -> None:
    applicant = desk.people["applicant"]
    form = desk.submission(
        "received-only", applicant, receiving=YUZHONG, handling=XIONGAN, matter=REPAYMENT, mode=Mode.RECEIVED_HERE
    )
    case = desk.opened("received-only", applicant, form, relay=YUZHONG)
    step = desk.step("decide-where-received", case, YUZHONG, Action.ACCEPT, officer=OfficerRole.RECEIVER)
    _refused(desk, "deciding-where-received", YUZHONG, step, Reason.WRONG_OFFICE, case)
    bare = desk.submission(
        "no-agreement", applicant, receiving=YUZHONG, handling=XIONGAN, matter=REPAYMENT, mode=Mode.RECEIVED_HERE,
        covered=False,
    )  # fmt: skip
    never, intent = desk.open("no-agreement", applicant, bare, relay=YUZHONG)
    _refused(desk, "neither-agreement-nor-assent", YUZHONG, intent, Reason.NO_ASSENT, never)


def _peer(desk: Desk) -> None:
    """Yanta asks Wuhou for what only Mianyang may read; Wuhou says no, in its own name, and remembers it."""
    yanta, wuhou = desk.nodes[YANTA], desk.nodes[WUHOU]
    peers = HttpPeers(yanta.database, yanta.member, yanta.keys, yanta.clock, yanta.random, timeout=10)
    disclosed = new_disclosed({1: ("name",)}, yanta.random)
    try:
        peers.release(wuhou.member, 1, disclosed.encode())
        found = "released"
    except LedgerError as error:
        found = error.code
    finally:
        peers.close()
    desk.record.expect(6, "release-without-use", "releases.no_use", found)
    with wuhou.database.read() as connection:
        noted = [line for line in audit.listed(connection) if line.kind == "release" and line.member == yanta.member]
    desk.record.expect(6, "release-in-audit", "releases.no_use", noted[-1].code if noted else "nothing")


def _revoked(desk: Desk, papers: Mapping[str, Path]) -> None:
    record = desk.record
    case = bytes.fromhex(record.fact("expiring-case", str))
    (kept,) = desk.hand_in(
        WUHOU,
        [("premises", "premises-proof", papers["contract"], {"address": "成都市武侯区样本路 2 号", "owner": "样本甲"},
          ("applicant",))],
        issuer=Issuer("11510107MB00000001", "武侯区政务服务中心（样本）"),
    )  # fmt: skip
    leaves = desk.allot("premises", [("premises", 0)])
    granted = desk.consent("premises", leaves, relay=MIANYANG, case=case, matter=_PURCHASE, grantees={MIANYANG: 2})
    if not desk.granted(granted):
        desk.settled(MIANYANG, [desk.grant(granted, leaves, relay=MIANYANG)])
    revoked = materials.revoke(desk.nodes[WUHOU], kept.material, RevocationCause.INSPECTION_WITHDRAWN, "样本：核对有误")
    desk.settled(WUHOU, [revoked])
    late = desk.use(granted, MIANYANG, case, name="late")
    _refused(desk, "material-revoked", MIANYANG, late, Reason.LEAF_REVOKED, case)
    leaf = leaves[0].leaf
    trace = show(desk.nodes[MIANYANG], f"leaf:{leaf_text(leaf)}")
    causes = [value for line in trace.lines for name, _, value in line.facts if name == "cause"]
    record.expect(
        6, "reason-shown", RevocationCause.INSPECTION_WITHDRAWN.name.lower(), causes[-1] if causes else "nothing"
    )


# ---- helpers --------------------------------------------------------------------------------------------------------


def _refused(desk: Desk, name: str, city: str, intent: str, reason: Reason, case: bytes, *, step: int = 6) -> None:
    """Expect a refusal with its code, and the same code in the trace of the case as any city reads it."""
    desk.record.expect(step, name, reason.name.lower(), desk.refusal(city, intent))
    try:
        shown = {line.refused for line in show(desk.nodes[WUHOU], case.hex()).lines}
    except NotFoundError:
        shown = set()
    desk.record.expect(step, f"{name}-in-the-trace", "yes", "yes" if int(reason) in shown else "no")


def _claim(desk: Desk, case: bytes, case_name: str, name: str) -> str:
    return desk.act(f"claim-{name}", case, case_name, desk.people["applicant"], Action.CLAIM, relay=YUZHONG)


def _received(desk: Desk, case: bytes) -> int:
    """When a case was received."""
    with desk.nodes[YUZHONG].database.read() as connection:
        table = case_tables.cases
        return int(connection.execute(select(table.c.started).where(table.c.case == case)).scalar_one())


def _after_working_days(desk: Desk, since: int, days: int) -> int:
    with desk.nodes[YUZHONG].database.read() as connection:
        found = workdays.due_day(calendars(connection), workdays.day_of(since), days)
    if found is None:
        raise InputError("pilot.no_calendar")
    return found


def _advance_to(network: Network, desk: Desk, target: int) -> None:
    """Move the pilot's calendar forward, never back; every process sees it within a second."""
    node = desk.nodes[YUZHONG]
    seconds = target - node.clock()
    if seconds <= 0:
        return
    gateway = Gateway.connect([network.rpc_url], network.consortium)
    try:
        gateway.advance_clock(seconds)
    finally:
        gateway.close()
    desk.patiently(lambda: True if node.clock() >= target else None)


def _verified(folder: Path, receipt: str, file: Path) -> tuple[int, dict[str, Any]]:
    """Run ``tongban verify`` in a process that can open neither a socket nor a database."""
    found = subprocess.run(
        [
            sys.executable,
            "-c",
            _NO_NETWORK,
            "verify",
            receipt,
            str(file.resolve()),
            "--policy",
            "five-cities.policy",
            "--json",
        ],
        capture_output=True,
        text=True,
        cwd=folder,
        check=False,
        timeout=60,
        env={"PATH": os.environ.get("PATH", ""), "LANG": "C.UTF-8", "PYTHONPATH": os.pathsep.join(sys.path)},
    )
    if found.returncode not in {0, 1}:
        raise UnavailableError("pilot.verify_failed", status=found.returncode)
    report = json.loads(found.stdout)
    return found.returncode, report["items"][0]
