from __future__ import annotations

import csv
import subprocess
import sys
from importlib import resources
from pathlib import Path

import pytest
from stdnum import numdb

from ledger.domain import divisions
from ledger.errors import InputError

ROOT = Path(__file__).resolve().parents[3]

# The places of the agreements and the pilot, by the names that the sources use.
PLACES = {
    "510107": "四川省成都市武侯区", "510700": "四川省绵阳市", "133100": "河北省雄安新区", "500103": "重庆市渝中区",
    "610113": "陕西省西安市雁塔区", "331000": "浙江省台州市", "341600": "安徽省亳州市", "320500": "江苏省苏州市",
    "640100": "宁夏回族自治区银川市", "510500": "四川省泸州市", "510600": "四川省德阳市", "511400": "四川省眉山市",
    "512000": "四川省资阳市", "310110": "上海市杨浦区", "320505": "江苏省苏州市虎丘区", "320623": "江苏省南通市如东县",
    "330483": "浙江省嘉兴市桐乡市", "320481": "江苏省常州市溧阳市", "500109": "重庆市北碚区", "500153": "重庆市荣昌区",
    "500116": "重庆市江津区", "500105": "重庆市江北区", "500112": "重庆市渝北区", "500152": "重庆市潼南区",
    "500119": "重庆市南川区", "500111": "重庆市大足区", "341882": "安徽省宣城市广德市", "500000": "重庆市",
    "510100901": "四川省成都市四川天府新区", "320500901": "江苏省苏州市苏州工业园区",
}  # fmt: skip


@pytest.mark.parametrize(("code", "name"), PLACES.items())
def test_places_of_the_pilot(code: str, name: str) -> None:
    assert divisions.full_name(code) == name


@pytest.mark.parametrize(("code", "name"), [("340600", "安徽省淮北市"), ("371103", "山东省日照市岚山区")])
def test_places_without_an_english_name(code: str, name: str) -> None:
    assert divisions.full_name(code) == name
    assert divisions.division(code).en == ""


def test_the_table_is_what_the_script_writes() -> None:
    subprocess.run([sys.executable, str(ROOT / "scripts" / "divisions"), "--check"], check=True, timeout=60)


def test_every_row_agrees_with_the_source() -> None:
    text = resources.files("ledger.domain").joinpath("data/divisions.csv").read_text("utf-8")
    source = numdb.get("cn/loc")
    rows = [row for row in csv.DictReader(text.splitlines()) if row["code_set"] == divisions.GB_T_2260]
    for row in rows[::97]:
        county = source.info(row["code"])[1][1]["county"]
        assert row["name"] in county
        assert row["since"] in county
        assert row["until"] in county


def test_codes_have_a_history_and_old_ones_are_known() -> None:
    dazu = divisions.division("500111")
    assert [(name.text, name.since, name.until) for name in dazu.names] == [("双桥区", 1997, 2010), ("大足区", 2011, 0)]
    assert dazu.name_in(2005) == "双桥区"
    assert dazu.name_in(2020) == dazu.name_in(1950) == dazu.zh == "大足区"
    assert dazu.current
    old = divisions.division("500105")
    assert not old.current
    assert old.zh == "江北区"


def test_places_without_a_code_of_their_own_are_marked() -> None:
    assert divisions.division("133100").code_set == divisions.STATISTICAL
    assert divisions.division("510100901").code_set == divisions.LOCAL
    assert divisions.city_of("510100901").code == "510100"
    assert divisions.province_of("133100").zh == "河北省"
    assert divisions.city_of("500103").zh == "市辖区"


def test_names_collide_and_codes_do_not() -> None:
    for one, other in (("310113", "230506"), ("330205", "500105")):
        assert divisions.division(one).zh == divisions.division(other).zh


def test_what_lies_within() -> None:
    assert {place.code for place in divisions.within("510100")} >= {"510107", "510104", "510100901"}
    assert "500105" not in {place.code for place in divisions.within("500000")}
    assert divisions.within("510107") == ()


@pytest.mark.parametrize(
    ("code", "shown"), [("999999", "999999"), ("51010", "51010"), ("", ""), ("样本甲", ""), ("510107198001011234", "")]
)
def test_an_unknown_code_is_refused_and_only_a_code_is_repeated(code: str, shown: str) -> None:
    with pytest.raises(InputError) as caught:
        divisions.division(code)
    assert (caught.value.code, caught.value.facts) == ("divisions.unknown", {"division": shown})
    with pytest.raises(InputError):
        divisions.province_of(code)


def test_provinces() -> None:
    assert divisions.is_province_prefix("51")
    assert divisions.is_province_prefix("81")
    assert not divisions.is_province_prefix("99")
