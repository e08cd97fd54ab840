"""Finding events: what a filter asks, the one narrow row per event that answers it, and the pages of what was found.

A row holds what filters look at and nothing that is shown, so that a filter reads a hundredth of what the events
themselves take. Words are looked for by reading them all: at 20,000 events that costs less than a page may, and unlike
an index of words it finds Chinese, of which two characters are a word already. How an event is shown is `events`'.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, func, or_, select

from watcher.annotate.gazetteer import fold_han
from watcher.annotate.place_name import keys_of
from watcher.store.dialect import insert
from watcher.store.schema import alerts, event_index, event_sources, events, items

MOST_WORDS = 8
"""Words of one search that are looked for."""
_NOT_WORD = re.compile(r"[\W_]+")
_UNSPACED = re.compile("[\u2e80-\u9fff\uac00-\ud7af\uf900-\ufaff]")
"""Scripts written without spaces: a word in them is looked for anywhere."""
_KEPT = 6000
"""Code points of an event's words that are kept."""
_TITLES = 40
"""Sources whose titles are kept."""
_CHUNK = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class EventFilter:
    """What is asked of events; every part that is given must hold, and nothing given asks for all."""

    rule: str = ""
    """A rule's id."""
    place: str = ""
    """A place in any language; what lies inside it counts too."""
    party: str = ""
    """The beginning of any word of a party's name."""
    at_least_usd: float | None = None
    """Events without a known amount do not pass it."""
    stance: str = ""
    """The stage that the event has reached: `signed`, `exploring`, `ended` …"""
    language: str = ""
    """A primary tag (`zh`): of any item that tells the event."""
    since: datetime | None = None
    until: datetime | None = None
    """When the event was found: from `since` on and before `until`."""
    text: str = ""
    """Words that all stand in its headlines, facts or evidence, each by its beginning."""


# ── looking ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def search(
    conn: Connection, asked: EventFilter, *, before: int | None = None, after: int | None = None, limit: int
) -> list[int]:
    """Ids of the events that pass, newest first; `before` and `after` are ids, neither included.

    With `after` the oldest of them are given, so that nothing is skipped when there are more than `limit`.
    """
    query = select(event_index.c.event_id).where(*_conditions(conn, asked))
    if before is not None:
        query = query.where(event_index.c.event_id < before)
    if after is None:
        return list(conn.execute(query.order_by(event_index.c.event_id.desc()).limit(limit)).scalars())
    query = query.where(event_index.c.event_id > after).order_by(event_index.c.event_id).limit(limit)
    return list(conn.execute(query).scalars())[::-1]


def among(conn: Connection, asked: EventFilter, ids: Iterable[int]) -> list[int]:
    """Those of the ids whose events pass, newest first."""
    wanted = (event_index.c.event_id.in_(list(ids)), *_conditions(conn, asked))
    return list(
        conn.execute(select(event_index.c.event_id).where(*wanted).order_by(event_index.c.event_id.desc())).scalars()
    )


def newest(conn: Connection, *, limit: int) -> list[int]:
    """Ids of the newest events, newest first.

    Not only what is above the last id seen: of two transactions the one with the lower id may end later.
    """
    return list(conn.execute(select(events.c.id).order_by(events.c.id.desc()).limit(limit)).scalars())


def newest_id(conn: Connection) -> int:
    """The id of the newest event; 0 when there is none."""
    return conn.execute(select(func.max(events.c.id))).scalar_one() or 0


def told(conn: Connection, event_ids: Sequence[int]) -> dict[int, int]:
    """How many subscriptions have an alert of each of the events; those without one are absent."""
    query = select(alerts.c.event_id, func.count(alerts.c.subscription_id.distinct()).label("number"))
    query = query.where(alerts.c.event_id.in_(list(event_ids))).group_by(alerts.c.event_id)
    return {row.event_id: row.number for row in conn.execute(query)}


def stances(conn: Connection) -> list[str]:
    """The stages that any event has reached, in order."""
    found: list[str] = []
    while True:  # a look at the index for each, however many events have it
        query = select(func.min(event_index.c.stage))
        if found:
            query = query.where(event_index.c.stage > found[-1])
        following = conn.execute(query).scalar_one_or_none()
        if following is None:
            return found
        found.append(following)


def _conditions(conn: Connection, asked: EventFilter) -> list[ColumnElement[bool]]:
    row, found = event_index.c, []
    if asked.rule:
        found.append(row.rule_id == asked.rule)
    if asked.since is not None:
        found.append(row.created_at >= asked.since)
    if asked.until is not None:
        found.append(row.created_at < asked.until)
    if asked.stance:
        found.append(row.stage == asked.stance)
    if asked.at_least_usd is not None:
        found.append(row.amount_usd >= asked.at_least_usd)
    if asked.language:
        found.append(_holds(conn, row.languages, f" {folded(asked.language)} "))
    if asked.place:
        found.append(or_(*(_holds(conn, row.places, one) for one in _place_marks(asked.place))))
    if asked.party:
        found.append(_holds(conn, row.parties, _mark(folded(asked.party))))
    words = [word for word in map(folded, asked.text.split()) if word][:MOST_WORDS]
    return [*found, *(_holds(conn, row.words, _mark(word)) for word in words)]


def _holds(conn: Connection, column: ColumnElement[str], mark: str) -> ColumnElement[bool]:
    """Whether the text stands in the column; no pattern, so that nothing in it has a meaning."""
    looked = func.instr if conn.dialect.name == "sqlite" else func.strpos
    return looked(column, mark) > 0


def _place_marks(name: str) -> list[str]:
    """A place by its name, and by its key where the gazetteer knows it."""
    keys = keys_of(name)
    return [_mark(folded(name)), *(f" @{key} " for key in keys[:1])]


def _mark(word: str) -> str:
    """A folded word as it is looked for: at the beginning of a word, or anywhere in scripts without spaces."""
    return word if _UNSPACED.search(word) else f" {word}"


def folded(text: str) -> str:
    """Words without case, accents, width and Chinese variants, one space between them, none at the ends."""
    plain = text.casefold()
    if not plain.isascii():
        parts = unicodedata.normalize("NFKD", fold_han(plain))
        plain = unicodedata.normalize("NFKC", "".join(one for one in parts if not unicodedata.combining(one)))
    return _NOT_WORD.sub(" ", plain).strip()


# ── the rows that are looked at ──────────────────────────────────────────────────────────────────────────────────────


def index(conn: Connection, event_ids: Iterable[int]) -> None:
    """Write anew what filters look at of those events, from the events and the items that tell them."""
    ids = list(event_ids)
    for start in range(0, len(ids), _CHUNK):
        part = ids[start : start + _CHUNK]
        sources = _sources(conn, part)
        rows = [_row(row, sources.get(row["id"], [])) for row in _told(conn, part)]
        for row in rows:
            statement = insert(conn, event_index).values(**row)
            changed = {name: value for name, value in row.items() if name != "event_id"}
            conn.execute(statement.on_conflict_do_update(index_elements=["event_id"], set_=changed))


def index_all(conn: Connection) -> None:
    """As `index`, for every event: for those that were there before there were such rows."""
    last = 0
    while True:
        query = select(events.c.id).where(events.c.id > last).order_by(events.c.id).limit(_CHUNK)
        ids = list(conn.execute(query).scalars())
        if not ids:
            return
        index(conn, ids)
        last = ids[-1]


def _told(conn: Connection, ids: Sequence[int]) -> list[Mapping[str, Any]]:
    kept = (events.c.id, events.c.rule_id, events.c.rule_title, events.c.title, events.c.facts, events.c.snippets)
    query = select(*kept, events.c.amount_usd, events.c.stage, events.c.created_at)
    return [dict(row._mapping) for row in conn.execute(query.where(events.c.id.in_(ids)))]


def _sources(conn: Connection, ids: Sequence[int]) -> dict[int, list[tuple[str, str | None]]]:
    """Titles and languages of the items that tell each event, oldest first."""
    query = select(event_sources.c.event_id, items.c.title, items.c.language)
    query = query.join(items, items.c.id == event_sources.c.item_id).where(event_sources.c.event_id.in_(ids))
    found: dict[int, list[tuple[str, str | None]]] = {}
    for row in conn.execute(query.order_by(items.c.id)):
        found.setdefault(row.event_id, []).append((row.title, row.language))
    return found


def _row(event: Mapping[str, Any], sources: Sequence[tuple[str, str | None]]) -> dict[str, Any]:
    facts: Sequence[Mapping[str, Any]] = event["facts"]
    places = _names(facts, "place", "party")  # a party may be a place's: whoever asks for Seoul means Seoul Bio Hub
    titles = [title for title, _ in sources[:_TITLES]]
    told = [event["title"], event["rule_title"], *_names(facts), *titles]
    words = [*told, *(snippet["text"] for snippet in event["snippets"])]
    return {
        "event_id": event["id"],
        "rule_id": event["rule_id"],
        "stage": event["stage"],
        "amount_usd": event["amount_usd"],
        "created_at": event["created_at"],
        "languages": _spaced(sorted({re.split("[-_]", tag)[0] for _, tag in sources if tag})),
        "places": _spaced(places) + "".join(f"@{key} " for key in dict.fromkeys(_keys(places))),
        "parties": _spaced(_names(facts, "party")),
        "words": _spaced(words)[:_KEPT],
    }


def _names(facts: Sequence[Mapping[str, Any]], *kinds: str) -> list[str]:
    """What the facts of those kinds say, of all where none is named: values and the words they were read from."""
    found = []
    for fact in facts:
        if not kinds or fact["kind"] in kinds:
            value = fact["value"]
            said = value if isinstance(value, list) else [value]
            found += [one for one in (*said, fact.get("text")) if isinstance(one, str)]
    return found


def _keys(names: Iterable[str]) -> Iterable[str]:
    for name in names:
        yield from keys_of(name)


def _spaced(texts: Iterable[str]) -> str:
    """The texts folded, each once, with spaces around every word."""
    words = " ".join(dict.fromkeys(filter(None, map(folded, texts))))
    return f" {words} "
