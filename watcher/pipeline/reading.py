"""A document's bytes to its items in the sandbox, wherever they came from; what becomes of them is left to others."""

from __future__ import annotations

import base64

from watcher import wire
from watcher.errors import CannotHelp
from watcher.model import ParsedFeed
from watcher.runtime import Runtime

_MARGIN_S = 5
"""Wall-clock seconds on top of the processor's, for a machine that is busy."""


class Unreadable(CannotHelp):
    """The document is not a feed."""


def read_document(rt: Runtime, body: bytes, *, content_type: str | None, url: str) -> ParsedFeed:
    """The feed in `body`; `url` resolves its relative links.

    Raises Unreadable with what it seems to be, or SandboxFailed when its parser ran out of time or memory on it.
    """
    payload = {"body_b64": base64.b64encode(body).decode(), "content_type": content_type, "url": url}
    answer = rt.sandbox.call("watcher.parse.feed:read", payload, timeout_s=rt.settings.sandbox_cpu_s + _MARGIN_S)
    if "not_a_feed" in answer:
        raise Unreadable(answer["not_a_feed"])
    return wire.load(ParsedFeed, answer)
