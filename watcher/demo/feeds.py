"""A feed server that honours conditional requests as a good publisher does, and remembers every request."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import format_datetime, parsedate_to_datetime
from pathlib import Path

from watcher.demo.loopback import Loopback, Reply, Request
from watcher.errors import CannotHelp

CONTENT_TYPES = {
    "feed.rss.xml": "application/rss+xml; charset=utf-8",
    "feed.atom.xml": "application/atom+xml; charset=utf-8",
    "feed.json": "application/feed+json; charset=utf-8",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    body: bytes
    content_type: str
    modified_at: datetime

    @property
    def etag(self) -> str:
        return f'"{hashlib.sha256(self.body).hexdigest()[:16]}"'


@dataclass(frozen=True, slots=True, kw_only=True)
class Poll:
    """One request that the feed server answered."""

    path: str
    status: int
    at: datetime


def seed_documents(folder: Path) -> dict[str, Document]:
    """The three seed feeds in `folder` by path; raises CannotHelp when the folder does not hold them."""
    missing = [name for name in CONTENT_TYPES if not (folder / name).is_file()]
    if missing:
        raise CannotHelp(f"the demo needs the seed feed, and {folder} holds no {', '.join(missing)}")
    return {f"/{name}": _document(folder / name, content_type) for name, content_type in CONTENT_TYPES.items()}


def _document(path: Path, content_type: str) -> Document:
    modified_at = datetime.fromtimestamp(int(path.stat().st_mtime), UTC)
    return Document(body=path.read_bytes(), content_type=content_type, modified_at=modified_at)


def unchanged(document: Document, headers: Mapping[str, str]) -> bool:
    """May the answer be 304? If-None-Match decides alone when it is there (RFC 9110, 13.1.3)."""
    asked = headers.get("if-none-match")
    if asked is not None:
        tags = [tag.strip().removeprefix("W/") for tag in asked.split(",")]
        return "*" in tags or document.etag in tags
    try:
        since = parsedate_to_datetime(headers["if-modified-since"])
    except (KeyError, ValueError):
        return False
    return document.modified_at <= (since if since.tzinfo else since.replace(tzinfo=UTC))


class FeedServer(Loopback):
    """Serves `documents` by path with ETag and Last-Modified."""

    def __init__(self, documents: Mapping[str, Document]) -> None:
        super().__init__(self._answer, name="demo-feeds")
        self._documents = documents
        self._polls: list[Poll] = []
        self._guard = threading.Lock()

    @property
    def urls(self) -> tuple[str, ...]:
        return tuple(self.url + path for path in self._documents)

    @property
    def polls(self) -> tuple[Poll, ...]:
        """Every request so far, in the order in which it was answered."""
        with self._guard:
            return tuple(self._polls)

    def count(self, status: int) -> int:
        return sum(poll.status == status for poll in self.polls)

    def _answer(self, request: Request) -> Reply:
        reply = self._reply(request)
        with self._guard:
            self._polls.append(Poll(path=request.path, status=reply.status, at=datetime.now(UTC)))
        return reply

    def _reply(self, request: Request) -> Reply:
        document = self._documents.get(request.path)
        if document is None:
            return Reply(status=404, body=b"no such feed")
        if request.method != "GET":
            return Reply(status=405, body=b"only GET", headers={"Allow": "GET"})
        validators = {
            "ETag": document.etag,
            "Last-Modified": format_datetime(document.modified_at, usegmt=True),
        }
        if unchanged(document, request.headers):
            return Reply(status=304, headers=validators)
        return Reply(content_type=document.content_type, body=document.body, headers=validators)
