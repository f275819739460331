"""City to city: who asked, whether it may, and what it is given.

A request counts only when it is signed with a key in force of a member in good standing (RFC 9421), is less than a
minute old, and its nonce was never seen. Blobs are encrypted content, which any member may carry; a key is released by
the daemon alone, and only for a use on the record.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from sqlalchemy import and_, bindparam, delete, func, insert, select
from sqlalchemy.engine import Connection

from ledger.domain.consortium import MemberStatus, ServiceKeyKind
from ledger.domain.limits import LIMITS
from ledger.errors import AuthorityError, InputError, LedgerError, NotFoundError, UnavailableError
from ledger.services import audit
from ledger.services.context import Node
from ledger.storage.tables import consortium as tables
from ledger.storage.tables import drafts
from ledger.wire import signatures
from ledger.wire.deliveries import decode_delivery
from ledger.wire.signatures import SignatureParameters
from ledger.wire.witnessing import Answer

__all__ = [
    "UNSIGNED_REFUSALS",
    "Asked",
    "Unconnected",
    "deliver",
    "endpoint_of",
    "find_request_key",
    "key_id_of",
    "registered_request_key",
    "serve_blob",
    "serve_release",
    "sign_answer",
    "take_in",
    "verify",
]

# What a city may say without signing it: it does not know yet whom to answer. Nothing else is believed unsigned.
UNSIGNED_REFUSALS = frozenset(
    {
        "peers.digest",
        "peers.expired",
        "peers.replayed",
        "peers.signature",
        "peers.signature_form",
        "peers.too_long",
        "peers.unknown_key",
        "peers.unsigned",
    }
)

# Built once: building a statement costs more than carrying it out, and each request asks all of these.
_URL = select(tables.endpoints.c.url).where(tables.endpoints.c.member == bindparam("of"))
_STANDING = (
    select(
        tables.members.c.status, tables.service_keys.c.version, tables.service_keys.c.key, tables.service_keys.c.time
    )
    .outerjoin(
        tables.service_keys,
        and_(
            tables.service_keys.c.member == tables.members.c.member,
            tables.service_keys.c.kind == int(ServiceKeyKind.REQUESTS_ED25519),
            tables.service_keys.c.version >= bindparam("since"),
        ),
    )
    .where(tables.members.c.member == bindparam("of"))
    .order_by(tables.service_keys.c.version)
    .limit(2)
)
_NEWEST = select(func.max(tables.service_keys.c.version)).where(
    tables.service_keys.c.member == bindparam("of"),
    tables.service_keys.c.kind == int(ServiceKeyKind.REQUESTS_ED25519),
)
_FORGET = delete(drafts.peer_nonces).where(drafts.peer_nonces.c.expires < bindparam("now"))
_SEEN = select(drafts.peer_nonces.c.nonce).where(
    drafts.peer_nonces.c.member == bindparam("of"), drafts.peer_nonces.c.nonce == bindparam("said")
)
_KEEP = insert(drafts.peer_nonces)
_DELIVERED = select(drafts.inbox.c.digest).where(drafts.inbox.c.digest == bindparam("of"))
_HELD = select(func.count()).select_from(drafts.inbox).where(drafts.inbox.c.member == bindparam("of"))
_TAKE_IN = insert(drafts.inbox)


@dataclass(frozen=True, slots=True)
class Asked:
    """A request as it arrived; ``path`` with its query, header names lower-case."""

    method: str
    path: str
    body: bytes
    headers: Mapping[str, str]


def endpoint_of(connection: Connection, member: int) -> str:
    """Return where a member's node is reached, without a slash at the end.

    Raises:
        UnavailableError: ``peers.no_endpoint`` where it has published no address.
    """
    url = connection.execute(_URL, {"of": member}).scalar()
    if not url:
        raise UnavailableError("peers.no_endpoint", member=member)
    return str(url).rstrip("/")


def find_request_key(connection: Connection, key_id: str, now: int) -> Ed25519PublicKey | None:
    """Return the key of ``member:version`` if it is in force and the member is in good standing.

    In force is the newest one, and for ten minutes the one that it replaced: cities learn of a rotation one after the
    other, and a request under way was signed before.

    Args:
        connection: the picture.
        key_id: ``member:version``.
        now: the network's time.

    Raises:
        UnavailableError: ``peers.key_not_yet`` for a version newer than the picture: a rotation that is not read yet.
    """
    member, version = (int(part) for part in key_id.split(":"))
    rows = connection.execute(_STANDING, {"of": member, "since": version}).all()
    if not rows or rows[0].status != int(MemberStatus.ACTIVE):
        return None
    if rows[0].version is None:
        raise UnavailableError("peers.key_not_yet", key=key_id)
    replaced = rows[1].time if len(rows) > 1 else None
    if rows[0].version != version or (replaced is not None and now - replaced > LIMITS.peer_key_grace_seconds):
        return None
    return Ed25519PublicKey.from_public_bytes(bytes(rows[0].key))


def registered_request_key(connection: Connection, key_id: str) -> bytes | None:
    """Return the public key that the register has under ``member:version``, whether or not it is still in force."""
    member, version = (int(part) for part in key_id.split(":"))
    keys = tables.service_keys
    found = connection.execute(
        select(keys.c.key).where(
            keys.c.member == member,
            keys.c.kind == int(ServiceKeyKind.REQUESTS_ED25519),
            keys.c.version == version,
        )
    ).scalar()
    return None if found is None else bytes(found)


def key_id_of(connection: Connection, member: int) -> str:
    """Return ``member:version`` of a member's newest key for requests.

    Raises:
        NotFoundError: ``registry.no_key`` where it has published none.
    """
    version = connection.execute(_NEWEST, {"of": member}).scalar()
    if version is None:
        raise NotFoundError("registry.no_key", member=member, kind="requests_ed25519")
    return f"{member}:{version}"


def verify(node: Node, asked: Asked) -> int:
    """Return the member that made a request, having kept its nonce.

    Raises:
        AuthorityError: ``peers.unsigned``, ``peers.digest``, ``peers.expired``, ``peers.unknown_key``,
            ``peers.signature``, ``peers.replayed``.
        FormatError: ``peers.signature_form``.
        UnavailableError: ``peers.key_not_yet``, ``storage.…``.
    """
    now = node.clock()
    found = _signed(node, asked, now)
    with node.begin() as uow:
        _keep_nonce(uow.connection, found, now)
        uow.commit()
    return found.member


def deliver(node: Node, asked: Asked) -> bytes | LedgerError:
    """Take in what a request delivers, kept together with its nonce; returns the answer, or the refusal of the document.

    Raises:
        LedgerError: as ``verify``.
    """
    now = node.clock()
    found = _signed(node, asked, now)
    answer: bytes | LedgerError = b""
    with node.begin() as uow:
        _keep_nonce(uow.connection, found, now)
        try:
            take_in(uow.connection, found.member, asked.body, now)
        except LedgerError as refusal:
            # Nothing of the document was written; the nonce counts as for any other request.
            answer = refusal
        uow.commit()
    return answer


def _signed(node: Node, asked: Asked, now: int) -> SignatureParameters:
    with node.database.read() as connection:
        return signatures.verify_request(
            asked.method,
            endpoint_of(connection, node.member) + asked.path,
            asked.body,
            asked.headers,
            find_key=lambda key_id: find_request_key(connection, key_id, now),
            now=now,
        )


def _keep_nonce(connection: Connection, found: SignatureParameters, now: int) -> None:
    connection.execute(_FORGET, {"now": now})
    if connection.execute(_SEEN, {"of": found.member, "said": found.nonce}).first() is not None:
        raise AuthorityError("peers.replayed", member=found.member)
    connection.execute(_KEEP, {"member": found.member, "nonce": found.nonce, "expires": found.expires})


def sign_answer(node: Node, asked: Asked, status: int, body: bytes) -> dict[str, str]:
    """Return the headers that sign an answer, bound to its request."""
    with node.database.read() as connection:
        uri = endpoint_of(connection, node.member) + asked.path
        key_id = key_id_of(connection, node.member)
    return signatures.sign_response(
        status,
        body,
        method=asked.method,
        uri=uri,
        request_headers=asked.headers,
        sign=node.keys.sign_request,
        key_id=key_id,
        now=node.clock(),
        nonce=node.random(16).hex(),
    )


def serve_blob(node: Node, cid: str) -> bytes:
    """Return one block of encrypted content that this city itself keeps.

    Only that: a store that can ask others would otherwise fetch and pin whatever a peer names.

    Raises:
        NotFoundError: ``blobs.not_found``.
        FormatError: ``blobs.cid``.
    """
    return node.blobs.local(cid)


def serve_release(node: Node, member: int, use: int, disclosed: bytes) -> bytes:
    """Return what a recorded use lets that member read; the daemon applies the rules.

    Raises:
        LedgerError: as ``releasing.release``.
    """
    try:
        return node.keys.release(use, member, disclosed)
    except LedgerError as error:
        # A refusal is part of what happened to the material; a daemon that is away is not.
        if not isinstance(error, UnavailableError):
            audit.note_error(node, "release", error, member=member, subject=f"use:{use}")
        raise


def take_in(connection: Connection, member: int, document: bytes, now: int) -> None:
    """Keep a delivery once.

    Raises:
        InputError: ``peers.too_long``.
        FormatError: ``peers.delivery``.
        UnavailableError: ``peers.inbox_full``: that member has too much lying here unread.
    """
    if len(document) > LIMITS.peer_delivery_bytes:
        raise InputError("peers.too_long", limit=LIMITS.peer_delivery_bytes)
    delivery = decode_delivery(document)
    digest = hashlib.sha256(document).digest()
    if connection.execute(_DELIVERED, {"of": digest}).first() is not None:
        return
    if connection.execute(_HELD, {"of": member}).scalar_one() >= LIMITS.peer_inbox:
        raise UnavailableError("peers.inbox_full", retry_after=60)
    row = {"kind": delivery.kind, "subject": delivery.subject, "sealed": delivery.sealed, "received_at": now}
    connection.execute(_TAKE_IN, row | {"digest": digest, "member": member})


class Unconnected:
    """The port ``Peers`` of a process that has no way to the other cities: the web process and the command.

    Raises:
        UnavailableError: ``peers.unreachable``, always.
    """

    def blob(self, member: int, cid: str) -> bytes:  # noqa: ARG002 - the port's signature
        """Fetch nothing."""
        raise UnavailableError("peers.unreachable", member=member)

    def release(self, member: int, use: int, disclosed: bytes) -> bytes:  # noqa: ARG002 - as above
        """Ask nobody."""
        raise UnavailableError("peers.unreachable", member=member)

    def add_checkpoint(self, member: int, request: bytes) -> Answer:  # noqa: ARG002 - as above
        """Ask nobody."""
        raise UnavailableError("peers.unreachable", member=member)

    def hand_over(self, member: int, document: bytes) -> None:  # noqa: ARG002 - as above
        """Deliver nothing."""
        raise UnavailableError("peers.unreachable", member=member)

    def attend(self, member: int, sealed: bytes) -> bytes:  # noqa: ARG002 - as above
        """Ask nobody."""
        raise UnavailableError("peers.unreachable", member=member)
