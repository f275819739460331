"""HTTP message signatures between cities: RFC 9421 with Ed25519, and RFC 9530 content digests.

A request covers ``@method``, ``@target-uri`` and ``content-digest`` and carries ``created``, ``expires`` (at most 60
seconds later), ``nonce``, ``keyid`` and ``tag``; whoever answers stores the nonce until it has expired. An answer covers
``@status`` and its own ``content-digest``, and with ``;req`` the request's method, target and signature, so that it
answers this request and no other. Pure: keys are handed in, nothing is sent here.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from ledger.domain.limits import LIMITS
from ledger.errors import AuthorityError, FormatError

__all__ = [
    "LABEL",
    "TAG",
    "SignatureParameters",
    "content_digest",
    "sign_request",
    "sign_response",
    "signature_base",
    "verify_request",
    "verify_response",
]

LABEL = "tongban"
TAG = "tongban-peers-1"

Sign = Callable[[bytes], bytes]
FindKey = Callable[[str], Ed25519PublicKey | None]

_REQUEST = ('"@method"', '"@target-uri"', '"content-digest"')
_RESPONSE = (
    '"@status"',
    '"content-digest"',
    '"@method";req',
    '"@target-uri";req',
    f'"signature";req;key="{LABEL}"',
)
_INPUT = re.compile(
    rf"{LABEL}=(?P<parameters>\((?P<covered>[^()]*)\);created=(?P<created>\d{{1,12}});expires=(?P<expires>\d{{1,12}})"
    r';nonce="(?P<nonce>[A-Za-z0-9_-]{16,64})";keyid="(?P<keyid>[0-9]{1,5}:[0-9]{1,10})";alg="ed25519";tag="'
    + re.escape(TAG)
    + r'")\Z'
)
_SIGNATURE = re.compile(rf"{LABEL}=:(?P<value>[A-Za-z0-9+/]{{86}}==):\Z")


@dataclass(frozen=True, slots=True)
class SignatureParameters:
    """What a verified signature says of itself: ``key_id`` is ``member:version``, times are POSIX seconds."""

    key_id: str
    created: int
    expires: int
    nonce: str

    @property
    def member(self) -> int:
        """The member whose key signed."""
        return int(self.key_id.partition(":")[0])


def content_digest(body: bytes) -> str:
    """Return the ``Content-Digest`` field of a body (RFC 9530, SHA-256)."""
    return f"sha-256=:{base64.b64encode(hashlib.sha256(body).digest()).decode()}:"


def signature_base(lines: Sequence[tuple[str, str]], parameters: str) -> bytes:
    """Return the signature base of RFC 9421 section 2.5: covered components in order, then the parameters."""
    covered = [f"{name}: {value}" for name, value in lines]
    return "\n".join([*covered, f'"@signature-params": {parameters}']).encode("ascii")


def sign_request(
    method: str, uri: str, body: bytes, *, sign: Sign, key_id: str, now: int, nonce: str
) -> dict[str, str]:
    """Return the headers that sign a request.

    Args:
        method: the HTTP method.
        uri: the whole target URI as the other side sees it.
        body: the request's content, empty for none.
        sign: Ed25519 over the bytes handed to it.
        key_id: ``member:version`` of the key in the register.
        now: POSIX seconds.
        nonce: 16 to 64 characters of the base64url alphabet, never used before.
    """
    digest = content_digest(body)
    values = (method.upper(), uri, digest)
    return _signed(
        _REQUEST, values, digest, sign, SignatureParameters(key_id, now, now + LIMITS.peer_signature_seconds, nonce)
    )


def verify_request(
    method: str, uri: str, body: bytes, headers: Mapping[str, str], *, find_key: FindKey, now: int
) -> SignatureParameters:
    """Check a request's signature; the caller then stores the nonce and refuses one it has seen.

    Raises:
        AuthorityError: ``peers.unsigned``, ``peers.digest``, ``peers.expired``, ``peers.unknown_key``,
            ``peers.signature``.
        FormatError: ``peers.signature_form``.
    """
    digest = content_digest(body)
    return _verified(_REQUEST, (method.upper(), uri, digest), digest, headers, find_key, now)


def sign_response(
    status: int,
    body: bytes,
    *,
    method: str,
    uri: str,
    request_headers: Mapping[str, str],
    sign: Sign,
    key_id: str,
    now: int,
    nonce: str,
) -> dict[str, str]:
    """Return the headers that sign an answer, bound to the request it answers."""
    digest = content_digest(body)
    values = (str(status), digest, method.upper(), uri, _request_signature(request_headers))
    return _signed(
        _RESPONSE, values, digest, sign, SignatureParameters(key_id, now, now + LIMITS.peer_signature_seconds, nonce)
    )


def verify_response(
    status: int,
    body: bytes,
    headers: Mapping[str, str],
    *,
    method: str,
    uri: str,
    request_headers: Mapping[str, str],
    find_key: FindKey,
    now: int,
) -> SignatureParameters:
    """Check an answer against the request that was sent; raises as :func:`verify_request`."""
    digest = content_digest(body)
    values = (str(status), digest, method.upper(), uri, _request_signature(request_headers))
    return _verified(_RESPONSE, values, digest, headers, find_key, now)


def _signed(
    covered: Sequence[str], values: Sequence[str], digest: str, sign: Sign, parameters: SignatureParameters
) -> dict[str, str]:
    text = (
        f"({' '.join(covered)});created={parameters.created};expires={parameters.expires}"
        f';nonce="{parameters.nonce}";keyid="{parameters.key_id}";alg="ed25519";tag="{TAG}"'
    )
    signature = sign(signature_base(list(zip(covered, values, strict=True)), text))
    return {
        "content-digest": digest,
        "signature-input": f"{LABEL}={text}",
        "signature": f"{LABEL}=:{base64.b64encode(signature).decode()}:",
    }


def _verified(
    covered: Sequence[str], values: Sequence[str], digest: str, headers: Mapping[str, str], find_key: FindKey, now: int
) -> SignatureParameters:
    stated = headers.get("signature-input")
    if stated is None or headers.get("signature") is None:
        raise AuthorityError("peers.unsigned")
    match = _INPUT.match(stated)
    if match is None or match["covered"] != " ".join(covered):
        raise FormatError("peers.signature_form")
    parameters = SignatureParameters(match["keyid"], int(match["created"]), int(match["expires"]), match["nonce"])
    if headers.get("content-digest") != digest:
        raise AuthorityError("peers.digest")
    lifetime = parameters.expires - parameters.created
    early = parameters.created > now + LIMITS.peer_clock_seconds
    if early or now > parameters.expires or not 0 <= lifetime <= LIMITS.peer_signature_seconds:
        raise AuthorityError("peers.expired")
    key = find_key(parameters.key_id)
    if key is None:
        raise AuthorityError("peers.unknown_key", key=parameters.key_id)
    signature = _SIGNATURE.match(headers["signature"])
    if signature is None:
        raise FormatError("peers.signature_form")
    try:
        raw = base64.b64decode(signature["value"], validate=True)
        key.verify(raw, signature_base(list(zip(covered, values, strict=True)), match["parameters"]))
    except (InvalidSignature, binascii.Error, UnicodeEncodeError):
        raise AuthorityError("peers.signature", key=parameters.key_id) from None
    return parameters


def _request_signature(headers: Mapping[str, str]) -> str:
    match = _SIGNATURE.match(headers.get("signature", ""))
    if match is None:
        raise FormatError("peers.signature_form")
    return f":{match['value']}:"
