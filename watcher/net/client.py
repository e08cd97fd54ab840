"""The one HTTP client of this program: guarded addresses, one deadline, bounded bodies, no cookies, no proxies.

What a status means is left to those who asked (`watcher.fetch`, `watcher.deliver`).
"""

from __future__ import annotations

import re
import ssl
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from types import TracebackType
from urllib.parse import urljoin

import certifi
import h11
import httpx

from watcher.errors import RefusedAddress
from watcher.net.address import URL_CHARACTERS, CheckedUrl, allowance, check_url
from watcher.net.body import read_body
from watcher.net.exchange import ENCODING, TARGET, Transport
from watcher.net.faults import BadAnswer, BadRequest, Unreachable
from watcher.net.resolve import Resolver, resolve
from watcher.net.wire_guard import GuardedBackend, Progress

USER_AGENT = "biotech-watcher/0.1 (feed reader; contact not set)"
MAX_REDIRECTS = 5
GET_BYTES = 10 * 1024 * 1024
POST_BYTES = 64 * 1024
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_PERMANENT = frozenset({301, 308})
_CONTROL = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")
_KEPT_ACROSS_ORIGINS = frozenset({"accept", "if-none-match", "if-modified-since"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Response:
    """What came back. `headers` ignores case and keeps bytes as Latin-1, so that a value can be sent back unchanged."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    """Decoded; empty when a GET did not end in 2xx."""
    final_url: str
    permanent_url: str | None = None
    """Where a chain of only 301/308 answers led; None when there was no redirect or a temporary one."""


def tls_context() -> ssl.SSLContext:
    """Certificates are verified against the system's roots and the bundled ones."""
    context = ssl.create_default_context()
    context.load_verify_locations(certifi.where())
    context.set_alpn_protocols(["http/1.1"])
    return context


_shared_tls = cache(tls_context)


class GuardedClient:
    """GET and POST to public addresses only. Safe to share between threads and with a forked child.

    Each request has a connection of its own: none can meet one that has quietly gone away, and nothing outlives a call.

    `allow_private`: networks in CIDR form and exact `host:port` pairs that may be contacted although private; any port
    will do there. `connect_s` bounds resolving and connecting, `total_s` the whole of one call, redirects included.
    """

    def __init__(
        self,
        allow_private: Iterable[str] = (),
        *,
        user_agent: str = USER_AGENT,
        connect_s: float = 5.0,
        total_s: float = 30.0,
        resolver: Resolver = resolve,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self._allow_private = tuple(allow_private)
        allowance(self._allow_private)
        self._every = {
            "user-agent": user_agent,
            "accept": "*/*",
            "accept-encoding": "gzip",
            "connection": "close",
        }
        self._total_s = total_s
        self._progress = Progress()
        backend = GuardedBackend(self._allow_private, resolver, self._progress, connect_s)
        self._transport = Transport(backend, lambda: tls or _shared_tls(), connect_s)

    def __enter__(self) -> GuardedClient:
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _at: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Nothing to do: every call has closed its connection."""

    def get(
        self,
        url: str,
        headers: Mapping[str, str] | None = None,
        max_bytes: int = GET_BYTES,
        *,
        total_s: float | None = None,
    ) -> Response:
        """GET `url`, following at most five redirects, each checked like the first address.

        To another origin only Accept and the validators travel on. Raises RefusedAddress, Unreachable, BadAnswer or
        BadRequest; each has a `reason`.
        """
        self._progress.begin(self._total_s if total_s is None else total_s)
        target = check_url(url, allow_private=self._allow_private)
        sent = dict(headers or {})
        seen = {target.url}
        permanent = True
        for _hop in range(MAX_REDIRECTS + 1):
            with self._exchange("GET", target, sent, None) as answer:
                location = answer.headers.get("location")
                if answer.status_code not in _REDIRECTS or not location:
                    body = self._read(answer, max_bytes) if 200 <= answer.status_code < 300 else b""
                    moved = target.url if permanent and len(seen) > 1 else None
                    return _response(answer, body, target.url, moved)
                permanent = permanent and answer.status_code in _PERMANENT
            following = self._hop(target, location)
            if following.url in seen:
                raise BadAnswer("redirect_loop", f"{target.host} redirects in a circle")
            seen.add(following.url)
            if following.origin != target.origin:
                sent = {name: value for name, value in sent.items() if name.lower() in _KEPT_ACROSS_ORIGINS}
            target = following
        raise BadAnswer("redirect_loop", f"more than {MAX_REDIRECTS} redirects, the last to {target.host}")

    def post(
        self,
        url: str,
        headers: Mapping[str, str] | None = None,
        body: bytes = b"",
        *,
        max_bytes: int = POST_BYTES,
        total_s: float | None = None,
    ) -> Response:
        """POST `body` to `url`; a redirect is an answer like any other and is not followed.

        Once a status has arrived the call succeeds: an answer's body that is too long, broken or late is left out.
        Raises RefusedAddress, Unreachable (see its `sent`), BadAnswer or BadRequest.
        """
        self._progress.begin(self._total_s if total_s is None else total_s)
        target = check_url(url, allow_private=self._allow_private)
        with self._exchange("POST", target, dict(headers or {}), body) as answer:
            try:
                said = self._read(answer, max_bytes)
            except (BadAnswer, Unreachable):
                said = b""
            return _response(answer, said, target.url, None)

    def _hop(self, target: CheckedUrl, location: str) -> CheckedUrl:
        if len(location) > URL_CHARACTERS:
            raise RefusedAddress(f"{target.host} redirects to a URL of more than {URL_CHARACTERS} characters")
        try:
            # A header is bytes; most servers that send more than ASCII mean UTF-8.
            location = location.encode(ENCODING).decode("utf-8", "replace")
            following = check_url(urljoin(target.url, location), allow_private=self._allow_private)
        except ValueError:
            raise RefusedAddress(f"{target.host} redirects to something that is not a URL") from None
        if target.scheme == "https" and following.scheme == "http":
            raise RefusedAddress(f"{target.host} redirects from https to http")
        return following

    @contextmanager
    def _exchange(
        self, method: str, target: CheckedUrl, headers: dict[str, str], body: bytes | None
    ) -> Iterator[httpx.Response]:
        given = {**self._every, **{name.lower(): value for name, value in headers.items()}}
        given.pop("host", None)
        request = httpx.Request(method, target.url, headers=_as_bytes(given), content=body, extensions={TARGET: target})
        if request.url.raw_host.decode("ascii").strip("[]") != target.host:
            raise RefusedAddress(f"{target.host} reads as two different hosts")
        try:
            answer = self._transport.handle_request(request)
        except h11.LocalProtocolError as error:
            raise BadRequest(f"the request to {target.host} cannot be sent: {error}") from None
        try:
            yield answer
        finally:
            answer.close()

    def _read(self, answer: httpx.Response, max_bytes: int) -> bytes:
        return read_body(answer.iter_raw(), answer.headers.get("content-encoding", ""), max_bytes=max_bytes)


def _as_bytes(headers: Mapping[str, str]) -> list[tuple[bytes, bytes]]:
    pairs = []
    for name, value in headers.items():
        if _CONTROL.search(name) or _CONTROL.search(value):
            raise BadRequest(f"the header {name!r} holds a control character")
        try:
            pairs.append((name.encode("ascii"), value.strip(" \t").encode(ENCODING)))
        except UnicodeEncodeError:
            raise BadRequest(f"the header {name!r} holds a character that HTTP cannot carry") from None
    return pairs


def _response(answer: httpx.Response, body: bytes, url: str, permanent_url: str | None) -> Response:
    return Response(
        status=answer.status_code, headers=answer.headers, body=body, final_url=url, permanent_url=permanent_url
    )
