"""The main job on four real validators: nothing in gateway, contracts or synchronising leans on the embedded engine.

One network for the whole file, because founding a consortium by votes on real blocks takes its time.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from sqlalchemy import select

from ledger.domain.cases import Action, State
from ledger.domain.files import digests_of
from ledger.domain.operations import Operation
from ledger.domain.reasons import Reason
from ledger.services import batching, cases, consents, receipts, receiving, releasing, sending, synchronising
from ledger.services.received import content, read_received
from ledger.services.sending import Sender
from ledger.services.trace import trace
from ledger.storage import outbox
from ledger.storage.tables import cases as case_tables
from ledger.wire.receipts import encode_receipt, read_receipt
from ledger.wire.verification import verify_receipt
from tests.integration.network import STATUS_EPOCH, found, signer, signers
from tests.integration.services.test_materials import CONTENT
from tests.integration.services.test_slice import (
    CITIES,
    Pilot,
    anchored,
    furnished,
    given,
    granted,
    opened,
    published,
    wall,
)
from tests.integration.validators import Validators, validators
from tests.unit.log.network import network_policy

pytestmark = [pytest.mark.serial, pytest.mark.timeout(300)]


@dataclass
class LivePilot(Pilot):
    """The pilot on an engine that makes its blocks when it pleases."""

    def pump(self) -> None:
        """Let every daemon work until nothing waits and every picture has the final block."""
        quiet = False
        while not quiet:
            moved = False
            for city, node in self.nodes.items():
                moved |= batching.run_once(node, node.keys.open) is not None
                moved |= sending.run_once(Sender(node.begin, node.chain, self.keys[city], node.clock)).moved
                moved |= synchronising.run_once(node).added > 0
                moved |= batching.open_batches(node, node.keys.open) > 0
                moved |= receiving.run_once(node, node.keys.open) > 0
            quiet = not moved and not any(map(_in_flight, self.nodes.values()))
            if not moved:
                assert isinstance(self.network, Validators)
                self.network.pause()


def _in_flight(node) -> bool:
    with node.database.read() as connection:
        counts = outbox.counts(connection)
    return bool(counts.get("waiting", 0) or counts.get("prepared", 0))


@pytest.fixture(scope="module")
def network(tmp_path_factory) -> Iterator[Validators]:
    with validators(tmp_path_factory.mktemp("validators")) as running:
        running.consortium = found(running.connect, CITIES, wait=running.pause)
        yield running


@pytest.fixture(scope="module")
def pilot(network, tmp_path_factory) -> Iterator[LivePilot]:
    made = LivePilot(network, {}, {city: signers(city) for city in CITIES})
    with furnished(made, tmp_path_factory.mktemp("nodes"), engine="network"):
        yield made


def test_the_main_job_runs_on_real_validators(pilot, network, tmp_path):
    material, leaf = anchored(pilot, tmp_path)
    case, other = opened(pilot), opened(pilot, salt=bytes([2]) * 32)
    prepared = granted(pilot, leaf, case, material)
    mianyang, wuhou = pilot.nodes["mianyang"], pilot.nodes["wuhou"]

    # What the contract refuses stands on the chain as refused, and releases nothing.
    releasing.use(mianyang, given(pilot, prepared), case=other, intent="wrong")
    pilot.pump()
    assert pilot.outcome("mianyang", "wrong") is Reason.WRONG_CASE

    releasing.use(mianyang, given(pilot, prepared), case=case, intent="use")
    pilot.pump()
    assert pilot.outcome("mianyang", "use") is Reason.OK
    received = read_received(mianyang, 1, leaf)
    assert b"".join(content(mianyang, 1, leaf, received.files[0])) == CONTENT

    contract = pilot.network.addresses.cases
    for action, options in ((Action.ACCEPT, {"department": 1, "role": 1}), (Action.REVIEW, {})):
        assert _step(pilot, contract, case, action, **options) is Reason.OK

    # One validator of four is lost: the others go on, and so do the nodes that spoke to it first.
    network.kill(0)
    for action, options in (
        (Action.GRANT, {"department": 1, "role": 3}),
        (Action.CLOSE, {}),
        (Action.DELIVER, {"detail": 1}),
    ):
        assert _step(pilot, contract, case, action, **options) is Reason.OK
    for node in pilot.nodes.values():
        with node.database.read() as connection:
            state = select(case_tables.cases.c.state).where(case_tables.cases.c.case == case)
            assert connection.execute(state).scalar_one() == State.DELIVERED
            assert len(trace(connection, case.hex()).lines) >= 8
            (reading,) = consents.feed(connection, [(pilot.network.addresses.materials, leaf)], limit=2)
            assert (reading.member, reading.case, reading.use) == (2, case, 1)

    # The daemon finds its own transaction again by nonce, whatever validator answers.
    operator = signer("mianyang operate").address
    count = mianyang.chain.nonce(operator)
    assert count > 0
    assert mianyang.chain.mined(operator, count - 1) is not None
    assert mianyang.chain.mined(operator, count) is None

    # What this engine's format does not let anybody check is said.
    assert mianyang.chain.unverified() == ("header_hash", "receipts_root", "transaction_hash")

    # The first operation of a new epoch brings the status entry that a receipt rests on.
    network.wait_for(network.height() + STATUS_EPOCH)
    endpoint = {"url": "https://wuhou.example"}
    pilot.enqueue(
        "wuhou", "endpoint", Operation.PUBLISH_ENDPOINT, pilot.network.addresses.consortium, "administer", endpoint
    )
    pilot.pump()
    issued = receipts.issue(
        wuhou, wuhou.keys.open, published(pilot, tmp_path), pilot.network.addresses.materials, leaf, ["address", "file.0"]
    )  # fmt: skip
    receipt = read_receipt(encode_receipt(issued))
    verdict = verify_receipt(receipt, network_policy(), [digests_of([CONTENT])], now=wall())
    assert verdict.good, verdict
    assert dict(verdict.check("seen").evidence)["engine"] == "network"


def _step(pilot: Pilot, contract: str, case: bytes, action: Action, **options: int) -> Reason:
    mianyang = pilot.nodes["mianyang"]
    with mianyang.database.read() as connection:
        sequence = cases.sequence_of(connection, case)
    intent = cases.step(mianyang, contract, case, action, sequence=sequence, **options)
    pilot.pump()
    return pilot.outcome("mianyang", intent)
