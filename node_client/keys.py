"""The keys of a node: chain keys by role, and service keys apart from them and from each other.

Chain keys stand in scrypt keystores (Web3 Secret Storage, version 3), one file a role, so that other tools can open
them. Service keys (cosigning, log, HPKE, signed requests) stand together in one file sealed with AES-256-GCM under a
key that scrypt derives from the same passphrase; they are kept in versions, because what was sealed to an older key
must stay readable. Every file is readable by its owner alone, and refused otherwise.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA44PrivateKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from ledger.errors import InputError, SetupError

__all__ = [
    "CHAIN_ROLES",
    "SERVICE_KINDS",
    "KeyRing",
    "ServiceKey",
    "create_key_ring",
    "new_chain_secret",
    "open_key_ring",
    "pending_key",
    "read_passphrase",
    "save_chain_key",
    "save_service_keys",
    "seal_file",
    "unseal_file",
]

# The second witness may be another clerk's, or another city's; a county window has one.
CHAIN_ROLES = ("administer", "operate", "witness", "witness-2", "issue", "regulate", "recover")
# "custody" seals the seeds that the city keeps for applicants; all others have a public half on the chain.
SERVICE_KINDS = ("cosign-ed25519", "cosign-ml-dsa-44", "hpke", "requests-ed25519", "log-ed25519", "custody")

_SEED_BYTES = dict.fromkeys(SERVICE_KINDS, 32) | {"hpke": 96}  # ML-KEM-768 seed (64) and X25519 private key (32)
_FORMAT = "tongban/service-keys/1"
_LEAST_COST = 2**10


@dataclass(frozen=True, slots=True)
class ServiceKey:
    """One version of a service key; ``seed`` is secret."""

    kind: str
    version: int
    seed: bytes

    def __repr__(self) -> str:
        """Name the key without its secret: representations end in logs."""
        return f"ServiceKey(kind={self.kind!r}, version={self.version})"

    def ed25519(self) -> Ed25519PrivateKey:
        """Return the Ed25519 key of this seed (RFC 8032)."""
        return Ed25519PrivateKey.from_private_bytes(self.seed)

    def ml_dsa_44(self) -> MLDSA44PrivateKey:
        """Return the ML-DSA-44 key of this seed (FIPS 204)."""
        return MLDSA44PrivateKey.from_seed_bytes(self.seed)


@dataclass(frozen=True, slots=True, repr=False)
class KeyRing:
    """All opened keys of a node. ``chain`` maps a role to its 32-byte secp256k1 key."""

    folder: Path
    chain: dict[str, bytes]
    service: tuple[ServiceKey, ...]

    def current(self, kind: str) -> ServiceKey:
        """Return the newest version of a service key.

        Raises:
            SetupError: ``keys.missing`` where the node has none of that kind.
        """
        versions = self.versions(kind)
        if not versions:
            raise SetupError("keys.missing", file=kind)
        return versions[-1]

    def versions(self, kind: str) -> tuple[ServiceKey, ...]:
        """Return all versions of a service key, oldest first."""
        return tuple(sorted((key for key in self.service if key.kind == kind), key=lambda key: key.version))

    def rotated(self, kind: str, random: Callable[[int], bytes]) -> KeyRing:
        """Return a ring with one more version of a service key; saving it is another step."""
        version = self.versions(kind)[-1].version + 1 if self.versions(kind) else 1
        return replace(self, service=(*self.service, ServiceKey(kind, version, random(_SEED_BYTES[kind]))))


def read_passphrase(path: Path) -> str:
    """Read a passphrase file.

    Raises:
        SetupError: ``keys.no_passphrase``, ``keys.open_permissions``, ``keys.passphrase_text``.
    """
    try:
        return _read_private(path, "keys.no_passphrase").decode().rstrip("\n")
    except UnicodeDecodeError:
        raise SetupError("keys.passphrase_text", file=path.name) from None


def create_key_ring(
    folder: Path,
    passphrase: str,
    random: Callable[[int], bytes],
    *,
    roles: tuple[str, ...] = CHAIN_ROLES,
    scrypt_n: int,
) -> KeyRing:
    """Make a node's keys and write them; nothing that exists is overwritten.

    Args:
        folder: the node's ``keys`` folder, made if missing.
        passphrase: seals every file.
        random: gives cryptographic randomness.
        roles: the chain keys to make.
        scrypt_n: scrypt's cost, a power of two; 2**18 for people, less for a pilot on one machine.

    Raises:
        SetupError: ``keys.exist`` where the folder has keys already.
        InputError: ``keys.cost``.
    """
    _require_cost(scrypt_n)
    if folder.exists() and any(folder.iterdir()):
        raise SetupError("keys.exist")
    # Made beside their place and put there whole: half a set would be taken for one.
    staging = folder.with_name(f".{folder.name}.part")
    if staging.exists():
        shutil.rmtree(staging)
    staging.mkdir(mode=0o700, parents=True)
    ring = KeyRing(
        staging,
        {role: new_chain_secret(random) for role in roles},
        tuple(ServiceKey(kind, 1, random(_SEED_BYTES[kind])) for kind in SERVICE_KINDS),
    )
    for role, secret in ring.chain.items():
        save_chain_key(staging, role, secret, passphrase, scrypt_n=scrypt_n)
    save_service_keys(ring, passphrase, random, scrypt_n=scrypt_n)
    # An empty folder gives way to a whole one.
    staging.replace(folder)
    return replace(ring, folder=folder)


def open_key_ring(folder: Path, passphrase: str, *, roles: tuple[str, ...] | None = None) -> KeyRing:
    """Open a node's keys; ``roles`` limits which chain keys are decrypted.

    Raises:
        SetupError: ``keys.missing``, ``keys.open_permissions``, ``keys.wrong_passphrase``, ``keys.damaged``.
    """
    from eth_keyfile.keyfile import decode_keyfile_json  # noqa: PLC0415 - takes long to import, and few commands need it

    chain = {}
    for path in sorted((folder / "chain").glob("*.json")):
        if roles is not None and path.stem not in roles:
            continue
        raw = _read_private(path, "keys.missing")
        try:
            chain[path.stem] = decode_keyfile_json(json.loads(raw), passphrase.encode())
        except (ValueError, KeyError, TypeError, AttributeError, NotImplementedError) as error:
            # A file of another form than a keystore's fails in the library wherever it is looked into first.
            wrong = "MAC mismatch" in str(error)
            raise SetupError("keys.wrong_passphrase" if wrong else "keys.damaged", file=path.name) from None
    sealed = json.loads(unseal_file(folder / "service.json", passphrase))
    service = tuple(ServiceKey(item["kind"], item["version"], bytes.fromhex(item["seed"])) for item in sealed["keys"])
    return KeyRing(folder, chain, service)


def save_chain_key(
    folder: Path, role: str, secret: bytes, passphrase: str, *, scrypt_n: int, pending: bool = False
) -> None:
    """Write one chain key as a keystore, replacing an older one of that role atomically; ``pending``: beside it."""
    from eth_keyfile.keyfile import create_keyfile_json  # noqa: PLC0415 - see open_key_ring

    document = create_keyfile_json(secret, passphrase.encode(), kdf="scrypt", iterations=scrypt_n)
    path = pending_key(folder, role) if pending else folder / "chain" / f"{role}.json"
    _write_private(path, json.dumps(document).encode())


def pending_key(folder: Path, role: str) -> Path:
    """Return where a key lies that is to replace the present one: under a name that nobody opens as a node's key."""
    return folder / "chain" / f"{role}.pending"


def save_service_keys(ring: KeyRing, passphrase: str, random: Callable[[int], bytes], *, scrypt_n: int) -> None:
    """Write all service keys of a ring in one sealed file."""
    keys = [{"kind": key.kind, "version": key.version, "seed": key.seed.hex()} for key in ring.service]
    seal_file(ring.folder / "service.json", json.dumps({"keys": keys}).encode(), passphrase, random, scrypt_n=scrypt_n)


def seal_file(path: Path, content: bytes, passphrase: str, random: Callable[[int], bytes], *, scrypt_n: int) -> None:
    """Write a secret file: scrypt (RFC 7914) and AES-256-GCM, the parameters bound as associated data.

    Raises:
        InputError: ``keys.cost``: scrypt takes powers of two.
    """
    _require_cost(scrypt_n)
    salt, nonce = random(16), random(12)
    header = {
        "format": _FORMAT,
        "kdf": "scrypt",
        "n": scrypt_n,
        "r": 8,
        "p": 1,
        "salt": salt.hex(),
        "nonce": nonce.hex(),
    }
    associated = json.dumps(header, sort_keys=True).encode()
    sealed = AESGCM(_derive(passphrase, salt, scrypt_n)).encrypt(nonce, content, associated)
    _write_private(path, json.dumps(header | {"sealed": sealed.hex()}).encode())


def unseal_file(path: Path, passphrase: str) -> bytes:
    """Read a secret file back.

    Raises:
        SetupError: ``keys.missing``, ``keys.open_permissions``, ``keys.wrong_passphrase``, ``keys.damaged``.
    """
    raw = _read_private(path, "keys.missing")
    try:
        header = json.loads(raw)
        sealed = bytes.fromhex(header.pop("sealed"))
        key = _derive(passphrase, bytes.fromhex(header["salt"]), int(header["n"]))
        return AESGCM(key).decrypt(bytes.fromhex(header["nonce"]), sealed, json.dumps(header, sort_keys=True).encode())
    except InvalidTag:
        raise SetupError("keys.wrong_passphrase", file=path.name) from None
    except (ValueError, KeyError, TypeError, AttributeError):
        raise SetupError("keys.damaged", file=path.name) from None


def _require_cost(scrypt_n: int) -> None:
    if scrypt_n < _LEAST_COST or scrypt_n & (scrypt_n - 1):
        raise InputError("keys.cost", least=_LEAST_COST)


def _derive(passphrase: str, salt: bytes, cost: int) -> bytes:
    return hashlib.scrypt(passphrase.encode(), salt=salt, n=cost, r=8, p=1, maxmem=256 * cost * 8, dklen=32)


def new_chain_secret(random: Callable[[int], bytes]) -> bytes:
    """Return a fresh secp256k1 key."""
    order = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141
    while True:
        secret = random(32)
        if 0 < int.from_bytes(secret) < order:
            return secret


def _read_private(path: Path, missing: str) -> bytes:
    try:
        mode = path.stat().st_mode
        content = path.read_bytes()
    except FileNotFoundError:
        raise SetupError(missing, file=path.name) from None
    if mode & 0o077:
        raise SetupError("keys.open_permissions", file=path.name)
    return content


def _write_private(path: Path, content: bytes) -> None:
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    part = path.with_suffix(".part")
    descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    part.replace(path)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
