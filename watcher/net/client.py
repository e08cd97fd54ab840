"""The one HTTP client of this program: guarded addresses, one deadline, bounded bodies, no cookies, no proxies.

What a status means is left to those who asked (`watcher.fetch`, `watcher.deliver`).
"""

from __future__ import annotations

import os
import re
import ssl
import threading
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from types import TracebackType
from typing import cast
from urllib.parse import urljoin

import certifi
import httpcore
import httpx

from watcher.errors import RefusedAddress
from watcher.net.address import URL_CHARACTERS, CheckedUrl, allowance, check_url
from watcher.net.body import read_body
from watcher.net.faults import BadAnswer, BadRequest, Unreachable
from watcher.net.resolve import Resolver, resolve
from watcher.net.wire_guard import GuardedBackend, Progress

USER_AGENT = "biotech-watcher/0.1 (feed reader; contact not set)"
MAX_REDIRECTS = 5
GET_BYTES = 10 * 1024 * 1024
POST_BYTES = 64 * 1024
HEADER_BYTES = 64 * 1024
# More than a step works on at once (ten), or a fast server waits behind slow ones; few, as the pool looks at every
# connection it holds for every request.
_CONNECTIONS = 16
# Latin-1 maps every byte to itself: validators go back exactly as they came.
_HEADER_ENCODING = "iso-8859-1"
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_PERMANENT = frozenset({301, 308})
_CONTROL = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")
# Held over every fork, so that no child inherits it locked.
_opening = threading.Lock()
os.register_at_fork(before=_opening.acquire, after_in_parent=_opening.release, after_in_child=_opening.release)
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


class _Stream(httpx.SyncByteStream):
    def __init__(self, stream: httpcore.Response) -> None:
        self._response = stream

    def __iter__(self) -> Iterator[bytes]:
        return iter(cast("Iterable[bytes]", self._response.stream))

    def close(self) -> None:
        self._response.close()


class _Transport(httpx.BaseTransport):
    """httpx's way to our own httpcore pool; httpcore's errors pass through as they are."""

    def __init__(self, pool: httpcore.ConnectionPool) -> None:
        self._pool = pool

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        url = request.url
        answer = self._pool.handle_request(
            httpcore.Request(
                method=request.method,
                url=httpcore.URL(scheme=url.raw_scheme, host=url.raw_host, port=url.port, target=url.raw_path),
                headers=request.headers.raw,
                content=request.stream,
                extensions=request.extensions,
            )
        )
        response = httpx.Response(status_code=answer.status, headers=answer.headers, stream=_Stream(answer))
        response.headers.encoding = _HEADER_ENCODING
        return response

    def close(self) -> None:
        self._pool.close()


def tls_context() -> ssl.SSLContext:
    """Certificates are verified against the system's roots and the bundled ones."""
    context = ssl.create_default_context()
    context.load_verify_locations(certifi.where())
    return context


class GuardedClient:
    """GET and POST to public addresses only. Safe to share between threads; opens anew in a forked child.

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
        self._connect_s = connect_s
        self._total_s = total_s
        self._resolver = resolver
        self._tls = tls
        self._progress = Progress()
        self._opened: _Transport | None = None
        self._owner = 0

    def __enter__(self) -> GuardedClient:
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _at: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close every connection; the next call opens anew."""
        with _opening:
            opened, self._opened = self._opened, None
        if opened is not None and self._owner == os.getpid():
            opened.close()

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
                with self._translated(target.host):
                    said = self._read(answer, max_bytes)
            except (BadAnswer, Unreachable):
                said = b""
            return _response(answer, said, target.url, None)

    def _hop(self, target: CheckedUrl, location: str) -> CheckedUrl:
        if len(location) > URL_CHARACTERS:
            raise RefusedAddress(f"{target.host} redirects to a URL of more than {URL_CHARACTERS} characters")
        try:
            # A header is bytes; most servers that send more than ASCII mean UTF-8.
            location = location.encode(_HEADER_ENCODING).decode("utf-8", "replace")
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
        request = httpx.Request(
            method,
            target.url,
            headers=_as_bytes({**self._every, **{name.lower(): value for name, value in headers.items()}}),
            content=body,
            extensions={"timeout": {"connect": self._connect_s, "pool": self._progress.left_s()}},
        )
        if request.url.raw_host.decode("ascii").strip("[]") != target.host:
            raise RefusedAddress(f"{target.host} reads as two different hosts")
        with self._translated(target.host):
            # The transport and not httpx.Client: no cookies, no redirects, no environment, no second thoughts.
            answer = self._transport().handle_request(request)
            try:
                if sum(len(name) + len(value) + 4 for name, value in answer.headers.raw) > HEADER_BYTES:
                    raise BadAnswer("too_large", f"the headers of {target.host} are too large")
                yield answer
            finally:
                answer.close()

    @contextmanager
    def _translated(self, host: str) -> Iterator[None]:
        """httpcore's errors as ours; those that the guarded sockets raise are ours already."""
        try:
            yield
        except httpcore.LocalProtocolError as error:
            raise BadRequest(f"the request to {host} cannot be sent: {error}") from None
        except httpcore.TimeoutException:
            raise Unreachable("timeout", f"{host} took too long", sent=self._progress.sent) from None
        except httpcore.RemoteProtocolError as error:
            raise _protocol_fault(host, str(error)) from None
        except (httpcore.NetworkError, httpcore.ProtocolError, httpcore.ProxyError):
            raise Unreachable("connection", f"the connection to {host} broke", sent=self._progress.sent) from None

    def _read(self, answer: httpx.Response, max_bytes: int) -> bytes:
        return read_body(answer.iter_raw(), answer.headers.get("content-encoding", ""), max_bytes=max_bytes)

    def _transport(self) -> _Transport:
        with _opening:
            if self._opened is None or self._owner != os.getpid():
                self._opened = self._open()
                self._owner = os.getpid()
            return self._opened

    def _open(self) -> _Transport:
        if self._tls is None:
            self._tls = tls_context()
        pool = httpcore.ConnectionPool(
            ssl_context=self._tls,
            max_connections=_CONNECTIONS,
            # A connection serves one request: so no request can meet a connection that has quietly gone away.
            max_keepalive_connections=0,
            network_backend=GuardedBackend(self._allow_private, self._resolver, self._progress, self._connect_s),
        )
        return _Transport(pool)


def _as_bytes(headers: Mapping[str, str]) -> list[tuple[bytes, bytes]]:
    pairs = []
    for name, value in headers.items():
        if _CONTROL.search(name) or _CONTROL.search(value):
            raise BadRequest(f"the header {name!r} holds a control character")
        try:
            pairs.append((name.encode("ascii"), value.strip(" \t").encode(_HEADER_ENCODING)))
        except UnicodeEncodeError:
            raise BadRequest(f"the header {name!r} holds a character that HTTP cannot carry") from None
    return pairs


def _protocol_fault(host: str, said: str) -> Unreachable | BadAnswer:
    """h11 tells a body that ended early, and headers that are too long, in words alone."""
    if "complete message body" in said or "chunked read" in said:
        return Unreachable("truncated", f"the answer of {host} ended too early", sent=True)
    if "too long" in said.lower() or "too large" in said.lower():
        return BadAnswer("too_large", f"the headers of {host} are too large")
    return Unreachable("connection", f"{host} does not speak HTTP properly", sent=True)


def _response(answer: httpx.Response, body: bytes, url: str, permanent_url: str | None) -> Response:
    return Response(
        status=answer.status_code,
        headers=httpx.Headers(answer.headers.raw, encoding=_HEADER_ENCODING),
        body=body,
        final_url=url,
        permanent_url=permanent_url,
    )
