"""``tongban member join``, ``department`` and ``recover``: what a member says of itself."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import typer

from ledger.errors import SetupError
from ledger.services import consortium
from ledger.settings import load_settings
from node_client.cli.nodes import AsJson, NodeOption, NoWait, opened, settle
from node_client.keys import open_key_ring, read_passphrase
from node_client.rotation import prepare_recovery
from node_client.seating import seat

__all__ = ["add_to"]


class Recovering(StrEnum):
    """The steps of replacing a lost administrator key."""

    start = "start"
    finish = "finish"
    object = "object"


def add_to(group: typer.Typer) -> None:
    """Add the commands to ``tongban member``."""
    group.command("join", epilog="tongban member join --node wuhou/")(join)
    group.command("department", epilog="tongban member department 2 武侯区住房公积金管理部 --node wuhou/")(department)
    group.command("recover", epilog="tongban member recover start --node wuhou/")(recover)


def join(*, node: NodeOption, no_wait: NoWait = False, as_json: AsJson = False) -> None:
    """表决通过后入座：确认密钥，公布服务密钥和地址。 / Take the seat after the vote: keys, service keys, address."""
    settings = load_settings(node)
    if not settings.public_url:
        raise SetupError("member.no_url")
    ring = open_key_ring(settings.path("keys"), read_passphrase(settings.path(settings.passphrase_file)))
    with opened(node) as city:
        intents = seat(city, ring, settings.public_url, publisher=settings.publisher)
        settle(city, intents, no_wait=no_wait, as_json=as_json)


def department(
    number: Annotated[int, typer.Argument(min=1, help="承办单位编号 / its number", show_default=False)],
    name: Annotated[str, typer.Argument(help="名称，公开 / its name, published", show_default=False)],
    *,
    node: NodeOption,
    closed: Annotated[bool, typer.Option("--closed", help="撤销 / closed")] = False,
    no_wait: NoWait = False,
    as_json: AsJson = False,
) -> None:
    """登记或撤销承办单位。 / List an implementing body, or close it."""
    with opened(node) as city:
        settle(
            city, consortium.set_departments(city, {number: name}, active=not closed), no_wait=no_wait, as_json=as_json
        )


def recover(
    step: Annotated[
        Recovering,
        typer.Argument(
            help="开始、满七日后完成、或用仍在手的管理密钥反对 / begin, finish after seven days, or object with the key itself",
            show_default=False,
        ),
    ],
    *,
    node: NodeOption,
    no_wait: NoWait = False,
    as_json: AsJson = False,
) -> None:
    """管理密钥遗失时，用离线保管的恢复密钥换新。 / Replace a lost administrator key by the recovery key kept off line."""
    settings = load_settings(node)
    with opened(node) as city:
        if step is Recovering.object:
            intent = consortium.object_recovery(city)
        else:
            # Finishing needs the key that will take over as much as beginning does.
            address = prepare_recovery(settings)
            starting = step is Recovering.start
            intent = consortium.start_recovery(city, address) if starting else consortium.finish_recovery(city)
        settle(city, [intent], no_wait=no_wait, as_json=as_json)
