"""Other services (Teams, Discord, Telegram and a hundred more) through the optional package Apprise.

Apprise makes its own connections: the guard of `watcher.net` does not see them. Only whoever writes watcher.yml names
its URLs. Source: https://github.com/caronc/apprise, version 2.2, of which the result tells more than yes or no.
"""

from __future__ import annotations

import json
import logging
import time
from datetime import datetime
from importlib import import_module
from typing import Any

from watcher.deliver.channel import UNCERTAIN_RETRY_S, Misconfigured, Resolve, read, travelling_id
from watcher.deliver.chat_text import text
from watcher.model import ChannelConfig, DigestView, Envelope, Outcome, OutcomeKind, Rendered

_CONNECT_S = 4.0


class AppriseChannel:
    """One Apprise URL; the URL is the password, so it is read at each send and never told."""

    def __init__(self, config: ChannelConfig, *, resolve: Resolve, timeout_s: float) -> None:
        self._config = config
        self._resolve = resolve
        self._timeout_s = timeout_s

    def compose(self, view: DigestView, rendered: Rendered, *, key: str, now: datetime) -> Envelope:  # noqa: ARG002 (its own form)
        """Title and text as JSON."""
        words = text(view)
        body = json.dumps({"title": words.title, "body": words.body}, ensure_ascii=False).encode()
        return Envelope(message_id=travelling_id(key), content_type="application/json", body=body)

    def send(self, envelope: Envelope, *, attempt: int, now: datetime) -> Outcome:  # noqa: ARG002 (the same bytes each time)
        """One notification through the package; without it the channel waits for somebody to install it."""
        try:
            url = read(self._config.url, self._resolve, "Apprise URL")
            apprise = import_module("apprise")
        except Misconfigured as error:
            return error.outcome()
        except ImportError:
            told = "the package is missing: pip install 'biotech-watcher[apprise]'"
            return Misconfigured("apprise_missing", told).outcome()
        # It logs addresses, which are passwords.
        logging.getLogger("apprise").disabled = True
        asset = apprise.AppriseAsset(http_redirects=False, async_mode=False, interpret_emojis=False)
        service = apprise.Apprise.instantiate(url, asset=asset, suppress_exceptions=True)
        if service is None:
            return Misconfigured("bad_url", "Apprise does not know this URL; a channel has one").outcome()
        return self._notify(apprise, service, asset, json.loads(envelope.body))

    def _notify(self, apprise: Any, service: Any, asset: Any, words: dict[str, str]) -> Outcome:
        read_s = max(1.0, self._timeout_s - _CONNECT_S)
        service.socket_connect_timeout, service.socket_read_timeout = _CONNECT_S, read_s
        if service.overflow_mode == apprise.OverflowMode.UPSTREAM:
            # A service that takes less than we write gets several messages instead of none.
            service.overflow_mode = apprise.OverflowMode.SPLIT
        services = apprise.Apprise(asset=asset)
        services.add(service)
        began_at = time.monotonic()
        result = services.notify(**words, body_format=apprise.NotifyFormat.TEXT, timeout=self._timeout_s)
        return outcome(result.status.name, waited=time.monotonic() - began_at >= min(read_s, self._timeout_s) - 0.1)


def outcome(status: str, *, waited: bool) -> Outcome:
    """What Apprise's word for a notification means. `waited`: it took so long that an answer was waited for in vain.

    Of a failure Apprise does not say whether the service refused or answered too late.
    """
    if status == "SUCCESS":
        return Outcome(kind=OutcomeKind.SENT, reason="apprise_sent")
    if status == "TIMEOUT" or (status == "FAILURE" and waited):
        return _uncertain("timeout", "no answer came in time")
    if status == "PARTIAL":
        return _uncertain("apprise_partly", "only some of the service's recipients took the message")
    return Outcome(kind=OutcomeKind.RETRY, reason="apprise_failed", detail="the service did not take the message")


def _uncertain(reason: str, detail: str) -> Outcome:
    return Outcome(kind=OutcomeKind.UNCERTAIN, reason=reason, detail=detail, retry_after_s=UNCERTAIN_RETRY_S)
