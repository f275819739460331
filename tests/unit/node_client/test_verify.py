"""``tongban verify`` on files: what each thing is, what belongs together, and the exit status."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from ledger.domain import merkle
from ledger.domain.entries import GenesisEntry, encode_entry
from ledger.domain.limits import LIMITS
from ledger.errors import InputError, LedgerError, NotFoundError
from ledger.wire.proofs import LogProof, format_proof
from ledger.wire.verification import Outcome
from node_client import offline
from node_client.offline import Kind, Report
from tests.unit.log.network import signed_checkpoint
from tests.unit.wire.receipt_vectors import NOW, VECTORS
from tests.unit.wire.receipt_world import anchoring, logged


@pytest.fixture
def papers(tmp_path: Path) -> Path:
    """A folder as a window hands it over: receipts, the paper, the network's policy."""
    for name in ("plain.json", "use.json", "witnessed.json", "register.pdf", "policy"):
        shutil.copy(VECTORS / name, tmp_path / name)
    return tmp_path


def verified(*paths: Path, policy: Path | None = None) -> Report:
    return offline.verify_all(paths, policy, now=NOW)


def outcome(report: Report, check: str, item: int = 0) -> Outcome:
    verdict = report.items[item].verdict
    assert verdict is not None
    return verdict.check(check).outcome


def add_proof(folder: Path, entry: bytes, index: int = 1) -> Path:
    """A proof of an entry in a log of three, beside the entry."""
    entries = [encode_entry(GenesisEntry(1, bytes(32), "0x" + "a" * 40)), entry, entry]
    hashes = merkle.leaf_hashes(entries)
    note = signed_checkpoint(3, merkle.root(hashes))
    (folder / "1.json").write_bytes(entry)
    path = folder / "1.json.tlog-proof"
    path.write_bytes(format_proof(LogProof(index, merkle.inclusion_proof(hashes, index), note)))
    return path


def test_a_folder_is_verified_whole(papers):
    add_proof(papers, logged(anchoring(), 12))
    report = verified(papers)
    assert report.good
    assert [(item.name, item.kind) for item in report.items] == [
        ("plain.json", Kind.RECEIPT),
        ("use.json", Kind.RECEIPT),
        ("witnessed.json", Kind.RECEIPT),
        ("1.json.tlog-proof", Kind.PROOF),
    ]
    assert [item.files for item in report.items[:3]] == [("register.pdf",)] * 3
    assert [item.about for item in report.items] == ["household-register"] * 3 + ["Anchored"]


def test_folders_inside_are_looked_at_and_hidden_files_are_not(papers):
    (papers / "inner").mkdir()
    (papers / "register.pdf").rename(papers / "inner" / "paper.pdf")
    (papers / ".hidden").write_bytes(b"x")
    report = verified(papers)
    assert report.good
    assert report.items[0].files == ("inner/paper.pdf",)


def test_a_file_that_no_receipt_knows_is_named(papers):
    (papers / "other.pdf").write_bytes(b"other")
    report = verified(papers)
    assert (report.unknown, report.good, report.malformed) == (("other.pdf",), False, False)
    assert all(item.verdict is not None and item.verdict.good for item in report.items)


def test_a_changed_file_leaves_its_receipts_unchecked(papers):
    with (papers / "register.pdf").open("ab") as file:
        file.write(b"!")
    report = verified(papers)
    assert report.unknown == ("register.pdf",)
    assert outcome(report, "fingerprint") is Outcome.COULD_NOT_CHECK
    # Named beside its one receipt it is held against it, and the answer is no.
    report = verified(papers / "plain.json", papers / "register.pdf", policy=papers / "policy")
    assert outcome(report, "fingerprint") is Outcome.FAILED
    assert not report.unknown


def test_the_same_file_twice_is_looked_at_once(papers):
    receipt = papers / "plain.json"
    assert len(verified(receipt, receipt, policy=papers / "policy").items) == 1


def test_a_receipt_without_its_file_is_not_called_good(papers):
    report = verified(papers / "plain.json", policy=papers / "policy")
    assert outcome(report, "fingerprint") is Outcome.COULD_NOT_CHECK
    assert not report.good


def test_a_malformed_receipt_does_not_hide_the_others(papers):
    (papers / "plain.json").write_bytes((papers / "plain.json").read_bytes() + b" ")
    report = verified(papers)
    assert report.malformed
    error = report.items[0].error
    assert error is not None
    assert error.code == "canonical.not_canonical"
    assert outcome(report, "seen", 1) is Outcome.PASSED


@pytest.mark.parametrize(
    ("change", "check", "code"),
    [
        (lambda entry, proof: (entry + b" ", proof), "logged", "log.inclusion_mismatch"),
        (lambda entry, proof: (entry, proof.replace(b"index 1\n", b"index 0\n")), "logged", "log.inclusion_mismatch"),
        (lambda entry, proof: (entry, proof.replace(b"\n3\n", b"\n4\n")), "seen", "log.signature_invalid"),
    ],
)
def test_a_forged_proof_is_refused(papers, change, check, code):
    path = add_proof(papers, logged(anchoring(), 12))
    entry, proof = change((papers / "1.json").read_bytes(), path.read_bytes())
    (papers / "1.json").write_bytes(entry)
    path.write_bytes(proof)
    verdict = verified(path, policy=papers / "policy").items[0].verdict
    assert verdict is not None
    assert (verdict.check(check).outcome, verdict.check(check).code) == (Outcome.FAILED, code)


def test_a_proof_without_its_entry_or_its_form_is_bad_input(papers):
    path = add_proof(papers, logged(anchoring(), 12))
    (papers / "1.json").unlink()
    (papers / "2.tlog-proof").write_bytes(b"nothing")
    codes = [item.error.code for item in verified(papers).items if item.error is not None]
    assert codes == ["offline.entry_missing", "log.proof_lines"]
    assert path.exists()


def refused(kind: type[LedgerError], *paths: Path, policy: Path | None = None) -> str:
    with pytest.raises(kind) as caught:
        verified(*paths, policy=policy)
    return caught.value.code


def test_what_cannot_be_verified_is_said(papers, monkeypatch):
    policy = papers / "policy"
    assert refused(NotFoundError, papers / "register.pdf", policy=policy) == "offline.no_receipt"
    assert refused(InputError, papers / "plain.json") == "offline.no_policy"
    assert refused(NotFoundError, papers / "none.json", policy=policy) == "offline.missing"
    assert refused(NotFoundError, papers, policy=papers / "none") == "offline.missing"
    (papers / "long").write_bytes(bytes(LIMITS.log_policy_bytes + 1))
    assert refused(InputError, papers, policy=papers / "long") == "offline.too_long"
    monkeypatch.setattr(offline, "LIMITS", _Few())
    assert refused(InputError, papers) == "offline.too_many"


class _Few:
    """The limits, but for the number of files."""

    offline_files = 2

    def __getattr__(self, name: str) -> Any:
        return getattr(LIMITS, name)


# ---- the command ----------------------------------------------------------------------------------------------------


def run(folder: Path, *arguments: str, lang: str = "en_US.UTF-8") -> subprocess.CompletedProcess[str]:
    """The command itself; it says at its end what it has loaded of what it must not."""
    program = (
        "import sys, atexit\n"
        "names = ('sqlalchemy', 'web3', 'eth', 'sqlite3', 'ledger.chain', 'ledger.storage', 'ledger.services')\n"
        "atexit.register(lambda: print('loaded', [n for n in names if n in sys.modules], file=sys.stderr))\n"
        "from node_client.cli.app import main\n"
        "main()\n"
    )
    root = Path(offline.__file__).parents[1]
    environment = {"LANG": lang, "PYTHONPATH": ":".join([str(root), *sys.path]), "COLUMNS": "160"}
    return subprocess.run(
        [sys.executable, "-c", program, "verify", *arguments],
        capture_output=True, text=True, env=environment, cwd=folder, check=False, timeout=60,
    )  # fmt: skip


def test_the_command_answers_by_its_status_and_loads_neither_database_nor_engine(papers):
    good = run(papers, ".", "--json")
    assert good.returncode == 0, good.stderr
    assert good.stderr.strip().endswith("loaded []")
    document = json.loads(good.stdout)
    assert (document["good"], len(document["items"]), document["unknown"]) == (True, 3, [])
    (papers / "other.pdf").write_bytes(b"other")
    assert run(papers, ".").returncode == 1
    (papers / "plain.json").write_bytes(b'{"format": "tongban/receipt/1"}')
    bad = run(papers, ".", "--json")
    assert bad.returncode == 2
    assert json.loads(bad.stdout)["items"][0]["error"]["code"] == "canonical.not_canonical"
    alone = run(papers, "plain.json", "--policy", "policy")
    assert (alone.returncode, "[canonical.not_canonical]" in alone.stderr) == (2, True)


def test_the_command_speaks_both_languages(papers):
    english = run(papers, "use.json", "register.pdf", "--policy", "policy")
    assert (english.returncode, english.stderr.strip()) == (0, "loaded []")
    for said in ("single sequencer", "used by consent", "network clock is off by", "All verified"):
        assert said in english.stdout
    chinese = run(papers, "use.json", "other.pdf", "--policy", "policy", lang="zh_CN.UTF-8")
    assert "[offline.missing]" in chinese.stderr
    (papers / "register.pdf").write_bytes(b"[bold]changed[/bold]")
    chinese = run(papers, "use.json", "register.pdf", "--policy", "policy", lang="zh_CN.UTF-8")
    assert chinese.returncode == 1
    for said in ("单一排序", "文件与登记的内容不一致", "[receipts.other_file]", "没有全部通过"):
        assert said in chinese.stdout
