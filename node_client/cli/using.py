"""``tongban consent use`` and ``duty``: putting a reading on the record, under a consent or under a statutory duty."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated

import typer

from ledger.domain.consortium import ContractKind
from ledger.domain.leaves import read_leaf
from ledger.errors import InputError, NotFoundError
from ledger.projections.subjects import SubjectKind
from ledger.services import duties, lookups, releasing
from ledger.services.consents import LeafShown
from ledger.services.context import Node
from ledger.services.registry import current_contract
from ledger.wire.consents import new_disclosed
from ledger.wire.grants import read_granted
from node_client.cli.files import read_file
from node_client.cli.nodes import AsJson, NodeOption, NoWait, named, opened, settle
from node_client.cli.purposes import PurposeOption, purpose_of

__all__ = ["add_to", "fields_of_leaves"]

_LEAF = re.compile(r"([0-9:]+)=([^=]+)")
_DUTY = (
    "tongban consent duty --node mianyang/ --case 22ba… --lookup 5d1f… --leaf 1:17=name,address "
    "--provision 《住房公积金管理条例》第二十四条 --notice 当面告知"
)


def add_to(group: typer.Typer) -> None:
    """Add the commands to ``tongban consent``."""
    group.command("use", epilog="tongban consent use consent.json --node mianyang/")(use)
    group.command("duty", epilog=_DUTY)(duty)


def use(
    document: Annotated[Path, typer.Argument(help="授权文书 / the document of the consent", show_default=False)],
    *,
    node: NodeOption,
    case: Annotated[
        str, typer.Option(help="为哪个办件，不给为授权所写的办件 / for which case; none: the consent's")
    ] = "",
    no_wait: NoWait = False,
    as_json: AsJson = False,
) -> None:
    """凭授权使用：先在链上登记，保管城市随后交出材料，用 material received 查看。 / Use a consent: recorded first, then the custodian releases; see `material received`."""
    granted = read_granted(read_file(document))
    with opened(node) as city:
        name = named(city, SubjectKind.CASE, case) if case else granted.terms.case
        # Each time is a reading of its own, and counts as one.
        intent = f"use:{granted.digest.hex()[:32]}:{city.random(8).hex()}"
        settle(city, [releasing.use(city, granted, case=name, intent=intent)], no_wait=no_wait, as_json=as_json)


def duty(
    *,
    node: NodeOption,
    case: Annotated[str, typer.Option(help="办件编号 / the case", show_default=False)],
    leaf: Annotated[
        list[str], typer.Option(help="读哪些存证项的哪些栏目 batch:index=栏目,… / leaf and fields", show_default=False)
    ],
    provision: Annotated[str, typer.Option(help="法律条款 / the provision of law", show_default=False)],
    notice: Annotated[
        str,
        typer.Option(
            help="告知本人的内容和方式，封存在本市 / what the holder was told, sealed here", show_default=False
        ),
    ],
    lookup: Annotated[
        str,
        typer.Option(
            help="找到这些存证项的异地查询；本市材料不用填 / the look-up that found the leaves; none for own ones"
        ),
    ] = "",
    purpose: PurposeOption = "handle",
    no_wait: NoWait = False,
    as_json: AsJson = False,
) -> None:
    """依法定职责使用：写明法律条款并已告知本人，同样公开留痕。 / Read under a statutory duty: provision named, holder told, the same public trace."""
    what_for = purpose_of(purpose)
    wanted = fields_of_leaves(leaf)
    with opened(node) as city:
        name = named(city, SubjectKind.CASE, case)
        with city.database.read() as connection:
            contract = current_contract(connection, ContractKind.MATERIALS)
        shown = _shown(city, contract, sorted(wanted), lookup)
        intent = duties.use(
            city,
            contract,
            shown,
            new_disclosed(wanted, city.random),
            case=name,
            purpose=what_for,
            provision=provision,
            notice=notice,
            intent=f"duty:{name.hex()[:32]}:{city.random(8).hex()}",
        )
        settle(city, [intent], no_wait=no_wait, as_json=as_json)


def fields_of_leaves(texts: Iterable[str]) -> dict[int, tuple[str, ...]]:
    """Read which fields of which leaves are meant, each text ``batch:index=field,…``.

    Raises:
        InputError: ``consent.form``, ``leaves.place``.
    """
    found = [_LEAF.fullmatch(text) for text in texts]
    if not all(found):
        raise InputError("consent.form")
    return {read_leaf(one[1]): tuple(one[2].split(",")) for one in found if one is not None}


def _shown(city: Node, contract: str, leaves: list[int], lookup: str) -> list[LeafShown]:
    """Return the leaves as the contract wants to see them: from a look-up's answer, or from this city's own batches."""
    if not lookup:
        own = {leaf: releasing.own_leaf(city, city.keys.open, contract, leaf) for leaf in leaves}
        return [LeafShown(leaf, item.entry, item.proof) for leaf, item in own.items()]
    answer = lookups.read(city, named(city, SubjectKind.LOOKUP, lookup))
    told = {each.leaf: each for item in answer.materials if item.contract == contract for each in item.leaves}
    if not set(leaves) <= set(told):
        raise NotFoundError("lookups.no_leaf")
    return [LeafShown(leaf, told[leaf].entry, told[leaf].proof) for leaf in leaves]
