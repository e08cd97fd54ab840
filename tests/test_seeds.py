"""The seed articles tell the facts they are meant to tell, in our own sentences, and the feeds are made of them."""

import importlib.util
import json
import re
import sys
from datetime import UTC, datetime
from pathlib import Path
from types import ModuleType

import feedparser
import pytest

from watcher.parse.feed import parse

SEEDS = Path(__file__).resolve().parents[1] / "seeds"
ORIGINALS = Path(__file__).resolve().parents[2] / "shared" / "seeds"
FEEDS = ("feed.rss.xml", "feed.atom.xml", "feed.json")


def _maker() -> ModuleType:
    spec = importlib.util.spec_from_file_location("make_feed", SEEDS / "make_feed.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    sys.modules["make_feed"] = module
    spec.loader.exec_module(module)
    return module


make_feed = _maker()
ARTICLES = {article.id: article for article in make_feed.articles()}

FACTS = {
    "000": """June 21, 2023|IURC-China|Santiago de Compostela|Chongqing|Galicia|World Heritage City|1985|tourism
        |University of Santiago de Compostela|USC|Campus Vida|Campuses of Excellence|Sionlla Biotech SL
        |Biotechnological Innovation Center of Santiago|financing|BioPolo|Santiago Biotechnological Innovation Pole
        |Dadi Life Science Park|more than 120|Liangjiang New Area|study visit|market access|talent""",
    "001": """July 29|Liangjiang Life Science Town|Chongqing|Liangjiang New Area|Seoul Bio Hub|strategic cooperation
        |signed|Oh Se-hoon|Luo Lin|Party secretary|PalaTech (Chongqing) Biotechnology Co|exhibition hall|finance""",
    "002": """October 19|2023 China Biotechnology Innovation Conference|Chengdu High-tech Zone|27 academicians|over 300
        |over 1000|Nearly 20|more than 50|high-level innovation and high-quality development
        |China Biotechnology Development Center|Chengdu Municipal People's Government|Management Committee|Deng Zixin
        |Zhang Xingdong|Yu Junchong|Zhang Xuemin|AstraZeneca|Bayer|GSK|Aberdeen|20 Fortune Global 500|Dong Chen
        |immunotherapy|Wei Yuquan|COVID-19|Chen Jian|Developing Future Food Based on Biological Manufacturing
        |2023 China Life Sciences and Biotechnology Development Report
        |2023 China Clinical Medicine Research and Development Report
        |2023 China Medical Device Technology Innovation and Development Report - Biomedical Materials
        |2022 Traditional Chinese Medicine Development Report|16 sessions|Three side meetings|more than 10 members
        |MSD|Roche|GE|AZ|more than 90|Lianying Medical|Qilu Pharmaceutical|more than 10 young scientists
        |Ministry of Science and Technology|Global Youth Talent Resource Plan|Tianfu Jincheng Laboratory|second batch
        |Frontier Medical Center|50 foremost|Junlian Capital|Chengdu-Chongqing Shuangcheng Economic Circle
        |Olin Biotech|Third Military Medical University|Meilaide|Biotech City|Marine Science Center|Chengdu Customs
        |2023 China Biopharmaceutical Industry Park Development Status Analysis Report|2022
        |Zhongguancun National Independent Innovation Demonstration Zone|Suzhou Industrial Park
        |Shanghai Zhangjiang High-tech Industrial Development Zone|Rongsheng Pharmaceutical Co., Ltd.
        |National Drug Administration|Recombinant Human Coagulation Factor VIII for Injection|fourth-generation
        |Intravenous Human Immunoglobulin (pH4)|first site in Asia|Griffith University|Australia|Class 1
        |Group A streptococcus|clinical trials|Konoya|exclusive global licence|CMG901|antibody-drug conjugate
        |1.2 billion US dollars|second highest""",
    "003": """Nov. 1, 2023|Shenzhen|Italy|Shenzhen-European Economic and Trade Representative Office
        |Transnational Innovation in Biotech: Shenzhen-Italy Healthcare Special|Silicon Valley|Sun Xiaoyu
        |Chief Representative|Europe|China""",
    "004": """Chongqing International Biopharmaceutical City|over 100|42|56|20|dual antibody|GR1803|$712 million
        |first|January and November|21 projects|10.2 billion yuan|3.833 billion yuan|25 projects|11 billion yuan
        |two industry leaders|three companies|2 billion yuan|150 billion yuan|five years|Fudan University
        |Gaofeng Lake Laboratory|gene and cell therapy|重庆国际生物城|创新药产业生态|7.12亿美元|102亿元|38.33亿元
        |110亿元|21个|25个|100个|42个|56个|20个""",
}
DATES = {
    "000": datetime(2023, 6, 21, 12, tzinfo=UTC),
    "001": datetime(2024, 7, 30, 12, tzinfo=UTC),
    "002": datetime(2023, 10, 19, 12, tzinfo=UTC),
    "003": datetime(2023, 11, 1, 12, tzinfo=UTC),
    "004": datetime(2025, 12, 16, 0, 35, tzinfo=UTC),
}


@pytest.mark.parametrize("seed", FACTS)
def test_every_name_and_figure_is_told(seed: str) -> None:
    words = ARTICLES[seed].body.lower()
    wanted = [" ".join(fact.split()).lower() for fact in FACTS[seed].split("|")]
    assert [fact for fact in wanted if fact not in words] == []


@pytest.mark.parametrize("seed", DATES)
def test_every_article_has_its_date(seed: str) -> None:
    assert ARTICLES[seed].published_at == DATES[seed]


def _words(text: str) -> list[str]:
    return re.findall(r"[^\W_]+", text)


def _runs(words: list[str], length: int) -> set[tuple[str, ...]]:
    return {tuple(words[at : at + length]) for at in range(len(words) - length + 1)}


def _prose(text: str, length: int = 8) -> set[tuple[str, ...]]:
    """Runs of `length` words that are sentence rather than name: at least half of the words in lower case."""
    found = _runs(_words(text), length)
    plain = {run for run in found if sum(word.islower() for word in run) * 2 >= length}
    return {tuple(word.lower() for word in run) for run in plain}


@pytest.mark.skipif(not ORIGINALS.is_dir(), reason="the source articles are not beside this checkout")
@pytest.mark.parametrize("seed", FACTS)
def test_no_sentence_of_a_source_article_is_repeated(seed: str) -> None:
    sources = {run for path in ORIGINALS.glob("*.txt") for run in _prose(path.read_text(encoding="utf-8"))}
    mottos = _prose("Health high-level innovation and high-quality development")
    assert _prose(ARTICLES[seed].title + ". " + ARTICLES[seed].body) & sources - mottos == set()


@pytest.mark.parametrize("name", FEEDS)
def test_the_committed_feed_is_what_the_script_writes(name: str) -> None:
    assert (SEEDS / name).read_text(encoding="utf-8") == make_feed.make()[name]


@pytest.mark.parametrize("name", ["feed.rss.xml", "feed.atom.xml"])
def test_the_xml_feeds_are_well_formed_and_tell_the_same_entries(name: str) -> None:
    parsed = feedparser.parse((SEEDS / name).read_bytes())
    assert not parsed.bozo
    assert _told(parsed.entries) == _expected()


@pytest.mark.parametrize("name", FEEDS)
def test_our_own_parser_reads_every_copy_alike(name: str) -> None:
    parsed = parse((SEEDS / name).read_bytes(), None, f"https://news.example/seeds/{name}")
    assert parsed.well_formed
    assert parsed.dropped == ()
    assert [(item.identity, item.link, item.published_at) for item in parsed.items] == [
        (ARTICLES[seed].guid, ARTICLES[seed].url, DATES[seed]) for seed in ("004", "001", "003", "002", "000")
    ]
    for item, seed in zip(parsed.items, ("004", "001", "003", "002", "000"), strict=True):
        assert item.text == ARTICLES[seed].body.replace("## ", "")


def test_the_json_feed_tells_the_same_entries() -> None:
    items = json.loads((SEEDS / "feed.json").read_text(encoding="utf-8"))["items"]
    assert [(item["id"], item["url"], item["title"], item["content_html"]) for item in items] == _expected()


def _told(entries: list[feedparser.FeedParserDict]) -> list[tuple[str, str, str, str]]:
    return [(entry.id, entry.link, entry.title, entry.content[0].value.replace("\r", "")) for entry in entries]


def _expected() -> list[tuple[str, str, str, str]]:
    newest_first = ("004", "001", "003", "002", "000")
    return [
        (ARTICLES[seed].guid, ARTICLES[seed].url, ARTICLES[seed].title, ARTICLES[seed].html) for seed in newest_first
    ]
