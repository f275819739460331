"""``tongban consent grant``: one consent out of its holders' parts, and what keys in custody here still have to sign."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from ledger.errors import ConflictError, NotFoundError
from ledger.services import consents, holders, materials, releasing
from ledger.services.consents import LeafShown
from ledger.services.context import Node
from ledger.wire import consent_parts
from ledger.wire.consent_parts import read_consent_part
from ledger.wire.grants import GrantedConsent, read_granted
from ledger.wire.strict import is_kind
from node_client.cli.files import read_file, write_file
from node_client.cli.identities import PinFile, read_pin
from node_client.cli.nodes import AsJson, NodeOption, NoWait, opened, settle

__all__ = ["grant"]


def grant(
    documents: Annotated[
        list[Path],
        typer.Argument(
            help="授权文书；几位持有人各自签好的文书一并写上 / the consent's document, or the documents that its holders signed, all of them",
            show_default=False,
        ),
    ],
    *,
    node: NodeOption,
    pin_file: PinFile = None,
    to: Annotated[
        Path | None, typer.Option(help="把带签名的授权文书存为文件，交给可读取的城市 / keep the signed document")
    ] = None,
    no_wait: NoWait = False,
    as_json: AsJson = False,
) -> None:
    """提交授权：各持有人签好的文书合并转交；密钥在本市保管的，凭本人密码签署。 / Relay a consent: its holders' documents go together, keys in custody sign here."""
    granted, signed = _together(documents)
    with opened(node) as city:
        if granted.chain_id != city.chain_id:
            raise ConflictError("signing.other_chain")
        with city.database.read() as connection:
            if not all(consents.stands_in_batch(connection, granted.contract, each) for each in signed.values()):
                raise ConflictError("consents.part_leaf")
        kept = {} if granted.signatures else _kept_here(city, granted, set(signed))
        missing = set(granted.terms.leaves) - set(signed) - set(kept)
        if missing and not granted.signatures:
            raise ConflictError("consents.parts_missing", count=len(missing))
        shown = [
            signed.get(leaf) or _signed(city, granted, leaf, number, kept, pin_file)
            for number, leaf in enumerate(granted.terms.leaves)
        ]
        intent = consents.grant(city, granted.contract, granted.terms, shown)
        if to is not None:
            write_file(to, [replace(granted, signatures=tuple(leaf.signature for leaf in shown)).encode()])
        settle(city, [intent], no_wait=no_wait, as_json=as_json, consent=granted.digest.hex())


def _together(paths: Sequence[Path]) -> tuple[GrantedConsent, dict[int, LeafShown]]:
    """Return the consent that all documents are of, and the leaves that their holders signed for."""
    found: list[GrantedConsent] = []
    signed: dict[int, LeafShown] = {}
    for path in paths:
        data = read_file(path)
        if is_kind(data, consent_parts.FORMAT):
            part = read_consent_part(data)
            found.append(part.consent)
            signed |= {each.leaf: LeafShown(each.leaf, each.entry, each.path, each.signature) for each in part.leaves}
        else:
            found.append(read_granted(data))
    if len({granted.digest for granted in found}) != 1:
        raise ConflictError("consents.parts_differ")
    # One that carries all signatures says as much as its parts.
    return max(found, key=lambda granted: len(granted.signatures)), signed


def _kept_here(city: Node, granted: GrantedConsent, signed: set[int]) -> dict[int, str]:
    """Return the leaves that nobody signed for and whose keys this city keeps, with their materials."""
    found = {}
    for leaf in sorted(set(granted.terms.leaves) - signed):
        try:
            with city.database.read() as connection:
                material = materials.material_of(connection, granted.contract, leaf)
            holders.keeper_of(city, material, leaf)
        except NotFoundError:
            # Another city's leaf, or one whose holder keeps the key alone.
            continue
        found[leaf] = material
    return found


def _signed(
    city: Node, granted: GrantedConsent, leaf: int, number: int, kept: dict[int, str], pin_file: Path | None
) -> LeafShown:
    if granted.signatures:
        own = releasing.own_leaf(city, city.keys.open, granted.contract, leaf)
        return LeafShown(leaf, own.entry, own.proof, granted.signatures[number])
    material = kept[leaf]
    signature = holders.sign_leaf(city, material, leaf, granted.digest, read_pin(pin_file))
    return holders.show_leaf(city, material, leaf, signature)
