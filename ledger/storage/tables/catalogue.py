"""The catalogue: matters in versions, agreements with parties and items, acceptances, ends, delegations."""

from __future__ import annotations

from sqlalchemy import Index, Table

from ledger.storage.tables.columns import address, digest, flag, member, moment, number, placed, small, text, word
from ledger.storage.tables.metadata import PROJECTION, metadata

__all__ = [
    "acceptances",
    "agreement_ends",
    "agreement_items",
    "agreement_parties",
    "agreements",
    "delegations",
    "matters",
]

matters = Table(
    "matters",
    metadata,
    # A later generation of the catalogue counts versions anew.
    address("contract", key=True),
    member(key=True),
    digest("matter", key=True),
    number("version", key=True),
    word("rule"),
    digest("digest"),
    digest("blob"),
    text("code", 64),
    # Whether new cases are opened under it: the newest version that was not withdrawn.
    flag("offered"),
    moment("withdrawn_at", null=True),
    *placed(),
    Index("ix_matters_matter_offered", "matter", "offered"),
    Index("ix_matters_code", "code"),
    info=PROJECTION,
)

agreements = Table(
    "agreements",
    metadata,
    digest("agreement", key=True),
    number("version", key=True),
    address("contract"),
    small("kind"),
    member(),
    digest("parent"),
    digest("predecessor"),
    small("notice_days"),
    moment("valid_from"),
    moment("valid_until"),
    digest("digest"),
    digest("blob"),
    # How many accepted, of how many asked (the parties of the version that it amends are asked too).
    small("accepted"),
    small("asked"),
    moment("in_force_at", null=True),
    moment("superseded_at", null=True),
    *placed(),
    Index("ix_agreements_in_force_at", "in_force_at"),
    info=PROJECTION,
)

agreement_parties = Table(
    "agreement_parties",
    metadata,
    digest("agreement", key=True),
    number("version", key=True),
    member(key=True),
    # False: a party of the version before it, asked whether it agrees to leave.
    flag("party"),
    Index("ix_agreement_parties_member", "member"),
    info=PROJECTION,
)

agreement_items = Table(
    "agreement_items",
    metadata,
    digest("agreement", key=True),
    number("version", key=True),
    digest("matter", key=True),
    # Bit m for mode m.
    small("modes"),
    Index("ix_agreement_items_matter", "matter"),
    info=PROJECTION,
)

acceptances = Table(
    "acceptances",
    metadata,
    digest("agreement", key=True),
    number("version", key=True),
    member(key=True),
    address("key"),
    *placed(),
    info=PROJECTION,
)

agreement_ends = Table(
    "agreement_ends",
    metadata,
    digest("agreement", key=True),
    member(),
    moment("effective"),
    digest("digest"),
    *placed(),
    info=PROJECTION,
)

delegations = Table(
    "delegations",
    metadata,
    address("contract", key=True),
    member("grantor", key=True),
    member("grantee", key=True),
    digest("matter", key=True),
    moment("valid_from"),
    # 0: ended.
    moment("valid_until"),
    digest("digest"),
    digest("blob"),
    *placed(),
    Index("ix_delegations_grantee_matter", "grantee", "matter"),
    info=PROJECTION,
)
