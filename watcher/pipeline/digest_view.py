"""Rows to the view that a digest is written from: alerts, what changed, links, titles; decides nothing."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence

from watcher.digest.build import build
from watcher.errors import Mistakes
from watcher.model import AlertView, DigestLinks, DigestView, EventView, Language, SubscriptionConfig
from watcher.runtime import Runtime
from watcher.signing import Links
from watcher.store import Connection, digests, events, feeds, overview, subscriptions
from watcher.story.merge import since

Titles = Mapping[str, str]
"""The titles of rules in the reader's language, by rule; none for a rule that does not say."""


def rule_titles(rt: Runtime, language: Language) -> Titles:
    """Those of the rules in force; none in English, as the events have them, nor while no rule can be read."""
    if language is Language.ENGLISH:
        return {}
    try:
        rules = rt.rules.engine().rule_set.rules
    except Mistakes:
        return {}
    return {rule.id: rule.titles[language] for rule in rules if language in rule.titles}


def digest_view(
    conn: Connection,
    digest: digests.ClaimedDigest,
    subscription: SubscriptionConfig,
    told: Sequence[digests.AlertRow],
    signer: Links,
    titles: Titles,
) -> DigestView:
    """What the digest tells: the same view, links included, whenever it is made from the same rows."""
    ids = [alert.event_id for alert in told]
    views = events.views(conn, ids)
    before = digests.told_before(conn, subscription.id, ids, digest.id)
    alerts = [_alert_view(alert, views[alert.event_id], before.get(alert.event_id)) for alert in told]
    ours = subscription.id == subscriptions.OPS
    return build(
        key=digest.key,
        subscription=subscription,
        window=digest.window,
        immediate=digest.immediate,
        alerts=[_for_reader(alert, subscription, signer, titles) for alert in alerts],
        coverage=feeds.coverage(conn),
        notice=digest.notice,
        public_url=overview.remembered(conn, "public_url"),
        links=DigestLinks() if ours else signer.of_digest(digest.id, subscription.id),
        periods=digest.periods,
    )


def _alert_view(alert: digests.AlertRow, event: EventView, told: int | None) -> AlertView:
    """One entry; `told` is the newest revision that the reader has heard of, if any."""
    news = [one for one in event.revisions if told is not None and one.number > told]
    return AlertView(
        alert_id=alert.id,
        reason=alert.reason,
        event=event,
        update=told is not None and told < alert.revision,
        changes=since([change for one in news for change in one.changes]),
    )


def _for_reader(alert: AlertView, subscription: SubscriptionConfig, signer: Links, titles: Titles) -> AlertView:
    """The entry with its links, and its rule called as in the reader's language where the rule says how."""
    event = alert.event
    title = titles.get(event.rule_id)
    return dataclasses.replace(
        alert,
        event=dataclasses.replace(event, rule_title=title) if title else event,
        links=signer.of_alert(event.id, subscription.id),
    )
