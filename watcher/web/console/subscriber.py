"""One subscription: what it asks for, its mutes and digests; muting, pausing, ending, sending now, and erasing.

Everything that is done here is a line of the audit log, which never holds an address.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from itertools import islice
from typing import Any

from starlette.responses import Response

from watcher import wording
from watcher.digest.timing import scheduled
from watcher.model import Language, Mute, MuteKind, Origin
from watcher.pipeline import reader as acts
from watcher.pipeline import rule_names
from watcher.pipeline.signup import LAPSES_AFTER
from watcher.store import Connection, channel_health, digests, mutes, subscriber_search, subscriptions, suppressions
from watcher.store.subscriber_search import Standing, Subscriber
from watcher.web.console import channels, digest_rows
from watcher.web.console import subscribers as listed
from watcher.web.console.desk import Desk, NotHere, Page, Refused
from watcher.web.console.reasons import in_words

_DIGESTS = 12
_WINDOWS = 3
_NAME_CHARACTERS = 120
DAYS = {
    "1": "a day",
    "7": "a week",
    "30": "30 days",
    "90": "90 days",
    "365": "a year",
    "": "for good",
}
"""How long something can be muted, by the value of the form."""
_KINDS = (MuteKind.RULE, MuteKind.PARTY, MuteKind.PLACE, MuteKind.STORY)


def show(desk: Desk) -> Response:
    """`/subscribers/{id}`: GET shows, POST does what the pressed button says. Raises NotHere."""
    subscription_id = desk.path("id")
    if desk.posted:
        return _do(desk, subscription_id)
    return _page(desk, subscription_id, erasing=desk.query("erase") == "1")


def _page(desk: Desk, subscription_id: str, *, erasing: bool = False, revealed: str = "") -> Response:
    with desk.rt.database.read() as conn:
        found = _found(conn, subscription_id)
        values = _values(conn, found, desk.now)
    return desk.page(
        "subscriber.html.j2",
        wording.one_line(found.config.title, 120),
        erasing=erasing and found.origin is Origin.PAGE,
        revealed=revealed,
        days=list(DAYS.items()),
        kinds=[one.value for one in _KINDS],
        **values,
    )


def _found(conn: Connection, subscription_id: str) -> Subscriber:
    found = subscriber_search.get(conn, subscription_id)
    if found is None:
        raise NotHere
    return found


def _values(conn: Connection, found: Subscriber, now: datetime) -> dict[str, Any]:
    config, names = found.config, {one.id: one.title for one in rule_names.known(conn)}
    held = listed.held_by(conn, [found], now)[found.id]
    states = channel_health.several(conn, (*config.channels, *found.left))
    ways = subscriber_search.mail_ways(conn, states)
    stopped = subscriber_search.suppressed(conn, listed.keys_of(found, [one.to for one in ways.values()]))
    listing, pause = _mutes(conn, found, names, now)
    upcoming = islice(scheduled(config, now), _WINDOWS) if found.standing is Standing.ACTIVE else ()
    return {
        "found": found,
        "own": found.origin is Origin.PAGE,
        "from_file": found.origin is Origin.FILE,
        "ours": found.id == subscriptions.OPS,
        "lang": "zh-Hans" if config.language is Language.CHINESE else "en",
        "origin": listed.ORIGINS[found.origin],
        "standing": listed.standing_words(found),
        "lapses_at": found.unconfirmed_since + LAPSES_AFTER if found.unconfirmed_since else None,
        "rows": listed.chosen(config, names),
        "next": listed.following(found, held, now),
        "windows": [
            (listed.local(one.window.closes_at, config.schedule.zone), one.window.closes_at) for one in upcoming
        ],
        "channels": [channels.row(one, {}, now) | {"left": name in found.left} for name, one in states.items()],
        "suppressed": [
            {"address_key": key, "why": in_words(one["reason"]), "since": one["suppressed_at"]}
            for key, one in stopped.items()
        ],
        "mutes": listing,
        "pause": pause,
        "rules": list(names.items()),
        "waiting": digests.waiting(conn, found.id),
        "digests": digest_rows.of_subscription(conn, found.id, limit=_DIGESTS),
    }


def _mutes(
    conn: Connection, found: Subscriber, names: Mapping[str, str], now: datetime
) -> tuple[list[dict[str, Any]], dict[str, Any] | None]:
    """The mutes in force in words, and the pause among them; `id` is None for those of watcher.yml."""
    set_here = [
        (row["id"], Mute(kind=MuteKind(row["kind"]), value=row["value"], until=row["until"]), row["origin"])
        for row in mutes.listing(conn, found.id)
    ]
    every = [*set_here, *((None, one, Origin.FILE.value) for one in found.config.mutes)]
    listing: list[dict[str, Any]] = []
    pause = None
    for mute_id, one, origin in every:
        if one.until is not None and one.until <= now:
            continue
        until = f"until {listed.local(one.until, found.config.schedule.zone)}" if one.until else "for good"
        row = {"id": mute_id, "what": listed.mute_row(one.kind, one.value, names), "until": until, "by": _by(origin)}
        if one.kind is MuteKind.ALL and mute_id is not None:
            pause = row
        else:
            listing.append(row)
    return listing, pause


def _by(origin: str) -> str:
    return {"page": "by its reader", "cli": "by those who run the service", "file": "in watcher.yml"}.get(origin, "")


# ── what is done ─────────────────────────────────────────────────────────────────────────────────────────────────────


def _do(desk: Desk, subscription_id: str) -> Response:
    known: dict[str, Callable[[Desk, Connection, Subscriber], str]] = {
        "mute": _mute,
        "unmute": _unmute,
        "pause": _pause,
        "end": _end,
        "resume": _resume,
        "send": _send,
        "lift": _lift,
        "erase": _erase,
    }
    what = desk.form.one("do")
    if what == "reveal":
        return _reveal(desk, subscription_id)
    if what not in known:
        raise Refused("The form names nothing that can be done with a subscription.", status=422)
    with desk.rt.database.write() as conn:
        done = known[what](desk, conn, _found(conn, subscription_id))
    if what == "erase":
        return desk.go("/subscribers", done=done)
    return desk.go(f"/subscribers/{subscription_id}", done=done)


def _note(desk: Desk, conn: Connection, found: Subscriber, what: str, **detail: Any) -> None:
    desk.note(conn, f"subscribers.{what}", f"subscription {found.id}", **detail)


def _mute(desk: Desk, conn: Connection, found: Subscriber) -> str:
    kind, days = desk.form.one("kind"), desk.form.one("days")
    value = wording.one_line(desk.form.one("value"), _NAME_CHARACTERS)
    if kind not in _KINDS or not value or days not in DAYS:
        raise Refused("Say what is to be muted, and for how long.", status=422)
    if kind == MuteKind.STORY and not (value.isascii() and value.isdigit()):
        raise Refused("A story is named by its number.", status=422)
    one = Mute(kind=MuteKind(kind), value=value, until=desk.now + timedelta(days=int(days)) if days else None)
    mutes.add(conn, found.id, one, origin=Origin.CLI, now=desk.now)
    _note(desk, conn, found, "mute", kind=kind, value=value, days=days)
    return f"It hears nothing of {kind} {value}, {DAYS[days]}."


def _pause(desk: Desk, conn: Connection, found: Subscriber) -> str:
    days = desk.form.one("days")
    if not days or days not in DAYS:
        raise Refused("Say for how long it is paused.", status=422)
    one = Mute(kind=MuteKind.ALL, value="", until=desk.now + timedelta(days=int(days)))
    mutes.add(conn, found.id, one, origin=Origin.CLI, now=desk.now)
    _note(desk, conn, found, "pause", days=days)
    return f"It is paused, {DAYS[days]}. What happens meanwhile is not told later."


def _unmute(desk: Desk, conn: Connection, found: Subscriber) -> str:
    number = desk.form.one("mute")
    known = number.isascii() and number.isdigit() and len(number) < 19
    if not known or not mutes.remove(conn, found.id, int(number)):
        raise Refused("That is not muted any more.", status=409)
    _note(desk, conn, found, "unmute", mute=int(number))
    return "It hears of that again."


def _end(desk: Desk, conn: Connection, found: Subscriber) -> str:
    if found.origin is Origin.FILE:
        raise Refused("It stands in watcher.yml: take it out there, so that the file stays true.", status=409)
    if not subscriptions.end(conn, found.id, by="console", now=desk.now):
        raise Refused("It had ended before.", status=409)
    _note(desk, conn, found, "end")
    return "It has ended, and nothing more is sent for it."


def _resume(desk: Desk, conn: Connection, found: Subscriber) -> str:
    if not subscriptions.resume(conn, found.id):
        raise Refused("It had not ended.", status=409)
    _note(desk, conn, found, "resume")
    return "It is told again, what comes from now on."


def _send(desk: Desk, conn: Connection, found: Subscriber) -> str:
    if found.standing is not Standing.ACTIVE:
        raise Refused("It is told nothing now, so there is nothing to send.", status=409)
    closing = digests.close_now(conn, found.id, now=desk.now)
    if not closing:
        raise Refused("Nothing waits for it: what was found so far has been told.", status=409)
    _note(desk, conn, found, "send", digests=closing)
    return f"{wording.counted(closing, 'digest')} closed; the message goes out within seconds."


def _lift(desk: Desk, conn: Connection, found: Subscriber) -> str:
    ways = subscriber_search.mail_ways(conn, found.config.channels)
    key = desk.form.one("address_key")
    if key not in listed.keys_of(found, [one.to for one in ways.values()]) or not suppressions.lift(conn, key):
        raise Refused("Nothing is held against its address any more.", status=409)
    _note(desk, conn, found, "lift")
    return "Its address is sent to again, from the next message on."


def _erase(desk: Desk, conn: Connection, found: Subscriber) -> str:
    if not acts.erase_in(conn, found.id, now=desk.now):
        raise Refused("Only what somebody signed up for can be erased here.", status=409)
    _note(desk, conn, found, "erase")
    return "Erased: the address, the choices, the mutes and the bytes of what was sent."


def _reveal(desk: Desk, subscription_id: str) -> Response:
    """The page with the address in clear, once: it stands in no link and no log."""
    with desk.rt.database.write() as conn:
        found = _found(conn, subscription_id)
        ways = subscriber_search.mail_ways(conn, found.config.channels)
        _note(desk, conn, found, "reveal")
    shown = ", ".join(one.to for one in ways.values() if one.to)
    return _page(desk, subscription_id, revealed=shown or "no mail address is known")


PAGES = (Page(path="/subscribers/{id}", show=show, methods=("GET", "POST")),)
