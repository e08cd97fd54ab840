"""A subscription's thresholds in dollars, once, where it is written: events are then compared without any rate."""

from __future__ import annotations

import dataclasses
from datetime import datetime

from watcher.annotate.money import parse_threshold
from watcher.annotate.rates import to_usd
from watcher.errors import CannotHelp
from watcher.model import SubscriptionConfig


def with_dollars(subscription: SubscriptionConfig, now: datetime) -> SubscriptionConfig:
    """The subscription with its thresholds in dollars, at the rate of today."""
    least = _dollars(subscription.id, subscription.at_least, now)
    params = {
        rule_id: dataclasses.replace(one, at_least_usd=_dollars(subscription.id, one.at_least, now))
        for rule_id, one in subscription.params.items()
    }
    return dataclasses.replace(subscription, at_least_usd=least, params=params)


def _dollars(subscription_id: str, threshold: str | None, now: datetime) -> float | None:
    if threshold is None:
        return None
    try:
        value, currency = parse_threshold(threshold)
        converted = to_usd(value, currency, now.date())
    except ValueError:
        converted = None
    if converted is None:
        raise CannotHelp(f"subscription {subscription_id}: no exchange rate is known for {threshold!r}")
    return converted.usd
