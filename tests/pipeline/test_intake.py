"""Documents to items, on real databases and through the real parser: what is new, known, edited, or held back."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from threading import Barrier
from typing import Any
from xml.sax.saxutils import escape

import pytest
from row_factories import WHO, add_feed
from sqlalchemy import event, select, update

from watcher.fetch.edits import MOST_EDITS
from watcher.model import Again, AlertHistory, ItemDraft
from watcher.parse.feed import parse
from watcher.pipeline.intake import Intake, take_in
from watcher.store import feeds, items, known
from watcher.store.database import Database
from watcher.store.schema import digests
from watcher.store.schema import feeds as feed_rows
from watcher.store.schema import items as item_rows

NOW = datetime.now(UTC).replace(microsecond=0)
URL = "https://news.example/feed"
MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)


@dataclass(frozen=True, kw_only=True)
class Told:
    """An entry as its publisher writes it."""

    guid: str
    title: str
    link: str
    text: str
    at: datetime | None = None
    updated: datetime | None = None


def told(number: int, *, at: datetime | None = None, **changes: Any) -> Told:
    base = Told(
        guid=f"post-{number}",
        title=f"Headline number {number} of the day",
        link=f"https://news.example/posts/{number}",
        text=f"Company {number} of Basel told its story number {number}.",
        at=at,
    )
    return replace(base, **changes)


def archive(count: int, *, newest: datetime, apart: timedelta = 6 * HOUR, start: int = 0) -> list[Told]:
    """Newest first."""
    return [told(start + number, at=newest - number * apart) for number in range(count)]


def document(entries: Sequence[Told]) -> bytes:
    def one(entry: Told) -> str:
        published = f"<pubDate>{format_datetime(entry.at)}</pubDate>" if entry.at else ""
        updated = f"<atom:updated>{entry.updated.isoformat()}</atom:updated>" if entry.updated else ""
        return (
            f"<item><guid isPermaLink='false'>{escape(entry.guid)}</guid><title>{escape(entry.title)}</title>"
            f"<link>{escape(entry.link)}</link>{published}{updated}"
            f"<description>{escape(entry.text)}</description></item>"
        )

    channel = "".join(one(entry) for entry in entries)
    return (
        "<rss version='2.0' xmlns:atom='http://www.w3.org/2005/Atom'><channel><title>News</title>"
        f"{channel}</channel></rss>"
    ).encode()


@dataclass
class Shelf:
    """One feed in a database, whose documents are taken in at any time."""

    database: Database
    feed_id: int
    took: list[Intake] = field(default_factory=list)

    def take(self, entries: Sequence[Told] | bytes, *, now: datetime = NOW) -> Intake:
        body = entries if isinstance(entries, bytes) else document(entries)
        parsed = parse(body, "application/rss+xml", URL, now=max(now, NOW))
        with self.database.write() as conn:
            feed = feeds.get(conn, self.feed_id)
            taken = take_in(conn, feed, parsed, now=now)
            conn.execute(update(feed_rows).values(first_fetched_at=feed.first_fetched_at or now))
        self.took.append(taken)
        return taken

    def settled(self, entries: Sequence[Told], *, age: timedelta = 10 * DAY, last: timedelta = 6 * HOUR) -> None:
        """First fetched so long ago, with these entries, of which the dated were seen when they say; then the last."""
        self.take(entries, now=NOW - age)
        with self.database.write() as conn:
            conn.execute(update(feed_rows).values(last_changed_at=NOW - last))
            dated = item_rows.c.published_at.is_not(None)
            conn.execute(update(item_rows).where(dated).values(first_seen_at=item_rows.c.published_at))

    def classify(self) -> None:
        """As if the rules had read all that waits."""
        with self.database.write() as conn:
            waiting = items.due(conn, now=datetime.now(UTC) + DAY, limit=5000)
            for item in items.claim(conn, waiting, owner=WHO, lease_s=60, now=datetime.now(UTC) + DAY):
                assert items.finish(conn, item, owner=WHO, rules_version="v1", now=NOW)

    def rows(self) -> list[Any]:
        with self.database.read() as conn:
            return list(conn.execute(select(item_rows).order_by(item_rows.c.id)).all())

    def row(self, item_id: int = 1) -> Any:
        return next(row for row in self.rows() if row.id == item_id)

    @property
    def alerting(self) -> int:
        return sum(not row.history for row in self.rows())

    @property
    def flagged(self) -> str | None:
        with self.database.read() as conn:
            found: str | None = conn.execute(select(feed_rows.c.flagged)).scalar_one()
        return found

    @property
    def notices(self) -> list[dict[str, Any]]:
        with self.database.read() as conn:
            return list(conn.execute(select(digests.c.notice).order_by(digests.c.id)).scalars())


@pytest.fixture
def shelf(database: Database) -> Shelf:
    return Shelf(database, add_feed(database, URL, alert_history=AlertHistory.NONE))


@pytest.fixture
def lively(sqlite_url: str) -> Iterator[Shelf]:
    """For what does not depend on the kind of database."""
    database = Database(sqlite_url)
    yield Shelf(database, add_feed(database, URL, alert_history=AlertHistory.NONE))
    database.close()


# ── identity ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_the_same_document_a_hundred_times_brings_nothing_new(shelf: Shelf) -> None:
    body = document(archive(20, newest=NOW - HOUR))
    first, *others = [shelf.take(body, now=NOW + number * MINUTE) for number in range(100)]
    assert len(first.new) == 20
    assert others == [Intake()] * 99


def test_two_pollers_that_race_store_each_entry_once(shelf: Shelf) -> None:
    other = Shelf(Database(str(shelf.database._engine.url.render_as_string(hide_password=False))), shelf.feed_id)
    shelf.take([])
    at_once = Barrier(2)
    one = document(archive(20, newest=NOW))
    moved = document([replace(entry, guid=f"moved-{entry.guid}") for entry in archive(20, newest=NOW)])

    def poll(shelf: Shelf, body: bytes) -> int:
        at_once.wait()
        return len(shelf.take(body).new)

    with ThreadPoolExecutor(2) as pool:
        counts = list(pool.map(poll, (shelf, other), (one, moved)))
    other.database.close()
    assert sorted(counts) == [0, 20]
    assert len(shelf.rows()) == 20


def _new_guids(entry: Told) -> Told:
    return replace(entry, guid=f"https://cms.example/?p={entry.guid}")


def _volatile_links(entry: Told) -> Told:
    return replace(_new_guids(entry), link=f"{entry.link}?v=tOkEn{entry.guid}")


def _other_times(entry: Told) -> Told:
    return replace(_new_guids(entry), at=entry.at + DAY * 30 if entry.at else None)


@pytest.mark.parametrize("change", [_new_guids, _volatile_links, _other_times])
@pytest.mark.parametrize("count", [3, 10, 40])
def test_when_all_guids_change_nothing_is_new(shelf: Shelf, change: Callable[[Told], Told], count: int) -> None:
    entries = archive(count, newest=NOW - 40 * DAY)
    shelf.settled(entries)
    assert shelf.take([change(entry) for entry in entries]).new == ()
    assert shelf.take([change(entry) for entry in entries]) == Intake()
    assert len(shelf.notices) == (1 if count > 10 else 0)
    assert {row.identity for row in shelf.rows()} == {change(entry).guid for entry in entries}


def test_an_entry_is_new_beside_others_whose_guids_changed(shelf: Shelf) -> None:
    entries = archive(9, newest=NOW - DAY)
    shelf.settled(entries)
    (new,) = shelf.take([told(99, at=NOW - HOUR), *map(_new_guids, entries)]).new
    assert (shelf.row(new).identity, shelf.row(new).history) == ("post-99", False)


def test_guids_that_turn_from_http_to_https_and_back_are_known_and_nobody_is_told(shelf: Shelf) -> None:
    entries = [replace(entry, guid=entry.link) for entry in archive(20, newest=NOW - DAY)]
    secure = [
        replace(one, guid=one.guid.replace("https:", "http:"), link=one.link.replace("https:", "http:"))
        for one in entries
    ]
    shelf.settled(entries)
    for document_now in (secure, entries, secure):
        assert shelf.take(document_now) == Intake()
    assert (shelf.notices, shelf.flagged) == ([], None)


def test_entries_of_one_title_and_page_that_stand_together_are_two(shelf: Shelf) -> None:
    one = told(1, at=NOW - HOUR)
    shelf.take([one])
    twin = replace(one, guid="post-1b")
    assert len(shelf.take([twin, one]).new) == 1


@pytest.mark.parametrize(
    "other",
    [
        pytest.param({"at": NOW, "text": "Today is another day."}, id="a page that is written anew each day"),
        pytest.param({"title": "Another headline", "at": NOW}, id="another headline on the page"),
        pytest.param({"link": "https://news.example/else", "at": NOW}, id="a headline of every week"),
    ],
)
def test_what_shares_only_a_part_is_another_item(lively: Shelf, other: dict[str, Any]) -> None:
    first = told(1, at=NOW - 2 * DAY)
    lively.take([first])
    assert len(lively.take([replace(first, guid="post-1b", **other)]).new) == 1


def test_entries_without_titles_are_known_by_their_words(lively: Shelf) -> None:
    note = told(1, title="", link="https://news.example/", at=NOW - DAY)
    lively.take([note])
    assert lively.take([replace(note, guid="note-2")]) == Intake()
    assert len(lively.take([replace(note, guid="note-3", text="Something else altogether.")]).new) == 1


@pytest.mark.parametrize("guid", ["", "   ", "\n\t"])
def test_input_104_an_empty_guid_is_missing_and_the_link_is_the_identity(lively: Shelf, guid: str) -> None:
    lively.take([told(1, guid=guid)])
    assert lively.row().identity == "https://news.example/posts/1"
    assert lively.take([told(1, guid=f" {guid}")]) == Intake()


def test_an_entry_without_guid_and_link_is_known_by_title_and_date(lively: Shelf) -> None:
    bare = told(1, guid="", link="", at=NOW - DAY)
    lively.take([bare])
    assert lively.row().identity.startswith("hash:")
    assert lively.take([bare]) == Intake()
    assert len(lively.take([replace(bare, at=NOW)]).new) == 1


@pytest.mark.parametrize("dated", [True, False])
def test_a_feed_that_gives_all_its_entries_one_guid_has_each_of_them_once(shelf: Shelf, dated: bool) -> None:
    subjects = ("kidneys", "sepsis", "malaria", "asthma", "measles", "gout", "lupus", "rabies")
    entries = [
        Told(
            guid="always-the-same",
            title=f"On {subject}",
            link=f"https://news.example/{subject}",
            text=f"{subject.upper()} {subject}ology {subject}itis and {subject}osis.",
            at=NOW - DAY + number * HOUR if dated else None,
        )
        for number, subject in enumerate(subjects)
    ]
    for first in range(6):
        shelf.take(list(reversed(entries[first : first + 3])))
    assert sorted(row.title for row in shelf.rows()) == sorted(entry.title for entry in entries)
    assert all(row.edits == 0 and row.link.endswith(row.title[3:]) for row in shelf.rows())


def test_a_headline_changed_with_the_address_made_of_it_is_an_edit(lively: Shelf) -> None:
    lively.take([told(1, at=NOW)])
    moved = told(1, at=NOW, title="Another headline", link="https://news.example/another-headline")
    assert lively.take([moved]) == Intake(edited=(1,))


# ── dates ────────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    "date", ["", "garbage", "Thu, 01 Jan 1970 00:00:00 GMT", "Fri, 31 Dec 9999 23:59:59 GMT", "0001-01-01T00:00:00Z"]
)
def test_input_105_an_item_without_a_usable_date_counts_from_when_it_was_first_seen(lively: Shelf, date: str) -> None:
    body = document([told(1)]).replace(b"</item>", f"<pubDate>{date}</pubDate></item>".encode())
    lively.take(body)
    with lively.database.write() as conn:
        (item,) = items.claim(conn, [1], owner=WHO, lease_s=60, now=NOW + HOUR)
        assert items.recent_times(conn, lively.feed_id) == [NOW]
    assert (lively.row().published_at, item.told_at) == (None, NOW)


def test_a_date_more_than_a_day_ahead_is_none_and_a_nearer_one_stands(lively: Shelf) -> None:
    lively.take([told(1, at=NOW + DAY + MINUTE), told(2, at=NOW + 23 * HOUR)])
    assert [row.published_at for row in lively.rows()] == [None, NOW + 23 * HOUR]


def test_the_newest_times_of_a_feed_are_those_of_publishing_else_of_seeing(shelf: Shelf) -> None:
    shelf.take([told(number, at=NOW - number * DAY) for number in range(5)])
    shelf.take([told(9)], now=NOW + HOUR)
    with shelf.database.read() as conn:
        assert items.recent_times(conn, shelf.feed_id, 3) == [NOW + HOUR, NOW, NOW - DAY]


# ── floods ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_two_hundred_republished_items_alert_nobody_and_ops_hear_of_it_once(shelf: Shelf) -> None:
    shelf.settled(archive(20, newest=NOW - DAY))
    old = [told(number, at=NOW - 30 * DAY - number * HOUR) for number in range(1000, 1200)]
    taken = shelf.take(old)
    assert (len(taken.new), taken.held, shelf.alerting) == (200, 200, 0)
    assert shelf.take(old) == Intake()
    (notice,) = shelf.notices
    assert notice["subject"] == f"{URL} suddenly brought 200 of 200 entries as new"
    assert "200 are stored and alert nobody: dated before what was known." in notice["lines"]
    assert shelf.flagged == (
        f"{NOW:%Y-%m-%d}: 200 of 200 entries came under new ids; 200 of them are stored and alert nobody"
    )


def test_undated_republished_items_alert_nobody(lively: Shelf) -> None:
    lively.settled([told(number) for number in range(20)])
    taken = lively.take([told(number) for number in range(1000, 1200)])
    assert (taken.held, lively.alerting, len(lively.notices)) == (200, 0, 1)


def test_republished_items_with_new_headlines_are_known_by_their_pages(lively: Shelf) -> None:
    entries = archive(40, newest=NOW - 40 * DAY)
    lively.settled(entries, age=45 * DAY)
    renamed = [replace(_new_guids(one), title=f"{one.title} | News Group", at=NOW - HOUR) for one in entries]
    assert lively.take(renamed) == Intake()
    assert len(lively.rows()) == 40
    assert "40 are items that were known under other ids." in lively.notices[0]["lines"]


def test_among_republished_items_the_few_that_are_really_later_alert(lively: Shelf) -> None:
    lively.settled(archive(20, newest=NOW - DAY))
    later = [told(number, at=NOW - HOUR) for number in range(500, 503)]
    taken = lively.take([*later, *archive(100, newest=NOW - 30 * DAY, start=1000)])
    assert (len(taken.new), taken.held, lively.alerting) == (103, 100, 3)
    assert "3 are newer than all that was known and alert as ever." in lively.notices[0]["lines"]


def test_an_import_dated_today_alerts_ten_at_most(lively: Shelf) -> None:
    lively.settled(archive(20, newest=NOW - DAY))
    taken = lively.take([told(number, at=NOW - MINUTE) for number in range(1000, 1100)])
    assert (taken.held, lively.alerting) == (90, 10)


def test_a_truly_busy_feed_is_told_whole(shelf: Shelf) -> None:
    shelf.settled(archive(20, newest=NOW - 6 * HOUR), last=6 * HOUR)
    busy = archive(60, newest=NOW - MINUTE, apart=5 * MINUTE, start=1000)
    taken = shelf.take(busy)
    assert (len(taken.new), taken.held, shelf.alerting) == (60, 0, 60)
    assert (shelf.notices, shelf.flagged) == ([], None)


@pytest.mark.parametrize("dated", [True, False])
def test_a_feed_that_brings_a_whole_batch_every_day_is_told_once_its_habit_is_known(lively: Shelf, dated: bool) -> None:
    def batch(day: int) -> list[Told]:
        midnight = (NOW - day * DAY).replace(hour=0, minute=0, second=0)
        return [told(100 * day + number, at=midnight if dated else None) for number in range(30)]

    for day in (5, 4, 3, 2, 1):
        lively.take(batch(day), now=NOW - day * DAY)
    assert ([taken.held for taken in lively.took], lively.alerting) == ([0] * 5, 4 * 30)


def test_a_young_feed_is_not_doubted(lively: Shelf) -> None:
    lively.settled([], age=HOUR)
    assert (lively.take([told(number) for number in range(50)]).held, lively.alerting) == (0, 50)


def test_a_feed_that_returns_after_a_week_alerts_only_of_what_is_later(shelf: Shelf) -> None:
    shelf.settled(archive(20, newest=NOW - 10 * DAY), age=20 * DAY, last=10 * DAY)
    old = [told(number, at=NOW - 15 * DAY) for number in range(500, 505)]
    new = [told(number, at=NOW - 2 * DAY) for number in range(600, 604)]
    taken = shelf.take([*new, *old])
    assert (len(taken.new), taken.held, shelf.alerting) == (9, 5, 4)
    assert shelf.notices == []


def test_a_slow_feed_without_dates_is_told_after_any_silence(lively: Shelf) -> None:
    lively.settled([told(1), told(2)], age=60 * DAY, last=30 * DAY)
    assert (len(lively.take([told(3), told(1), told(2)]).new), lively.alerting) == (1, 1)


@pytest.mark.parametrize(("choice", "alerting"), [(AlertHistory.NONE, 0), (AlertHistory.DAY, 2), (AlertHistory.ALL, 4)])
def test_a_first_fetch_is_a_baseline(sqlite_url: str, choice: AlertHistory, alerting: int) -> None:
    database = Database(sqlite_url)
    shelf = Shelf(database, add_feed(database, URL, alert_history=choice))
    shelf.take([told(1, at=NOW - HOUR), told(2, at=NOW - 23 * HOUR), told(3, at=NOW - 25 * HOUR), told(4)])
    assert shelf.alerting == alerting
    database.close()


def test_a_flag_goes_when_the_feed_goes_on_for_a_week(lively: Shelf) -> None:
    lively.settled(archive(20, newest=NOW - DAY))
    lively.take([told(number, at=NOW - 30 * DAY) for number in range(1000, 1200)])
    lively.take([told(1, at=NOW + DAY, guid="n1", title="One")], now=NOW + DAY)
    assert lively.flagged is not None
    lively.take([told(2, at=NOW + 9 * DAY, guid="n2", title="Two")], now=NOW + 9 * DAY)
    assert lively.flagged is None


def test_a_feed_whose_ids_never_stay_is_told_to_ops_once(lively: Shelf) -> None:
    entries = archive(20, newest=NOW - DAY)
    lively.settled(entries)
    for day in range(3):
        volatile = [replace(entry, guid=f"{day}-{entry.guid}") for entry in entries]
        assert lively.take(volatile, now=NOW + day * DAY) == Intake()
    assert len(lively.notices) == 1


# ── edits ────────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_an_edit_updates_its_item_and_lets_the_rules_read_it_again(shelf: Shelf) -> None:
    shelf.take([told(1, at=NOW - HOUR)])
    shelf.classify()
    changed = told(1, at=NOW - HOUR, title="A new headline", text="The whole story, told anew.")
    assert shelf.take([changed], now=NOW + HOUR) == Intake(edited=(1,))
    row = shelf.row()
    assert (row.title, row.text, row.summary) == ("A new headline", *["The whole story, told anew."] * 2)
    assert (row.edits, row.edited_at, row.reclassify, row.classified_at) == (1, NOW + HOUR, Again.TEXT, None)
    assert row.title_key == known.title_key("A new headline", "")
    assert shelf.take([changed], now=NOW + 2 * HOUR) == Intake()


def test_an_item_that_still_waits_is_simply_updated(lively: Shelf) -> None:
    lively.take([told(1)])
    lively.take([told(1, text="Other words.")])
    assert (lively.row().text, lively.row().reclassify, lively.row().attempt) == ("Other words.", None, 0)


def test_who_reads_the_old_words_just_now_loses_the_claim(shelf: Shelf) -> None:
    shelf.take([told(1)], now=NOW - HOUR)
    with shelf.database.write() as conn:
        (item,) = items.claim(conn, [1], owner=WHO, lease_s=60, now=NOW)
    shelf.take([told(1, text="Other words.")])
    with shelf.database.write() as conn:
        assert not items.finish(conn, item, owner=WHO, rules_version="v1", now=NOW)
        (again,) = items.claim(conn, [1], owner="other", lease_s=60, now=NOW + MINUTE)
    assert (again.text, again.attempt, again.again) == ("Other words.", 1, None)


def test_thirty_edits_are_capped(lively: Shelf) -> None:
    for number in range(31):
        lively.take([told(1, text=f"Version {number} of the story.")], now=NOW + number * MINUTE)
    assert (lively.row().edits, lively.row().text) == (MOST_EDITS, f"Version {MOST_EDITS} of the story.")
    assert sum(len(taken.edited) for taken in lively.took) == MOST_EDITS


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("A story. 12 views", "A story. 14 views"),
        ("A story.", "A  story &mdash;"),
        ("A story.", "A story. http://ads.example/pixel?n=2"),
    ],
)
def test_changes_that_are_no_words_are_no_edits(lively: Shelf, before: str, after: str) -> None:
    lively.take([told(1, text=before)])
    assert lively.take([told(1, text=after)]) == Intake()
    assert lively.take([told(1, text=before, link="https://news.example/posts/1?v=2")]) == Intake()


def test_an_edit_of_an_item_whose_text_is_its_page_keeps_that_text(lively: Shelf) -> None:
    lively.take([told(1)])
    with lively.database.write() as conn:
        conn.execute(update(item_rows).values(text="The whole page.", from_page=True))
    assert lively.take([told(1, title="A new headline", text="A new summary.")]).edited == (1,)
    row = lively.row()
    assert (row.title, row.summary, row.text) == ("A new headline", "A new summary.", "The whole page.")


def test_an_old_item_is_not_read_again(lively: Shelf) -> None:
    lively.take([told(1)], now=NOW - 15 * DAY)
    assert lively.take([told(1, text="Other words."), told(2)]).edited == ()
    assert lively.row().text != "Other words."


def test_an_edit_of_a_silent_item_leaves_it_silent(lively: Shelf) -> None:
    lively.take([told(1)])
    assert lively.take([told(1, text="Other words.")]).edited == (1,)
    assert lively.alerting == 0


def test_an_older_version_from_another_cache_does_not_undo_an_edit(lively: Shelf) -> None:
    first = told(1, text="First.", updated=NOW - 2 * HOUR)
    second = replace(first, text="Second words.", updated=NOW - HOUR)
    for entry in (first, second, first):
        lively.take([entry])
    assert (lively.row().text, lively.row().edits) == ("Second words.", 1)


def test_a_document_that_broke_off_edits_nothing(lively: Shelf) -> None:
    lively.take([told(1), told(2)])
    cut = document([told(1, text="Other words entirely."), told(2)])[:-120]
    assert lively.take(cut).edited == ()


def test_an_entry_with_another_guid_and_other_words_is_an_edit(lively: Shelf) -> None:
    lively.take([told(1, at=NOW - HOUR)])
    assert lively.take([told(1, guid="b", at=NOW - HOUR, text="Other words.")]) == Intake(edited=(1,))
    assert (lively.row().identity, lively.row().text) == ("b", "Other words.")


# ── promise 7 ────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_p7_whatever_a_publisher_does_to_known_entries_fifty_times_nobody_is_told_twice(lively: Shelf) -> None:
    chance = random.Random(7)
    entries = archive(20, newest=NOW - DAY)
    lively.settled(entries)
    moves: list[Callable[[Told], Told]] = [
        lambda one: one,
        lambda one: replace(one, guid=f"{chance.random()}"),
        lambda one: replace(one, link=one.link.replace("https:", "http:")),
        lambda one: replace(one, guid=f"{chance.random()}", link=f"{one.link}?v={chance.random()}"),
        lambda one: replace(one, guid=one.link.replace("https:", "http:"), text=f"{one.text} {chance.random()}"),
        lambda one: replace(one, title=one.title.upper(), guid=f"{chance.random()}"),
    ]
    for round_ in range(50):
        move = chance.choice(moves)
        share = chance.choice([0.1, 0.5, 1.0])
        shown = [move(one) if chance.random() < share else one for one in entries]
        chance.shuffle(shown)
        lively.take(shown, now=NOW + round_ * MINUTE)
        if chance.random() < 0.3:
            lively.take(shown, now=NOW + round_ * MINUTE)
    assert (lively.alerting, len(lively.rows()), len(lively.notices)) == (0, 20, 1)


def test_a_hundred_documents_of_known_entries_take_one_query_each(lively: Shelf) -> None:
    drafts: tuple[ItemDraft, ...] = parse(document(archive(20, newest=NOW)), None, URL).items
    statements: list[str] = []
    with lively.database.write() as conn:
        items.insert_new(conn, lively.feed_id, drafts, history=lambda _: False, now=NOW)
        event.listen(conn, "before_cursor_execute", lambda *args: statements.append(args[2]))
        assert items.insert_new(conn, lively.feed_id, drafts, history=lambda _: False, now=NOW) == []
    assert len(statements) == 1
