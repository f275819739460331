"""What a city keeps for people: keys it signs with for them, leaves set aside for their cases, look-ups under way.

Local tables: backed up, never rebuilt. Nobody is named: people are random references, identities stand as keyed digests
whose key only the daemon opens, questions and answers are sealed.
"""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Index, Integer, LargeBinary, String, Table

from ledger.storage.tables.columns import address, digest, member, moment, number, small, text
from ledger.storage.tables.metadata import LOCAL, metadata

__all__ = ["allotments", "custody_cases", "lookup_questions", "persons", "sealed_secrets"]

# Which key in custody a case was opened with.
custody_cases = Table(
    "custody_cases",
    metadata,
    address("holder", key=True),
    text("person", 64),
    Column("number", Integer, nullable=False),
    moment("created_at"),
    Index("ix_custody_cases_person", "person"),
    info=LOCAL,
)

# Leaves in custody that were set aside: one for each case, so that two uses cannot be joined.
allotments = Table(
    "allotments",
    metadata,
    address("contract", key=True),
    number("batch", key=True),
    number("index", key=True),
    digest("case"),
    moment("created_at"),
    Index("ix_allotments_case", "case"),
    Index("ix_allotments_created_at", "created_at"),
    info=LOCAL,
)

# Who has handed in here before: HMAC of kind, number and name under a secret of this city, and the random reference.
persons = Table(
    "persons",
    metadata,
    digest("token", key=True),
    Column("applicant", String(64), nullable=False, unique=True),
    moment("created_at"),
    info=LOCAL,
)

# Secrets of this city's own database, sealed to its HPKE key: a copy of the database opens none of them.
sealed_secrets = Table(
    "sealed_secrets",
    metadata,
    Column("name", String(32), primary_key=True),
    Column("sealed", LargeBinary, nullable=False),
    info=LOCAL,
)

# What this city asks others: the document to deliver, sealed to the other, and the same sealed to this one.
lookup_questions = Table(
    "lookup_questions",
    metadata,
    digest("lookup", key=True),
    member("asked"),
    small("purpose"),
    Column("document", LargeBinary, nullable=False),
    Column("sealed", LargeBinary, nullable=False),
    moment("created_at"),
    Column("delivered_at", BigInteger),
    # The box with the answer, once it was fetched and held against the chain.
    Column("answer", LargeBinary),
    Column("fetched_at", BigInteger),
    Index("ix_lookup_questions_delivered_at", "delivered_at"),
    Index("ix_lookup_questions_fetched_at", "fetched_at"),
    info=LOCAL,
)
