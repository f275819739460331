"""The log of this city: entries appended as the picture grows, checkpoints signed, cosignatures collected, all served.

Every city appends the same entries in the same order, so the trees are identical. A checkpoint always ends with a status
entry, at a height that all cities share, so that a receipt under it can also prove what is *not* revoked. The policy
that checkpoints are held against follows from the register alone and is the same, byte for byte, in every city.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import lru_cache

from sqlalchemy import delete, insert, select
from sqlalchemy.engine import Connection

from ledger.domain.checkpoints import cosigner_name, origin
from ledger.domain.consortium import MemberStatus, ServiceKeyKind
from ledger.domain.entries import StatusEntry, parse_entry
from ledger.domain.limits import LIMITS
from ledger.domain.notes import KeyType, NoteSigner, VerifierKey
from ledger.domain.policies import CosigningCity, Policy, PolicyKey, city_policy
from ledger.errors import IntegrityError, UnavailableError
from ledger.log.publisher import Collected, Cosigner, Publication, Publisher, is_due
from ledger.log.store import LogStore
from ledger.log.witness import WitnessAnswer
from ledger.projections import journal
from ledger.services.context import Node
from ledger.storage.tables import consortium as tables
from ledger.storage.tables import steps as local
from ledger.wire.witnessing import Answer, decode_answer

__all__ = ["LogCity", "append", "log_cities", "newest_time", "policy_of", "publish_once", "seen_at"]

WITNESS_PATH = "/witness/v1"
# Built once: a statement that is built anew costs as much as carrying it out.
_CITIES = (
    select(
        tables.members.c.member,
        tables.members.c.division,
        tables.endpoints.c.url,
        tables.service_keys.c.kind,
        tables.service_keys.c.key,
    )
    .outerjoin(tables.endpoints, tables.endpoints.c.member == tables.members.c.member)
    .outerjoin(tables.service_keys, tables.service_keys.c.member == tables.members.c.member)
    .where(tables.members.c.status == int(MemberStatus.ACTIVE), tables.members.c.voting)
    .order_by(tables.members.c.member, tables.service_keys.c.version)
)


@dataclass(frozen=True, slots=True)
class LogCity:
    """A member with the keys that concern the log; ``log`` only where it publishes."""

    member: int
    division: str
    url: str
    cosign_ed25519: VerifierKey | None
    cosign_ml_dsa: VerifierKey | None
    log: VerifierKey | None


def log_cities(connection: Connection, network: str) -> tuple[LogCity, ...]:
    """Return the voting members in good standing with their newest keys, in the order of their numbers."""
    return _cities(network, tuple(connection.execute(_CITIES)))


# A register changes some times a year and is asked for its keys with every verification.
@lru_cache(maxsize=4)
def _cities(
    network: str, rows: tuple[tuple[int, int, str | None, int | None, bytes | None], ...]
) -> tuple[LogCity, ...]:
    """Put each member and its keys, the newest last, together."""
    newest: dict[tuple[int, int, str | None], dict[int | None, bytes | None]] = {}
    for member, number, url, kind, public in rows:
        newest.setdefault((member, number, url), {})[kind] = public
    found = []
    for (member, number, url), keys in newest.items():
        division = f"{number:06d}"
        witness, log = cosigner_name(network, division), origin(network, division)

        def key(
            kind: ServiceKeyKind, name: str, type_: KeyType, keys: Mapping[int | None, bytes | None] = keys
        ) -> VerifierKey | None:
            public = keys.get(kind)
            return None if public is None else VerifierKey(name, type_, public)

        found.append(
            LogCity(
                member,
                division,
                url or "",
                key(ServiceKeyKind.COSIGN_ED25519, witness, KeyType.COSIGN_ED25519),
                key(ServiceKeyKind.COSIGN_ML_DSA_44, witness, KeyType.COSIGN_ML_DSA_44),
                key(ServiceKeyKind.LOG_ED25519, log, KeyType.LOG_ED25519),
            )
        )
    return tuple(found)


def policy_of(connection: Connection, network: str) -> Policy:
    """Return the cosigning policy that follows from the register: both keys of two thirds of the cities.

    Raises:
        UnavailableError: ``publishing.no_keys`` until a publisher and a cosigning city have published their keys.
    """
    return _policy(log_cities(connection, network))


@lru_cache(maxsize=4)
def _policy(cities: tuple[LogCity, ...]) -> Policy:
    cosigning = [
        CosigningCity(
            city.division, city.cosign_ed25519, city.cosign_ml_dsa, city.url + WITNESS_PATH if city.url else None
        )
        for city in cities
        if city.cosign_ed25519 is not None and city.cosign_ml_dsa is not None
    ]
    logs = [PolicyKey(city.log.name, city.log, city.url or None) for city in cities if city.log is not None]
    if not cosigning or not logs:
        raise UnavailableError("publishing.no_keys")
    return city_policy(logs[: LIMITS.log_publishers], cosigning[: LIMITS.log_cosigning_cities])


def append(node: Node, store: LogStore) -> int:
    """Append to the log's files whatever entries the picture has beyond them; returns their number.

    Notes when each size was first had, because a cosignature says that the newest block was seen in time.

    Raises:
        IntegrityError: ``publishing.ahead``: the files hold entries that the picture has not (an older backup of the
            database, or somebody else's files).
        UnavailableError: ``log.disk``, ``storage.…``; what was appended stays.
    """
    before = store.head.size
    while True:
        with node.database.read() as connection:
            entries = list(journal.entries_from(connection, store.head.size, LIMITS.log_append_entries))
            state = journal.position(connection)
        if not entries:
            break
        store.append(entries)
    if state is not None and state.entries < store.head.size:
        raise IntegrityError("publishing.ahead", files=store.head.size, picture=state.entries)
    added = store.head.size - before
    if added:
        _note_seen(node, store.head.size)
    return added


def publish_once(node: Node, store: LogStore, signer: NoteSigner) -> Publication | None:
    """Sign, have cosigned and serve the newest head at a common height, if it is newer than what is served.

    Raises:
        UnavailableError: ``publishing.quorum``: too few cities have cosigned so far; the older checkpoint is served on.
        IntegrityError: a file under the head is not what was written; nothing is signed.
    """
    with node.database.read() as connection:
        size = _common_size(connection, store.head.size, node.publish_blocks)
        if size is None or (store.published is not None and size <= store.published.size):
            return None
        policy = policy_of(connection, node.network)
        cities = log_cities(connection, node.network)
    cosigners = [_City(node, city) for city in cities if city.cosign_ed25519 is not None]
    with ThreadPoolExecutor(max(1, len(cosigners)), thread_name_prefix="cosign") as pool:

        def ask_all(ask: object, asked: Iterable[Cosigner]) -> list[Collected]:
            return list(pool.map(ask, asked))  # type: ignore[arg-type]  # a function of one cosigner, as the publisher gives it

        made = Publisher(store, signer, policy).publish(cosigners, size=size, run=ask_all)
    if not made.is_served:
        raise UnavailableError("publishing.quorum", retry_after=1, size=size)
    return made


class _City:
    """A city as cosigner; this one is asked through its own key holder, the others over the wire."""

    def __init__(self, node: Node, city: LogCity) -> None:
        self._node = node
        self._city = city

    @property
    def name(self) -> str:
        return self._city.division

    @property
    def keys(self) -> Sequence[VerifierKey]:
        return [key for key in (self._city.cosign_ed25519, self._city.cosign_ml_dsa) if key is not None]

    def add_checkpoint(self, body: bytes) -> WitnessAnswer:
        if self._city.member == self._node.member:
            answer = decode_answer(self._node.keys.cosign(body))
        else:
            answer = self._node.peers.add_checkpoint(self._city.member, body)
        return _as_witness(answer)


def _as_witness(answer: Answer) -> WitnessAnswer:
    code = None
    if answer.status not in {200, 409}:
        code = answer.body[:64].decode("ascii", "replace").strip() or None
    return WitnessAnswer(answer.status, answer.body, answer.content_type, answer.retry_after, code)


def _common_size(connection: Connection, have: int, every: int) -> int | None:
    """The size of the tree that ends with the newest status entry of a block at a common height."""
    upto = have
    while True:
        newest = journal.last_status(connection, upto=upto)
        if newest is None:
            return None
        index, entry = newest
        if is_due(entry.block_number, every):
            return index + 1
        upto = index


def _note_seen(node: Node, size: int) -> None:
    table = local.seen_sizes
    with node.begin() as uow:
        if uow.connection.execute(select(table.c.size).where(table.c.size == size)).first() is None:
            uow.connection.execute(insert(table).values(size=size, seen_at=node.clock()))
        kept = select(table.c.size).order_by(table.c.size.desc()).limit(LIMITS.log_seen_sizes)
        uow.connection.execute(delete(table).where(table.c.size.not_in(kept)))
        uow.commit()


def seen_at(connection: Connection, size: int) -> int | None:
    """When this city first had a tree of that size."""
    table = local.seen_sizes
    return connection.execute(
        select(table.c.seen_at).where(table.c.size >= size).order_by(table.c.size).limit(1)
    ).scalar()


def newest_time(entry: bytes) -> int | None:
    """The time of the block that an entry stands in; ``None`` for the genesis entry."""
    parsed = parse_entry(entry)
    if isinstance(parsed, StatusEntry):
        return parsed.block_time
    return getattr(parsed, "block_time", None)
