"""Who is who in this city: from an identity to the random reference under which materials are kept.

The database holds no name and no number, and nothing that could be tried out: an identity stands as an HMAC under a secret
that is itself sealed to the city's key, which only the daemon opens. Whoever has a copy of the database cannot tell
whether a given person is in it.
"""

from __future__ import annotations

import hmac
import unicodedata
from dataclasses import dataclass, field

from sqlalchemy import insert, select

from ledger.domain import canonical, wrapping
from ledger.domain.codesets import CODE_SETS
from ledger.domain.identifiers import check_identity_number
from ledger.domain.limits import LIMITS
from ledger.errors import InputError
from ledger.services.context import Node
from ledger.services.opening import Unseal
from ledger.services.registry import readers_of
from ledger.storage.tables import holders as tables

__all__ = ["RESIDENT", "Identity", "find", "reference"]

# The kinds of documents; two words for one kind would make two people of one.
_KINDS = CODE_SETS["tongban-identity-documents-2026"].values
RESIDENT = "resident-card"
_SECRET = "persons"  # noqa: S105 - the name of a row, no secret
_INFO = b"tongban/persons/1"
_SECRET_BYTES = 32


@dataclass(frozen=True, slots=True)
class Identity:
    """A person by document: its kind, its number and the name on it. Its representation shows nothing.

    Raises:
        InputError: codes of ``identifiers`` for a resident's number; ``persons.identity`` where something is missing;
            ``persons.kind`` for a document that no code set knows; ``persons.characters`` for what no document shows, such
            as characters that nobody sees.
    """

    kind: str
    number: str = field(repr=False)
    name: str = field(repr=False)

    def __post_init__(self) -> None:
        """Refuse what names nobody."""
        self.canonical()
        if not all(text.isprintable() and len(text) <= LIMITS.identity_chars for text in (self.name, self.number)):
            # Two spellings that look the same would be two people.
            raise InputError("persons.characters")

    def canonical(self) -> bytes:
        """Return the form in which two spellings of one person are equal."""
        name = "".join(unicodedata.normalize("NFKC", self.name).casefold().split())
        number = "".join(unicodedata.normalize("NFKC", self.number).upper().split())
        if not (self.kind and name and number):
            raise InputError("persons.identity")
        if self.kind not in _KINDS:
            raise InputError("persons.kind", known=", ".join(_KINDS))
        if self.kind == RESIDENT:
            number = check_identity_number(number)
        return canonical.encode({"kind": self.kind, "name": name, "number": number})


def reference(node: Node, identity: Identity) -> str:
    """Return a person's random reference in this city, a new one for whoever comes for the first time.

    Raises:
        UnavailableError: the key holder or the database does not answer.
    """
    token = _token(node, node.keys.open, identity)
    table = tables.persons
    with node.begin() as uow:
        known = uow.connection.execute(select(table.c.applicant).where(table.c.token == token)).scalar()
        if known is not None:
            return str(known)
        applicant = node.random(16).hex()
        uow.connection.execute(insert(table).values(token=token, applicant=applicant, created_at=node.clock()))
        uow.commit()
    return applicant


def find(node: Node, unseal: Unseal, identity: Identity) -> str | None:
    """Return a person's reference, or nothing for somebody who was never here."""
    token = _token(node, unseal, identity)
    table = tables.persons
    with node.database.read() as connection:
        found = connection.execute(select(table.c.applicant).where(table.c.token == token)).scalar()
    return None if found is None else str(found)


def _token(node: Node, unseal: Unseal, identity: Identity) -> bytes:
    return hmac.digest(_secret(node, unseal), identity.canonical(), "sha256")


def _secret(node: Node, unseal: Unseal) -> bytes:
    table = tables.sealed_secrets
    query = select(table.c.sealed).where(table.c.name == _SECRET)
    with node.database.read() as connection:
        sealed = connection.execute(query).scalar()
    if sealed is None:
        with node.begin() as uow:
            # Another process may have made it in this moment.
            sealed = uow.connection.execute(query).scalar()
            if sealed is None:
                recipient = readers_of(uow.connection, [node.member])[node.member]
                sealed = wrapping.seal(node.random(_SECRET_BYTES), recipient, _INFO)
                uow.connection.execute(insert(table).values(name=_SECRET, sealed=sealed))
                uow.commit()
    return unseal(bytes(sealed), _INFO)
