"""``tongban holder sign`` with a case's document, on a machine without any node: shown, held against its words, signed."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest

from ledger.domain import holders, typed
from ledger.domain.cases import Action
from ledger.wire.case_documents import CaseDocument, Shown, read_case_document
from ledger.wire.papers import commitment_of
from node_client.seeds import open_seed
from tests.unit.node_client.commanding import Command, Said
from tests.unit.wire.case_document_world import BOX, SALT, rating, shown, submission

PASSPHRASE = "correct horse"
DAY = 86_400
Run = Callable[..., Said]


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    (tmp_path / "passphrase").touch(mode=0o600)
    (tmp_path / "passphrase").write_text(PASSPHRASE)
    found: Run = partial(Command(tmp_path, monkeypatch, capsys), "holder")
    for name in ("my.seed", "other.seed"):
        assert found("new", name, "--passphrase-file", "passphrase", "--scrypt-n", "1024").returncode == 0
    return found


def address(folder: Path, number: int = 3) -> str:
    """The applicant's key for a case: of an account that nobody tells the command."""
    root = holders.master(open_seed(folder / "my.seed", PASSPHRASE).seed())
    key = holders.leaf_keys(holders.account(root, holders.Branch.CASE, number), 0, 1)[0]
    return holders.address_text(holders.address_of(key))


def said(days: int = 7, **changes: object) -> Shown:
    """Words whose last day is so many days ahead, by a pilot's calendar."""
    offset = -22_723_200
    return shown(expires=int(time.time()) + offset + days * DAY, clock_offset=offset, **changes)


def written(folder: Path, document: CaseDocument, number: int = 3) -> CaseDocument:
    found = replace(document, case_key=address(folder, number))
    (folder / "act.json").write_bytes(found.encode())
    return found


def sign(run: Run, *more: str, seed: str = "my.seed", typed_in: str = "") -> Said:
    return run("sign", seed, "act.json", "--passphrase-file", "passphrase", *more, typed=typed_in)


def test_an_application_is_shown_in_words_and_signed_with_the_key_that_it_names(run: Run, tmp_path: Path):
    document = written(tmp_path, submission(said()))
    found = sign(run, "--to", "signed.json", typed_in="y\n")
    assert found.returncode == 0, found.stderr
    for words in (
        "a new case is opened", "withdrawal from the housing fund to repay a mortgage", "Wuhou", "Mianyang",
        "received here, decided there", "identity card; marriage certificate", "样本：申请办理", document.case.hex(),
        "no material is handed over",
    ):  # fmt: skip
        assert words in found.stderr
    assert "tongban case open --document signed.json" in found.stdout
    signed = read_case_document((tmp_path / "signed.json").read_bytes())
    assert replace(signed, signature=b"") == document
    assert typed.recover(document.digest, signed.signature) == document.case_key


def test_a_rating_and_a_withdrawal_say_what_they_are(run: Run, tmp_path: Path):
    written(tmp_path, rating(said(asked=(), words="")))
    found = sign(run, typed_in="y\n")
    assert "rate: very satisfied" in found.stderr
    assert "(none)" in found.stderr
    assert read_case_document((tmp_path / "act.signed.json").read_bytes()).action is Action.RATE
    says = said(asked=())
    written(
        tmp_path,
        rating(says, action=int(Action.WITHDRAW), detail=0, commitment=commitment_of(SALT, "withdraw", says.body())),
    )
    assert "cannot be brought back" in sign(run, typed_in="y\n").stderr
    written(
        tmp_path,
        rating(
            says,
            action=int(Action.SIGN_DELIVERY),
            detail=4,
            commitment=commitment_of(SALT, "sign-delivery", says.body()),
        ),
    )
    assert "sign for delivery: post" in sign(run, typed_in="y\n").stderr


def test_whoever_says_no_has_signed_nothing(run: Run, tmp_path: Path):
    written(tmp_path, submission(said()))
    found = sign(run, typed_in="n\n")
    assert (found.returncode, "nothing was written" in found.stderr) == (1, True)
    assert not (tmp_path / "act.signed.json").exists()


def refused(run: Run, *more: str, seed: str = "my.seed") -> str:
    found = sign(run, "--yes", "--json", *more, seed=seed)
    assert found.returncode in {2, 5}, found.stdout
    kind: str = json.loads(found.stderr)["type"]
    return kind.removeprefix("/problems/")


def test_what_is_not_right_is_not_signed(run: Run, tmp_path: Path):
    good = written(tmp_path, submission(said()))
    assert refused(run, seed="other.seed") == "signing.not_yours"
    written(tmp_path, submission(said(days=-1)))
    assert refused(run) == "signing.expired"
    for altered in (
        replace(good, shown=said(words="改过的话")),
        replace(good, box=BOX + b"."),
        submission(said(matter="local:tongban:other")),
    ):
        written(tmp_path, altered)
        assert refused(run) == "signing.altered"
    (tmp_path / "act.json").write_bytes(good.encode().replace(b"case-document/1", b"case-document/2"))
    assert refused(run) == "signing.version"
    (tmp_path / "act.json").write_bytes(good.encode().replace(b'"kind"', b'"kinds"'))
    assert refused(run) == "signing.form"
    (tmp_path / "act.json").unlink()
    assert refused(run) == "files.missing"
    assert not (tmp_path / "act.signed.json").exists()


def test_a_key_far_down_the_seed_is_found_and_one_beyond_is_not(run: Run, tmp_path: Path):
    written(tmp_path, submission(said()), number=120)
    assert sign(run, "--yes").returncode == 0
    written(tmp_path, submission(said()), number=1_000)
    assert refused(run) == "signing.not_yours"
