"""What follows from a bounce, a complaint or an unsubscribing mail: the rows that keep the next message back."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from watcher import log
from watcher.deliver import bounce
from watcher.deliver.bounce import Report, Said
from watcher.model import ChannelConfig, Notice, Outcome
from watcher.pipeline import reader
from watcher.runtime import Runtime
from watcher.store import Connection, digests, suppressions
from watcher.store.suppressions import Addressee

_log = log.get("pipeline")


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    """What was done about a mail that came back."""

    report: Report
    channel_id: str | None = None
    suppressed: bool = False
    """Whether this one made us stop."""


def refused(conn: Connection, config: ChannelConfig, outcome: Outcome, now: datetime) -> None:
    """Count an attempt against its address when that is what the server refused; `ops:` hear when it is the last."""
    hard = bounce.is_hard(outcome)
    if hard is None or config.to is None:
        return
    if suppressions.record(conn, config.to, hard=hard, reason=outcome.reason, now=now):
        _tell(conn, config.id, outcome.reason, now)


def ingest(rt: Runtime, raw: bytes, recipients: Sequence[str] = ()) -> Taken:
    """Read one mail that came to a return path and act on it, once for each delivery. Raises TryAgain (database)."""
    report = bounce.read(raw, recipients=recipients, secret=rt.signing_key())
    now = rt.clock()
    if report.delivery_key is None:
        _log.info("a mail that says nothing of ours", said=report.said.value, reason=report.reason)
        return Taken(report=report)
    with rt.database.write() as conn:
        to = suppressions.addressee(conn, report.delivery_key)
        stopped = to is not None and _act(conn, report, to, now)
    _log.info("a mail came back", delivery=to and to.delivery_id, said=report.said.value, reason=report.reason)
    return Taken(report=report, channel_id=to.channel_id if to else None, suppressed=stopped)


def _act(conn: Connection, report: Report, to: Addressee, now: datetime) -> bool:
    if report.said is Said.UNSUBSCRIBE:
        return reader.end_in(conn, to.subscription_id, to.channel_id, by=reader.By.MAIL, now=now)
    if report.said not in (Said.HARD, Said.REFUSED, Said.COMPLAINT, Said.POLICY, Said.MESSAGE):
        return False
    if to.bounced and report.said is not Said.COMPLAINT:
        return False
    suppressions.came_back(conn, to.delivery_id, reason=report.reason)
    if report.said is Said.POLICY:
        lines = (
            f"A receiver refuses what we send, with {report.reason}: see SPF, DKIM, DMARC and the sender's reputation.",
            f"`watcher deliveries show {to.delivery_id}` shows the message. Its reader is still sent to.",
        )
        key = f"policy:{to.channel_id}:{now:%Y-%m-%d}"
        digests.add_notice(conn, key, Notice(subject="Mail of ours is refused", lines=lines), now=now)
    if report.said in (Said.POLICY, Said.MESSAGE):
        return False
    hard = report.said is not Said.REFUSED
    stops = suppressions.record(conn, to.address, hard=hard, reason=report.reason, now=now)
    if stops:
        _tell(conn, to.channel_id, report.reason, now)
    return stops


def _tell(conn: Connection, channel_id: str, reason: str, now: datetime) -> None:
    """By the channel's name: an address is nobody's business in a chat room."""
    lines = (
        f"The address of {channel_id} takes or wants nothing more ({reason}); its messages are withheld.",
        "`watcher bounces list` shows it, `watcher bounces forgive ADDRESS` sends to it again.",
    )
    key = f"suppressed:{channel_id}:{now:%Y-%m-%dT%H}"
    digests.add_notice(conn, key, Notice(subject=f"Mail to {channel_id} has stopped", lines=lines), now=now)
