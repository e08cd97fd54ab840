"""A WebSub hub (W3C Recommendation, 2018): takes subscriptions, verifies them, distributes with a signature."""

from __future__ import annotations

import hashlib
import hmac
import secrets
import threading
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlencode

import httpx


@dataclass(slots=True, kw_only=True)
class Subscriber:
    """Somebody whose intent was verified."""

    callback: str
    topic: str
    secret: str
    lease_s: int


@dataclass(slots=True, kw_only=True)
class Told:
    """What a subscriber answered to a request of the hub."""

    status: int
    body: str
    headers: httpx.Headers


@dataclass(slots=True, kw_only=True)
class Manners:
    """How the hub behaves; tests change it."""

    status: int = 202
    """What a request is answered; nothing but 202 leads to a verification."""
    headers: dict[str, str] = field(default_factory=dict)
    verifies: bool = True
    before_answering: bool = False
    """Some hubs verify first and answer then."""
    lease_s: int | None = None
    """The lease that it grants; None takes what was asked."""
    method: str = "sha256"
    hang_up: bool = False


class Hub:
    """A threaded server on a free port of 127.0.0.1. `asked` is every form that came, oldest first."""

    def __init__(self) -> None:
        self.manners = Manners()
        self.asked: list[dict[str, str]] = []
        self.verified: list[Told] = []
        self.subscribers: dict[tuple[str, str], Subscriber] = {}
        self._lock = threading.Lock()
        self._busy: list[threading.Thread] = []
        self._client = httpx.Client(trust_env=False, timeout=10)
        self._server = _Server(("127.0.0.1", 0), _Exchange)
        self._server.hub = self
        self._thread = threading.Thread(
            target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, name="hub", daemon=True
        )

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}/hub"

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(10)
        self.settle()
        self._client.close()

    def settle(self) -> None:
        """Wait until every verification that was begun has ended."""
        with self._lock:
            busy, self._busy = self._busy, []
        for thread in busy:
            thread.join(10)

    # ── what comes to the hub ────────────────────────────────────────────────────────────────────────────────────────

    def take(self, form: dict[str, str]) -> int:
        """A request for a subscription; the status of the answer."""
        with self._lock:
            self.asked.append(form)
        if self.manners.status != 202:
            return self.manners.status
        if form.get("hub.mode") not in ("subscribe", "unsubscribe") or not form.get("hub.callback"):
            return 400
        if self.manners.before_answering:
            self.verify(form)
        elif self.manners.verifies:
            thread = threading.Thread(target=self.verify, args=(form,))
            with self._lock:
                self._busy.append(thread)
            thread.start()
        return 202

    def verify(self, form: dict[str, str]) -> Told:
        """Ask the subscriber whether it meant that, and believe it when it echoes the challenge."""
        challenge, key = secrets.token_urlsafe(24), (form["hub.callback"], form["hub.topic"])
        lease_s = self.manners.lease_s or int(form.get("hub.lease_seconds") or 86400)
        query = {"hub.mode": form["hub.mode"], "hub.topic": form["hub.topic"], "hub.challenge": challenge}
        if form["hub.mode"] == "subscribe":
            query["hub.lease_seconds"] = str(lease_s)
        try:
            told = self.ask(form["hub.callback"], query)
        except httpx.TransportError as away:
            told = Told(status=0, body=str(away), headers=httpx.Headers())
        if 200 <= told.status < 300 and told.body == challenge:
            with self._lock:
                if form["hub.mode"] == "unsubscribe":
                    self.subscribers.pop(key, None)
                else:
                    secret = form.get("hub.secret", "")
                    self.subscribers[key] = Subscriber(callback=key[0], topic=key[1], secret=secret, lease_s=lease_s)
        with self._lock:
            self.verified.append(told)
        return told

    # ── what the hub says ────────────────────────────────────────────────────────────────────────────────────────────

    def ask(self, callback: str, query: dict[str, str]) -> Told:
        """A GET on a callback."""
        return _told(self._client.get(f"{callback}?{urlencode(query)}"))

    def deny(self, topic: str, reason: str = "") -> list[Told]:
        """Tell every subscriber of the topic that it gets nothing, or nothing any more."""
        with self._lock:
            ended = [one for one in self.subscribers.values() if one.topic == topic]
        query = {"hub.mode": "denied", "hub.topic": topic, "hub.reason": reason}
        return [self.ask(one.callback, query) for one in ended]

    def publish(self, topic: str, body: bytes, *, content_type: str = "application/rss+xml") -> list[Told]:
        """Send the document to every subscriber of the topic; one that answers 410 is forgotten."""
        with self._lock:
            wanted = [one for one in self.subscribers.values() if one.topic == topic]
        told = [self.distribute(one, body, content_type=content_type) for one in wanted]
        with self._lock:
            for one, answer in zip(wanted, told, strict=True):
                if answer.status == 410:
                    self.subscribers.pop((one.callback, one.topic), None)
        return told

    def distribute(
        self,
        one: Subscriber,
        body: bytes,
        *,
        content_type: str = "application/rss+xml",
        signature: str | None = "",
        headers: dict[str, str] | None = None,
    ) -> Told:
        """One document to one subscriber; an empty `signature` is made, None leaves it out."""
        sent = {"content-type": content_type, "link": f'<{self.url}>; rel="hub", <{one.topic}>; rel="self"'}
        made = sign(body, one.secret, self.manners.method) if signature == "" else signature
        if made is not None:
            sent["x-hub-signature"] = made
        return _told(self._client.post(one.callback, content=body, headers={**sent, **(headers or {})}))


def sign(body: bytes, secret: str, method: str = "sha256") -> str:
    """The value of X-Hub-Signature."""
    return f"{method}={hmac.new(secret.encode(), body, getattr(hashlib, method)).hexdigest()}"


def _told(response: httpx.Response) -> Told:
    return Told(status=response.status_code, body=response.text, headers=response.headers)


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    hub: Hub


class _Exchange(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    timeout = 10
    server: _Server

    def do_POST(self) -> None:
        hub = self.server.hub
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0)).decode()
        if hub.manners.hang_up:
            self.close_connection = True
            return
        status = hub.take({name: values[0] for name, values in parse_qs(body).items()})
        said = b"" if status < 400 else b"no such topic here\r\n<b>sorry</b>"
        self.send_response(status)
        for name, value in hub.manners.headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(said)))
        self.end_headers()
        self.wfile.write(said)

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing; `asked` has it all."""
