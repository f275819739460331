"""What engines say, in our words."""

from __future__ import annotations

import pytest
from eth_abi.abi import encode

from ledger.chain.errors import call_error, send_error
from ledger.chain.rpc import EngineError
from ledger.errors import ConflictError, UnavailableError


@pytest.mark.parametrize(
    ("number", "words", "code"),
    [
        (-32000, "already known", None),
        (-32000, "known transaction: 0xab", None),
        (-32000, "nonce too low: next nonce 3, tx nonce 1", "chain.nonce_used"),
        (-32000, "replacement transaction underpriced", "chain.nonce_taken"),
        (-32000, "there is another tx which has the same nonce in the tx pool", "chain.nonce_taken"),
        (-32000, "txpool is full", "chain.pool_full"),
        (-32005, "account limit exceeded: 4096 transactions wait", "chain.pool_full"),
        (-32000, "nonce too high: next nonce 3, tx nonce 9000", "chain.pool_full"),
        (-32003, "transaction rejected: sender 0x12 is not admitted to this network", "chain.sender_refused"),
        (-32000, "exceeds block gas limit: gas 9, limit 8", "chain.transaction_refused"),
        (-32603, "internal error", "chain.engine_error"),
    ],
)
def test_answers_to_a_transaction(number, words, code):
    error = send_error(EngineError(number, words, None))
    assert (None if error is None else error.code) == code
    passing = code in {"chain.pool_full", "chain.engine_error"}
    assert isinstance(error, UnavailableError) == passing


def test_an_engine_that_says_when_to_come_again_is_believed():
    error = send_error(EngineError(-32000, "the wall clock is 9 s behind the chain", {"retryAfter": 9}))
    assert isinstance(error, UnavailableError)
    assert error.retry_after == 9


def test_reverts_in_every_form_are_one_error():
    reason = "0x08c379a0" + encode(["string"], ["access: consortium is no contract"]).hex()
    for error, why in (
        (EngineError(3, "execution reverted: short", reason), "access: consortium is no contract"),
        (EngineError(3, "execution reverted: short", None), "short"),
        (EngineError(3, "execution reverted", "0x"), "no reason"),
        (EngineError(-32000, "VM Exception while processing transaction: execution reverted: x", None), "x"),
        (EngineError(-32000, "out of gas", None), "out of gas"),
        (EngineError(3, "execution reverted", "0x08c379a0ff"), "unreadable reason"),
        (EngineError(3, "execution reverted", "0x08c379a0zz"), "unreadable reason"),
        (EngineError(3, "execution reverted: " + "中" + "x" * 400, None), "x" * 200),
    ):
        found = call_error(error)
        assert isinstance(found, ConflictError)
        assert (found.code, found.facts) == ("chain.reverted", {"why": why})
    assert call_error(EngineError(-32000, "header not found", None)).code == "chain.engine_error"
