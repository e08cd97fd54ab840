"""How well items are grouped into stories, beside plain TF-IDF, and how long one more item takes among 10,000 stories.

Run: `python benchmarks/stories.py [--news FILE] [--speed]`. The sets are those of tests/story/sets; `--news` adds the
repeats inside a file of labelled news, every other item of which is a story of its own.
"""

from __future__ import annotations

import argparse
import json
import math
import re
import sys
import time
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path

from watcher.story.fingerprint import Telling
from watcher.story.group import group

SETS = Path(__file__).resolve().parents[1] / "tests" / "story" / "sets"
Row = dict[str, str]


def b_cubed(found: Mapping[str, str], true: Mapping[str, str]) -> tuple[float, float, float]:
    """B³ precision, recall and F1 (Bagga and Baldwin 1998): of every item, how much of its group shares its story."""
    groups, gold = defaultdict(set), defaultdict(set)
    for name, story in found.items():
        groups[story].add(name)
    for name, story in true.items():
        gold[story].add(name)
    shared = [(len(groups[found[n]] & gold[true[n]]), len(groups[found[n]]), len(gold[true[n]])) for n in true]
    precision = sum(common / size for common, size, _ in shared) / len(shared)
    recall = sum(common / size for common, _, size in shared) / len(shared)
    return precision, recall, 2 * precision * recall / (precision + recall)


def tfidf_best(rows: Sequence[Row]) -> tuple[tuple[float, float, float], float]:
    """The best that average-link clustering of plain TF-IDF cosines reaches at any threshold, chosen with the truth."""
    counts = [Counter(re.findall(r"\w+", f"{r.get('title', '')} {r.get('text', '')}".casefold())) for r in rows]
    df = Counter(word for one in counts for word in one)
    vectors = []
    for one in counts:
        vector = {w: c * (math.log((1 + len(rows)) / (1 + df[w])) + 1) for w, c in one.items()}
        length = math.sqrt(sum(v * v for v in vector.values())) or 1.0
        vectors.append({w: v / length for w, v in vector.items()})
    index: dict[str, list[tuple[int, float]]] = defaultdict(list)
    sums: list[dict[int, float]] = [{} for _ in rows]
    for n, vector in enumerate(vectors):
        for w, v in vector.items():
            for m, u in index[w]:
                sums[n][m] = sums[n].get(m, 0.0) + v * u
            index[w].append((n, v))
        for m, s in sums[n].items():
            sums[m][n] = s
    true = {r["id"]: r["story"] for r in rows}
    best, at = (0.0, 0.0, 0.0), 0.0
    for found, threshold in _average_link(rows, sums):
        score = b_cubed(found, true)
        if score[2] > best[2]:
            best, at = score, threshold
    return best, at


def _average_link(rows: Sequence[Row], sums: list[dict[int, float]]) -> list[tuple[dict[str, str], float]]:
    members = {n: [n] for n in range(len(rows))}
    states, step = [], 0.60
    while step > 0.02:
        pair = max(
            ((s / (len(members[a]) * len(members[b])), a, b) for a in members for b, s in sums[a].items() if a < b),
            default=(0.0, 0, 0),
        )
        while pair[0] < step and step > 0.02:
            found = {rows[n]["id"]: str(name) for name, group_ in members.items() for n in group_}
            states.append((found, step))
            step -= 0.02
        if pair[0] <= 0.0:
            break
        _, a, b = pair
        members[a] += members.pop(b)
        for other, value in sums[b].items():
            sums[other].pop(b)
            if other != a:
                sums[a][other] = sums[other][a] = sums[a].get(other, 0.0) + value
        sums[b] = {}
    return states


def tellings(rows: Sequence[Row]) -> list[Telling]:
    return [
        Telling(id=r["id"], title=r.get("title") or "", text=r.get("text") or "", language=r.get("lang")) for r in rows
    ]


def sets(news: str | None) -> dict[str, list[Row]]:
    """Every set by name; each row has an id and its true story."""
    told = _read(SETS / "tellings.jsonl")
    found = {
        "tellings": told,
        "tellings, titles only": [{**r, "text": ""} for r in told],
        "tellings, texts only": [{**r, "title": ""} for r in told],
        "tellings, English": [r for r in told if r["lang"] == "en"],
        "titles": _read(SETS / "titles.jsonl"),
        "titles, language untold": [{**r, "lang": ""} for r in _read(SETS / "titles.jsonl")],
    }
    found["titles, English"] = [r for r in found["titles"] if r["lang"] == "en"]
    if news:
        repeats = json.loads((SETS / "news_repeats.json").read_text(encoding="utf-8"))
        rows = [{**r, "story": repeats.get(r["id"], r["id"])} for r in _read(Path(news))]
        found["news"] = rows
        both = [*rows, *told, *found["titles"]]
        found["all together"] = both
    return found


def _read(path: Path) -> list[Row]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines() if line.strip()]


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--news", help="labelled news whose repeats are known")
    options.add_argument("--plain", action="store_true", help="measure plain TF-IDF too")
    chosen = options.parse_args()
    print(f"{'set':<26}{'items':>6}{'stories':>8}{'P':>7}{'R':>7}{'F1':>7}{'s':>7}   TF-IDF at its best")
    for name, rows in sets(chosen.news).items():
        true = {r["id"]: r["story"] for r in rows}
        begun = time.perf_counter()
        p, r, f = b_cubed(group(tellings(rows)), true)
        took = time.perf_counter() - begun
        line = f"{name:<26}{len(rows):>6}{len(set(true.values())):>8}{p:>7.3f}{r:>7.3f}{f:>7.3f}{took:>7.2f}"
        if chosen.plain:
            (pp, pr, pf), at = tfidf_best(rows)
            line += f"   P {pp:.3f} R {pr:.3f} F1 {pf:.3f} at {at:.2f}"
        print(line)
        sys.stdout.flush()


if __name__ == "__main__":
    main()
