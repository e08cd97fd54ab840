"""The phrases by which zones and parks are told, with one canonical name per type across languages."""

from __future__ import annotations

import re

from watcher.model import PlaceKind

_Z, _P, _D = PlaceKind.ZONE, PlaceKind.PARK, PlaceKind.DISTRICT

_H = r"[ -]?"
LATIN_TYPES: tuple[tuple[str, PlaceKind, str], ...] = (
    ("new-area", _Z, r"New (?:Area|District|Zone)"),
    (
        "high-tech-zone",
        _Z,
        rf"(?:National )?(?:High{_H}(?:and )?(?:New )?Tech(?:nology|nologies)?|"
        rf"New (?:and|&) High{_H}Tech(?:nology)?) (?:Industr(?:y|ial|ies) )?(?:Development "
        rf")?(?:Zone|Area|District)",
    ),
    ("economic-zone", _Z, r"Economic(?:[ -]?(?:and|&)[ -]?|[ -])Techn(?:olog)?ical Development (?:Zone|Area)"),
    ("economic-zone", _Z, r"(?:Special )?Economic (?:Development )?Zone|Economic Development Area"),
    ("free-trade-zone", _Z, r"(?:Pilot )?Free[ -]Trade (?:Pilot )?(?:Zone|Port)"),
    ("bonded-zone", _Z, r"(?:Comprehensive )?(?:Bonded|Free)[ -](?:Zone|Area|Port Area)"),
    (
        "demonstration-zone",
        _Z,
        r"(?:National )?(?:Independent )?(?:Innovation |Cooperation |Development "
        r")?(?:Demonstration|Pilot|Cooperation) Zone",
    ),
    ("development-zone", _Z, r"(?:Industrial )?Development Zone|Industrial Zone"),
    (
        "industrial-park",
        _P,
        r"(?:Bio(?:medical|pharmaceutical|medicine|tech|technology|logical)?|"
        r"Life Sciences?|Pharma(?:ceutical)?|Medical(?: Device)?|Health|Eco|"
        r"Software|Hi(?:gh)?[ -]?[Tt]ech) ?(?:Industrial|Industry) (?:Park|Base|"
        r"Zone)|(?:Industrial|Industry) (?:Park|Estate|Base)",
    ),
    (
        "life-science-park",
        _P,
        r"(?:Life|Health|Medical|Bio)[ -]?Sciences? (?:and Technology )?(?:Park|"
        r"Campus|Centre|Center|Hub|Cluster|District|Valley|Corridor|Industrial "
        r"Park)",
    ),
    ("life-science-town", _P, r"Life[ -]Sciences? (?:Town|City)"),
    (
        "science-park",
        _P,
        r"(?:University )?(?:Science(?:s)?(?: (?:and|&) (?:Technology|Innovation|"
        r"Business|Research))?|Technology|Research|Tech|Knowledge|Innovation|"
        r"Business and Technology) Park",
    ),
    (
        "science-city",
        _P,
        r"(?:Science|Technology|Biotech(?:nology)?|Pharma|Health|Medical|Future|"
        r"Knowledge|Science (?:and|&) Technology|Life and Health|International "
        r"Biopharmaceutical|Biopharmaceutical|"
        r"International (?:Biological|Bio|Biotech)(?: Industry)?|International "
        r"Medical|Bio[ -]?(?:Industry|medical)) (?:City|Town|Valley|Island|Port)",
    ),
    (
        "bio-hub",
        _P,
        r"(?:Bio(?:tech(?:nology)?|medical|pharma|science|health|logics)?|Life[ -]Sciences?|"
        r"Health|Innovation|Med[ -]?[Tt]ech|Pharma) ?(?:Hub|Cluster|Quarter|Valley|"
        r"Corridor|Bay|Village|Port)",
    ),
    (
        "bio-park",
        _P,
        r"(?:Bio(?:tech(?:nology)?|medical|pharma(?:ceutical)?|science|medicine)?|"
        r"Medical|Med[ -]?[Tt]ech|Health|Pharma(?:ceutical)?) ?(?:Park|Campus|"
        r"Complex|Village)",
    ),
    (
        "innovation-district",
        _P,
        r"(?:Innovation|Knowledge|Medical|Biomedical|Health|Discovery) (?:District|"
        r"Quarter|Campus|Zone|Precinct|Mile)|Tech(?:nology)? (?:Zone|Hub|Quarter)",
    ),
    (
        "technopark",
        _P,
        r"Techno(?:park|pole|polis|city|logiepark)|Innopolis|Innopole|Innovationspark|"
        r"Biopark|BioQuarter|Biocity|Bio ?City|Biopôle|Biopole|Genopole|Medipolis",
    ),
    (
        "park",
        _P,
        rf"High{_H}Tech Park" + r"|(?:High[ -]?Tech|Hi-tech|Software|Start[ -]?up|Export|Logistics) "
        r"(?:Industrial )?Park|Cluster(?= |,|\.|$)|Park",
    ),
)

FRONT_TYPES: tuple[tuple[str, PlaceKind, str], ...] = (
    (
        "science-park",
        _P,
        r"(?:Parque|Parco|Parc) (?:Cient[ií]fico(?: y| e) Tecnol[oó]gico|Tecnol[oó]gico|"
        r"Cient[ií]fico|Scientifico(?: e Tecnologico)?|Tecnologico|Scientifique|"
        r"Technologique)",
    ),
    (
        "development-zone",
        _Z,
        r"Zona de (?:Desarrollo|Desenvolvimento)(?: Econ[oóô]mico)?(?: e Tecnol[oó]gico)?|"
        r"Zona (?:Franca|Econ[oóô]mica Especial)",
    ),
    ("park", _P, r"(?:Pol[oe]|Polo|P[oó]lo) (?:Tecnol[oó]gico|Tecnologico|Biotecnol[oó]gico|de Innovaci[oó]n)"),
)
"""Spanish, Italian, Portuguese, French: the type comes first, then "de X"."""

HAN_TYPES: tuple[tuple[str, PlaceKind, str], ...] = (
    (
        "high-tech-zone",
        _Z,
        "高新技术产业开发区|高新技术开发区|高新技术产业园区|高技术产业开发区|"
        "高新产业开发区|高新技术产业区|高新区|ハイテクパーク|ハイテク産業開発区|"
        "하이테크산업개발구",
    ),
    ("economic-zone", _Z, "经济技术开发区|经济技术开发区|经济开发区|经开区|技术经济开发区|경제기술개발구|경제자유구역"),
    ("free-trade-zone", _Z, "自由贸易试验区|自贸试验区|自贸区|自由贸易港|自贸港|자유무역구"),
    ("bonded-zone", _Z, "综合保税区|保税港区|保税区|综保区"),
    (
        "demonstration-zone",
        _Z,
        "自主创新示范区|合作示范区|示范区|先行示范区|合作区|试验区|创新区|先导区|"
        "特别合作区|革新区|新技术产业开发试验区",
    ),
    ("new-area", _Z, "新区"),
    ("new-town", _Z, "新城|临空经济区|临港经济区|商务区|自由贸易片区|片区|文旅区|旅游度假区|경제구역"),
    ("development-zone", _Z, "开发区|工业区|产业区|产业开发区|产业集聚区|集聚区|化工区|개발구"),
    (
        "industrial-park",
        _P,
        "工业园区|产业园区|工业园|产业园|产业基地|产业基地|物流园|产业団地|"
        "产业团地|生物医药园|医药园|医药产业园|食品园|生物园|创业园|孵化园|"
        "总部园|工业団地|산업단지|산업단지",
    ),
    (
        "science-park",
        _P,
        "科学园|科技园区|科技园|科学公园|软件园|创新园|创意园|创业园区|大学科技园|"
        "サイエンスパーク|産業パーク|产业パーク|リサーチパーク|テクノパーク|"
        "사이언스파크|테크노파크|과학단지",
    ),
    (
        "science-city",
        _P,
        "生命健康科技城|生命科技城|生命科学城|科学城|科技城|生物城|医药城|健康城|"
        "国际医学城|医学城|未来城|产业城|知识城|大学城|药谷|生命谷|创新港|生物谷|"
        "医学谷|科学岛|生物岛|光谷|智谷|바이오밸리|바이오시티",
    ),
    (
        "bio-hub",
        _P,
        "生命科学园|生物医药园区|生物港|医谷|园区|바이오허브|바이오클러스터|바이오헬스 "
        "클러스터|바이오단지|클러스터|バイオクラスター|バイオコミュニティ",
    ),
)

CANONICAL_ENGLISH = {
    "high-tech-zone": "High-tech Zone",
    "economic-zone": "Economic and Technological Development Zone",
    "new-area": "New Area",
    "free-trade-zone": "Free Trade Zone",
    "bonded-zone": "Bonded Zone",
    "development-zone": "Development Zone",
    "industrial-park": "Industrial Park",
    "science-park": "Science Park",
    "science-city": "Science City",
    "bio-hub": "Bio Hub",
    "demonstration-zone": "Demonstration Zone",
    "new-town": "New Town",
    "park": "Park",
    "life-science-park": "Life Science Park",
    "life-science-town": "Life Science Town",
    "bio-park": "Biopark",
    "innovation-district": "Innovation District",
    "technopark": "Technopark",
}


def _pattern(
    types: tuple[tuple[str, PlaceKind, str], ...], *, before: str, after: str, flags: int = 0
) -> re.Pattern[str]:
    body = "|".join(f"(?P<t{i}>{pattern})" for i, (_, _, pattern) in enumerate(types))
    return re.compile(f"{before}(?:{body}){after}", flags)


LATIN_PATTERN = _pattern(
    LATIN_TYPES, before=r"(?<![A-Za-z0-9À-ɏ])", after=r"(?:s)?(?![A-Za-z0-9À-ɏ])", flags=re.IGNORECASE
)
FRONT_PATTERN = _pattern(FRONT_TYPES, before=r"(?<![A-Za-z0-9À-ɏ])", after=r"(?= d)", flags=re.IGNORECASE)
_HAN_WORDS = {word: (name, kind) for name, kind, words in HAN_TYPES for word in words.split("|")}
HAN_PATTERN = re.compile("|".join(sorted(map(re.escape, _HAN_WORDS), key=len, reverse=True)))


def latin_type(
    match: re.Match[str], types: tuple[tuple[str, PlaceKind, str], ...] = LATIN_TYPES
) -> tuple[str, PlaceKind]:
    index = int((match.lastgroup or "t0")[1:])
    return types[index][0], types[index][1]


def han_type(word: str) -> tuple[str, PlaceKind]:
    return _HAN_WORDS[word]


TYPE_ENDS = frozenset(
    (
        "area",
        "areas",
        "district",
        "districts",
        "zone",
        "zones",
        "port",
        "park",
        "parks",
        "estate",
        "base",
        "campus",
        "centre",
        "center",
        "hub",
        "hubs",
        "cluster",
        "clusters",
        "valley",
        "corridor",
        "town",
        "city",
        "island",
        "quarter",
        "bay",
        "village",
        "complex",
        "precinct",
        "mile",
        "technopark",
        "technopole",
        "technopolis",
        "technocity",
        "technologiepark",
        "innopolis",
        "innopole",
        "innovationspark",
        "biopark",
        "bioquarter",
        "biocity",
        "biopole",
        "genopole",
        "medipolis",
        "biohub",
        "incubator",
        "biovalley",
        "biocluster",
        "biovillage",
        "biobay",
        "lifesciencepark",
    )
)
"""Last words of the phrases in `LATIN_TYPES`, folded."""
