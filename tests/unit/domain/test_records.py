from __future__ import annotations

import hashlib
import random
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ledger.domain import canonical, disclosures, leaves, merkle, records
from ledger.domain.leaves import Holding, LeafEntry
from ledger.domain.materials import (
    Assurance,
    AssuranceLevel,
    FileFact,
    Issuer,
    MaterialDraft,
    Reuse,
    ReusePolicy,
    SourceChannel,
)
from ledger.errors import FormatError, InputError
from tests.unit.domain.batches import SubjectHolders, wrap

FILE = FileFact("application/pdf", 4096, "ab" * 32, "cd" * 32, "b" + "a" * 58)
DRAFT = MaterialDraft(
    issuer=Issuer("11510107MB15000004", "样本区民政局"),
    anchor_member=1,
    anchor_division="510107",
    assurance=Assurance(AssuranceLevel.INSPECTED, "window-officer", 1_790_000_000),
    type_code="marriage-certificate",
    fields={"holder_name": "样本甲", "spouse_name": "样本乙", "registered_on": "2020-05-20"},
    files=(FILE, replace(FILE, size=0, media_type="image/jpeg")),
    subjects=(0, 1),
    issued_at=1_790_000_000,
    expires_at=1_900_000_000,
)


def seeded(seed: int = 1) -> leaves.Randomness:
    return random.Random(seed).randbytes  # noqa: S311 -- repeatable tests


names = st.from_regex(r"[a-z][a-z0-9_]{2,12}", fullmatch=True).filter(lambda name: name not in records._RESERVED)
values = (
    st.none()
    | st.booleans()
    | st.integers(0, 10**9)
    | st.text(st.characters(codec="utf-8"), max_size=40)
    | st.lists(st.text(st.characters(codec="utf-8"), max_size=5), max_size=3)
)


@settings(max_examples=40)
@given(st.dictionaries(names, values, max_size=14), st.integers(0, 2**32), st.data())
def test_fields_open_one_by_one_and_only_those_shown(fields: dict[str, Any], seed: int, data: st.DataObject) -> None:
    sealed = records.seal_record(replace(DRAFT, fields=fields, files=()), seeded(seed))
    assert sealed.digest == hashlib.sha256(sealed.record).digest()
    assert records.open_fields(records.read_record(sealed.record), sealed.disclosures) == fields
    wanted = data.draw(st.lists(st.sampled_from(sorted(fields)), unique=True) if fields else st.just([]))
    shown = disclosures.select_disclosures(sealed.disclosures, wanted)
    assert records.open_fields(records.read_record(sealed.record), shown) == {name: fields[name] for name in wanted}


def test_a_record_tells_no_field_before_it_is_disclosed() -> None:
    sealed = records.seal_record(DRAFT, seeded())
    text = sealed.record.decode()
    for hidden in ("样本甲", "样本乙", "2020-05-20", "holder_name", "application/pdf", FILE.sha256, FILE.blob):
        assert hidden not in text
    assert len({disclosures.parse_disclosure(d)[0] for d in sealed.disclosures}) == 5
    again = records.seal_record(DRAFT, seeded(2))
    assert not records.read_record(again.record).sd & records.read_record(sealed.record).sd


def test_a_record_is_an_sd_jwt_payload() -> None:
    sealed = records.seal_record(DRAFT, seeded())
    payload = canonical.decode_object(sealed.record)
    assert payload["_sd_alg"] == "sha-256"
    assert payload["_sd"] == sorted(disclosures.disclosure_digest(d) for d in sealed.disclosures)
    assert payload["iss"] == "11510107MB15000004"
    assert payload["iat"] == 1_790_000_000
    assert payload["exp"] == 1_900_000_000


@pytest.mark.parametrize(
    "draft",
    [
        DRAFT,
        replace(DRAFT, subjects=(0,), expires_at=0, assurance=Assurance(AssuranceLevel.UPLOADED)),
        replace(DRAFT, reuse=ReusePolicy(Reuse.SAME_PURPOSE, purpose="visa"), derived_from=("0a" * 32,)),
        replace(DRAFT, reuse=ReusePolicy(Reuse.FRESH, days=90), source=SourceChannel.DECISION),
    ],
)
def test_what_is_sealed_is_read_back(draft: MaterialDraft) -> None:
    sealed = records.seal_record(draft, seeded())
    read = records.read_record(sealed.record)
    for name in (
        "issuer", "anchor_member", "anchor_division", "assurance", "type_code", "type_set", "subjects", "reuse",
        "issued_at", "expires_at", "source", "derived_from",
    ):  # fmt: skip
        assert getattr(read, name) == getattr(draft, name)
    assert records.files_of(records.open_fields(records.read_record(sealed.record), sealed.disclosures)) == draft.files


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"fields": {"_sd": 1}}, "records.field_name"),
        ({"fields": {"...": 1}}, "records.field_name"),
        ({"fields": {"iss": 1}}, "records.field_name"),
        ({"fields": {"file.0": 1}}, "records.field_name"),
        ({"fields": {"姓名": 1}}, "records.field_name"),
        ({"fields": {f"f{n}": 1 for n in range(129)}}, "records.too_many_fields"),
        ({"fields": {"name": "x" * 20_000}}, "records.field_too_long"),
        ({"fields": {"name": "\ud800"}}, "canonical.unsupported"),
        ({"fields": {"name": 2**60}}, "canonical.unsupported"),
        ({"files": (replace(FILE, sha256="AB" * 32),)}, "records.file_fact"),
        ({"files": (replace(FILE, sm3=""),)}, "records.file_fact"),
        ({"files": (replace(FILE, size=-1),)}, "records.file_fact"),
        ({"files": (replace(FILE, blob="Qm"),)}, "records.file_fact"),
        ({"files": (replace(FILE, media_type="pdf"),)}, "records.file_fact"),
        ({"subjects": ()}, "records.shape"),
        ({"subjects": (1,)}, "records.shape"),
        ({"subjects": tuple(range(33))}, "records.shape"),
        ({"anchor_division": "51"}, "records.shape"),
        ({"anchor_member": -1}, "records.shape"),
        ({"type_code": ""}, "records.shape"),
        ({"issuer": Issuer("", "")}, "records.shape"),
        ({"issued_at": -1}, "records.shape"),
        ({"expires_at": -1}, "records.shape"),
        ({"derived_from": ("zz",)}, "records.shape"),
    ],
    ids=range(24),
)
def test_drafts_out_of_form_are_refused_without_repeating_them(change: dict[str, Any], code: str) -> None:
    with pytest.raises(InputError) as caught:
        records.seal_record(replace(DRAFT, **change), seeded())
    assert caught.value.code == code
    assert "xxxx" not in str(caught.value)


def changed(**change: canonical.JsonValue) -> bytes:
    payload = canonical.decode_object(records.seal_record(DRAFT, seeded()).record)
    for name, value in change.items():
        if value is None:
            del payload[name]
        else:
            payload[name] = value
    return canonical.encode(payload)


@pytest.mark.parametrize(
    ("record", "code"),
    [
        (b"[]", "canonical.not_object"),
        (b'{"a":1}', "records.version"),
        (b" " + changed(), "canonical.not_canonical"),
        (b" " * 40_000, "canonical.too_long"),
        (changed(format="tongban/record/2"), "records.version"),
        (changed(format=None), "records.version"),
        (changed(iss=None), "records.shape"),
        (changed(extra=1), "records.shape"),
        (changed(_sd_alg="sha-512"), "records.shape"),
        (changed(_sd="x"), "records.shape"),
        (changed(_sd=["x"]), "records.shape"),
        (changed(_sd=["b" * 43, "a" * 43]), "records.shape"),
        (changed(_sd=["a" * 43, "a" * 43]), "records.shape"),
        (changed(_sd=[1]), "records.shape"),
        (changed(iat="1"), "records.shape"),
        (changed(iat=-1), "records.shape"),
        (changed(iat=True), "records.shape"),
        (changed(anchor=[]), "records.shape"),
        (changed(anchor={"member": 1}), "records.shape"),
        (changed(anchor={"member": 1, "division": "510107", "x": 1}), "records.shape"),
        (changed(assurance={"level": 5}), "records.shape"),
        (changed(assurance={"level": 3}), "records.shape"),
        (changed(reuse={"policy": "fresh"}), "records.shape"),
        (changed(reuse={"policy": "sometimes"}), "records.shape"),
        (changed(source="elsewhere"), "records.shape"),
        (changed(subjects=[1, 0]), "records.shape"),
        (changed(subjects=[]), "records.shape"),
        (changed(derived_from=["x"]), "records.shape"),
    ],
    ids=range(28),
)
def test_records_out_of_form_are_named(record: bytes, code: str) -> None:
    with pytest.raises(FormatError) as caught:
        records.read_record(record)
    assert caught.value.code == code


def test_disclosures_of_another_record_are_refused() -> None:
    mine, other = records.seal_record(DRAFT, seeded(1)), records.seal_record(DRAFT, seeded(2))
    with pytest.raises(InputError, match=r"records.disclosure_mismatch"):
        records.open_fields(records.read_record(mine.record), [other.disclosures[0]])
    with pytest.raises(FormatError, match=r"records.duplicate_field"):
        records.open_fields(records.read_record(mine.record), [mine.disclosures[0]] * 2)


def test_disclosures_are_known_by_their_record_without_being_opened() -> None:
    sealed, other = records.seal_record(DRAFT, seeded(1)), records.seal_record(DRAFT, seeded(2))
    known = records.read_record(sealed.record)
    records.require_disclosed(known, sealed.disclosures)
    records.require_disclosed(known, [])
    with pytest.raises(InputError, match=r"records\.disclosure_mismatch"):
        records.require_disclosed(known, [*sealed.disclosures, other.disclosures[0]])
    with pytest.raises(FormatError, match=r"records\.disclosure$"):
        records.require_disclosed(known, ["é"])


def test_a_disclosure_cannot_replace_a_plain_member() -> None:
    forged = disclosures.disclosure_digest("WyJhIiwiaXNzIiwiYiJd")  # ["a","iss","b"]
    with pytest.raises(FormatError, match=r"records.field_name"):
        records.open_fields(records.read_record(changed(_sd=[forged])), ["WyJhIiwiaXNzIiwiYiJd"])


@pytest.mark.parametrize(
    "value",
    [
        "text",
        {},
        {"blob": FILE.blob, "media_type": "image/png", "sha256": "0" * 64, "size": "1", "sm3": "0" * 64},
        {"blob": FILE.blob, "media_type": "image/png", "sha256": 1, "size": 1, "sm3": "0" * 64},
        {"blob": FILE.blob, "media_type": "image/png", "sha256": "0", "size": 1, "sm3": "0" * 64},
    ],
)
def test_file_facts_are_read_strictly(value: canonical.JsonValue) -> None:
    with pytest.raises(FormatError, match=r"records.file_fact"):
        records.files_of({"name": "样本甲", "file.0": value})


def test_a_batch_opens_and_proves() -> None:
    rand = seeded(3)
    drafts = [
        replace(DRAFT, fields={"name": f"样本{number}"}, subjects=tuple(range(1 + number % 2))) for number in range(20)
    ]
    holders = [
        [
            SubjectHolders(Holding.SELF_HELD if subject else Holding.CUSTODY, [rand(20) for _ in range(8)])
            for subject in draft.subjects
        ]
        for draft in drafts
    ]
    wrapped = wrap(drafts, holders, rand)
    assert len(wrapped.entries) == len(wrapped.proofs) == 256
    assert wrapped.root == merkle.root_of_entries(wrapped.entries)
    for number, (draft, sealed) in enumerate(zip(drafts, wrapped.records, strict=True)):
        assert (
            records.open_fields(records.read_record(sealed.record), sealed.disclosures)["name"] == draft.fields["name"]
        )
        for subject in draft.subjects:
            places = wrapped.indices[number][subject]
            assert len(places) == 8
            for holder, index in zip(holders[number][subject].addresses, places, strict=True):
                entry = LeafEntry.decode(wrapped.entries[index])
                assert (entry.holder, entry.holding) == (holder, holders[number][subject].holding)
                leaves.verify_entry(entry, sealed.record, wrapped.blindings[index])
                merkle.verify_inclusion(
                    merkle.leaf_hash(wrapped.entries[index]), index, 256, wrapped.proofs[index], wrapped.root
                )
