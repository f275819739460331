"""Signed notes, checkpoints and cosignatures: the reference implementation's vectors, and everything malformed."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ledger.domain import checkpoints, notes
from ledger.domain.checkpoints import Checkpoint
from ledger.domain.limits import LIMITS
from ledger.domain.notes import KeySigner, KeyType, NoteSignature, VerifierKey
from ledger.errors import FormatError, InputError, LedgerError
from tests.unit.log.network import DIVISIONS, NETWORK, log_signer, signed_checkpoint, signers

VECTORS = Path(__file__).parents[2] / "vectors" / "tlog"

# Published with golang.org/x/mod/sumdb/note.
PETER_VKEY = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
PETER_TEXT = "If you think cryptography is the answer to your problem,\nthen you don't know what your problem is.\n"
PETER_LINE = (
    "\u2014 PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n"
)


def _code(read: Callable[[bytes], object], data: bytes) -> str | None:
    """Code of the refusal, if it is one; any other exception is a failure of the test."""
    try:
        read(data)
    except FormatError as error:
        return error.code
    return None


@pytest.fixture(scope="module")
def vector() -> dict[str, Any]:
    found: dict[str, Any] = json.loads((VECTORS / "tlog.json").read_text())["note"]
    return found


def _keys(vector: dict[str, Any]) -> list[VerifierKey]:
    return [notes.parse_vkey(vector[name]) for name in ("log_vkey", "ed25519_vkey", "ml_dsa_vkey")]


def test_the_checkpoint_of_the_reference_implementation_verifies(vector: dict[str, Any]) -> None:
    data = vector["checkpoint"].encode()
    checkpoint, note = checkpoints.parse_checkpoint(data)
    assert (checkpoint.size, checkpoint.text()) == (600, vector["text"])
    assert note.encode() == data
    verified = checkpoints.verify_signatures(checkpoint, note.signatures, _keys(vector))
    assert [(found.key.type, found.timestamp) for found in verified] == [
        (KeyType.LOG_ED25519, None),
        (KeyType.COSIGN_ED25519, vector["timestamp"]),
        (KeyType.COSIGN_ML_DSA_44, vector["timestamp"]),
    ]


def test_our_signatures_are_those_of_the_reference_implementation(vector: dict[str, Any]) -> None:
    checkpoint = checkpoints.parse_checkpoint_text(vector["text"])
    keys = _keys(vector)
    log = KeySigner.from_seed(checkpoint.origin, KeyType.LOG_ED25519, bytes.fromhex(vector["log_seed"]))
    assert notes.format_note(checkpoint.text(), [checkpoints.sign_checkpoint(checkpoint, log)]) == (
        vector["signed_by_log"].encode()
    )
    ed25519 = KeySigner.from_seed(keys[1].name, KeyType.COSIGN_ED25519, bytes.fromhex(vector["ed25519_seed"]))
    ml_dsa = KeySigner.from_seed(keys[2].name, KeyType.COSIGN_ML_DSA_44, bytes.fromhex(vector["ml_dsa_seed"]))
    assert [log.key.vkey(), ed25519.key.vkey(), ml_dsa.key.vkey()] == [key.vkey() for key in keys]
    # Ed25519 is deterministic, so our line is theirs; ML-DSA is randomised and must verify.
    assert checkpoints.cosign(checkpoint, ed25519, vector["timestamp"]).line() in vector["checkpoint"]
    line = checkpoints.cosign(checkpoint, ml_dsa, 7)
    assert checkpoints.verify_signature(checkpoint, line, ml_dsa.key).timestamp == 7


def test_the_note_published_with_the_go_library() -> None:
    key = notes.parse_vkey(PETER_VKEY)
    note = notes.parse_note((PETER_TEXT + "\n" + PETER_LINE).encode())
    assert note.text == PETER_TEXT
    (line,) = note.signatures
    assert line.is_by(key)
    assert key.verify_raw(line.signature, note.text.encode())
    assert not key.verify_raw(line.signature, b"other text\n")


@pytest.mark.parametrize(
    ("vkey", "code"),
    [
        ("", "log.vkey_malformed"),
        ("name", "log.vkey_malformed"),
        ("name+00000000", "log.vkey_malformed"),
        ("PeterNeumann+C74F20A3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW", "log.vkey_malformed"),
        ("PeterNeumann+c74f20a4+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW", "log.key_id"),
        ("PeterNeumann+cc469956+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TWBADKEY==", "log.base64"),
        ("PeterNeumann+c74f20a3+" + base64.b64encode(b"\x01" + bytes(33)).decode(), "log.key_length"),
        ("PeterNeumann+c74f20a3+" + base64.b64encode(b"\x02" + bytes(32)).decode(), "log.key_type"),
        ("PeterNeumann+c74f20a3+", "log.key_type"),
        ("Peter Neumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW", "log.key_name"),
        ("+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW", "log.key_name"),
        ("x" * 3000, "log.vkey_malformed"),
    ],
)
def test_malformed_keys_are_refused(vkey: str, code: str) -> None:
    with pytest.raises(FormatError) as caught:
        notes.parse_vkey(vkey)
    assert caught.value.code == code


SIGNED = (PETER_TEXT + "\n" + PETER_LINE).encode()


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"", "log.note_malformed"),
        (b"text\n", "log.note_malformed"),
        (b"text\n\n", "log.note_malformed"),
        (SIGNED.replace(b"\xe2\x80\x94", b"-"), "log.signature_line"),
        (SIGNED[:-1], "log.signature_line"),
        (SIGNED + b"\n", "log.note_malformed"),
        (SIGNED.replace(b"answer", b"ans\x01er"), "log.note_control"),
        (SIGNED.replace(b"answer", b"ans\ter"), "log.note_control"),
        (SIGNED.replace(b"answer", b"ans\rer"), "log.note_control"),
        (SIGNED.replace(b"answer", b"ans\xffer"), "log.note_utf8"),
        (SIGNED.replace(b"x08go", b"x08g!"), "log.base64"),
        (SIGNED.replace(b"nAM=", b"nAN="), "log.base64"),
        (SIGNED.replace(b" x08go", b" =x08go"), "log.base64"),
        (SIGNED.replace(b"PeterNeumann x08", b"Peter+Neumann x08"), "log.key_name"),
        (SIGNED.replace(b"PeterNeumann x08", b"Peter\xc2\xa0Neumann x08"), "log.key_name"),
        (SIGNED.replace(b"PeterNeumann x08", b"x" * 256 + b" x08"), "log.key_name"),
        ("text\n\n\u2014 name AAAAAA==\n".encode(), "log.signature_line"),
        ("text\n\n\u2014 name\n".encode(), "log.signature_line"),
        ("text\n\n\u2014 name \n".encode(), "log.signature_line"),
        (b"text\n\n" + PETER_LINE.encode() * (LIMITS.log_note_signatures + 1), "log.note_signatures"),
        (b"x" * LIMITS.log_note_bytes + SIGNED, "log.note_long"),
    ],
)
def test_malformed_notes_are_refused(data: bytes, code: str) -> None:
    with pytest.raises(FormatError) as caught:
        notes.parse_note(data)
    assert caught.value.code == code


def test_the_last_empty_line_separates_text_and_signatures() -> None:
    data = b"one\n\ntwo\n\n" + PETER_LINE.encode() * 3
    note = notes.parse_note(data)
    assert note.text == "one\n\ntwo\n"
    assert len(note.signatures) == 3
    assert note.encode() == data


@pytest.mark.parametrize("text", ["no newline", "tab\there\n"])
def test_text_that_no_note_can_carry_is_not_written(text: str) -> None:
    with pytest.raises(InputError, match=r"log\.note_text"):
        notes.format_note(text, [])


@given(st.binary(max_size=300))
@settings(max_examples=80, deadline=None)
def test_any_bytes_are_read_or_refused_with_a_code(data: bytes) -> None:
    codes = [_code(notes.parse_note, data), _code(checkpoints.parse_checkpoint, data)]
    assert all(code is None or code.startswith("log.") for code in codes)


ROOT = "CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I="


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("", "log.checkpoint_lines"),
        (f"origin\n5\n{ROOT}", "log.checkpoint_lines"),
        ("origin\n5\n", "log.checkpoint_lines"),
        (f"\n5\n{ROOT}\n", "log.checkpoint_lines"),
        (f"origin\n5\n{ROOT}\n\n", "log.checkpoint_lines"),
        (f"origin\n05\n{ROOT}\n", "log.number"),
        (f"origin\n+5\n{ROOT}\n", "log.number"),
        (f"origin\n-5\n{ROOT}\n", "log.number"),
        (f"origin\n5 \n{ROOT}\n", "log.number"),
        (f"origin\n٥\n{ROOT}\n", "log.number"),
        (f"origin\n{2**63}\n{ROOT}\n", "log.number"),
        (f"origin\n{'9' * 5000}\n{ROOT}\n", "log.number"),
        ("origin\n5\nCsUY\n", "log.hash_length"),
        ("origin\n5\nnot base64\n", "log.base64"),
        (f"{'o' * 256}\n5\n{ROOT}\n", "log.checkpoint_origin"),
    ],
)
def test_malformed_checkpoints_are_refused(text: str, code: str) -> None:
    with pytest.raises(FormatError) as caught:
        checkpoints.parse_checkpoint_text(text)
    assert caught.value.code == code


def test_extension_lines_are_kept_and_signed_by_ed25519_only() -> None:
    checkpoint = checkpoints.parse_checkpoint_text(f"origin.example\n5\n{ROOT}\nextension one\n二\n")
    assert checkpoint.extensions == ("extension one", "二")
    plain = replace(checkpoint, extensions=())
    ed25519, ml_dsa = signers(DIVISIONS[1])
    assert checkpoints.cosigned_message(ed25519.key, checkpoint, 1) != checkpoints.cosigned_message(
        ed25519.key, plain, 1
    )
    assert checkpoints.cosigned_message(ml_dsa.key, checkpoint, 1) == checkpoints.cosigned_message(ml_dsa.key, plain, 1)
    for lines in (("",), ("two\nlines",)):
        with pytest.raises(FormatError, match=r"log\.checkpoint_lines"):
            replace(checkpoint, extensions=lines)


def test_the_signed_messages_are_those_of_the_standard() -> None:
    checkpoint = checkpoints.parse_checkpoint_text(f"example.com/behind-the-sofa\n20852163\n{ROOT}\n")
    ed25519, ml_dsa = signers(DIVISIONS[1])
    assert checkpoints.cosigned_message(ed25519.key, checkpoint, 1679315147) == (
        f"cosignature/v1\ntime 1679315147\nexample.com/behind-the-sofa\n20852163\n{ROOT}\n".encode()
    )
    name = ml_dsa.key.name.encode()
    assert checkpoints.cosigned_message(ml_dsa.key, checkpoint, 1679315147) == (
        b"subtree/v1\n\x00"
        + bytes([len(name)])
        + name
        + (1679315147).to_bytes(8, "big")
        + b"\x1bexample.com/behind-the-sofa"
        + bytes(8)
        + (20852163).to_bytes(8, "big")
        + base64.b64decode(ROOT)
    )
    for timestamp in (-1, 2**63):
        with pytest.raises(FormatError, match=r"log\.timestamp"):
            checkpoints.cosigned_message(ml_dsa.key, checkpoint, timestamp)
    with pytest.raises(InputError, match=r"log\.key_purpose"):
        checkpoints.cosigned_message(log_signer().key, checkpoint, 1)


def test_a_checkpoint_holds_only_what_its_text_can_say() -> None:
    for origin, size, root, code in (
        ("", 1, bytes(32), "log.checkpoint_origin"),
        ("two\nlines", 1, bytes(32), "log.checkpoint_origin"),
        ("origin", -1, bytes(32), "log.size_range"),
        ("origin", 2**63, bytes(32), "log.size_range"),
        ("origin", 1, bytes(31), "log.hash_length"),
    ):
        with pytest.raises(FormatError) as caught:
            Checkpoint(origin, size, root)
        assert caught.value.code == code


def test_keys_sign_only_what_they_are_for() -> None:
    checkpoint = Checkpoint(log_signer().key.name, 5, bytes(32))
    for signer in signers(DIVISIONS[0]):
        with pytest.raises(InputError, match=r"log\.key_purpose"):
            checkpoints.sign_checkpoint(checkpoint, signer)
    with pytest.raises(InputError, match=r"log\.key_purpose"):
        checkpoints.sign_checkpoint(replace(checkpoint, origin="other.example/log"), log_signer())
    with pytest.raises(FormatError, match=r"log\.key_seed"):
        KeySigner.from_seed("name", KeyType.LOG_ED25519, b"short")


def test_a_signer_never_shows_its_key() -> None:
    signer = log_signer()
    seed = DIVISIONS[0].encode().ljust(32, b"l")
    assert signer.key.name in repr(signer)
    assert seed.hex() not in repr(signer)
    assert "private" not in repr(signer).lower()


@pytest.mark.parametrize("kind", list(KeyType))
def test_whatever_is_changed_in_a_signature_is_refused(kind: KeyType) -> None:
    checkpoint = Checkpoint(log_signer().key.name, 5, bytes(32))
    if kind is KeyType.LOG_ED25519:
        signer = log_signer()
        line = checkpoints.sign_checkpoint(checkpoint, signer)
    else:
        signer = next(found for found in signers(DIVISIONS[2]) if found.key.type is kind)
        line = checkpoints.cosign(checkpoint, signer, 9)
    checkpoints.verify_signature(checkpoint, line, signer.key)
    raw = line.signature
    changed: list[tuple[Checkpoint, NoteSignature, str]] = [
        (replace(checkpoint, size=6), line, "log.signature_invalid"),
        (replace(checkpoint, root=b"\x01" + bytes(31)), line, "log.signature_invalid"),
        (checkpoint, replace(line, signature=raw[:-1]), "log.signature_length"),
        (checkpoint, replace(line, signature=raw + b"\x00"), "log.signature_length"),
        (checkpoint, replace(line, signature=raw[:-1] + bytes([raw[-1] ^ 1])), "log.signature_invalid"),
        (checkpoint, replace(line, key_id=b"\x00\x00\x00\x01"), "log.signature_key"),
        (checkpoint, replace(line, name="other.example"), "log.signature_key"),
    ]
    if kind.is_cosignature:
        earlier = (8).to_bytes(8, "big") + raw[8:]
        changed.append((checkpoint, replace(line, signature=earlier), "log.signature_invalid"))
        absurd = (2**63).to_bytes(8, "big") + raw[8:]
        changed.append((checkpoint, replace(line, signature=absurd), "log.timestamp"))
    for altered, signature, code in changed:
        with pytest.raises(LedgerError) as caught:
            checkpoints.verify_signature(altered, signature, signer.key)
        assert caught.value.code == code


def test_unknown_signatures_are_ignored_and_a_bad_known_one_spoils_the_note() -> None:
    data = signed_checkpoint(5, bytes(32), by=DIVISIONS[1:4])
    checkpoint, note = checkpoints.parse_checkpoint(data)
    known = [signers(DIVISIONS[1])[0].key, signers(DIVISIONS[3])[1].key]
    assert [found.key for found in checkpoints.verify_signatures(checkpoint, note.signatures, known)] == known
    assert checkpoints.verify_signatures(checkpoint, note.signatures, []) == ()
    twice = (*note.signatures, *note.signatures)
    assert len(checkpoints.verify_signatures(checkpoint, twice, known)) == 2
    forged = [
        replace(line, signature=line.signature[:-1] + b"\x00") for line in note.signatures if line.is_by(known[0])
    ]
    with pytest.raises(InputError, match=r"log\.signature_invalid"):
        checkpoints.verify_signatures(checkpoint, [*forged, *note.signatures], known)


def test_origins_name_network_and_city() -> None:
    assert checkpoints.origin(NETWORK, "510107") == "tongban.example/five-cities/510107"
    assert checkpoints.cosigner_name(NETWORK, "510107") == "tongban.example/five-cities/510107/cosigner"
    assert checkpoints.resolution_origin(NETWORK) == "tongban.example/five-cities/resolution"
    for network, division in ((NETWORK, ""), (NETWORK, "51/07"), (NETWORK + "/", "510107"), (NETWORK, "武侯")):
        with pytest.raises(FormatError, match=r"log\.checkpoint_origin"):
            checkpoints.origin(network, division)
    with pytest.raises(FormatError, match=r"log\.key_name"):
        checkpoints.origin("a network", "510107")
