"""Consents: what was granted, to whom, over which leaves; each use; revocations before anything was recorded."""

from __future__ import annotations

from sqlalchemy import Index, Table

from ledger.storage.tables.columns import address, digest, member, moment, number, placed, small
from ledger.storage.tables.metadata import PROJECTION, metadata

__all__ = ["consent_grantees", "consent_leaves", "consents", "tombstones", "use_leaves", "uses"]

consents = Table(
    "consents",
    metadata,
    digest("consent", key=True),
    address("contract"),
    digest("case"),
    address("cases"),
    digest("matter"),
    small("purpose"),
    digest("disclosed"),
    moment("valid_from"),
    moment("valid_until"),
    member(),
    address("key"),
    # Zero where the holders signed themselves.
    member("attending"),
    member("custodian"),
    digest("paper"),
    moment("usable_from"),
    *placed(),
    moment("confirmed_at", null=True),
    member("confirmed_by", null=True),
    moment("revoked_at", null=True),
    address("revoked_holder", null=True),
    member("revoked_attending", null=True),
    digest("revoked_paper", null=True),
    member("revoked_member", null=True),
    Index("ix_consents_case", "case"),
    Index("ix_consents_custodian", "custodian"),
    info=PROJECTION,
)

consent_leaves = Table(
    "consent_leaves",
    metadata,
    digest("consent", key=True),
    number("batch", key=True),
    number("index", key=True),
    address("contract"),
    small("position"),
    # By leaf: each recorded consent spends its leaves, so at most one row matches.
    Index("ix_consent_leaves_leaf", "contract", "batch", "index"),
    info=PROJECTION,
)

consent_grantees = Table(
    "consent_grantees",
    metadata,
    digest("consent", key=True),
    member(key=True),
    small("uses"),
    small("remaining"),
    Index("ix_consent_grantees_member", "member"),
    info=PROJECTION,
)

uses = Table(
    "uses",
    metadata,
    address("contract", key=True),
    number("use", key=True),
    # 1 consent, 2 statutory duty.
    small("basis"),
    digest("consent"),
    digest("case"),
    address("cases"),
    member(),
    address("key"),
    small("purpose"),
    digest("disclosed"),
    small("remaining"),
    digest("provision"),
    digest("notice"),
    *placed(),
    Index("ix_uses_case", "case"),
    Index("ix_uses_consent", "consent"),
    Index("ix_uses_member", "member", "block"),
    info=PROJECTION,
)

use_leaves = Table(
    "use_leaves",
    metadata,
    address("contract", key=True),
    number("use", key=True),
    number("batch", key=True),
    number("index", key=True),
    Index("ix_use_leaves_leaf", "contract", "batch", "index"),
    info=PROJECTION,
)

# A revocation that came before its consent was recorded binds for that holder's leaves alone.
tombstones = Table(
    "tombstones",
    metadata,
    digest("consent", key=True),
    address("holder", key=True),
    address("contract"),
    member("attending"),
    digest("paper"),
    member(),
    address("key"),
    *placed(),
    info=PROJECTION,
)
