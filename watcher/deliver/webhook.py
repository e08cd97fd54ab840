"""Signed webhooks: events and digests as JSON by the Standard Webhooks specification.

The body's form is `{type, timestamp, data}`; `webhook-id` stays the same over all attempts, so that a receiver can know
a repeat, and `webhook-timestamp` is that of the attempt. What a body may hold is published by `webhook_schema`.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from standardwebhooks import Webhook

from watcher import wire, wording
from watcher.deliver.answer import Poster, classify, post
from watcher.deliver.channel import Misconfigured, Resolve, read, travelling_id
from watcher.model import (
    JSON,
    AlertLinks,
    AlertView,
    Change,
    ChannelConfig,
    Coverage,
    DigestLinks,
    DigestView,
    Envelope,
    EventView,
    Fact,
    Language,
    Notice,
    Outcome,
    Rendered,
    Snippet,
    Source,
)

BODY_BYTES = 20_000
_SECRET_BYTES = range(16, 129)
_STRING = 400
_SHORT_STRING, _SHORT_LIST = 100, 5
"""The measures of a body that is too large even without its details."""
_LINK = 700
"""No address of ours is longer; a source's may be."""
_EVENT_LINKS = ("event", "useful", "not_useful", "mute")
_DIGEST_LINKS = ("browser", "preferences", "unsubscribe", "feed")


class WebhookChannel:
    def __init__(self, config: ChannelConfig, *, client: Poster, resolve: Resolve, timeout_s: float) -> None:
        self._config = config
        self._client = client
        self._resolve = resolve
        self._timeout_s = timeout_s

    def compose(self, view: DigestView, rendered: Rendered, *, key: str, now: datetime) -> Envelope:  # noqa: ARG002 (its own form)
        """UTF-8 JSON of less than 20,000 bytes; `timestamp` is `now`."""
        return Envelope(message_id=travelling_id(key), content_type="application/json", body=body(view, now=now))

    def send(self, envelope: Envelope, *, attempt: int, now: datetime) -> Outcome:  # noqa: ARG002 (the same bytes each time)
        """One POST, signed with `now`."""
        try:
            url = read(self._config.url, self._resolve, "webhook address")
            headers = self._signed(envelope, now)
        except Misconfigured as error:
            return error.outcome()
        answer = post(self._client, url, headers, envelope.body, timeout_s=self._timeout_s, repeatable=True)
        return answer if isinstance(answer, Outcome) else classify(answer, now=now)

    def _signed(self, envelope: Envelope, now: datetime) -> dict[str, str]:
        secrets = [read(self._config.secret, self._resolve, "signing secret")]
        if self._config.old_secret is not None:
            secrets.append(read(self._config.old_secret, self._resolve, "old signing secret"))
        return {
            "content-type": envelope.content_type,
            "idempotency-key": envelope.message_id,
            **signature(secrets, envelope.message_id, envelope.body, now),
        }


def signature(secrets: Sequence[str], message_id: str, content: bytes, now: datetime) -> dict[str, str]:
    """The three Standard Webhooks headers, with one signature for each secret: a receiver needs only one to hold.

    Raises Misconfigured for a secret that is not `whsec_` and the base64 of 16 to 128 bytes. `now` must be aware: the
    library takes any datetime's digits for UTC.
    """
    if now.tzinfo is None:
        raise ValueError("a signature needs an aware instant")
    at = now.astimezone(UTC)
    signed = [Webhook(_raw(secret)).sign(message_id, at, content.decode()) for secret in secrets]
    return {
        "webhook-id": message_id,
        "webhook-timestamp": str(int(at.timestamp())),
        "webhook-signature": " ".join(dict.fromkeys(signed)),
    }


def _raw(secret: str) -> bytes:
    try:
        raw = base64.b64decode(
            secret.removeprefix("whsec_") + "=" * (-len(secret.removeprefix("whsec_")) % 4), validate=True
        )
    except ValueError:
        raw = b""
    if not secret.startswith("whsec_") or len(raw) not in _SECRET_BYTES:
        raise Misconfigured("bad_secret", "the signing secret is not whsec_ and the base64 of 24 to 64 bytes")
    return raw


# ── body ─────────────────────────────────────────────────────────────────────────────────────────────────────────────


def body(view: DigestView, *, now: datetime) -> bytes:
    """The JSON bytes; what has no room is left out step by step (evidence, further sources, facts, then whole events).

    Before events go, all words become short. A digest that lost events says how many in `data.left_out`.
    """
    for detail in (3, 2, 1, 0):
        content = _bytes(view, view.alerts, detail, now)
        if len(content) < BODY_BYTES:
            return content
    shown = len(view.alerts)
    while len(content) >= BODY_BYTES and shown:
        shown = min(shown - 1, shown * BODY_BYTES // len(content))
        content = _bytes(view, view.alerts[:shown], 0, now)
    return content


def _bytes(view: DigestView, alerts: tuple[AlertView, ...], detail: int, now: datetime) -> bytes:
    kind, data = _kind_and_data(view, alerts, max(detail, 1))
    if detail == 0:
        data = {name: one if name == "events" else _short(one) for name, one in data.items()}
        data |= {"events": [_short(one) for one in data["events"]]} if "events" in data else {}
    message = {"type": kind, "timestamp": _instant(now), "data": data}
    return json.dumps(message, ensure_ascii=False, separators=(",", ":")).encode()


def _short(value: JSON) -> JSON:
    """As `value`, every string and list short, and a source's address that is long left out."""
    if isinstance(value, str):
        is_address = len(value) <= _LINK and wording.web_link(value) == value
        return value if is_address else wording.one_line(value, _SHORT_STRING)
    if isinstance(value, dict):
        return {name: None if name == "link" and len(one or "") > _LINK else _short(one) for name, one in value.items()}
    return [_short(one) for one in value[:_SHORT_LIST]] if isinstance(value, list) else value


def _kind_and_data(view: DigestView, alerts: tuple[AlertView, ...], detail: int) -> tuple[str, dict[str, JSON]]:
    about = {
        "digest": _clean(view.key),
        "subscription": {
            "id": _clean(view.subscription_id),
            "title": _clean(view.subscription_title),
            "links": _addresses(view.links, _DIGEST_LINKS[1:]),
        },
    }
    if view.notice is not None:
        lines = [_clean(line) for line in view.notice.lines[: 10 * detail]]
        told = {"subject": _clean(view.notice.subject), "lines": lines}
        return "service.notice", {**about, **told, **_addresses(view.notice, ("action_url",))}
    if view.immediate and len(view.alerts) == 1:
        (alert,) = view.alerts
        kind = "event.updated" if alert.update else "event.created"
        return kind, {**about, **_alert(alert, detail, view.language)}
    untold = len(view.alerts) - len(alerts)
    left_out = [_clean(words) for words in view.left_out[: 4 * detail]]
    return "digest.closed", {
        **about,
        "window": {"key": view.window.key, "closes_at": _instant(view.window.closes_at), "zone": view.zone},
        "events": [_alert(alert, detail, view.language) for alert in alerts],
        "events_total": len(view.alerts),
        "left_out": [*left_out, *([f"{untold} events had no room"] if untold else [])],
        "notes": [_clean(note) for note in view.notes[: 4 * detail]],
        "coverage": _coverage(view.coverage),
        "links": _addresses(view.links, _DIGEST_LINKS[:1]),
    }


def _alert(alert: AlertView, detail: int, language: Language) -> dict[str, JSON]:
    told = {
        "reason": _clean(alert.reason),
        "update": alert.update,
        "event": event(alert.event, language, detail=detail),
        "links": _addresses(alert.links, _EVENT_LINKS[: 4 if detail > 1 else 1]),
    }
    return {**told, "changes": [_change(one, language) for one in alert.changes[:10]]} if alert.update else told


def _addresses(links: AlertLinks | DigestLinks | Notice, names: Sequence[str]) -> dict[str, JSON]:
    """The signed addresses that there are, by name."""
    found = ((name, wording.web_link(getattr(links, name))) for name in names)
    return {name: url for name, url in found if url and len(url) <= _LINK}


def _change(change: Change, language: Language) -> JSON:
    """What a revision did to one fact: both values in words, the reason as a word, and all of it as a sentence."""
    return {
        "fact": _clean(change.fact),
        "before": _clean(change.before),
        "after": _clean(change.after),
        "why": change.why.value,
        "text": _clean(wording.change(change, language)),
    }


def event(told: EventView, language: Language, *, detail: int = 3) -> JSON:
    """An event as receivers see it; `detail` 3 is whole, 2 without evidence, 1 without facts and further sources."""
    sources = told.sources[: {3: 10, 2: 3, 1: 1}[detail]]
    lean = {
        "id": told.id,
        "revision": told.revision,
        "rule": {"id": _clean(told.rule_id), "title": _clean(told.rule_title)},
        "level": told.level.value,
        "title": _clean(told.title),
        "summary": _clean(wording.facts_line(told, language)),
        "sources": [_source(source) for source in sources],
        "sources_total": len(told.sources),
        "created_at": _instant(told.created_at),
        "updated_at": _instant(told.updated_at),
    }
    if detail == 1:
        return lean
    whole = {**lean, "tags": [_clean(tag) for tag in told.tags[:20]], "facts": _facts(told)}
    return {**whole, "evidence": [_evidence(one) for one in told.snippets[:5]]} if detail == 3 else whole


def _facts(told: EventView) -> dict[str, JSON]:
    """Facts by name, in the rule's order; spans are left out, since a receiver has no text to which they belong."""
    return {_clean(name): _fact(fact) for name, fact in told.facts.items()}


def _fact(fact: Fact) -> JSON:
    whole: dict[str, Any] = wire.dump(fact)
    return {
        name: _clean_all(value)
        for name, value in whole.items()
        if value not in (None, "", []) and name not in ("name", "span", "more", "item_id")
    }


def _clean_all(value: JSON) -> JSON:
    if isinstance(value, str):
        return _clean(value)
    if isinstance(value, dict):
        return {name: _clean_all(one) for name, one in value.items() if one not in (None, "") and name != "item_id"}
    return [_clean_all(one) for one in value[:30]] if isinstance(value, list) else value


def _evidence(snippet: Snippet) -> JSON:
    return [{"text": words, "marked": marked} for words, marked in wording.segments(snippet)]


def _source(source: Source) -> JSON:
    return {
        "title": _clean(source.title),
        "link": wording.web_link(source.link),
        "feed": _clean(source.feed),
        "language": source.language and _clean(source.language),
        "published_at": _instant(source.published_at) if source.published_at else None,
    }


def _coverage(coverage: Coverage | None) -> JSON:
    if coverage is None:
        return None
    return {
        "feeds_total": coverage.feeds_total,
        "feeds_checked": coverage.feeds_checked,
        "failing": [_clean(feed) for feed in coverage.failing[:20]],
        "silent": [_clean(feed) for feed in coverage.silent[:20]],
    }


def _clean(text: str) -> str:
    return wording.one_line(text, _STRING)


def _instant(at: datetime) -> str:
    return at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
