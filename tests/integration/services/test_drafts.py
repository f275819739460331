"""What was handed in is taken back while nothing of it is on its way: the row, the content, nobody else's."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from sqlalchemy import select, update

from ledger.errors import ConflictError, NotFoundError
from ledger.services import batching, drafts, materials
from ledger.services.context import Node
from ledger.storage.tables.drafts import material_drafts as table
from tests.integration.services.cities import Cities, later, two_cities
from tests.integration.services.test_materials import anchor, paper


@pytest.fixture
def cities(tmp_path) -> Iterator[Cities]:
    with two_cities(tmp_path) as found:
        yield found


def damage(node: Node, material: str) -> None:
    with node.begin() as uow:
        uow.connection.execute(update(table).where(table.c.id == material).values(sealed=b"damaged"))
        uow.commit()


def names(node: Node) -> list[str]:
    with node.database.read() as connection:
        return list(connection.execute(select(table.c.id)).scalars())


def test_a_draft_goes_with_its_content(cities, tmp_path):
    wuhou = cities.nodes[1]
    (kept,) = materials.submit(wuhou, "a1" * 16, [paper(tmp_path)]).materials
    before = set(wuhou.blobs.cids())
    (gone,) = materials.submit(wuhou, "a2" * 16, [paper(tmp_path, "second.pdf")]).materials
    assert {(one.material, one.damaged) for one in drafts.waiting(wuhou, limit=9)} == {(kept, False), (gone, False)}
    drafts.discard(wuhou, gone)
    assert (names(wuhou), set(wuhou.blobs.cids())) == ([kept], before)
    with pytest.raises(NotFoundError, match=r"materials\.not_found"):
        drafts.discard(wuhou, gone)


def test_a_damaged_draft_is_found_and_taken_back_and_anchoring_goes_on(cities, tmp_path):
    wuhou = cities.nodes[1]
    (bad,) = materials.submit(wuhou, "a1" * 16, [paper(tmp_path)]).materials
    damage(wuhou, bad)
    assert [(one.material, one.damaged) for one in drafts.waiting(wuhou, limit=9)] == [(bad, True)]
    drafts.discard(wuhou, bad)
    assert batching.run_once(later(wuhou, 60), wuhou.keys.open) is None


def test_what_is_on_its_way_or_anchored_is_not_taken_back(cities, tmp_path):
    wuhou = cities.nodes[1]
    anchored = anchor(cities, tmp_path).material
    (under_way,) = materials.submit(wuhou, "a1" * 16, [paper(tmp_path)]).materials
    assert batching.run_once(later(wuhou, 60), wuhou.keys.open) is not None
    before = set(wuhou.blobs.cids())
    for name in (anchored, under_way):
        with pytest.raises(ConflictError, match=r"materials\.not_waiting"):
            drafts.discard(wuhou, name)
    assert drafts.waiting(wuhou, limit=9) == []
    assert (names(wuhou), set(wuhou.blobs.cids())) == ([under_way], before)
