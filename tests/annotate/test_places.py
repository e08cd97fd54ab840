"""Places: names and identities across languages, patterns for unseen zones, names that only look like places."""

import time
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from watcher.annotate.places import places
from watcher.model import Place, PlaceKind, TextField

SEEDS = Path(__file__).resolve().parents[2].parent / "shared" / "seeds"


def found(text: str) -> list[tuple[str, str]]:
    return [(p.text, p.key) for p in places(text, TextField.TEXT)]


def one(text: str, key: str) -> Place:
    return next(p for p in places(text, TextField.TEXT) if p.key == key)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            "The mayors of Pune and Busan signed a memorandum of understanding on Tuesday.",
            [("Pune", "in/pune"), ("Busan", "kr/busan")],
        ),
        (
            "Officials of Lyon flew to Porto; the Lyon City Council will twin with it.",
            [("Lyon", "fr/lyon"), ("Porto", "pt/porto"), ("Lyon", "fr/lyon")],
        ),
        (
            "杭州市与韩国大田广域市签署备忘录,宁波、苏州工业园区代表出席。",
            [
                ("杭州市", "cn/hangzhou"),
                ("韩国", "kr"),
                ("大田广域市", "kr/daejeon"),
                ("宁波", "cn/ningbo"),
                ("苏州工业园区", "cn/suzhou/sip"),
            ],
        ),
        ("名古屋市と浦项市は友好都市協定を締結した。", [("名古屋市", "jp/nagoya"), ("浦项市", "kr/pohang")]),
        (
            "부산시와 후쿠오카시는 업무협약을 체결했다.",
            [("부산시", "kr/busan"), ("후쿠오카시", "jp/fukuoka")],
        ),
        (
            "El Ayuntamiento de Zaragoza y la ciudad de Burdeos firman un convenio en Francia.",
            [("Zaragoza", "es/zaragoza"), ("Burdeos", "fr/bordeaux"), ("Francia", "fr")],
        ),
        (
            "Il Comune di Torino e la città di Shenzhen hanno firmato un accordo con Ginevra.",
            [("Torino", "it/turin"), ("Shenzhen", "cn/shenzhen"), ("Ginevra", "ch/geneva")],
        ),
        ("A prefeitura de Campinas recebeu Suzhou.", [("Campinas", "br/campinas"), ("Suzhou", "cn/suzhou")]),
        (
            "Die Stadt Leipzig und der Landkreis München arbeiten seit heute zusammen.",
            [("Leipzig", "de/leipzig"), ("München", "de/munich")],
        ),
        (
            "西安市莲湖区与乌兹别克斯坦撒马尔罕市结为友好城市。",
            [
                ("西安市", "cn/xi-an"),
                ("莲湖区", "cn/lianhu"),
                ("乌兹别克斯坦", "uz"),
                ("撒马尔罕市", "uz/samarkand"),
            ],
        ),
        ("横滨市、仁川市共同主办论坛", [("横滨市", "jp/yokohama"), ("仁川市", "kr/incheon")]),
        (
            "Kunshan signs cooperation pact with Germany's Mannheim",
            [("Kunshan", "cn/kunshan"), ("Germany", "de"), ("Mannheim", "de/mannheim")],
        ),
        ("CAMBRIDGE, Mass. A panel met.", [("CAMBRIDGE", "us/cambridge")]),
        ("He moved from Cambridge, England.", [("Cambridge", "gb/cambridge"), ("England", "gb-eng")]),
    ],
)
def test_places_of_other_cities_are_found_with_their_identity(text: str, expected: list[tuple[str, str]]) -> None:
    assert found(text) == expected


@pytest.mark.parametrize("name", ["Chongqing", "Chungking", "重庆", "重慶市", "충칭시"])
def test_one_city_has_one_key_in_every_language(name: str) -> None:
    assert found(f"{name} ")[0][1] == "cn/chongqing"


@pytest.mark.parametrize(
    ("text", "key", "kind", "within"),
    [
        ("The Pune Biotech Park opened.", "in/pune/biotech-park", PlaceKind.PARK, "in/pune"),
        ("Officials of the Hefei High-tech Zone came.", "cn/hefei/high-tech-zone", PlaceKind.ZONE, "cn/hefei"),
        ("合肥高新区代表团来访。", "cn/hefei/high-tech-zone", PlaceKind.ZONE, "cn/hefei"),
        ("合肥高新技術產業開發區代表團來訪。", "cn/hefei/high-tech-zone", PlaceKind.ZONE, "cn/hefei"),
        ("湖南长沙经济技术开发区", "cn/changsha/economic-zone", PlaceKind.ZONE, "cn/changsha"),
        ("They toured Porto Science Park.", "pt/porto/science-park", PlaceKind.PARK, "pt/porto"),
        ("the Nanjing Jiangbei New Area", "cn/nanjing/jiangbei", PlaceKind.ZONE, "cn/nanjing"),
        ("聊城鲁西经济开发区签约", "cn/liaocheng/鲁西-economic-zone", PlaceKind.ZONE, "cn/liaocheng"),
        ("Seoul Bio Hub signed.", "kr/seoul/bio-hub", PlaceKind.PARK, "kr/seoul"),
        (
            "Zona de Desenvolvimento Econômico de Yongzhou",
            "cn/yongzhou/development-zone",
            PlaceKind.ZONE,
            "cn/yongzhou",
        ),
    ],
)
def test_zones_and_parks_are_told_by_their_type_and_know_their_city(
    text: str, key: str, kind: PlaceKind, within: str
) -> None:
    place = one(text, key)
    assert place.kind is kind
    assert within in place.within
    assert place.country is not None and place.within[-1] == place.country.lower()


def test_a_zone_inside_a_known_zone_keeps_the_province_apart() -> None:
    text = "陕西省西咸新区空港新城与武汉东湖高新区签署协议。"
    assert found(text) == [
        ("陕西省", "cn-sn"),
        ("西咸新区空港新城", "cn/xixian/空港-new-town"),
        ("武汉东湖高新区", "cn/wuhan/optics-valley"),
    ]


@pytest.mark.parametrize(
    "text",
    [
        "Paris Hilton smiled.",
        "The Boston Scientific results were nice.",
        "We talked with Sydney Brenner about reading and mobile games.",
        "Tokyo Electron and Oxford BioMedica announced results.",
        "Jordan said the best deal is a split.",
        "The work of Bobby Gaspar won a prize.",
        "The University of Cambridge published it.",
        "深圳微芯生物公布业绩。",
        "参会来宾一致认为合作顺利。",
        "The price was US$70 million.",
        "It cost 1.2 billion US dollars.",
    ],
)
def test_names_that_only_look_like_places_are_left_alone(text: str) -> None:
    assert found(text) == []


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            "Officials from Nice, France, met Reading Borough Council in England.",
            ["fr/nice", "fr", "gb/reading", "gb-eng"],
        ),
        ("Split, Croatia, welcomed guests from Bath, England.", ["hr/split", "hr", "gb/bath", "gb-eng"]),
        ("The City of Orange and Mayor of Mobile spoke.", ["us/orange", "us/mobile"]),
    ],
)
def test_ambiguous_names_are_places_where_the_words_around_say_so(text: str, expected: list[str]) -> None:
    assert [key for _, key in found(text)] == expected


def test_a_namesake_after_another_country_is_a_place_of_that_country_throughout() -> None:
    text = "清远与巴拿马科隆结为友好城市,清远市与科隆市签约。"
    assert [key for _, key in found(text)] == ["cn/qingyuan", "pa", "pa/科隆", "cn/qingyuan", "pa/科隆"]


def test_a_district_known_from_its_full_name_is_found_by_its_short_name_too() -> None:
    assert [key for _, key in found("厦门同安区来访,参观了同安轻工食品工业园。")] == [
        "cn/xiamen",
        "cn/tongan",
        "cn/tongan/轻工食品-industrial-park",
    ]


def test_a_city_in_a_pattern_is_found_though_no_gazetteer_knows_it() -> None:
    place = one("The mayor of Frobnitz signed.", "frobnitz")
    assert (place.kind, place.country) == (PlaceKind.CITY, None)


def test_traditional_full_width_and_decomposed_spellings_keep_their_offsets() -> None:
    text = "\U0001d54f東莞松山湖高新區 — Ma\u0301laga, Spain"
    assert found(text) == [
        ("東莞松山湖高新區", "cn/dongguan/songshan-lake"),
        ("Ma\u0301laga", "es/malaga"),
        ("Spain", "es"),
    ]


SEED_PLACES = [
    ("000_500e5489b763804e.txt", {"es/santiago-de-compostela", "cn/chongqing", "es-ga", "cn/chongqing/liangjiang"}),
    ("001_1e8ad965861eb921.txt", {"kr/seoul", "kr/seoul/bio-hub", "cn/chongqing/liangjiang/life-science-town"}),
    ("003_a43d3d01509bf7c7.txt", {"cn/shenzhen", "it"}),
    ("004_4b62f33ac3b4bdd2.txt", {"cn/chongqing/biocity", "cn/chongqing"}),
]


@pytest.mark.parametrize(("name", "expected"), SEED_PLACES)
def test_the_seed_articles_name_their_places(name: str, expected: set[str]) -> None:
    if not SEEDS.exists():
        pytest.skip("no seed articles beside the checkout")
    assert expected <= {key for _, key in found((SEEDS / name).read_text(encoding="utf-8"))}


ALPHABET = st.sampled_from(
    [
        "Chongqing ",
        "重庆",
        "高新区",
        "市",
        "of ",
        "City ",
        "Nice",
        ", ",
        "France",
        "Park ",
        "(",
        "苏州工业园区",
        "서울",
        "시",
        "\n",
        "U.S.",
        "New ",
        "é",
        "𝕏",
    ]
)


@given(st.one_of(st.text(max_size=300), st.lists(ALPHABET, max_size=40).map("".join)))
@settings(max_examples=150, deadline=None)
def test_any_text_gives_ordered_spans_that_slice_back(text: str) -> None:
    last = 0
    for place in places(text, TextField.TITLE):
        assert last <= place.start < place.end <= len(text)
        assert text[place.start : place.end] == place.text
        assert place.field is TextField.TITLE
        assert place.key
        last = place.end


@pytest.mark.parametrize(
    "piece", ["重庆", "Chongqing ", "Science Park ", "市", "苏州高新区", "University of ", "(", "\x00"]
)
def test_a_megabyte_of_one_piece_takes_bounded_time(piece: str) -> None:
    text = piece * (1_000_000 // len(piece))
    began = time.process_time()
    places(text, TextField.TEXT)
    assert time.process_time() - began < 30


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Councillors in Ambrook met.", {"Ambrook": None}),
        ("Ostreva mayor Jan Novak flew to Lindenhof, Germany, to sign.", {"Ostreva": None, "Lindenhof": "DE"}),
        ("They opened talks with Velikovo in western Ukraine.", {"Velikovo": "UA"}),
        ("Utsunari's mayor met guests; later Utsunari celebrated.", {"Utsunari": None}),
        ("The City of Laredo Springs signed.", {"Laredo Springs": None}),
        ("Kazan and Ghent signed a programme.", {"Kazan": "RU", "Ghent": "BE"}),
    ],
)
def test_towns_that_no_gazetteer_knows_are_told_by_what_stands_beside_them(
    text: str, expected: dict[str, str | None]
) -> None:
    found = {place.name: place.country for place in places(text, TextField.TEXT) if place.kind is not PlaceKind.COUNTRY}
    assert found == expected


@pytest.mark.parametrize(
    "text",
    [
        "District mayor Li met the Chinese mayor on Monday.",
        "Vice mayor Anna Weiss called the talks concrete.",
        "The agreement, due to lapse in March, has been prolonged.",
        "He spoke with Smith and Jones about the plan.",
    ],
)
def test_offices_peoples_months_and_persons_are_no_towns(text: str) -> None:
    assert places(text, TextField.TEXT) == ()


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("桃园市政府与立陶宛考纳斯签约，考纳斯副市长到场。", ["Taoyuan", "Lithuania", "考纳斯", "考纳斯"]),
        ("与澳洲新南威尔士州莱德市签署备忘录。", ["Australia", "New South Wales", "莱德市"]),
        ("与日本群马县水上町议会签署协定。", ["Japan", "Gunma", "水上町"]),
        ("高新区管委会与新津区人民政府签署协议。", ["新津区"]),
        ("与日本松山市长野志克仁签下协定。", ["Japan", "Matsuyama"]),
        ("经发局长廖泰安表示,将持续推动。", []),
        ("泰国清迈与台中缔结姊妹市。", ["Thailand", "Chiang Mai", "Taichung"]),
        ("中部地区的高新区联盟成立。", []),
        ("谭成旭市长说,两市将深化合作。", []),
        ("Plovdiv, a European Capital of Culture, invited the guests.", ["Plovdiv"]),
        ("The Port Island site and the Northern Office were shown.", []),
    ],
)
def test_places_that_no_gazetteer_has_are_read_and_people_are_not(text: str, names: list[str]) -> None:
    assert [one.name for one in places(text, TextField.TEXT)] == names
