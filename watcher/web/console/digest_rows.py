"""A window in words, for the pages of digests and of subscribers: when it closes for its reader, what became of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from watcher import wording
from watcher.digest.timing import Hold
from watcher.store import Connection, digest_search, subscriber_search, subscriptions
from watcher.web.console import subscribers

_HOLDS = {Hold.QUIET.value: "held in quiet hours", Hold.OVER.value: "over the budget"}


def of_subscription(conn: Connection, subscription_id: str, *, limit: int) -> list[dict[str, Any]]:
    """The newest windows of a subscription, as `in_words` says."""
    return in_words(conn, digest_search.find(conn, limit=limit, subscription=subscription_id))


def in_words(conn: Connection, rows: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Windows with pill, word, why, the local hour at which they close, and whose they are."""
    zones = subscriber_search.zones(conn, {row["subscription_id"] for row in rows})
    return [_row(row, zones.get(row["subscription_id"], "UTC")) for row in rows]


def _row(row: Mapping[str, Any], zone: str) -> dict[str, Any]:
    pill, word, why = fate(row)
    ours = row["subscription_id"] == subscriptions.OPS
    return {
        **row,
        "pill": pill,
        "word": word,
        "why": why,
        "kind": _kind(row),
        "zone": zone,
        "local": subscribers.local(row["closes_at"], zone),
        "title": wording.one_line(row["title"], 140),
        "subscription": "the service itself" if ours else row["subscription_id"],
    }


def _kind(row: Mapping[str, Any]) -> str:
    if row["notice"]:
        return "letter" if row["window"].startswith("letter:") else "notice"
    hold = row["window"].partition(":")[0]
    return _HOLDS.get(hold) or ("at once" if row["immediate"] else "digest")


def fate(row: Mapping[str, Any]) -> tuple[str, str, str]:
    """The pill, its word and a sentence: what became of a window."""
    if row["parked_reason"]:
        return "bad", "Parked", f"It could not be written: {wording.one_line(row['parked_reason'], 200)}"
    if row["merged_into"]:
        return "", "Late", f"It was too late to be sent for itself, and went into digest {row['merged_into']}"
    covers = f"It covers {row['periods']} periods after an outage" if row["periods"] > 1 else ""
    if row["closed_at"] is None:
        return "wait", "Open", covers
    states = [state for _, _, state in row["messages"]]
    if not states and row["notice"]:
        return "", "Told nobody", "Nobody is named who would hear it"
    if not states and not row["told"]:
        return "", "Nothing to tell", "It closed with nothing to tell, and was not sent"
    if not states:
        return (
            "bad",
            "Not written",
            "It has events and no message: its subscription had no channel that could be written to",
        )
    pill, word = subscribers.outcome(states, row["told"])
    return pill, word, covers
