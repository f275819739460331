"""Verify a log, or catch up with one, from its served files alone.

All that is needed is a function that gets a file by its path: a web server, a cache, a USB stick. The checkpoint is
trusted by a policy; every tile and every entry is then hashed up to its head. A city that was away, or is new, rebuilds
its own log from this without asking the chain, and anybody can check a whole log without asking its operator.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from ledger.domain.checkpoints import Checkpoint
from ledger.domain.limits import LIMITS
from ledger.domain.policies import Policy
from ledger.errors import ConflictError, FormatError, IntegrityError, NotFoundError
from ledger.log.reader import Head, TreeReader
from ledger.log.store import CHECKPOINT, LogStore
from ledger.log.tiles import TILE_WIDTH, decode_bundle, encode_bundle, parse_tile_path
from ledger.wire.proofs import TrustedCheckpoint, trust_checkpoint

__all__ = ["Fetch", "FetchedFiles", "catch_up", "fetch_checkpoint", "open_remote", "verify_log"]

# Gets a file by its path below the log's prefix; raises NotFoundError when there is none.
Fetch = Callable[[str], bytes]

# Entries appended at once while catching up: enough to keep the disk busy, few enough to lose little to a crash.
_CHUNK = 16 * TILE_WIDTH


@dataclass(frozen=True, slots=True)
class FetchedFiles:
    """Somebody's served files as a :class:`ledger.log.reader.Source`."""

    fetch: Fetch

    def read(self, path: str) -> bytes | None:
        """Get a file; for a partial tile that was replaced by the full one, the beginning of that."""
        data = self._get(path)
        if data is not None or path == CHECKPOINT:
            return data
        tile = parse_tile_path(path)
        if tile.is_full:
            return None
        whole = self._get(tile.whole().path)
        if whole is None:
            return None
        if tile.is_bundle:
            try:
                return encode_bundle(decode_bundle(whole, TILE_WIDTH)[: tile.width])
            except FormatError:
                raise IntegrityError("log.damaged", file=tile.whole().path) from None
        return whole[: 32 * tile.width]

    def _get(self, path: str) -> bytes | None:
        try:
            data = self.fetch(path)
        except NotFoundError:
            return None
        if len(data) > TILE_WIDTH * (LIMITS.log_entry_bytes + 2):
            raise IntegrityError("log.damaged", file=path)
        return data


def fetch_checkpoint(fetch: Fetch, policy: Policy, *, not_after: int | None = None) -> tuple[TrustedCheckpoint, bytes]:
    """Get the checkpoint and require that it satisfies a policy.

    Raises:
        NotFoundError: ``log.no_checkpoint``.
        FormatError: the note is malformed.
        InputError: the policy refuses it.
    """
    try:
        note = fetch(CHECKPOINT)
    except NotFoundError:
        raise NotFoundError("log.no_checkpoint") from None
    return trust_checkpoint(note, policy, not_after=not_after), note


def open_remote(fetch: Fetch, checkpoint: Checkpoint) -> TreeReader:
    """Read somebody's files under a trusted checkpoint; everything read is checked against it."""
    return TreeReader(FetchedFiles(fetch), Head(checkpoint.size, checkpoint.root))


def verify_log(
    fetch: Fetch, policy: Policy, *, previous: Checkpoint | None = None, not_after: int | None = None
) -> TrustedCheckpoint:
    """Check a whole log: checkpoint, every tile, every entry, and that it continues ``previous``.

    Raises:
        IntegrityError: ``log.damaged`` or ``log.missing``, naming the file.
        ConflictError: ``log.mirror_split`` when it is not a continuation, ``log.mirror_shrunk`` when it is shorter.
        FormatError: something is malformed.
        InputError: the policy refuses the checkpoint.
    """
    trusted, _ = fetch_checkpoint(fetch, policy, not_after=not_after)
    remote = open_remote(fetch, trusted.checkpoint)
    remote.verify()
    if previous is not None:
        _require_continuation(remote, Head(previous.size, previous.root))
    return trusted


def catch_up(
    fetch: Fetch, policy: Policy, store: LogStore, *, not_after: int | None = None, publish: bool = True
) -> TrustedCheckpoint:
    """Append to ``store`` whatever a served log has beyond it, and, if wanted, publish its checkpoint there.

    Nothing is appended before the remote tree is known to continue the store's own. It may be interrupted at any
    instant and called again.

    Raises:
        IntegrityError: ``log.damaged`` or ``log.missing``: a fetched file does not lead to the head; it is named.
        ConflictError: ``log.mirror_split`` when the trees part: evidence, compare them by
            :func:`ledger.log.evidence.diagnose`; ``log.mirror_shrunk`` when the other is shorter than this one.
        FormatError: something is malformed.
        InputError: the policy refuses the checkpoint.
        UnavailableError: ``log.disk``.
    """
    trusted, note = fetch_checkpoint(fetch, policy, not_after=not_after)
    remote = open_remote(fetch, trusted.checkpoint)
    _require_continuation(remote, store.head)
    while store.head.size < trusted.checkpoint.size:
        low = store.head.size
        store.append(list(remote.entries(low, low - low % TILE_WIDTH + _CHUNK)))
    if publish:
        store.publish(note)
    return trusted


def _require_continuation(remote: TreeReader, own: Head) -> None:
    if own.size > remote.head.size:
        raise ConflictError("log.mirror_shrunk", size=remote.head.size, have=own.size)
    if remote.root_at(own.size) != own.root:
        raise ConflictError("log.mirror_split", size=own.size)
