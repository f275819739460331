"""The ports of the ledger: what services need of the world, as protocols, and the values that pass through them.

An adapter behind each (an engine, a keystore, a directory, IPFS) is chosen once, in ``ledger.bootstrap``; everything
above knows only these. The values are plain, so that importing this module loads neither web3 nor a database.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol, TypeAlias

from ledger.domain.events import Event
from ledger.wire.witnessing import Answer

__all__ = [
    "ROLES",
    "Argument",
    "BlobStore",
    "Block",
    "Blocks",
    "Chain",
    "Clock",
    "Head",
    "KeyHolder",
    "LocatedEvent",
    "MinedTransaction",
    "Peers",
    "Random",
    "Receipt",
    "SignedTransaction",
    "Signer",
    "TypedMessage",
    "UnsignedTransaction",
]

# Answers the time of day in POSIX seconds.
Clock: TypeAlias = Callable[[], int]
# Answers that many random bytes.
Random: TypeAlias = Callable[[int], bytes]
# A parameter of an event as the log writes it: name, ABI type, value.
Argument: TypeAlias = tuple[str, str, object]

# The roles of a member's chain keys, by the names that the outbox and the keystore use.
ROLES = ("administer", "operate", "witness", "issue", "regulate", "recover")


# ---- the chain ------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class LocatedEvent:
    """A contract's event and its place in the chain; ``log_index`` counts within the block."""

    event: Event
    contract: str
    block: int
    time: int
    transaction: bytes
    log_index: int
    arguments: tuple[Argument, ...]


@dataclass(frozen=True, slots=True)
class Block:
    """A block's header, as far as it is needed, and the events of our contracts in it, in order."""

    number: int
    hash: bytes
    parent: bytes
    time: int
    receipts_root: bytes
    events: tuple[LocatedEvent, ...]


@dataclass(frozen=True, slots=True)
class Head:
    """The newest block, and the number of the newest one that can no longer be taken back."""

    number: int
    hash: bytes
    time: int
    finalised: int


@dataclass(frozen=True, slots=True)
class Receipt:
    """What became of a mined transaction; ``events`` are those of our contracts and of the one it called."""

    transaction: bytes
    succeeded: bool
    block: int
    gas_used: int
    events: tuple[LocatedEvent, ...]


@dataclass(frozen=True, slots=True)
class MinedTransaction:
    """A transaction as the chain holds it, found by its sender's nonce."""

    hash: bytes
    sender: str
    nonce: int
    contract: str
    data: bytes
    block: int
    time: int


@dataclass(frozen=True, slots=True)
class UnsignedTransaction:
    """A call of a contract before it is signed: legacy form, no value, no fee."""

    chain_id: int
    nonce: int
    contract: str
    data: bytes
    gas: int


@dataclass(frozen=True, slots=True)
class SignedTransaction:
    """The bytes to send, and the hash by which the chain will know them."""

    raw: bytes
    hash: bytes


class Blocks(Protocol):
    """Where a chain is read from.

    What is answered and cannot be true raises ``IntegrityError``; where nobody answers, ``UnavailableError`` is raised.
    """

    def chain_id(self) -> int:
        """Answer the chain's number, which every signature names."""
        ...

    def head(self) -> Head:
        """Answer where the chain stands now."""
        ...

    def blocks(self, first: int, last: int) -> Sequence[Block]:
        """Read the blocks ``first`` to ``last``, both included, with the events of our contracts.

        Verified are each header's hash, each link to the parent within the range, and, for each block that holds our
        events, the receipts root; ``Chain.unverified`` names what of this an engine's format does not allow.
        """
        ...


class Chain(Blocks, Protocol):
    """An engine that holds the contracts; what it raises is as for ``Blocks``."""

    def unverified(self) -> tuple[str, ...]:
        """Name the checks that this kind of engine does not allow: ``header_hash``, ``receipts_root``, ``transaction_hash``."""
        ...

    def call(self, contract: str, kind: str, function: str, *args: object, block: int | None = None) -> object:
        """Ask a view of a contract of that kind; the newest state, or that of an earlier block.

        Raises:
            ConflictError: ``chain.reverted``, with the contract's own words in ``why``.
        """
        ...

    def send(self, raw: bytes) -> bytes:
        """Hand in a signed transaction and answer its hash; one that is already known is no error.

        Raises:
            ConflictError: ``chain.nonce_used``, ``chain.nonce_taken``, ``chain.sender_refused`` or
                ``chain.transaction_refused``.
            UnavailableError: ``chain.pool_full`` or ``chain.unreachable``.
        """
        ...

    def receipt(self, transaction: bytes) -> Receipt | None:
        """Answer what became of a transaction, or ``None`` while it is not mined."""
        ...

    def nonce(self, address: str) -> int:
        """Answer how many transactions of an address are mined."""
        ...

    def mined(self, address: str, nonce: int) -> MinedTransaction | None:
        """Find the mined transaction of an address with that nonce, or ``None`` where there is none yet."""
        ...


class Signer(Protocol):
    """A chain key, wherever it is kept."""

    @property
    def address(self) -> str:
        """The key's address, lowercase."""
        ...

    def sign_transaction(self, transaction: UnsignedTransaction) -> SignedTransaction:
        """Sign a transaction; the same transaction always gives the same bytes (RFC 6979)."""
        ...

    def sign_digest(self, digest: bytes) -> bytes:
        """Sign a 32-byte digest: r ‖ s ‖ v, 65 bytes, low s, v 27 or 28."""
        ...


# ---- blobs ----------------------------------------------------------------------------------------------------------


class BlobStore(Protocol):
    """A store of raw blocks by identifier (CIDv1, SHA-256); content of any size lies over it in ``blobs.content``.

    Every read is hashed again. Whatever does not answer raises ``UnavailableError`` (``blobs.unreachable``), a full disk
    ``blobs.full``; text that is no identifier ``FormatError`` (``blobs.cid``).
    """

    def put(self, block: bytes) -> str:
        """Store a block durably and answer its identifier; doing so twice is no error, and repairs a damaged copy.

        Raises:
            InputError: ``blobs.block_too_large``.
        """
        ...

    def get(self, cid: str) -> bytes:
        """Read a block.

        Raises:
            NotFoundError: ``blobs.not_found``.
            IntegrityError: ``blobs.damaged``, naming the block; its bytes are not shown.
        """
        ...

    def local(self, cid: str) -> bytes:
        """Read a block that lies in this very store, asking nobody else for it; raises as ``get``."""
        ...

    def has(self, cid: str) -> bool:
        """Say whether the block is in this store and whole."""
        ...

    def check(self) -> None:
        """Find out whether a block could be stored now, leaving nothing behind.

        Raises:
            UnavailableError: ``blobs.full``, ``blobs.low`` where little room is left, ``blobs.unreachable``.
        """
        ...

    def delete(self, cids: Iterable[str]) -> int:
        """Make blocks gone from this store, durably, and answer how many were there."""
        ...

    def cids(self) -> Iterator[str]:
        """Name all blocks, in order."""
        ...


# ---- keys -----------------------------------------------------------------------------------------------------------


class KeyHolder(Protocol):
    """The daemon as seen by the web process, which holds no private key of the city.

    Each method applies the rules of its own accord: whoever reaches the socket gains no more than the rules allow.
    """

    def check(self) -> None:
        """Find out at little cost whether the keys are there.

        Raises:
            UnavailableError: ``keys.holder_unreachable``.
        """
        ...

    def cosign(self, request: bytes) -> bytes:
        """Answer a ``tlog-witness`` ``add-checkpoint`` request with the cosignature lines."""
        ...

    def release(self, use: int, requester: int, disclosed: bytes) -> bytes:
        """Answer what that finalised use lets that member read: the record's disclosed part and the sealed content key.

        ``disclosed`` is the document whose digest the consent names: which fields of which leaf may be shown.
        """
        ...

    def open(self, sealed: bytes, info: bytes) -> bytes:
        """Open what was sealed by HPKE to this city under ``info``."""
        ...

    def sign_request(self, base: bytes) -> bytes:
        """Sign the signature base of a request to another city (RFC 9421, Ed25519)."""
        ...

    def witness(self, seat: int, typed: TypedMessage) -> bytes:
        """Sign, as the first or second witness of this city's window, what a person said or signed there."""
        ...

    def custodian(self, typed: TypedMessage) -> bytes:
        """Sign, as the custodian of leaves, the commitment of a paper that a person signed at a window."""
        ...

    def custody_enrol(self, pin: str) -> str:
        """Make a seed for a person whose identity was just established; answer the random reference."""
        ...

    def custody_account(self, person: str, branch: int) -> tuple[int, str]:
        """Reserve the next account of a seed in custody: its number and its extended public key."""
        ...

    def custody_sign(
        self, person: str, branch: int, number: int, leaf: int, digest: bytes, confirmation: str | tuple[bytes, bytes]
    ) -> bytes:
        """Sign a digest with a key in custody, on the person's own number or two witnesses' signatures."""
        ...


# ---- other cities ---------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class TypedMessage:
    """An EIP-712 message by its primary type, the contract that checks it, and its fields."""

    kind: str
    contract: str
    fields: tuple[tuple[str, int | str | bytes], ...]


class Peers(Protocol):
    """The other cities' nodes; every request is signed and every answer's signature checked.

    Raises:
        UnavailableError: ``peers.unreachable``; the work waits and is asked again.
        LedgerError: what the other city answered, with its own code.
    """

    def blob(self, member: int, cid: str) -> bytes:
        """Fetch one block of encrypted content; the caller's store hashes it again."""
        ...

    def release(self, member: int, use: int, disclosed: bytes) -> bytes:
        """Ask the custodian for what a recorded use lets this city read."""
        ...

    def add_checkpoint(self, member: int, request: bytes) -> Answer:
        """Ask another city to cosign a checkpoint (C2SP tlog-witness)."""
        ...

    def hand_over(self, member: int, document: bytes) -> None:
        """Deliver a document of a case (a sealed paper, a consent's terms) to another city's inbox."""
        ...

    def attend(self, member: int, sealed: bytes) -> bytes:
        """Ask the city that keeps a person's keys for what a window needs with that person before it (``wire.attending``)."""
        ...
