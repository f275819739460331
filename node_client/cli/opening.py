"""``tongban case open``: a submission signed by keys that a city keeps, before a window, or by the applicant elsewhere."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated

import typer

from ledger.domain.cases import Mode
from ledger.domain.catalogue import MatterCode
from ledger.domain.consortium import ContractKind
from ledger.errors import InputError
from ledger.projections.subjects import SubjectKind
from ledger.services import attending, case_documents, cases, custody, holders
from ledger.services.context import Node
from ledger.services.registry import current_contract
from ledger.wire.papers import SealedPaper
from node_client.cli import documents
from node_client.cli.case_steps import Window, Words
from node_client.cli.documents import Days, Document, Prepare
from node_client.cli.identities import PinFile, read_pin
from node_client.cli.nodes import AsJson, NodeOption, NoWait, named, opened, settle

__all__ = ["EXAMPLES", "open_"]

_OPEN = "tongban case open --node wuhou/ --matter local:tongban:… --handling 3"
EXAMPLES = (
    f"{_OPEN} --person 3f… · {_OPEN} --case-key 0x… --prepare open.json · "
    "tongban case open --node wuhou/ --document signed.json"
)
_ADDRESS = re.compile(r"0x[0-9a-fA-F]{40}")


def open_(
    *,
    node: NodeOption,
    matter: Annotated[str, typer.Option(help="事项编码 / the matter's code", show_default=False)] = "",
    handling: Annotated[
        int, typer.Option(min=0, help="办理地成员编号 / the member that decides", show_default=False)
    ] = 0,
    person: Annotated[
        str, typer.Option(help="密钥由城市保管的申请人 / applicant whose keys a city keeps", show_default=False)
    ] = "",
    case_key: Annotated[
        str,
        typer.Option(
            help="申请人自己保管密钥时，用于本办件的地址（holder case-key 所示），配合 --prepare / the applicant's own address for this case, as `holder case-key` prints it; with --prepare",
            show_default=False,
        ),
    ] = "",
    mode: Annotated[
        str, typer.Option(help="办理方式：fully_online、received_here、authorised_here、joint / mode of handling")
    ] = "received_here",
    receiving: Annotated[int, typer.Option(min=0, help="收件地，0 为本市 / receiving member, 0 this one")] = 0,
    parent: Annotated[
        str, typer.Option(help="联办的主办件，分办件沿用其密钥 / parent of a joint case, whose key its parts share")
    ] = "",
    home: Annotated[
        int,
        typer.Option(
            min=0,
            help="密钥由哪个城市保管，0 为本市；外地的须 --window / who keeps the key, 0 this city; elsewhere: --window",
        ),
    ] = 0,
    words: Words = "",
    pin_file: PinFile = None,
    window: Window = False,
    prepare: Prepare = None,
    document: Document = None,
    days: Days = documents.DAYS,
    no_wait: NoWait = False,
    as_json: AsJson = False,
) -> None:
    """提交申请：密钥由城市保管的当场签署；自己保管的，用 --prepare 写出、本人签署、再用 --document 提交。 / Submit a case: signed here with keys in custody, or written with --prepare, signed by the applicant and filed with --document."""
    documents.require_one_way(prepare, document, person or window or home)
    if document is not None:
        _filed(node, document, no_wait=no_wait, as_json=as_json)
        return
    # A part of a joint case has the joint case's key.
    if prepare is not None and not parent:
        documents.require(case_key=case_key)
    elif not parent:
        documents.require(person=person)
    documents.require(matter=matter, handling=handling)
    if home and not window:
        raise InputError("case.home")
    if mode.upper() not in Mode.__members__:
        raise InputError("case.mode")
    way, code = Mode[mode.upper()], MatterCode(matter)
    with opened(node) as city:
        first = receiving or city.member
        upper, shared = _joint(city, parent) if parent else (bytes(32), "")
        if prepare is not None:
            own = case_key or shared
            if not _ADDRESS.fullmatch(own):
                raise InputError("signing.key")
            expires, offset = documents.until(city, days)
            written = case_documents.prepare_submission(
                city, case_key=own.lower(), receiving=first, handling=handling, matter=code, mode=way,
                parent=upper, words=words, expires=expires, clock_offset=offset,
            )  # fmt: skip
            documents.write(prepare, written, as_json=as_json)
            return
        keeper = home or city.member
        paper = cases.seal_for(city, [first, handling], "submission", {"matter": matter, "words": words})
        submission = case_documents.draft(
            city, paper, case_key=shared or attending.case_key(city, keeper, person), receiving=first, handling=handling,
            matter=code.id, mode=way, parent=upper,
        )  # fmt: skip
        case, intent = _signed_here(city, submission, paper, keeper, pin_file, window=window)
        settle(city, [intent], no_wait=no_wait, as_json=as_json, case=case.hex())


def _joint(city: Node, parent: str) -> tuple[bytes, str]:
    """The joint case and the address of its key."""
    case = named(city, SubjectKind.CASE, parent)
    with city.database.read() as connection:
        return case, cases.key_of(connection, case)


def _filed(node: Path, document: Path, *, no_wait: bool, as_json: bool) -> None:
    with opened(node) as city:
        case, intent = documents.filed(city, document, None)
        settle(city, [intent], no_wait=no_wait, as_json=as_json, case=case.hex())


def _signed_here(
    city: Node, submission: cases.Submission, paper: SealedPaper, keeper: int, pin_file: Path | None, *, window: bool
) -> tuple[bytes, str]:
    """Sign with a key in a city's custody, on the personal number or before two witnesses of this window."""
    with city.database.read() as connection:
        contract = current_contract(connection, ContractKind.CASES)
    digest = cases.submission_digest(city, contract, submission)
    if not window:
        signature = holders.sign_case(city, submission.case_key, digest, read_pin(pin_file))
        return cases.open_case(city, contract, submission, signature)
    case = submission.case(city.chain_id, contract)
    seen = cases.witnessed_act(city, contract, case, 0, paper=paper)
    witnesses = attending.both_witnesses(city, seen)
    stated = attending.both_witnesses(city, custody.statement(city, submission.case_key, digest))
    signature = attending.case_signature(city, keeper, submission.case_key, digest, stated)
    return cases.open_case(city, contract, submission, signature, attending=city.member, witnesses=witnesses)
