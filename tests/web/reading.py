"""A service with sign-up for tests of readers' pages: its rows, its pages served by uvicorn, forms filled in."""

from __future__ import annotations

import re
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from html import unescape
from pathlib import Path
from typing import Any

import httpx
import uvicorn
from starlette.responses import Response

from watcher import runtime, web, wire
from watcher.config import read
from watcher.model import Language
from watcher.pipeline import signup
from watcher.pipeline.links import links
from watcher.pipeline.rule_names import RuleName
from watcher.runtime import Runtime
from watcher.settings import Settings, with_values
from watcher.store import channels, overview, subscriptions
from watcher.web import access

PUBLIC = "https://watch.example"
PASSWORD = "four random words here"
PASSWORD_HASH = "$argon2id$v=19$m=19456,t=2,p=1$Ddnt1u2SpIPXRbRsoEMRZQ$XtVsLYWU0AzkK12BeMcaYMOerzRXH6+qWCeeO4ixJrA"
"""Of `PASSWORD`, as weak as may be, since a test waits for it."""
CONFIG = """feeds: []
channels:
  mail: {kind: email, to: desk@example.org, sender: Watcher <watcher@watch.example>, smtp_url: "smtp://127.0.0.1:%d"}
  other: {kind: email, to: other@example.org, sender: watcher@watch.example, smtp_url: "smtp://127.0.0.1:%d"}
subscriptions:
  desk: {channels: [mail], title: The desk, when: "daily 08:00", zone: Asia/Shanghai}
ops: [other]
public_url: %s
signup: {channel: mail}
"""


RULES = (
    RuleName(id="funding", title="Funding", titles={Language.CHINESE: "融资"}),
    RuleName(id="licensing-deal", title="Licensing deals", titles={Language.CHINESE: "许可交易"}),
    RuleName(id="on-trial", title="A rule on trial", trial=True),
)


def open_service(database_url: str, folder: Path, *, smtp_port: int = 25, **settings: Any) -> Runtime:
    """A runtime whose rows are those of `CONFIG`."""
    rt = runtime.open(Settings(database_url=database_url, data_dir=folder, **settings))
    configure(rt, CONFIG % (smtp_port, smtp_port, PUBLIC))
    links(rt)  # makes the key
    return rt


def configure(rt: Runtime, text: str) -> None:
    """Bring the rows in step with a watcher.yml of that text."""
    loaded, now = read("watcher.yml", text), rt.clock()
    with rt.database.write() as conn:
        overview.remember(conn, "public_url", loaded.public_url)
        channels.sync(conn, loaded.channels, now=now)
        subscriptions.sync_subscriptions(conn, loaded.subscriptions, ops=loaded.ops, now=now)
        signup.apply(conn, loaded, now=now)
        overview.remember(conn, "rule_names", [wire.dump(one) for one in RULES])


@contextmanager
def served(rt: Runtime) -> Iterator[httpx.Client]:
    """A client of the pages, which are served on a free port as the program serves them."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        # as asyncio does for a socket of its own; else each answer waits 40 ms for an acknowledgement
        listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        config = uvicorn.Config(web.app(rt), log_config=None, lifespan="off", proxy_headers=False)
        server = uvicorn.Server(config)
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
        thread.start()
        try:
            with httpx.Client(base_url=f"http://127.0.0.1:{listening.getsockname()[1]}", trust_env=False) as client:
                yield client
        finally:
            server.should_exit = True
            thread.join()


def hidden(page: str, name: str = "seal") -> str:
    """The value of a hidden field."""
    found = re.search(rf'name="{name}" value="([^"]*)"', page)
    assert found is not None, page
    return unescape(found[1])


def fill(client: httpx.Client, path: str, fields: dict[str, Any], **more: Any) -> httpx.Response:
    """Open the page and send its form."""
    seal = hidden(client.get(path).text)
    return client.post(path, data={"seal": seal, **fields}, **more)


def asked(address: str = "anna@example.org", **changes: Any) -> dict[str, Any]:
    """A sign-up form as somebody fills it in."""
    fields = {
        "address": address,
        "rules": ["*"],
        "when": "daily",
        "hour": "8",
        "weekday": "0",
        "zone": "Europe/Berlin",
        "language": "en",
    }
    return {**fields, **changes}


def rows(rt: Runtime, table: Any) -> list[dict[str, Any]]:
    """Every row of a table, oldest first."""
    with rt.database.read() as conn:
        return [dict(row._mapping) for row in conn.execute(table.select().order_by(*table.primary_key.columns))]


def everything(rt: Runtime) -> dict[str, list[dict[str, Any]]]:
    """Every row of every table but the beats: to see that nothing has changed."""
    from watcher.store.schema import metadata

    return {table.name: rows(rt, table) for table in metadata.sorted_tables if table.name != "beats"}


def at(text: str) -> datetime:
    return datetime.fromisoformat(text)


@contextmanager
def at_desk(rt: Runtime) -> Iterator[httpx.Client]:
    """A client of the served pages that is logged in at the console."""
    if rt.settings.admin_password is None:
        rt.settings = with_values(rt.settings, admin_password=PASSWORD_HASH)
    with served(rt) as client:
        cookie = access.begin(rt, Response(), name="admin", client="127.0.0.1", secure=False)
        client.cookies.set(access.COOKIE, cookie)
        yield client
