"""The consortium: members, their keys with the time in which each was in force, votes, calendars, published keys."""

from __future__ import annotations

from sqlalchemy import Column, Index, LargeBinary, Table

from ledger.storage.tables.columns import address, digest, flag, member, moment, number, placed, small, text, word
from ledger.storage.tables.metadata import PROJECTION, metadata

__all__ = [
    "admissions",
    "calendar_objections",
    "calendars",
    "departments",
    "endpoints",
    "generations",
    "keys",
    "member_statuses",
    "members",
    "network",
    "policies",
    "proposals",
    "recoveries",
    "service_keys",
    "votes",
]

network = Table(
    "network",
    metadata,
    address("contract", key=True),
    text("name", 64),
    small("founders"),
    flag("pilot"),
    number("status_epoch"),
    number("clock_offset"),
    *placed(),
    info=PROJECTION,
)

members = Table(
    "members",
    metadata,
    member(key=True),
    number("division"),
    small("level"),
    member("parent"),
    flag("voting"),
    text("name", 64),
    address("administrator"),
    small("status"),
    *placed(),
    moment("confirmed_at", null=True),
    Index("ix_members_division", "division"),
    Index("ix_members_parent", "parent"),
    info=PROJECTION,
)

# Every status a member has had; the newest stands in ``members`` too.
member_statuses = Table(
    "member_statuses",
    metadata,
    member(key=True),
    *placed(key=True),
    small("status"),
    number("proposal"),
    digest("digest"),
    info=PROJECTION,
)

# One row for each span in which a key had certain roles; ``until_block`` is empty for the present one. A key is in force
# from its own event on and up to the event that ends the span.
keys = Table(
    "keys",
    metadata,
    address("key", key=True),
    *placed(key=True),
    member(),
    small("roles"),
    address("previous"),
    number("until_block", null=True),
    small("until_log_index", null=True),
    moment("until_time", null=True),
    Index("ix_keys_member", "member"),
    info=PROJECTION,
)

departments = Table(
    "departments",
    metadata,
    member(key=True),
    number("department", key=True),
    flag("active"),
    text("name", 96),
    *placed(),
    info=PROJECTION,
)

proposals = Table(
    "proposals",
    metadata,
    number("proposal", key=True),
    small("kind"),
    member(),
    number("target"),
    digest("subject"),
    digest("digest"),
    word("electorate"),
    small("needed"),
    moment("closes"),
    *placed(),
    small("approvals"),
    small("rejections"),
    moment("closed_at", null=True),
    flag("passed", null=True),
    info=PROJECTION,
)

# Whom a proposal of kind 1 would list.
admissions = Table(
    "admissions",
    metadata,
    number("proposal", key=True),
    number("division"),
    small("level"),
    member("parent"),
    flag("voting"),
    text("name", 64),
    address("administrator"),
    info=PROJECTION,
)

votes = Table(
    "votes",
    metadata,
    number("proposal", key=True),
    member(key=True),
    address("key"),
    flag("approve"),
    small("approvals"),
    *placed(),
    info=PROJECTION,
)

generations = Table(
    "generations",
    metadata,
    address("contract", key=True),
    small("kind"),
    number("generation"),
    *placed(),
    Index("ix_generations_kind", "kind", "generation", unique=True),
    info=PROJECTION,
)

policies = Table(
    "policies",
    metadata,
    number("version", key=True),
    digest("digest"),
    *placed(),
    info=PROJECTION,
)

calendars = Table(
    "calendars",
    metadata,
    small("year", key=True),
    number("version", key=True),
    member(),
    address("key"),
    word("low"),
    word("high"),
    digest("notice"),
    *placed(),
    info=PROJECTION,
)

calendar_objections = Table(
    "calendar_objections",
    metadata,
    small("year", key=True),
    number("version", key=True),
    member(key=True),
    digest("commitment"),
    *placed(),
    info=PROJECTION,
)

service_keys = Table(
    "service_keys",
    metadata,
    member(key=True),
    small("kind", key=True),
    number("version", key=True),
    Column("key", LargeBinary, nullable=False),
    *placed(),
    info=PROJECTION,
)

endpoints = Table(
    "endpoints",
    metadata,
    member(key=True),
    text("url", 128),
    *placed(),
    info=PROJECTION,
)

recoveries = Table(
    "recoveries",
    metadata,
    member(key=True),
    *placed(key=True),
    address("administrator"),
    moment("due"),
    # running · objected · done · void: the administrator or the recovery key was replaced in another way
    text("state", 8),
    info=PROJECTION,
)
