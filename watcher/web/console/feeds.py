"""Feeds: the list with how each fares, everything of one, and what people may do; lists of feeds as OPML.

Each change is the function behind the command of the same name, with a line in the audit log.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

from starlette.responses import Response

from watcher.errors import CannotHelp
from watcher.fetch import words
from watcher.fetch.discover import Found, FoundFeed
from watcher.model import AlertHistory, FeedConfig, Health, Origin
from watcher.parse.opml import MAX_FEEDS, FeedList, NotOpml, read_opml
from watcher.pipeline import feed_add, feed_lists
from watcher.settings import duration_s
from watcher.store import chart, feed_details, listings
from watcher.store import feeds as feed_rows
from watcher.store.feeds import PAUSED
from watcher.web.console import charts
from watcher.web.console.charts import Plan, Series
from watcher.web.console.desk import Desk, NotHere, Page, Refused
from watcher.wording import counted, one_line

SHOWN = 50
OPML_BYTES = 4 * 1024 * 1024
HABIT_DAYS = 30
_TAGS = 50
_FORM_BYTES = 64 * 1024
STATES: dict[str, tuple[str, dict[str, Any]]] = {
    "": ("All", {}),
    "trouble": ("In trouble", {"troubled": True}),
    "healthy": ("Healthy", {"health": Health.HEALTHY}),
    "failing": ("Failing", {"health": Health.FAILING}),
    "attention": ("Need a person", {"health": Health.ATTENTION}),
    "stale": ("Silent", {"health": Health.STALE}),
    "gone": ("Gone", {"health": Health.GONE}),
    "new": ("New", {"health": Health.NEW}),
    "paused": ("Paused", {"disabled": PAUSED}),
    "removed": ("Removed", {"retired": True}),
}
"""By the filter's value: what it is called, and how `listings.of_feeds` finds those."""
_KINDS = {
    Health.HEALTHY: "good",
    Health.FAILING: "wait",
    Health.STALE: "wait",
    Health.ATTENTION: "bad",
    Health.GONE: "bad",
}
_WEEK = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")


# ── the list ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def show_list(desk: Desk) -> Response:
    """The list; a POST adds a feed."""
    if desk.posted:
        return _add(desk)
    return _listed(desk)


def _listed(desk: Desk, *, wrong: str = "", status: int = 200, **given: Any) -> Response:
    state, text, before = desk.query("state"), desk.query("text"), desk.query("before")
    if state not in STATES:
        raise NotHere
    after = int(before) if before.isascii() and before.isdigit() and len(before) <= 18 else None
    with desk.rt.database.read() as conn:
        rows = listings.of_feeds(conn, limit=SHOWN + 1, after=after, text=text or None, **STATES[state][1])
        healths = feed_rows.healths(conn)
    shown = rows[:SHOWN]
    return desk.page(
        "feeds.html.j2",
        "Feeds",
        status=status,
        rows=[_row(row) for row in shown],
        states=[(value, name) for value, (name, _) in STATES.items()],
        state=state,
        text=text,
        older=shown[-1]["id"] if len(rows) > SHOWN else None,
        first=after is None,
        healths=healths,
        wrong=wrong,
        given={"url": "", "tags": "", **given},
        histories=[one.value for one in AlertHistory],
    )


def _row(row: dict[str, Any]) -> dict[str, Any]:
    return row | {
        "name": one_line(row["title"] or "", 120) or row["url"],
        "state": _state(row),
        "trouble": _trouble(row),
        "outcome": _outcome(row),
        "why": words.why(str(row["disabled_reason"] or row["next_poll_reason"] or "")),
    }


def _state(row: dict[str, Any]) -> tuple[str, str]:
    """The pill's words and its kind."""
    if row["retired_at"]:
        return "removed", ""
    if row["disabled_reason"] == PAUSED:
        return "paused", ""
    return str(row["health"]), _KINDS.get(Health(row["health"]), "")


def _trouble(row: dict[str, Any]) -> str:
    return one_line(str(row["health_reason"] or (row["last_error"] if row["error_count"] else "") or ""), 300)


def _outcome(row: dict[str, Any]) -> str:
    said = str(row["last_outcome"]).replace("_", " ") if row["last_outcome"] else "not polled yet"
    status = row["last_status"]
    return f"{said} ({status})" if status and status not in (200, 304) else said


# ── adding ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def _add(desk: Desk) -> Response:
    url, chosen = desk.form.one("url"), desk.form.every("chosen")
    if not url and not chosen:
        return _listed(desk, wrong="Write the address of a feed, or of the page whose news it brings.", status=422)
    try:
        config = _config(desk, url)
        if chosen:
            return _added(desk, config, chosen)
        url = feed_add.checked_url(desk.rt, url)
        known = feed_add.known_as(desk.rt, url)
        if known is not None:
            return desk.go(f"/feeds/{known}", done="This feed is known already.")
        if desk.form.one("unchecked"):
            return _added(desk, config, [url])
        return _looked(desk, config, url)
    except CannotHelp as refused:
        return _listed(desk, wrong=str(refused), status=422, url=url, tags=desk.form.one("tags"))


def _config(desk: Desk, url: str) -> FeedConfig:
    history = desk.form.one("alert_history") or AlertHistory.NONE.value
    if history not in set(AlertHistory):
        raise CannotHelp("That is no choice for what the first fetch may alert.")
    return FeedConfig(
        url=url,
        alert_history=AlertHistory(history),
        tags=_tags(desk.form.one("tags")),
        full_text=bool(desk.form.one("full_text")),
    )


def _tags(text: str) -> tuple[str, ...]:
    """Tags as people list them, by commas; raises CannotHelp for too many."""
    tags = tuple(dict.fromkeys(tag for tag in (one_line(part, 100) for part in text.split(",")) if tag))
    if len(tags) > _TAGS:
        raise CannotHelp(f"{_TAGS} tags at most.")
    return tags


def _looked(desk: Desk, config: FeedConfig, url: str) -> Response:
    """What stands behind the address: one feed is added, of several a person chooses."""
    found = feed_add.look(desk.rt, url)
    if found.found is Found.UNREACHABLE:
        raise CannotHelp(f"{url}: {found.detail}. Tick “add it unseen” to add it nevertheless.")
    if found.found is Found.NONE:
        raise CannotHelp(f"{url} is no feed, names none, and none is at its host's usual places.")
    if len(found.feeds) == 1:
        return _added(desk, config, [found.feeds[0].url])
    return _choice(desk, config, found.feeds, url)


def _choice(desk: Desk, config: FeedConfig, found: Sequence[FoundFeed], url: str) -> Response:
    return desk.page(
        "feed_choice.html.j2",
        "Which feed?",
        url=url,
        found=[(one.url, one_line(one.title, 200) or one.url) for one in found[:SHOWN]],
        config=config,
    )


def _added(desk: Desk, config: FeedConfig, urls: Sequence[str]) -> Response:
    for url in urls[:SHOWN]:
        feed_add.checked_url(desk.rt, url)  # all of them first: a bad one adds none, and each that is added is noted
    made = [feed_add.add(desk.rt, url, config, origin=Origin.PAGE) for url in urls[:SHOWN]]
    new = [one for one in made if one.new]
    with desk.rt.database.write() as conn:
        for one in new:
            desk.note(conn, "feeds.add", f"feed {one.feed_id}", url=one.url)
    if len(made) == 1:
        told = "Added; it is polled within seconds." if new else "This feed is known already."
        return desk.go(f"/feeds/{made[0].feed_id}", done=told)
    return desk.go("/feeds", done=f"{counted(len(new), 'feed')} added, {len(made) - len(new)} known already.")


# ── one feed ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def show_one(desk: Desk) -> Response:
    """Everything of a feed; a POST does one of `_ACTS` to it."""
    if desk.posted:
        return _act(desk)
    return _shown(desk)


def _shown(desk: Desk, *, wrong: str = "", status: int = 200) -> Response:
    feed_id, now = desk.number("feed_id"), desk.now
    with desk.rt.database.read() as conn:
        if listings.feed(conn, feed_id) is None:
            raise NotHere
        row = feed_details.described(conn, feed_id)
        times = chart.feed_times(conn, feed_id, now - timedelta(days=HABIT_DAYS))
    row = _row(row) | {
        "wishes_said": words.wishes(row["wishes"] or {}),
        "added_by": words.added_by(row["origin"]),
        "hub_host": urlsplit(row["hub"]["hub_url"]).hostname if row["hub"] else "",
        "ours": row["origin"] != Origin.FILE,
        "paused": row["disabled_reason"] == PAUSED,
        "every": words.span(row["every_s"]) if row["every_s"] else "",
        "habit": words.span(row["habit_s"]) if row["habit_s"] else "",
        "validators": [name for name, kept in (("ETag", row["etag"]), ("Last-Modified", row["last_modified"])) if kept],
    }
    habit = _habit(times, now)
    return desk.page("feed.html.j2", row["name"], status=status, feed=row, habit=habit, wrong=wrong)


def _habit(times: Sequence[datetime], now: datetime) -> dict[str, Any]:
    """Items by day and by hour of the week, in UTC."""
    days = [now.date() - timedelta(days=back) for back in range(HABIT_DAYS - 1, -1, -1)]
    by_day = Counter(at.date() for at in times)
    series = [Series(name="items", kind="one", values=[by_day[day] for day in days])]
    says = f"{counted(len(times), 'item')} in {HABIT_DAYS} days, at most {max(by_day.values(), default=0)} in one."
    labels = [f"{day.day} {day:%b}" for day in days]
    plan = Plan(key="days", title="Items per day", says=says, labels=labels, shown=charts.whole)
    by_hour = Counter((at.weekday(), at.hour) for at in times)
    counts = [[by_hour[day, hour] for hour in range(24)] for day in range(7)]
    busy = by_hour.most_common(1)
    told = f"Most items come on {_WEEK[busy[0][0][0]]} at {busy[0][0][1]:02}:00 UTC." if busy else "No items yet."
    week = Plan(key="week", title="Items by hour of the week", says=told, labels=[], shown=charts.whole)
    return {
        "total": len(times),
        "days": charts.columns(plan, series),
        "days_table": charts.table(plan, series, "Day"),
        "week": charts.week(week, counts, _WEEK),
        "week_says": told,
    }


def _act(desk: Desk) -> Response:
    act = _ACTS.get(desk.form.one("act"))
    if act is None:
        raise Refused("There is nothing of that name to do with a feed.", status=422)
    feed_id = desk.number("feed_id")
    with desk.rt.database.read() as conn:
        row = listings.feed(conn, feed_id)
    if row is None:
        raise NotHere
    try:
        done = act(desk, row)
    except CannotHelp as refused:
        return _shown(desk, wrong=str(refused), status=422)
    return desk.go(f"/feeds/{feed_id}", done=done)


def _pause(desk: Desk, row: dict[str, Any]) -> str:
    with desk.rt.database.write() as conn:
        if not feed_rows.pause(conn, row["id"]):
            raise CannotHelp("It is not polled anyway.")
        desk.note(conn, "feeds.pause", f"feed {row['id']}")
    return "Paused: it is not polled until you resume it. Its items stay."


def _resume(desk: Desk, row: dict[str, Any]) -> str:
    with desk.rt.database.write() as conn:
        if not feed_rows.resume(conn, row["id"], now=desk.now):
            raise CannotHelp("It is polled already, or was removed.")
        desk.note(conn, "feeds.resume", f"feed {row['id']}")
    return "Resumed; it is polled within seconds."


def _poll(desk: Desk, row: dict[str, Any]) -> str:
    with desk.rt.database.write() as conn:
        if not feed_rows.poll_now(conn, now=desk.now, ids=[row["id"]]):
            raise CannotHelp("It is not polled: resume it first.")
        desk.note(conn, "feeds.poll", f"feed {row['id']}")
    return "Due now: the running service polls it within seconds, as far as its host allows."


def _unflag(desk: Desk, row: dict[str, Any]) -> str:
    with desk.rt.database.write() as conn:
        if not feed_rows.unflag(conn, row["id"]):
            raise CannotHelp("There is no mark.")
        desk.note(conn, "feeds.unflag", f"feed {row['id']}", flagged=row["flagged"])
    return "The mark is gone. What was stored as history stays silent."


def _settle(desk: Desk, row: dict[str, Any]) -> str:
    every, tags = _every(desk.form.one("every")), _tags(desk.form.one("tags"))
    full_text = bool(desk.form.one("full_text"))
    with desk.rt.database.write() as conn:
        if not feed_rows.settle(conn, row["id"], every_s=every, full_text=full_text, tags=tags):
            raise CannotHelp("It is removed." if row["retired_at"] else "watcher.yml names it: change it there.")
        desk.note(conn, "feeds.settle", f"feed {row['id']}", every_s=every, full_text=full_text, tags=", ".join(tags))
    return "Saved; it holds from the next poll."


def _every(text: str) -> int | None:
    if not text:
        return None
    try:
        seconds = duration_s(text)
    except ValueError as wrong:
        raise CannotHelp(f"Not more often than: {wrong}") from None
    if not 60 <= seconds <= 30 * 86400:
        raise CannotHelp("Not more often than: between 1 m and 30 d.")
    return int(seconds)


def _remove(desk: Desk, row: dict[str, Any]) -> str:
    if row["origin"] == Origin.FILE:
        raise CannotHelp("watcher.yml names it and would bring it back: take it out there.")
    with desk.rt.database.write() as conn:
        if not feed_rows.retire(conn, row["url"], now=desk.now):
            raise CannotHelp("It is removed already.")
        desk.note(conn, "feeds.retire", f"feed {row['id']}", url=row["url"])
    return "Removed: it is polled no more; its items and events stay. Adding its address brings it back."


_ACTS: dict[str, Callable[[Desk, dict[str, Any]], str]] = {
    "pause": _pause,
    "resume": _resume,
    "poll": _poll,
    "unflag": _unflag,
    "settle": _settle,
    "remove": _remove,
}


# ── lists ────────────────────────────────────────────────────────────────────────────────────────────────────────────


def take(desk: Desk) -> Response:
    """The form for an OPML document; a POST takes its feeds and tells what became of each."""
    if not desk.posted:
        return _asked(desk)
    body = desk.form.files.get("file") or desk.form.one("opml").encode()
    if not body:
        return _asked(desk, wrong="Choose a file, or paste the document.", status=422)
    try:
        found = read_opml(body)
    except NotOpml as reason:
        return _asked(desk, wrong=str(reason), status=422)
    dry_run = bool(desk.form.one("dry_run"))
    try:
        tags = _tags(desk.form.one("tags"))
    except CannotHelp as refused:
        return _asked(desk, wrong=str(refused), status=422)
    taken = feed_lists.take(desk.rt, found, origin=Origin.PAGE, tags=tags, dry_run=dry_run)
    if not dry_run:
        with desk.rt.database.write() as conn:
            desk.note(conn, "feeds.import", "OPML", added=len(taken.added), refused=len(taken.refused))
    return _told(desk, found, taken, dry_run=dry_run)


def _asked(desk: Desk, *, wrong: str = "", status: int = 200) -> Response:
    most = OPML_BYTES // 2**20
    return desk.page("feed_import.html.j2", "Import feeds", status=status, wrong=wrong, most_mb=most, taken=None)


def _told(desk: Desk, found: FeedList, taken: feed_lists.Taken, *, dry_run: bool) -> Response:
    return desk.page(
        "feed_import.html.j2",
        "What would be imported" if dry_run else "What was imported",
        wrong="",
        most_mb=0,
        taken=taken,
        dry_run=dry_run,
        over=found.over,
        most=MAX_FEEDS,
        linked=[(line, one_line(url, 300)) for url, line in found.linked],
    )


def give(desk: Desk) -> Response:
    """Every feed as OPML; headers are named nowhere in it, since they are secrets."""
    headers = {"content-disposition": 'attachment; filename="feeds.opml"'}
    return Response(feed_lists.give(desk.rt).document, media_type="text/x-opml", headers=headers)


PAGES = (
    Page(path="/feeds", show=show_list, methods=("GET", "POST"), body_bytes=_FORM_BYTES),
    Page(path="/feeds.opml", show=give),
    Page(path="/feeds/import", show=take, methods=("GET", "POST"), body_bytes=OPML_BYTES),
    Page(path="/feeds/{feed_id}", show=show_one, methods=("GET", "POST")),
)
