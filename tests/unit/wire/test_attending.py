from __future__ import annotations

import json
import os
from collections.abc import Callable
from dataclasses import replace

import pytest

from ledger.domain import canonical
from ledger.domain.consents import ConsentTerms, Grantee, Purpose
from ledger.errors import FormatError
from ledger.wire import attending
from ledger.wire.attending import CaseKeyAsked, CaseSignatureAsked, CountersigningAsked, HeldLeaf
from ledger.wire.consents import new_disclosed
from ledger.wire.grants import GrantedConsent

ADDRESS = "0x" + "ab" * 20
WITNESSES = (b"\x04" * 65, b"\x05" * 65)
LEAF = 7 << 32 | 3
HELD = HeldLeaf(LEAF, b"\x06" * 58, (b"\x07" * 32, b"\x08" * 32))


def granted() -> GrantedConsent:
    disclosed = new_disclosed({LEAF: ("address",)}, os.urandom)
    terms = ConsentTerms(
        leaves=(LEAF,), grantees=(Grantee(2, 1),), matter=b"\x02" * 32, cases=ADDRESS, case=b"\x03" * 32,
        purpose=Purpose.HANDLE, disclosed=disclosed.digest, valid_from=1, valid_until=2, salt=bytes(32),
    )  # fmt: skip
    return GrantedConsent(
        chain_id=1, contract=ADDRESS, terms=terms, disclosed=disclosed, signatures=(), attending=2, paper=b"\x09" * 32
    )


ASKS = (
    CountersigningAsked(granted(), WITNESSES, "3f0a"),
    CountersigningAsked(granted(), WITNESSES, ""),
    CaseKeyAsked("3f0a"),
    CaseSignatureAsked(ADDRESS, b"\x01" * 32, WITNESSES),
)


@pytest.mark.parametrize("ask", ASKS)
def test_questions_survive_their_bytes_and_nothing_may_be_added(ask):
    data = attending.encode_ask(ask)
    assert attending.decode_ask(data) == ask
    document = json.loads(data)
    for name in document:
        less = {key: value for key, value in document.items() if key != name}
        with pytest.raises(FormatError, match=r"attending\.form"):
            attending.decode_ask(canonical.encode(less))
    with pytest.raises(FormatError, match=r"attending\.form"):
        attending.decode_ask(canonical.encode(document | {"more": 1}))


@pytest.mark.parametrize(
    "ask",
    [
        replace(ASKS[0], witnesses=WITNESSES[:1]),
        replace(ASKS[0], witnesses=(*WITNESSES, WITNESSES[0])),
        replace(ASKS[0], witnesses=(b"\x04" * 64, WITNESSES[1])),
        replace(ASKS[0], person="样本甲"),
        replace(ASKS[2], person="3f" * 33),
        replace(ASKS[3], holder="0x12"),
        replace(ASKS[3], digest=b"\x01"),
    ],
)
def test_what_has_not_its_form_is_not_read(ask):
    with pytest.raises(FormatError, match=r"attending\.form"):
        attending.decode_ask(attending.encode_ask(ask))


def test_answers_survive_their_bytes_and_are_not_taken_for_one_another():
    countersigned = attending.encode_countersigned(WITNESSES[0], [HELD])
    key, signature = attending.encode_case_key(ADDRESS), attending.encode_case_signature(WITNESSES[0])
    assert attending.decode_countersigned(countersigned) == attending.CountersignedConsent(WITNESSES[0], (HELD,))
    assert attending.decode_case_key(key) == ADDRESS
    assert attending.decode_case_signature(signature) == WITNESSES[0]
    own: list[tuple[bytes, Callable[[bytes], object]]] = [
        (countersigned, attending.decode_countersigned),
        (key, attending.decode_case_key),
        (signature, attending.decode_case_signature),
    ]
    for mine, read in own:
        for other in (countersigned, key, signature, b'{"address":"0x","format":"x"}'):
            if other is not mine:
                with pytest.raises(FormatError):
                    read(other)
        with pytest.raises(FormatError, match=r"attending\.form"):
            read(canonical.encode(json.loads(mine) | {"format": "tongban/other/1"}))


def test_a_question_is_bound_to_who_asks_whom():
    assert len({attending.ask_info(*pair) for pair in ((1, 2), (2, 1), (1, 3))}) == 3
