"""What anchoring, granting and using cost, alone and in batches; figures are kept in gas.json."""

from __future__ import annotations

from tests.contracts.desk import Consent, open_desk
from tests.contracts.gas import record_gas


def test_gas_of_materials(world):
    batch = {"root": b"\x01" * 32, "size": 4096, "blob": b"\x02" * 32, "flags": 0}
    record_gas("materials.anchor, one", world.send("wuhou", "issue", "materials", "anchor", [batch]).done().gas)
    record_gas("materials.anchor, a later one", world.send("wuhou", "issue", "materials", "anchor", [batch]).done().gas)


def test_gas_of_consents(world):
    desk = open_desk(world)
    one, two = Consent(leaves=(0,), grantees=((2, 60),)), Consent(leaves=(2, 3), grantees=((2, 60),), salt=b"\x08" * 32)
    record_gas("materials.grant, one leaf", desk.grant(one).done().gas)
    record_gas("materials.grant, two leaves", desk.grant(two).done().gas)
    record_gas("materials.use, first", desk.use(one).done().gas)
    record_gas("materials.use, later", desk.use(one).done().gas)
    fields = desk.fields(two)
    item = {
        "consent": desk.digest(two),
        "case": fields["caseId"],
        "cases": fields["cases"],
        "granted_for": fields["caseId"],
        "matter": fields["matter"],
        "purpose": fields["purpose"],
        "disclosed": fields["disclosed"],
        "leaf_offset": 0,
        "leaf_count": 1,
    }
    receipt = world.send("mianyang", "operate", "materials", "use", [item] * 60, [desk.word(2)]).done()
    record_gas("materials.use, each of 60", receipt.gas // 60)
