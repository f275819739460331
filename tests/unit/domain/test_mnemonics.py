from __future__ import annotations

import hashlib
from importlib import resources

import pytest
from eth_account.hdaccount.mnemonic import Mnemonic
from eth_account.types import Language as Theirs
from hypothesis import given, settings
from hypothesis import strategies as st

from ledger.domain import mnemonics
from ledger.domain.mnemonics import Language
from ledger.errors import InputError

# The reference vectors of BIP-39; their passphrase is "TREZOR".
VECTORS = [
    (
        "00" * 16,
        "abandon " * 11 + "about",
        "c55257c360c07c72029aebc1b53c05ed0362ada38ead3e3e9efa3708e53495531f09a6987599d18264c1e1c92f2cf141630c7a3c4ab7c81b2f001698e7463b04",
    ),
    (
        "7f" * 16,
        "legal winner thank year wave sausage worth useful legal winner thank yellow",
        "2e8905819b8723fe2c1d161860e5ee1830318dbf49a83bd451cfb8440c28bd6fa457fe1296106559a3c80937a1c1069be3a3a5bd381ee6260e8d9739fce1f607",
    ),
    (
        "ff" * 32,
        "zoo " * 23 + "vote",
        "dd48c104698c30cfe2b6142103248622fb7bb0ff692eebb00089b32d22484e1613912f0a5b694407be899ffd31ed3992c456cdf60f5d4564b8ba3f05a69890ad",
    ),
]
entropies = st.sampled_from([16, 20, 24, 28, 32]).flatmap(lambda size: st.binary(min_size=size, max_size=size))


@pytest.mark.parametrize(("entropy", "words", "seed"), VECTORS)
def test_reference_vectors(entropy: str, words: str, seed: str) -> None:
    assert mnemonics.words_from_entropy(bytes.fromhex(entropy), Language.ENGLISH) == words
    assert mnemonics.seed_from_words(words, "TREZOR").hex() == seed


@pytest.mark.parametrize(
    ("language", "digest"),
    [
        (Language.ENGLISH, "2f5eed53a4727b4bf8880d8f3f199efc90e58503646d9ff8eff3a2ed3b24dbda"),
        (Language.CHINESE, "5c5942792bd8340cb8b27cd592f1015edf56a8c5b26276ee18a482428e7c5726"),
    ],
)
def test_the_word_lists_are_the_published_ones(language: Language, digest: str) -> None:
    data = resources.files("ledger.domain").joinpath(f"data/bip39-{language.value}.txt").read_bytes()
    assert hashlib.sha256(data).hexdigest() == digest


@settings(max_examples=40, deadline=None)
@given(entropies, st.sampled_from(Language))
def test_words_say_the_same_as_another_implementation(entropy: bytes, language: Language) -> None:
    words = mnemonics.words_from_entropy(entropy, language)
    other = Mnemonic(Theirs.ENGLISH if language == Language.ENGLISH else Theirs.CHINESE_SIMPLIFIED)
    assert words == other.to_mnemonic(entropy)
    assert mnemonics.entropy_from_words(words) == (entropy, language)


def test_chinese_words_may_run_together() -> None:
    words = mnemonics.words_from_entropy(bytes(range(16)), Language.CHINESE)
    for text in (words, words.replace(" ", ""), words.replace(" ", "\u3000"), f" {words}\n"):
        assert mnemonics.seed_from_words(text) == Mnemonic.to_seed(words)


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("", "holders.words_count"),
        ("abandon " * 13, "holders.words_count"),
        ("abandon " * 12, "holders.words_checksum"),
        ("abandon " * 11 + "abouts", "holders.word_unknown"),
        ("的" * 11 + " about", "holders.word_unknown"),
        ("about " + "abandon " * 11, "holders.words_checksum"),
    ],
)
def test_wrong_words_are_refused_without_repeating_them(text: str, code: str) -> None:
    with pytest.raises(InputError) as caught:
        mnemonics.entropy_from_words(text)
    assert caught.value.code == code
    assert "about" not in str(caught.value)


@pytest.mark.parametrize("size", [0, 15, 17, 18, 33, 36])
def test_entropy_has_a_published_length(size: int) -> None:
    with pytest.raises(InputError, match=r"holders.entropy"):
        mnemonics.words_from_entropy(bytes(size), Language.ENGLISH)
