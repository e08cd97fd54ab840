"""The events as Atom and JSON Feed: whole where watcher.yml opens them, and per subscription at a signed address."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

from watcher.digest.syndicate import ATOM_TYPE, JSON_TYPE, Channel, atom, json_feed
from watcher.model import EventView, Language
from watcher.pipeline.links import links
from watcher.runtime import Runtime
from watcher.signing import Links, Purpose
from watcher.store import overview, subscriptions, syndication

EVENTS = 50
_FRESH_S = 300
_BEGINNING = datetime(2026, 1, 1, tzinfo=UTC)


def everything(request: Request) -> Response:
    """All events; 404 unless `public_feed: true` stands in watcher.yml."""
    rt: Runtime = request.app.state.runtime
    with rt.database.read() as conn:
        if not overview.remembered(conn, "public_feed"):
            return _not_here()
        found = syndication.newest(conn, limit=EVENTS)
    return _answer(request, links(rt), found, key="events", title="Biotech Watcher", language=Language.ENGLISH)


def of_subscription(request: Request) -> Response:
    """What one subscription was told, while it lives."""
    rt: Runtime = request.app.state.runtime
    signer = links(rt)
    value = signer.read(Purpose.FEED, request.path_params["token"])
    with rt.database.read() as conn:
        subscription = subscriptions.get(conn, str(value["s"])) if value and "s" in value else None
        if subscription is None:
            return _not_here()
        found = syndication.told(conn, subscription.id, limit=EVENTS)
    key, title, language = f"subscription:{subscription.id}", subscription.title, subscription.language
    return _answer(request, signer, found, key=key, title=title, language=language, private=True)


def _answer(
    request: Request,
    signer: Links,
    events: list[EventView],
    *,
    key: str,
    title: str,
    language: Language,
    private: bool = False,
) -> Response:
    home = signer.public_url or str(request.base_url)
    address = home.rstrip("/") + request.url.path
    channel = Channel(key=key, title=title, home=home, address=address, language=language, made_at=_BEGINNING)
    as_json = request.url.path.endswith((".json", "/json"))
    body = (json_feed if as_json else atom)(channel, events, lambda event_id: signer.url(Purpose.EVENT, e=event_id))
    etag = f'"{hashlib.sha256(body).hexdigest()[:32]}"'
    headers = {"etag": etag, "cache-control": f"{'private' if private else 'public'}, max-age={_FRESH_S}"}
    if private:
        headers["x-robots-tag"] = "noindex, nofollow"
    if etag in request.headers.get("if-none-match", ""):
        return Response(status_code=304, headers=headers)
    return Response(body, headers=headers, media_type=JSON_TYPE if as_json else ATOM_TYPE)


def _not_here() -> Response:
    return PlainTextResponse("not here\n", status_code=404)
