from datetime import UTC, datetime, timedelta

from event_factories import NOON, alert, event, exploring, funding, money, partnership

from watcher.digest.build import build, newest
from watcher.model import Coverage, Level, Schedule, SubscriptionConfig, Window

SUBSCRIPTION = SubscriptionConfig(
    id="china", title="China biotech", channels=("mail",), schedule=Schedule(zone="Asia/Shanghai")
)
WINDOW = Window(key="2026-11-22", closes_at=datetime(2026, 11, 22, tzinfo=UTC))


def built(*alerts):
    return build(key="k", subscription=SUBSCRIPTION, window=WINDOW, immediate=False, alerts=alerts)


def deal(number: int, usd: float | None, **changes):
    facts = {} if usd is None else {"total": money("total", usd, "USD", usd)}
    return alert(event(id=number, facts=facts, **changes))


def test_a_digest_carries_what_it_is_given():
    coverage = Coverage(feeds_total=3, feeds_checked=2, failing=("x",))
    view = build(
        key="dg_1",
        subscription=SUBSCRIPTION,
        window=WINDOW,
        immediate=True,
        alerts=[alert()],
        coverage=coverage,
        left_out=("one",),
        public_url="https://w.example",
    )
    assert (view.key, view.subscription_id, view.subscription_title) == ("dg_1", "china", "China biotech")
    assert (view.zone, view.window, view.immediate) == ("Asia/Shanghai", WINDOW, True)
    assert (view.coverage, view.left_out, view.public_url) == (coverage, ("one",), "https://w.example")


def test_entries_are_ordered_by_weight_then_dollars_then_newness():
    view = built(
        deal(1, None, level=Level.HIGH),
        deal(2, 9e9, level=Level.LOW),
        deal(3, 5e6, level=Level.HIGH),
        deal(4, 7e6, level=Level.HIGH),
        deal(5, 5e6, level=Level.HIGH, updated_at=NOON + timedelta(hours=1)),
    )
    assert [one.event.id for one in view.alerts] == [4, 5, 3, 1, 2]


def test_a_rule_stays_together_and_the_weightiest_rule_leads():
    view = built(alert(exploring()), alert(funding()), alert(partnership(level=Level.LOW)), deal(9, 2e9), deal(10, 1e6))
    assert [(one.event.rule_id, one.event.id) for one in view.alerts] == [
        ("licensing-deal", 9),
        ("licensing-deal", 10),
        ("funding", 4),
        ("city-partnership", 2),
        ("city-partnership", 3),
    ]


def test_the_order_does_not_depend_on_the_order_given():
    alerts = [deal(number, 1e6) for number in range(1, 9)]
    assert built(*alerts).alerts == built(*reversed(alerts)).alerts


def test_an_event_appears_once_in_its_newest_revision():
    first, second = alert(event(revision=1), alert_id=10), alert(event(revision=2), alert_id=11, update=True)
    (one,) = newest([second, first])
    assert (one.alert_id, one.event.revision) == (11, 2)
    # Both fall into this digest, so its reader was never told before.
    assert one.update is False


def test_an_event_told_in_an_earlier_digest_is_an_update():
    (one,) = newest([alert(event(revision=2), update=True), alert(event(revision=3), alert_id=12, update=True)])
    assert (one.event.revision, one.update) == (3, True)


def test_no_alerts_make_an_empty_digest():
    assert built().alerts == ()
