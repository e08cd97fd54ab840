"""Digests that never happened, one of each kind: what templates of one's own are tried on before they are used."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime

from watcher.model import (
    AlertLinks,
    AlertView,
    Change,
    ChangeWhy,
    Coverage,
    DigestLinks,
    DigestView,
    EventView,
    Fact,
    FactKind,
    Language,
    Level,
    Notice,
    RuleStatus,
    Snippet,
    Source,
    Window,
)

_AT = datetime(2026, 3, 2, 7, 0, tzinfo=UTC)
_SITE = "https://watcher.example"


def _source(feed: str, title: str, language: str, *, link: bool = True) -> Source:
    address = f"{_SITE}/news/{feed.lower()}" if link else None
    return Source(
        item_id=1, title=title, link=address, feed=feed, published_at=_AT if link else None, language=language
    )


def _deal() -> EventView:
    title = "Exampla licenses its antibody EX-101 to Northwind Pharma"
    amount = Fact(name="total", kind=FactKind.MONEY, value=8.1e8, currency="EUR", usd=8.7e8, rate_date=date(2026, 3, 2))
    facts = (
        Fact(name="licensor", kind=FactKind.PARTY, value="Exampla"),
        Fact(name="licensee", kind=FactKind.PARTY, value="Northwind Pharma"),
        Fact(name="asset", kind=FactKind.ASSET, value="EX-101"),
        amount,
        Fact(name="exclusive", kind=FactKind.FLAG, value=True),
        Fact(name="territory", kind=FactKind.TEXT, value="global"),
    )
    return EventView(
        id=1,
        rule_id="licensing-deal",
        rule_title="Licensing deal",
        level=Level.HIGH,
        status=RuleStatus.STABLE,
        revision=1,
        title=title,
        facts={fact.name: fact for fact in facts},
        sources=tuple(
            _source(feed, title, "en") for feed in ("Wire", "Gazette", "Bulletin", "Herald", "Post", "Times", "Sun")
        ),
        snippets=(Snippet(text="Exampla granted Northwind Pharma the exclusive right to EX-101.", marks=((8, 15),)),),
        tags=("biotech",),
        created_at=_AT,
        updated_at=_AT,
    )


def _bare() -> EventView:
    """An event of which next to nothing is known, and whose title would break what takes it for markup."""
    title = "</td><script>\"{{ 7 }}' & " + "ا" * 90
    source = _source("", title, "ar", link=False)
    return replace(
        _deal(),
        id=2,
        rule_id="odd",
        rule_title="",
        level=Level.LOW,
        title=title,
        facts={},
        sources=(source,),
        snippets=(),
    )


def _alert(event: EventView, *changes: Change) -> AlertView:
    links = AlertLinks(event=f"{_SITE}/e/x", useful=f"{_SITE}/v/x", not_useful=f"{_SITE}/v/y", mute=f"{_SITE}/m/x")
    return AlertView(
        alert_id=event.id,
        reason="rule licensing-deal",
        event=event,
        update=bool(changes),
        changes=changes,
        links=links,
    )


def samples() -> tuple[DigestView, ...]:
    """A full digest in each language, one event and an update of it, an empty day, a notice, a letter, and no links."""
    change = Change(fact="total", before="700M EUR", after="810M EUR", why=ChangeWhy.CORRECTED)
    updated = _alert(replace(_deal(), revision=2), change)
    full = DigestView(
        key="sample",
        subscription_id="sample",
        subscription_title="Biotech deals",
        zone="Europe/Berlin",
        window=Window(key="2026-03-02", closes_at=_AT),
        immediate=False,
        alerts=(updated, _alert(_deal()), _alert(_bare())),
        coverage=Coverage(feeds_total=9, feeds_checked=8, failing=("Bulletin",), silent=("Herald",)),
        notes=("This digest covers 2 days.",),
        left_out=("event 7 could not be written",),
        public_url=_SITE,
        links=DigestLinks(
            browser=f"{_SITE}/d/x", preferences=f"{_SITE}/p/x", unsubscribe=f"{_SITE}/u/x", feed=f"{_SITE}/f/x"
        ),
    )
    told = replace(full, alerts=(), left_out=(), notice=Notice(subject="A feed fails", lines=("Bulletin: http 503",)))
    letter = Notice(subject="Confirm", lines=("One step is left.",), action="Confirm", action_url=f"{_SITE}/c/x")
    bare = replace(full, alerts=(AlertView(alert_id=3, reason="", event=_bare()),), coverage=None, left_out=())
    return (
        full,
        replace(full, language=Language.CHINESE),
        replace(full, immediate=True, alerts=(updated,)),
        replace(full, alerts=(), left_out=()),
        told,
        replace(told, notice=letter),
        replace(bare, public_url=None, links=DigestLinks()),
    )
