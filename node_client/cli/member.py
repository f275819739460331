"""``tongban member``: the consortium's members, their votes and their keys."""

from __future__ import annotations

import hashlib
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from ledger.domain import divisions
from ledger.domain.calls import Fields
from ledger.domain.consortium import ContractKind, Level, ProposalKind
from ledger.errors import InputError
from ledger.services import consortium
from ledger.services.consortium import CandidateShown, VoteAsked
from ledger.settings import load_settings
from ledger.wire.sentences import Language, term
from node_client.cli import calendars, seat
from node_client.cli.files import read_file
from node_client.cli.labels import label
from node_client.cli.nodes import AsJson, NodeOption, NoWait, opened, settle
from node_client.cli.output import grid, language, say_json, screen
from node_client.rotation import prepare_rotation
from node_client.taking_over import finish_rotations

__all__ = ["add_to"]


class Motion(StrEnum):
    """What can be put to the vote from here."""

    admit = "admit"
    suspend = "suspend"
    resume = "resume"
    exclude = "exclude"
    generation = "generation"
    policy = "policy"
    voting = "voting"
    replace_administrator = "replace-administrator"


# What the contract takes only with the paper that it rests on.
_ON_A_BASIS = frozenset({Motion.exclude, Motion.policy})
_ABOUT_MEMBER = frozenset({Motion.suspend, Motion.resume, Motion.exclude, Motion.voting, Motion.replace_administrator})

_PROPOSE = (
    "tongban member propose suspend --node wuhou/ --member 4 · "
    "tongban member propose exclude --node wuhou/ --member 4 --document decision.pdf · "
    "tongban member propose voting --node wuhou/ --member 4 --not-voting · "
    "tongban member propose replace-administrator --node wuhou/ --member 4 --administrator 0x3d… · "
    "tongban member propose admit --node wuhou/ --division 510107 --level 6 --name 样本园区 --parent 1 --administrator 0x3d…"
)


def add_to(app: typer.Typer) -> None:
    """Add the group."""
    group = typer.Typer(help="联盟成员与表决 / members and votes", no_args_is_help=True)
    group.command("propose", epilog=_PROPOSE)(propose)
    group.command("vote", epilog="tongban member vote 3 --node wuhou/ --yes")(vote)
    group.command("list", epilog="tongban member list --node wuhou/")(show)
    group.command("rotate-key", epilog="tongban member rotate-key operate --node wuhou/")(rotate_key)
    seat.add_to(group)
    calendars.add_to(group)
    app.add_typer(group, name="member")


def propose(
    motion: Annotated[Motion, typer.Argument(help="提案种类 / what is put to the vote", show_default=False)],
    *,
    node: NodeOption,
    member: Annotated[int, typer.Option(min=0, help="涉及的成员 / the member concerned")] = 0,
    division: Annotated[int, typer.Option(min=0, help="新成员的区划代码 / the candidate's place code")] = 0,
    name: Annotated[str, typer.Option(help="新成员的名称 / the candidate's name")] = "",
    level: Annotated[int, typer.Option(min=1, max=8, help="新成员的级别 / the candidate's level")] = int(Level.CITY),
    parent: Annotated[
        int,
        typer.Option(
            min=0, help="新成员的上级成员，0 为无；下级成员没有表决权 / the candidate's parent, which speaks for it"
        ),
    ] = 0,
    administrator: Annotated[
        str, typer.Option(help="新成员的、或接替的管理密钥地址 / administrator key of the candidate, or the new one")
    ] = "",
    voting: Annotated[
        bool | None,
        typer.Option("--voting/--not-voting", help="是否有表决权 / whether it votes", show_default=False),
    ] = None,
    contract: Annotated[str, typer.Option(help="新合约的地址 / the new contract's address")] = "",
    kind: Annotated[str, typer.Option(help="catalogue、materials 或 cases / kind of the contract")] = "",
    document: Annotated[
        Path | None,
        typer.Option(help="依据文件，链上只登记它的指纹 / the paper it rests on; its digest goes on the chain"),
    ] = None,
    digest: Annotated[
        str, typer.Option(help="或直接写依据文件的 SHA-256，64 位十六进制 / or that paper's SHA-256, 64 hex digits")
    ] = "",
    no_wait: NoWait = False,
    as_json: AsJson = False,
) -> None:
    """提出一项表决，由有表决权的成员三分之二通过。 / Put something to the vote; two thirds of the voting members pass it."""
    target, subject, admission = member, bytes(32), None
    if motion in _ABOUT_MEMBER and not member:
        raise InputError("member.which")
    if motion is Motion.generation:
        if kind.upper() not in ContractKind.__members__:
            raise InputError("member.kind")
        target, subject = int(ContractKind[kind.upper()]), bytes(12) + _hex(contract, 20)
    elif motion is Motion.policy:
        target = 0
    elif motion is Motion.voting:
        if voting is None:
            raise InputError("member.vote")
        subject = int(voting).to_bytes(32)
    elif motion is Motion.replace_administrator:
        subject = bytes(12) + _hex(administrator, 20)
    elif motion is Motion.admit:
        if not name or not division:
            raise InputError("member.candidate")
        divisions.division(f"{division:06d}")
        # The candidate stands in a list of its own, and this is its place there.
        target = 0
        admission = _candidate(division, level, parent, name, _hex(administrator, 20), voting=voting)
    basis = _hex(digest, 32) if digest else bytes(32)
    if document is not None:
        basis = hashlib.sha256(read_file(document)).digest()
    if motion in _ON_A_BASIS and basis == bytes(32):
        raise InputError("member.basis")
    asked = VoteAsked(ProposalKind[motion.name.upper()], target, subject, basis, admission)
    with opened(node) as city:
        intent = consortium.propose(city, asked)

        def number() -> dict[str, object]:
            with city.database.read() as connection:
                return {"proposal": consortium.open_vote(connection, asked, now=city.clock())}

        settle(city, [intent], no_wait=no_wait, as_json=as_json, then=number)


def vote(
    proposal: Annotated[int, typer.Argument(min=0, help="提案编号 / number of the proposal", show_default=False)],
    *,
    node: NodeOption,
    yes: Annotated[bool, typer.Option("--yes/--no", help="赞成或反对 / for or against", show_default=False)],
    no_wait: NoWait = False,
    as_json: AsJson = False,
) -> None:
    """投票；投出后不能更改。 / Vote; a ballot cannot be changed."""
    with opened(node) as city:
        settle(city, [consortium.vote(city, proposal, approve=yes)], no_wait=no_wait, as_json=as_json)


def show(*, node: NodeOption, as_json: AsJson = False) -> None:
    """列出成员和进行中的表决。 / List the members and the votes under way."""
    lang = language()
    with opened(node) as city, city.database.read() as connection:
        members, proposals = consortium.members(connection), consortium.proposals(connection)
    if as_json:
        say_json(
            {
                "members": [
                    {
                        "member": one.member,
                        "division": one.division,
                        "name": one.name,
                        "level": one.level.name.lower(),
                        "parent": one.parent or None,
                        "status": one.status.name.lower(),
                        "voting": one.voting,
                        "administrator": one.administrator,
                        "url": one.url,
                    }
                    for one in members
                ],
                "proposals": [
                    {
                        "proposal": one.proposal,
                        "kind": one.kind.name.lower(),
                        "proposer": one.proposer,
                        "target": one.target,
                        "subject": one.subject.hex(),
                        "candidate": None if one.candidate is None else _candidate_document(one.candidate),
                        "approvals": one.approvals,
                        "rejections": one.rejections,
                        "needed": one.needed,
                        "closes": one.closes,
                        "passed": one.passed,
                    }
                    for one in proposals
                ],
            }
        )
        return
    table = grid(5)
    for one in members:
        under = label("under", parent=one.parent) if one.parent else label("no_vote")
        mark = "" if one.voting else under
        table.add_row(str(one.member), one.name, term("member_statuses", one.status.name, lang), mark, one.url)
    console = screen()
    console.print(table)
    for vote_ in proposals:
        state = label({None: "vote_open", True: "vote_passed", False: "vote_failed"}[vote_.passed])
        about = _about(vote_.kind, vote_.target, lang)
        console.print(f"#{vote_.proposal} {about}: {vote_.approvals}/{vote_.needed} {state}")
        who = vote_.candidate
        if who is not None and vote_.passed is None:
            mark = "" if who.voting else f"  {label('no_vote')}"
            console.print(f"   {who.division} {who.name}  {term('levels', who.level.name, lang)}{mark}")
            console.print(f"   {who.administrator}", style="dim")


def rotate_key(
    role: Annotated[
        str,
        typer.Argument(
            help="密钥的用途：operate、witness、witness-2、issue、regulate / the key's role", show_default=False
        ),
    ],
    *,
    node: NodeOption,
    no_wait: NoWait = False,
    as_json: AsJson = False,
) -> None:
    """更换一把链上密钥；中断后重新执行即可继续。 / Replace a chain key; run it again if it was cut short."""
    settings = load_settings(node)
    with opened(node) as city:
        change = prepare_rotation(settings, role)
        intent = consortium.set_keys(city, change.address, change.roles, previous=change.previous)
        settle(city, [intent], no_wait=no_wait, as_json=as_json, address=change.address)
        # Only when the chain knows it is the new key the node's: until then the old one goes on working.
        with city.database.read() as connection:
            finish_rotations(settings.path("keys"), connection, city.member)


def _candidate_document(who: CandidateShown) -> dict[str, object]:
    return {
        "division": who.division,
        "name": who.name,
        "level": who.level.name.lower(),
        "parent": who.parent or None,
        "voting": who.voting,
        "administrator": who.administrator,
    }


def _about(kind: ProposalKind, target: int, lang: Language) -> str:
    """What is put to the vote, and about which member or sort of contract; a candidate and a policy have no number."""
    said = term("proposal_kinds", kind.name, lang)
    if kind is ProposalKind.GENERATION:
        return f"{said} {term('contract_kinds', ContractKind(target).name, lang)}"
    return said if kind in {ProposalKind.ADMIT, ProposalKind.POLICY} else f"{said} {target}"


def _candidate(
    division: int, level: int, parent: int, name: str, administrator: bytes, *, voting: bool | None
) -> Fields:
    return {
        "division": division,
        "level": level,
        "parent": parent,
        # Sub-members speak through their parent.
        "voting": parent == 0 if voting is None else voting,
        "name": name,
        "administrator": f"0x{administrator.hex()}",
    }


def _hex(text: str, size: int) -> bytes:
    try:
        raw = bytes.fromhex(text.removeprefix("0x"))
    except ValueError:
        raw = b""
    if len(raw) != size:
        raise InputError("member.hex", bytes=size)
    return raw
