"""The first digits that a list shows name what the whole id names, or say that they do not."""

from __future__ import annotations

import pytest

from ledger.errors import ConflictError, InputError, NotFoundError
from ledger.projections.subjects import SubjectKind
from ledger.services.identifying import identify, whole
from ledger.storage.database import open_database
from ledger.storage.migrations import upgrade
from ledger.storage.tables.chain import event_subjects

CASE, NEIGHBOUR, CONSENT = "0a2cb7726399c4d0" * 4, "0a2cb7720000c4d0" * 4, "b6243c0eb61402a7" * 4


@pytest.fixture
def connection(tmp_path):
    database = open_database(tmp_path / "node.db")
    upgrade(database)
    with database.begin() as connection:
        for place, (kind, subject) in enumerate(
            ((SubjectKind.CASE, CASE), (SubjectKind.CASE, NEIGHBOUR), (SubjectKind.CONSENT, CONSENT))
        ):
            connection.execute(
                event_subjects.insert().values(kind=kind, subject=subject, block=1, log_index=place, time=1)
            )
        yield connection
    database.close()


@pytest.mark.parametrize("text", [CASE, CASE[:63], CASE[:11], f"case:{CASE[:11]}", f"0x{CASE[:11].upper()}"])
def test_first_digits_name_what_the_whole_id_names(connection, text):
    found = identify(connection, text)
    assert found is not None
    assert (found.kind, found.name) == ("case", CASE)
    assert whole(connection, SubjectKind.CASE, text.lower()).hex() == CASE


def test_digits_that_several_ids_share_are_not_guessed(connection):
    for look in (lambda: identify(connection, CASE[:8]), lambda: whole(connection, SubjectKind.CASE, CASE[:8])):
        with pytest.raises(ConflictError, match=r"tracing\.short"):
            look()


def test_digits_of_another_kind_and_of_nothing_are_said(connection):
    assert identify(connection, "ffffffffff") is None
    with pytest.raises(NotFoundError, match=r"tracing\.unknown"):
        whole(connection, SubjectKind.CASE, CONSENT[:12])
    assert whole(connection, SubjectKind.CONSENT, CONSENT[:12]).hex() == CONSENT
    for text in (CASE[:7], "case", "", f"{CASE}0"):
        with pytest.raises(InputError, match=r"tracing\.identifier"):
            whole(connection, SubjectKind.CASE, text)
