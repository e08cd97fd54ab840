"""Items placed into stories by several workers at once, and what each item is told about it."""

from __future__ import annotations

from collections import defaultdict
from concurrent.futures import ThreadPoolExecutor
from itertools import cycle, islice

from row_factories import WHO, add_feed, draft, now
from sqlalchemy import select

from watcher.model import Item
from watcher.pipeline import place
from watcher.store import items, stories
from watcher.store.database import Database
from watcher.store.schema import items as item_rows
from watcher.store.schema import story_keys
from watcher.story.same import Weights

MAKERS = ("Kestrel Bio", "Onoda Pharma", "Velarde Medicines", "Tamsin Therapeutics", "Quillon Biotech", "Harbeck Labs")
TELLINGS = (
    "{} raises $30 million for a kidney drug",
    "Kidney drug maker {} closes $30 million round",
    "$30 million for {} and its kidney drug",
    "{} wins $30 million from investors to treat kidneys",
    "Investors give {} $30 million for kidney medicine",
    "{}: $30 million round for kidney drug closed",
)


def waiting(database: Database) -> list[Item]:
    """Six stories in six tellings each, those of a story side by side so that several workers get them."""
    drafts = [
        draft(f"{maker}{number}", title=title.format(maker), text=f"{maker} raised $30 million.", link=None)
        for maker in MAKERS
        for number, title in enumerate(TELLINGS)
    ]
    add_feed(database)
    with database.write() as conn:
        ids = items.insert_new(conn, 1, drafts, history=lambda _: False, now=now())
        return items.claim(conn, ids, owner=WHO, lease_s=60, now=now())


def work(database_url: str, share: list[Item]) -> None:
    """A worker: one item a transaction, so that the workers meet as often as they can."""
    database = Database(database_url)
    for item in share:
        told = place.read(item, Weights())
        with database.write() as conn:
            stories.lock(conn)
            place.place(conn, told, opens=True, now=now())
    database.close()


def test_workers_that_place_at_once_make_one_story_of_each(database: Database, database_url: str) -> None:
    told = waiting(database)
    shares = [told[start::4] for start in range(4)]
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(work, cycle([database_url]), shares))
    with database.read() as conn:
        rows = conn.execute(select(item_rows.c.id, item_rows.c.story_id, item_rows.c.story_reason)).all()
    by_story = defaultdict(set)
    for row in rows:
        by_story[row.story_id].add((row.id - 1) // len(TELLINGS))
    assert sorted(by_story.values(), key=min) == [{number} for number in range(len(MAKERS))]
    assert sum(row.story_reason == "first" for row in rows) == len(MAKERS)
    assert all(row.story_reason == "first" or float(row.story_reason.split()[1]) > 0.25 for row in rows)


def test_the_sixth_telling_of_a_story_no_longer_stands_for_it(database: Database, database_url: str) -> None:
    told = list(islice(waiting(database), len(TELLINGS)))
    work(database_url, told)
    with database.read() as conn:
        standing = conn.execute(select(item_rows.c.id).where(item_rows.c.fingerprint.is_not(None))).scalars().all()
        assert sorted(standing) == [1, 2, 3, 4, 5]
        asked = conn.execute(select(story_keys.c.key)).scalars().all()
        found = stories.candidates(conn, asked, limit=5)
    assert [(one.story_id, one.item_id) for one in found] == [(1, number) for number in (1, 2, 3, 4, 5)]
