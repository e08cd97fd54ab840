"""The demo's own configuration: a folder with a watcher.yml that joins feed server, inbox and receivers, and settings.

Nothing of the caller's environment gets in: the demo never touches the database or broker of a real installation.
"""

from __future__ import annotations

import base64
import secrets
from dataclasses import dataclass
from pathlib import Path

import yaml

from watcher import settings
from watcher.demo.feeds import FeedServer
from watcher.demo.inbox import Inbox
from watcher.demo.receivers import Receivers
from watcher.settings import Settings

DAILY = "daily-digest"
READER = "reader@demo.example"
SECRETS = ("slack_url", "hook_secret")
"""Files in the stage's folder."""
_OPS = "ops@demo.example"
_SENDER = "Biotech Watcher <watcher@demo.example>"
_TITLES = {"/feed.rss.xml": "Seeds as RSS", "/feed.atom.xml": "Seeds as Atom", "/feed.json": "Seeds as JSON"}
_LOOPBACK = "127.0.0.0/8"


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """Where the demo plays."""

    folder: Path
    settings: Settings

    @property
    def logs(self) -> Path:
        return self.folder / "logs"


def new_secret() -> str:
    """A fresh signing secret in the form of Standard Webhooks."""
    return "whsec_" + base64.b64encode(secrets.token_bytes(24)).decode()


def prepare(
    folder: Path, feeds: FeedServer, inbox: Inbox, receivers: Receivers, *, secret: str, console_port: int = 8080
) -> Stage:
    """Write watcher.yml and its two secrets into `folder`; the settings hurry what need not be slow on one machine."""
    for name, value in zip(SECRETS, (receivers.slack_url, secret), strict=True):
        _write_secret(folder / name, value)
    config = watcher_yml(feeds, inbox, receivers)
    path = folder / "watcher.yml"
    path.write_text(yaml.safe_dump(config, sort_keys=False, allow_unicode=True), encoding="utf-8")
    chosen = settings.with_values(
        settings.load({}),
        data_dir=folder / "var",
        config_path=path,
        allow_private=(_LOOPBACK,),
        sweep_every_s=0.5,
        web_port=console_port,
    )
    return Stage(folder=folder, settings=chosen)


def watcher_yml(feeds: FeedServer, inbox: Inbox, receivers: Receivers) -> dict[str, object]:
    """The demo's configuration as a person would write it: everything at once to Slack and webhook, daily by mail."""
    return {
        "feeds": [
            {"url": url, "title": _TITLES.get(url.removeprefix(feeds.url), "Seeds"), "alert_history": "all"}
            for url in feeds.urls
        ],
        "channels": {
            "mail": {"kind": "email", "to": READER, "sender": _SENDER, "smtp_url": inbox.smtp_url},
            "ops-mail": {"kind": "email", "to": _OPS, "sender": _SENDER, "smtp_url": inbox.smtp_url},
            "slack": {"kind": "slack", "url": {"file": "slack_url"}, "allow_private": True},
            "hook": {
                "kind": "webhook",
                "url": receivers.hook_url,
                "secret": {"file": "hook_secret"},
                "allow_private": True,
            },
        },
        "subscriptions": {
            DAILY: {
                "title": "Biotech deals and partnerships",
                "channels": ["mail"],
                "when": "daily 08:00",
                "zone": "Asia/Shanghai",
            },
            "slack-alerts": {"title": "Biotech alerts", "channels": ["slack"], "when": "immediate"},
            "hook-alerts": {"title": "Biotech events", "channels": ["hook"], "when": "immediate"},
        },
        "ops": ["ops-mail"],
    }


def _write_secret(path: Path, value: str) -> None:
    path.touch(mode=0o600)
    path.write_text(value, encoding="utf-8")
