"""A window and the city that keeps a person's keys, where they are two: what the one asks, what the other grants.

Somebody whose keys are in custody at home stands at a window elsewhere. The window's two witnesses sign what the person
signed on paper; the home city countersigns a consent over leaves that it keeps for that very person, and signs with the key
of a case what the witnesses stated. It does neither on the asking city's word: both witnesses must be in force and the first
of the asking city, and the leaves must be of the person whose reference was given at the window, or set aside for a look-up
that the city put on the record (which was witnessed too). The chain then checks the same signatures once more.

Questions travel sealed to the home city; refusals are kept in its audit.
"""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.engine import Connection

from ledger.domain import merkle, typed, wrapping
from ledger.domain.consents import check_terms
from ledger.domain.consortium import ContractKind
from ledger.domain.reasons import Reason
from ledger.errors import (
    AuthorityError,
    ConflictError,
    FormatError,
    InputError,
    IntegrityError,
    LedgerError,
    RefusedError,
    UnavailableError,
)
from ledger.ports import TypedMessage
from ledger.services import audit, custody, holders, materials, releasing
from ledger.services.consents import LeafShown
from ledger.services.context import Node
from ledger.services.registry import current_contract, readers_of
from ledger.storage.tables import holders as local
from ledger.storage.tables import materials as tables
from ledger.wire.attending import (
    Ask,
    CaseKeyAsked,
    CaseSignatureAsked,
    CountersigningAsked,
    HeldLeaf,
    ask_info,
    decode_ask,
    decode_case_key,
    decode_case_signature,
    decode_countersigned,
    encode_ask,
    encode_case_key,
    encode_case_signature,
    encode_countersigned,
)
from ledger.wire.grants import GrantedConsent

__all__ = ["both_witnesses", "case_key", "case_signature", "countersigned", "custodian_of", "paper_consent", "serve"]


# ---- the window's side ----------------------------------------------------------------------------------------------


def both_witnesses(node: Node, message: TypedMessage) -> tuple[bytes, bytes]:
    """Sign with both witness keys of this city's window what a person said or signed there.

    Raises:
        SetupError, UnavailableError: as the key holder.
    """
    return node.keys.witness(1, message), node.keys.witness(2, message)


def paper_consent(granted: GrantedConsent) -> TypedMessage:
    """Return what two witnesses and the custodian sign for a consent on paper."""
    return TypedMessage(
        "PaperConsent",
        granted.contract,
        (("consent", granted.digest), ("paper", granted.paper), ("attending", granted.attending)),
    )


def custodian_of(connection: Connection, granted: GrantedConsent) -> int:
    """Return the member that keeps the leaves of a consent on paper: one for all of them.

    Raises:
        ConflictError: ``attending.several`` where they were anchored by more than one, or not at all.
    """
    table = tables.batches
    found = connection.execute(
        select(table.c.member)
        .where(table.c.contract == granted.contract, table.c.batch.in_({leaf >> 32 for leaf in granted.terms.leaves}))
        .distinct()
    )
    members = [int(member) for member in found.scalars()]
    if len(members) != 1:
        raise ConflictError("attending.several")
    return members[0]


def countersigned(
    node: Node, granted: GrantedConsent, witnesses: tuple[bytes, bytes], *, person: str = ""
) -> tuple[tuple[LeafShown, ...], bytes]:
    """Get the custodian's signature for a consent on paper, and its leaves as the contract wants to see them.

    Args:
        node: the attending city.
        granted: the consent, with the window and the commitment of the paper.
        witnesses: both signatures over :func:`paper_consent`, the first by a witness of this city.
        person: the reference under which the custodian keeps the person's keys; empty where a look-up of this city found
            the leaves, or this city keeps the keys itself.

    Raises:
        ConflictError: ``attending.several``.
        AuthorityError: ``attending.window``, ``attending.whose``, ``custody.witnesses``: the custodian refuses.
        IntegrityError: ``attending.answer`` where the answer is not what the chain will take.
        UnavailableError: the custodian does not answer.
    """
    with node.database.read() as connection:
        custodian = custodian_of(connection, granted)
    found = decode_countersigned(_ask(node, custodian, CountersigningAsked(granted, witnesses, person)))
    message = paper_consent(granted)
    signed = typed.digest(message.kind, dict(message.fields), node.chain_id, message.contract)
    with node.database.read() as connection:
        try:
            if custody.speaks_for(connection, typed.recover(signed, found.signature)) != custodian:
                raise IntegrityError("attending.answer", member=custodian)
            if tuple(each.leaf for each in found.leaves) != granted.terms.leaves:
                raise IntegrityError("attending.answer", member=custodian)
            for each in found.leaves:
                _verify(connection, granted.contract, each)
        except (FormatError, InputError):
            raise IntegrityError("attending.answer", member=custodian) from None
    return tuple(LeafShown(each.leaf, each.entry, each.path) for each in found.leaves), found.signature


def case_key(node: Node, home: int, person: str) -> str:
    """Have the city that keeps a person's keys set one aside for a case; returns its address.

    Raises:
        NotFoundError: ``custody.unknown_person``.
        UnavailableError: that city does not answer.
    """
    return decode_case_key(_ask(node, home, CaseKeyAsked(person)))


def case_signature(node: Node, home: int, holder: str, digest: bytes, witnesses: tuple[bytes, bytes]) -> bytes:
    """Have a digest signed with the key of a case in another city's custody.

    Args:
        node: the attending city.
        home: the member that keeps the key.
        holder: the key's address.
        digest: what is to be signed.
        witnesses: both signatures over ``custody.statement``, the first by a witness of this city.

    Raises:
        NotFoundError: ``custody.unknown_case``.
        AuthorityError: ``custody.witnesses``.
        IntegrityError: ``attending.answer``.
        UnavailableError: that city does not answer.
    """
    signature = decode_case_signature(_ask(node, home, CaseSignatureAsked(holder, digest, witnesses)))
    try:
        signer = typed.recover(digest, signature)
    except FormatError:
        signer = ""
    if signer != holder:
        raise IntegrityError("attending.answer", member=home)
    return signature


# ---- the side that keeps the keys -----------------------------------------------------------------------------------


def serve(node: Node, member: int, sealed: bytes) -> bytes:
    """Answer another city's window.

    Args:
        node: this city, which keeps the keys.
        member: the city that asks; its request was verified.
        sealed: the question.

    Raises:
        FormatError: ``attending.form``, and what opening it says.
        LedgerError: the refusal; all but those of a daemon that is away are kept in the audit.
    """
    ask = decode_ask(node.keys.open(sealed, ask_info(member, node.member)))
    try:
        return _answered(node, member, ask)
    except LedgerError as error:
        if not isinstance(error, UnavailableError):
            audit.note_error(node, "attending", error, member=member, subject=_subject(ask))
        raise


def _answered(node: Node, member: int, ask: Ask) -> bytes:
    match ask:
        case CountersigningAsked():
            return _countersign(node, member, ask)
        case CaseKeyAsked():
            return encode_case_key(holders.custody_case_key(node, ask.person).address)
        case CaseSignatureAsked():
            if not custody.witnessed(node, ask.holder, ask.digest, ask.witnesses, attending=member):
                raise AuthorityError("custody.witnesses")
            return encode_case_signature(holders.sign_case(node, ask.holder, ask.digest, ask.witnesses))


def _countersign(node: Node, member: int, ask: CountersigningAsked) -> bytes:
    granted = ask.granted
    with node.database.read() as connection:
        contract = current_contract(connection, ContractKind.MATERIALS)
    if (granted.chain_id, granted.contract) != (node.chain_id, contract):
        raise ConflictError("attending.other_contract")
    if granted.attending != member or not any(granted.paper):
        raise AuthorityError("attending.window")
    message = paper_consent(granted)
    if custody.witnesses_of(node, message, ask.witnesses)[:1] != (member,):
        raise AuthorityError("custody.witnesses")
    reason = check_terms(granted.terms, node.clock())
    if reason is not Reason.OK:
        raise RefusedError("consents.refused", reason=reason.name.lower())
    held = []
    for leaf in granted.terms.leaves:
        with node.database.read() as connection:
            material = materials.material_of(connection, contract, leaf)
            looked_up = _asked_for(connection, contract, leaf, member)
        keeper = holders.keeper_of(node, material, leaf)
        # At its own window the city itself established who it is.
        known = bool(ask.person) or not (looked_up or member == node.member)
        if known and keeper != ask.person:
            raise AuthorityError("attending.whose")
        own = releasing.own_leaf(node, node.keys.open, contract, leaf)
        held.append(HeldLeaf(leaf, own.entry, tuple(own.proof)))
    return encode_countersigned(node.keys.custodian(message), held)


def _asked_for(connection: Connection, contract: str, leaf: int, member: int) -> bool:
    """Whether a leaf was set aside for a look-up that a member put on the record."""
    taken, asked = local.allotments, tables.lookups
    query = (
        select(asked.c.lookup)
        .join(taken, taken.c.case == asked.c.lookup)
        .where(
            taken.c.contract == contract,
            taken.c.batch == leaf >> 32,
            taken.c.index == leaf & 0xFFFFFFFF,
            asked.c.asker == member,
        )
    )
    return connection.execute(query).first() is not None


# ---- inside ---------------------------------------------------------------------------------------------------------


def _ask(node: Node, member: int, ask: Ask) -> bytes:
    if member == node.member:
        return _answered(node, member, ask)
    with node.database.read() as connection:
        recipient = readers_of(connection, [member])[member]
    return node.peers.attend(member, wrapping.seal(encode_ask(ask), recipient, ask_info(node.member, member)))


def _verify(connection: Connection, contract: str, each: HeldLeaf) -> None:
    table = tables.batches
    row = connection.execute(
        select(table.c.root, table.c.size).where(table.c.contract == contract, table.c.batch == each.leaf >> 32)
    ).one()
    index = each.leaf & 0xFFFFFFFF
    merkle.verify_inclusion(merkle.leaf_hash(each.entry), index, int(row.size), each.path, bytes(row.root))


def _subject(ask: Ask) -> str:
    match ask:
        case CountersigningAsked():
            return ask.granted.digest.hex()
        case CaseSignatureAsked():
            return ask.holder
        case CaseKeyAsked():
            return ""
