"""How far apart a feed's items usually come. Pure; what follows from it is `watcher.fetch.schedule`'s duty."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from itertools import pairwise
from statistics import median

ITEMS = 30
"""How many of a feed's newest items its habit is read from."""
_TIMES_MIN = 3
_BURST = timedelta(minutes=1)


def _bursts(times: Sequence[datetime]) -> list[datetime]:
    """The first instant of each group that lasts less than a minute; `times` are in order."""
    starts: list[datetime] = []
    for when in times:
        if not starts or when - starts[-1] >= _BURST:
            starts.append(when)
    return starts


def habit_s(times: Sequence[datetime], *, now: datetime) -> float | None:
    """The usual gap in seconds between the items with these instants (published, else first seen), in any order.

    The median of the gaps between the newest thirty, so that a holiday or a busy day changes little. Items that come
    within a minute count as one, instants after `now` not at all, and the silence since the last item as one more gap
    when it is longer than the others usually are. None with fewer than three times left: two items show no habit.
    """
    known = sorted(when for when in times if when <= now)[-ITEMS:]
    starts = _bursts(known)
    if len(starts) < _TIMES_MIN:
        return None
    gaps = [(later - earlier).total_seconds() for earlier, later in pairwise(starts)]
    usual = median(gaps)
    silence = (now - known[-1]).total_seconds()
    return median([*gaps, silence]) if silence > usual else usual
