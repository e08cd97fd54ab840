"""How often one token may ask: a bucket a token that fills by the minute, kept in this process's memory alone."""

from __future__ import annotations

import math
import threading
from dataclasses import dataclass, field

_MOST = 10_000


@dataclass(slots=True)
class Allowance:
    """Buckets by name. Several web processes have each its own: the bound is against a script that runs away."""

    _held: dict[str, tuple[float, float]] = field(default_factory=dict)
    """By name: how much was left, and when (seconds of a monotonic clock)."""
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def take(self, name: str, *, per_minute: int, now_s: float) -> float:
        """Seconds to wait before asking again; 0.0 when the call is within the bound, and is counted."""
        rate = per_minute / 60
        with self._lock:
            left, at = self._held.get(name, (float(per_minute), now_s))
            left = min(float(per_minute), left + max(0.0, now_s - at) * rate)
            if left < 1:
                return math.ceil((1 - left) / rate)
            if len(self._held) >= _MOST and name not in self._held:
                self._held.clear()
            self._held[name] = (left - 1, now_s)
        return 0.0
