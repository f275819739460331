"""Verifying with the network cable out: receipts, proofs of logging, the files that are held against them, folders.

Reads files and nothing else; needs no network, no database, no key, and imports neither. What each file is, is seen from
its content, never believed from its name.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from ledger.domain import records
from ledger.domain.files import FileDigests, digests_of
from ledger.domain.limits import LIMITS
from ledger.domain.policies import Policy, parse_policy
from ledger.errors import InputError, LedgerError, NotFoundError
from ledger.wire.proofs import PROOF_HEADER, parse_proof
from ledger.wire.receipts import Receipt, read_receipt
from ledger.wire.verification import Verdict, verify_logged, verify_receipt

__all__ = ["PROOF_SUFFIX", "Item", "Kind", "Report", "verify", "verify_all"]

PROOF_SUFFIX = ".tlog-proof"

_PIECE = 1024 * 1024
_POLICY = "policy"
# Also one in another spelling or of another version: it is refused with the code that says so.
_RECEIPT = re.compile(rb'"format"\s*:\s*"tongban/receipt/')


class Kind(StrEnum):
    """What was verified."""

    RECEIPT = "receipt"
    PROOF = "proof"


@dataclass(frozen=True, slots=True)
class Item:
    """One receipt or proof: its verdict, or the error where it could not be read at all.

    ``files`` are the files that were held against a receipt, or the entry of a proof; ``about`` is the code of the
    material's type, or the proven event.
    """

    name: str
    kind: Kind
    verdict: Verdict | None = None
    error: LedgerError | None = None
    files: tuple[str, ...] = ()
    about: str = ""


@dataclass(frozen=True, slots=True)
class Report:
    """Everything that was looked at; ``unknown`` are files that no receipt knows."""

    items: tuple[Item, ...]
    unknown: tuple[str, ...]

    @property
    def good(self) -> bool:
        """Whether every verdict is good and every file is one that a receipt knows."""
        return not self.unknown and all(item.verdict is not None and item.verdict.good for item in self.items)

    @property
    def malformed(self) -> bool:
        """Whether something could not be read at all."""
        return any(item.error is not None for item in self.items)


def verify(receipt: Path, policy: Path, files: Sequence[Path] = (), *, now: int) -> Verdict:
    """Check a receipt file against a policy file and, where given, the files themselves.

    Args:
        receipt: the receipt, as a window issued it.
        policy: the ``tlog-policy`` file of the network, had from elsewhere.
        files: the files that the receipt is about.
        now: POSIX seconds of this machine's clock; a pilot's own clock is told by the receipt.

    Raises:
        NotFoundError: ``offline.missing``.
        InputError: ``offline.too_long``; what is malformed in receipt or policy.
    """
    parsed = read_receipt(_read(receipt, LIMITS.receipt_bytes))
    return verify_receipt(parsed, _policy(policy), [_digests(path) for path in files], now=now, wall=True)


def verify_all(paths: Sequence[Path], policy: Path | None = None, *, now: int) -> Report:
    """Check whatever is given: receipts, proofs with the entry beside them, files, folders with all of these.

    With one receipt, every file that is named is held against it. Otherwise, and in a folder, a file belongs to the
    receipts that name its SHA-256 digest; what belongs to none is reported, because it may be a changed one.

    Args:
        paths: files and folders.
        policy: the ``tlog-policy`` file; by default the file ``policy`` of a folder that is given.
        now: POSIX seconds of this machine's clock; a pilot's own clock is told by the receipt.

    Raises:
        NotFoundError: ``offline.missing``; ``offline.no_receipt`` where there is neither receipt nor proof.
        InputError: ``offline.no_policy``, ``offline.too_many``; what is malformed in the policy.
    """
    policy_path = policy if policy is not None else _policy_beside(paths)
    found = _Found.of(paths, policy_path.resolve())
    if not found.receipts and not found.proofs:
        raise NotFoundError("offline.no_receipt")
    trusted = _policy(policy_path)
    receipts = [_Opened.of(path, name) for path, name in found.receipts]
    entries = {entry.resolve() for path, _ in found.proofs if (entry := _entry_beside(path)) is not None}
    digests = {name: (_digests(path), named) for path, name, named in found.files if path.resolve() not in entries}
    known = {digest for opened in receipts for digest in opened.digests}
    alone = len(receipts) == 1
    items = []
    for opened in receipts:
        held = {
            name: digest
            for name, (digest, named) in digests.items()
            if digest.sha256 in opened.digests or (alone and named)
        }
        items.append(opened.checked(trusted, held, now))
    items += [_proof(path, name, trusted) for path, name in found.proofs]
    unknown = [
        name for name, (digest, named) in digests.items() if digest.sha256 not in known and not (alone and named)
    ]
    return Report(tuple(items), tuple(unknown))


@dataclass(frozen=True, slots=True)
class _Found:
    """The files given, by what they are, each with the name to show; ``files`` say whether they were named singly."""

    receipts: tuple[tuple[Path, str], ...]
    proofs: tuple[tuple[Path, str], ...]
    files: tuple[tuple[Path, str, bool], ...]

    @classmethod
    def of(cls, paths: Sequence[Path], policy: Path) -> _Found:
        receipts, proofs, files = [], [], []
        seen: set[Path] = set()
        for path, name, named in _walk(paths):
            resolved = path.resolve()
            if resolved in seen or resolved == policy:
                continue
            seen.add(resolved)
            if len(seen) > LIMITS.offline_files:
                raise InputError("offline.too_many", limit=LIMITS.offline_files)
            kind = _kind(path)
            if kind is Kind.RECEIPT:
                receipts.append((path, name))
            elif kind is Kind.PROOF:
                proofs.append((path, name))
            else:
                files.append((path, name, named))
        return cls(tuple(receipts), tuple(proofs), tuple(files))


@dataclass(frozen=True, slots=True)
class _Opened:
    """A receipt that was read, or why it could not be; ``digests`` are the SHA-256 of the files it names."""

    name: str
    receipt: Receipt | None
    error: LedgerError | None
    digests: frozenset[str]

    @classmethod
    def of(cls, path: Path, name: str) -> _Opened:
        try:
            receipt = read_receipt(_read(path, LIMITS.receipt_bytes))
        except LedgerError as error:
            return cls(name, None, error, frozenset())
        try:
            files = records.files_of(records.open_fields(records.read_record(receipt.record), receipt.disclosures))
        except LedgerError:
            # The verdict says what is wrong with the fields; without them it knows no file.
            files = ()
        return cls(name, receipt, None, frozenset(file.sha256 for file in files))

    def checked(self, policy: Policy, files: dict[str, FileDigests], now: int) -> Item:
        if self.receipt is None:
            return Item(self.name, Kind.RECEIPT, error=self.error)
        verdict = verify_receipt(self.receipt, policy, files.values(), now=now, wall=True)
        about = ""
        if verdict.check("assurance").evidence:
            about = records.read_record(self.receipt.record).type_code
        return Item(self.name, Kind.RECEIPT, verdict, files=tuple(files), about=about)


def _proof(path: Path, name: str, policy: Policy) -> Item:
    entry = _entry_beside(path)
    try:
        proof = parse_proof(_read(path, LIMITS.log_proof_bytes))
        if entry is None:
            raise NotFoundError("offline.entry_missing", file=path.name)
        verdict = verify_logged(_read(entry, LIMITS.log_entry_bytes), proof, policy)
    except LedgerError as error:
        return Item(name, Kind.PROOF, error=error)
    about = str(dict(verdict.check("logged").evidence).get("event", ""))
    return Item(name, Kind.PROOF, verdict, files=(entry.name,), about=about)


def _entry_beside(proof: Path) -> Path | None:
    """Return the entry of a proof: ``7.json`` beside ``7.json.tlog-proof`` or ``7.tlog-proof``."""
    stem = proof.name.removesuffix(PROOF_SUFFIX)
    candidates = (proof.with_name(stem), proof.with_name(f"{stem}.json"))
    return next((path for path in candidates if path != proof and path.is_file()), None)


def _kind(path: Path) -> Kind | None:
    head = _head(path)
    if head.startswith(PROOF_HEADER.partition("@")[0].encode()) or path.name.endswith(PROOF_SUFFIX):
        return Kind.PROOF
    return Kind.RECEIPT if head.lstrip()[:1] == b"{" and _RECEIPT.search(head) else None


def _walk(paths: Sequence[Path]) -> Iterator[tuple[Path, str, bool]]:
    """Every file with its name to show and whether it was named itself; hidden files of a folder are left out."""
    for path in paths:
        if not path.is_dir():
            yield path, path.name, True
            continue
        for folder, inner, files in os.walk(path):
            inner[:] = sorted(name for name in inner if not name.startswith("."))
            for name in sorted(files):
                found = Path(folder) / name
                if not name.startswith(".") and found.is_file():
                    yield found, str(found.relative_to(path)), False


def _policy_beside(paths: Sequence[Path]) -> Path:
    found = next((path / _POLICY for path in paths if (path / _POLICY).is_file()), None)
    if found is None:
        raise InputError("offline.no_policy")
    return found


def _policy(path: Path) -> Policy:
    return parse_policy(_read(path, LIMITS.log_policy_bytes))


def _head(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(LIMITS.receipt_bytes)
    except OSError:
        raise NotFoundError("offline.missing", file=path.name) from None


def _read(path: Path, limit: int) -> bytes:
    try:
        with path.open("rb") as file:
            data = file.read(limit + 1)
    except OSError:
        raise NotFoundError("offline.missing", file=path.name) from None
    if len(data) > limit:
        raise InputError("offline.too_long", file=path.name, limit=limit)
    return data


def _digests(path: Path) -> FileDigests:
    try:
        return digests_of(_pieces(path))
    except OSError:
        raise NotFoundError("offline.missing", file=path.name) from None


def _pieces(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        while piece := file.read(_PIECE):
            yield piece
