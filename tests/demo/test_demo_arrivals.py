"""What the real channels send is taken by the demo's far ends, and shown by its report and page."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime

from demo_values import EVENTS, account, printed

from watcher.deliver.channel import Channel
from watcher.deliver.registry import open_channel
from watcher.deliver.slack_text import lines
from watcher.demo.hook_text import told
from watcher.demo.inbox import Inbox
from watcher.demo.receivers import Receivers
from watcher.demo.report import Account
from watcher.digest.render import render
from watcher.model import (
    AlertView,
    ChannelConfig,
    ChannelKind,
    Coverage,
    DigestView,
    EventView,
    OutcomeKind,
    Secret,
    Window,
)
from watcher.net.client import GuardedClient

SECRET = "whsec_c2VlZHMgYXJlIHBsYW50ZWQgaW4gc3ByaW5n"


def digest(*events: EventView, immediate: bool) -> DigestView:
    alerts = tuple(AlertView(alert_id=event.id, reason=f"rule {event.rule_id}", event=event) for event in events)
    window = Window(key="2026-03-04", closes_at=datetime(2026, 3, 4, tzinfo=UTC))
    return DigestView(
        key=f"d{len(events)}{events[0].id}", subscription_id="daily", subscription_title="Biotech deals",
        zone="Asia/Shanghai", window=window, immediate=immediate, alerts=alerts,
        coverage=Coverage(feeds_total=3, feeds_checked=3),
    )  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Ends:
    inbox: Inbox
    receivers: Receivers
    channels: dict[ChannelKind, Channel]

    def send(self, kind: ChannelKind, view: DigestView) -> OutcomeKind:
        now = datetime.now(UTC)
        envelope = self.channels[kind].compose(view, render(view), key=view.key, now=now)
        return self.channels[kind].send(envelope, attempt=1, now=now).kind


@contextmanager
def far_ends() -> Iterator[Ends]:
    client = GuardedClient(allow_private=("127.0.0.0/8",), user_agent="tests", connect_s=5, total_s=10)
    with Inbox() as inbox, Receivers(SECRET) as receivers:
        secrets = {"slack": receivers.slack_url, "hook": SECRET}
        configs = (
            ChannelConfig(id="slack", kind=ChannelKind.SLACK, url=Secret(env="slack"), allow_private=True),
            ChannelConfig(
                id="hook", kind=ChannelKind.WEBHOOK, url=receivers.hook_url, secret=Secret(env="hook"),
                allow_private=True,
            ),
            ChannelConfig(
                id="mail", kind=ChannelKind.EMAIL, to="reader@demo.example", sender="watcher@demo.example",
                smtp_url=inbox.smtp_url,
            ),
        )  # fmt: skip
        channels = {
            config.kind: open_channel(
                config, client=client, resolve=lambda secret: secrets[secret.env or ""], timeout_s=10
            )
            for config in configs
        }
        try:
            yield Ends(inbox=inbox, receivers=receivers, channels=channels)
        finally:
            client.close()


def test_slack_takes_alerts_and_digests_of_the_real_channel() -> None:
    with far_ends() as ends:
        for event in EVENTS:
            assert ends.send(ChannelKind.SLACK, digest(event, immediate=True)) is OutcomeKind.SENT
        assert ends.send(ChannelKind.SLACK, digest(*EVENTS, immediate=False)) is OutcomeKind.SENT
        posts = ends.receivers.slack
    assert [post.refused for post in posts] == [None] * 5
    words = " ".join(line.words for line in lines(posts[0].payload))
    assert EVENTS[0].title in words
    assert "1.2bn USD" in words


def test_the_real_webhook_s_signature_holds_and_its_events_are_told() -> None:
    with far_ends() as ends:
        ends.send(ChannelKind.WEBHOOK, digest(EVENTS[2], immediate=True))
        ends.send(ChannelKind.WEBHOOK, digest(EVENTS[0], EVENTS[2], immediate=False))
        posts = ends.receivers.hooks
    assert [post.verified for post in posts] == [True, True]
    assert [told(post.payload) for post in posts] == [
        ("event.created", EVENTS[2].title),
        ("digest.closed", f"{EVENTS[0].title} and {EVENTS[2].title}"),
    ]


def test_a_real_digest_arrives_with_text_and_html_and_is_reported() -> None:
    with far_ends() as ends:
        assert ends.send(ChannelKind.EMAIL, digest(*EVENTS, immediate=False)) is OutcomeKind.SENT
        (mail,) = ends.inbox.mails
    assert "Konoya → AstraZeneca" in mail.text
    assert "<html" in mail.html
    before = account()
    words = printed(
        Account(
            events=before.events, mails=(mail,), slack=(), hooks=(), polls=(), checks=(), html_path=None, elapsed_s=1
        ),
        100,
    )  # fmt: skip
    assert "Konoya → AstraZeneca · CMG901" in words
