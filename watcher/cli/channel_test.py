"""`watcher channels test` and `watcher channels schema`: a sample through a real channel, and what webhooks receive.

A test leaves no row: it is no delivery that anybody waits for, and must not count for or against the channel.
"""

from __future__ import annotations

import json
import uuid
from datetime import UTC, date, datetime

import typer

from watcher import config as config_file
from watcher.cli.session import Json, opened
from watcher.deliver.webhook_schema import schema as webhook_schema
from watcher.errors import CannotHelp
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
from watcher.store import channels

SUBSCRIPTION = "watcher-test"
"""By this a webhook's receiver knows a test; no subscription in watcher.yml sends it."""
_SAID = {
    OutcomeKind.SENT: "sent",
    OutcomeKind.RETRY: "not sent, trying again can help",
    OutcomeKind.REJECTED: "refused",
    OutcomeKind.CHANNEL_DOWN: "the channel cannot be used",
    OutcomeKind.UNCERTAIN: "it may have arrived, the answer was lost",
}
Digest = typer.Option(False, "--digest", help="Send a daily digest with the sample event, not an alert.")
Chinese = typer.Option(False, "--chinese", help="Send it in Chinese.")


def register(app: typer.Typer) -> None:
    """Add both commands to `watcher channels`."""
    app.command("test")(test)
    app.command("schema")(schema)


def schema() -> None:
    """The JSON Schema of what a webhook receives."""
    typer.echo(json.dumps(webhook_schema(), indent=2, ensure_ascii=False))


def test(channel: str, digest: bool = Digest, chinese: bool = Chinese, as_json: bool = Json) -> None:
    """Send a sample event, marked as a test, through a channel; nothing is stored. Ends with status 1 unless sent."""
    with opened() as rt:
        config = _described(rt, channel)
        now = datetime.now(UTC)
        language = Language.CHINESE if chinese else Language.ENGLISH
        view = sample(now, immediate=not digest, language=language)
        envelope = compose(rt, view, config, key=f"test-{uuid.uuid4().hex}", now=now)
        outcome = rt.channel(config).send(envelope, attempt=1, now=datetime.now(UTC))
    _tell(config, envelope, outcome, as_json=as_json)
    if outcome.kind is not OutcomeKind.SENT:
        raise typer.Exit(1)


def _tell(config: ChannelConfig, envelope: Envelope, outcome: Outcome, *, as_json: bool) -> None:
    if not as_json:
        why = f": {outcome.detail}" if outcome.detail else ""
        typer.echo(f"{config.id} ({config.kind.value}): {_SAID[outcome.kind]} ({outcome.reason}){why}")
        return
    told = {
        "channel": config.id,
        "kind": config.kind.value,
        "outcome": outcome.kind.value,
        "reason": outcome.reason,
        "detail": outcome.detail,
        "id": envelope.message_id,
        "bytes": len(envelope.body),
    }
    typer.echo(json.dumps(told, ensure_ascii=False))


def _described(rt: Runtime, name: str) -> ChannelConfig:
    """The channel as watcher.yml describes it now, loaded or not; else one that a sign-up made."""
    path = rt.settings.config_path
    known = list(config_file.load(path).channels) if path.is_file() else []
    with rt.database.read() as conn:
        known += channels.configs(conn, [name])
    found = next((one for one in known if one.id == name), None)
    if found is None:
        raise CannotHelp(f"no channel is called {name!r}: see `watcher channels list`")
    return found


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
