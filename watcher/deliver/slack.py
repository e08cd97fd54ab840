"""Slack: a digest as Block Kit, posted to an incoming webhook whose address is the password.

What the message says, and its limits, are the part of `blocks`. Source: Slack on sending messages by incoming webhooks.
"""

from __future__ import annotations

import json
import re
import time
from dataclasses import replace
from datetime import datetime
from typing import Any

from watcher.deliver.answer import Answer, Poster, classify, post
from watcher.deliver.blocks import as_text, payload
from watcher.deliver.channel import UNCERTAIN_RETRY_S, Misconfigured, Resolve, read
from watcher.model import ChannelConfig, DigestView, Envelope, Outcome, OutcomeKind, Rendered

_CODE = re.compile(r"[a-z][a-z_]{2,40}")
_FORM_REFUSED = frozenset(
    {"invalid_blocks", "invalid_blocks_format", "msg_blocks_too_long", "invalid_payload", "msg_too_long"}
)
"""What Slack says of a message whose form it does not take; the same words without blocks may pass."""


class SlackChannel:
    def __init__(self, config: ChannelConfig, *, client: Poster, resolve: Resolve, timeout_s: float) -> None:
        self._config = config
        self._client = client
        self._resolve = resolve
        self._timeout_s = timeout_s

    def compose(self, view: DigestView, rendered: Rendered, *, key: str, now: datetime) -> Envelope:  # noqa: ARG002 (its own form)
        """UTF-8 JSON within all of Slack's limits; Slack has no place for an id, so `key` stays with the delivery."""
        return Envelope(message_id=key, content_type="application/json; charset=utf-8", body=_json(payload(view)))

    def send(self, envelope: Envelope, *, attempt: int, now: datetime) -> Outcome:  # noqa: ARG002 (the same bytes each time)
        """One POST, and a second one of plain text when Slack refuses the form of the first: it has shown nothing then.

        Slack's error word, when it says one, is the detail.
        """
        give_up_at = time.monotonic() + self._timeout_s
        try:
            url = read(self._config.url, self._resolve, "Slack address")
        except Misconfigured as error:
            return error.outcome()
        first = self._post(url, envelope, self._timeout_s, now)
        left_s = give_up_at - time.monotonic()
        if first.detail not in _FORM_REFUSED or first.kind is not OutcomeKind.REJECTED or left_s < 1:
            return first
        made = json.loads(envelope.body)
        if "blocks" not in made:
            return first
        second = self._post(url, replace(envelope, body=_json(as_text(made))), left_s, now)
        if second.kind is OutcomeKind.SENT:
            return replace(second, reason="sent_as_text", detail=f"as plain text, since Slack said {first.detail}")
        return second

    def _post(self, url: str, envelope: Envelope, timeout_s: float, now: datetime) -> Outcome:
        headers = {"content-type": envelope.content_type}
        answer = post(self._client, url, headers, envelope.body, timeout_s=timeout_s, repeatable=False)
        return answer if isinstance(answer, Outcome) else outcome(answer, now=now)


def outcome(answer: Answer, *, now: datetime) -> Outcome:
    """As for any POST, but Slack says "ok" to what it takes, and one word for what it does not.

    A 2xx with any other body was not answered by Slack: nobody knows whether the message is shown.
    """
    said = answer.body[:200].decode("utf-8", "replace").strip()
    known = classify(answer, now=now)
    if known.kind is OutcomeKind.SENT:
        return known if _taken(answer, said) else _not_ok(answer, said)
    return replace(known, detail=said) if _CODE.fullmatch(said) else known


def _taken(answer: Answer, said: str) -> bool:
    """ "ok", what services that speak Slack's form say instead, or a status that has no body."""
    return said.lower() in ("ok", '"ok"') or _verdict(answer) is True or (answer.status in (202, 204) and not said)


def _not_ok(answer: Answer, said: str) -> Outcome:
    if _verdict(answer) is False or _CODE.fullmatch(said):
        told = said if _CODE.fullmatch(said) else "the receiver says that it did not take the message"
        return Outcome(kind=OutcomeKind.REJECTED, reason="not_ok", detail=told)
    told = "the answer is not Slack's ok: is the address that of an incoming webhook?"
    return Outcome(kind=OutcomeKind.UNCERTAIN, reason="not_ok", detail=told, retry_after_s=UNCERTAIN_RETRY_S)


def _verdict(answer: Answer) -> bool | None:
    """What a JSON body says: `{"ok": true}` of Slack's API, `{"success": true}` of Rocket.Chat."""
    try:
        told = json.loads(answer.body[:10_000])
    except (ValueError, RecursionError):
        return None
    verdict = told.get("ok", told.get("success")) if isinstance(told, dict) else None
    return verdict if isinstance(verdict, bool) else None


def _json(made: dict[str, Any]) -> bytes:
    return json.dumps(made, ensure_ascii=False, separators=(",", ":")).encode()
