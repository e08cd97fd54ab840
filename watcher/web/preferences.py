"""A subscription's settings behind its signed link: what is told, mutes, a pause, and the erasure of a reader's data.

What stands in watcher.yml is shown and not changed; it can be muted, paused and ended all the same.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from starlette.responses import Response

from watcher import wording
from watcher.model import Mute, MuteKind
from watcher.pipeline import reader as acts
from watcher.pipeline import signup
from watcher.signing import Purpose
from watcher.store import channels, mutes
from watcher.store.readers import Reader
from watcher.web import choices
from watcher.web.choices import Offered
from watcher.web.signed import mute_words
from watcher.web.visit import NotHere, Visit

PAUSES = (7, 14, 30, 90)
"""How long a subscription can be paused on the page, in days."""


def preferences(visit: Visit) -> Response:
    """GET shows, POST does what the pressed button says. Raises NotHere for a subscription that is gone."""
    reader = visit.reader()
    if not visit.posted:
        if reader.own and visit.request.query_params.get("erase") == "1":
            return visit.page("erase.html.j2", "erase_title")
        return _settings(visit, reader)
    if not visit.check_form():
        return _settings(visit, reader, stale=True)
    return _do(visit, reader)


def _do(visit: Visit, reader: Reader) -> Response:
    match visit.form.one("do"):
        case "save" if reader.own:
            return _save(visit, reader)
        case "unmute" | "unpause":
            return _unmute(visit, reader)
        case "pause":
            return _pause(visit, reader)
        case "erase" if reader.own:
            return visit.page("erase.html.j2", "erase_title")
        case "erase_for_good" if reader.own:
            acts.erase(visit.rt, reader.id)
            return visit.tell("erased_title", visit.say("erased_lead"))
    return _settings(visit, reader)


def _save(visit: Visit, reader: Reader) -> Response:
    rules, open_end = _rules(visit)
    wanted, wrong = choices.read_choices(visit.form, rules, visit.language, reader.config, open_end=open_end)
    if wrong:
        return _settings(visit, reader, wrong=wrong, chosen=choices.typed_choices(visit.form))
    if not acts.save(visit.rt, reader.id, wanted):
        raise NotHere
    return _settings(visit, visit.reader_now(), done=visit.say("saved"))


def _unmute(visit: Visit, reader: Reader) -> Response:
    number = visit.form.one("mute")
    if number.isascii() and number.isdecimal() and len(number) < 19:
        acts.unmute(visit.rt, reader.id, int(number))
    paused = visit.form.one("do") == "unpause"
    return _settings(visit, reader, done=visit.say("resumed_now" if paused else "unmuted"))


def _pause(visit: Visit, reader: Reader) -> Response:
    days = visit.form.one("days")
    if days not in {str(one) for one in PAUSES}:
        return _settings(visit, reader)
    until = visit.rt.clock() + timedelta(days=int(days))
    acts.mute(visit.rt, reader.id, Mute(kind=MuteKind.ALL, value="", until=until))
    return _settings(visit, reader, done=visit.say("pause_state", day=visit.day(until)))


def _rules(visit: Visit) -> tuple[tuple[Offered, ...], bool]:
    """The rules that may be chosen, and whether all of them may, also those to come."""
    offer = signup.offered(visit.rt)
    return choices.offered_rules(visit.rt, offer, visit.language), offer is None or not offer.rules


def _settings(visit: Visit, reader: Reader, **more: Any) -> Response:
    rules, open_end = _rules(visit)
    shown = {"wrong": {}, "stale": False, "done": "", "chosen": choices.shown_choices(reader.config), **more}
    every = choices.offered_rules(visit.rt, None, visit.language)
    names = {one.id: one.title for one in every}
    listed, pause = _mutes(visit, reader, names)
    return visit.page(
        "preferences.html.j2",
        "settings_title",
        status=422 if shown["wrong"] else 200,
        own=reader.own,
        of=visit.say("settings_of", title=wording.one_line(reader.config.title, 120), address=_address(visit, reader)),
        waiting=reader.unconfirmed_since is not None,
        ended=reader.ended_at is not None,
        rows=choices.in_words(reader.config, names, visit.language),
        options=choices.options(visit.language, rules, open_end=open_end),
        mutes=listed,
        pause=pause,
        pauses=[(days, visit.say("days", count=days)) for days in PAUSES],
        end=f"/{Purpose.UNSUBSCRIBE}/{visit.signer.token(Purpose.UNSUBSCRIBE, s=reader.id)}",
        **shown,
    )


def _address(visit: Visit, reader: Reader) -> str:
    """To which address a reader's own subscription goes; of others only the names of the channels."""
    if not reader.own:
        return wording.joined(reader.config.channels, 5, visit.language)
    with visit.rt.database.read() as conn:
        ways = channels.configs(conn, reader.config.channels)
    return wording.one_line((ways[0].to if ways else "") or "", 254)


def _mutes(visit: Visit, reader: Reader, names: dict[str, str]) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    """Every mute in force as words, and the pause among them.

    `id` is empty for those of watcher.yml, which the page cannot end.
    """
    now = visit.rt.clock()
    with visit.rt.database.read() as conn:
        rows = mutes.listing(conn, reader.id)
    set_here = [(row["id"], Mute(kind=MuteKind(row["kind"]), value=row["value"], until=row["until"])) for row in rows]
    listed: list[dict[str, Any]] = []
    pause: dict[str, Any] = {}
    for mute_id, mute in [*set_here, *(("", one) for one in reader.config.mutes)]:
        if mute.until is not None and mute.until <= now:
            continue
        day = visit.day(mute.until) if mute.until else ""
        if mute.kind is MuteKind.ALL and mute_id:
            pause = {"id": mute_id, "day": day}
        else:
            until = visit.say("until", day=day) if day else visit.say("for_good")
            listed.append({"id": mute_id, "what": _words(visit, mute, names), "until": until})
    return listed, pause


def _words(visit: Visit, mute: Mute, names: dict[str, str]) -> str:
    name = names.get(mute.value, mute.value) if mute.kind is MuteKind.RULE else mute.value
    if mute.kind is MuteKind.STORY:
        return visit.say("mute_story_of", number=name)
    return mute_words(mute.kind, name, visit.language)
