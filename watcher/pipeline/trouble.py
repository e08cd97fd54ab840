"""What `ops:` hear of deliveries: a channel that is gone or does not work, and messages that were given up; each once.

What is wrong with a channel is said once for each time that it goes wrong, not once for each message.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta

from watcher.deliver.answer import gone_for_good
from watcher.deliver.breaker import Breaker
from watcher.model import Delivery, DeliveryState, Notice, Outcome, OutcomeKind
from watcher.store import Connection, channels, digests

FAILING_FOR = timedelta(hours=1)
"""How long a channel may fail before `ops:` hear of it: most receivers are back before."""


def tell(conn: Connection, delivery: Delivery, outcome: Outcome, state: DeliveryState, now: datetime) -> None:
    """Disable a channel that is gone, and tell of it, of one that does not work, and of a message that was parked."""
    name = delivery.channel.id
    if gone_for_good(delivery.channel.kind, outcome):
        said = outcome.detail or outcome.reason
        if channels.disable(conn, name, reason=f"the receiver answered {outcome.reason.removeprefix('http_')}"):
            lines = (
                f"{name} answered {outcome.reason.removeprefix('http_')}: {said}. What is addressed to it waits.",
                f"Change or remove it in watcher.yml, or `watcher channels enable {name}`.",
            )
            _tell(conn, f"channel:{name}:{delivery.id}", f"Channel {name} was disabled", lines, now)
    elif outcome.kind is OutcomeKind.CHANNEL_DOWN and state is DeliveryState.PENDING:
        why = (f"{outcome.reason}: {outcome.detail}", "What is addressed to it waits; a change in watcher.yml,")
        cure = f"`watcher channels enable {name}` or `watcher deliveries retry {delivery.id}` tries at once."
        _tell(conn, f"down:{name}:{outcome.reason}:{now:%Y-%m-%d}", f"Channel {name} does not work", (*why, cure), now)
    elif state is DeliveryState.PARKED:
        happened = f"Delivery {delivery.id}: {outcome.reason}. {outcome.detail}"
        lines = (happened, f"`watcher deliveries retry {delivery.id}` sends it again.")
        _tell(conn, f"parked:{name}:{now:%Y-%m-%d}", f"A message to {name} was parked", lines, now)


def tell_failing(conn: Connection, name: str, breaker: Breaker, now: datetime) -> None:
    """Tell of a channel that has failed for an hour, once for each time that it fails."""
    since = breaker.failing_since
    if since is None or breaker.open_until is None or now - since < FAILING_FOR:
        return
    lines = (
        f"{breaker.failures} failures in a row since {since:%Y-%m-%d %H:%M} UTC, the last one {breaker.fault}.",
        "One message at a time tries whether it is back; then all that waits for it goes.",
    )
    _tell(conn, f"failing:{name}:{since:%Y-%m-%dT%H:%M:%S}", f"Channel {name} has failed for an hour", lines, now)


def tell_expired(conn: Connection, expired: Mapping[str, int], now: datetime) -> None:
    """Tell of messages that ran out of time while their channel was shut."""
    for name, count in expired.items():
        lines = (
            f"{count} waited for {name} until their time was up: `watcher channels list` says why it is shut.",
            f"`watcher deliveries retry --all --channel {name}` sends them after all.",
        )
        _tell(conn, f"expired:{name}:{now:%Y-%m-%d}", f"Messages to {name} were parked", lines, now)


def _tell(conn: Connection, key: str, subject: str, lines: tuple[str, ...], now: datetime) -> None:
    digests.add_notice(conn, key, Notice(subject=subject, lines=lines), now=now)
