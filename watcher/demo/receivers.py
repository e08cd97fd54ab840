"""The far ends of the demo's Slack and webhook channels, as strict as the real ones; they keep what arrives.

Slack's limits are those of https://docs.slack.dev/reference/block-kit; signatures are checked with the library of
Standard Webhooks (https://www.standardwebhooks.com).
"""

from __future__ import annotations

import json
import secrets
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from standardwebhooks.webhooks import Webhook, WebhookVerificationError

from watcher.demo.loopback import Loopback, Reply, Request
from watcher.model import JSON

BLOCKS_MAX = 50
TEXT_MAX = 40_000
_BLOCK_TEXT_MAX = {"header": 150, "section": 3000}
_FIELDS_MAX, _FIELD_MAX = 10, 2000
_ELEMENTS_MAX = {"context": 10, "actions": 25}
_ELEMENT_TEXT_MAX = {"context": 3000, "actions": 75}
_KNOWN = {"header", "section", "context", "divider", "actions", "image", "rich_text"}


@dataclass(frozen=True, slots=True, kw_only=True)
class SlackPost:
    payload: Mapping[str, JSON]
    refused: str | None
    """Slack's word for what is wrong; None when the message was taken."""
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class HookPost:
    id: str
    payload: JSON
    verified: bool
    trouble: str
    """Why the signature did not hold; empty when it did."""
    at: datetime


def slack_refusal(content_type: str, body: bytes) -> str | None:
    """The error that Slack would answer to this POST, or None when it would take it."""
    if not content_type.startswith("application/json"):
        return "invalid_payload"
    try:
        payload = json.loads(body)
    except ValueError:
        return "invalid_payload"
    if not isinstance(payload, dict):
        return "invalid_payload"
    text, blocks = payload.get("text", ""), payload.get("blocks", [])
    if not isinstance(text, str) or not isinstance(blocks, list) or not (text or blocks):
        return "no_text"
    if len(text) > TEXT_MAX:
        return "msg_too_long"
    if len(blocks) > BLOCKS_MAX or not all(_block_holds(block) for block in blocks):
        return "invalid_blocks"
    return None


def _block_holds(block: JSON) -> bool:
    if not isinstance(block, dict) or block.get("type") not in _KNOWN or len(str(block.get("block_id", ""))) > 255:
        return False
    kind = block["type"]
    if kind == "header":
        return _text_holds(block.get("text"), _BLOCK_TEXT_MAX[kind]) and block["text"]["type"] == "plain_text"
    if kind == "section":
        return _section_holds(block)
    if kind in _ELEMENTS_MAX:
        return _elements_hold(kind, block.get("elements"))
    return True


def _section_holds(block: Mapping[str, JSON]) -> bool:
    fields = block.get("fields", [])
    if not fields and "text" not in block:
        return False
    if not isinstance(fields, list) or len(fields) > _FIELDS_MAX:
        return False
    texts = [_text_holds(block["text"], _BLOCK_TEXT_MAX["section"])] if "text" in block else []
    return all(texts) and all(_text_holds(field, _FIELD_MAX) for field in fields)


def _elements_hold(kind: str, elements: JSON) -> bool:
    if not isinstance(elements, list) or not 1 <= len(elements) <= _ELEMENTS_MAX[kind]:
        return False
    if kind == "context":
        return all(_is_image(element) or _text_holds(element, _ELEMENT_TEXT_MAX[kind]) for element in elements)
    return all(
        isinstance(element, dict) and ("text" not in element or _text_holds(element["text"], _ELEMENT_TEXT_MAX[kind]))
        for element in elements
    )


def _is_image(element: JSON) -> bool:
    return isinstance(element, dict) and element.get("type") == "image" and bool(element.get("alt_text"))


def _text_holds(text: JSON, longest: int) -> bool:
    if not isinstance(text, dict) or text.get("type") not in ("plain_text", "mrkdwn"):
        return False
    words = text.get("text")
    return isinstance(words, str) and 1 <= len(words) <= longest


class Receivers(Loopback):
    """One server, two doors: `slack_url` answers as Slack does, `hook_url` takes only what `secret` signed."""

    def __init__(self, secret: str) -> None:
        super().__init__(self._answer, name="demo-receivers")
        self._webhook = Webhook(secret)
        self._slack_path = f"/services/T0DEMO/B0DEMO/{secrets.token_hex(12)}"
        self._slack: list[SlackPost] = []
        self._hooks: list[HookPost] = []
        self._guard = threading.Lock()
        self.slack_url = self.url + self._slack_path
        self.hook_url = self.url + "/hook"

    @property
    def slack(self) -> tuple[SlackPost, ...]:
        """Everything posted to Slack's door, refused or taken, in order."""
        with self._guard:
            return tuple(self._slack)

    @property
    def hooks(self) -> tuple[HookPost, ...]:
        with self._guard:
            return tuple(self._hooks)

    def _answer(self, request: Request) -> Reply:
        if request.method != "POST":
            return Reply(status=405, body=b"only POST", headers={"Allow": "POST"})
        if request.path == self._slack_path:
            return self._take_slack(request)
        if request.path == "/hook":
            return self._take_hook(request)
        return Reply(status=404, body=b"no_service")

    def _take_slack(self, request: Request) -> Reply:
        refused = slack_refusal(request.headers.get("content-type", ""), request.body)
        payload = {} if refused in ("invalid_payload", "no_text") else json.loads(request.body)
        with self._guard:
            self._slack.append(SlackPost(payload=payload, refused=refused, at=datetime.now(UTC)))
        return Reply(status=400, body=refused.encode()) if refused else Reply(body=b"ok")

    def _take_hook(self, request: Request) -> Reply:
        post = _checked(self._webhook, request)
        with self._guard:
            self._hooks.append(post)
        return Reply(status=204) if post.verified else Reply(status=401, body=post.trouble.encode())


def _checked(webhook: Webhook, request: Request) -> HookPost:
    trouble = ""
    try:
        webhook.verify(request.body, dict(request.headers), json_parse=False)
    except (WebhookVerificationError, ValueError) as error:
        trouble = str(error)
    try:
        payload = json.loads(request.body)
    except ValueError:
        payload = None
        trouble = trouble or "the body is not JSON"
    identity = request.headers.get("webhook-id", "")
    return HookPost(id=identity, payload=payload, verified=not trouble, trouble=trouble, at=datetime.now(UTC))
