"""Cosigning policies (C2SP tlog-policy): whose signatures make a checkpoint good enough to rely on.

A policy is a text file that names logs, witnesses, groups with thresholds, and one quorum. The consortium's own policy
has at most fifteen cosigning cities, each a ``group all`` of its Ed25519 and its ML-DSA-44 key (else the post-quantum
half would count for nothing), and a quorum of two thirds of them, rounded up. The digest of the first policy is
published out of band; each later one stands in the log under a checkpoint that its predecessor's quorum cosigned.

Names are opaque octets to the standard; here they are text in which bytes that are no UTF-8 are kept as they are.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from ledger.domain.checkpoints import Checkpoint, VerifiedSignature, verify_signatures
from ledger.domain.limits import LIMITS
from ledger.domain.notes import KeyType, SignedNote, VerifierKey, parse_vkey
from ledger.errors import FormatError, InputError

__all__ = [
    "NO_QUORUM",
    "CosigningCity",
    "Group",
    "Policy",
    "PolicyKey",
    "Verdict",
    "city_policy",
    "evaluate",
    "format_policy",
    "parse_policy",
    "policy_digest",
]

NO_QUORUM = "none"

_ALLOWED = re.compile(rb"[\x09\x0a\x20-\x7e\x80-\xff]*\Z")
_THRESHOLD = re.compile(r"[1-9][0-9]{0,3}\Z", re.ASCII)
_BLANK = " \t"


@dataclass(frozen=True, slots=True)
class PolicyKey:
    """A log (its name is the key's own) or a witness (a name that only the policy knows), with where to reach it."""

    name: str
    key: VerifierKey
    url: str | None = None


@dataclass(frozen=True, slots=True)
class Group:
    """Witnesses and groups of which ``threshold`` must have cosigned."""

    name: str
    threshold: int
    members: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Policy:
    """A whole policy; ``quorum`` is the name of a witness or group, or ``none``."""

    logs: tuple[PolicyKey, ...]
    witnesses: tuple[PolicyKey, ...]
    groups: tuple[Group, ...]
    quorum: str

    def __post_init__(self) -> None:
        """Refuse what a policy file could not say."""
        _check(self)

    def witness_keys(self) -> tuple[VerifierKey, ...]:
        """Keys of the witnesses it knows."""
        return tuple(witness.key for witness in self.witnesses)


@dataclass(frozen=True, slots=True)
class CosigningCity:
    """A city's two cosigning keys for :func:`city_policy`."""

    division: str
    ed25519: VerifierKey
    ml_dsa: VerifierKey
    url: str | None = None


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a policy says of one checkpoint: who signed as the log, who cosigned and when, which groups are satisfied."""

    log: VerifierKey | None
    cosigned: tuple[tuple[str, VerifiedSignature], ...]
    satisfied: frozenset[str] = field(repr=False)

    @property
    def newest(self) -> int | None:
        """Latest time that a cosigner put beside its signature."""
        times = [signature.timestamp for _, signature in self.cosigned if signature.timestamp]
        return max(times, default=None)


def parse_policy(data: bytes) -> Policy:
    """Read a policy file.

    Raises:
        FormatError: ``log.policy_long``, ``log.policy_octets``, ``log.policy_line`` (with the line's number),
            ``log.policy_name``, ``log.policy_duplicate``, ``log.policy_unknown``, ``log.policy_threshold``,
            ``log.policy_quorum_line``, ``log.policy_limits``, ``log.policy_key``, or a fault of a vkey.
    """
    if len(data) > LIMITS.log_policy_bytes:
        raise FormatError("log.policy_long", limit=LIMITS.log_policy_bytes)
    if not _ALLOWED.match(data):
        raise FormatError("log.policy_octets")
    text = data.decode("utf-8", "surrogateescape")
    if text and not text.endswith("\n"):
        raise FormatError("log.policy_line", line=text.count("\n") + 1)
    reader = _Reader()
    for number, line in enumerate(text.split("\n"), start=1):
        words = [word for word in re.split(f"[{_BLANK}]+", line) if word]
        if words and not words[0].startswith("#"):
            reader.take(words, number)
    return reader.policy()


def format_policy(policy: Policy) -> bytes:
    """Write a policy file; reading it gives the same policy again."""
    lines = [_words("log", log.key.vkey(), log.url) for log in policy.logs]
    lines += [_words("witness", witness.name, witness.key.vkey(), witness.url) for witness in policy.witnesses]
    for group in policy.groups:
        count = {1: "any", len(group.members): "all"}.get(group.threshold, str(group.threshold))
        lines.append(_words("group", group.name, count, *group.members))
    lines.append(_words("quorum", policy.quorum))
    return "".join(f"{line}\n" for line in lines).encode("utf-8", "surrogateescape")


def policy_digest(policy: Policy) -> bytes:
    """SHA-256 of the policy's file form, as the consortium publishes it."""
    return hashlib.sha256(format_policy(policy)).digest()


def city_policy(logs: Sequence[PolicyKey], cities: Sequence[CosigningCity]) -> Policy:
    """Make the consortium's policy: both keys of ⌈2n/3⌉ of the cosigning cities.

    Raises:
        InputError: ``log.policy_cities`` for none or more than fifteen cities, ``log.policy_publishers`` for none or
            more than three logs.
        FormatError: ``log.policy_key`` when a key is not of the type its place needs.
    """
    if not 0 < len(cities) <= LIMITS.log_cosigning_cities:
        raise InputError("log.policy_cities", limit=LIMITS.log_cosigning_cities)
    if not 0 < len(logs) <= LIMITS.log_publishers:
        raise InputError("log.policy_publishers", limit=LIMITS.log_publishers)
    witnesses: list[PolicyKey] = []
    groups: list[Group] = []
    for city in cities:
        if city.ed25519.type is not KeyType.COSIGN_ED25519 or city.ml_dsa.type is not KeyType.COSIGN_ML_DSA_44:
            raise FormatError("log.policy_key")
        names = (f"{city.division}-ed25519", f"{city.division}-ml-dsa-44")
        witnesses += [PolicyKey(names[0], city.ed25519, city.url), PolicyKey(names[1], city.ml_dsa, city.url)]
        groups.append(Group(city.division, 2, names))
    # Whole numbers: rounding up never meets a fraction of a float.
    quorum = Group("cities", -(-2 * len(cities) // 3), tuple(city.division for city in cities))
    return Policy(tuple(logs), tuple(witnesses), (*groups, quorum), quorum.name)


def evaluate(
    policy: Policy,
    checkpoint: Checkpoint,
    note: SignedNote,
    *,
    not_after: int | None = None,
    need_log: bool = True,
) -> Verdict:
    """Require that a checkpoint satisfies a policy.

    Args:
        policy: whom to trust.
        checkpoint: the parsed text of ``note``.
        note: its signatures.
        not_after: refuse cosignatures with a later time than this (the verifier's clock and its tolerance).
        need_log: whether a listed log must have signed; a note that only cities sign has none.

    Raises:
        InputError: ``log.policy_log`` when no listed log signed, ``log.signature_invalid`` when a known key's signature
            is bad, ``log.signature_future``, ``log.policy_quorum`` when too few cosigned.
        FormatError: a known key's signature is malformed.
    """
    logs = [log.key for log in policy.logs if log.key.name == checkpoint.origin]
    by_log = verify_signatures(checkpoint, note.signatures, logs)
    if need_log and not by_log:
        raise InputError("log.policy_log")
    names = {witness.key: witness.name for witness in policy.witnesses}
    cosigned = []
    for signature in verify_signatures(checkpoint, note.signatures, policy.witness_keys()):
        if not_after is not None and signature.timestamp is not None and signature.timestamp > not_after:
            raise InputError("log.signature_future", key=signature.key.name)
        cosigned.append((names[signature.key], signature))
    satisfied = {name for name, _ in cosigned}
    # A group names only what stands before it, so one pass in order settles them all.
    for group in policy.groups:
        if sum(member in satisfied for member in group.members) >= group.threshold:
            satisfied.add(group.name)
    if policy.quorum != NO_QUORUM and policy.quorum not in satisfied:
        raise InputError("log.policy_quorum", cosigned=len(cosigned))
    return Verdict(by_log[0].key if by_log else None, tuple(cosigned), frozenset(satisfied))


class _Reader:
    """Collects the lines of a policy file in order, so that names are known before they are used."""

    def __init__(self) -> None:
        self.logs: list[PolicyKey] = []
        self.witnesses: list[PolicyKey] = []
        self.groups: list[Group] = []
        self.names: set[str] = set()
        self.quorum: str | None = None

    def take(self, words: list[str], number: int) -> None:
        """Read one line that is neither empty nor a comment."""
        match words:
            case ["log", vkey, *url] if len(url) <= 1:
                key = _vkey(vkey)
                self.logs.append(PolicyKey(key.name, key, url[0] if url else None))
            case ["witness", name, vkey, *url] if len(url) <= 1:
                self._define(name)
                self.witnesses.append(PolicyKey(name, _vkey(vkey), url[0] if url else None))
            case ["group", name, count, first, *more]:
                members = (first, *more)
                self._known(members)
                self._define(name)
                self.groups.append(Group(name, _threshold(count, len(members), number), members))
            case ["quorum", name]:
                if self.quorum is not None:
                    raise FormatError("log.policy_quorum_line")
                if name != NO_QUORUM:
                    self._known((name,))
                self.quorum = name
            case _:
                raise FormatError("log.policy_line", line=number)

    def policy(self) -> Policy:
        """Return what was read, which needs its quorum line."""
        if self.quorum is None:
            raise FormatError("log.policy_quorum_line")
        return Policy(tuple(self.logs), tuple(self.witnesses), tuple(self.groups), self.quorum)

    def _define(self, name: str) -> None:
        if name in self.names or name == NO_QUORUM:
            raise FormatError("log.policy_name")
        self.names.add(name)

    def _known(self, names: tuple[str, ...]) -> None:
        if not self.names.issuperset(names):
            raise FormatError("log.policy_unknown")


def _check(policy: Policy) -> None:
    if max(len(policy.logs), len(policy.witnesses), len(policy.groups)) > LIMITS.log_policy_items:
        raise FormatError("log.policy_limits", limit=LIMITS.log_policy_items)
    _check_keys(policy)
    defined = {NO_QUORUM}
    for witness in policy.witnesses:
        _new_name(defined, witness.name)
    used: set[str] = {NO_QUORUM}
    for group in policy.groups:
        for member in group.members:
            if member not in defined or member in used:
                raise FormatError("log.policy_unknown")
            used.add(member)
        if not 1 <= group.threshold <= len(group.members):
            raise FormatError("log.policy_threshold")
        _new_name(defined, group.name)
    if policy.quorum not in defined:
        raise FormatError("log.policy_unknown")


def _check_keys(policy: Policy) -> None:
    for keys in (policy.logs, policy.witnesses):
        # Two names of one public key would let it be counted twice.
        if len({entry.key.public for entry in keys}) != len(keys):
            raise FormatError("log.policy_duplicate")
    if any(not witness.key.type.is_cosignature for witness in policy.witnesses):
        raise FormatError("log.policy_key")
    if any(log.key.type is KeyType.COSIGN_ED25519 or log.name != log.key.name for log in policy.logs):
        raise FormatError("log.policy_key")
    if any(entry.url is not None and not _is_word(entry.url) for entry in (*policy.logs, *policy.witnesses)):
        raise FormatError("log.policy_name")


def _new_name(defined: set[str], name: str) -> None:
    if name in defined or not _is_word(name):
        raise FormatError("log.policy_name")
    defined.add(name)


def _is_word(text: str) -> bool:
    octets = text.encode("utf-8", "surrogateescape")
    return bool(octets) and bool(_ALLOWED.match(octets)) and not re.search(rb"[\t\n ]", octets)


def _threshold(count: str, members: int, number: int) -> int:
    if count == "all":
        return members
    if count == "any":
        return 1
    if not _THRESHOLD.match(count):
        raise FormatError("log.policy_line", line=number)
    return int(count)


def _vkey(word: str) -> VerifierKey:
    # Key names are text (signed-note), so octets that are no UTF-8 cannot be one.
    if any("\udc80" <= sign <= "\udcff" for sign in word):
        raise FormatError("log.vkey_malformed")
    return parse_vkey(word)


def _words(*words: str | None) -> str:
    return " ".join(word for word in words if word is not None)
