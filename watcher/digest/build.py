"""The alerts of one window as one `DigestView`, in the order to show; leaves words and sizes to those who render it."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable

from watcher import wording
from watcher.digest.currency import in_currency
from watcher.digest.notes import notes
from watcher.model import (
    AlertView,
    Coverage,
    DigestLinks,
    DigestView,
    Level,
    Notice,
    SubscriptionConfig,
    Window,
)

_WEIGHT = {Level.HIGH: 2, Level.MEDIUM: 1, Level.LOW: 0}


def build(
    *,
    key: str,
    subscription: SubscriptionConfig,
    window: Window,
    immediate: bool,
    alerts: Iterable[AlertView],
    coverage: Coverage | None = None,
    notice: Notice | None = None,
    left_out: tuple[str, ...] = (),
    public_url: str | None = None,
    links: DigestLinks | None = None,
    periods: int = 1,
) -> DigestView:
    """Pure. One entry per event, its newest revision; groups of a rule together, the weightiest group first.

    Amounts are shown in the subscription's currency too. `periods`: how many of its schedule the digest covers.
    """
    entries = tuple(_for_reader(alert, subscription) for alert in in_order(newest(alerts)))
    return DigestView(
        key=key,
        subscription_id=subscription.id,
        subscription_title=subscription.title,
        zone=subscription.schedule.zone,
        window=window,
        immediate=immediate,
        alerts=entries,
        coverage=coverage,
        notice=notice,
        left_out=left_out,
        notes=notes(subscription, window, events=len(entries), periods=periods),
        public_url=public_url,
        links=links or DigestLinks(),
        language=subscription.language,
        currency=subscription.currency,
    )


def _for_reader(alert: AlertView, subscription: SubscriptionConfig) -> AlertView:
    if subscription.currency is None:
        return alert
    return dataclasses.replace(alert, event=in_currency(alert.event, subscription.currency))


def newest(alerts: Iterable[AlertView]) -> tuple[AlertView, ...]:
    """One alert per event: the newest revision. It is an update only if the reader was told before this digest."""
    by_event: dict[int, list[AlertView]] = {}
    for alert in alerts:
        by_event.setdefault(alert.event.id, []).append(alert)
    return tuple(_one(group) for group in by_event.values())


def _one(group: list[AlertView]) -> AlertView:
    last = max(group, key=lambda alert: (alert.event.revision, alert.alert_id))
    return dataclasses.replace(last, update=all(alert.update for alert in group))


def _rank(alert: AlertView) -> tuple[int, float, float, int]:
    """Smaller comes first: by weight, dollars, newness, and the id so that the order never depends on chance."""
    event = alert.event
    dollars = (wording.amount_usd(event.amount) if event.amount else None) or 0.0
    return (-_WEIGHT[event.level], -dollars, -event.updated_at.timestamp(), event.id)


def in_order(alerts: Iterable[AlertView]) -> tuple[AlertView, ...]:
    """Sorted within each rule, and the rules by their first entry."""
    ranked = sorted(alerts, key=_rank)
    groups = list(dict.fromkeys(alert.event.rule_id for alert in ranked))
    return tuple(alert for rule_id in groups for alert in ranked if alert.event.rule_id == rule_id)
