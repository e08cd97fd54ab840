"""From a channel's configuration to the channel; the one place that knows every kind."""

from __future__ import annotations

from typing import assert_never

from watcher.deliver.answer import Poster
from watcher.deliver.apprise import AppriseChannel
from watcher.deliver.channel import Channel, Resolve
from watcher.deliver.email import EmailChannel, SigningKey
from watcher.deliver.slack import SlackChannel
from watcher.deliver.webhook import WebhookChannel
from watcher.model import ChannelConfig, ChannelKind


def open_channel(
    config: ChannelConfig,
    *,
    client: Poster,
    resolve: Resolve,
    timeout_s: float,
    signing_key: SigningKey | None = None,
) -> Channel:
    """The way out that `config` describes; nothing is contacted and no secret read before a send.

    `timeout_s` bounds one attempt in all; `client` is for the kinds that speak HTTP, `signing_key` for the return path
    of mail.
    """
    match config.kind:
        case ChannelKind.EMAIL:
            return EmailChannel(config, resolve=resolve, timeout_s=timeout_s, signing_key=signing_key)
        case ChannelKind.SLACK:
            return SlackChannel(config, client=client, resolve=resolve, timeout_s=timeout_s)
        case ChannelKind.WEBHOOK:
            return WebhookChannel(config, client=client, resolve=resolve, timeout_s=timeout_s)
        case ChannelKind.APPRISE:
            return AppriseChannel(config, resolve=resolve, timeout_s=timeout_s)
        case other:
            assert_never(other)
