"""Subscribers: who is told what, when next, and what came of the last digest; addresses that are sent nothing.

An address is shown masked, and found only by whoever knows it whole. What is done with one is `subscriber`'s.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from starlette.responses import Response

from watcher import wording
from watcher.digest.mute import in_force
from watcher.digest.notes import period
from watcher.digest.timing import scheduled
from watcher.model import Language, Mute, MuteKind, Origin, SubscriptionConfig
from watcher.pipeline import rule_names
from watcher.store import Connection, mutes, subscriber_search, suppressions
from watcher.store.subscriber_search import LastDigest, Standing, Subscriber
from watcher.web import choices
from watcher.web.console.desk import Desk, Page, Refused
from watcher.web.console.reasons import in_words
from watcher.web.masking import masked_address
from watcher.web.operator import Scope
from watcher.web.signed import mute_words
from watcher.web.words import say

PAGE = 50
_SUPPRESSED = 200
ORIGINS = {Origin.FILE: "watcher.yml", Origin.PAGE: "signed up", Origin.CLI: "command line", Origin.SELF: "the service"}
FROM = (("", "Everyone"), ("file", "watcher.yml"), ("page", "Signed up"), ("cli", "Command line"))
STANDINGS = {
    Standing.ACTIVE: ("good", "Told"),
    Standing.UNCONFIRMED: ("wait", "Not confirmed"),
    Standing.ENDED: ("", "Ended"),
}
_EN = Language.ENGLISH


def listing(desk: Desk) -> Response:
    """`/subscribers`: GET lists, POST looks for the subscriptions of an address, which stands in no link thereby."""
    if desk.posted:
        return _of_address(desk)
    origin, standing = desk.query("from"), desk.query("state")
    with desk.rt.database.read() as conn:
        found = subscriber_search.find(
            conn,
            limit=PAGE + 1,
            origin=Origin(origin) if origin in set(Origin) else None,
            standing=Standing(standing) if standing in set(Standing) else None,
            words=desk.query("q"),
            before=_before(desk.query("before")),
        )
        rows = _rows(conn, found[:PAGE], desk.now)
    last = found[PAGE - 1] if len(found) > PAGE else None
    older = f"{last.created_at.isoformat()} {last.id}" if last else ""
    return _page(desk, rows, older=older)


def _before(written: str) -> tuple[datetime, str] | None:
    at, _, name = written.partition(" ")
    try:
        instant = datetime.fromisoformat(at)
    except ValueError:
        return None
    return (instant, name) if instant.tzinfo else None


def _of_address(desk: Desk) -> Response:
    address = desk.form.one("address")
    if wording.mail_address(address) is None:
        raise Refused("Write the whole address, as name@example.org: a part of one finds nothing.", status=422)
    with desk.rt.database.read() as conn:
        found = subscriber_search.of_address(conn, suppressions.key_of(address))
        rows = _rows(conn, found[:PAGE], desk.now)
    if len(found) == 1:
        return desk.go(f"/subscribers/{found[0].id}")
    return _page(desk, rows, sought=True)


def _page(desk: Desk, rows: Sequence[Mapping[str, Any]], *, older: str = "", sought: bool = False) -> Response:
    asked = {name: desk.query(name) for name in ("q", "from", "state")}
    return desk.page(
        "subscribers.html.j2",
        "Subscribers",
        rows=rows,
        asked=asked,
        origins=FROM,
        standings=[(one.value, words) for one, (_, words) in STANDINGS.items()],
        kept={name: value for name, value in asked.items() if value},
        older=older,
        paged=bool(desk.query("before")),
        sought=sought,
    )


def _rows(conn: Connection, found: Sequence[Subscriber], now: datetime) -> list[dict[str, Any]]:
    names = {one.id: one.title for one in rule_names.known(conn)}
    last = subscriber_search.last_digests(conn, [one.id for one in found])
    ways = subscriber_search.mail_ways(conn, {name for one in found for name in one.config.channels})
    held = held_by(conn, found, now)
    keys = {one.id: keys_of(one, [ways[name].to for name in one.config.channels if name in ways]) for one in found}
    stopped = subscriber_search.suppressed(conn, {key for every in keys.values() for key in every})
    return [
        {
            **standing_words(one),
            "id": one.id,
            "title": wording.one_line(one.config.title, 80),
            "lang": "zh-Hans" if one.config.language is Language.CHINESE else "en",
            "origin": ORIGINS[one.origin],
            "wants": wants(one.config, names),
            "schedule": choices.schedule_words(one.config.schedule, _EN),
            "zone": one.config.schedule.zone,
            "next": following(one, held.get(one.id, ()), now),
            "ways": [masked_address(ways[name].to or "") if name in ways else name for name in one.config.channels],
            "mutes": len([mute for mute in held.get(one.id, ()) if mute.kind is not MuteKind.ALL]),
            "paused": paused_until(held.get(one.id, ())),
            "suppressed": any(key in stopped for key in keys[one.id]),
            "last": last_words(last.get(one.id)),
        }
        for one in found
    ]


def held_by(conn: Connection, found: Sequence[Subscriber], now: datetime) -> dict[str, tuple[Mute, ...]]:
    """The mutes in force of those subscriptions, by their ids: those of watcher.yml and those set by people."""
    by_people = mutes.active_of(conn, [one.id for one in found], now)
    return {one.id: in_force((*one.config.mutes, *by_people.get(one.id, ())), now) for one in found}


def keys_of(one: Subscriber, addresses: Sequence[str | None]) -> set[str]:
    """Under what the addresses of a subscription are kept."""
    known = {suppressions.key_of(address) for address in addresses if address}
    return known | ({one.address_key} if one.address_key else set())


# ── in words ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def standing_words(one: Subscriber) -> dict[str, Any]:
    """The pill of a subscription, and since when it stands so."""
    pill, word = STANDINGS[one.standing]
    since = {Standing.ENDED: one.ended_at, Standing.UNCONFIRMED: one.unconfirmed_since}.get(one.standing)
    by = {"one_click": "one click", "page": "its reader", "mail": "a mail", "cli": "the command line"}
    return {
        "pill": pill,
        "word": word,
        "since": since or one.created_at,
        "by": by.get(one.ended_by or "", one.ended_by or "") if one.standing is Standing.ENDED else "",
    }


def wants(config: SubscriptionConfig, names: Mapping[str, str]) -> str:
    """What it asks for on one line: `Funding; in Chongqing; from 10M USD`."""
    parts = [wording.joined((names.get(one, one) for one in config.rules), 3) or "all kinds"]
    parts += [f"in {wording.joined(config.places, 3)}"] if config.places else []
    parts += [f"about {wording.joined(config.parties, 3)}"] if config.parties else []
    parts += [f"from {wording.one_line(config.at_least, 40)}"] if config.at_least else []
    parts += [f"tagged {wording.joined(config.tags, 3)}"] if config.tags else []
    return "; ".join(parts)


def chosen(config: SubscriptionConfig, names: Mapping[str, str]) -> list[tuple[str, str]]:
    """Everything that it asks for, as rows of label and words."""
    rows = list(choices.in_words(config, names, _EN))
    rows += [("News in", wording.joined(config.languages, 8))] if config.languages else []
    rows += [("Tags", wording.joined(config.tags, 8))] if config.tags else []
    for rule_id, params in config.params.items():
        asked = ", ".join(str(one) for one in (params.at_least, params.unknown_amount) if one)
        rows += [(f"Of {names.get(rule_id, rule_id)}", asked)] if asked else []
    rows += [("At most", f"{config.budget.messages} messages {period(config.budget)}")] if config.budget else []
    return [*rows, ("Days without news", "are told too" if config.empty.value == "send" else "are not told")]


def following(one: Subscriber, held: Sequence[Mute], now: datetime) -> str:
    """When its next window closes, in its own zone; why there is none else."""
    if one.standing is not Standing.ACTIVE:
        return ""
    if paused_until(held):
        return "paused"
    upcoming = next((timing.window.closes_at for timing in scheduled(one.config, now)), None)
    return local(upcoming, one.config.schedule.zone) if upcoming else "as it happens"


def local(at: datetime | None, zone: str) -> str:
    """An instant in that IANA zone: `Mon 2 Mar 2026, 08:00`; a dash for never."""
    if at is None:
        return "–"
    there = at.astimezone(ZoneInfo(zone))
    return f"{there:%a} {wording.day(there)}, {there:%H:%M}"


def paused_until(held: Sequence[Mute]) -> str:
    """Until which day nothing at all is told; nothing where it is not paused."""
    pause = next((one for one in held if one.kind is MuteKind.ALL), None)
    return "" if pause is None else (wording.day(pause.until) if pause.until else "for good")


def last_words(last: LastDigest | None) -> dict[str, Any] | None:
    """The digest that closed last and what came of it; None where none has closed."""
    if last is None:
        return None
    pill, word = outcome(last.states, last.alerts)
    return {"id": last.id, "at": last.closed_at, "alerts": last.alerts, "pill": pill, "word": word}


def outcome(states: Sequence[str], alerts: int) -> tuple[str, str]:
    """The pill of a closed digest by the states of its messages."""
    if not states:
        return ("", "Nothing to tell") if not alerts else ("bad", "Not written")
    for state, pill, word in (
        ("parked", "bad", "Dead letter"),
        ("pending", "wait", "Waiting"),
        ("withheld", "", "Withheld"),
    ):
        if state in states:
            return pill, word if set(states) == {state} else f"{word}, in part"
    return "good", "Sent"


def mute_row(kind: MuteKind, value: str, names: Mapping[str, str]) -> str:
    """`Everything about Konoya`."""
    if kind is MuteKind.STORY:
        return say("mute_story_of", _EN, number=wording.one_line(value, 20))
    return mute_words(kind, names.get(value, value) if kind is MuteKind.RULE else value, _EN)


# ── addresses that are sent nothing ──────────────────────────────────────────────────────────────────────────────────


def stopped(desk: Desk) -> Response:
    """`/suppressions`: addresses that bounced or complained; POST lifts one."""
    if desk.posted:
        return _lift(desk)
    with desk.rt.database.read() as conn:
        known = suppressions.listing(conn, limit=_SUPPRESSED)
        readers = subscriber_search.readers_of(conn, [one["address_key"] for one in known])
    rows = [
        one
        | {
            "address": masked_address(one["address"]) if one["address"] else "erased",
            "why": in_words(one["reason"]),
            "subscriptions": readers.get(one["address_key"], []),
        }
        for one in known
    ]
    return desk.page("suppressions.html.j2", "Addresses that bounced", rows=rows, most=_SUPPRESSED)


def _lift(desk: Desk) -> Response:
    key = desk.form.one("address_key")
    with desk.rt.database.write() as conn:
        if not suppressions.lift(conn, key):
            raise Refused("Nothing is held against that address any more.", status=409)
        desk.note(conn, "suppressions.lift", f"address {key[:12]}")
    return desk.go("/suppressions", done="The address is sent to again, from the next message on.")


PAGES = (
    Page(path="/subscribers", show=listing, methods=("GET", "POST"), act=Scope.READ),
    Page(path="/suppressions", show=stopped, methods=("GET", "POST")),
)
