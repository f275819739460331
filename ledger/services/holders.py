"""Keys of applicants: what a holder's own program does with a seed, and what the home city does for those who keep none.

*Self-held*: everything is derived from twelve words that are made on the holder's device and written down once; a city is
handed an extended public key for each material and the signatures, nothing else. *In custody*: the city's daemon keeps
the seed, every signature needs the person's own number or two witnesses, and the city finds by itself which key belongs
to a leaf or a case.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

from sqlalchemy import ColumnElement, Table, and_, insert, select

from ledger.domain import holders, leaves, mnemonics, records, typed
from ledger.domain.consents import ConsentTerms, consent_digest
from ledger.domain.consortium import ContractKind
from ledger.domain.holders import Branch, ExtendedPublic
from ledger.domain.leaves import Holding, LeafEntry
from ledger.errors import ConflictError, NotFoundError
from ledger.ports import TypedMessage
from ledger.services import custody, materials, releasing
from ledger.services.consents import LeafShown
from ledger.services.context import Node
from ledger.services.registry import current_contract
from ledger.storage.tables import consents as consent_tables
from ledger.storage.tables import holders as tables
from ledger.storage.tables import materials as material_tables
from ledger.wire.materials import SubjectAccount
from ledger.wire.wallets import Wallet, WalletLeaf, WalletMaterial

__all__ = [
    "CaseKey",
    "Confirmation",
    "allot",
    "case_address",
    "case_key",
    "custody_account",
    "custody_case_key",
    "custody_sign",
    "enrol",
    "entry_of",
    "keeper_of",
    "leaf_key",
    "leaf_statement",
    "material_account",
    "own_leaves",
    "recover",
    "show_leaf",
    "sign_case",
    "sign_consent",
    "sign_leaf",
    "sign_revocation",
]

# Twelve words.

# The person's own number, or two witnesses' signatures over ``custody.statement``.
Confirmation: TypeAlias = "str | tuple[bytes, bytes]"


@dataclass(frozen=True, slots=True)
class CaseKey:
    """A case's key in custody: whose, its account's number, the address that goes on the chain."""

    person: str
    number: int
    address: str


# ---- self-held ------------------------------------------------------------------------------------------------------


def recover(phrase: str) -> bytes:
    """Return the seed of twelve (or up to 24) words.

    Raises:
        InputError: ``holders.words_count``, ``holders.word_unknown``, ``holders.words_checksum``.
    """
    return mnemonics.seed_from_words(phrase)


def material_account(seed: bytes, number: int, start: int = 0) -> SubjectAccount:
    """Return what is handed over for a material: the extended public key of its account, from a leaf on.

    Args:
        seed: the holder's.
        number: the account's, a fresh one for each material (``wallets.reserve_account``).
        start: the first leaf not anchored yet, where more are wanted for the same material.
    """
    return SubjectAccount(Holding.SELF_HELD, _account(seed, Branch.MATERIAL, number).public().encode(), start)


def leaf_key(seed: bytes, number: int, step: int) -> bytes:
    """Return the private key of one leaf: account ``number``, place ``step`` in it."""
    return holders.leaf_keys(_account(seed, Branch.MATERIAL, number), step, 1)[0]


def case_key(seed: bytes, number: int) -> bytes:
    """Return the private key of a case; each case has an account of its own."""
    return holders.leaf_keys(_account(seed, Branch.CASE, number), 0, 1)[0]


def case_address(seed: bytes, number: int) -> str:
    """Return the address under which a case is opened."""
    return holders.address_text(holders.address_of(case_key(seed, number)))


def entry_of(seed: bytes, material: WalletMaterial, leaf: WalletLeaf) -> bytes:
    """Return a leaf's 58 bytes, from the wallet and the seed alone."""
    address = holders.address_of(leaf_key(seed, material.account, leaf.step))
    expires = records.read_record(material.record).expires_at
    valid_until = leaves.quarter_floor(expires) if expires else 0
    commitment = leaves.commit(leaf.blinding, leaves.record_digest(material.record))
    return LeafEntry(Holding.SELF_HELD, address, valid_until, commitment).encode()


def sign_consent(seed: bytes, wallet: Wallet, terms: ConsentTerms, chain_id: int, contract: str) -> list[LeafShown]:
    """Sign a consent with the key of each of its leaves that is in the wallet.

    What is signed is to be shown in words first. A consent over several people's leaves is signed by each of them; the
    signed leaves go together into ``consents.grant``.

    Raises:
        NotFoundError: ``wallets.no_leaf`` where none of the leaves is in the wallet.
    """
    digest = consent_digest(terms, chain_id, contract)
    own = own_leaves(wallet, terms, contract)
    return [_signed(seed, *own[leaf], digest) for leaf in sorted(own)]


def own_leaves(wallet: Wallet, terms: ConsentTerms, contract: str) -> dict[int, tuple[WalletMaterial, WalletLeaf]]:
    """Return the leaves of a consent that are in the wallet, each with its material.

    Raises:
        NotFoundError: ``wallets.no_leaf`` where none of them is.
    """
    found = {
        leaf.leaf: (material, leaf)
        for material in wallet.materials
        for leaf in material.leaves
        if leaf.contract == contract and leaf.leaf in terms.leaves
    }
    if not found:
        raise NotFoundError("wallets.no_leaf")
    return found


def sign_revocation(
    seed: bytes, wallet: Wallet, consent: bytes, granted: Sequence[int], chain_id: int, contract: str
) -> LeafShown:
    """Sign the revocation of a consent with the key of one of its leaves; one holder's word suffices.

    Args:
        seed: the holder's.
        wallet: the holder's.
        consent: the digest of the consent.
        granted: its leaves (``batch << 32 | index``).
        chain_id: the chain's number.
        contract: the materials contract that holds the leaves.

    Raises:
        NotFoundError: ``wallets.no_leaf``.
    """
    digest = typed.digest("ConsentRevocation", {"consent": consent}, chain_id, contract)
    for material in wallet.materials:
        for leaf in material.leaves:
            if leaf.contract == contract and leaf.leaf in granted:
                return _signed(seed, material, leaf, digest)
    raise NotFoundError("wallets.no_leaf")


# ---- in custody -----------------------------------------------------------------------------------------------------


def enrol(node: Node, pin: str) -> str:
    """Begin a custody for somebody whose identity a clerk has just established; return the random reference.

    Raises:
        InputError: ``custody.pin``.
        UnavailableError: ``keys.holder_unreachable``.
    """
    return node.keys.custody_enrol(pin)


def custody_account(node: Node, person: str) -> SubjectAccount:
    """Reserve an account for a material of somebody in custody; goes into the ``Paper`` that is handed in.

    Raises:
        NotFoundError: ``custody.unknown_person``.
    """
    number, account = node.keys.custody_account(person, Branch.MATERIAL)
    return SubjectAccount(Holding.CUSTODY, account, 0, person, number)


def custody_case_key(node: Node, person: str) -> CaseKey:
    """Reserve a key for a case of somebody in custody, and remember whose it is.

    Raises:
        NotFoundError: ``custody.unknown_person``.
    """
    number, account = node.keys.custody_account(person, Branch.CASE)
    address = holders.address_text(holders.leaf_addresses(ExtendedPublic.decode(account), 0, 1)[0])
    with node.begin() as uow:
        uow.connection.execute(
            insert(tables.custody_cases).values(holder=address, person=person, number=number, created_at=node.clock())
        )
        uow.commit()
    return CaseKey(person, number, address)


def custody_sign(
    node: Node, person: str, branch: Branch, number: int, leaf: int, digest: bytes, confirmation: Confirmation
) -> bytes:
    """Sign a digest with a key in custody (r ‖ s ‖ v).

    Args:
        node: the city that keeps the seed.
        person: the reference of the enrolment.
        branch: materials or cases.
        number: the account's number.
        leaf: the key's place in the account; 0 for a case.
        digest: what is signed.
        confirmation: the person's number, or two witnesses' signatures over ``custody.statement``.

    Raises:
        NotFoundError: ``custody.unknown_person``.
        AuthorityError: ``custody.wrong_pin``, ``custody.locked``, ``custody.witnesses``.
    """
    return node.keys.custody_sign(person, int(branch), number, leaf, digest, confirmation)


def sign_case(node: Node, address: str, digest: bytes, confirmation: Confirmation) -> bytes:
    """Sign with the key of a case in custody, found by its address; :func:`custody.statement` takes the same address.

    Raises:
        NotFoundError: ``custody.unknown_case``, and as :func:`custody_sign`.
    """
    table = tables.custody_cases
    with node.database.read() as connection:
        row = connection.execute(select(table.c.person, table.c.number).where(table.c.holder == address)).first()
    if row is None:
        raise NotFoundError("custody.unknown_case")
    return custody_sign(node, str(row.person), Branch.CASE, int(row.number), 0, digest, confirmation)


def sign_leaf(node: Node, material: str, leaf: int, digest: bytes, confirmation: Confirmation) -> bytes:
    """Sign with the key of one leaf in custody: whose it is and which key, the city looks up itself.

    Args:
        node: the anchoring city.
        material: the material's name in this city.
        leaf: ``batch << 32 | index``.
        digest: of the consent or the revocation.
        confirmation: the person's number, or two witnesses' signatures over :func:`leaf_statement`.

    Raises:
        NotFoundError: ``materials.not_found``, ``materials.waiting``; ``custody.no_leaf`` where it is no leaf of this
            material, or its holder keeps the key alone.
        ConflictError: ``materials.erased``.
        AuthorityError: as :func:`custody_sign`.
    """
    person, number, step = _key_of(node, material, leaf)
    return custody_sign(node, person, Branch.MATERIAL, number, step, digest, confirmation)


def leaf_statement(node: Node, material: str, leaf: int, digest: bytes) -> TypedMessage:
    """Return what two witnesses sign so that the key of this leaf may sign this digest.

    Raises:
        NotFoundError: as :func:`sign_leaf`.
    """
    row = _leaf_row(node, material, leaf)
    return custody.statement(node, row.holder, digest)


def keeper_of(node: Node, material: str, leaf: int) -> str:
    """Return the reference of whoever's key in custody a leaf has.

    Raises:
        NotFoundError: as :func:`sign_leaf`.
        ConflictError: ``materials.erased``.
    """
    return _key_of(node, material, leaf)[0]


def show_leaf(node: Node, material: str, leaf: int, signature: bytes) -> LeafShown:
    """Return a leaf of this city's own as ``consents.grant`` and ``consents.revoke`` want it.

    Raises:
        ConflictError: ``releases.erased``, ``releases.revoked``.
    """
    row = _leaf_row(node, material, leaf)
    own = releasing.own_leaf(node, node.keys.open, row.contract, leaf)
    return LeafShown(leaf, own.entry, own.proof, signature)


def allot(node: Node, material: str, subject: int, case: bytes) -> int:
    """Set a fresh leaf in custody aside for a case; asked again for the same case, it is the same leaf.

    Returns:
        The leaf, ``batch << 32 | index``.

    Raises:
        NotFoundError: ``materials.not_found``, ``materials.waiting``.
        ConflictError: ``wallets.no_fresh_leaf`` where all are used up: ``renewing`` anchors more;
            ``materials.expired``.
    """
    leaf, taken, spent = material_tables.material_leaves, tables.allotments, consent_tables.consent_leaves
    revoked = material_tables.leaf_revocations
    with node.begin() as uow:
        materials.find(uow.connection, material)
        # A replaced contract takes no new consent over its leaves.
        contract = current_contract(uow.connection, ContractKind.MATERIALS)
        query = (
            select(leaf.c.contract, leaf.c.batch, leaf.c.index.label("place"), leaf.c.valid_until, taken.c.case)
            .outerjoin(taken, _same_leaf(leaf, taken))
            .outerjoin(spent, _same_leaf(leaf, spent))
            .outerjoin(revoked, _same_leaf(leaf, revoked))
            .order_by(leaf.c.batch, leaf.c.turn)
        )
        query = query.where(leaf.c.material == material, leaf.c.subject == subject, leaf.c.contract == contract)
        before = uow.connection.execute(query.where(taken.c.case == case)).first()
        if before is not None:
            return int(before.batch) << 32 | int(before.place)
        unused = uow.connection.execute(
            query.where(taken.c.case.is_(None), spent.c.batch.is_(None), revoked.c.batch.is_(None))
        ).all()
        fresh = next((row for row in unused if not row.valid_until or row.valid_until > node.clock()), None)
        if fresh is None:
            raise ConflictError("materials.expired" if unused else "wallets.no_fresh_leaf")
        values = {"contract": fresh.contract, "batch": fresh.batch, "index": fresh.place}
        uow.connection.execute(insert(taken).values(**values, case=case, created_at=node.clock()))
        uow.commit()
        return int(fresh.batch) << 32 | int(fresh.place)


# ---- inside ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _LeafRow:
    contract: str
    subject: int
    turn: int
    holder: str


def _same_leaf(one: Table, other: Table) -> ColumnElement[bool]:
    return and_(*(one.c[name] == other.c[name] for name in ("contract", "batch", "index")))


def _account(seed: bytes, branch: Branch, number: int) -> holders.ExtendedPrivate:
    return holders.account(holders.master(seed), branch, number)


def _signed(seed: bytes, material: WalletMaterial, leaf: WalletLeaf, digest: bytes) -> LeafShown:
    signature = typed.sign(digest, leaf_key(seed, material.account, leaf.step))
    return LeafShown(leaf.leaf, entry_of(seed, material, leaf), leaf.proof, signature)


def _key_of(node: Node, material: str, leaf: int) -> tuple[str, int, int]:
    row = _leaf_row(node, material, leaf)
    subject = materials.document_of(node, material).subjects[row.subject]
    if subject.holding is not Holding.CUSTODY:
        raise NotFoundError("custody.no_leaf")
    return subject.person, subject.number, subject.start + row.turn


def _leaf_row(node: Node, material: str, leaf: int) -> _LeafRow:
    table = material_tables.material_leaves
    with node.database.read() as connection:
        materials.find(connection, material)
        row = connection.execute(
            select(table.c.contract, table.c.subject, table.c.turn, table.c.holder).where(
                table.c.material == material, table.c.batch == leaf >> 32, table.c.index == leaf & 0xFFFFFFFF
            )
        ).first()
    if row is None:
        raise NotFoundError("custody.no_leaf")
    return _LeafRow(str(row.contract), int(row.subject), int(row.turn), str(row.holder))
