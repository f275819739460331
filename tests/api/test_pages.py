"""The node's status page: where the chain is and where this node, what waits, and what each member last did."""

from __future__ import annotations

import dataclasses
import html
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from api.app import create_app
from api.pages.rendering import PACKAGE
from ledger.domain import canonical
from ledger.domain.consortium import Level
from ledger.domain.events import MatterPublished, MemberListed
from ledger.domain.operations import Operation
from ledger.ports import Head
from ledger.services import health
from ledger.storage import outbox
from ledger.storage.outbox import Intent
from node_client.pilot.catalogue import LOAN, matter_id, matters
from tests.api.site import CASE, CATALOGUE, Served, opened, serve
from tests.integration.services.cities import CASES, CONSORTIUM


@pytest.fixture
def served(tmp_path: Path) -> Iterator[Served]:
    with serve(tmp_path) as found:
        yield found


def text(served: Served, lang: str) -> str:
    """The page's words without its marks."""
    page = TestClient(create_app(served.site)).get(f"/?lang={lang}").text
    return re.sub(r"\s+", " ", html.unescape(re.sub(r"<[^>]+>", " ", page)))


def test_the_chains_head_stands_beside_the_nodes_own_block(served):
    block = served.cities.block
    assert f"链上最新区块 {block} 已读到区块 {block} 已追上" in text(served, "zh")
    assert f"Newest block {block} Read up to {block} caught up" in text(served, "en")
    head = Head(block + 40, bytes(32), 0, block + 38)
    health.note_head(served.site.node, head, memory=health.Noted())
    told = text(served, "zh")
    assert f"链上最新区块 {block + 40} 已确认到区块 {block + 38} 已读到区块 {block} 还差 38 个" in told
    assert f"Final up to {block + 38} Read up to {block} 38 to go" in text(served, "en")


def test_what_waits_and_what_is_under_way_is_counted(served):
    told = text(served, "zh")
    assert "待上链操作 0 已发出待确认操作 0 待上链材料 0 待别市交来的文书 5 待别市交来的密钥 0" in told
    intent = Intent(
        id="one", operation=Operation.STEP, contract="0x" + "c" * 40, role="operate", subject=CASE, call="{}"
    )
    with served.site.node.begin() as uow:
        outbox.enqueue(uow.connection, intent, now=served.site.node.clock())
        uow.commit()
    assert "Operations for the chain 1 Operations under way 0" in text(served, "en")
    with served.site.node.begin() as uow:
        outbox.update_intents(uow.connection, ["one"], state="prepared")
        uow.commit()
    assert "Operations for the chain 0 Operations under way 1" in text(served, "en")


def test_each_member_is_shown_with_what_it_last_published_and_cosigned(served):
    told = text(served, "zh")
    for name in ("四川省成都市武侯区", "四川省绵阳市"):
        assert f"{name} " in told
    assert told.count("最近公布：2026-03-02 09:00") == 2
    assert told.count("最近联署：2026-03-05 09:00") == 2
    assert text(served, "en").count("Last cosigned: 2026-03-05 09:00") == 2
    served.cities.say(
        MemberListed(3, 133_100, int(Level.CITY), 0, True, "河北雄安新区", "0x" + "e" * 40),  # noqa: FBT003 - a founder's vote
        contract=CONSORTIUM,
    )
    assert "Last published: not yet Last cosigned: not yet" in text(served, "en")


def test_a_case_is_shown_by_what_its_matter_is_called_once_the_entry_is_here(served):
    matter = next(one for one in matters(1) if one.code.id == matter_id(LOAN))
    client = TestClient(create_app(served.site))
    # Until then by its code, as the chain has it, and only where there is room for one.
    assert "000129002000" in client.get(f"/trace/{CASE.hex()}").text
    assert matter.zh not in text(served, "zh")
    case = b"\x0f" * 32
    served.cities.say(
        MatterPublished(2, matter.code.id, 1, matter.rule.pack(), matter.digest, matter.digest, matter.code.text),
        contract=CATALOGUE,
    )
    served.cities.say(opened(case, matter.code.id), contract=CASES)
    served.site.node.blobs.put(canonical.encode(matter.document()))
    assert matter.zh in text(served, "zh")
    assert matter.en in text(served, "en")
    assert matter.zh in client.get(f"/trace/{case.hex()}?lang=zh").text


def test_a_trace_says_of_what_it_is_and_begins_each_line_as_a_sentence(served):
    client = TestClient(create_app(served.site))
    for lang, title in (("zh", "办件的全程留痕"), ("en", "Trace of this case")):
        page = html.unescape(client.get(f"/trace/{CASE.hex()}?lang={lang}").text)
        assert f"<h1>{title}</h1>" in page
    lines = re.findall(r"<time[^>]*>[^<]*</time>\s*<p>([^<]+)</p>", page)
    assert lines
    assert all(line[0] == line[0].upper() for line in lines)


def test_a_node_of_no_member_says_so(served):
    assert "本市还不是联盟成员" not in text(served, "zh")
    stranger = dataclasses.replace(served.site, node=dataclasses.replace(served.site.node, member=0))
    page = TestClient(create_app(stranger))
    assert "本市还不是联盟成员" in page.get("/?lang=zh").text
    assert "This city is not a member of the consortium" in page.get("/?lang=en").text


def test_every_word_of_the_pages_is_used_and_there_in_both_languages():
    used = "".join(file.read_text() for pattern in ("*.html", "*.py") for file in PACKAGE.rglob(pattern))
    both = [set(tomllib.loads((PACKAGE / "locales" / f"{lang}.toml").read_text())) for lang in ("zh", "en")]
    assert both[0] == both[1]
    unused = {name for name in both[0] if not re.search(rf"\b(t|told|words\(lang\))\.{name}\b", used)}
    assert unused == set()
