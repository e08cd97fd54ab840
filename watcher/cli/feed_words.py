"""Feeds in words for a terminal: the list, and everything of one. What is told is the store's; nothing is read here."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

from rich.console import Console
from rich.table import Table
from rich.text import Text

from watcher.fetch.words import added_by, span, why, wishes
from watcher.model import Health
from watcher.wording import counted, one_line

WIDE = 200
"""Columns from which a feed is one line of a table; a pipe, which has no width, gets it too."""
ROOMY = 100
"""Columns from which a feed's address stands beside its name."""
_STYLES = {
    Health.NEW: "cyan",
    Health.HEALTHY: "green",
    Health.FAILING: "yellow",
    Health.STALE: "yellow",
    Health.ATTENTION: "bold red",
    Health.GONE: "red",
}
Row = Mapping[str, Any]


def instant(at: datetime, now: datetime) -> str:
    """A moment as clocks say it, in UTC, with its day unless that is today."""
    return f"{at:%H:%M} UTC" if at.date() == now.date() else f"{at:%Y-%m-%d %H:%M} UTC"


def _ahead(at: datetime, now: datetime) -> str:
    return f"in {span((at - now).total_seconds())}" if at - now > timedelta(seconds=5) else "due now"


def _ago(at: datetime, now: datetime) -> str:
    return f"{span((now - at).total_seconds())} ago" if now - at > timedelta(seconds=5) else "just now"


def _name(row: Row) -> str:
    return one_line(row["title"] or "") or "(no title yet)"


def _outcome(row: Row) -> str:
    said = str(row["last_outcome"]).replace("_", " ") if row["last_outcome"] else "not polled yet"
    status = row["last_status"]
    return f"{said} ({status})" if status and status not in (200, 304) else said


def _last(row: Row, now: datetime) -> str:
    at = row["last_polled_at"]
    return f"{_outcome(row)}, {_ago(at, now)}" if at else "not polled yet"


def _next(row: Row, now: datetime) -> str:
    if row["disabled_reason"]:
        return "never"
    return f"{instant(row['next_poll_at'], now)}, {_ahead(row['next_poll_at'], now)}"


def _why(row: Row) -> str:
    return why(str(row["disabled_reason"] or row["next_poll_reason"] or ""))


def _trouble(row: Row) -> str:
    """What is wrong, in one line; empty while all is well."""
    said = row["health_reason"] or (row["last_error"] if row["error_count"] else None)
    parts = [one_line(str(said))] if said else []
    if row["failing_since"]:
        parts.append(f"since {row['failing_since']:%Y-%m-%d %H:%M} UTC")
    if row["flagged"]:
        parts.append(one_line(str(row["flagged"])))
    return ", ".join(parts)


def _health(row: Row) -> Text:
    return Text(row["health"], style=_STYLES.get(Health(row["health"]), ""))


def show_list(rows: Sequence[Row], console: Console, now: datetime) -> None:
    """Every feed: on one line each where the output is wide, else in a few short ones; then how many fare how."""
    if console.width >= WIDE:
        console.print(_table(rows, now))
    else:
        for row in rows:
            console.print(_block(row, now, roomy=console.width >= ROOMY))
    counts = [(health, sum(1 for row in rows if row["health"] == health)) for health in Health]
    told = ", ".join(f"{number} {health}" for health, number in counts if number)
    console.print(Text(f"\n{counted(len(rows), 'feed')}: {told}", style="dim"))


def _table(rows: Sequence[Row], now: datetime) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("id", justify="right", no_wrap=True)
    table.add_column("health", no_wrap=True)
    for name in ("feed", "last poll", "next poll", "why then", "trouble"):
        table.add_column(name, overflow="fold")
    for row in rows:
        feed = Text(_name(row)).append(f"  {row['url']}", style="dim")
        words = (_last(row, now), _next(row, now), _why(row), _trouble(row))
        table.add_row(str(row["id"]), _health(row), feed, *(Text(word) for word in words))
    return table


def _block(row: Row, now: datetime, *, roomy: bool) -> Table:
    table = Table.grid(padding=(0, 2, 0, 0))
    table.add_column(justify="right", no_wrap=True, min_width=4, style="dim")
    table.add_column(overflow="fold")
    name, address = Text(f"{_name(row)}  ", style="bold").append_text(_health(row)), Text(row["url"], style="dim")
    table.add_row(str(row["id"]), name.append("  ").append_text(address) if roomy else name)
    if not roomy:
        table.add_row("", address)
    last = f"polled {_last(row, now)}" if row["last_polled_at"] else _last(row, now)
    why = f": {_why(row)}" if _why(row) else ""
    table.add_row("", Text(f"{last}; next {_next(row, now)}{why}"))
    if _trouble(row):
        table.add_row("", Text(_trouble(row), style=_STYLES.get(Health(row["health"]), "")))
    return table


def show_one(row: Row, console: Console, now: datetime) -> None:
    """Everything of one feed, a line a subject."""
    console.print(Text(f"{_name(row)}  ", style="bold").append_text(_health(row)))
    table = Table.grid(padding=(0, 2, 0, 0))
    table.add_column(no_wrap=True, style="dim")
    table.add_column(overflow="fold")
    for name, said in (*_identity(row), *_polling(row, now), *_content(row, now)):
        if said:
            table.add_row(name, Text(said))
    console.print(table)
    for item in row["newest"]:
        title = one_line(item["title"], 200) or "(no title)"
        console.print(Text(f"  {item['first_seen_at']:%Y-%m-%d %H:%M} UTC  {title}"), soft_wrap=False)


def _identity(row: Row) -> list[tuple[str, str]]:
    asked = row["asked_url"] if row["asked_url"] != row["url"] else ""
    return [
        ("id", str(row["id"])),
        ("address", row["url"]),
        ("was asked for as", asked),
        ("added", f"{row['created_at']:%Y-%m-%d %H:%M} UTC, {added_by(row['origin'])}"),
        ("removed", f"{row['retired_at']:%Y-%m-%d %H:%M} UTC" if row["retired_at"] else ""),
        ("joined to", f"feed {row['merged_into']}, where it moved" if row["merged_into"] else ""),
        ("tags", ", ".join(one_line(tag) for tag in row["tags"])),
        ("language", row["language"] or ""),
        ("headers", f"{', '.join(row['headers'])} (kept secret)" if row["headers"] else ""),
        ("full text", "read from each item's page" if row["full_text"] else ""),
    ]


def _pushing(row: Row, now: datetime) -> str:
    """The hub that tells this feed's news, how far we are with it, and when it last did."""
    hub = row["hub"]
    if hub is None:
        return ""
    host = urlsplit(hub["hub_url"]).hostname or hub["hub_url"]
    last = f", pushed {_ago(hub['pushed_at'], now)}" if hub["pushed_at"] else ""
    why = "" if hub["state"] == "active" else f": {one_line(hub['reason'] or '', 200)}"
    return f"{one_line(host)}, {hub['state']}{why}{last}"


def _polling(row: Row, now: datetime) -> list[tuple[str, str]]:
    polled, every, moved = row["last_polled_at"], row["every_s"], row["moved_url"]
    since = f", since {row['health_since']:%Y-%m-%d %H:%M} UTC" if row["health_since"] else ""
    return [
        ("health", f"{row['health']}{since}"),
        ("trouble", _trouble(row)),
        ("failed in a row", str(row["error_count"] or "")),
        ("hub", _pushing(row, now)),
        ("last poll", f"{instant(polled, now)}, {_last(row, now)}" if polled else "not yet"),
        ("last body", _when(row["last_full_at"], now)),
        ("next poll", "" if row["retired_at"] else _next(row, now)),
        ("why then", "" if row["retired_at"] else _why(row)),
        ("not more often than", f"every {span(every)}" if every else ""),
        ("publisher asks", wishes(row["wishes"] or {})),
        ("says it moved to", f"{moved} ({counted(row['moved_count'], 'time')})" if moved else ""),
        ("validators", ", ".join(name for name in ("etag", "last_modified") if row[name]).replace("_", "-")),
    ]


def _content(row: Row, now: datetime) -> list[tuple[str, str]]:
    silent = "none of its first fetch alerts" if row["alert_history"] == "none" else ""
    history = {"24h": "the last day of its first fetch may alert", "all": "all of its first fetch may alert"}
    habit = row["habit_s"]
    return [
        ("history", history.get(row["alert_history"], silent)),
        ("posts", f"about every {span(habit)}" if habit else ""),
        ("newest item", _when(row["newest_item_at"], now)),
        ("last new items", _when(row["last_changed_at"], now)),
        ("items kept", str(row["items"])),
    ]


def _when(at: datetime | None, now: datetime) -> str:
    return f"{instant(at, now)}, {_ago(at, now)}" if at else ""
