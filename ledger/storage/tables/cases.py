"""Cases: each as it stands now, and everything that happened to it.

``cases`` carries the contract's own words, taken apart, so that working days can be counted from a row without asking
the chain (see ``ledger.domain.case_model``).
"""

from __future__ import annotations

from sqlalchemy import Column, Index, LargeBinary, Table

from ledger.storage.tables.columns import address, digest, flag, member, moment, number, placed, small, text, word
from ledger.storage.tables.metadata import PROJECTION, metadata

__all__ = [
    "assents",
    "case_papers",
    "case_records",
    "case_transitions",
    "cases",
    "clock_changes",
    "handovers",
    "supervisions",
]

cases = Table(
    "cases",
    metadata,
    digest("case", key=True),
    address("contract"),
    address("case_key"),
    member("receiving"),
    member("handling"),
    digest("matter"),
    small("mode"),
    small("channel"),
    number("version"),
    word("rule"),
    digest("agreement"),
    number("agreement_version"),
    digest("parent"),
    digest("holders"),
    member(),
    address("key"),
    member("helper"),
    digest("commitment"),
    digest("blob"),
    digest("head"),
    *placed(),
    moment("changed_at"),
    # The contract's word of state.
    small("state"),
    member("office"),
    number("department"),
    number("sequence"),
    number("records"),
    small("corrections_receiving"),
    small("corrections_handling"),
    small("children"),
    small("children_open"),
    small("rating"),
    small("orders"),
    small("result"),
    small("outcome"),
    flag("claim_pending"),
    flag("claim_accepted"),
    flag("extended"),
    flag("child"),
    flag("received"),
    flag("signed"),
    # The contract's word of the clocks.
    moment("started"),
    moment("asked"),
    moment("accepted"),
    moment("since"),
    moment("decided"),
    small("suspended"),
    small("extension"),
    Index("ix_cases_parent", "parent"),
    Index("ix_cases_handling_state", "handling", "state", "changed_at"),
    Index("ix_cases_receiving_state", "receiving", "state", "changed_at"),
    Index("ix_cases_office_state", "office", "state", "changed_at"),
    Index("ix_cases_matter", "matter"),
    Index("ix_cases_agreement", "agreement", "block"),
    Index("ix_cases_time", "time"),
    info=PROJECTION,
)

case_transitions = Table(
    "case_transitions",
    metadata,
    digest("case", key=True),
    number("sequence", key=True),
    small("action"),
    small("state"),
    member("actor"),
    member(),
    address("key"),
    member("helper"),
    number("department"),
    small("role"),
    word("detail"),
    small("elapsed"),
    digest("commitment"),
    digest("blob"),
    digest("head"),
    *placed(),
    Index("ix_case_transitions_action_time", "action", "time"),
    info=PROJECTION,
)

case_records = Table(
    "case_records",
    metadata,
    digest("case", key=True),
    number("sequence", key=True),
    small("kind"),
    member(),
    address("key"),
    digest("commitment"),
    digest("blob"),
    *placed(),
    info=PROJECTION,
)

supervisions = Table(
    "supervisions",
    metadata,
    digest("case", key=True),
    number("order", key=True),
    # 1 issued, 2 answered, 3 settled; an order may be answered again.
    small("stage"),
    member(),
    address("key"),
    moment("due"),
    digest("commitment"),
    digest("blob"),
    *placed(key=True),
    info=PROJECTION,
)

assents = Table(
    "assents",
    metadata,
    digest("case", key=True),
    member(key=True),
    address("key"),
    digest("commitment"),
    digest("blob"),
    *placed(),
    info=PROJECTION,
)

handovers = Table(
    "handovers",
    metadata,
    *placed(key=True),
    digest("case"),
    member(),
    address("key"),
    number("department"),
    member("to_member"),
    number("to_department"),
    Index("ix_handovers_case", "case"),
    info=PROJECTION,
)

clock_changes = Table(
    "clock_changes",
    metadata,
    *placed(key=True),
    digest("case"),
    moment("started"),
    small("suspended"),
    small("extension"),
    Index("ix_clock_changes_case", "case"),
    info=PROJECTION,
)

# Papers of cases that this city could open, sealed to it again; ``kind`` is the paper's own.
case_papers = Table(
    "case_papers",
    metadata,
    *placed(key=True),
    digest("case"),
    text("kind", 64),
    digest("commitment"),
    digest("blob"),
    Column("sealed", LargeBinary, nullable=False),
    Index("ix_case_papers_case", "case"),
    info=PROJECTION,
)
