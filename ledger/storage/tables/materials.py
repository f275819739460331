"""Materials: what the chain says of batches and leaves, and, for this city's own, what their manifests say.

The last four tables are filled from opened manifests. Their plain columns hold types, digests, random references,
numbers and times; whatever names a person is in ``sealed``, under the city's own key, and gone once erased.
"""

from __future__ import annotations

from sqlalchemy import Column, Index, LargeBinary, Table

from ledger.storage.tables.columns import address, digest, member, moment, number, placed, small, text
from ledger.storage.tables.metadata import PROJECTION, metadata

__all__ = [
    "batches",
    "erasures",
    "leaf_revocations",
    "lookups",
    "material_files",
    "material_leaves",
    "material_subjects",
    "materials",
    "wallet_pointers",
]

batches = Table(
    "batches",
    metadata,
    address("contract", key=True),
    number("batch", key=True),
    member(),
    address("key"),
    digest("root"),
    number("size"),
    digest("blob"),
    small("flags"),
    *placed(),
    Index("ix_batches_member", "member", "batch"),
    Index("ix_batches_root", "root"),
    info=PROJECTION,
)

leaf_revocations = Table(
    "leaf_revocations",
    metadata,
    address("contract", key=True),
    number("batch", key=True),
    number("index", key=True),
    member(),
    address("key"),
    small("cause"),
    digest("commitment"),
    *placed(),
    info=PROJECTION,
)

erasures = Table(
    "erasures",
    metadata,
    address("contract", key=True),
    number("batch", key=True),
    number("index", key=True),
    member(key=True),
    # Zero where the custodian itself erased.
    digest("consent", key=True),
    address("key"),
    small("basis"),
    digest("commitment"),
    *placed(),
    Index("ix_erasures_consent", "consent"),
    info=PROJECTION,
)

wallet_pointers = Table(
    "wallet_pointers",
    metadata,
    digest("pointer", key=True),
    digest("blob"),
    member(),
    address("key"),
    *placed(),
    Index("ix_wallet_pointers_member", "member", "block"),
    info=PROJECTION,
)

lookups = Table(
    "lookups",
    metadata,
    digest("lookup", key=True),
    address("contract"),
    member("asker"),
    member("asked"),
    small("purpose"),
    address("key"),
    digest("commitment"),
    *placed(),
    moment("answered_at", null=True),
    address("answer_key", null=True),
    digest("answer_commitment", null=True),
    digest("answer_blob", null=True),
    Index("ix_lookups_asker", "asker", "block"),
    Index("ix_lookups_asked", "asked", "block"),
    info=PROJECTION,
)

materials = Table(
    "materials",
    metadata,
    # Random; the material's name inside this city, from its manifest.
    text("material", 64, key=True),
    address("contract"),
    number("batch"),
    text("type_code", 64),
    # All that follows is empty once the material is erased.
    digest("record", null=True),
    text("type_set", 64, null=True),
    small("assurance", null=True),
    text("reuse", 16, null=True),
    moment("issued_at", null=True),
    moment("expires_at", null=True),
    # The random reference of whoever it belongs to.
    text("applicant", 64, null=True),
    # Record, disclosures, blindings and content keys, sealed to this city.
    Column("sealed", LargeBinary),
    moment("erased_at", null=True),
    Index("ix_materials_batch", "contract", "batch"),
    Index("ix_materials_record", "record"),
    Index("ix_materials_applicant", "applicant"),
    Index("ix_materials_type_code", "type_code"),
    info=PROJECTION,
)

material_files = Table(
    "material_files",
    metadata,
    text("material", 64, key=True),
    small("position", key=True),
    text("media_type", 128),
    number("size"),
    # Of the file itself: how a file that is held against the ledger is recognised.
    digest("sha256"),
    digest("sm3"),
    # CID of the encrypted content's manifest.
    text("blob", 64),
    Index("ix_material_files_sha256", "sha256"),
    Index("ix_material_files_sm3", "sm3"),
    info=PROJECTION,
)

material_subjects = Table(
    "material_subjects",
    metadata,
    text("material", 64, key=True),
    small("subject", key=True),
    # 1 self-held, 2 in custody of this city.
    small("holding"),
    info=PROJECTION,
)

material_leaves = Table(
    "material_leaves",
    metadata,
    address("contract", key=True),
    number("batch", key=True),
    number("index", key=True),
    text("material", 64),
    small("subject"),
    # The how-manieth one-time leaf of this subject.
    small("turn"),
    address("holder"),
    moment("valid_until"),
    Index("ix_material_leaves_material", "material", "subject", "turn"),
    Index("ix_material_leaves_holder", "holder"),
    info=PROJECTION,
)
