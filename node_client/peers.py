"""The way to the other cities: HTTP with every request signed and every answer's signature checked (RFC 9421)."""

from __future__ import annotations

from collections.abc import Mapping

import httpx2

from ledger.domain.limits import LIMITS
from ledger.errors import IntegrityError, LedgerError, UnavailableError
from ledger.ports import Clock, KeyHolder, Random
from ledger.services.peers import endpoint_of, find_request_key, key_id_of
from ledger.storage.database import Database
from ledger.wire import signatures
from ledger.wire.problems import read_problem
from ledger.wire.witnessing import Answer

__all__ = ["HttpPeers"]

_WITNESS = "/witness/v1/add-checkpoint"


class HttpPeers:
    """The port ``Peers`` over HTTP.

    Args:
        database: this city's picture, which says where the others are and with which keys they sign.
        member: this city's number.
        keys: signs the requests.
        clock: the network's time.
        random: cryptographic randomness, for nonces.
        timeout: seconds to wait for a city.
    """

    def __init__(
        self, database: Database, member: int, keys: KeyHolder, clock: Clock, random: Random, *, timeout: float
    ) -> None:
        self._database = database
        self._member = member
        self._keys = keys
        self._clock = clock
        self._random = random
        self._client = httpx2.Client(timeout=timeout, trust_env=False, follow_redirects=False)

    def close(self) -> None:
        """Close the connections."""
        self._client.close()

    def blob(self, member: int, cid: str) -> bytes:
        """Fetch one block of encrypted content; the caller's store hashes it again."""
        return self._signed(member, "GET", f"/peers/v1/blobs/{cid}", b"", LIMITS.block_bytes)

    def release(self, member: int, use: int, disclosed: bytes) -> bytes:
        """Ask the custodian for what a recorded use lets this city read."""
        return self._signed(member, "POST", f"/peers/v1/releases/{use}", disclosed, LIMITS.key_request_bytes)

    def hand_over(self, member: int, document: bytes) -> None:
        """Deliver a document to another city's inbox."""
        self._signed(member, "POST", "/peers/v1/inbox", document, LIMITS.peer_delivery_bytes)

    def add_checkpoint(self, member: int, request: bytes) -> Answer:
        """Ask another city to cosign a checkpoint; the note carries its own signatures."""
        with self._database.read() as connection:
            url = endpoint_of(connection, member) + _WITNESS
        status, headers, body = self._send(member, "POST", url, request, {}, LIMITS.log_note_bytes)
        retry = headers.get("retry-after", "")
        kind = headers.get("content-type", "text/plain")
        return Answer(status, body, kind, int(retry) if retry.isdecimal() else None)

    def _signed(self, member: int, method: str, path: str, body: bytes, limit: int) -> bytes:
        with self._database.read() as connection:
            url = endpoint_of(connection, member) + path
            key_id = key_id_of(connection, self._member)
        own = signatures.sign_request(
            method,
            url,
            body,
            sign=self._keys.sign_request,
            key_id=key_id,
            now=self._clock(),
            nonce=self._random(16).hex(),
        )
        status, headers, answer = self._send(member, method, url, body, own, limit)
        if "signature" not in headers and status >= httpx2.codes.BAD_REQUEST:
            # Refused before the other side knew whom to answer.
            raise _refusal(member, answer)
        with self._database.read() as connection:
            found = signatures.verify_response(
                status,
                answer,
                headers,
                method=method,
                uri=url,
                request_headers=own,
                find_key=lambda name: find_request_key(connection, name),
                now=self._clock(),
            )
        if found.member != member:
            raise IntegrityError("peers.other_member", member=member)
        if status >= httpx2.codes.BAD_REQUEST:
            raise _refusal(member, answer)
        return answer

    def _send(
        self, member: int, method: str, url: str, body: bytes, headers: Mapping[str, str], limit: int
    ) -> tuple[int, dict[str, str], bytes]:
        kind = {"content-type": "application/octet-stream"} if body else {}
        try:
            with self._client.stream(method, url, content=body, headers={**headers, **kind}) as response:
                answer = bytearray()
                for piece in response.iter_bytes():
                    answer += piece
                    if len(answer) > limit + LIMITS.paper_bytes:
                        raise UnavailableError("peers.answer_long", retry_after=60, member=member)
                return (
                    response.status_code,
                    {name.lower(): value for name, value in response.headers.items()},
                    bytes(answer),
                )
        except httpx2.HTTPError as error:
            raise UnavailableError("peers.unreachable", member=member) from error


def _refusal(member: int, body: bytes) -> LedgerError:
    known = read_problem(body)
    return known if known is not None else UnavailableError("peers.answer", retry_after=30, member=member)
