"""The wallet's way: it follows its holder into every city, and no city has the list of whose it is.

Version *n* is encrypted under its own key and stands on the chain under its own write-once pointer, both derived from the
holder's seed, so that nobody can join two versions. The city that publishes one pins it, at a moment that has nothing to
do with any use. Whoever has the seed walks the versions up from the first and opens the newest that is really theirs:
another's entry under a pointer of theirs opens under no key of the seed and is passed over.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import cast

from sqlalchemy import func, select
from sqlalchemy.engine import Connection

from ledger.blobs.cids import cid_from_digest, cid_of, digest_of
from ledger.blobs.content import read_content, write_content
from ledger.chain.codec import canonical_call
from ledger.domain import holders, merkle
from ledger.domain.calls import parse_call
from ledger.domain.consortium import ContractKind
from ledger.domain.holders import Branch, ExtendedPrivate
from ledger.domain.limits import LIMITS
from ledger.domain.operations import Operation
from ledger.domain.workdays import day_end, day_of, day_start
from ledger.errors import ConflictError, FormatError, InputError, IntegrityError, NotFoundError, UnavailableError
from ledger.ports import BlobStore, Random
from ledger.projections import journal
from ledger.services import materials
from ledger.services.asking import ask
from ledger.services.context import Node
from ledger.services.opening import open_batch
from ledger.services.registry import current_contract
from ledger.storage import outbox
from ledger.storage.tables import materials as tables
from ledger.wire.wallets import Wallet, WalletLeaf, WalletMaterial, open_wallet, seal_wallet

__all__ = [
    "Found",
    "SealedWallet",
    "add",
    "allot",
    "find",
    "hand_out",
    "pointer_of",
    "publish",
    "remember_case",
    "reserve_account",
    "reserve_case",
    "save",
    "seal",
]

# Pointers that are looked up in one question to the database.
_STRIDE = 64


@dataclass(frozen=True, slots=True)
class SealedWallet:
    """A version ready to be handed to any city, which learns nothing from it: the pointer, and what it points to."""

    pointer: bytes
    content: bytes


@dataclass(frozen=True, slots=True)
class Found:
    """The newest wallet of a seed; ``used`` is the highest version that is taken or in line here, ``block`` how far was looked."""

    wallet: Wallet
    used: int
    block: int


# ---- the wallet itself ----------------------------------------------------------------------------------------------


def reserve_account(wallet: Wallet) -> tuple[Wallet, int]:
    """Take a fresh account for a material; hand over ``holders.material_account`` of that number."""
    return replace(wallet, next_material=wallet.next_material + 1), wallet.next_material


def reserve_case(wallet: Wallet) -> tuple[Wallet, int]:
    """Take a fresh account for a case; it is opened under ``holders.case_address`` of that number."""
    return replace(wallet, next_case=wallet.next_case + 1), wallet.next_case


def remember_case(wallet: Wallet, case: bytes, number: int) -> Wallet:
    """Note which account a case was opened with."""
    cases = dict(wallet.cases) | {case.hex(): number}
    return replace(wallet, cases=tuple(sorted(cases.items())), next_case=max(wallet.next_case, number + 1))


def add(wallet: Wallet, material: WalletMaterial) -> Wallet:
    """Put a material into the wallet; one that is there already gets the new leaves and receipts, none of its marks lost."""
    known = next((each for each in wallet.materials if _name(each) == _name(material)), None)
    if known is not None:
        held = {(leaf.contract, leaf.leaf) for leaf in known.leaves}
        fresh = tuple(leaf for leaf in material.leaves if (leaf.contract, leaf.leaf) not in held)
        receipts = tuple(dict.fromkeys((*known.receipts, *material.receipts)))
        material = replace(material, leaves=(*known.leaves, *fresh), receipts=receipts)
    others = tuple(each for each in wallet.materials if _name(each) != _name(material))
    return replace(wallet, materials=(*others, material), next_material=max(wallet.next_material, material.account + 1))


def allot(
    wallet: Wallet, material: str, case: bytes, subject: int | None = None, *, contract: str | None = None
) -> tuple[Wallet, WalletLeaf]:
    """Allot a fresh leaf of a material to a case; asked again for the same case, it is the same leaf.

    Args:
        wallet: the holder's.
        material: its name in the anchoring city, as it stands in the wallet.
        case: what it is for.
        subject: which data subject's leaf, where the holder keeps several people's.
        contract: the present materials contract; a replaced one takes no new consent over its leaves.

    Returns:
        The wallet with the leaf marked, to be kept before anything is signed; and the leaf.

    Raises:
        NotFoundError: ``wallets.no_material``.
        ConflictError: ``wallets.no_fresh_leaf``: the anchoring city has to anchor more.
    """
    for place, held in enumerate(wallet.materials):
        if held.material != material or (subject is not None and held.subject != subject):
            continue
        usable = [leaf for leaf in held.leaves if contract in {None, leaf.contract}]
        chosen = next((leaf for leaf in usable if leaf.case == case.hex()), None)
        if chosen is not None:
            return wallet, chosen
        chosen = next((leaf for leaf in usable if not leaf.spent), None)
        if chosen is None:
            raise ConflictError("wallets.no_fresh_leaf")
        marked = replace(chosen, case=case.hex())
        changed = replace(held, leaves=tuple(marked if leaf is chosen else leaf for leaf in held.leaves))
        materials_now = (*wallet.materials[:place], changed, *wallet.materials[place + 1 :])
        return replace(wallet, materials=materials_now), marked
    raise NotFoundError("wallets.no_material")


def pointer_of(seed: bytes, version: int) -> bytes:
    """Return the pointer of a version: a digest of a public key that is used for nothing else."""
    return _pointer(holders.master(seed), version)


def seal(seed: bytes, wallet: Wallet, random: Random) -> SealedWallet:
    """Encrypt a wallet under the key of its own version.

    Raises:
        InputError: ``wallets.too_large``.
    """
    root = holders.master(seed)
    return SealedWallet(_pointer(root, wallet.version), seal_wallet(wallet, _key(root, wallet.version), random))


# ---- what a city does -----------------------------------------------------------------------------------------------


def hand_out(
    node: Node, material: str, subject: int, account: int, *, receipts: Sequence[bytes] = ()
) -> WalletMaterial:
    """Return everything that a holder may have of a material of this city's, for the wallet.

    Args:
        node: the anchoring city.
        material: the material's name.
        subject: which of its data subjects the holder is.
        account: the number of the account in the holder's own seed; the city does not know it.
        receipts: the documents handed over for it.

    Raises:
        NotFoundError: ``materials.not_found``, ``materials.waiting``, ``wallets.no_material`` for a subject there is not.
        ConflictError: ``materials.erased``.
    """
    document = materials.document_of(node, material)
    table, batches = tables.material_leaves, tables.batches
    with node.database.read() as connection:
        materials.find(connection, material)
        rows = connection.execute(
            select(table.c.contract, table.c.batch, table.c.index.label("place"), table.c.turn, batches.c.blob)
            .join(batches, (batches.c.contract == table.c.contract) & (batches.c.batch == table.c.batch))
            .where(table.c.material == material, table.c.subject == subject)
            .order_by(table.c.turn)
        ).all()
    if not rows:
        raise NotFoundError("wallets.no_material")
    trees = {blob: _tree(node, blob) for blob in {bytes(row.blob) for row in rows}}
    return WalletMaterial(
        material=material,
        account=account,
        subject=subject,
        record=document.record,
        disclosures=document.disclosures,
        leaves=tuple(
            WalletLeaf(
                contract=str(row.contract),
                leaf=int(row.batch) << 32 | row.place,
                step=document.subjects[subject].start + row.turn,
                blinding=document.blindings[subject][row.turn],
                proof=merkle.inclusion_proof_from_levels(trees[bytes(row.blob)], row.place),
            )
            for row in rows
        ),
        receipts=tuple(receipts),
    )


def publish(node: Node, sealed: SealedWallet, *, spread: int = LIMITS.wallet_spread_seconds) -> str:
    """Store a sealed version and queue its pointer.

    Handed in twice it is published once. A quota that is used up says when to come again; then the same version goes in
    under a new intent.

    Args:
        node: any city; it pins what it publishes.
        sealed: the version.
        spread: the pointer goes out at some moment within this many seconds; 0 at once.

    Returns:
        The intent's id.

    Raises:
        ConflictError: ``wallets.version_taken``: somebody published under this pointer; the next version is free.
        UnavailableError: ``wallets.daily_limit``, and as blob store and database.
    """
    now = node.clock()
    with node.database.read() as connection:
        contract = current_contract(connection, ContractKind.MATERIALS)
        _require_free(connection, node, sealed, now)
    cid = write_content(node.blobs, [sealed.content])
    intent = outbox.Intent(
        id=f"point:{sealed.pointer.hex()}:{day_of(now)}",
        operation=Operation.POINT,
        contract=contract,
        role="operate",
        subject=sealed.pointer,
        call=canonical_call(Operation.POINT, {"pointer": sealed.pointer, "blob": digest_of(cid)}),
        not_before=now + _moment(node.random, spread),
    )
    with node.begin() as uow:
        name = ask(uow.connection, intent, now=now)
        uow.commit()
    return name


def find(node: Node, seed: bytes) -> Found:
    """Find, fetch and open the newest wallet of a seed; one that this city is still to publish is newer than the chain's.

    A version may wait for its moment for an hour. Whoever went on from the older one meanwhile would forget what the newer
    one marks, and show a leaf or a case's key twice.

    Args:
        node: any city; what it fetches from another it does not keep.
        seed: the holder's. Nothing of it is kept or sent.

    Raises:
        NotFoundError: ``wallets.not_found``, with the block up to which was looked.
        UnavailableError: the city that pinned it does not answer.
    """
    root = holders.master(seed)
    with node.database.read() as connection:
        state = journal.position(connection)
        pointers = _walk(connection, root)
        pointers |= _in_line(connection, root, max(pointers, default=0), node.member)
    block = 0 if state is None else state.block
    for version, (blob, member) in sorted(pointers.items(), reverse=True):
        store = cast("BlobStore", _Reaching(node, member))
        try:
            wallet = open_wallet(read_content(store, cid_from_digest(blob)), _key(root, version))
        except (FormatError, InputError, IntegrityError, NotFoundError):
            # Not this holder's, or not kept: an older version may be.
            continue
        if wallet.version == version:
            return Found(wallet, max(pointers), block)
    raise NotFoundError("wallets.not_found", block=block)


def save(node: Node, seed: bytes, wallet: Wallet, *, spread: int = LIMITS.wallet_spread_seconds) -> tuple[Wallet, str]:
    """Publish a wallet as the next version that is free; return it with its number, and the intent's id.

    Raises:
        LedgerError: as :func:`publish` and :func:`seal`.
    """
    root = holders.master(seed)
    with node.database.read() as connection:
        version = max(_walk(connection, root), default=0) + 1
        while _under_way(connection, _pointer(root, version)):
            version += 1
    numbered = replace(wallet, version=version)
    return numbered, publish(node, seal(seed, numbered, node.random), spread=spread)


# ---- inside ---------------------------------------------------------------------------------------------------------


class _Reaching:
    """Reads blocks from this city's store or, failing that, from the city that pinned them; keeps none of the latter."""

    def __init__(self, node: Node, member: int) -> None:
        self._node = node
        self._member = member

    def get(self, cid: str) -> bytes:
        try:
            return self._node.blobs.get(cid)
        except NotFoundError:
            if self._member == self._node.member:
                raise
        block = self._node.peers.blob(self._member, cid)
        if cid_of(block) != cid:
            raise IntegrityError("blobs.damaged", cid=cid)
        return block


def _tree(node: Node, blob: bytes) -> list[list[bytes]]:
    """Return the levels of a batch's tree, from its manifest."""
    manifest = open_batch(node, node.keys.open, cid_from_digest(blob))
    return merkle.levels(merkle.leaf_hashes(manifest.entries))


def _pointer(root: ExtendedPrivate, version: int) -> bytes:
    node = holders.account(root, Branch.WALLET, version).child(0)
    return hashlib.sha256(b"tongban/pointer/1" + node.public().key).digest()


def _key(root: ExtendedPrivate, version: int) -> bytes:
    return holders.wallet_content_key(holders.account(root, Branch.WALLET, version))


def _walk(connection: Connection, root: ExtendedPrivate) -> dict[int, tuple[bytes, int]]:
    """Return the versions on the record: blob and pinning member.

    A refused version leaves a gap that nobody fills any more, so only a whole stride without any is the end.
    """
    table = tables.wallet_pointers
    found: dict[int, tuple[bytes, int]] = {}
    for first in range(1, LIMITS.wallet_versions + 1, _STRIDE):
        wanted = {_pointer(root, version): version for version in range(first, first + _STRIDE)}
        rows = connection.execute(
            select(table.c.pointer, table.c.blob, table.c.member).where(table.c.pointer.in_(list(wanted)))
        )
        here = {wanted[bytes(row.pointer)]: (bytes(row.blob), int(row.member)) for row in rows}
        if not here:
            break
        found |= here
    return found


def _require_free(connection: Connection, node: Node, sealed: SealedWallet, now: int) -> None:
    table = tables.wallet_pointers
    if connection.execute(select(table.c.pointer).where(table.c.pointer == sealed.pointer)).first() is not None:
        raise ConflictError("wallets.version_taken")
    midnight = day_start(day_of(now))
    today = connection.execute(
        select(func.count()).select_from(table).where(table.c.member == node.member, table.c.time >= midnight)
    ).scalar_one()
    if today >= LIMITS.wallet_pointers_a_day:
        raise UnavailableError("wallets.daily_limit", retry_after=day_end(day_of(now)) + 1 - now)


def _under_way(connection: Connection, pointer: bytes) -> bool:
    return any(intent.state not in outbox.STUCK for intent in outbox.listed(connection, subject=pointer))


def _in_line(connection: Connection, root: ExtendedPrivate, last: int, member: int) -> dict[int, tuple[bytes, int]]:
    """Return the versions after the last one on the record that this city has been handed: blob, and this member."""
    found: dict[int, tuple[bytes, int]] = {}
    version = last + 1
    while asked := outbox.listed(connection, subject=_pointer(root, version)):
        for intent in asked:
            if intent.state not in outbox.STUCK:
                found[version] = (bytes.fromhex(str(parse_call(intent.call)["blob"]).removeprefix("0x")), member)
        version += 1
    return found


def _moment(random: Random, spread: int) -> int:
    return int.from_bytes(random(8)) % spread if spread else 0


def _name(material: WalletMaterial) -> tuple[str, int]:
    return material.material, material.subject
