"""A host name to its addresses, within a deadline; checking them is `watcher.net.address`'s duty."""

from __future__ import annotations

import queue
import socket
import threading
from collections.abc import Callable
from ipaddress import ip_address

from watcher.net.faults import Unreachable

Resolver = Callable[[str, int, float], tuple[str, ...]]
"""(host, port, timeout in seconds) → literal addresses in the order to try; raises Unreachable."""


def _look_up(host: str, port: int, answer: queue.SimpleQueue[tuple[str, ...] | OSError | UnicodeError]) -> None:
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        answer.put(tuple(dict.fromkeys(str(entry[4][0]) for entry in found)))
    except (OSError, UnicodeError) as error:
        answer.put(error)


def resolve(host: str, port: int, timeout_s: float) -> tuple[str, ...]:
    """All addresses of `host`, each once, in the system's order of preference.

    The system's resolver has no deadline of its own, so it runs in a thread that is left behind when it is late.
    Raises Unreachable with reason `dns` or `timeout`.
    """
    try:
        return (str(ip_address(host)),)
    except ValueError:
        pass
    answer: queue.SimpleQueue[tuple[str, ...] | OSError | UnicodeError] = queue.SimpleQueue()
    threading.Thread(target=_look_up, args=(host, port, answer), daemon=True, name="resolve").start()
    try:
        found = answer.get(timeout=max(timeout_s, 0.01))
    except queue.Empty:
        raise Unreachable("timeout", f"resolving {host} took too long") from None
    if isinstance(found, Exception):
        raise Unreachable("dns", f"{host} does not resolve")
    if not found:
        raise Unreachable("dns", f"{host} has no address")
    return found
