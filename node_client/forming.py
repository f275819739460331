"""Forming a pilot's consortium: deployed by nobody's authority, confirmed and voted by its members' own keys.

Every act goes through a member's own node, as it would in a network of real cities: what is written here only says who
does what and waits. What is done already is left as it is, so forming can be cut anywhere and begun again.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager

from sqlalchemy import select

from ledger.bootstrap import opened_node
from ledger.chain.deployment import contract_address, deploy, deploy_consortium
from ledger.chain.gateway import Gateway
from ledger.domain.case_tables import tables
from ledger.domain.consortium import ContractKind, ProposalKind
from ledger.errors import InputError, UnavailableError
from ledger.services import consortium
from ledger.services.calendars import notice_calendar, post_calendars
from ledger.services.consortium import ProposalShown, VoteAsked
from ledger.services.context import Node
from ledger.settings import load_settings
from ledger.storage.tables import consortium as picture
from node_client.networks import MemberPlan, Network, founders
from node_client.peers import ways_to_others
from node_client.seating import seat
from node_client.supervising import NetworkProcesses
from node_client.waiting import done

__all__ = ["form", "opened_nodes"]

_KINDS = (ContractKind.CATALOGUE, ContractKind.MATERIALS, ContractKind.CASES)
# The years whose notices a regulator posts are those from the network's first on for which a notice is known.
_YEARS = 3
_DEPLOY_SECONDS = 60.0
# The one department that each city's window has until it lists its own.
_DEPARTMENT = 1


def form(network: Network, processes: NetworkProcesses, *, say: Callable[[str], None]) -> None:
    """Start a network's processes and bring its consortium to where it can work.

    Args:
        network: the folder.
        processes: started here: first the engine, then, once the consortium's contract stands, the nodes.
        say: tells a person what is being done.

    Raises:
        SetupError: ``processes.…``.
        UnavailableError: something takes too long; beginning again goes on from there.
    """
    processes.start_engine()
    gateway = Gateway.connect([network.rpc_url], network.consortium)
    try:
        _deploy(network, gateway, say)
    finally:
        gateway.close()
    say("启动六个节点…… / starting the nodes …")
    processes.start_nodes()
    with opened_nodes(network) as nodes:
        _confirm(network, nodes, say)
        _register(network, nodes, say)
        _post_calendars(network, nodes)


@contextmanager
def opened_nodes(network: Network, *, connected: bool = False) -> Iterator[dict[str, Node]]:
    """Open every member's node as a clerk's command does: the daemon keeps the keys.

    Args:
        network: the folder.
        connected: whether they have their ways to one another.
    """
    with ExitStack() as stack:
        nodes = {}
        for member in network.members:
            settings = load_settings(network.node_folder(member.division))
            peers = ways_to_others(settings) if connected else None
            nodes[member.division] = stack.enter_context(opened_node(settings, peers=peers))
        yield nodes


def _deploy(network: Network, gateway: Gateway, say: Callable[[str], None]) -> None:
    """Deploy what is missing; each contract's place follows from the number of its transaction."""
    signer = network.deployer()
    count = gateway.nonce(signer.address)
    if count == 0:
        say("部署合约…… / deploying the contracts …")
        deploy_consortium(
            gateway,
            signer,
            name=network.name,
            status_epoch=network.status_epoch,
            clock_offset=network.clock_offset,
            founders=founders(network),
            wait=_patience(),
        )
    for kind in _KINDS[max(0, count - 1) :]:
        arguments: Sequence[object] = tables() if kind is ContractKind.CASES else ()
        deploy(gateway, signer, kind.name.lower(), network.consortium, *arguments, wait=_patience())


def _confirm(network: Network, nodes: Mapping[str, Node], say: Callable[[str], None]) -> None:
    """Let each member take its seat, publish its public keys and its address, and list its department."""
    say("各成员确认、公布密钥…… / members confirm and publish their keys …")
    waiting: list[tuple[Node, str]] = []
    for member in network.members:
        node, settings = nodes[member.division], load_settings(network.node_folder(member.division))
        taken = seat(node, network.ring(member.division), settings.public_url, publisher=member.publisher)
        waiting.extend((node, intent) for intent in taken)
    for node, intent in waiting:
        done(node, [intent])
    _departments(network, nodes)


def _departments(network: Network, nodes: Mapping[str, Node]) -> None:
    waiting = []
    for member in network.members:
        if not member.regulator:
            node = nodes[member.division]
            bodies = {_DEPARTMENT: f"{member.name}政务服务中心"}
            waiting.append((node, consortium.set_departments(node, bodies)))
    for node, intents in waiting:
        done(node, intents)


def _register(network: Network, nodes: Mapping[str, Node], say: Callable[[str], None]) -> None:
    """Let the members vote the three contracts in; the first city proposes."""
    voters = [member for member in network.members if member.voting]
    first = nodes[voters[0].division]
    deployer = network.deployer().address
    for place, kind in enumerate(_KINDS, start=1):
        address = contract_address(deployer, place)
        if _registered(first, address):
            continue
        say(f"成员表决：启用 {kind.name.lower()} 合约…… / voting the contract {kind.name.lower()} in …")
        subject = bytes(12) + bytes.fromhex(address[2:])
        intent = consortium.propose(first, VoteAsked(ProposalKind.GENERATION, target=int(kind), subject=subject))
        done(first, [intent])
        proposal = _proposal(first, subject)
        # As many as decide: whoever came after the deciding vote would be refused.
        deciding = [nodes[voter.division] for voter in voters[: proposal.needed]]
        ballots = [(node, consortium.vote(node, proposal.proposal, approve=True)) for node in deciding]
        for node, ballot in ballots:
            done(node, [ballot])


def _post_calendars(network: Network, nodes: Mapping[str, Node]) -> None:
    regulator: MemberPlan = next(member for member in network.members if member.regulator)
    node = nodes[regulator.division]
    first = time.gmtime(node.clock()).tm_year
    known = []
    for year in range(first - 1, first + _YEARS):
        try:
            known.append(notice_calendar(year))
        except InputError:
            # No notice for that year is out: the contract refuses what needs it.
            break
    done(node, post_calendars(node, known))


def _registered(node: Node, address: str) -> bool:
    table = picture.generations
    with node.database.read() as connection:
        return connection.execute(select(table.c.kind).where(table.c.contract == address)).first() is not None


def _proposal(node: Node, subject: bytes) -> ProposalShown:
    """The newest vote about something."""
    with node.database.read() as connection:
        return next(one for one in consortium.proposals(connection) if one.subject == subject)


def _patience() -> Callable[[], None]:
    deadline = time.monotonic() + _DEPLOY_SECONDS

    def wait() -> None:
        if time.monotonic() > deadline:
            raise UnavailableError("outcomes.slow", waiting=1)
        time.sleep(0.05)

    return wait
