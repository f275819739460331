"""A holder's seed on a disk of the holder's own: sealed under a passphrase, readable by its owner alone.

The file keeps the twelve words' entropy, not the words; whoever has written the words down needs no file.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from ledger.domain import canonical, mnemonics
from ledger.domain.mnemonics import Language
from ledger.errors import SetupError
from node_client.keys import seal_file, unseal_file

__all__ = ["Seed", "new_seed", "open_seed", "save_seed", "seed_from_words"]

_FORMAT = "tongban/seed/1"
# Twelve words.
_ENTROPY_BYTES = 16


@dataclass(frozen=True, slots=True)
class Seed:
    """A seed as words: its entropy, and the list that they are of."""

    entropy: bytes = field(repr=False)
    language: Language

    def words(self) -> str:
        """Return the words, of the list they were made from: the same entropy in another list is another seed."""
        return mnemonics.words_from_entropy(self.entropy, self.language)

    def seed(self) -> bytes:
        """Return the 64 bytes that keys are derived from."""
        return mnemonics.seed_from_words(self.words())


def new_seed(random: Callable[[int], bytes], language: Language) -> Seed:
    """Make a seed."""
    return Seed(random(_ENTROPY_BYTES), language)


def seed_from_words(text: str) -> Seed:
    """Read a seed from its words.

    Raises:
        InputError: ``holders.words_count``, ``holders.word_unknown``, ``holders.words_checksum``.
    """
    return Seed(*mnemonics.entropy_from_words(text))


def save_seed(path: Path, seed: Seed, passphrase: str, random: Callable[[int], bytes], *, scrypt_n: int) -> None:
    """Write a seed's file; one that exists is never overwritten.

    Raises:
        SetupError: ``holders.file_exists``.
    """
    if path.exists():
        raise SetupError("holders.file_exists", file=path.name)
    document = canonical.encode({"entropy": seed.entropy.hex(), "format": _FORMAT, "language": seed.language.value})
    seal_file(path, document, passphrase, random, scrypt_n=scrypt_n)


def open_seed(path: Path, passphrase: str) -> Seed:
    """Open a seed's file.

    Raises:
        SetupError: ``keys.missing``, ``keys.open_permissions``, ``keys.wrong_passphrase``, ``keys.damaged``;
            ``holders.no_seed`` where the file is sealed by this passphrase and holds something else.
    """
    content = unseal_file(path, passphrase)
    document = canonical.decode_object(content)
    entropy, language = document.get("entropy"), document.get("language")
    if document.get("format") != _FORMAT or not isinstance(entropy, str) or language not in set(Language):
        raise SetupError("holders.no_seed", file=path.name)
    return Seed(bytes.fromhex(entropy), Language(language))
