"""A split of the log: the evidence that this city keeps, and how the cities end it together.

While evidence stands that two heads of one size exist, this city cosigns nothing. It goes on once two thirds of the cities
have vouched, each from its own view of the chain, for the head that survives.
"""

from __future__ import annotations

from collections.abc import Sequence

from ledger.domain.checkpoints import cosign, parse_checkpoint
from ledger.domain.notes import NoteSignature, NoteSigner, format_note
from ledger.errors import InputError, NotFoundError, UnavailableError
from ledger.log.evidence import NETWORK_SCOPE, Evidence, evidence_of, resolution_checkpoint, verify_resolution
from ledger.log.reader import TreeReader
from ledger.log.witness_store import WitnessStore
from ledger.services.context import Node
from ledger.services.publishing import log_cities, policy_of

__all__ = ["report", "require_none", "resolve", "vouch"]


def require_none(state: WitnessStore) -> None:
    """Require that no split of the network's log stands open.

    Raises:
        UnavailableError: ``log.halted``.
    """
    if state.is_halted(NETWORK_SCOPE):
        raise UnavailableError("log.halted", retry_after=3_600)


def report(node: Node, state: WitnessStore, left: bytes, right: bytes) -> Evidence:
    """Keep two signed checkpoints that somebody brought, if they contradict each other; cosigning stops.

    Raises:
        InputError: ``log.no_contradiction``; as :func:`ledger.log.evidence.evidence_of`.
        FormatError: a note is malformed.
    """
    with node.database.read() as connection:
        cities = log_cities(connection, node.network)
    keys = [key for city in cities for key in (city.log, city.cosign_ed25519, city.cosign_ml_dsa) if key is not None]
    found = evidence_of(left, right, keys, found_at=node.clock())
    if found is None:
        raise InputError("log.no_contradiction")
    state.keep_evidence(found)
    return found


def vouch(node: Node, tree: TreeReader, signers: Sequence[NoteSigner], size: int) -> bytes:
    """Sign, with this city's cosigning keys, the head that its own view of the chain gives: one part of a resolution.

    Cities to which nobody lied have no evidence and vouch all the same.

    Raises:
        UnavailableError: ``log.not_synced`` while this city's own tree is not that far.
    """
    checkpoint = resolution_checkpoint(node.network, size, _own_root(tree, size))
    now = node.clock()
    return format_note(checkpoint.text(), [cosign(checkpoint, signer, now) for signer in signers])


def resolve(node: Node, tree: TreeReader, state: WitnessStore, number: int, parts: Sequence[bytes]) -> bytes:
    """End a split by the parts that the cities signed; cosigning goes on. Returns the whole note.

    Raises:
        NotFoundError: ``log.evidence_absent``.
        InputError: ``log.resolution_other`` where a part is about something else, or the parts about two heads;
            ``log.policy_quorum`` where they are not two thirds; ``log.other_history`` where this city's own tree is of
            the history that did not survive, so that it must be rebuilt first.
        UnavailableError: ``log.not_synced``, ``publishing.no_keys``.
        FormatError: a part is malformed.
    """
    evidence = _evidence(state, number)
    note = _joined(parts)
    with node.database.read() as connection:
        policy = policy_of(connection, node.network)
        ours = {city.log.name for city in log_cities(connection, node.network) if city.log is not None}
    verify_resolution(note, node.network, evidence, policy)
    if parse_checkpoint(note)[0].root != _own_root(tree, evidence.size):
        raise InputError("log.other_history")
    state.resolve(number, note, [origin for origin in state.origins() if origin in ours and _lost(tree, state, origin)])
    return note


def _evidence(state: WitnessStore, number: int) -> Evidence:
    found = next((evidence for kept, evidence, _ in state.evidence() if kept == number), None)
    if found is None:
        raise NotFoundError("log.evidence_absent")
    return found


def _own_root(tree: TreeReader, size: int) -> bytes:
    if tree.head.size < size:
        raise UnavailableError("log.not_synced")
    return tree.root_at(size)


def _joined(parts: Sequence[bytes]) -> bytes:
    """One note with the signatures of all parts, each once."""
    signatures: dict[NoteSignature, None] = {}
    texts = set()
    for part in parts:
        _, note = parse_checkpoint(part)
        texts.add(note.text)
        signatures |= dict.fromkeys(note.signatures)
    if len(texts) != 1:
        raise InputError("log.resolution_other")
    return format_note(texts.pop(), signatures)


def _lost(tree: TreeReader, state: WitnessStore, origin: str) -> bool:
    latest = state.latest(origin)
    return latest is not None and (latest.size > tree.head.size or tree.root_at(latest.size) != latest.root)
