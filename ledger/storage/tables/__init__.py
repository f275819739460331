"""Tables, one file for each noun; all of them hang on one :data:`metadata`.

Two kinds: *projections* are a picture of the chain and may be dropped and rebuilt at any time; *local* tables (the
outbox, sessions, drafts, refusals off the chain) are not, and are backed up. A table says which it is in its ``info``:
``{"kind": "projection"}`` or ``{"kind": "local"}``. Only types that SQLite and PostgreSQL share are used; integers of the
contracts that are wider than 63 bits are stored as text.
"""

from __future__ import annotations

from ledger.storage.tables import cases, catalogue, chain, consents, consortium, holders, materials, refusals
from ledger.storage.tables.audit import audit
from ledger.storage.tables.drafts import destroyed, inbox, material_drafts, peer_nonces, received
from ledger.storage.tables.metadata import LOCAL, PROJECTION, metadata
from ledger.storage.tables.outbox import intents, transactions
from ledger.storage.tables.steps import daemon_steps, seen_sizes

__all__ = [
    "LOCAL",
    "PROJECTION",
    "audit",
    "cases",
    "catalogue",
    "chain",
    "consents",
    "consortium",
    "daemon_steps",
    "destroyed",
    "holders",
    "inbox",
    "intents",
    "material_drafts",
    "materials",
    "metadata",
    "peer_nonces",
    "received",
    "refusals",
    "seen_sizes",
    "transactions",
]
