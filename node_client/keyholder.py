"""The daemon as holder of the city's keys: what each key may be used for, and the socket that answers for it.

The web process and the command reach the keys only through here. Whoever gets hold of the socket gains no more than the
rules allow: a release needs a use in this city's own picture of the final chain, a cosignature a tree that this city has
rebuilt, a witness key signs only what witnesses sign, and the key for requests between cities signs nothing else.
"""

from __future__ import annotations

import os
import re
import socket
import threading
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import cast

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from ledger.chain.signing import KeySigner
from ledger.domain import typed, wrapping
from ledger.domain.checkpoints import cosigner_name, origin
from ledger.domain.holders import Branch
from ledger.domain.limits import LIMITS
from ledger.domain.notes import KeySigner as NoteKeySigner
from ledger.domain.notes import KeyType, NoteSigner
from ledger.domain.wrapping import RecipientPrivate
from ledger.errors import AuthorityError, FormatError, InputError, LedgerError, UnavailableError
from ledger.ports import KeyHolder, Signer, TypedMessage
from ledger.services import releasing
from ledger.services.context import Node
from ledger.services.keyholding import socket_address
from ledger.services.peers import registered_request_key
from ledger.storage.custody import CustodyStore, Witnessed
from ledger.wire import keyholding as wire
from ledger.wire.signatures import TAG
from node_client.keys import KeyRing

__all__ = ["DaemonKeyHolder", "KeyServer", "chain_signers", "log_signer", "note_signers"]

_SEATS = {1: "witness", 2: "witness-2"}
_WITNESSED = frozenset({"CustodySignature", "LookupRequest", "PaperConsent", "PaperRevocation", "WitnessedAct"})
_CUSTODIAN = frozenset({"PaperConsent", "PaperRevocation"})
_TAG = f';tag="{TAG}"'.encode()
_KEY_ID = re.compile(rb';keyid="([0-9]{1,5}:[0-9]{1,10})"')
_WORKERS = 4


def chain_signers(ring: KeyRing) -> Mapping[str, Signer]:
    """Return the chain keys by the role that the outbox asks for; witnesses sign no transactions."""
    return {role: KeySigner(secret) for role, secret in ring.chain.items() if role not in _SEATS.values()}


def note_signers(ring: KeyRing, network: str, division: str) -> tuple[NoteSigner, ...]:
    """Return the city's two cosigning keys in their newest versions: Ed25519 and ML-DSA-44 (C2SP tlog-cosignature)."""
    name = cosigner_name(network, division)
    return (
        NoteKeySigner.from_seed(name, KeyType.COSIGN_ED25519, ring.current("cosign-ed25519").seed),
        NoteKeySigner.from_seed(name, KeyType.COSIGN_ML_DSA_44, ring.current("cosign-ml-dsa-44").seed),
    )


def log_signer(ring: KeyRing, network: str, division: str) -> NoteSigner:
    """Return the key by which the city signs as a log."""
    return NoteKeySigner.from_seed(origin(network, division), KeyType.LOG_ED25519, ring.current("log-ed25519").seed)


class DaemonKeyHolder:
    """The port ``KeyHolder`` with the keys themselves.

    Args:
        ring: the opened keys; ``replace_ring`` after a rotation.
    """

    def __init__(self, ring: KeyRing) -> None:
        self._node: Node | None = None
        self._cosign: Callable[[bytes], bytes] | None = None
        self._custody: CustodyStore | None = None
        self.replace_ring(ring)

    def replace_ring(self, ring: KeyRing) -> None:
        """Use other keys from now on; older HPKE keys go on opening what was sealed to them."""
        self._recipients = [RecipientPrivate(key.seed) for key in reversed(ring.versions("hpke"))]
        # Raises where the node has none.
        ring.current("requests-ed25519")
        self._requests = [key.ed25519() for key in reversed(ring.versions("requests-ed25519"))]
        self._witnesses = {seat: KeySigner(ring.chain[role]) for seat, role in _SEATS.items() if role in ring.chain}
        self._custodian = KeySigner(ring.chain["operate"])

    def bind(self, node: Node, custody: CustodyStore, cosign: Callable[[bytes], bytes]) -> None:
        """Say whose keys these are: the node's picture decides what may be released and signed."""
        self._node, self._custody, self._cosign = node, custody, cosign

    def check(self) -> None:
        """Find out whether the keys are bound to a node."""
        self._bound()

    def cosign(self, request: bytes) -> bytes:
        """Answer a witness request from this city's own tree."""
        if self._cosign is None:
            raise UnavailableError("keys.holder_unreachable")
        return self._cosign(request)

    def release(self, use: int, requester: int, disclosed: bytes) -> bytes:
        """Answer what a final use lets a member read, sealed to that member."""
        return releasing.release(self._bound(), self.open, use, requester, disclosed)

    def open(self, sealed: bytes, info: bytes) -> bytes:
        """Open what was sealed to any version of this city's key.

        Raises:
            FormatError, InputError: ``envelopes.…`` where no version opens it.
        """
        fault: FormatError | InputError | None = None
        for recipient in self._recipients:
            try:
                return wrapping.unseal(sealed, recipient, info)
            except (FormatError, InputError) as error:
                fault = error
        raise fault or FormatError("envelopes.private_key", size=0)

    def sign_request(self, base: bytes) -> bytes:
        """Sign a request to another city, and nothing that could be taken for anything else.

        Signed is with the key that the register has under the name in ``base``: between making a key and its
        publication the others know only the one before.

        Raises:
            AuthorityError: ``keys.not_a_request``.
            UnavailableError: ``keys.unread``: the register has a newer key than this process has read.
        """
        if not base.endswith(_TAG):
            raise AuthorityError("keys.not_a_request")
        return self._request_key(base).sign(base)

    def witness(self, seat: int, typed: TypedMessage) -> bytes:
        """Sign as a witness of this city's window.

        Raises:
            AuthorityError: ``keys.not_witnessed`` for what witnesses do not sign, ``keys.no_seat``.
        """
        if typed.kind not in _WITNESSED:
            raise AuthorityError("keys.not_witnessed")
        if seat not in self._witnesses:
            raise AuthorityError("keys.no_seat", seat=seat)
        return self._witnesses[seat].sign_digest(self._digest(typed))

    def custodian(self, typed: TypedMessage) -> bytes:
        """Sign as custodian the commitment of a paper signed at a window: with the key that operates, as contracts ask.

        Raises:
            AuthorityError: ``keys.not_witnessed``.
        """
        if typed.kind not in _CUSTODIAN:
            raise AuthorityError("keys.not_witnessed")
        return self._custodian.sign_digest(self._digest(typed))

    def custody_enrol(self, pin: str) -> str:
        """Make a seed for a person whose identity was just established."""
        return self._store().enrol(pin)

    def custody_account(self, person: str, branch: int) -> tuple[int, str]:
        """Reserve the next account of a seed in custody."""
        number, public = self._store().next_account(person, Branch(branch))
        return number, public.encode()

    def custody_sign(
        self, person: str, branch: int, number: int, leaf: int, digest: bytes, confirmation: str | tuple[bytes, bytes]
    ) -> bytes:
        """Sign with a key in custody, on the person's own number or two witnesses' signatures."""
        confirmed = confirmation if isinstance(confirmation, str) else Witnessed(confirmation)
        return self._store().sign(person, Branch(branch), number, leaf, digest, confirmed)

    def _request_key(self, base: bytes) -> Ed25519PrivateKey:
        # The parameters are the last line, which nothing of the request reaches.
        named = _KEY_ID.search(base.rpartition(b"\n")[2])
        if self._node is None or named is None:
            return self._requests[0]
        with self._node.database.read() as connection:
            public = registered_request_key(connection, named[1].decode())
        if public is None:
            return self._requests[0]
        for key in self._requests:
            if key.public_key().public_bytes_raw() == public:
                return key
        # Published already, and its file is read in a moment: another key's signature would only be refused.
        raise UnavailableError("keys.unread", retry_after=2)

    def _bound(self) -> Node:
        if self._node is None:
            raise UnavailableError("keys.holder_unreachable")
        return self._node

    def _store(self) -> CustodyStore:
        if self._custody is None:
            raise UnavailableError("keys.holder_unreachable")
        return self._custody

    def _digest(self, message: TypedMessage) -> bytes:
        return typed.digest(message.kind, dict(message.fields), self._bound().chain_id, message.contract)


class KeyServer:
    """Answers for the keys on a Unix socket that only the node's own user may open.

    Args:
        path: of the socket; an old one is replaced.
        keys: the holder.
    """

    def __init__(self, path: Path, keys: KeyHolder) -> None:
        self._path = path
        self._keys = keys
        self._workers = ThreadPoolExecutor(_WORKERS, thread_name_prefix="keys")
        path.unlink(missing_ok=True)
        address, folder = socket_address(path)
        self._listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        before = os.umask(0o177)
        try:
            self._listener.bind(address)
        finally:
            os.umask(before)
            os.close(folder)
        self._listener.listen(64)
        self._thread = threading.Thread(target=self._accept, name="keys-accept", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Stop answering."""
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._thread.join()
        self._workers.shutdown()
        self._path.unlink(missing_ok=True)

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            self._workers.submit(self._serve, connection)

    def _serve(self, connection: socket.socket) -> None:
        # Whoever went away does not want the answer any more.
        with connection, suppress(OSError):
            connection.settimeout(LIMITS.key_request_seconds)
            try:
                method, arguments = wire.decode_request(wire.read_frame(connection.recv))
                answer = wire.encode_answer(self._answer(method, arguments))
            except LedgerError as error:
                answer = wire.encode_error(error)
            connection.sendall(answer)

    def _answer(self, method: str, arguments: Sequence[wire.Value]) -> wire.Value:
        try:
            if method in {"witness", "custodian"}:
                *seat, kind, contract, fields = arguments
                listed = tuple(
                    (str(name), value) for name, value in cast("Sequence[tuple[str, int | str | bytes]]", fields)
                )
                return cast(
                    "wire.Value", getattr(self._keys, method)(*seat, TypedMessage(str(kind), str(contract), listed))
                )
            if method == "custody_sign" and isinstance(arguments[-1], list):
                arguments = [*arguments[:-1], tuple(arguments[-1])]
            return cast("wire.Value", getattr(self._keys, method)(*arguments))
        except (TypeError, ValueError, AttributeError):
            # A number where bytes belong, or one argument too many: nothing of it is shown.
            raise FormatError("keys.request_form") from None
