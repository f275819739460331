"""A seed on the holder's own disk: made, shown without its secret, and made again from the words."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import partial
from itertools import pairwise

import pytest

from ledger.domain import canonical, holders
from ledger.errors import InputError
from ledger.services import holders as service
from node_client.keys import seal_file
from node_client.seeds import open_seed
from tests.unit.node_client.commanding import Command, Said

PASSPHRASE = "correct horse"


@pytest.fixture
def run(folder, monkeypatch, capsys) -> Callable[..., Said]:
    return partial(Command(folder, monkeypatch, capsys), "holder")


@pytest.fixture
def folder(tmp_path):
    for name, text in (("passphrase", PASSPHRASE), ("wrong", "battery staple")):
        (tmp_path / name).touch(mode=0o600)
        (tmp_path / name).write_text(text + "\n")
    return tmp_path


def made(run, name: str = "my.seed", words: str = "zh") -> list[str]:
    found = run("new", name, "--passphrase-file", "passphrase", "--words", words, "--scrypt-n", "1024", "--json")
    assert found.returncode == 0, found.stderr
    document = json.loads(found.stdout)
    assert document["file"] == name
    return list(document["words"])


def rotations(shown: list[str]) -> list[str]:
    return [" ".join([*shown[turn:], *shown[:turn]]) for turn in range(1, len(shown))]


def is_phrase(text: str) -> bool:
    try:
        service.recover(text)
    except InputError:
        return False
    return True


@pytest.mark.parametrize("words", ["zh", "en"])
def test_the_words_are_shown_once_and_make_the_seed_again(folder, run, words):
    shown = made(run, words=words)
    assert len(shown) == 12
    assert all(word.isascii() == (words == "en") for word in shown)
    content = (folder / "my.seed").read_text()
    # One word alone may stand in any file ("salt" is one of the list); two that follow one another do not by chance.
    pairs = [f"{one}{between}{other}" for one, other in pairwise(shown) for between in ("", " ")]
    assert not any(pair in content for pair in pairs)
    common = ("--passphrase-file", "passphrase", "--scrypt-n", "1024", "--json")
    typed = run("recover", "typed.seed", *common, typed=("" if words == "zh" else " ").join(shown) + "\n")
    assert json.loads(typed.stdout) == {"file": "typed.seed", "words": 12}
    (folder / "words").touch(mode=0o600)
    (folder / "words").write_text(" ".join(shown))
    run("recover", "read.seed", *common, "--words-file", "words")
    seeds = {open_seed(folder / name, PASSPHRASE).seed() for name in ("my.seed", "typed.seed", "read.seed")}
    assert seeds == {service.recover(" ".join(shown))}
    # The checksum has four bits: one rotation in sixteen is somebody else's phrase.
    turned = next(text for text in rotations(shown) if not is_phrase(text))
    (folder / "words").write_text(turned)
    wrong = run("recover", "other.seed", *common, "--words-file", "words")
    assert (wrong.returncode, json.loads(wrong.stderr)["type"]) == (2, "/problems/holders.words_checksum")
    assert not (folder / "other.seed").exists()


def test_what_is_shown_is_what_is_handed_over(folder, run):
    assert made(run, words="none") == []
    found = run(
        "show", "my.seed", "--passphrase-file", "passphrase", "--account", "2", "--start", "8", "--leaves", "2",
        "--case", "1", "--json",
    )  # fmt: skip
    shown = json.loads(found.stdout)
    seed = open_seed(folder / "my.seed", PASSPHRASE).seed()
    assert shown["public"] == service.material_account(seed, 2).account
    keys = [service.leaf_key(seed, 2, step) for step in (8, 9)]
    assert [each["address"] for each in shown["leaves"]] == [
        holders.address_text(holders.address_of(key)) for key in keys
    ]
    assert shown["case"] == {"number": 1, "address": service.case_address(seed, 1)}
    told = run("show", "my.seed", "--passphrase-file", "passphrase")
    assert service.case_address(seed, 0) in told.stdout
    # However narrow the screen: an extended key that is cut off is good for nothing.
    assert service.material_account(seed, 0).account in told.stdout.splitlines()
    words = open_seed(folder / "my.seed", PASSPHRASE).words().split()
    assert not set(words) & set(told.stdout)
    assert seed.hex() not in told.stdout


def test_a_file_that_exists_is_not_overwritten_and_opens_with_its_passphrase_alone(folder, run):
    made(run)
    before = (folder / "my.seed").read_bytes()
    again = run("new", "my.seed", "--passphrase-file", "passphrase")
    assert (again.returncode, "[holders.file_exists]" in again.stderr) == (4, True)
    assert (folder / "my.seed").read_bytes() == before
    assert (folder / "my.seed").stat().st_mode & 0o077 == 0
    for passphrase, code in (("wrong", "keys.wrong_passphrase"), ("none", "keys.no_passphrase")):
        refused = run("show", "my.seed", "--passphrase-file", passphrase, "--json")
        assert json.loads(refused.stderr)["type"] == f"/problems/{code}"
    seal_file(folder / "other", canonical.encode({"format": "x"}), PASSPHRASE, bytes, scrypt_n=1024)
    refused = run("show", "other", "--passphrase-file", "passphrase", "--json")
    assert json.loads(refused.stderr)["type"] == "/problems/holders.no_seed"


@pytest.mark.parametrize(
    "arguments",
    [
        (),
        ("my.seed",),
        ("--custody",),
        ("--custody", "--node", "wuhou"),
        ("my.seed", "--custody", "--node", "wuhou", "--pin-file", "passphrase"),
    ],
)
def test_where_the_seed_is_to_be_must_be_said(run, arguments):
    refused = run("new", *arguments, "--json")
    assert (refused.returncode, json.loads(refused.stderr)["type"]) == (2, "/problems/holders.file_or_custody")
