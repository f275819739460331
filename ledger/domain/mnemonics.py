"""Seeds as words (BIP-39), in English or in Simplified Chinese characters.

The Chinese list has one character for each word, so twelve characters written down keep a wallet; they may be typed
with or without spaces between them. The word lists are the published ones, unchanged.

Raises:
    InputError: ``holders.words_count``, ``holders.word_unknown`` with the position, ``holders.words_checksum``,
        ``holders.entropy``. Never a word.
"""

from __future__ import annotations

import hashlib
import unicodedata
from enum import StrEnum
from functools import cache
from importlib import resources

from ledger.errors import InputError

__all__ = ["Language", "entropy_from_words", "seed_from_words", "words_from_entropy"]

_LENGTHS = (12, 15, 18, 21, 24)


class Language(StrEnum):
    """Word lists offered; the value names the data file."""

    ENGLISH = "english"
    CHINESE = "chinese-simplified"


@cache
def _words(language: Language) -> tuple[str, ...]:
    text = resources.files("ledger.domain").joinpath(f"data/bip39-{language.value}.txt").read_text("utf-8")
    return tuple(unicodedata.normalize("NFKD", word) for word in text.split())


@cache
def _numbers(language: Language) -> dict[str, int]:
    return {word: number for number, word in enumerate(_words(language))}


def words_from_entropy(entropy: bytes, language: Language) -> str:
    """Write 16 to 32 random bytes as words, the checksum's included."""
    if len(entropy) * 3 // 4 not in _LENGTHS or len(entropy) % 4:
        raise InputError("holders.entropy", size=len(entropy))
    check = len(entropy) // 4
    number = int.from_bytes(entropy, "big") << check | hashlib.sha256(entropy).digest()[0] >> (8 - check)
    count = len(entropy) * 3 // 4
    words = _words(language)
    return " ".join(words[number >> 11 * place & 2047] for place in reversed(range(count)))


def entropy_from_words(text: str) -> tuple[bytes, Language]:
    """Read words of either list, check them, and say which list it was."""
    words = _split(text)
    if len(words) not in _LENGTHS:
        raise InputError("holders.words_count", count=len(words))
    language = Language.ENGLISH if words[0].isascii() else Language.CHINESE
    numbers = _numbers(language)
    number = 0
    for position, word in enumerate(words, 1):
        if word not in numbers:
            raise InputError("holders.word_unknown", position=position)
        number = number << 11 | numbers[word]
    check = len(words) // 3
    entropy = (number >> check).to_bytes(check * 4, "big")
    if hashlib.sha256(entropy).digest()[0] >> (8 - check) != number & (1 << check) - 1:
        raise InputError("holders.words_checksum")
    return entropy, language


def seed_from_words(text: str, passphrase: str = "") -> bytes:
    """Stretch checked words to the 64-byte seed: PBKDF2-HMAC-SHA512 with 2,048 rounds, as BIP-39 says."""
    entropy, language = entropy_from_words(text)
    sentence = words_from_entropy(entropy, language)
    salt = "mnemonic" + unicodedata.normalize("NFKD", passphrase)
    return hashlib.pbkdf2_hmac("sha512", sentence.encode(), salt.encode(), 2048)


def _split(text: str) -> list[str]:
    """Split at any space, the ideographic one too; Chinese characters run together are words of one character each."""
    words = unicodedata.normalize("NFKD", text).lower().split()
    return [piece for word in words for piece in (word if not word.isascii() else [word])]
