"""What a holder reads before signing, in plain words; and what is said once it is signed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

import typer

from ledger.domain.cases import Action, Channel, Mode, Satisfaction
from ledger.domain.consents import Purpose
from ledger.domain.divisions import english_name
from ledger.wire.case_documents import CaseDocument, City
from ledger.wire.grants import GrantedConsent
from ledger.wire.sentences import Language, term
from ledger.wire.traces import china_time
from node_client.cli.labels import label, type_name
from node_client.cli.output import good, grid, say_json, screen, visible

__all__ = ["agreed", "say_signed", "show_case", "show_consent", "signed_name"]


def show_case(document: CaseDocument, lang: Language) -> None:
    """Show what a case's document asks the applicant to sign: everything but random numbers and fingerprints."""
    shown, action = document.shown, document.action
    rows = [
        ("sign_act", _act(document, lang)),
        ("sign_matter", f"{shown.zh if lang == 'zh' else shown.en}  {shown.matter}"),
    ]
    if action is None:
        cities = {city.member: city for city in shown.cities}
        rows += [
            ("sign_receiving", _city(cities[document.number("receiving")], lang)),
            ("sign_handling", _city(cities[document.number("handling")], lang)),
            ("sign_mode", term("modes", Mode(document.number("mode")).name, lang)),
        ]
        if any(document.octets("parent")):
            rows.append(("sign_parent", document.octets("parent").hex()))
        if shown.asked:
            rows.append(("sign_asked", _listed((zh if lang == "zh" else en for zh, en in shown.asked), lang)))
    else:
        rows.append(("sign_cities", _listed((_city(city, lang) for city in shown.cities), lang)))
    rows += [
        ("sign_words", shown.words or label("sign_no_words")),
        ("sign_case", document.case.hex()),
        ("sign_until", china_time(shown.expires)[:16].replace("T", " ")),
    ]
    console = screen(stderr=True)
    console.print(label("sign_head"))
    table = grid(2)
    for name, text in rows:
        table.add_row(f"  {label(name)}", text)
    console.print(table)
    if action is None:
        console.print(label("sign_opens"))
    elif action is Action.WITHDRAW:
        console.print(label("sign_withdraws"))


def show_consent(
    granted: GrantedConsent, own: Mapping[int, str], lang: Language, cities: Mapping[int, City], matter: str
) -> None:
    """Show a consent: the holder's own materials by name and field, how many are others', who may read until when.

    Args:
        granted: the consent.
        own: the leaves that this holder signs for, each with its type of material.
        lang: in which language.
        cities: the members by their numbers, where a node is at hand that knows their names.
        matter: what the case is about, where a node is at hand that knows it.
    """
    console = screen(stderr=True)
    terms = granted.terms
    console.print(label("sign_consent"))
    console.print(label("case", name=f"{matter}  {terms.case.hex()}".strip()))
    console.print(label("purpose", name=term("purposes", Purpose(terms.purpose).name, lang)))
    for leaf in terms.leaves:
        if leaf not in own:
            continue
        opened = _listed((_field(field, lang) for field in granted.disclosed.fields(leaf)), lang)
        console.print(label("sign_opened", name=type_name(own[leaf]), fields=opened))
    if len(own) < len(terms.leaves):
        console.print(label("sign_others", count=len(terms.leaves) - len(own)))
    for grantee in terms.grantees:
        city = cities.get(grantee.member)
        who = label("member", number=grantee.member) if city is None else _city(city, lang)
        console.print(label("reads", who=who, uses=grantee.uses))
    console.print(label("until_or_taken_back", day=china_time(terms.valid_until)[:10]))


def agreed() -> None:
    """Ask whether to sign; a no ends the command, and nothing was written."""
    if not typer.confirm(label("ask_agree"), err=True):
        screen(stderr=True).print(label("not_signed"))
        raise typer.Exit(1)


def say_signed(path: Path, command: str, facts: Mapping[str, object], *, others: int = 0, as_json: bool) -> None:
    """Say where the signed document is and what to do with it."""
    if as_json:
        say_json({**facts, "document": str(path)})
        return
    # A command is copied as one line, however narrow the screen.
    console = screen(soft_wrap=True)
    console.print(good(label("signed", file=path.name)))
    if others:
        console.print(label("signed_part", count=others))
    option = "" if command == "consent grant" else "--document "
    console.print(label("signed_next", command=f"tongban {command} {option}{path.name}"))


def signed_name(path: Path) -> Path:
    """Return where a signed document goes if nothing else was said: ``open.json`` becomes ``open.signed.json``."""
    return path.with_name(f"{path.stem}.signed{path.suffix}")


def _act(document: CaseDocument, lang: Language) -> str:
    action = document.action
    if action is None:
        return label("sign_open")
    said = term("actions", action.name, lang)
    detail = document.number("detail")
    if action is Action.RATE:
        return f"{said}: {term('satisfactions', Satisfaction(detail).name, lang)}"
    if action is Action.SIGN_DELIVERY and detail in tuple(Channel):
        return f"{said}: {term('channels', Channel(detail).name, lang)}"
    return said


def _city(city: City, lang: Language) -> str:
    name = city.name if lang == "zh" else english_name(city.division) or city.name
    return label("sign_city", name=name, number=city.member)


def _field(name: str, lang: Language) -> str:
    """A field of a paper, or one of its files, as people call it."""
    kind, _, number = name.partition(".")
    if kind == "file" and number.isdecimal():
        return label("paper_file", number=int(number) + 1)
    # Whoever wrote the consent chose the names.
    return visible(term("material_fields", name, lang))


def _listed(names: Iterable[str], lang: Language) -> str:
    return ("、" if lang == "zh" else "; ").join(names)
