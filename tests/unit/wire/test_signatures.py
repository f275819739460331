"""RFC 9421: the standard's own vector for the signature base, and every way to break a signed exchange."""

from __future__ import annotations

import base64

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import load_der_private_key

from ledger.errors import AuthorityError, FormatError, LedgerError
from ledger.wire import signatures

KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
URI = "http://127.0.0.1:1/peers/v1/releases"
NOW = 1_790_000_000


def signed(**changes: object) -> dict[str, str]:
    values: dict[str, object] = {"key_id": "3:1", "now": NOW, "nonce": "n" * 22, "sign": KEY.sign} | changes
    return signatures.sign_request("POST", URI, b"{}", **values)


def find_key(key_id: str):
    return KEY.public_key() if key_id == "3:1" else None


def test_signature_base_is_that_of_the_standard():
    # RFC 9421, appendix B.2.6.
    lines = [
        ('"date"', "Tue, 20 Apr 2021 02:07:55 GMT"),
        ('"@method"', "POST"),
        ('"@path"', "/foo"),
        ('"@authority"', "example.com"),
        ('"content-type"', "application/json"),
        ('"content-length"', "18"),
    ]
    parameters = '("date" "@method" "@path" "@authority" "content-type" "content-length");created=1618884473;keyid="test-key-ed25519"'
    key = load_der_private_key(
        base64.b64decode("MC4CAQAwBQYDK2VwBCIEIJ+DYvh6SEqVTm50DFtMDoQikTmiCqirVv9mWG9qfSnF"), None
    )
    assert isinstance(key, Ed25519PrivateKey)
    expected = "wqcAqbmYJ2ji2glfAMaRy4gruYYnx2nEFN2HN6jrnDnQCK1u02Gb04v9EDgwUPiu4A0w6vuQv5lIp5WPpBKRCw=="
    assert base64.b64encode(key.sign(signatures.signature_base(lines, parameters))).decode() == expected


def test_content_digest_is_that_of_the_standard():
    # RFC 9530, appendix D.
    assert (
        signatures.content_digest(b'{"hello": "world"}\n') == "sha-256=:RK/0qy18MlBSVnWgjwz6lZEWjP/lF5HF9bvEF8FabDg=:"
    )


def test_a_signed_request_verifies_and_names_its_member():
    parameters = signatures.verify_request("POST", URI, b"{}", signed(), find_key=find_key, now=NOW + 60)
    assert (parameters.member, parameters.nonce) == (3, "n" * 22)


@pytest.mark.parametrize(
    ("method", "uri", "body", "change", "now", "code"),
    [
        ("GET", URI, b"{}", {}, NOW, "peers.signature"),
        ("POST", URI + "?x=1", b"{}", {}, NOW, "peers.signature"),
        ("POST", URI, b"{ }", {}, NOW, "peers.digest"),
        ("POST", URI, b"{}", {"signature": None}, NOW, "peers.unsigned"),
        ("POST", URI, b"{}", {"signature-input": "tongban=()"}, NOW, "peers.signature_form"),
        ("POST", URI, b"{}", {"signature": "tongban=:AAAA:"}, NOW, "peers.signature_form"),
        ("POST", URI, b"{}", {}, NOW + 61, "peers.expired"),
        ("POST", URI, b"{}", {}, NOW - 31, "peers.expired"),
    ],
)
def test_a_changed_request_is_refused(method, uri, body, change, now, code):
    headers = {name: value for name, value in (signed() | change).items() if value is not None}
    with pytest.raises(LedgerError) as caught:
        signatures.verify_request(method, uri, body, headers, find_key=find_key, now=now)
    assert caught.value.code == code


def test_a_lifetime_that_was_stretched_is_refused():
    headers = signed()
    headers["signature-input"] = headers["signature-input"].replace(f"expires={NOW + 60}", f"expires={NOW + 6000}")
    with pytest.raises(AuthorityError, match=r"peers\.expired"):
        signatures.verify_request("POST", URI, b"{}", headers, find_key=find_key, now=NOW)


def test_a_key_that_is_not_registered_is_refused():
    with pytest.raises(AuthorityError, match=r"peers\.unknown_key"):
        signatures.verify_request("POST", URI, b"{}", signed(key_id="4:1"), find_key=find_key, now=NOW)


def test_an_answer_belongs_to_its_request():
    asked, other = signed(), signed(nonce="m" * 22)
    common = {"method": "POST", "uri": URI}
    headers = signatures.sign_response(
        200, b"ok", **common, request_headers=asked, sign=KEY.sign, key_id="3:1", now=NOW, nonce="r" * 22
    )
    check = {"find_key": find_key, "now": NOW}
    assert signatures.verify_response(200, b"ok", headers, **common, request_headers=asked, **check).key_id == "3:1"
    with pytest.raises(AuthorityError, match=r"peers\.signature"):
        signatures.verify_response(200, b"ok", headers, **common, request_headers=other, **check)
    with pytest.raises(AuthorityError, match=r"peers\.signature"):
        signatures.verify_response(201, b"ok", headers, **common, request_headers=asked, **check)
    with pytest.raises(FormatError):
        signatures.verify_response(200, b"ok", headers, **common, request_headers={}, **check)
