"""A server of feeds that behave in every way publishers do, under a clock that the drill moves; it writes down all."""

from __future__ import annotations

import gzip
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from email.utils import format_datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from polled import VirtualClock, rss

HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
RETRY_AFTER_MAX = timedelta(days=7)
Pair = tuple[str | None, str | None]
"""ETag and Last-Modified."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""
    keep: bool = True
    """A 200 whose validators are to be kept: it is a whole feed."""
    wait: timedelta | None = None
    """How long Retry-After asks to stay away."""
    hang_up: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Visit:
    feed: int
    kind: str
    at: datetime
    target: str
    headers: dict[str, list[str]]
    """Names in small letters."""
    known: Pair
    """What the feed had been given before, and should send."""
    said: Said
    hop: bool
    """It followed a redirect that answered the visit before."""

    @property
    def sent(self) -> Pair:
        first = {name: values[0] for name, values in self.headers.items()}
        return first.get("if-none-match"), first.get("if-modified-since")

    @property
    def given(self) -> Pair:
        return self.said.headers.get("ETag"), self.said.headers.get("Last-Modified")


@dataclass(frozen=True, slots=True, kw_only=True)
class Ask:
    """One request, as a behaviour sees it."""

    feed: int
    start: datetime
    now: datetime
    sent: Pair
    path: str

    @property
    def days(self) -> float:
        return (self.now - self.start) / DAY

    def document(self, version: int = 0, *, apart: timedelta = 30 * DAY, head: str = "") -> bytes:
        """Four items so far `apart` from before the start, and one more a version."""
        dates = [self.start - apart * number for number in range(1, 5)]
        dates += [self.start + timedelta(hours=36) * number for number in range(version)]
        return rss(*(f"feed {self.feed} item {number}" for number in range(len(dates))), head=head, dates=dates)

    def answer(self, body: bytes, etag: str | None = '"1"', modified: str | None = "Sun, 01 Feb 2026 08:00:00 GMT",
               **headers: str) -> Said:  # fmt: skip
        """The document, or 304 to its own validators (RFC 9110 section 13.2.2)."""
        validators = {"ETag": etag, "Last-Modified": modified}
        all_headers = {name: value for name, value in validators.items() if value is not None}
        all_headers |= {name.replace("_", "-"): value for name, value in headers.items()}
        same = self.sent[0] == etag if self.sent[0] is not None else self.sent[1] == modified
        if same and self.sent != (None, None):
            return Said(status=304, headers=all_headers)
        return Said(headers=all_headers, body=body)


def _fresh(ask: Ask) -> Said:
    version = int((ask.now - ask.start) / timedelta(hours=36))
    return ask.answer(ask.document(version, apart=2 * DAY), f'W/"{version}-gzip"')


def _new_etag_same_date(ask: Ask) -> Said:
    return ask.answer(ask.document(), f'"day {int(ask.days)}"')


def _loses_validators(ask: Ask) -> Said:
    if ask.days < 1:
        return ask.answer(ask.document())
    if ask.days < 4:
        return ask.answer(ask.document(), None)
    return ask.answer(ask.document(), None, None)


def _limited(ask: Ask) -> Said:
    if 6 <= ask.now.hour < 12:
        return Said(status=429, headers={"Retry-After": "18000", "ETag": '"no"'}, wait=5 * HOUR)
    return ask.answer(ask.document(apart=2 * DAY))


def _unavailable(ask: Ask) -> Said:
    """Its clock is two days behind, and Retry-After a date by that clock."""
    wrong = ask.now - 2 * DAY
    date = format_datetime(wrong, usegmt=True)
    if ask.days % 2 > 1:
        back = format_datetime(wrong + 9 * HOUR, usegmt=True)
        return Said(status=503, headers={"Retry-After": back, "Date": date}, wait=9 * HOUR)
    return ask.answer(ask.document(apart=2 * DAY), Date=date)


def _wants_years(ask: Ask) -> Said:
    return Said(status=429, headers={"Retry-After": "1000000000"}, wait=RETRY_AFTER_MAX)


def _redirects(status: int) -> Callable[[Ask], Said]:
    def answer(ask: Ask) -> Said:
        if ask.path.startswith("/f/"):
            where = {"Location": f"/moved/{ask.feed}", "Set-Cookie": "visitor=1; Path=/", "ETag": '"redirect"'}
            return Said(status=status, headers=where)
        return ask.answer(ask.document(), Set_Cookie="visitor=2; Path=/")

    return answer


def _between(first: float, last: float, then: Said) -> Callable[[Ask], Said]:
    """A good feed but on those days."""
    return lambda ask: then if first <= ask.days < last else ask.answer(ask.document())


def _plain(head: str = "", **headers: str) -> Callable[[Ask], Said]:
    return lambda ask: ask.answer(ask.document(apart=2 * DAY, head=head), **headers)


_WRONG = {"ETag": '"wrong"', "Last-Modified": "Mon, 02 Feb 2026 08:00:00 GMT"}
_NIGHT = "<skipHours>" + "".join(f"<hour>{hour}</hour>" for hour in range(8)) + "</skipHours>"
KINDS: dict[str, Callable[[Ask], Said]] = {
    "monthly": lambda ask: ask.answer(ask.document()),
    "weekly": lambda ask: ask.answer(ask.document(apart=7 * DAY)),
    "fresh": _fresh,
    "odd etag only": lambda ask: ask.answer(ask.document(), 'W/"a, b;br"', None),
    "odd date only": lambda ask: ask.answer(ask.document(), None, "Sun, 1 Feb 2026 8:00:00 gmt"),
    "new etag, same date": _new_etag_same_date,
    "bare": lambda ask: ask.answer(ask.document(), None, None),
    "loses validators": _loses_validators,
    "limited": _limited,
    "limited without a word": _between(1, 9, Said(status=429)),
    "wants years": _wants_years,
    "unavailable": _unavailable,
    "unavailable, garbage": _between(1, 3, Said(status=503, headers={"Retry-After": "-60"})),
    "fails at first": _between(0, 2, Said(status=500, headers=_WRONG)),
    "missing": lambda _ask: Said(status=404),
    "forbidden": lambda _ask: Said(status=403),
    "gone": _between(2, 9, Said(status=410)),
    "fresh for six hours": _plain(Cache_Control="public, max-age=21600"),
    "expired at once": _plain(Cache_Control="no-cache, no-store", Expires="0"),
    "ttl": _plain("<ttl>600</ttl>"),
    "skips the night": _plain(_NIGHT),
    "skips weekends": _plain("<skipDays><day>Saturday</day><day>Sunday</day></skipDays>"),
    "redirects": _redirects(302),
    "has moved": _redirects(301),
    "a page": _between(2, 4, Said(headers=_WRONG, body=b"<html><body>Log in</body></html>", keep=False)),
    "cut": _between(2, 4, Said(headers=_WRONG | {"Content-Length": "99999"}, body=rss("cut"), keep=False)),
    "cut inside": _between(2, 4, Said(headers=_WRONG, body=rss("one", "two")[:-35], keep=False)),
    "empty": _between(2, 4, Said(headers=_WRONG, keep=False)),
    "hangs up": _between(2, 4, Said(hang_up=True, keep=False)),
    "always 304": lambda _ask: Said(status=304),
    "gzip": lambda ask: ask.answer(gzip.compress(ask.document()), '"1-gzip"', Content_Encoding="gzip"),
}
"""Behaviours by name; feed n has the n-th, again from the first."""


class TortureServer:
    """Feed n lives at `/f/n`; `visits` is everything that came, oldest first."""

    def __init__(self, clock: VirtualClock) -> None:
        self.clock = clock
        self.start_at = clock()
        self.visits: list[Visit] = []
        self.most_at_once = 0
        """Of requests for one feed."""
        self.strange: list[str] = []
        """Paths that nobody was told of."""
        self._known: dict[int, Pair] = {}
        self._under_way: dict[int, int] = {}
        self._hops: set[int] = set()
        self._lock = threading.Lock()
        self._server = _Server(("127.0.0.1", 0), _Exchange)
        self._server.torture = self
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), name="torture", daemon=True)
        self._thread.start()

    def url(self, feed: int) -> str:
        return f"http://127.0.0.1:{self._server.server_port}/f/{feed}"

    def stop(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(10)

    def arrive(self, target: str, headers: dict[str, list[str]]) -> tuple[int, Said] | None:
        """Judge a request and write it down; None for a path that is no feed."""
        _, folder, name = (*target.split("/", 2), "", "")[:3]
        if folder not in ("f", "moved") or not name.isdigit():
            self.strange.append(target)
            return None
        feed, now = int(name), self.clock()
        kind = list(KINDS)[feed % len(KINDS)]
        with self._lock:
            self._under_way[feed] = self._under_way.get(feed, 0) + 1
            self.most_at_once = max(self.most_at_once, self._under_way[feed])
            known = self._known.get(feed, (None, None))
            sent = (headers.get("if-none-match", [None])[0], headers.get("if-modified-since", [None])[0])
            said = KINDS[kind](Ask(feed=feed, start=self.start_at, now=now, sent=sent, path=target))
            visit = Visit(
                feed=feed, kind=kind, at=now, target=target, headers=headers, known=known, said=said,
                hop=folder == "moved" and feed in self._hops,
            )  # fmt: skip
            self._hops.discard(feed)
            if said.status in (301, 302):
                self._hops.add(feed)
            self._known[feed] = self._after(visit)
            self.visits.append(visit)
        return feed, said

    def leave(self, feed: int) -> None:
        with self._lock:
            self._under_way[feed] -= 1

    @staticmethod
    def _after(visit: Visit) -> Pair:
        """What a careful client knows after that answer (RFC 9111 section 4.3.4)."""
        if visit.said.status == 200 and visit.said.keep:
            return visit.given
        if visit.said.status == 304 and visit.sent != (None, None):
            return visit.given[0] or visit.known[0], visit.given[1] or visit.known[1]
        return visit.known


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128
    torture: TortureServer


class _Exchange(BaseHTTPRequestHandler):
    server: _Server
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        headers: dict[str, list[str]] = {}
        for name, value in self.headers.items():
            headers.setdefault(name.lower(), []).append(value)
        arrived = self.server.torture.arrive(self.path, headers)
        if arrived is None:
            self.send_error(404)
            return
        feed, said = arrived
        self.close_connection = True
        # before the last byte: the client may be back before this thread runs again
        self.server.torture.leave(feed)
        if not said.hang_up:
            self._write(said)

    def _write(self, said: Said) -> None:
        self.send_response_only(said.status)
        if said.status not in (204, 304):
            self.send_header("Content-Length", said.headers.get("Content-Length", str(len(said.body))))
        for name, value in said.headers.items():
            if name != "Content-Length":
                self.send_header(name, value)
        self.end_headers()
        if said.status not in (204, 304):
            self.wfile.write(said.body)

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing; `visits` has it all."""
