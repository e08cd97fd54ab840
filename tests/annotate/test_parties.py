"""Parties: companies, funds, universities and public bodies; aliases share a key, people are no parties."""

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from watcher.annotate.parties import parties
from watcher.annotate.party_names import key_of, known_names
from watcher.annotate.places import places
from watcher.model import Party, PartyKind, TextField

C, F, U, G, N, P = (
    PartyKind.COMPANY,
    PartyKind.FUND,
    PartyKind.UNIVERSITY,
    PartyKind.GOVERNMENT,
    PartyKind.INSTITUTE,
    PartyKind.PARK,
)


def read(text: str) -> tuple[Party, ...]:
    return parties(text, TextField.TEXT, places(text, TextField.TEXT))


def found(text: str) -> list[tuple[str, PartyKind]]:
    return [(p.text, p.kind) for p in read(text)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            "Novo Nordisk has licensed the drug from Zealand Pharma for Quimbly Therapeutics, Inc. of Boston.",
            [("Novo Nordisk", C), ("Zealand Pharma", C), ("Quimbly Therapeutics, Inc", C)],
        ),
        (
            "PalaTech (Chongqing) Biotechnology Co and Rongsheng Pharmaceutical Co., Ltd. attended.",
            [("PalaTech (Chongqing) Biotechnology Co", C), ("Rongsheng Pharmaceutical Co., Ltd", C)],
        ),
        (
            "Apple Tree Partners and the Utrecht Health Seed Fund backed TreeFrog and SynaptixBio.",
            [("Apple Tree Partners", F), ("Utrecht Health Seed Fund", F), ("TreeFrog", C), ("SynaptixBio", C)],
        ),
        (
            "The University of Lagos, Shenzhen Technical University and Houston Methodist Hospital met.",
            [("University of Lagos", U), ("Shenzhen Technical University", U), ("Houston Methodist Hospital", N)],
        ),
        (
            "The Ministry of Science and Technology and the Shanghai Culture and Tourism Bureau agreed.",
            [("Ministry of Science and Technology", G), ("Shanghai Culture and Tourism Bureau", G)],
        ),
        (
            "The Nantes municipal government and the City of Kitakyushu agreed.",
            [("Nantes municipal government", G), ("City of Kitakyushu", G)],
        ),
        (
            "上海君实生物医药科技股份有限公司与美国Coherus BioSciences签约。",
            [("上海君实生物医药科技股份有限公司", C), ("Coherus BioSciences", C)],
        ),
        ("金浦投資和盈科資本出手,海和生物完成融資。", [("金浦投資", F), ("盈科資本", F), ("海和生物", C)]),
        (
            "成都市武侯区人民政府、上海市经济和信息化委员会与四川大学华西医院签约。",
            [("成都市武侯区人民政府", G), ("上海市经济和信息化委员会", G), ("四川大学华西医院", N)],
        ),
        ("长沙高新区管委会与西湖大学合作。", [("长沙高新区管委会", G), ("西湖大学", U)]),
        ("Seoul Bio Hub signed.", [("Seoul Bio Hub", P)]),
        ("子公司与Expedition簽訂許可協議。", [("Expedition", C)]),
        ("Exscientia raised money; Wibblefin secured $10 million.", [("Exscientia", C), ("Wibblefin", C)]),
        ("l'Università di Bologna e il Comune di Torino", [("Università di Bologna", U), ("Comune di Torino", G)]),
        ("세포치료제 기업 오가노이드사이언스가 투자를 유치했다.", [("오가노이드사이언스", C)]),
    ],
)
def test_organisations_are_found_with_their_kind(text: str, expected: list[tuple[str, PartyKind]]) -> None:
    assert found(text) == expected


@pytest.mark.parametrize(
    "names",
    [
        ("AstraZeneca", "Astrazeneca plc", "AZ", "阿斯利康"),
        ("Keymed Biosciences", "Konoya", "康诺亚", "康諾亞"),
        ("石药", "石藥集團", "CSPC"),
        ("Takeda", "Takeda Pharmaceutical", "武田薬品工業"),
        ("Quimbly Therapeutics Inc.", "Quimbly Therapeutics", "QUIMBLY THERAPEUTICS LTD"),
    ],
)
def test_names_of_one_party_share_a_key(names: tuple[str, ...]) -> None:
    assert len({key_of(name) for name in names}) == 1


def test_short_forms_and_acronyms_in_brackets_tie_to_the_full_name() -> None:
    text = "Globavir Biosciences and the University of Santiago de Compostela (USC) met. Globavir told USC."
    keys = [p.key for p in read(text)]
    assert keys == [
        "globavir-biosciences",
        "university-of-santiago-de-compostela",
        "university-of-santiago-de-compostela",
        "globavir-biosciences",
        "university-of-santiago-de-compostela",
    ]


def test_chinese_short_forms_tie_to_the_full_name() -> None:
    assert [p.key for p in read("迈威生物宣布,迈威拿到首付款。")] == ["mabwell", "mabwell"]


@pytest.mark.parametrize(
    "text",
    [
        "Mayor Oh Se-hoon and Ms. Sun Xiaoyu welcomed Dr. Victoria Chen.",
        "Biotechnology and medicine are growing. Researchers raised questions.",
        "本公司拟通过增资方式引进投资,产业园总投资约30亿元。",
        "生物医药产业快速发展,国内企业融资增多。",
        "近年来医药企业转向创新。",
    ],
)
def test_people_and_generic_words_are_no_parties(text: str) -> None:
    assert found(text) == []


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("The rights have gone to seed house Quimbly of Pretoria.", ["Quimbly"]),
        ("Rights for Japan stay with Osaka-based Mikawa Seiko.", ["Mikawa Seiko"]),
        ("The platform is open to Gothenburg's Fjordal, it was said.", ["Fjordal"]),
        ("In Perth, Ondrava Nine (ASX: OND) rose by a tenth.", ["Ondrava Nine"]),
        ("At last Veldrane, a maker of pumps, has a home.", ["Veldrane"]),
        ("All eyes are on Zorvella's antibody.", ["Zorvella"]),
        ("Under it Zorvella will register and sell the cream.", ["Zorvella"]),
        ("There was a talk on Alzheimer's drug research.", []),
        ("They went to Medellín's Distrito de Innovación.", []),
        ("云昂利(002940)与昨日的股价持平。", ["云昂利"]),
    ],
)
def test_a_name_without_a_telling_word_is_told_by_what_stands_around_it(text: str, expected: list[str]) -> None:
    assert [one.text for one in read(text)] == expected


def test_a_title_knows_the_companies_of_its_text() -> None:
    title, text = "Zorvella and 恒升 go on", "Zorvella Pharma AG and 恒升医药 signed."
    assert [(p.text, p.name) for p in parties(title, TextField.TITLE, (), text)] == [("Zorvella", "Zorvella Pharma")]


def test_the_place_in_or_before_a_name_gives_its_country() -> None:
    text = "Italy's Sibylla Biotech Srl and Jilin Huisheng met 杭州先端生物科技。"
    assert [p.country for p in read(text)] == ["IT", "CN", "CN"]


def test_the_curated_list_is_large_and_free_of_contradictions() -> None:
    latin, _, han, _ = known_names()
    assert len({known.name for known in (*latin.values(), *han.values())}) >= 300
    assert all(key_of(known.name) for known in latin.values())


PIECES = st.sampled_from(
    [
        "Inc. ",
        "University of ",
        "生物",
        "公司",
        "(",
        ")",
        "Co., ",
        "Ltd",
        "Bio",
        " & ",
        "上海",
        "和",
        "AstraZeneca ",
        "基金",
        "바이오",
        "the ",
        "\n",
        "𝕏",
    ]
)


@given(st.one_of(st.text(max_size=300), st.lists(PIECES, max_size=40).map("".join)))
@settings(max_examples=150, deadline=None)
def test_any_text_gives_ordered_spans_that_slice_back(text: str) -> None:
    last = 0
    for party in read(text):
        assert last <= party.start < party.end <= len(text)
        assert text[party.start : party.end] == party.text
        last = party.end


@pytest.mark.parametrize("piece", ["公司", "University of ", "Bio ", "和", "生物医药", "Inc. ", "(中国)"])
def test_a_megabyte_of_one_piece_takes_bounded_time(piece: str) -> None:
    began = time.process_time()
    parties(piece * (1_000_000 // len(piece)), TextField.TEXT)
    assert time.process_time() - began < 30
