"""``tongban holder allot`` and ``sign``: whoever keeps the keys alone needs no city to sign, and any city to relay."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from ledger.domain.consents import Grantee
from ledger.domain.reasons import Reason
from ledger.services import consents, holders, materials
from ledger.wire.consent_parts import read_consent_part
from ledger.wire.grants import GrantedConsent, read_granted
from node_client.seeds import open_seed
from tests.integration.node_client.stage import Stage
from tests.integration.services.test_materials import paper

PASSPHRASE = "correct horse"
CASE = "11" * 32
SEED = ("my.seed", "--passphrase-file", "passphrase")
NODE = ("--node", "wuhou")


@pytest.fixture
def material(staged: Stage, tmp_path: Path) -> str:
    """A register in Wuhou of two people, the first of whom keeps the keys alone and has it in the wallet."""
    (tmp_path / "passphrase").touch(mode=0o600)
    (tmp_path / "passphrase").write_text(PASSPHRASE)
    assert staged.command("holder", "new", *SEED, "--scrypt-n", "1024").returncode == 0
    seed = open_seed(tmp_path / "my.seed", PASSPHRASE).seed()
    accounts = (holders.material_account(seed, 0), holders.material_account(bytes(64), 0))
    (name,) = materials.submit(
        staged.cities.nodes["wuhou"], "a1" * 16, [replace(paper(tmp_path), accounts=accounts)]
    ).materials
    staged.cities.pump()
    staged.said("holder", "wallet", *SEED, *NODE, "--add", f"{name}:0:0", "--at-once")
    staged.cities.pump()
    return name


def allotted(staged: Stage, material: str, case: str = CASE) -> int:
    said = staged.said("holder", "allot", SEED[0], material, *SEED[1:], *NODE, "--case", case, "--at-once")
    staged.cities.pump()
    batch, _, index = said["leaf"].partition(":")
    return int(batch) << 32 | int(index)


def written(
    staged: Stage, folder: Path, *leaves: int, fields: tuple[str, ...] = ("address", "file.0")
) -> GrantedConsent:
    wuhou, addresses = staged.cities.nodes["wuhou"], staged.cities.network.addresses
    prepared = consents.prepare(
        wuhou, addresses.materials, addresses.cases, case=bytes.fromhex(CASE), matter=bytes([2]) * 32,
        shown=dict.fromkeys(leaves, fields), grantees=[Grantee(2, 1)], days=30,
    )  # fmt: skip
    granted = GrantedConsent(
        chain_id=wuhou.chain_id, contract=addresses.materials, terms=prepared.terms, disclosed=prepared.disclosed,
        signatures=(),
    )  # fmt: skip
    (folder / "consent.json").write_bytes(granted.encode())
    return granted


def test_a_leaf_is_set_aside_signed_for_and_taken_back(staged: Stage, material: str, tmp_path: Path):
    leaf = allotted(staged, material)
    assert allotted(staged, material) == leaf
    assert allotted(staged, material, "22" * 32) != leaf
    written(staged, tmp_path, leaf)
    intent = staged.asked("holder", "sign", SEED[0], "consent.json", *SEED[1:], *NODE, "--yes", "--to", "signed.json")
    assert staged.cities.outcome("wuhou", intent) is Reason.OK
    assert len(read_granted((tmp_path / "signed.json").read_bytes()).signatures) == 1
    again = staged.asked("holder", "revoke", SEED[0], "signed.json", *SEED[1:], *NODE)
    assert staged.cities.outcome("wuhou", again) is Reason.OK
    (row,) = staged.said("consent", "list", *NODE)["consents"]
    assert row["revoked_at"]


def test_what_is_signed_is_shown_first_and_nothing_is_signed_unasked(staged: Stage, material: str, tmp_path: Path):
    leaf = allotted(staged, material)
    granted = written(staged, tmp_path, leaf)
    arguments = ("holder", "sign", SEED[0], "consent.json", *SEED[1:], *NODE, "--to", "signed.json", "--no-wait")
    refused = staged.command(*arguments, typed="n\n")
    assert refused.returncode == 1
    for shown in (
        CASE,
        "to handle the matter",
        "Household register",
        "address; file 1",
        "(member 2) may read it 1 time",
    ):
        assert shown in refused.stderr
    assert not (tmp_path / "signed.json").exists()
    assert staged.command(*arguments, typed="y\n").returncode == 0
    assert read_granted((tmp_path / "signed.json").read_bytes()).digest == granted.digest
    # What a terminal would obey cannot hide a field from whoever signs.
    written(staged, tmp_path, leaf, fields=("address", "number\x1b[8m"))
    hidden = staged.command(*arguments, typed="n\n")
    assert "\x1b[8m" not in hidden.stderr
    assert "number\ufffd[8m" in hidden.stderr


def test_nobody_signs_for_another_or_for_another_chain(staged: Stage, material: str, tmp_path: Path):
    leaf = allotted(staged, material)
    with staged.cities.nodes["wuhou"].database.read() as connection:
        other = materials.leaves_of(connection, material, 1)[0]
    granted = written(staged, tmp_path, leaf, other)
    sign = ("holder", "sign", SEED[0], "consent.json", *SEED[1:], *NODE, "--yes")
    # One's own part is signed, the other leaf is its holder's.
    assert staged.said(*sign)["others"] == 1
    assert [each.leaf for each in read_consent_part((tmp_path / "consent.signed.json").read_bytes()).leaves] == [leaf]
    written(staged, tmp_path, other)
    assert staged.refused(*sign) == "wallets.no_leaf"
    (tmp_path / "consent.json").write_bytes(replace(granted, chain_id=1).encode())
    assert staged.refused(*sign) == "signing.other_chain"
    assert staged.refused("holder", "allot", SEED[0], f"{material}:x", *SEED[1:], *NODE, "--case", CASE) == (
        "holders.add_form"
    )
    assert (
        staged.refused("holder", "allot", SEED[0], material, *SEED[1:], *NODE, "--case", "22") == "tracing.identifier"
    )
