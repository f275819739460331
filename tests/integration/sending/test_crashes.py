"""The process ends at every step in turn; started again, it does each thing exactly once."""

from __future__ import annotations

import random
import shutil
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass

import pytest

from ledger.domain.reasons import Reason
from ledger.ports import Chain
from ledger.services import sending
from ledger.services.sending import Sender
from ledger.storage.database import open_database
from tests.integration.network import signers
from tests.integration.sending.node import Clock, Node, digest, open_node
from tests.integration.sending.steps import SteppedWork, Steps


class Killed(BaseException):
    """The process ends here: nothing catches this."""


@dataclass
class Fuse:
    """Ends the process at the n-th step."""

    at: int
    passed: int = 0

    def step(self) -> None:
        """Pass a point at which the process may end."""
        self.passed += 1
        if self.passed == self.at:
            raise Killed


def _stepping(node: Node, fuse: Fuse) -> Sender:
    chain: Chain = Steps(node.chain, fuse)  # type: ignore[assignment]  # answers whatever the chain answers
    return Sender(lambda: SteppedWork(node.database, fuse), chain, signers("wuhou"), node.clock)


def tell(node: Node) -> Counter[object]:
    """Give the node things to do; answers what the chain must say in the end."""
    for name in ("a", "b", "c"):
        node.anchor(name)
    node.revoke_nothing("refused", after="b")
    node.department("民政", 1)
    node.department("户籍", 2, after="a")
    node.endpoint("wuhou", after="a")
    node.endpoint("never", after="refused")
    return Counter(
        {
            digest("a"): 1,
            digest("b"): 1,
            digest("c"): 1,
            ("refused", 41, int(Reason.UNKNOWN_BATCH)): 1,
            "民政": 1,
            "户籍": 1,
            "https://wuhou.example": 1,
        }
    )


def _run_with_faults(node: Node, fuse: Fuse) -> bool:
    """Pass after pass until the process ends or all is done; whether it ended."""
    sender = _stepping(node, fuse)
    try:
        for _ in range(12):
            report = sending.run_once(sender)
            node.network.engine.run_once()
            if not report.waiting and not report.in_flight:
                return False
            node.clock.now += 400
    except Killed:
        return True
    raise AssertionError(report)


def check(node: Node, expected: Counter[object], *, others: int = 0) -> None:
    """Let the node finish, and hold the chain and the outbox to what was asked (and as many further batches)."""
    node.chain = node.network.gateway()
    node.run_until_idle()
    assert node.done_on_chain() == expected
    states = node.states()
    assert Counter(states.pop(name) for name in list(states) if name.startswith("more")) == Counter(
        {"done": others} if others else {}
    )
    assert states == {
        "a": "done",
        "b": "done",
        "c": "done",
        "refused": "refused",
        "民政": "done",
        "户籍": "done",
        "wuhou": "done",
        "never": "failed",
    }


@pytest.mark.parametrize(("mine", "stride"), [(True, 1), (False, 3)], ids=["mined at once", "mined later"])
def test_ending_at_every_step_in_turn(formed, tmp_path, mine, stride):
    folder, addresses = formed
    at, ended = 0, True
    while ended:
        at += stride
        node = open_node(tmp_path / f"{at}", folder, addresses, mine=mine)
        expected = tell(node)
        ended = _run_with_faults(node, Fuse(at))
        check(node, expected)
        node.close()
        shutil.rmtree(node.folder)
    # Every step of a run without faults has been one of those at which the process ended.
    assert at > 100


def test_ending_again_and_again_at_seeded_steps(formed, tmp_path):
    folder, addresses = formed
    choose = random.Random(20_260_302)  # noqa: S311  # which steps, not a secret
    ends = 0
    for number in range(12):
        node = open_node(tmp_path / f"{number}", folder, addresses, mine=bool(number % 2))
        expected = tell(node)
        while _run_with_faults(node, Fuse(choose.randrange(1, 90))):
            ends += 1
            if not number % 3:
                # The engine loses what it had not put into a block.
                for waiting in node.network.engine.pool.select(10**12):
                    node.network.engine.pool.refuse(waiting, "lost")
        check(node, expected)
        node.close()
    assert ends > 24


# ---- a backup of earlier ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("passes", [0, 1, 2], ids=["before anything", "after one pass", "after two"])
def test_a_database_restored_from_an_old_backup_repeats_nothing(formed, tmp_path, passes):
    folder, addresses = formed
    node = open_node(tmp_path / "node", folder, addresses, mine=True)
    expected = tell(node)
    for _ in range(passes):
        node.run()
        node.clock.now += 400
    node.database.close()
    shutil.copy(tmp_path / "node" / "node.db", tmp_path / "backup.db")
    node.database = open_database(tmp_path / "node" / "node.db")
    node.anchor("later", after="c")
    node.run_until_idle()
    node.database.close()

    restored = open_database(tmp_path / "backup.db")
    node.database = restored
    node.run_until_idle()
    assert node.done_on_chain() == expected + Counter({digest("later"): 1})
    assert Counter(node.states().values()) == Counter({"done": 6, "refused": 1, "failed": 1})
    # What is asked of the restored node anew is done anew, under nonces that are free.
    node.anchor("new")
    node.run_until_idle()
    assert node.done_on_chain()[digest("new")] == 1
    node.close()


def test_a_backup_with_a_signed_transaction_that_was_sent_since(formed, tmp_path):
    folder, addresses = formed
    node = open_node(tmp_path / "node", folder, addresses, mine=True)
    node.anchor("signed")
    node.anchor("with it")
    fuse = Fuse(10_000)
    sender = _stepping(node, fuse)
    reached: list[int] = []

    class Unsent(Steps):
        """Ends the process when the transaction is about to be sent."""

        def __getattr__(self, name: str) -> Callable[..., object]:
            if name == "send":
                reached.append(1)
                raise Killed
            return super().__getattr__(name)

    unsent: Chain = Unsent(node.chain, fuse)  # type: ignore[assignment]  # as above
    with pytest.raises(Killed):
        sending.run_once(Sender(sender.unit_of_work, unsent, sender.signers, sender.clock))
    assert reached
    node.database.close()
    shutil.copy(tmp_path / "node" / "node.db", tmp_path / "backup.db")
    node.database = open_database(tmp_path / "node" / "node.db")
    node.run_until_idle()
    node.anchor("later")
    node.run_until_idle()
    node.database.close()
    node.database = open_database(tmp_path / "backup.db")
    node.anchor("later")
    node.run_until_idle()
    assert node.done_on_chain() == Counter({digest("signed"): 1, digest("with it"): 1, digest("later"): 1})
    assert set(node.states().values()) == {"done"}
    node.close()


def test_a_new_outbox_does_not_read_the_whole_history_of_its_key(formed, tmp_path):
    """A database that is gone for good, and a key with a past: only as much is looked up as can matter."""
    folder, addresses = formed
    node = open_node(tmp_path / "node", folder, addresses, mine=True)
    clock = Clock(node.network.gateway().head().time)
    node.clock = clock
    for number in range(6):
        node.anchor(f"past {number}")
        node.run()
    node.database.close()
    (tmp_path / "node" / "node.db").unlink()
    for left in (tmp_path / "node").glob("node.db-*"):
        left.unlink()
    fresh = open_node(tmp_path / "fresh", folder, addresses)
    node.database = fresh.database
    clock.now += 3 * 86_400
    node.anchor("present")
    report = node.run()
    assert report.adopted == 1
    assert report.done == 1
    assert node.done_on_chain()[digest("present")] == 1
    node.network.close()
    fresh.close()
