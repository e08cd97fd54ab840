"""The gazetteer: what spellings mean, its size and speed, and that the hand-kept table is sound."""

import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from watcher.annotate.gazetteer import DATA, fold_han, gazetteer, latin_key
from watcher.model import PlaceKind


def extra_rows() -> list[list[str]]:
    lines = (DATA / "places_extra.tsv").read_text(encoding="utf-8").splitlines()
    return [line.split("\t") for line in lines if line and not line.startswith("#")]


def test_every_hand_kept_row_has_seven_columns_a_kind_and_known_parents() -> None:
    for row in extra_rows():
        assert len(row) == 7, row
        assert PlaceKind(row[1])
        assert [key for key in row[3].split() if gazetteer().by_key(key) is None] == [], row[0]


@pytest.mark.parametrize(
    ("name", "key"),
    [
        ("Suzhou", "cn/suzhou"),
        ("München", "de/munich"),
        ("Cologne", "de/cologne"),
        ("Bavaria", "de-by"),
        ("New York", "us/new-york-city"),
        ("Galicia", "es-ga"),
        ("Gyeonggi-do", "kr-41"),
        ("Jilin", "cn-jl"),
        ("Côte d'Ivoire", "ci"),
        ("Pechino", "cn/beijing"),
        ("Londres", "gb/london"),
    ],
)
def test_the_likeliest_meaning_of_a_latin_name_comes_first(name: str, key: str) -> None:
    assert gazetteer().entry(gazetteer().latin.senses(latin_key(name))[0].row).key == key


@pytest.mark.parametrize(
    ("name", "key"),
    [
        ("四川", "cn-sc"),
        ("苏州", "cn/suzhou"),
        ("宿州", "cn/suzhou-anhui"),
        ("朝阳区", "cn/chaoyang-beijing"),
        ("延边", "cn/yanbian"),
        ("首尔", "kr/seoul"),
        ("서울", "kr/seoul"),
        ("東京", "jp/tokyo"),
        ("神奈川", "jp-14"),
        ("巴伐利亚", "de-by"),
        ("浦那", "in/pune"),
    ],
)
def test_the_likeliest_meaning_of_an_east_asian_name_comes_first(name: str, key: str) -> None:
    assert gazetteer().entry(gazetteer().han.senses(fold_han(name))[0].row).key == key


@pytest.mark.parametrize("name", ["nice", "reading", "mobile", "bath", "orange", "split", "best", "man", "of", "sion"])
def test_ordinary_words_are_weak_names(name: str) -> None:
    assert all(sense.weak for sense in gazetteer().latin.senses(name))


def test_places_know_what_contains_them_up_to_the_country() -> None:
    entry = gazetteer().by_key("cn/tunxi")
    assert entry is not None
    assert entry.within == ("cn/huangshan", "cn-ah", "cn")


def test_every_chinese_prefecture_has_a_region_and_a_country() -> None:
    for name in ("宁波", "绵阳", "大庆", "中山市", "玉溪", "聊城", "清远", "牡丹江", "沧州", "常州", "淮安", "黄山"):
        entry = gazetteer().entry(gazetteer().han.senses(name)[0].row)
        assert entry.within[-1] == "cn" and entry.within[0].startswith("cn-"), name


@given(st.text(max_size=200))
def test_folding_han_keeps_every_offset(text: str) -> None:
    assert len(fold_han(text)) == len(text)


def test_folding_unites_traditional_japanese_and_full_width() -> None:
    assert fold_han("滄州臨港経済技術開発区ＡＢＣ１") == "沧州临港经济技术开发区ABC1"


def test_the_packed_file_is_small_and_states_its_licence() -> None:
    assert (DATA / "gazetteer.tsv.gz").stat().st_size < 3_000_000
    assert "CC BY" in (DATA / "gazetteer.LICENSE.txt").read_text() or "Attribution 4.0" in (
        DATA / "gazetteer.LICENSE.txt"
    ).read_text(encoding="utf-8")


def test_reading_it_takes_well_under_a_second() -> None:
    program = (
        "import time; from watcher.annotate.gazetteer import gazetteer\n"
        "began = time.process_time(); gazetteer(); print(time.process_time() - began)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert float(done.stdout) < 0.6
