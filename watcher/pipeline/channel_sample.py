"""A sample through a real channel, for the command and the console: marked as a test, and leaving no row.

It is no delivery that anybody waits for, and must not count for or against the channel.
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import UTC, date, datetime

from watcher.model import (
    AlertView,
    ChannelConfig,
    DigestView,
    Envelope,
    EventView,
    Fact,
    FactKind,
    Language,
    Level,
    Outcome,
    OutcomeKind,
    RuleStatus,
    Snippet,
    Source,
    Window,
)
from watcher.pipeline.compose import compose
from watcher.runtime import Runtime

SUBSCRIPTION = "watcher-test"
"""By this a webhook's receiver knows a test; no subscription in watcher.yml sends it."""
SAID = {
    OutcomeKind.SENT: "sent",
    OutcomeKind.RETRY: "not sent, trying again can help",
    OutcomeKind.REJECTED: "refused",
    OutcomeKind.CHANNEL_DOWN: "the channel cannot be used",
    OutcomeKind.UNCERTAIN: "it may have arrived, the answer was lost",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Tried:
    """The sample that was sent and what came of it."""

    config: ChannelConfig
    envelope: Envelope
    outcome: Outcome

    @property
    def words(self) -> str:
        """One line for people."""
        why = f": {self.outcome.detail}" if self.outcome.detail else ""
        return f"{self.config.id} ({self.config.kind.value}): {SAID[self.outcome.kind]} ({self.outcome.reason}){why}"


def try_channel(
    rt: Runtime, config: ChannelConfig, *, immediate: bool = True, language: Language = Language.ENGLISH
) -> Tried:
    """One attempt to send the sample, in the time that any attempt has. Raises CannotHelp (it cannot be written)."""
    now = datetime.now(UTC)
    view = sample(now, immediate=immediate, language=language)
    envelope = compose(rt, view, config, key=f"test-{uuid.uuid4().hex}", now=now)
    outcome = rt.channel(config).send(envelope, attempt=1, now=datetime.now(UTC))
    return Tried(config=config, envelope=envelope, outcome=outcome)


def sample(now: datetime, *, immediate: bool, language: Language) -> DigestView:
    """A made-up licensing deal with every kind of thing that a message shows, under titles that say it is a test."""
    text = "In this made-up story Example Bio grants Sample Pharma exclusive rights to EX-001 for 250 million dollars."
    marked = ("grants", "exclusive rights", "250 million dollars")
    title = "Test: Example Bio licenses EX-001 to Sample Pharma for 250 million dollars"
    facts = (
        Fact(name="licensor", kind=FactKind.PARTY, value="Example Bio"),
        Fact(name="licensee", kind=FactKind.PARTY, value="Sample Pharma"),
        Fact(name="asset", kind=FactKind.ASSET, value="EX-001"),
        Fact(name="exclusive", kind=FactKind.FLAG, value=True),
        Fact(name="total", kind=FactKind.MONEY, value=2.5e8, currency="USD", usd=2.5e8, rate_date=date(2026, 1, 2)),
    )
    source = Source(
        item_id=0, title=title, link="https://example.org/", feed="Test feed", published_at=now, language="en"
    )
    event = EventView(
        id=0,
        rule_id="test",
        rule_title="测试消息" if language is Language.CHINESE else "Test message",
        level=Level.LOW,
        status=RuleStatus.TEST,
        revision=1,
        title=title,
        facts={fact.name: fact for fact in facts},
        sources=(source,),
        snippets=(Snippet(text=text, marks=tuple((text.index(one), text.index(one) + len(one)) for one in marked)),),
        tags=("test",),
        created_at=now,
        updated_at=now,
    )
    return DigestView(
        key=f"test-{now:%Y%m%dT%H%M%S}",
        subscription_id=SUBSCRIPTION,
        subscription_title="测试" if language is Language.CHINESE else "Test",
        zone="UTC",
        window=Window(key=f"test-{now:%Y%m%dT%H%M%S}", closes_at=now),
        immediate=immediate,
        alerts=(AlertView(alert_id=0, reason="rule test", event=event),),
        language=language,
    )
