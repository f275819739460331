"""Storage tries that read and write quicker than py-trie's, whose children they are.

A step of a case reads half a dozen slots and writes two or three, each at the end of a path of four or five nodes.
py-trie decodes and encodes every node of a path by a general RLP codec that checks types item by item; a node is nearly
always a list of hashes and empty strings, which is one short loop. And it makes the path anew for each slot; here the
slots of a block are written together when the root is asked for, each node of their paths once.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias, cast

from eth.db.account import AccountDB
from eth.db.batch import BatchDB
from eth.db.cache import CacheDB
from eth.db.journal import JournalDB
from eth.db.storage import AccountStorageDB, StorageLookup
from eth_hash.auto import keccak
from eth_typing import Hash32
from rlp.codec import decode
from trie.constants import BLANK_NODE, BLANK_NODE_HASH
from trie.exceptions import MissingTrieNode
from trie.hexary import HexaryTrie
from trie.typing import Nibbles

if TYPE_CHECKING:
    from eth.abc import AccountStorageDatabaseAPI, AtomicDatabaseAPI, DatabaseAPI
    from eth_typing import Address

__all__ = ["EngineAccounts", "SlotTrie", "decode_node", "encode_node"]

# Items are bytes, or nodes of under 32 bytes in place of their hashes.
Node: TypeAlias = "list[Any]"
# Paths in hexadecimal digits with their values, in order.
_Items: TypeAlias = "list[tuple[str, bytes]]"

_HASH_BYTES = 32
_BRANCH = 17


def decode_node(raw: bytes) -> Node:
    """A node from its RLP."""
    first = raw[0]
    if not 0xC0 <= first <= 0xF9:
        return _general(raw)
    at = max(1, first - 0xF6)
    items: Node = []
    while at < len(raw):
        head = raw[at]
        if head == 0xA0:
            items.append(raw[at + 1 : at + 33])
            at += 33
        elif head == 0x80:
            items.append(b"")
            at += 1
        elif head < 0x80:
            items.append(raw[at : at + 1])
            at += 1
        elif head < 0xB8:
            items.append(raw[at + 1 : at + head - 0x7F])
            at += head - 0x7F
        else:
            return _general(raw)
    return items


def encode_node(node: Node) -> bytes:
    """A node as RLP."""
    parts = []
    for item in node:
        size = len(item)
        if item.__class__ is not bytes:
            parts.append(encode_node(item))
        elif size == _HASH_BYTES:
            parts.append(b"\xa0" + item)
        elif size == 0:
            parts.append(b"\x80")
        elif size == 1 and item[0] < 0x80:
            parts.append(item)
        else:
            parts.append(_head(0x80, size) + item)
    body = b"".join(parts)
    return _head(0xC0, len(body)) + body


def _head(kind: int, size: int) -> bytes:
    if size < 56:
        return bytes((kind + size,))
    length = size.to_bytes((size.bit_length() + 7) // 8, "big")
    return bytes((kind + 55 + len(length),)) + length


def _general(raw: bytes) -> Node:
    node: Node = decode(raw)  # type: ignore[no-untyped-call]  # a library without types
    return node


class SlotTrie(HexaryTrie):
    """py-trie's trie over nodes read and written here; a reading does without lists of nibbles.

    What is set waits until :attr:`root_hash` is asked for, and so does what the database gets.
    """

    def __init__(self, db: Any, root_hash: bytes = BLANK_NODE_HASH, *, prune: bool = False) -> None:  # noqa: ANN401  # any mapping
        self._waiting: dict[bytes, bytes] = {}
        self._root = root_hash
        super().__init__(db, root_hash, prune)

    @property
    def root_hash(self) -> bytes:
        """The hash of the root, after everything that was set.

        Raises:
            MissingTrieNode: the database lacks a node on the way of something that was set.
        """
        if self._waiting:
            self._write()
        return self._root

    @root_hash.setter
    def root_hash(self, value: bytes) -> None:
        self._root = value

    def set(self, key: bytes, value: bytes) -> None:
        """Put a value under a key; an empty one takes the key away."""
        self._waiting[key] = value

    def delete(self, key: bytes) -> None:
        """Take a key away; one that is not there is no error."""
        self._waiting[key] = b""

    def get(self, key: bytes) -> bytes:
        """The value under a key, empty if there is none.

        Raises:
            MissingTrieNode: the database lacks a node on the way.
        """
        if key in self._waiting:
            return self._waiting[key]
        path = key.hex()
        at = 0
        pointer: Any = self._root
        while True:
            try:
                node = self.get_node(pointer)
            except KeyError as error:
                trodden = Nibbles([int(digit, 16) for digit in path[:at]])
                raise MissingTrieNode(pointer, Hash32(self._root), key, trodden) from error
            if node == BLANK_NODE:
                return b""
            if len(node) == _BRANCH:
                if at == len(path):
                    return bytes(node[-1])
                pointer = node[int(path[at], 16)]
                at += 1
                continue
            prefix = node[0].hex()
            # The first nibble: 1 for an odd number of nibbles after it, 2 for a leaf.
            flag = int(prefix[0], 16)
            part = prefix[1:] if flag & 1 else prefix[2:]
            if flag & 2:
                return bytes(node[1]) if part == path[at:] else b""
            if not path.startswith(part, at):
                return b""
            at += len(part)
            pointer = node[1]

    def get_node(self, node_hash: Any) -> Any:  # noqa: ANN401  # py-trie's own nodes are lists, or bytes for none
        """The node that a pointer names, for the caller to change."""
        if node_hash.__class__ is list:
            return node_hash
        if node_hash in (BLANK_NODE, BLANK_NODE_HASH):
            return BLANK_NODE
        return decode_node(self.db[node_hash] if len(node_hash) >= _HASH_BYTES else node_hash)

    def _node_to_db_mapping(self, node: Any) -> tuple[Any, bytes | None]:  # noqa: ANN401  # as above
        """What points to a node, and its bytes if they stand in the database."""
        if node == BLANK_NODE:
            return BLANK_NODE, None
        encoded = encode_node(node)
        return (keccak(encoded), encoded) if len(encoded) >= _HASH_BYTES else (node, None)

    # ---- writing ----------------------------------------------------------------------------------------------------

    def _write(self) -> None:
        waiting, self._waiting = self._waiting, {}
        for key, value in waiting.items():
            if not value:
                super().delete(key)  # type: ignore[no-untyped-call]  # as in ``_keep``
        items = sorted((key.hex(), value) for key, value in waiting.items() if value)
        if items:
            with self._prune_on_success():
                try:
                    root = self._put(self.get_node(self._root), items, 0)
                except KeyError as error:
                    self._raise_missing_node(error, bytes.fromhex(items[0][0]))  # type: ignore[no-untyped-call]  # as in ``_keep``
                self._set_root_node(root)  # type: ignore[no-untyped-call]  # as in ``_keep``

    def _put(self, node: Any, items: _Items, at: int, *, stored: bool = True) -> Node:  # noqa: ANN401  # as above
        """The node with these items, whose paths lead to it at their nibble ``at``.

        A node that was ``stored`` is to be forgotten. Keys are of one length, so a path never ends inside another.
        """
        if node == BLANK_NODE:
            return self._grown(items, at)
        if stored:
            self._prune_node(node)  # type: ignore[no-untyped-call]  # as in ``_keep``
        if len(node) == _BRANCH:
            self._branch(node, items, at)
            return cast("Node", node)
        prefix = node[0].hex()
        flag = int(prefix[0], 16)
        part = prefix[1:] if flag & 1 else prefix[2:]
        if flag & 2:
            here = items[0][0][:at] + part
            return self._grown(
                items if any(path == here for path, _ in items) else sorted([*items, (here, node[1])]), at
            )
        shared = _shared([*(path[at : at + len(part)] for path, _ in items), part])
        if shared == len(part):
            below = self._put(self.get_node(node[1]), items, at + shared)
            return [node[0], self._keep(below)]
        branch: Node = [b""] * _BRANCH
        rest = part[shared + 1 :]
        below = [_extension(rest), node[1]] if rest else self.get_node(node[1])
        same = [item for item in items if item[0][at + shared] == part[shared]]
        if same:
            below = self._put(below, same, at + shared + 1, stored=not rest)
        branch[int(part[shared], 16)] = self._keep(below) if rest or same else node[1]
        self._branch(branch, [item for item in items if item[0][at + shared] != part[shared]], at + shared)
        return [_extension(part[:shared]), self._keep(branch)] if shared else branch

    def _grown(self, items: _Items, at: int) -> Node:
        """A node of these items alone."""
        if len(items) == 1:
            path, value = items[0]
            return [_leaf(path[at:]), value]
        shared = _shared([items[0][0][at:], items[-1][0][at:]])
        branch: Node = [b""] * _BRANCH
        self._branch(branch, items, at + shared)
        return [_extension(items[0][0][at : at + shared]), self._keep(branch)] if shared else branch

    def _keep(self, node: Node) -> Any:  # noqa: ANN401  # as above
        """Put a node into the database, and answer what points to it."""
        return self._persist_node(node)  # type: ignore[no-untyped-call]  # a library without types

    def _branch(self, branch: Node, items: _Items, at: int) -> None:
        """Put the items below a branch."""
        start = 0
        while start < len(items):
            digit = items[start][0][at]
            end = start + 1
            while end < len(items) and items[end][0][at] == digit:
                end += 1
            place = int(digit, 16)
            below = self._put(self.get_node(branch[place]), items[start:end], at + 1)
            branch[place] = self._keep(below)
            start = end


def _shared(paths: list[str]) -> int:
    """How many nibbles at their beginning all of some paths share."""
    first, last = min(paths), max(paths)
    length = 0
    for one, other in zip(first, last, strict=False):
        if one != other:
            break
        length += 1
    return length


def _leaf(path: str) -> bytes:
    return bytes.fromhex("3" + path if len(path) % 2 else "20" + path)


def _extension(path: str) -> bytes:
    return bytes.fromhex("1" + path if len(path) % 2 else "00" + path)


class _Lookup(StorageLookup):
    """py-evm's look-up of slots over the quicker trie."""

    def _get_write_trie(self) -> HexaryTrie:
        # py-evm's types say that neither is ever unset; both are until the first write.
        batch, trie = cast("BatchDB | None", self._trie_nodes_batch), cast("HexaryTrie | None", self._write_trie)
        if batch is None:
            self._trie_nodes_batch = batch = BatchDB(self._db, read_through_deletes=True)
        if trie is None:
            self._write_trie = trie = SlotTrie(batch, root_hash=self._starting_root_hash, prune=True)
        return trie

    def _get_read_trie(self) -> HexaryTrie:
        trie = cast("HexaryTrie | None", self._write_trie)
        return SlotTrie(self._db, root_hash=self._starting_root_hash) if trie is None else trie

    def commit_to(self, db: DatabaseAPI) -> None:
        """Write the trie's nodes, those that still wait among them."""
        if self.has_changed_root:
            self.get_changed_root()
        super().commit_to(db)


class _Storage(AccountStorageDB):
    """py-evm's storage of an account, its layers laid over the quicker look-up."""

    def __init__(self, db: AtomicDatabaseAPI, storage_root: Hash32, address: Address) -> None:
        super().__init__(db, storage_root, address)
        self._storage_lookup = _Lookup(db, storage_root, address)
        self._storage_cache = CacheDB(self._storage_lookup)
        self._locked_changes = JournalDB(self._storage_cache)
        self._journal_storage = JournalDB(self._locked_changes)


class EngineAccounts(AccountDB):
    """py-evm's accounts over the quicker storage."""

    def _get_address_store(self, address: Address) -> AccountStorageDatabaseAPI:
        store = self._account_stores.get(address)
        if store is None:
            store = _Storage(self._raw_store_db, self._get_storage_root(address), address)
            self._account_stores[address] = store
        return store
