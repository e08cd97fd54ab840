"""Other services (Teams, Discord, Telegram and a hundred more) through the optional package Apprise."""

from __future__ import annotations

import json
from datetime import datetime
from importlib import import_module

from watcher.deliver.channel import Misconfigured, Resolve, read, travelling_id
from watcher.model import ChannelConfig, DigestView, Envelope, Outcome, OutcomeKind, Rendered


class AppriseChannel:
    """One Apprise URL; the URL is the password, so it is read at each send and never told."""

    def __init__(self, config: ChannelConfig, *, resolve: Resolve, timeout_s: float) -> None:
        self._config = config
        self._resolve = resolve
        self._timeout_s = timeout_s

    def compose(self, view: DigestView, rendered: Rendered, *, key: str, now: datetime) -> Envelope:  # noqa: ARG002
        """Subject and text as JSON."""
        body = json.dumps({"title": rendered.subject, "body": rendered.text}, ensure_ascii=False).encode()
        return Envelope(message_id=travelling_id(key), content_type="application/json", body=body)

    def send(self, envelope: Envelope, *, attempt: int, now: datetime) -> Outcome:  # noqa: ARG002
        """One notification through the package; without it the channel waits for somebody to install it."""
        try:
            url = read(self._config.url, self._resolve, "Apprise URL")
            apprise = import_module("apprise").Apprise()
        except Misconfigured as error:
            return error.outcome()
        except ImportError:
            told = "the package is missing: pip install 'biotech-watcher[apprise]'"
            return Misconfigured("apprise_missing", told).outcome()
        if not apprise.add(url):
            return Misconfigured("bad_url", "Apprise does not know this URL").outcome()
        if apprise.notify(**json.loads(envelope.body)):
            return Outcome(kind=OutcomeKind.SENT, reason="apprise_sent")
        return Outcome(kind=OutcomeKind.RETRY, reason="apprise_failed", detail="the service did not take the message")
