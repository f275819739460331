"""Create everything."""

# ruff: noqa: PLR0915  # one revision is one list of statements, written by ``revise``

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Go forward; there is no way back but the backup."""
    op.create_table(
        "acceptances",
        sa.Column("agreement", sa.LargeBinary(length=32), nullable=False),
        sa.Column("version", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("member", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("key", sa.String(length=42), nullable=False),
        sa.Column("block", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("log_index", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("time", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("agreement", "version", "member", name=op.f("pk_acceptances")),
        info={"kind": "projection"},
    )
    op.create_table(
        "admissions",
        sa.Column("proposal", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("division", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("level", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("parent", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("voting", sa.Boolean(), nullable=False),
        sa.Column("name", sa.String(length=64), nullable=False),
        sa.Column("administrator", sa.String(length=42), nullable=False),
        sa.PrimaryKeyConstraint("proposal", name=op.f("pk_admissions")),
        info={"kind": "projection"},
    )
    op.create_table(
        "agreement_ends",
        sa.Column("agreement", sa.LargeBinary(length=32), nullable=False),
        sa.Column("member", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("effective", sa.BigInteger(), nullable=False),
        sa.Column("digest", sa.LargeBinary(length=32), nullable=False),
        sa.Column("block", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("log_index", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("time", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("agreement", name=op.f("pk_agreement_ends")),
        info={"kind": "projection"},
    )
    op.create_table(
        "agreement_items",
        sa.Column("agreement", sa.LargeBinary(length=32), nullable=False),
        sa.Column("version", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("matter", sa.LargeBinary(length=32), nullable=False),
        sa.Column("modes", sa.Integer(), autoincrement=False, nullable=False),
        sa.PrimaryKeyConstraint("agreement", "version", "matter", name=op.f("pk_agreement_items")),
        info={"kind": "projection"},
    )
    op.create_index("ix_agreement_items_matter", "agreement_items", ["matter"], unique=False)
    op.create_table(
        "agreement_parties",
        sa.Column("agreement", sa.LargeBinary(length=32), nullable=False),
        sa.Column("version", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("member", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("party", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("agreement", "version", "member", name=op.f("pk_agreement_parties")),
        info={"kind": "projection"},
    )
    op.create_index("ix_agreement_parties_member", "agreement_parties", ["member"], unique=False)
    op.create_table(
        "agreements",
        sa.Column("agreement", sa.LargeBinary(length=32), nullable=False),
        sa.Column("version", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("contract", sa.String(length=42), nullable=False),
        sa.Column("kind", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("member", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("parent", sa.LargeBinary(length=32), nullable=False),
        sa.Column("predecessor", sa.LargeBinary(length=32), nullable=False),
        sa.Column("notice_days", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("valid_from", sa.BigInteger(), nullable=False),
        sa.Column("valid_until", sa.BigInteger(), nullable=False),
        sa.Column("digest", sa.LargeBinary(length=32), nullable=False),
        sa.Column("blob", sa.LargeBinary(length=32), nullable=False),
        sa.Column("accepted", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("asked", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("in_force_at", sa.BigInteger(), nullable=True),
        sa.Column("superseded_at", sa.BigInteger(), nullable=True),
        sa.Column("block", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("log_index", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("time", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("agreement", "version", name=op.f("pk_agreements")),
        info={"kind": "projection"},
    )
    op.create_index("ix_agreements_in_force_at", "agreements", ["in_force_at"], unique=False)
    op.create_table(
        "allotments",
        sa.Column("contract", sa.String(length=42), nullable=False),
        sa.Column("batch", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("index", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("case", sa.LargeBinary(length=32), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("contract", "batch", "index", name=op.f("pk_allotments")),
        info={"kind": "local"},
    )
    op.create_index("ix_allotments_case", "allotments", ["case"], unique=False)
    op.create_index("ix_allotments_created_at", "allotments", ["created_at"], unique=False)
    op.create_table(
        "assents",
        sa.Column("case", sa.LargeBinary(length=32), nullable=False),
        sa.Column("member", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("key", sa.String(length=42), nullable=False),
        sa.Column("commitment", sa.LargeBinary(length=32), nullable=False),
        sa.Column("blob", sa.LargeBinary(length=32), nullable=False),
        sa.Column("block", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("log_index", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("time", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("case", "member", name=op.f("pk_assents")),
        info={"kind": "projection"},
    )
    op.create_table(
        "audit",
        sa.Column("id", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("time", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("code", sa.String(length=64), nullable=False),
        sa.Column("member", sa.Integer(), nullable=False),
        sa.Column("subject", sa.String(length=96), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_audit")),
        info={"kind": "local"},
    )
    op.create_index("ix_audit_subject", "audit", ["subject"], unique=False)
    op.create_table(
        "batches",
        sa.Column("contract", sa.String(length=42), nullable=False),
        sa.Column("batch", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("member", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("key", sa.String(length=42), nullable=False),
        sa.Column("root", sa.LargeBinary(length=32), nullable=False),
        sa.Column("size", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("blob", sa.LargeBinary(length=32), nullable=False),
        sa.Column("flags", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("block", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("log_index", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("time", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("contract", "batch", name=op.f("pk_batches")),
        info={"kind": "projection"},
    )
    op.create_index("ix_batches_member", "batches", ["member", "batch"], unique=False)
    op.create_index("ix_batches_root", "batches", ["root"], unique=False)
    op.create_table(
        "blocks",
        sa.Column("number", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("time", sa.BigInteger(), nullable=False),
        sa.Column("hash", sa.LargeBinary(length=32), nullable=True),
        sa.Column("parent", sa.LargeBinary(length=32), nullable=True),
        sa.Column("receipts_root", sa.LargeBinary(length=32), nullable=True),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_blocks")),
        info={"kind": "projection"},
    )
    op.create_table(
        "calendar_objections",
        sa.Column("year", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("version", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("member", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("commitment", sa.LargeBinary(length=32), nullable=False),
        sa.Column("block", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("log_index", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("time", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("year", "version", "member", name=op.f("pk_calendar_objections")),
        info={"kind": "projection"},
    )
    op.create_table(
        "calendars",
        sa.Column("year", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("version", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("member", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("key", sa.String(length=42), nullable=False),
        sa.Column("low", sa.String(length=78), nullable=False),
        sa.Column("high", sa.String(length=78), nullable=False),
        sa.Column("notice", sa.LargeBinary(length=32), nullable=False),
        sa.Column("block", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("log_index", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("time", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("year", "version", name=op.f("pk_calendars")),
        info={"kind": "projection"},
    )
    op.create_table(
        "case_papers",
        sa.Column("block", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("log_index", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("time", sa.BigInteger(), nullable=False),
        sa.Column("case", sa.LargeBinary(length=32), nullable=False),
        sa.Column("kind", sa.String(length=64), nullable=False),
        sa.Column("commitment", sa.LargeBinary(length=32), nullable=False),
        sa.Column("blob", sa.LargeBinary(length=32), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("block", "log_index", name=op.f("pk_case_papers")),
        info={"kind": "projection"},
    )
    op.create_index("ix_case_papers_case", "case_papers", ["case"], unique=False)
    op.create_table(
        "case_records",
        sa.Column("case", sa.LargeBinary(length=32), nullable=False),
        sa.Column("sequence", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("kind", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("member", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("key", sa.String(length=42), nullable=False),
        sa.Column("commitment", sa.LargeBinary(length=32), nullable=False),
        sa.Column("blob", sa.LargeBinary(length=32), nullable=False),
        sa.Column("block", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("log_index", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("time", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("case", "sequence", name=op.f("pk_case_records")),
        info={"kind": "projection"},
    )
    op.create_table(
        "case_transitions",
        sa.Column("case", sa.LargeBinary(length=32), nullable=False),
        sa.Column("sequence", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("action", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("state", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("actor", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("member", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("key", sa.String(length=42), nullable=False),
        sa.Column("helper", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("department", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("role", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("detail", sa.String(length=78), nullable=False),
        sa.Column("elapsed", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("commitment", sa.LargeBinary(length=32), nullable=False),
        sa.Column("blob", sa.LargeBinary(length=32), nullable=False),
        sa.Column("head", sa.LargeBinary(length=32), nullable=False),
        sa.Column("block", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("log_index", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("time", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("case", "sequence", name=op.f("pk_case_transitions")),
        info={"kind": "projection"},
    )
    op.create_index("ix_case_transitions_action_time", "case_transitions", ["action", "time"], unique=False)
    op.create_table(
        "cases",
        sa.Column("case", sa.LargeBinary(length=32), nullable=False),
        sa.Column("contract", sa.String(length=42), nullable=False),
        sa.Column("case_key", sa.String(length=42), nullable=False),
        sa.Column("receiving", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("handling", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("matter", sa.LargeBinary(length=32), nullable=False),
        sa.Column("mode", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("channel", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("version", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("rule", sa.String(length=78), nullable=False),
        sa.Column("agreement", sa.LargeBinary(length=32), nullable=False),
        sa.Column("agreement_version", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("parent", sa.LargeBinary(length=32), nullable=False),
        sa.Column("holders", sa.LargeBinary(length=32), nullable=False),
        sa.Column("member", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("key", sa.String(length=42), nullable=False),
        sa.Column("helper", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("commitment", sa.LargeBinary(length=32), nullable=False),
        sa.Column("blob", sa.LargeBinary(length=32), nullable=False),
        sa.Column("head", sa.LargeBinary(length=32), nullable=False),
        sa.Column("block", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("log_index", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("time", sa.BigInteger(), nullable=False),
        sa.Column("changed_at", sa.BigInteger(), nullable=False),
        sa.Column("state", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("office", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("department", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("sequence", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("records", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("corrections_receiving", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("corrections_handling", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("children", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("children_open", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("rating", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("orders", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("result", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("outcome", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("claim_pending", sa.Boolean(), nullable=False),
        sa.Column("claim_accepted", sa.Boolean(), nullable=False),
        sa.Column("extended", sa.Boolean(), nullable=False),
        sa.Column("child", sa.Boolean(), nullable=False),
        sa.Column("received", sa.Boolean(), nullable=False),
        sa.Column("signed", sa.Boolean(), nullable=False),
        sa.Column("started", sa.BigInteger(), nullable=False),
        sa.Column("asked", sa.BigInteger(), nullable=False),
        sa.Column("accepted", sa.BigInteger(), nullable=False),
        sa.Column("since", sa.BigInteger(), nullable=False),
        sa.Column("decided", sa.BigInteger(), nullable=False),
        sa.Column("suspended", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("extension", sa.Integer(), autoincrement=False, nullable=False),
        sa.PrimaryKeyConstraint("case", name=op.f("pk_cases")),
        info={"kind": "projection"},
    )
    op.create_index("ix_cases_agreement", "cases", ["agreement", "block"], unique=False)
    op.create_index("ix_cases_handling_state", "cases", ["handling", "state", "changed_at"], unique=False)
    op.create_index("ix_cases_matter", "cases", ["matter"], unique=False)
    op.create_index("ix_cases_office_state", "cases", ["office", "state", "changed_at"], unique=False)
    op.create_index("ix_cases_parent", "cases", ["parent"], unique=False)
    op.create_index("ix_cases_receiving_state", "cases", ["receiving", "state", "changed_at"], unique=False)
    op.create_index("ix_cases_time", "cases", ["time"], unique=False)
    op.create_table(
        "clock_changes",
        sa.Column("block", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("log_index", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("time", sa.BigInteger(), nullable=False),
        sa.Column("case", sa.LargeBinary(length=32), nullable=False),
        sa.Column("started", sa.BigInteger(), nullable=False),
        sa.Column("suspended", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("extension", sa.Integer(), autoincrement=False, nullable=False),
        sa.PrimaryKeyConstraint("block", "log_index", name=op.f("pk_clock_changes")),
        info={"kind": "projection"},
    )
    op.create_index("ix_clock_changes_case", "clock_changes", ["case"], unique=False)
    op.create_table(
        "consent_grantees",
        sa.Column("consent", sa.LargeBinary(length=32), nullable=False),
        sa.Column("member", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("uses", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("remaining", sa.Integer(), autoincrement=False, nullable=False),
        sa.PrimaryKeyConstraint("consent", "member", name=op.f("pk_consent_grantees")),
        info={"kind": "projection"},
    )
    op.create_index("ix_consent_grantees_member", "consent_grantees", ["member"], unique=False)
    op.create_table(
        "consent_leaves",
        sa.Column("consent", sa.LargeBinary(length=32), nullable=False),
        sa.Column("batch", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("index", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("contract", sa.String(length=42), nullable=False),
        sa.Column("position", sa.Integer(), autoincrement=False, nullable=False),
        sa.PrimaryKeyConstraint("consent", "batch", "index", name=op.f("pk_consent_leaves")),
        info={"kind": "projection"},
    )
    op.create_index("ix_consent_leaves_leaf", "consent_leaves", ["contract", "batch", "index"], unique=False)
    op.create_table(
        "consents",
        sa.Column("consent", sa.LargeBinary(length=32), nullable=False),
        sa.Column("contract", sa.String(length=42), nullable=False),
        sa.Column("case", sa.LargeBinary(length=32), nullable=False),
        sa.Column("cases", sa.String(length=42), nullable=False),
        sa.Column("matter", sa.LargeBinary(length=32), nullable=False),
        sa.Column("purpose", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("disclosed", sa.LargeBinary(length=32), nullable=False),
        sa.Column("valid_from", sa.BigInteger(), nullable=False),
        sa.Column("valid_until", sa.BigInteger(), nullable=False),
        sa.Column("member", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("key", sa.String(length=42), nullable=False),
        sa.Column("attending", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("custodian", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("paper", sa.LargeBinary(length=32), nullable=False),
        sa.Column("usable_from", sa.BigInteger(), nullable=False),
        sa.Column("block", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("log_index", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("time", sa.BigInteger(), nullable=False),
        sa.Column("confirmed_at", sa.BigInteger(), nullable=True),
        sa.Column("confirmed_by", sa.Integer(), autoincrement=False, nullable=True),
        sa.Column("revoked_at", sa.BigInteger(), nullable=True),
        sa.Column("revoked_holder", sa.String(length=42), nullable=True),
        sa.Column("revoked_attending", sa.Integer(), autoincrement=False, nullable=True),
        sa.Column("revoked_paper", sa.LargeBinary(length=32), nullable=True),
        sa.Column("revoked_member", sa.Integer(), autoincrement=False, nullable=True),
        sa.PrimaryKeyConstraint("consent", name=op.f("pk_consents")),
        info={"kind": "projection"},
    )
    op.create_index("ix_consents_case", "consents", ["case"], unique=False)
    op.create_index("ix_consents_custodian", "consents", ["custodian"], unique=False)
    op.create_table(
        "custody_cases",
        sa.Column("holder", sa.String(length=42), nullable=False),
        sa.Column("person", sa.String(length=64), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("holder", name=op.f("pk_custody_cases")),
        info={"kind": "local"},
    )
    op.create_index("ix_custody_cases_person", "custody_cases", ["person"], unique=False)
    op.create_table(
        "daemon_steps",
        sa.Column("step", sa.String(length=32), nullable=False),
        sa.Column("worked_at", sa.BigInteger(), nullable=True),
        sa.Column("failed_at", sa.BigInteger(), nullable=True),
        sa.Column("code", sa.String(length=64), nullable=True),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("step", name=op.f("pk_daemon_steps")),
        info={"kind": "local"},
    )
    op.create_table(
        "delegations",
        sa.Column("contract", sa.String(length=42), nullable=False),
        sa.Column("grantor", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("grantee", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("matter", sa.LargeBinary(length=32), nullable=False),
        sa.Column("valid_from", sa.BigInteger(), nullable=False),
        sa.Column("valid_until", sa.BigInteger(), nullable=False),
        sa.Column("digest", sa.LargeBinary(length=32), nullable=False),
        sa.Column("blob", sa.LargeBinary(length=32), nullable=False),
        sa.Column("block", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("log_index", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("time", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("contract", "grantor", "grantee", "matter", name=op.f("pk_delegations")),
        info={"kind": "projection"},
    )
    op.create_index("ix_delegations_grantee_matter", "delegations", ["grantee", "matter"], unique=False)
    op.create_table(
        "departments",
        sa.Column("member", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("department", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.Column("name", sa.String(length=96), nullable=False),
        sa.Column("block", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("log_index", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("time", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("member", "department", name=op.f("pk_departments")),
        info={"kind": "projection"},
    )
    op.create_table(
        "destroyed",
        sa.Column("material", sa.String(length=64), nullable=False),
        sa.Column("destroyed_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("material", name=op.f("pk_destroyed")),
        info={"kind": "local"},
    )
    op.create_table(
        "endpoints",
        sa.Column("member", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("url", sa.String(length=128), nullable=False),
        sa.Column("block", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("log_index", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("time", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("member", name=op.f("pk_endpoints")),
        info={"kind": "projection"},
    )
    op.create_table(
        "erasures",
        sa.Column("contract", sa.String(length=42), nullable=False),
        sa.Column("batch", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("index", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("member", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("consent", sa.LargeBinary(length=32), nullable=False),
        sa.Column("key", sa.String(length=42), nullable=False),
        sa.Column("basis", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("commitment", sa.LargeBinary(length=32), nullable=False),
        sa.Column("block", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("log_index", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("time", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("contract", "batch", "index", "member", "consent", name=op.f("pk_erasures")),
        info={"kind": "projection"},
    )
    op.create_index("ix_erasures_consent", "erasures", ["consent"], unique=False)
    op.create_table(
        "event_subjects",
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("subject", sa.String(length=128), nullable=False),
        sa.Column("block", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("log_index", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("time", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("kind", "subject", "block", "log_index", name=op.f("pk_event_subjects")),
        info={"kind": "projection"},
    )
    op.create_index("ix_event_subjects_place", "event_subjects", ["block", "log_index"], unique=False)
    op.create_table(
        "events",
        sa.Column("block", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("log_index", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("time", sa.BigInteger(), nullable=False),
        sa.Column("transaction", sa.LargeBinary(length=32), nullable=False),
        sa.Column("contract", sa.String(length=42), nullable=False),
        sa.Column("name", sa.String(length=32), nullable=False),
        sa.Column("entry", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.PrimaryKeyConstraint("block", "log_index", name=op.f("pk_events")),
        info={"kind": "projection"},
    )
    op.create_index("ix_events_entry", "events", ["entry"], unique=True)
    op.create_index("ix_events_name_block", "events", ["name", "block"], unique=False)
    op.create_index("ix_events_transaction", "events", ["transaction"], unique=False)
    op.create_table(
        "generations",
        sa.Column("contract", sa.String(length=42), nullable=False),
        sa.Column("kind", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("generation", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("block", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("log_index", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("time", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("contract", name=op.f("pk_generations")),
        info={"kind": "projection"},
    )
    op.create_index("ix_generations_kind", "generations", ["kind", "generation"], unique=True)
    op.create_table(
        "handovers",
        sa.Column("block", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("log_index", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("time", sa.BigInteger(), nullable=False),
        sa.Column("case", sa.LargeBinary(length=32), nullable=False),
        sa.Column("member", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("key", sa.String(length=42), nullable=False),
        sa.Column("department", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("to_member", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("to_department", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.PrimaryKeyConstraint("block", "log_index", name=op.f("pk_handovers")),
        info={"kind": "projection"},
    )
    op.create_index("ix_handovers_case", "handovers", ["case"], unique=False)
    op.create_table(
        "inbox",
        sa.Column("digest", sa.LargeBinary(length=32), nullable=False),
        sa.Column("member", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(length=32), nullable=False),
        sa.Column("subject", sa.LargeBinary(length=32), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.Column("received_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("digest", name=op.f("pk_inbox")),
        info={"kind": "local"},
    )
    op.create_index("ix_inbox_kind_subject", "inbox", ["kind", "subject"], unique=False)
    op.create_index("ix_inbox_member", "inbox", ["member"], unique=False)
    op.create_table(
        "keys",
        sa.Column("key", sa.String(length=42), nullable=False),
        sa.Column("block", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("log_index", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("time", sa.BigInteger(), nullable=False),
        sa.Column("member", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("roles", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("previous", sa.String(length=42), nullable=False),
        sa.Column("until_block", sa.BigInteger(), autoincrement=False, nullable=True),
        sa.Column("until_log_index", sa.Integer(), autoincrement=False, nullable=True),
        sa.Column("until_time", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("key", "block", "log_index", name=op.f("pk_keys")),
        info={"kind": "projection"},
    )
    op.create_index("ix_keys_member", "keys", ["member"], unique=False)
    op.create_table(
        "leaf_revocations",
        sa.Column("contract", sa.String(length=42), nullable=False),
        sa.Column("batch", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("index", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("member", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("key", sa.String(length=42), nullable=False),
        sa.Column("cause", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("commitment", sa.LargeBinary(length=32), nullable=False),
        sa.Column("block", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("log_index", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("time", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("contract", "batch", "index", name=op.f("pk_leaf_revocations")),
        info={"kind": "projection"},
    )
    op.create_table(
        "log_entries",
        sa.Column("index", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("block", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("bytes", sa.LargeBinary(), nullable=False),
        sa.Column("kind", sa.String(length=8), nullable=False),
        sa.PrimaryKeyConstraint("index", name=op.f("pk_log_entries")),
        info={"kind": "projection"},
    )
    op.create_index("ix_log_entries_kind_block", "log_entries", ["kind", "block"], unique=False)
    op.create_table(
        "lookup_questions",
        sa.Column("lookup", sa.LargeBinary(length=32), nullable=False),
        sa.Column("asked", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("purpose", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("document", sa.LargeBinary(), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("delivered_at", sa.BigInteger(), nullable=True),
        sa.Column("answer", sa.LargeBinary(), nullable=True),
        sa.Column("fetched_at", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("lookup", name=op.f("pk_lookup_questions")),
        info={"kind": "local"},
    )
    op.create_index("ix_lookup_questions_delivered_at", "lookup_questions", ["delivered_at"], unique=False)
    op.create_index("ix_lookup_questions_fetched_at", "lookup_questions", ["fetched_at"], unique=False)
    op.create_table(
        "lookups",
        sa.Column("lookup", sa.LargeBinary(length=32), nullable=False),
        sa.Column("contract", sa.String(length=42), nullable=False),
        sa.Column("asker", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("asked", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("purpose", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("key", sa.String(length=42), nullable=False),
        sa.Column("commitment", sa.LargeBinary(length=32), nullable=False),
        sa.Column("block", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("log_index", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("time", sa.BigInteger(), nullable=False),
        sa.Column("answered_at", sa.BigInteger(), nullable=True),
        sa.Column("answer_key", sa.String(length=42), nullable=True),
        sa.Column("answer_commitment", sa.LargeBinary(length=32), nullable=True),
        sa.Column("answer_blob", sa.LargeBinary(length=32), nullable=True),
        sa.PrimaryKeyConstraint("lookup", name=op.f("pk_lookups")),
        info={"kind": "projection"},
    )
    op.create_index("ix_lookups_asked", "lookups", ["asked", "block"], unique=False)
    op.create_index("ix_lookups_asker", "lookups", ["asker", "block"], unique=False)
    op.create_table(
        "material_drafts",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("submission", sa.String(length=32), nullable=False),
        sa.Column("applicant", sa.String(length=64), nullable=False),
        sa.Column("type_code", sa.String(length=64), nullable=False),
        sa.Column("state", sa.String(length=8), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("root", sa.LargeBinary(length=32), nullable=True),
        sa.CheckConstraint("state IN ('waiting', 'batched')", name=op.f("ck_material_drafts_state")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_material_drafts")),
        info={"kind": "local"},
    )
    op.create_index("ix_material_drafts_state_created_at", "material_drafts", ["state", "created_at"], unique=False)
    op.create_index("ix_material_drafts_submission", "material_drafts", ["submission"], unique=False)
    op.create_table(
        "material_files",
        sa.Column("material", sa.String(length=64), nullable=False),
        sa.Column("position", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("media_type", sa.String(length=128), nullable=False),
        sa.Column("size", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("sha256", sa.LargeBinary(length=32), nullable=False),
        sa.Column("sm3", sa.LargeBinary(length=32), nullable=False),
        sa.Column("blob", sa.String(length=64), nullable=False),
        sa.PrimaryKeyConstraint("material", "position", name=op.f("pk_material_files")),
        info={"kind": "projection"},
    )
    op.create_index("ix_material_files_sha256", "material_files", ["sha256"], unique=False)
    op.create_index("ix_material_files_sm3", "material_files", ["sm3"], unique=False)
    op.create_table(
        "material_leaves",
        sa.Column("contract", sa.String(length=42), nullable=False),
        sa.Column("batch", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("index", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("material", sa.String(length=64), nullable=False),
        sa.Column("subject", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("turn", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("holder", sa.String(length=42), nullable=False),
        sa.Column("valid_until", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("contract", "batch", "index", name=op.f("pk_material_leaves")),
        info={"kind": "projection"},
    )
    op.create_index("ix_material_leaves_holder", "material_leaves", ["holder"], unique=False)
    op.create_index("ix_material_leaves_material", "material_leaves", ["material", "subject", "turn"], unique=False)
    op.create_table(
        "material_subjects",
        sa.Column("material", sa.String(length=64), nullable=False),
        sa.Column("subject", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("holding", sa.Integer(), autoincrement=False, nullable=False),
        sa.PrimaryKeyConstraint("material", "subject", name=op.f("pk_material_subjects")),
        info={"kind": "projection"},
    )
    op.create_table(
        "materials",
        sa.Column("material", sa.String(length=64), nullable=False),
        sa.Column("contract", sa.String(length=42), nullable=False),
        sa.Column("batch", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("type_code", sa.String(length=64), nullable=False),
        sa.Column("record", sa.LargeBinary(length=32), nullable=True),
        sa.Column("type_set", sa.String(length=64), nullable=True),
        sa.Column("assurance", sa.Integer(), autoincrement=False, nullable=True),
        sa.Column("reuse", sa.String(length=16), nullable=True),
        sa.Column("issued_at", sa.BigInteger(), nullable=True),
        sa.Column("expires_at", sa.BigInteger(), nullable=True),
        sa.Column("applicant", sa.String(length=64), nullable=True),
        sa.Column("sealed", sa.LargeBinary(), nullable=True),
        sa.Column("erased_at", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("material", name=op.f("pk_materials")),
        info={"kind": "projection"},
    )
    op.create_index("ix_materials_applicant", "materials", ["applicant"], unique=False)
    op.create_index("ix_materials_batch", "materials", ["contract", "batch"], unique=False)
    op.create_index("ix_materials_record", "materials", ["record"], unique=False)
    op.create_index("ix_materials_type_code", "materials", ["type_code"], unique=False)
    op.create_table(
        "matters",
        sa.Column("contract", sa.String(length=42), nullable=False),
        sa.Column("member", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("matter", sa.LargeBinary(length=32), nullable=False),
        sa.Column("version", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("rule", sa.String(length=78), nullable=False),
        sa.Column("digest", sa.LargeBinary(length=32), nullable=False),
        sa.Column("blob", sa.LargeBinary(length=32), nullable=False),
        sa.Column("code", sa.String(length=64), nullable=False),
        sa.Column("offered", sa.Boolean(), nullable=False),
        sa.Column("withdrawn_at", sa.BigInteger(), nullable=True),
        sa.Column("block", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("log_index", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("time", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("contract", "member", "matter", "version", name=op.f("pk_matters")),
        info={"kind": "projection"},
    )
    op.create_index("ix_matters_code", "matters", ["code"], unique=False)
    op.create_index("ix_matters_matter_offered", "matters", ["matter", "offered"], unique=False)
    op.create_table(
        "member_statuses",
        sa.Column("member", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("block", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("log_index", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("time", sa.BigInteger(), nullable=False),
        sa.Column("status", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("proposal", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("digest", sa.LargeBinary(length=32), nullable=False),
        sa.PrimaryKeyConstraint("member", "block", "log_index", name=op.f("pk_member_statuses")),
        info={"kind": "projection"},
    )
    op.create_table(
        "members",
        sa.Column("member", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("division", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("level", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("parent", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("voting", sa.Boolean(), nullable=False),
        sa.Column("name", sa.String(length=64), nullable=False),
        sa.Column("administrator", sa.String(length=42), nullable=False),
        sa.Column("status", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("block", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("log_index", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("time", sa.BigInteger(), nullable=False),
        sa.Column("confirmed_at", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("member", name=op.f("pk_members")),
        info={"kind": "projection"},
    )
    op.create_index("ix_members_division", "members", ["division"], unique=False)
    op.create_index("ix_members_parent", "members", ["parent"], unique=False)
    op.create_table(
        "network",
        sa.Column("contract", sa.String(length=42), nullable=False),
        sa.Column("name", sa.String(length=64), nullable=False),
        sa.Column("founders", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("pilot", sa.Boolean(), nullable=False),
        sa.Column("status_epoch", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("clock_offset", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("block", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("log_index", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("time", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("contract", name=op.f("pk_network")),
        info={"kind": "projection"},
    )
    op.create_table(
        "peer_nonces",
        sa.Column("member", sa.Integer(), nullable=False),
        sa.Column("nonce", sa.String(length=64), nullable=False),
        sa.Column("expires", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("member", "nonce", name=op.f("pk_peer_nonces")),
        info={"kind": "local"},
    )
    op.create_index("ix_peer_nonces_expires", "peer_nonces", ["expires"], unique=False)
    op.create_table(
        "persons",
        sa.Column("token", sa.LargeBinary(length=32), nullable=False),
        sa.Column("applicant", sa.String(length=64), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("token", name=op.f("pk_persons")),
        sa.UniqueConstraint("applicant", name=op.f("uq_persons_applicant")),
        info={"kind": "local"},
    )
    op.create_table(
        "policies",
        sa.Column("version", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("digest", sa.LargeBinary(length=32), nullable=False),
        sa.Column("block", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("log_index", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("time", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("version", name=op.f("pk_policies")),
        info={"kind": "projection"},
    )
    op.create_table(
        "proposals",
        sa.Column("proposal", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("kind", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("member", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("target", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("subject", sa.LargeBinary(length=32), nullable=False),
        sa.Column("digest", sa.LargeBinary(length=32), nullable=False),
        sa.Column("electorate", sa.String(length=78), nullable=False),
        sa.Column("needed", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("closes", sa.BigInteger(), nullable=False),
        sa.Column("block", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("log_index", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("time", sa.BigInteger(), nullable=False),
        sa.Column("approvals", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("rejections", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("closed_at", sa.BigInteger(), nullable=True),
        sa.Column("passed", sa.Boolean(), nullable=True),
        sa.PrimaryKeyConstraint("proposal", name=op.f("pk_proposals")),
        info={"kind": "projection"},
    )
    op.create_table(
        "received",
        sa.Column("contract", sa.String(length=42), nullable=False),
        sa.Column("use", sa.BigInteger(), nullable=False),
        sa.Column("leaf", sa.String(length=64), nullable=False),
        sa.Column("case", sa.LargeBinary(length=32), nullable=False),
        sa.Column("type_code", sa.String(length=64), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=True),
        sa.Column("received_at", sa.BigInteger(), nullable=False),
        sa.Column("erasing", sa.String(length=128), nullable=True),
        sa.Column("erased_at", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("contract", "use", "leaf", name=op.f("pk_received")),
        info={"kind": "local"},
    )
    op.create_index("ix_received_case", "received", ["case"], unique=False)
    op.create_index("ix_received_erasing", "received", ["erasing"], unique=False)
    op.create_table(
        "received_files",
        sa.Column("contract", sa.String(length=42), nullable=False),
        sa.Column("use", sa.BigInteger(), nullable=False),
        sa.Column("leaf", sa.String(length=64), nullable=False),
        sa.Column("blob", sa.String(length=64), nullable=False),
        sa.PrimaryKeyConstraint("contract", "use", "leaf", "blob", name=op.f("pk_received_files")),
        info={"kind": "local"},
    )
    op.create_index("ix_received_files_blob", "received_files", ["blob"], unique=False)
    op.create_table(
        "recoveries",
        sa.Column("member", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("block", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("log_index", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("time", sa.BigInteger(), nullable=False),
        sa.Column("administrator", sa.String(length=42), nullable=False),
        sa.Column("due", sa.BigInteger(), nullable=False),
        sa.Column("state", sa.String(length=8), nullable=False),
        sa.PrimaryKeyConstraint("member", "block", "log_index", name=op.f("pk_recoveries")),
        info={"kind": "projection"},
    )
    op.create_table(
        "refusals",
        sa.Column("block", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("log_index", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("time", sa.BigInteger(), nullable=False),
        sa.Column("transaction", sa.LargeBinary(length=32), nullable=False),
        sa.Column("contract", sa.String(length=42), nullable=False),
        sa.Column("member", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("operation", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("index", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("subject", sa.LargeBinary(length=32), nullable=False),
        sa.Column("reason", sa.Integer(), autoincrement=False, nullable=False),
        sa.PrimaryKeyConstraint("block", "log_index", name=op.f("pk_refusals")),
        info={"kind": "projection"},
    )
    op.create_index("ix_refusals_member_reason", "refusals", ["member", "reason"], unique=False)
    op.create_index("ix_refusals_subject", "refusals", ["subject"], unique=False)
    op.create_table(
        "sealed_secrets",
        sa.Column("name", sa.String(length=32), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_sealed_secrets")),
        info={"kind": "local"},
    )
    op.create_table(
        "seen_head",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.Column("finalised", sa.BigInteger(), nullable=False),
        sa.Column("seen_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_seen_head")),
        info={"kind": "local"},
    )
    op.create_table(
        "seen_sizes",
        sa.Column("size", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("seen_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("size", name=op.f("pk_seen_sizes")),
        info={"kind": "local"},
    )
    op.create_table(
        "service_keys",
        sa.Column("member", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("kind", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("version", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("key", sa.LargeBinary(), nullable=False),
        sa.Column("block", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("log_index", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("time", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("member", "kind", "version", name=op.f("pk_service_keys")),
        info={"kind": "projection"},
    )
    op.create_table(
        "status_changes",
        sa.Column("block", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("log_index", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("time", sa.BigInteger(), nullable=False),
        sa.Column("identifier", sa.LargeBinary(length=32), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("present", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("block", "log_index", "identifier", name=op.f("pk_status_changes")),
        info={"kind": "projection"},
    )
    op.create_index(
        "ix_status_changes_identifier", "status_changes", ["identifier", "block", "log_index"], unique=False
    )
    op.create_table(
        "supervisions",
        sa.Column("case", sa.LargeBinary(length=32), nullable=False),
        sa.Column("order", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("stage", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("member", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("key", sa.String(length=42), nullable=False),
        sa.Column("due", sa.BigInteger(), nullable=False),
        sa.Column("commitment", sa.LargeBinary(length=32), nullable=False),
        sa.Column("blob", sa.LargeBinary(length=32), nullable=False),
        sa.Column("block", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("log_index", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("time", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("case", "order", "block", "log_index", name=op.f("pk_supervisions")),
        info={"kind": "projection"},
    )
    op.create_table(
        "sync_state",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("block", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("hash", sa.LargeBinary(length=32), nullable=True),
        sa.Column("time", sa.BigInteger(), nullable=False),
        sa.Column("entries", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("chain_id", sa.String(length=78), nullable=False),
        sa.Column("consortium", sa.String(length=42), nullable=False),
        sa.Column("genesis", sa.LargeBinary(length=32), nullable=False),
        sa.Column("status_epoch", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("clock_offset", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.CheckConstraint("id = 1", name=op.f("ck_sync_state_single")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sync_state")),
        info={"kind": "projection"},
    )
    op.create_table(
        "tombstones",
        sa.Column("consent", sa.LargeBinary(length=32), nullable=False),
        sa.Column("holder", sa.String(length=42), nullable=False),
        sa.Column("contract", sa.String(length=42), nullable=False),
        sa.Column("attending", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("paper", sa.LargeBinary(length=32), nullable=False),
        sa.Column("member", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("key", sa.String(length=42), nullable=False),
        sa.Column("block", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("log_index", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("time", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("consent", "holder", name=op.f("pk_tombstones")),
        info={"kind": "projection"},
    )
    op.create_table(
        "transactions",
        sa.Column("id", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("address", sa.String(length=42), nullable=False),
        sa.Column("nonce", sa.BigInteger(), nullable=False),
        sa.Column("contract", sa.String(length=42), nullable=False),
        sa.Column("operation", sa.Integer(), nullable=True),
        sa.Column("raw", sa.LargeBinary(), nullable=False),
        sa.Column("hash", sa.LargeBinary(length=32), nullable=False),
        sa.Column("state", sa.String(length=8), nullable=False),
        sa.Column("block", sa.BigInteger(), nullable=True),
        sa.Column("gas_used", sa.BigInteger(), nullable=True),
        sa.Column("prepared_at", sa.BigInteger(), nullable=False),
        sa.Column("sent_at", sa.BigInteger(), nullable=True),
        sa.Column("send_after", sa.BigInteger(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("error", sa.Text(), nullable=True),
        sa.CheckConstraint(
            "state IN ('prepared', 'sent', 'mined', 'replaced', 'dropped')", name=op.f("ck_transactions_state")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_transactions")),
        sa.UniqueConstraint("hash", name=op.f("uq_transactions_hash")),
        info={"kind": "local"},
    )
    op.create_index("ix_transactions_address_nonce", "transactions", ["address", "nonce"], unique=False)
    op.create_index("ix_transactions_state", "transactions", ["state"], unique=False)
    op.create_table(
        "use_leaves",
        sa.Column("contract", sa.String(length=42), nullable=False),
        sa.Column("use", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("batch", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("index", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.PrimaryKeyConstraint("contract", "use", "batch", "index", name=op.f("pk_use_leaves")),
        info={"kind": "projection"},
    )
    op.create_index("ix_use_leaves_leaf", "use_leaves", ["contract", "batch", "index"], unique=False)
    op.create_table(
        "uses",
        sa.Column("contract", sa.String(length=42), nullable=False),
        sa.Column("use", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("basis", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("consent", sa.LargeBinary(length=32), nullable=False),
        sa.Column("case", sa.LargeBinary(length=32), nullable=False),
        sa.Column("cases", sa.String(length=42), nullable=False),
        sa.Column("member", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("key", sa.String(length=42), nullable=False),
        sa.Column("purpose", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("disclosed", sa.LargeBinary(length=32), nullable=False),
        sa.Column("remaining", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("provision", sa.LargeBinary(length=32), nullable=False),
        sa.Column("notice", sa.LargeBinary(length=32), nullable=False),
        sa.Column("block", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("log_index", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("time", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("contract", "use", name=op.f("pk_uses")),
        info={"kind": "projection"},
    )
    op.create_index("ix_uses_case", "uses", ["case"], unique=False)
    op.create_index("ix_uses_consent", "uses", ["consent"], unique=False)
    op.create_index("ix_uses_member", "uses", ["member", "block"], unique=False)
    op.create_table(
        "votes",
        sa.Column("proposal", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("member", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("key", sa.String(length=42), nullable=False),
        sa.Column("approve", sa.Boolean(), nullable=False),
        sa.Column("approvals", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("block", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("log_index", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("time", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("proposal", "member", name=op.f("pk_votes")),
        info={"kind": "projection"},
    )
    op.create_table(
        "wallet_pointers",
        sa.Column("pointer", sa.LargeBinary(length=32), nullable=False),
        sa.Column("blob", sa.LargeBinary(length=32), nullable=False),
        sa.Column("member", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("key", sa.String(length=42), nullable=False),
        sa.Column("block", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("log_index", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("time", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("pointer", name=op.f("pk_wallet_pointers")),
        info={"kind": "projection"},
    )
    op.create_index("ix_wallet_pointers_member", "wallet_pointers", ["member", "block"], unique=False)
    op.create_table(
        "intents",
        sa.Column("id", sa.String(length=128), nullable=False),
        sa.Column("sequence", sa.BigInteger(), nullable=False),
        sa.Column("operation", sa.Integer(), nullable=False),
        sa.Column("contract", sa.String(length=42), nullable=False),
        sa.Column("role", sa.String(length=16), nullable=False),
        sa.Column("subject", sa.LargeBinary(length=32), nullable=False),
        sa.Column("call", sa.Text(), nullable=False),
        sa.Column("digest", sa.LargeBinary(length=32), nullable=False),
        sa.Column("state", sa.String(length=8), nullable=False),
        sa.Column("transaction_id", sa.Integer(), nullable=True),
        sa.Column("position", sa.Integer(), nullable=True),
        sa.Column("reason", sa.Integer(), nullable=True),
        sa.Column("error", sa.Text(), nullable=True),
        sa.Column("after", sa.String(length=128), nullable=True),
        sa.Column("not_before", sa.BigInteger(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("alone", sa.Boolean(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("settled_at", sa.BigInteger(), nullable=True),
        sa.Column("result", sa.JSON(), nullable=True),
        sa.CheckConstraint(
            "state IN ('waiting', 'prepared', 'done', 'refused', 'failed')", name=op.f("ck_intents_state")
        ),
        sa.CheckConstraint("(transaction_id IS NULL) = (position IS NULL)", name=op.f("ck_intents_placed")),
        sa.ForeignKeyConstraint(["after"], ["intents.id"], name=op.f("fk_intents_after")),
        sa.ForeignKeyConstraint(["transaction_id"], ["transactions.id"], name=op.f("fk_intents_transaction_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_intents")),
        info={"kind": "local"},
    )
    op.create_index("ix_intents_digest", "intents", ["digest"], unique=False)
    op.create_index("ix_intents_sequence", "intents", ["sequence"], unique=False)
    op.create_index("ix_intents_state_sequence", "intents", ["state", "sequence"], unique=False)
    op.create_index("ix_intents_subject", "intents", ["subject"], unique=False)
    op.create_index("ix_intents_transaction_id", "intents", ["transaction_id"], unique=False)
