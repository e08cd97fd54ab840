"""The shipped rules on labelled news that they were not made from: floors that no change of a rule or an annotator must
fall through.

The floors stand below what was measured; they catch a break, they do not prove quality.
"""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from watcher.match.compile import compile_rules
from watcher.match.language import load_rules
from watcher.model import NewsText

ROOT = Path(__file__).resolve().parents[2]
SETS = ROOT / "tests" / "news" / "aside"


def _f1(path: Path) -> dict[str, float]:
    engine = compile_rules(load_rules(ROOT / "rules"))
    right: dict[str, int] = {}
    wrong: dict[str, int] = {}
    for line in path.read_text("utf-8").splitlines():
        told = json.loads(line)
        news = NewsText(title=told["title"] or "", text=told["text"], language=told["lang"])
        found = {match.rule_id for match in engine.matches(news)}
        wanted = {label.replace("_", "-") for label in told["labels"]}
        for rule in found | wanted:
            (right if rule in found & wanted else wrong).setdefault(rule, 0)
            if rule in found & wanted:
                right[rule] += 2
            else:
                wrong[rule] += 1
    return {rule: right.get(rule, 0) / (right.get(rule, 0) + wrong.get(rule, 0)) for rule in {*right, *wrong}}


@pytest.mark.parametrize(
    ("name", "floors"),
    [
        ("pages_one", {"licensing-deal": 0.85, "city-partnership": 0.85, "funding": 0.85}),
        ("pages_en", {"licensing-deal": 0.90, "city-partnership": 0.87, "funding": 0.82}),
        ("pages_zh", {"licensing-deal": 0.81, "city-partnership": 0.87, "funding": 0.90}),
        ("pages_two", {"licensing-deal": 0.77, "city-partnership": 0.83, "funding": 0.84}),
    ],
)
def test_the_shipped_rules_keep_their_floor(name: str, floors: dict[str, float]) -> None:
    reached = _f1(SETS / f"{name}.jsonl")
    assert {rule: score for rule, score in reached.items() if score < floors[rule]} == {}
