"""The way to the other cities: HTTP with every request signed and every answer's signature checked (RFC 9421)."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping
from email.utils import parsedate_to_datetime
from typing import Self

import httpx2
from sqlalchemy.engine import Connection

from ledger.bootstrap import PeersFactory
from ledger.domain.limits import LIMITS
from ledger.errors import IntegrityError, LedgerError, UnavailableError
from ledger.ports import Clock, KeyHolder, Random
from ledger.services.peers import UNSIGNED_REFUSALS, endpoint_of, find_request_key, key_id_of
from ledger.settings import NodeSettings
from ledger.storage.database import Database
from ledger.wire import signatures
from ledger.wire.problems import read_problem
from ledger.wire.witnessing import Answer

__all__ = ["HttpPeers", "ways_to_others"]

_WITNESS = "/witness/v1/add-checkpoint"
_SERVER_FAULT = 500
# What may be away before an answer can be signed: the database, the daemon, a key that is not read yet, the web process.
_NOT_NOW = frozenset({"api", "keys", "peers", "storage"})
# Seconds until the next try where the other side named none.
_PAUSE = 30
_DIGITS = 9


class HttpPeers:
    """The port ``Peers`` over HTTP.

    Args:
        database: this city's picture, which says where the others are and with which keys they sign.
        member: this city's number.
        keys: signs the requests.
        clock: the network's time.
        random: cryptographic randomness, for nonces.
        timeout: seconds to wait for a city's next bytes.
        monotonic: seconds that only go forward, for the time that a whole answer may take.
    """

    def __init__(
        self,
        database: Database,
        member: int,
        keys: KeyHolder,
        clock: Clock,
        random: Random,
        *,
        timeout: float,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._database = database
        self._member = member
        self._keys = keys
        self._clock = clock
        self._random = random
        self._monotonic = monotonic
        # Cities that kept somebody waiting in vain, and until when they are left alone.
        self._silent: dict[int, float] = {}
        self._client = httpx2.Client(timeout=timeout, trust_env=False, follow_redirects=False)

    def close(self) -> None:
        """Close the connections."""
        self._client.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        self.close()

    def blob(self, member: int, cid: str) -> bytes:
        """Fetch one block of encrypted content; the caller's store hashes it again."""
        return self._signed(member, "GET", f"/peers/v1/blobs/{cid}", b"", LIMITS.block_bytes)

    def release(self, member: int, use: int, disclosed: bytes) -> bytes:
        """Ask the custodian for what a recorded use lets this city read."""
        return self._signed(member, "POST", f"/peers/v1/releases/{use}", disclosed, LIMITS.key_request_bytes)

    def hand_over(self, member: int, document: bytes) -> None:
        """Deliver a document to another city's inbox."""
        self._signed(member, "POST", "/peers/v1/inbox", document, LIMITS.peer_delivery_bytes)

    def attend(self, member: int, sealed: bytes) -> bytes:
        """Ask the city that keeps a person's keys, with that person at a window here."""
        return self._signed(member, "POST", "/peers/v1/attending", sealed, LIMITS.paper_bytes)

    def add_checkpoint(self, member: int, request: bytes) -> Answer:
        """Ask another city to cosign a checkpoint; the note carries its own signatures."""
        with self._database.read() as connection:
            url = _url(connection, member, _WITNESS)
        status, headers, body = self._send(member, "POST", url, request, {}, LIMITS.log_note_bytes)
        return Answer(status, body, headers.get("content-type", "text/plain"), _retry_after(headers))

    def _signed(self, member: int, method: str, path: str, body: bytes, limit: int) -> bytes:
        with self._database.read() as connection:
            url = _url(connection, member, path)
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
        if "signature" not in headers or "signature-input" not in headers:
            raise _unsigned(member, status, headers, answer)
        now = self._clock()
        with self._database.read() as connection:
            found = signatures.verify_response(
                status,
                answer,
                headers,
                method=method,
                uri=url,
                request_headers=own,
                find_key=lambda name: find_request_key(connection, name, now),
                now=now,
            )
        if found.member != member:
            raise IntegrityError("peers.other_member", member=member)
        if status >= httpx2.codes.BAD_REQUEST:
            raise read_problem(answer, status) or _not_understood(member, headers)
        return answer

    def _send(
        self, member: int, method: str, url: str, body: bytes, headers: Mapping[str, str], limit: int
    ) -> tuple[int, dict[str, str], bytes]:
        # As it is: an answer that is packed unpacks to any length, and what is signed are the bytes that were sent.
        kind = {"accept-encoding": "identity"} | ({"content-type": "application/octet-stream"} if body else {})
        begun = self._monotonic()
        if begun < self._silent.get(member, begun):
            raise UnavailableError("peers.unreachable", member=member)
        until = begun + LIMITS.peer_answer_seconds
        try:
            with self._client.stream(method, url, content=body, headers={**headers, **kind}) as response:
                answer = bytearray()
                for piece in response.iter_raw():
                    answer += piece
                    if len(answer) > limit + LIMITS.problem_bytes:
                        raise UnavailableError("peers.answer_long", retry_after=60, member=member)
                    if self._monotonic() > until:
                        raise httpx2.ReadTimeout("too slow")
                return (
                    response.status_code,
                    {name.lower(): value for name, value in response.headers.items()},
                    bytes(answer),
                )
        except httpx2.TimeoutException as error:
            # A hundred papers of a city that does not answer must not wait a hundred times, and everybody else with them.
            self._silent[member] = self._monotonic() + LIMITS.peer_silent_seconds
            raise UnavailableError("peers.unreachable", member=member) from error
        except (httpx2.HTTPError, httpx2.InvalidURL, UnicodeError) as error:
            # UnicodeError: a host name that cannot be looked up at all.
            raise UnavailableError("peers.unreachable", member=member) from error


def ways_to_others(settings: NodeSettings) -> PeersFactory:
    """What ``opened_node`` needs to give a node of these settings its way to the other cities."""

    def make(database: Database, keys: KeyHolder, clock: Clock) -> HttpPeers:
        return HttpPeers(database, settings.member, keys, clock, os.urandom, timeout=settings.rpc_timeout)

    return make


def _url(connection: Connection, member: int, path: str) -> str:
    """Where to ask; what another city has published as its address is not this city's to trust.

    Raises:
        UnavailableError: ``peers.no_endpoint``, ``peers.unreachable`` for what cannot stand in a request.
    """
    url = endpoint_of(connection, member) + path
    if not url.isascii() or not url.isprintable():
        raise UnavailableError("peers.unreachable", member=member)
    return url


def _unsigned(member: int, status: int, headers: Mapping[str, str], body: bytes) -> LedgerError:
    """What to make of an answer that nobody signed: whoever sits on the line can write one.

    Believed is what comes about before the other side knows whom to answer, and that it cannot answer now; a lasting
    refusal in a city's name is not.
    """
    known = read_problem(body, status)
    if known is not None:
        area = known.code.partition(".")[0]
        early = known.code in UNSIGNED_REFUSALS or area == "api"
        if (early and status < _SERVER_FAULT) or (isinstance(known, UnavailableError) and area in _NOT_NOW):
            return known
    return _not_understood(member, headers)


def _not_understood(member: int, headers: Mapping[str, str]) -> UnavailableError:
    return UnavailableError("peers.answer", retry_after=_retry_after(headers) or _PAUSE, member=member)


def _retry_after(headers: Mapping[str, str]) -> int | None:
    """The seconds of ``Retry-After`` (RFC 9110 section 10.2.3), within what another city may ask for."""
    stated = headers.get("retry-after", "")
    if stated.isascii() and stated.isdecimal():
        seconds = int(stated[:_DIGITS])
    else:
        try:
            # A date, as some proxies state it, is by the clock of whoever answers.
            wait = parsedate_to_datetime(stated) - parsedate_to_datetime(headers.get("date", ""))
        except (ValueError, TypeError):
            return None
        seconds = int(wait.total_seconds())
    return min(max(seconds, 1), LIMITS.peer_retry_seconds)
