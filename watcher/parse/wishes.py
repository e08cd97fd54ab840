"""What a publisher writes into its feed about when to look again; obeying is `watcher.fetch.schedule`'s duty."""

from __future__ import annotations

import re
from typing import Any

from watcher.model import Wishes

_PERIODS_S = {"hourly": 3600, "daily": 86400, "weekly": 604800, "monthly": 2592000, "yearly": 31536000}
_TTL_MAX_S = 7 * 86400


def _string(holder: Any, name: str) -> str:
    value = dict.get(holder, name)
    return value.strip() if isinstance(value, str) else ""


def wishes_of(feed: Any) -> Wishes:
    """The wishes of a parsed feed element: `ttl` in minutes, and the syndication module's period."""
    minutes = _string(feed, "ttl")
    ttl_s = int(minutes) * 60 if re.fullmatch(r"[0-9]{1,7}", minutes) else 0
    period_s = _PERIODS_S.get(_string(feed, "sy_updateperiod").lower(), 0)
    frequency = _string(feed, "sy_updatefrequency") or "1"
    if not re.fullmatch(r"[1-9][0-9]{0,4}", frequency):
        period_s, frequency = 0, "1"
    return Wishes(ttl_s=min(ttl_s, _TTL_MAX_S) or None, period_s=min(period_s // int(frequency), _TTL_MAX_S) or None)
