"""May a URL be contacted? The guard's own checks as a verdict in words, without any connection.

`watcher.net.address` decides; resolving names is asked for apart.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from watcher.errors import RefusedAddress
from watcher.net.address import CheckedUrl, allowance, check_answers, check_url, is_local_name
from watcher.net.faults import Unreachable
from watcher.net.resolve import Resolver

_SHOWN = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What the guard says of one URL, as written."""

    url: str
    allowed: bool
    reason: str


def judge(
    url: str, *, allow_private: Iterable[str] = (), resolver: Resolver | None = None, timeout_s: float = 5.0
) -> Verdict:
    """Would the client contact `url`? With a `resolver` every address of its name is looked at too; never raises.

    Without one a name is judged by itself: its addresses are checked whenever it is contacted.
    """
    allow_private = tuple(allow_private)
    try:
        checked = check_url(url, allow_private=allow_private)
        reason = _why_allowed(checked, allow_private)
        if resolver is not None and checked.literal is None:
            answers = resolver(checked.host, checked.port, timeout_s)
            check_answers(checked.host, checked.port, answers, allow_private)
            more = f" and {len(answers) - _SHOWN} more" if len(answers) > _SHOWN else ""
            reason = f"resolves to {', '.join(answers[:_SHOWN])}{more}"
    except (RefusedAddress, Unreachable) as no:
        return Verdict(url=url, allowed=False, reason=str(no))
    return Verdict(url=url, allowed=True, reason=reason)


def _why_allowed(checked: CheckedUrl, allow_private: tuple[str, ...]) -> str:
    allowed = allowance(allow_private)
    if (checked.host, checked.port) in allowed.endpoints:
        return "allowed on purpose"
    if checked.literal is None:
        into = "must lead into an allowed network" if is_local_name(checked.host) else "are checked"
        return f"a name; its addresses {into} when it is contacted"
    return "in an allowed network" if allowed.covers(checked.literal) else "a public address"
