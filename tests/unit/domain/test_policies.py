"""Cosigning policies: the file format of C2SP tlog-policy and what a quorum is."""

from __future__ import annotations

from dataclasses import replace
from itertools import combinations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ledger.domain import policies
from ledger.domain.checkpoints import parse_checkpoint
from ledger.domain.notes import KeySigner, KeyType
from ledger.domain.policies import CosigningCity, Group, Policy, PolicyKey
from ledger.errors import FormatError, InputError
from tests.unit.log.network import DIVISIONS, NETWORK, log_signer, network_policy, signed_checkpoint, signers

ROOT = bytes(range(32))
LOG = log_signer().key.vkey()
KEYS = [signers(division)[0].key for division in DIVISIONS]
A, B, C = (key.vkey() for key in KEYS[:3])

# The example of the standard with keys in place.
EXAMPLE = f"""
# Two operators.
log {LOG}

\twitness X1 {A}
witness   X2\t{B}  https://x2.example/submit
group X-witnesses any X1 X2\x20

witness Y1 {C}
group X-and-Y all X-witnesses Y1
quorum X-and-Y
"""


def test_the_example_of_the_standard_is_read() -> None:
    policy = policies.parse_policy(EXAMPLE.encode())
    assert [log.key for log in policy.logs] == [log_signer().key]
    assert [(witness.name, witness.url) for witness in policy.witnesses] == [
        ("X1", None),
        ("X2", "https://x2.example/submit"),
        ("Y1", None),
    ]
    assert policy.groups == (Group("X-witnesses", 1, ("X1", "X2")), Group("X-and-Y", 2, ("X-witnesses", "Y1")))
    assert policy.quorum == "X-and-Y"
    assert policies.parse_policy(policies.format_policy(policy)) == policy


def test_the_policy_of_the_cities_reads_back_and_has_a_digest() -> None:
    policy = network_policy()
    data = policies.format_policy(policy)
    assert policies.parse_policy(data) == policy
    assert policies.policy_digest(policy) == policies.policy_digest(policies.parse_policy(data))
    assert policies.policy_digest(policy) != policies.policy_digest(network_policy(DIVISIONS[:4]))
    assert b"group 510107 all 510107-ed25519 510107-ml-dsa-44\n" in data
    assert b"group cities 4 510107 510700 133100 500103 610113\n" in data
    assert [log.key for log in policy.logs] == [log_signer().key]
    assert len(policy.witness_keys()) == 10


@pytest.mark.parametrize(
    ("count", "quorum"), [(1, 1), (2, 2), (3, 2), (4, 3), (5, 4), (6, 4), (7, 5), (14, 10), (15, 10)]
)
def test_the_quorum_is_two_thirds_rounded_up(count: int, quorum: int) -> None:
    divisions = tuple(f"{510100 + number}" for number in range(count))
    policy = network_policy(divisions)
    assert policy.groups[-1].threshold == quorum
    assert policies.parse_policy(policies.format_policy(policy)) == policy


def test_a_city_policy_has_its_limits() -> None:
    ed25519, ml_dsa = signers("510107")
    city = CosigningCity("510107", ed25519.key, ml_dsa.key)
    log = PolicyKey(log_signer().key.name, log_signer().key)
    with pytest.raises(InputError, match=r"log\.policy_cities"):
        policies.city_policy([log], [])
    with pytest.raises(InputError, match=r"log\.policy_cities"):
        policies.city_policy([log], [city] * 16)
    with pytest.raises(InputError, match=r"log\.policy_publishers"):
        policies.city_policy([], [city])
    with pytest.raises(InputError, match=r"log\.policy_publishers"):
        policies.city_policy([log] * 4, [city])
    with pytest.raises(FormatError, match=r"log\.policy_key"):
        policies.city_policy([log], [replace(city, ml_dsa=ed25519.key)])
    with pytest.raises(FormatError, match=r"log\.policy_duplicate"):
        policies.city_policy([log], [city, replace(city, division="510700")])


@given(st.sets(st.sampled_from(DIVISIONS)))
@settings(max_examples=20, deadline=None)
def test_four_of_five_cities_make_a_checkpoint_good(by: set[str]) -> None:
    checkpoint, note = parse_checkpoint(signed_checkpoint(9, ROOT, by=tuple(by)))
    if len(by) >= 4:
        verdict = policies.evaluate(network_policy(), checkpoint, note)
        assert verdict.log == log_signer().key
        assert {name.partition("-")[0] for name, _ in verdict.cosigned} == by
        assert verdict.newest == 1_767_225_600
        assert by | {"cities"} <= verdict.satisfied
    else:
        with pytest.raises(InputError, match=r"log\.policy_quorum"):
            policies.evaluate(network_policy(), checkpoint, note)


def test_one_key_of_a_city_counts_for_nothing() -> None:
    checkpoint, note = parse_checkpoint(signed_checkpoint(9, ROOT, by=DIVISIONS[:4]))
    for kind in (KeyType.COSIGN_ED25519, KeyType.COSIGN_ML_DSA_44):
        missing = next(signer.key for signer in signers(DIVISIONS[2]) if signer.key.type is kind)
        fewer = replace(note, signatures=tuple(line for line in note.signatures if not line.is_by(missing)))
        with pytest.raises(InputError, match=r"log\.policy_quorum"):
            policies.evaluate(network_policy(), checkpoint, fewer)


def test_a_log_that_is_not_listed_does_not_count() -> None:
    data = signed_checkpoint(9, ROOT)
    checkpoint, note = parse_checkpoint(data)
    policy = network_policy()
    other = log_signer("510700").key
    with pytest.raises(InputError, match=r"log\.policy_log"):
        policies.evaluate(replace(policy, logs=(PolicyKey(other.name, other),)), checkpoint, note)
    unsigned = replace(note, signatures=note.signatures[1:])
    with pytest.raises(InputError, match=r"log\.policy_log"):
        policies.evaluate(policy, checkpoint, unsigned)
    verdict = policies.evaluate(policy, checkpoint, unsigned, need_log=False)
    assert verdict.log is None
    # Another city's log key cannot speak for this origin.
    signer = KeySigner.from_seed(other.name, KeyType.LOG_ED25519, b"510700".ljust(32, b"l"))
    stray = KeySigner.from_seed(checkpoint.origin, KeyType.LOG_ED25519, bytes(32))
    for key in (signer.key, stray.key):
        listed = replace(policy, logs=(PolicyKey(key.name, key),))
        with pytest.raises(InputError, match=r"log\.policy_log"):
            policies.evaluate(listed, checkpoint, note)


def test_cosignatures_from_the_future_are_refused() -> None:
    checkpoint, note = parse_checkpoint(signed_checkpoint(9, ROOT, timestamp=1000))
    policies.evaluate(network_policy(), checkpoint, note, not_after=1000)
    with pytest.raises(InputError, match=r"log\.signature_future"):
        policies.evaluate(network_policy(), checkpoint, note, not_after=999)


def test_a_policy_without_quorum_needs_the_log_alone() -> None:
    policy = policies.parse_policy(f"log {LOG}\nquorum none\n".encode())
    checkpoint, note = parse_checkpoint(signed_checkpoint(9, ROOT, by=()))
    verdict = policies.evaluate(policy, checkpoint, note)
    assert (verdict.cosigned, verdict.newest) == ((), None)
    assert policies.parse_policy(policies.format_policy(policy)) == policy


def test_a_forged_cosignature_spoils_the_note_even_above_the_quorum() -> None:
    checkpoint, note = parse_checkpoint(signed_checkpoint(9, ROOT))
    last = note.signatures[-1]
    forged = replace(note, signatures=(*note.signatures[:-1], replace(last, signature=last.signature[:-1] + b"\x01")))
    assert forged != note
    with pytest.raises(InputError, match=r"log\.signature_invalid"):
        policies.evaluate(network_policy(), checkpoint, forged)


def test_every_threshold_counts_members_and_not_signatures() -> None:
    names = ("a", "b", "c")
    witnesses = tuple(PolicyKey(name, key) for name, key in zip(names, KEYS, strict=False))
    for threshold in (1, 2, 3):
        policy = Policy((), witnesses, (Group("g", threshold, names),), "g")
        for count in range(4):
            for chosen in combinations(range(3), count):
                data = signed_checkpoint(9, ROOT, by=tuple(DIVISIONS[index] for index in chosen))
                checkpoint, note = parse_checkpoint(data)
                doubled = replace(note, signatures=note.signatures * 2)
                if count >= threshold:
                    policies.evaluate(policy, checkpoint, doubled, need_log=False)
                else:
                    with pytest.raises(InputError, match=r"log\.policy_quorum"):
                        policies.evaluate(policy, checkpoint, doubled, need_log=False)


MALFORMED = {
    "no quorum": (f"log {LOG}\n", "log.policy_quorum_line"),
    "two quorums": ("quorum none\nquorum none\n", "log.policy_quorum_line"),
    "no last newline": ("quorum none", "log.policy_line"),
    "unknown keyword": ("logs x\nquorum none\n", "log.policy_line"),
    "too many words": (f"log {LOG} url more\nquorum none\n", "log.policy_line"),
    "witness without key": ("witness a\nquorum none\n", "log.policy_line"),
    "group without members": (f"witness a {A}\ngroup g all\nquorum a\n", "log.policy_line"),
    "quorum of two": (f"witness a {A}\nwitness b {B}\nquorum a b\n", "log.policy_line"),
    "quorum defined later": (f"quorum a\nwitness a {A}\n", "log.policy_unknown"),
    "member defined later": (f"group g all a\nwitness a {A}\nquorum g\n", "log.policy_unknown"),
    "member used twice": (f"witness a {A}\ngroup g any a a\nquorum g\n", "log.policy_unknown"),
    "member of two groups": (
        f"witness a {A}\nwitness b {B}\ngroup g any a\ngroup h any a b\nquorum h\n",
        "log.policy_unknown",
    ),
    "none as a member": (f"witness a {A}\ngroup g any none\nquorum g\n", "log.policy_unknown"),
    "none as a name": (f"witness none {A}\nquorum none\n", "log.policy_name"),
    "a name twice": (f"witness a {A}\nwitness a {B}\nquorum a\n", "log.policy_name"),
    "a group named as a witness": (f"witness a {A}\ngroup a any a\nquorum a\n", "log.policy_name"),
    "a key twice": (f"witness a {A}\nwitness b {A}\nquorum a\n", "log.policy_duplicate"),
    "a log twice": (f"log {LOG}\nlog {LOG}\nquorum none\n", "log.policy_duplicate"),
    "a log as witness": (f"witness a {LOG}\nquorum a\n", "log.policy_key"),
    "a witness as log": (f"log {A}\nquorum none\n", "log.policy_key"),
    "threshold zero": (f"witness a {A}\ngroup g 0 a\nquorum g\n", "log.policy_line"),
    "threshold with zero before": (f"witness a {A}\ngroup g 01 a\nquorum g\n", "log.policy_line"),
    "threshold too high": (f"witness a {A}\ngroup g 2 a\nquorum g\n", "log.policy_threshold"),
    "threshold huge": (f"witness a {A}\ngroup g {'9' * 3000} a\nquorum g\n", "log.policy_line"),
    "a carriage return": ("quorum none\r\n", "log.policy_octets"),
    "a null": ("quorum none\n\x00", "log.policy_octets"),
    "a malformed key": ("witness a nothing\nquorum a\n", "log.vkey_malformed"),
    "a wrong key id": (f"witness a {A.replace('+', '+00000000+', 1)}\nquorum a\n", "log.base64"),
    "too long": ("#" + "x" * 300_000 + "\nquorum none\n", "log.policy_long"),
    "empty": ("", "log.policy_quorum_line"),
}


@pytest.mark.parametrize("name", MALFORMED)
def test_malformed_policies_are_refused(name: str) -> None:
    text, code = MALFORMED[name]
    with pytest.raises(FormatError) as caught:
        policies.parse_policy(text.encode())
    assert caught.value.code == code


def test_octets_that_are_no_text_stay_as_they_are() -> None:
    kelvin = "\u212a".encode()
    data = b"witness K " + A.encode() + b"\nwitness " + kelvin + b" " + B.encode() + b"\nwitness \xff\xfe "
    data += C.encode() + b"\ngroup \xfe any K \xff\xfe\nquorum \xfe\n"
    policy = policies.parse_policy(data)
    assert policies.parse_policy(policies.format_policy(policy)) == policy
    assert b"\xff\xfe" in policies.format_policy(policy)
    assert len({witness.name for witness in policy.witnesses}) == 3
    with pytest.raises(FormatError, match=r"log\.vkey_malformed"):
        policies.parse_policy(b"witness a \xff" + A.encode() + b"\nquorum a\n")


def test_thirty_two_of_each_are_read_and_thirty_three_refused() -> None:
    def text(count: int) -> bytes:
        lines = []
        for number in range(count):
            seed = number.to_bytes(32, "big")
            log = KeySigner.from_seed(f"{NETWORK}/{number}", KeyType.LOG_ED25519, seed).key
            witness = KeySigner.from_seed(f"w{number}.example", KeyType.COSIGN_ED25519, seed).key
            lines += [f"log {log.vkey()}", f"witness w{number} {witness.vkey()}", f"group g{number} any w{number}"]
        return "\n".join([*lines, "quorum g0", ""]).encode()

    assert len(policies.parse_policy(text(32)).groups) == 32
    with pytest.raises(FormatError, match=r"log\.policy_limits"):
        policies.parse_policy(text(33))


@given(st.binary(max_size=200))
@settings(max_examples=60, deadline=None)
def test_any_octets_are_refused_or_read_back(data: bytes) -> None:
    text = b"quorum none\n" + data + b"\n"
    try:
        policy = policies.parse_policy(text)
    except FormatError as error:
        policy, code = None, error.code
    else:
        code = "log."
    assert code.startswith("log.")
    if policy is not None:
        assert policies.parse_policy(policies.format_policy(policy)) == policy


def test_a_policy_built_in_code_is_held_to_the_same_rules() -> None:
    policy = network_policy()
    with pytest.raises(FormatError, match=r"log\.policy_unknown"):
        replace(policy, quorum="nobody")
    with pytest.raises(FormatError, match=r"log\.policy_name"):
        replace(policy, logs=(replace(policy.logs[0], url="two words"),))
    with pytest.raises(FormatError, match=r"log\.policy_key"):
        replace(policy, logs=(replace(policy.logs[0], name="another"),))
    with pytest.raises(FormatError, match=r"log\.policy_name"):
        replace(policy, groups=(*policy.groups, Group("two words", 1, ("cities",))))
