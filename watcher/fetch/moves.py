"""When a feed has moved for good: the same permanent answer, three times, over a day. Pure.

What the new URL does to rows is left to `watcher.store.feeds`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from watcher.errors import RefusedAddress
from watcher.fetch.spacing import is_private
from watcher.model import Feed, FetchOutcome, FetchResult, Move
from watcher.net.address import check_url

ANSWERS = 3
OVER = timedelta(hours=24)
_AS_A_FEED = frozenset({FetchOutcome.CHANGED, FetchOutcome.NOT_MODIFIED})


class MoveReason(StrEnum):
    """Why a feed's URL is rewritten, or not yet, or never."""

    STAYS = "stays"
    UNHEARD = "unheard"
    """No answer at all, which says nothing of a move."""
    TOO_EARLY = "too_early"
    SETTLED = "settled"
    NOT_A_FEED = "not_a_feed"
    NOT_PUBLIC = "not_public"
    NO_LONGER_ENCRYPTED = "no_longer_encrypted"
    SECRETS_STAY = "secrets_stay"
    """The feed's own headers would go to a host that nobody gave them to."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Following:
    reason: MoveReason
    move: Move | None = None
    """To remember until the next poll."""
    to: str | None = None
    """The URL that is polled from now on, once it is settled."""


def follow(feed: Feed, result: FetchResult, *, allow_private: Sequence[str], now: datetime) -> Following:
    """What the answer says of where the feed lives.

    A 304 counts like a body: the target answers so only to validators under which it has the very document that was
    parsed before. The validators stay after a move for the same reason, since the target gave them: dropping them would
    cost its publisher one more whole document.
    """
    if result.status is None:
        return Following(reason=MoveReason.UNHEARD, move=feed.move)
    target = result.permanent_url
    if target is None or target == feed.url:
        return Following(reason=MoveReason.STAYS)
    refused = _refused(feed, result, target, allow_private)
    if refused is not None:
        return Following(reason=refused)
    known = feed.move if feed.move and feed.move.url == target else Move(url=target, count=0, since=now)
    move = Move(url=target, count=known.count + 1, since=known.since)
    if move.count < ANSWERS or now - move.since < OVER:
        return Following(reason=MoveReason.TOO_EARLY, move=move)
    return Following(reason=MoveReason.SETTLED, to=target)


def _refused(feed: Feed, result: FetchResult, target: str, allow_private: Sequence[str]) -> MoveReason | None:
    if result.outcome not in _AS_A_FEED:
        return MoveReason.NOT_A_FEED
    try:
        there = check_url(target, allow_private=allow_private)
        here = check_url(feed.url, allow_private=allow_private)
    except RefusedAddress:
        return MoveReason.NOT_PUBLIC
    # an intranet's feed may move within the intranet; a public one may not move into it
    if is_private(target, allow_private) and not is_private(feed.url, allow_private):
        return MoveReason.NOT_PUBLIC
    if here.scheme == "https" and there.scheme == "http":
        return MoveReason.NO_LONGER_ENCRYPTED
    if feed.headers and here.host != there.host:
        return MoveReason.SECRETS_STAY
    return None
