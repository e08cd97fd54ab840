"""What finding the story of one more item costs on a database where 10,000 stories are open.

Run: `python benchmarks/placing.py [--stories 10000] [--postgres URL]`. The items are deals of invented companies in
sentences that all sound alike, which is the hard case: nearly every word is common. Of the measured items half tell a
known story in other words and half a new one. Printed is CPU time of this process, and wall time, by part: reading the
item (words and facts, outside any transaction), finding its story (the look-up and the decision), and the whole of
placing it (finding once more, and writing what came of it).
"""

from __future__ import annotations

import argparse
import random
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

from watcher.model import FeedConfig, Item, ItemDraft, Origin
from watcher.pipeline import place as placing
from watcher.store import feeds, items
from watcher.store.database import Database
from watcher.story.same import Weights

NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)
_SYLLABLES = "ba ko ri ten mar lus vo dan per shi go nel ta fur wen os il cra mon dy".split()
_ILLS = "psoriasis|kidney disease|solid tumours|lupus|obesity|asthma|sepsis|glaucoma|gout|myeloma|anaemia|eczema".split(
    "|"
)
_TOWNS = "Boston|Basel|Shanghai|Suzhou|Seoul|Munich|Lyon|Madrid|Osaka|Cambridge|San Diego|Chongqing|Milan|Leuven".split(
    "|"
)
_TITLES = (
    "{maker} raises ${amount} million to treat {ill}",
    "{ill} drug maker {maker} secures ${amount}M from {fund}",
    "{fund} backs {maker} with ${amount} million",
    "{maker} closes ${amount} million round led by {fund}",
)
_TEXTS = (
    "{town}-based {maker} said on Monday that it raised ${amount} million from {fund} and other investors. The money"
    " pays for a first trial of {code} in patients with {ill}. The company plans to hire people and to open a"
    " laboratory next year, its chief executive said. Analysts expect more rounds of the kind in the sector.",
    "{fund} led a round of ${amount} million for {maker}, a biotechnology company of {town}. With the proceeds {maker}"
    " will bring its candidate {code}, a treatment of {ill}, to the clinic. Existing investors took part as well, the"
    " company announced. It had published results of a study in animals before.",
)


@dataclass(slots=True)
class Times:
    cpu: list[float] = field(default_factory=list)
    wall: list[float] = field(default_factory=list)

    def take(self, work: Callable[[], object]) -> object:
        cpu, wall = time.process_time(), time.perf_counter()
        result = work()
        self.cpu.append(time.process_time() - cpu)
        self.wall.append(time.perf_counter() - wall)
        return result

    def __str__(self) -> str:
        return "   ".join(
            f"{name} mean {1e3 * sum(one) / len(one):.2f}, median {1e3 * sorted(one)[len(one) // 2]:.2f},"
            f" 99 % within {1e3 * sorted(one)[len(one) * 99 // 100]:.2f} ms"
            for name, one in (("CPU", self.cpu), ("wall", self.wall))
        )


def deals(chance: random.Random) -> Iterator[dict[str, object]]:
    """Facts of one invented deal after another."""

    def name() -> str:
        return "".join(chance.choices(_SYLLABLES, k=chance.randint(2, 4))).title()

    while True:
        yield {
            "maker": f"{name()} {chance.choice(('Bio', 'Therapeutics', 'Pharma', 'Medicines'))}",
            "fund": f"{name()} {chance.choice(('Capital', 'Ventures', 'Partners'))}",
            "amount": chance.randint(5, 400),
            "ill": chance.choice(_ILLS),
            "town": chance.choice(_TOWNS),
            "code": f"{name()[:2].upper()}-{chance.randint(100, 999)}",
        }


def draft(number: int, deal: dict[str, object], way: int) -> ItemDraft:
    title, text = _TITLES[way % len(_TITLES)].format(**deal), _TEXTS[way % len(_TEXTS)].format(**deal)
    return ItemDraft(
        identity=str(number),
        alias=str(number),
        link=f"https://news.example/{number}",
        title=title[:1].upper() + title[1:],
        summary="",
        text=text,
        author="",
        language="en",
        categories=(),
        published_at=NOW - timedelta(minutes=number % 10_000),
        updated_at=None,
        content_hash=str(number),
    )


def stored(database: Database, drafts: Sequence[ItemDraft]) -> list[Item]:
    """The drafts as items that wait."""
    config = FeedConfig(url="https://news.example/feed")
    found: list[Item] = []
    with database.write() as conn:
        feeds.add(conn, config, origin=Origin.CLI, now=NOW)
        ids = items.insert_new(conn, 1, drafts, history=lambda _: False, now=NOW)
    for start in range(0, len(ids), 500):
        with database.write() as conn:
            found += items.claim(conn, ids[start : start + 500], owner="bench", lease_s=600, now=NOW)
    return found


def measure(database: Database, open_stories: int, more: int, seed: int = 3) -> None:
    database.migrate()
    chance = random.Random(seed)
    told = [deal for deal, _ in zip(deals(chance), range(open_stories), strict=False)]
    weights = Weights()
    known: dict[int, int] = {}
    began = time.perf_counter()
    waiting = stored(database, [draft(number, deal, number) for number, deal in enumerate(told)])
    for start in range(0, len(waiting), 200):
        with database.write() as conn:
            for number, item in enumerate(waiting[start : start + 200], start):
                read = placing.read(item, weights)
                weights.add({*read.compared.print.words, *read.compared.print.neutral})
                # opened without looking: look-ups are measured below, not here
                known[number] = placing.open_story(conn, read, now=NOW)
    print(f"{len(known):,} stories made in {time.perf_counter() - began:.0f} s ({database.dialect})")
    again = [(number, told[number]) for number in chance.sample(range(open_stories), more)]
    fresh = [(None, deal) for deal, _ in zip(deals(chance), range(more), strict=False)]
    asked = [one for pair in zip(again, fresh, strict=True) for one in pair]
    drafts = [draft(open_stories + n, deal, (number or 0) + 1 + n % 2) for n, (number, deal) in enumerate(asked)]
    reading, finding, placed, outcome = Times(), Times(), Times(), Counter[str]()
    for (number, _), item in zip(asked, stored(database, drafts), strict=True):
        with database.write() as conn:
            told_by = reading.take(partial(placing.read, item, weights))
            finding.take(partial(placing.find, conn, told_by))
            story = placed.take(partial(placing.place, conn, told_by, opens=True, now=NOW))
        new = story not in known.values()
        outcome[("known" if number is not None else "new") + (" → new" if new else " → known")] += 1
        outcome["wrong story"] += not new and number is not None and story != known[number]
    print(f"reading   {reading}")
    print(f"finding   {finding}")
    print(f"placing   {placed}")
    print("          " + ", ".join(f"{name}: {count}" for name, count in sorted(outcome.items())))


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--stories", type=int, default=10_000)
    options.add_argument("--more", type=int, default=250, help="items measured of each kind")
    options.add_argument("--postgres", help="an empty database to measure on instead of SQLite")
    chosen = options.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        database = Database(chosen.postgres or f"sqlite:///{Path(folder) / 'bench.db'}")
        try:
            measure(database, chosen.stories, chosen.more)
        finally:
            database.close()


if __name__ == "__main__":
    main()
