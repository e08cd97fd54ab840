"""The amounts of an event in its reader's currency, at the rate of the news' day; leaves words to `wording`."""

from __future__ import annotations

import dataclasses
from datetime import date

from watcher.annotate import rates
from watcher.model import EventView, Fact, FactKind, Shown


def in_currency(event: EventView, currency: str | None) -> EventView:
    """Pure. The event with `shown` on each amount that is in another currency; without one they keep their dollars."""
    if currency is None or event.amount is None:
        return event
    facts = {name: _converted(fact, currency, event.updated_at.date()) for name, fact in event.facts.items()}
    return dataclasses.replace(event, facts=facts)


def _converted(fact: Fact, currency: str, otherwise: date) -> Fact:
    if fact.kind is not FactKind.MONEY or not isinstance(fact.value, int | float) or fact.currency in (None, currency):
        return fact
    on = fact.told_at.date() if fact.told_at else fact.rate_date or otherwise
    shown = _shown(fact.value, fact.high, str(fact.currency), currency, on)
    return dataclasses.replace(fact, shown=shown) if shown else fact


def _shown(value: float, high: float | None, of: str, to: str, on: date) -> Shown | None:
    """Both currencies by way of the dollar; the older of the two rates gives the day. None when one has no rate."""
    own, other = rates.rate(of, on), rates.rate(to, on)
    if own is None or other is None or not other.rate:
        return None
    worth = own.rate / other.rate
    known = [one for one, code in ((own, of), (other, to)) if code != "USD"] or [own]
    return Shown(
        value=value * worth,
        high=None if high is None else high * worth,
        currency=to,
        rate_date=min(one.rate_date for one in known),
        stale_days=max(one.stale_days for one in known),
    )
