"""Reading under a statutory duty: no consent, but the provision named, the holder told, and the same public trace.

What sharing can obtain must not be demanded of an applicant (State Council Order 716 art. 7), and where a law makes a city
look, asking for consent would be a pretence (Personal Information Protection Law arts. 13, 34, 35). The chain holds the
digest of the provision's text and a commitment of the notice to the holder; it asks the cases contract whether the city may
read for the case now. No leaf is spent. The custodian releases no more than the list of fields that the use names.
"""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import select
from sqlalchemy.engine import Connection

from ledger.chain.codec import canonical_call
from ledger.domain.consents import Purpose, provision_digest
from ledger.domain.limits import LIMITS
from ledger.domain.operations import Operation
from ledger.errors import InputError, NotFoundError
from ledger.services import cases
from ledger.services.asking import ask
from ledger.services.consents import LeafShown
from ledger.services.context import Node
from ledger.services.releasing import DISCLOSED, remember
from ledger.storage.outbox import Intent
from ledger.storage.tables import drafts
from ledger.wire.consents import Disclosed, read_disclosed

__all__ = ["shown", "use"]

_PROVISION = "provision"


def use(
    node: Node,
    contract: str,
    leaves: Sequence[LeafShown],
    disclosed: Disclosed,
    *,
    case: bytes,
    purpose: Purpose,
    provision: str,
    notice: str,
    intent: str,
) -> str:
    """Put a reading under a statutory duty on the record.

    Args:
        node: this city, a party of the case.
        contract: the materials contract that holds the leaves.
        leaves: what is read, as a look-up or the holder shows it; nobody signs.
        disclosed: which fields of which leaf.
        case: what it is read for.
        purpose: what for.
        provision: law, article and paragraph, in words that a reader of the receipt can look up.
        notice: what the holder was told, and how; sealed to this city, the chain sees a commitment.
        intent: idempotency key.

    Returns:
        The intent's id.

    Raises:
        InputError: ``consents.provision`` for none or one that is too long, ``consents.notice`` where nobody was told.
        NotFoundError: ``cases.not_found``.
    """
    text, words = provision.strip(), notice.strip()
    if not 0 < len(text.encode()) <= LIMITS.provision_bytes:
        raise InputError("consents.provision", limit=LIMITS.provision_bytes)
    if not words:
        raise InputError("consents.notice")
    with node.database.read() as connection:
        where = cases.contract_of(connection, case)
    paper = cases.seal_for(node, [], "duty-notice", {"provision": text, "words": words})
    call = canonical_call(
        Operation.USE_BY_DUTY,
        {
            "case": case,
            "cases": where,
            "purpose": int(purpose),
            "disclosed": disclosed.digest,
            "provision": provision_digest(text),
            "notice": paper.commitment,
            "leaves": [leaf.fields() for leaf in leaves],
        },
    )
    wanted = Intent(
        id=intent, operation=Operation.USE_BY_DUTY, contract=contract, role="operate", subject=case, call=call
    )
    with node.begin() as uow:
        remember(uow.connection, node, disclosed.digest, DISCLOSED, disclosed.encode())
        # A receipt of this use names the provision in words.
        remember(uow.connection, node, provision_digest(text), _PROVISION, text.encode())
        name = ask(uow.connection, wanted, now=node.clock())
        uow.commit()
    return name


def shown(connection: Connection, use_number: int, provision: bytes, disclosed: bytes) -> tuple[str, Disclosed]:
    """Return the provision in words and the list of fields of a use by duty of this city.

    Raises:
        NotFoundError: ``releases.disclosed_missing``.
    """
    table = drafts.inbox
    text = connection.execute(
        select(table.c.sealed).where(table.c.kind == _PROVISION, table.c.subject == provision)
    ).scalar()
    document = connection.execute(
        select(table.c.sealed).where(table.c.kind == DISCLOSED, table.c.digest == disclosed)
    ).scalar()
    if text is None or document is None:
        raise NotFoundError("releases.disclosed_missing", use=use_number)
    return bytes(text).decode(), read_disclosed(bytes(document))
