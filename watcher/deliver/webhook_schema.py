"""What a webhook's body may hold, as a JSON Schema for its receivers; `webhook` writes such bodies.

Receivers must bear fields that are not named here: new ones may come, none of these goes away.
Source: https://json-schema.org/draft/2020-12, and the Standard Webhooks specification on the payload.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from watcher.model import Bound, ChangeWhy, FactKind, Level

Schema = dict[str, Any]

TYPES = {
    "event.created": "A new event, told at once.",
    "event.updated": "An event that was told before and has a newer revision.",
    "digest.closed": "The events of a window that has closed; of several events told at once too.",
    "service.notice": "Something that the service says about itself.",
}
_TEXT: Schema = {"type": "string"}
_FLAG: Schema = {"type": "boolean"}
_NUMBER: Schema = {"type": "number"}
_COUNT: Schema = {"type": "integer", "minimum": 0}
_INSTANT: Schema = {
    "type": "string",
    "pattern": r"^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}\.\d{3}Z$",
    "description": "UTC, to the millisecond.",
}
_DAY: Schema = {"type": "string", "pattern": r"^\d{4}-\d{2}-\d{2}$"}
_URL: Schema = {"type": "string", "pattern": "^https?://"}
_URL_OR_NULL: Schema = {"type": ["string", "null"], "pattern": "^https?://"}
_VALUE: Schema = {
    "description": "Words, a number in `currency`, a flag, or a list of words.",
    "anyOf": [_TEXT, _NUMBER, _FLAG, {"type": "array", "items": _TEXT}],
}


def _object(required: Mapping[str, Schema], optional: Mapping[str, Schema] | None = None, words: str = "") -> Schema:
    told = {"description": words} if words else {}
    properties = {**required, **(optional or {})}
    return {**told, "type": "object", "required": list(required), "properties": properties}


def _list(of: Schema, words: str = "") -> Schema:
    return {**({"description": words} if words else {}), "type": "array", "items": of}


def _one_of(names: Any) -> Schema:
    return {"enum": [one.value for one in names]}


def _ref(name: str) -> Schema:
    return {"$ref": f"#/$defs/{name}"}


def schema() -> Schema:
    """The JSON Schema, draft 2020-12, of every body that is sent."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Biotech Watcher webhook",
        "description": "The body of a POST, less than 20,000 bytes. Keep webhook-id for 4 days: a repeat has the same.",
        "type": "object",
        "required": ["type", "timestamp", "data"],
        "properties": {
            "type": {"enum": list(TYPES)},
            "timestamp": {**_INSTANT, "description": "When the message was written, UTC; the same in a repeat."},
            "data": {"type": "object"},
        },
        "oneOf": [
            {"description": words, "properties": {"type": {"const": kind}, "data": _ref(_DATA[kind])}}
            for kind, words in TYPES.items()
        ],
        "$defs": _definitions(),
    }


_DATA = {
    "event.created": "alone",
    "event.updated": "alone",
    "digest.closed": "digest",
    "service.notice": "notice",
}


def _definitions() -> dict[str, Schema]:
    about = {"digest": {**_TEXT, "description": "The id of the digest."}, "subscription": _ref("subscription")}
    told = {"reason": _TEXT, "update": _FLAG, "event": _ref("event"), "links": _ref("event_links")}
    changes = {"changes": _list(_ref("change"), "With `update`: what changed since it was told.")}
    return {
        "alone": _object({**about, **told}, changes),
        "digest": _digest(about),
        "notice": _object({**about, "subject": _TEXT, "lines": _list(_TEXT)}, {"action_url": _URL}),
        "entry": _object(told, changes),
        "subscription": _object(
            {"id": _TEXT, "title": _TEXT},
            {"links": _object({}, {"preferences": _URL, "unsubscribe": _URL, "feed": _URL})},
        ),
        "event_links": _object(
            {},
            {"event": _URL, "useful": _URL, "not_useful": _URL, "mute": _URL},
            "Signed pages of this subscription; none while no public address is set. A GET changes nothing.",
        ),
        "event": _event(),
        "fact": _fact(),
        "source": _source(),
        "change": _object(
            {"fact": _TEXT, "before": _TEXT, "after": _TEXT, "why": _one_of(ChangeWhy), "text": _TEXT},
            words="What a revision did to one fact; `before` is empty when it was unknown.",
        ),
    }


def _digest(about: Mapping[str, Schema]) -> Schema:
    window = _object({"key": _TEXT, "closes_at": _INSTANT, "zone": {**_TEXT, "description": "An IANA time zone."}})
    names = _list(_TEXT)
    known = _object({"feeds_total": _COUNT, "feeds_checked": _COUNT, "failing": names, "silent": names})
    return _object(
        {
            **about,
            "window": window,
            "events": _list(_ref("entry")),
            "events_total": {**_COUNT, "description": "As many as concern the subscription; more than are shown."},
            "left_out": _list(_TEXT, "In words, what had no room or could not be shown."),
            "coverage": {"anyOf": [known, {"type": "null"}]},
        },
        {"notes": _list(_TEXT), "links": _object({}, {"browser": _URL})},
    )


def _event() -> Schema:
    piece = _object({"text": _TEXT, "marked": {**_FLAG, "description": "The words that decided."}})
    return _object(
        {
            "id": {"type": "integer", "description": "The same in every message about this event."},
            "revision": {"type": "integer", "minimum": 1},
            "rule": _object({"id": _TEXT, "title": _TEXT}),
            "level": _one_of(Level),
            "title": _TEXT,
            "summary": {**_TEXT, "description": "The facts as a line."},
            "sources": _list(_ref("source")),
            "sources_total": _COUNT,
            "created_at": _INSTANT,
            "updated_at": _INSTANT,
        },
        {
            "tags": _list(_TEXT),
            "facts": {"type": "object", "additionalProperties": _ref("fact")},
            "evidence": _list(_list(piece), "Sentences, each cut into words that decided and others."),
        },
        "Tags, facts and evidence are left out where a message would be too large.",
    )


def _money() -> dict[str, Schema]:
    return {
        "high": {**_NUMBER, "description": "The upper end of a range that begins at `value`."},
        "currency": {**_TEXT, "description": "ISO 4217."},
        "bound": _one_of(Bound),
        "usd": {**_NUMBER, "description": "`value` in US dollars at the rate of `rate_date`."},
        "rate_date": _DAY,
    }


def _fact() -> Schema:
    shown = _object(
        {"value": _NUMBER, "currency": _TEXT, "rate_date": _DAY},
        {"high": _NUMBER, "stale_days": _COUNT},
        "The amount in the subscription's currency.",
    )
    other = _object({"value": _VALUE}, {"text": _TEXT, **_money()}, "What another source tells at the same time.")
    told = {"text": _TEXT, **_money(), "told_at": _TEXT, "others": _list(other), "shown": shown}
    return _object({"kind": _one_of(FactKind), "value": _VALUE}, told)


def _source() -> Schema:
    return _object(
        {
            "title": _TEXT,
            "link": _URL_OR_NULL,
            "feed": _TEXT,
            "language": {"type": ["string", "null"]},
            "published_at": {"type": ["string", "null"], "pattern": _INSTANT["pattern"]},
        }
    )
