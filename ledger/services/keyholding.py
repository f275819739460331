"""The web process's side of the key holder: it holds no key of the city and forwards to the daemon.

The other side, which holds the keys and applies the rules, is the daemon (``node_client.keyholder``).
"""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ledger.domain.limits import LIMITS
from ledger.errors import UnavailableError
from ledger.ports import TypedMessage
from ledger.wire import keyholding as wire

__all__ = ["ForwardingKeyHolder", "socket_address"]


def socket_address(path: Path) -> tuple[str, int]:
    """Return an address that fits a Unix socket's 108 bytes, and the descriptor of the folder to close afterwards."""
    folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
    return f"/proc/self/fd/{folder}/{path.name}", folder


class ForwardingKeyHolder:
    """The port ``KeyHolder`` over the daemon's socket.

    Raises:
        UnavailableError: ``keys.holder_unreachable`` while the daemon is not there.
        LedgerError: whatever the daemon refuses with.
    """

    def __init__(self, path: Path) -> None:
        self._path = path

    def check(self) -> None:
        """Find out whether the daemon listens."""
        with self._connected():
            pass

    def cosign(self, request: bytes) -> bytes:
        """Forward a witness request."""
        return _bytes(self._ask("cosign", request))

    def release(self, use: int, requester: int, disclosed: bytes) -> bytes:
        """Forward a request for what a use lets a member read."""
        return _bytes(self._ask("release", use, requester, disclosed))

    def open(self, sealed: bytes, info: bytes) -> bytes:
        """Forward what is sealed to this city."""
        return _bytes(self._ask("open", sealed, info))

    def sign_request(self, base: bytes) -> bytes:
        """Forward the signature base of a request to another city."""
        return _bytes(self._ask("sign_request", base))

    def witness(self, seat: int, typed: TypedMessage) -> bytes:
        """Forward what a witness is to sign."""
        return _bytes(self._ask("witness", seat, *_typed(typed)))

    def custodian(self, typed: TypedMessage) -> bytes:
        """Forward what the custodian is to sign."""
        return _bytes(self._ask("custodian", *_typed(typed)))

    def custody_enrol(self, pin: str) -> str:
        """Forward an enrolment."""
        return str(self._ask("custody_enrol", pin))

    def custody_account(self, person: str, branch: int) -> tuple[int, str]:
        """Forward the reservation of an account."""
        number, public = _list(self._ask("custody_account", person, branch))
        return int(str(number)), str(public)

    def custody_sign(
        self, person: str, branch: int, number: int, leaf: int, digest: bytes, confirmation: str | tuple[bytes, bytes]
    ) -> bytes:
        """Forward a signature with a key in custody."""
        return _bytes(self._ask("custody_sign", person, branch, number, leaf, digest, confirmation))

    def _ask(self, method: str, *arguments: wire.Value) -> wire.Value:
        with self._connected() as connection:
            connection.sendall(wire.encode_request(method, arguments))
            return wire.decode_answer(wire.read_frame(connection.recv))

    @contextmanager
    def _connected(self) -> Iterator[socket.socket]:
        try:
            address, folder = socket_address(self._path)
        except OSError as error:
            raise UnavailableError("keys.holder_unreachable") from error
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
                connection.settimeout(LIMITS.key_request_seconds)
                connection.connect(address)
                yield connection
        except OSError as error:
            raise UnavailableError("keys.holder_unreachable") from error
        finally:
            os.close(folder)


def _typed(typed: TypedMessage) -> tuple[wire.Value, ...]:
    return typed.kind, typed.contract, [list(field) for field in typed.fields]


def _bytes(value: wire.Value) -> bytes:
    if not isinstance(value, bytes):
        raise UnavailableError("keys.holder_unreachable")
    return value


def _list(value: wire.Value) -> list[wire.Value]:
    if not isinstance(value, list):
        raise UnavailableError("keys.holder_unreachable")
    return value
