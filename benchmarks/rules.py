"""How fast the rules are: the scan and the whole evaluation with 10, 100 and 1,000 rules beside `re` per rule, and the
shipped rules on real articles. Prints; asserts nothing. CPU time of one core, medians of interleaved rounds.
"""

from __future__ import annotations

import argparse
import json
import random
import re
import statistics
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import date
from pathlib import Path

from watcher.match.compile import compile_rules
from watcher.match.evaluate import Engine
from watcher.match.language import load_rules
from watcher.match.rule import Group, PhraseClause, RuleSet
from watcher.model import NewsText

ROOT = Path(__file__).resolve().parents[1]
SHARED = ROOT.parent / "shared"
LENGTH = 3000
SHORT, LONG = 1000, (3000, 10_000)
SYLLABLES = [a + b for a in "b c d f g k l m n p r s t v z".split() for b in "ar el in ov us on ax em".split()]
HAN = (
    "安邦宝博昌达德东方丰富高光国海汉恒宏华吉佳嘉建江金锦京康科兰乐丽联龙绿明南宁鹏普"
    "启千庆荣瑞赛山升盛顺泰腾天通同万威维西祥欣新信兴旭亚洋永宇远源泽兆正志中卓"
)
WORDS = "court harvest engine council museum railway storm budget season market painter voter river school".split()
HAN_WORDS = (
    "市场",
    "天气",
    "会议",
    "比赛",
    "火车",
    "学校",
    "河流",
    "预算",
    "画家",
    "季节",
    "记者",
    "昨天",
    "表示",
    "我们",
    "因为",
)


def main() -> None:
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("--rounds", type=int, default=5)
    rounds = asked.parse_args().rounds
    print(f"{LENGTH:,}-character texts that no literal touches, items/s of one core, median of {rounds} rounds\n")
    print("| rules | text | scan | whole evaluation | `re` per rule | scan ÷ re |\n|---|---|---|---|---|---|")
    for count in (10, 100, 1000):
        for language in ("en", "zh"):
            print(compared(count, language, rounds), flush=True)
    print("\n| shipped rules on | items | p50 ms | p95 ms | most ms |\n|---|---|---|---|---|")
    engine = compile_rules(load_rules(ROOT / "rules"))
    for name, items in articles().items():
        print(latencies(name, engine, items, rounds), flush=True)


def compared(count: int, language: str, rounds: int) -> str:
    """A row: our scan, our evaluation and a compiled alternation per rule on the same texts."""
    rule_set = made_rules(count)
    engine = compile_rules(rule_set)
    patterns = [re.compile("|".join(sources(rule_set, index)), re.IGNORECASE) for index in range(count)]
    items = [NewsText(text=text) for text in made_texts(language)]
    few = items[: max(2, 200 // count)]
    ways: dict[str, tuple[Callable[[NewsText], object], Sequence[NewsText]]] = {
        "scan": (engine.candidates, items),
        "whole": (engine.matches, items),
        "re": (lambda news: [pattern.search(news.text) for pattern in patterns], few),
    }
    speed: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(rounds):
        for name, (run, texts) in ways.items():
            speed[name].append(len(texts) / cpu_of(run, texts))
    scan, whole, alone = (statistics.median(speed[name]) for name in ways)
    return f"| {count:,} | {language} | {scan:,.0f} | {whole:,.0f} | {alone:,.1f} | {scan / alone:,.0f} |"


def cpu_of(run: Callable[[NewsText], object], items: Sequence[NewsText]) -> float:
    start = time.process_time()
    for news in items:
        run(news)
    return time.process_time() - start


def made_rules(count: int) -> RuleSet:
    """Rules of two languages as people write them: some names or words, then what must stand in the same sentence."""
    chance = random.Random(count)
    with tempfile.TemporaryDirectory() as folder:
        for index in range(count):
            (Path(folder) / f"rule-{index}.yml").write_text(made_rule(chance, index), encoding="utf-8")
        return load_rules(Path(folder))


def made_rule(chance: random.Random, index: int) -> str:
    names = [made_name(chance) for _ in range(3)]
    firms = ["".join(chance.sample(HAN, chance.choice((3, 4)))) for _ in range(2)]
    second = chance.choice(("{money: {at_least: 1M USD}}", "{places: 1}", "{parties: 1}", None))
    clause = f"      - {second}\n" if second else ""
    phrases = [f"{names[0]} {names[1]}", f"{names[2]} ... licence", *firms, f"{firms[0]} ... 合作"]
    return (
        f"id: rule-{index}\ntitle: Rule {index}\nstatus: stable\nlevel: low\nselections:\n  words:\n    all:\n"
        f"      - any: {json.dumps(phrases, ensure_ascii=False)}\n{clause}"
        "condition: words\ntests:\n  - match: anything\n  - no_match: nothing\n"
    )


def made_name(chance: random.Random) -> str:
    return "".join(chance.choice(SYLLABLES) for _ in range(chance.choice((3, 4))))


def sources(rule_set: RuleSet, index: int) -> list[str]:
    """The phrases of a rule as one writes them for `re`."""
    groups = [group for selection in rule_set.rules[index].selections.values() for group in selection.groups]
    phrases: list[str] = []
    while groups:
        for clause in groups.pop().clauses:
            if isinstance(clause, PhraseClause):
                phrases += [phrase.source for phrase in clause.phrases]
            elif isinstance(clause, Group):
                groups.append(clause)
    return [r".{0,40}?".join(re.escape(part.strip()) for part in phrase.split("...")) for phrase in phrases]


def made_texts(language: str, count: int = 100) -> list[str]:
    """News-like prose without any name of the rules: capitals, quotes and dashes; of Chinese also full-width signs."""
    chance = random.Random(language)
    texts = []
    for _ in range(count):
        text = ""
        while len(text) < LENGTH:
            if language == "en":
                words = " ".join(chance.choices(WORDS, k=12))
                text += f"{words[:40].capitalize()}, “{words[40:]}” — said in {chance.randint(1990, 2026)}. "
            else:
                text += (
                    "".join(chance.choices(HAN_WORDS, k=9)) + f"，“{chance.choice(HAN_WORDS)}”{chance.randint(1, 99)}。"
                )
        texts.append(text[:LENGTH])
    return texts


def articles() -> dict[str, list[NewsText]]:
    """The seeds and the labelled news of the checkout, and longer ones where they lie beside it."""
    labelled = {
        path.stem: list(map(news_of, path.read_text(encoding="utf-8").splitlines()))
        for path in (*sorted((ROOT / "tests" / "news").rglob("*.jsonl")), *(SHARED / "news").glob("dev.jsonl"))
    }
    seeds = [NewsText(text=path.read_text(encoding="utf-8")) for path in sorted((ROOT / "seeds").glob("0*.md"))]
    captured = [NewsText(text=path.read_text(encoding="utf-8")) for path in sorted((SHARED / "seeds").glob("*.txt"))]
    every = [*(one for items in labelled.values() for one in items), *captured]
    groups = {
        "short items (< 1 KB)": [one for one in every if size_of(one) < SHORT],
        "long articles (3–10 KB)": [one for one in every if LONG[0] <= size_of(one) <= LONG[1]],
        "seeds": seeds,
        "seeds as captured": captured,
    }
    return {name: items for name, items in groups.items() if items}


def size_of(news: NewsText) -> int:
    """Bytes of UTF-8: a Chinese page of 10 KB has some 3,300 characters."""
    return len(news.text.encode())


def news_of(line: str) -> NewsText:
    item = json.loads(line)
    day = item.get("date") or ""
    dated = date.fromisoformat(day[:10]) if re.match(r"\d{4}-\d\d-\d\d", day) else None
    return NewsText(title=item.get("title") or "", text=item.get("text") or "", language=item.get("lang"), dated=dated)


def latencies(name: str, engine: Engine, items: Sequence[NewsText], rounds: int) -> str:
    """A row: per item the median of the rounds after a first one, which compiles the patterns.

    Texts differ by a blank from round to round, because the annotators remember the last few texts.
    """
    took: list[list[float]] = [[] for _ in items]
    for number in range(rounds + 1):
        for news, times in zip(items, took, strict=True):
            times.append(cpu_of(engine.matches, [replace(news, text=news.text + " " * number)]) * 1000)
    middle = sorted(statistics.median(times[1:]) for times in took)
    p95 = middle[min(len(middle) - 1, int(len(middle) * 0.95))]
    return f"| {name} | {len(items)} | {statistics.median(middle):.1f} | {p95:.1f} | {middle[-1]:.1f} |"


if __name__ == "__main__":
    main()
