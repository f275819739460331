"""``tongban case``: cases from the submission to what becomes of the decision, one command for each transition."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

import typer

from ledger.domain import canonical, workdays
from ledger.domain.cases import Mode, RecordKind, State, SupervisionStage
from ledger.domain.catalogue import MatterCode
from ledger.domain.consortium import ContractKind
from ledger.errors import FormatError, InputError
from ledger.projections.subjects import SubjectKind
from ledger.services import cases, catalogue, papers
from ledger.services.context import Node
from ledger.services.needs import needs as needs_of
from ledger.services.overview import CaseShown, case_shown, recent_cases
from ledger.services.registry import current_contract
from ledger.wire.case_documents import read_shown
from ledger.wire.sentences import Language, term
from ledger.wire.traces import china_time, days_text
from node_client.cli import case_steps, lookup, opening
from node_client.cli.case_steps import Id, Words, paper_for
from node_client.cli.labels import label
from node_client.cli.nodes import MOST, AsJson, Limit, NodeOption, NoWait, cities, named, opened, say_more, settle
from node_client.cli.output import GOOD, grid, language, say_json, screen, styled, visible

__all__ = ["add_to"]


def add_to(app: typer.Typer) -> None:
    """Add the group."""
    group = typer.Typer(help="办件 / cases", no_args_is_help=True)
    group.command("open", epilog=opening.EXAMPLES)(opening.open_)
    group.command("needs", epilog="tongban case needs --node wuhou/ --matter local:tongban:… --applicant 1c0f…")(needs)
    case_steps.add_to(group)
    group.command("settle", epilog="tongban case settle 22ba… --node wuhou/")(settle_claim)
    group.command("assent", epilog="tongban case assent 22ba… --node wuhou/")(assent)
    group.command("hand-over", epilog="tongban case hand-over 22ba… --node wuhou/ --to 3 --department 1")(hand_over)
    group.command("record", epilog="tongban case record 22ba… notice_given --node wuhou/ --words …")(record)
    group.command("supervise", epilog="tongban case supervise 22ba… issued --node province/ --words …")(supervise)
    group.command("show", epilog="tongban case show 22ba… --node wuhou/")(show)
    group.command("papers", epilog="tongban case papers 22ba… --node wuhou/")(papers_of)
    group.command("list", epilog="tongban case list --node wuhou/")(listed)
    lookup.add_to(group)
    app.add_typer(group, name="case")


def needs(
    *,
    node: NodeOption,
    matter: Annotated[str, typer.Option(help="事项编码 / the matter's code", show_default=False)],
    applicant: Annotated[
        list[str], typer.Option(help="申请人编号，可多个 / applicants' references", show_default=False)
    ],
    member: Annotated[int, typer.Option(min=0, help="办理地，0 为本市 / the member that decides")] = 0,
    as_json: AsJson = False,
) -> None:
    """列出事项需要的材料：哪些已有，哪些还缺。 / What a matter needs: what is there, what is missing."""
    lang = language()
    with opened(node) as city:
        entry, _ = catalogue.matter_document(city, member or city.member, MatterCode(matter).id)
        with city.database.read() as connection:
            found = needs_of(connection, entry, applicant, now=city.clock())
    if as_json:
        rows = [{"key": one.requirement.key, "served_by": list(one.served_by)} for one in found]
        say_json({"needs": rows, "missing": [one.requirement.key for one in found if not one.served_by]})
        return
    table = grid(3)
    for one in found:
        name = one.requirement.zh if lang == "zh" else one.requirement.en
        table.add_row(GOOD if one.served_by else styled((label("missing"), "yellow")), name, ", ".join(one.served_by))
    screen().print(table)


def _found(city: Node, case: str) -> tuple[bytes, str]:
    """A case and the contract in which it was opened, which may be of an earlier generation."""
    name = named(city, SubjectKind.CASE, case)
    with city.database.read() as connection:
        return name, cases.contract_of(connection, name)


def _taking_new(city: Node) -> str:
    """The contract that takes new cases now."""
    with city.database.read() as connection:
        return current_contract(connection, ContractKind.CASES)


def settle_claim(case: Id, *, node: NodeOption, no_wait: NoWait = False, as_json: AsJson = False) -> None:
    """确认无人反证的受理主张。 / Settle a claim that nobody rebutted."""
    with opened(node) as city:
        name, contract = _found(city, case)
        intent = cases.settle(city, contract, name, intent=f"settle:{name.hex()}:{city.random(4).hex()}")
        settle(city, [intent], no_wait=no_wait, as_json=as_json)


def assent(case: Id, *, node: NodeOption, words: Words = "", no_wait: NoWait = False, as_json: AsJson = False) -> None:
    """同意办理一件没有协议的办件（仅此一件）。 / Assent to one case that no agreement covers."""
    with opened(node) as city:
        paper = cases.seal_for(city, [], "assent", {"words": words})
        settle(
            city,
            [cases.assent(city, _taking_new(city), named(city, SubjectKind.CASE, case), paper)],
            no_wait=no_wait,
            as_json=as_json,
        )


def hand_over(
    case: Id,
    *,
    node: NodeOption,
    to: Annotated[int, typer.Option(min=1, help="接办成员 / to which member", show_default=False)],
    department: Annotated[int, typer.Option(min=0, help="接办部门 / its department", show_default=False)],
    no_wait: NoWait = False,
    as_json: AsJson = False,
) -> None:
    """移交给本办件的另一个承办单位。 / Hand over to another office of the case."""
    with opened(node) as city:
        name, contract = _found(city, case)
        intent = f"hand-over:{name.hex()[:32]}:{city.random(6).hex()}"
        cases.hand_over(city, contract, name, to_member=to, to_department=department, intent=intent)
        settle(city, [intent], no_wait=no_wait, as_json=as_json)


def record(
    case: Id,
    kind: Annotated[str, typer.Argument(help="记录种类，如 notice_given / kind", show_default=False)],
    *,
    node: NodeOption,
    words: Words = "",
    no_wait: NoWait = False,
    as_json: AsJson = False,
) -> None:
    """记录办理中的其他事项：函件、告知、邮寄、归档等。 / Record what a procedure needs besides its transitions."""
    if kind.upper() not in RecordKind.__members__:
        raise InputError("case.record", known=", ".join(one.name.lower() for one in RecordKind))
    with opened(node) as city:
        name, contract = _found(city, case)
        paper = paper_for(city, name, kind, words)
        settle(
            city,
            [cases.record(city, contract, name, RecordKind[kind.upper()], paper)],
            no_wait=no_wait,
            as_json=as_json,
        )


def supervise(
    case: Id,
    stage: Annotated[
        str, typer.Argument(help="阶段：issued 发出、answered 答复、settled 办结 / stage", show_default=False)
    ],
    *,
    node: NodeOption,
    order: Annotated[int, typer.Option(min=0, help="督办编号，新发为 0 / the order, 0 for a new one")] = 0,
    due: Annotated[
        datetime | None, typer.Option(formats=["%Y-%m-%d"], help="限期，最后一日 / the last day it may take")
    ] = None,
    words: Words = "",
    no_wait: NoWait = False,
    as_json: AsJson = False,
) -> None:
    """发出、答复或办结督办。 / Issue, answer or settle a supervision order."""
    if stage.upper() not in SupervisionStage.__members__:
        raise InputError("case.stage")
    with opened(node) as city:
        name, contract = _found(city, case)
        paper = paper_for(city, name, f"supervision-{stage}", words)
        until = 0 if due is None else workdays.day_end(workdays.day_number(due.date()))
        intent = cases.supervise(city, contract, name, SupervisionStage[stage.upper()], paper, order=order, due=until)
        settle(city, [intent], no_wait=no_wait, as_json=as_json)


def show(case: Id, *, node: NodeOption, as_json: AsJson = False) -> None:
    """显示办件的现状和时限；经过用 tongban trace 查看。 / Show a case as it stands; its history is `tongban trace`."""
    lang = language()
    with opened(node) as city:
        found, names = case_shown(city, case), cities(city)
    if as_json:
        say_json(_document(found))
        return
    console = screen()
    console.print(f"{found.case.hex()}")
    console.print(
        f"{term('states', State(found.state).name, lang)} · {term('modes', Mode(found.mode).name, lang)} · {found.code}"
    )
    console.print(label("case_cities", **{name: names.get(each, str(each)) for name, each in _offices(found)}))
    if found.days is not None:
        console.print(days_text(found.days, lang))


def _offices(found: CaseShown) -> tuple[tuple[str, int], ...]:
    return ("receiving", found.receiving), ("handling", found.handling)


def papers_of(case: Id, *, node: NodeOption, as_json: AsJson = False) -> None:
    """阅读办件里封存给本市的文书：申请、告知、补正说明。 / Read what was sealed to this city: submission, notices, corrections."""
    lang = language()
    with opened(node) as city:
        found = papers.read_case(city, named(city, SubjectKind.CASE, case))
    if as_json:
        say_json({"papers": [{"time": time, "kind": paper.kind, "body": paper.body} for time, paper in found]})
        return
    console = screen()
    for time, paper in found:
        console.print(styled((f"{china_time(time)[:19]}  ", "dim"), (_kind(paper.kind, lang), "bold")))
        for line in _body(paper.body, lang):
            console.print(f"  {line}")
    if not found:
        console.print(label("no_papers"))


def _body(body: canonical.JsonObject, lang: Language) -> list[str]:
    """What a paper says, line by line; what an applicant read and signed, as they read it."""
    try:
        shown = read_shown(body)
    except FormatError:
        # What others wrote: as it is, whatever it is.
        return [
            f"{term('paper_fields', name, lang)}: "
            f"{visible(value if isinstance(value, str) else canonical.encode(value).decode())}"
            for name, value in body.items()
            # Words that nobody wrote are no line.
            if value not in ("", None)
        ]
    cities = ("、" if lang == "zh" else ", ").join(f"{city.name} ({city.member})" for city in shown.cities)
    matter = f"{shown.zh if lang == 'zh' else shown.en} ({shown.matter})"
    return [visible(shown.words) or label("sign_no_words"), label("signed_by_holder", matter=matter, cities=cities)]


def _kind(kind: str, lang: Language) -> str:
    """A paper goes with a step of the case, a record, a supervision order, or is the submission."""
    name = kind.replace("-", "_")
    named_in = (
        ("actions", name),
        ("records", name),
        ("supervision_stages", name.removeprefix("supervision_")),
        ("paper_kinds", kind),
    )
    found = ((term(group, each, lang), each) for group, each in named_in)
    return next((said for said, each in found if said != each), kind)


def listed(
    *,
    node: NodeOption,
    limit: Limit = MOST,
    as_json: AsJson = False,
) -> None:
    """列出办件，最近有变化的在前。 / List the cases, those that changed last first."""
    lang = language()
    with opened(node) as city:
        found, names = recent_cases(city, limit + 1), cities(city)
        entries = catalogue.entries_here(city, {(one.handling, one.matter) for one in found})
    more = len(found) > limit
    if as_json:
        say_json({"cases": [_document(one) for one in found[:limit]], "more": more})
        return
    table = grid(5)
    for one in found[:limit]:
        entry = entries.get((one.handling, one.matter))
        table.add_row(
            one.case.hex()[:16],
            term("states", State(one.state).name, lang),
            " → ".join(dict.fromkeys(names.get(member, str(member)) for member in (one.receiving, one.handling))),
            china_time(one.changed_at)[:16],
            one.code if entry is None else entry.zh if lang == "zh" else entry.en,
        )
    screen().print(table if found else label("no_cases"))
    say_more(more=more, limit=limit)


def _document(case: CaseShown) -> dict[str, object]:
    return {
        "case": case.case.hex(),
        "state": State(case.state).name.lower(),
        "mode": Mode(case.mode).name.lower(),
        "receiving": case.receiving,
        "handling": case.handling,
        "office": case.office,
        "matter": case.code or case.matter.hex(),
        "sequence": case.sequence,
        "opened_at": china_time(case.opened_at),
        "changed_at": china_time(case.changed_at),
        "limit": None if case.days is None else days_text(case.days, language()),
    }
