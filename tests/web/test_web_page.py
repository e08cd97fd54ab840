"""The page, health checks and metrics over real rows; the page is also looked at in a browser."""

from __future__ import annotations

import re
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
import uvicorn
from prometheus_client.parser import text_string_to_metric_families
from row_factories import WHO, add_event, add_feed, add_items, draft, match, now
from services.valkey import Valkey

from watcher import runtime, web
from watcher.model import Fact, FactKind, Level, RuleStatus, Snippet
from watcher.runtime import Runtime
from watcher.settings import Settings
from watcher.store import events, items, overview, stories
from watcher.store.database import Database

HOSTILE = '<script>alert(1)</script>\u202e{{ 7 * 7 }}\x07 & "quoted"'


@pytest.fixture
def rt(database_url: str, valkey: Valkey, tmp_path: Path) -> Iterator[Runtime]:
    opened = runtime.open(Settings(database_url=database_url, redis_url=valkey.broker_url, data_dir=tmp_path))
    yield opened
    opened.close()


@contextmanager
def served(rt: Runtime) -> Iterator[httpx.Client]:
    """A client of the page, which is served on a free port."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        server = uvicorn.Server(uvicorn.Config(web.app(rt), log_config=None, lifespan="off"))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
        thread.start()
        with httpx.Client(base_url=f"http://127.0.0.1:{listening.getsockname()[1]}", trust_env=False) as client:
            yield client
        server.should_exit = True
        thread.join()


@pytest.fixture
def client(rt: Runtime) -> Iterator[httpx.Client]:
    with served(rt) as opened:
        yield opened


def swept(rt: Runtime, *, ago_s: float = 1) -> None:
    with rt.database.write() as conn:
        overview.record_beat(conn, "sweep", now=rt.clock() - timedelta(seconds=ago_s))


def metrics(client: httpx.Client) -> dict[tuple[str, tuple[str, ...]], float]:
    text = client.get("/metrics").text
    return {
        (sample.name, tuple(sample.labels.values())): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def add_hostile_event(database: Database) -> None:
    feed_id = add_feed(database, "https://hostile.example/feed", title=HOSTILE)
    with database.write() as conn:
        bad = draft("bad", title=HOSTILE, link="javascript:alert(1)", text="x")
        (item_id,) = items.insert_new(conn, feed_id, [bad], history=lambda _: False, now=now())
    with database.write() as conn:
        (item,) = items.claim(conn, [item_id], owner=WHO, lease_s=60, now=now())
        told = match(
            "hostile",
            rule_title=HOSTILE,
            status=RuleStatus.EXPERIMENTAL,
            level=Level.HIGH,
            facts={"party": Fact(name="party", kind=FactKind.PARTY, value=HOSTILE)},
        )
        story = stories.ensure(conn, key="hostile", title=HOSTILE, now=now())
        snippets = [Snippet(text=HOSTILE, marks=((0, 8),))]
        made = events.create(conn, story_id=story, match=told, item=item, snippets=snippets, now=now())
        assert made is not None
        events.add_source(conn, made, item.id, now=now())


# ── health ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_healthz_answers_whatever_else_is_broken(tmp_path: Path) -> None:
    broken = runtime.open(Settings(data_dir=tmp_path / "none", redis_url="unix:///nowhere.sock"))
    with served(broken) as client:
        answer = client.get("/healthz")
    assert (answer.status_code, answer.json()) == (200, {"alive": True})
    broken.close()


def test_readyz_is_green_when_database_broker_and_sweep_are_well(rt: Runtime, client: httpx.Client) -> None:
    swept(rt, ago_s=59)
    answer = client.get("/readyz")
    assert answer.json() == {"ready": True, "checks": {"database": "ok", "broker": "ok", "sweep": "ok"}}
    assert answer.status_code == 200


def test_readyz_says_that_no_sweep_was_ever_seen_and_that_the_last_is_old(rt: Runtime, client: httpx.Client) -> None:
    answer = client.get("/readyz")
    assert answer.status_code == 503
    assert answer.json()["checks"]["sweep"] == "no sweep yet: are a worker and the beat running?"
    swept(rt, ago_s=61.5)
    answer = client.get("/readyz")
    assert answer.status_code == 503
    assert answer.json()["checks"] == {
        "database": "ok",
        "broker": "ok",
        "sweep": "the last sweep was 62 s ago, more than 60: is a worker running?",
    }


def test_readyz_says_that_the_schema_is_old_and_the_broker_away(empty_url: str, tmp_path: Path) -> None:
    secret = "redis://:hunter2@127.0.0.1:1/0"
    rt = runtime.open(Settings(database_url=empty_url, redis_url=secret, data_dir=tmp_path))
    with served(rt) as client:
        answer = client.get("/readyz")
    rt.close()
    assert answer.status_code == 503
    assert answer.json()["checks"] == {
        "database": "its schema is not the newest: run `watcher migrate`",
        "broker": "ConnectionError: the broker does not answer",
        "sweep": "no sweep yet: are a worker and the beat running?",
    }
    assert "hunter2" not in answer.text


def test_everything_says_what_is_wrong_when_the_database_is_away(valkey: Valkey, tmp_path: Path) -> None:
    url = "postgresql+psycopg://u:hunter2@127.0.0.1:1/none"
    rt = runtime.open(Settings(database_url=url, redis_url=valkey.broker_url, data_dir=tmp_path))
    with served(rt) as client:
        page, ready, scraped = client.get("/"), client.get("/readyz"), metrics(client)
    rt.close()
    assert (page.status_code, ready.status_code) == (503, 503)
    assert "Needs attention" in page.text
    assert ready.json()["checks"]["database"].startswith("PostgreSQL none at 127.0.0.1:1: ")
    assert "hunter2" not in page.text + ready.text
    assert scraped == {("watcher_database_up", ()): 0.0}


# ── metrics ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_metrics_are_counted_from_rows(rt: Runtime, client: httpx.Client) -> None:
    feed = add_feed(rt.database)
    add_items(rt.database, feed, "a", "b", "c")
    swept(rt, ago_s=5)
    found = metrics(client)
    assert found[("watcher_database_up", ())] == 1
    assert found[("watcher_items_total", ())] == 3
    assert found[("watcher_events_total", ())] == 0
    assert found[("watcher_items_parked", ())] == 0
    assert found[("watcher_backlog_rows", ("items",))] == 3
    assert found[("watcher_backlog_rows", ("feeds",))] == 1
    assert found[("watcher_backlog_rows", ("deliveries",))] == 0
    assert 0 <= found[("watcher_backlog_oldest_seconds", ("items",))] < 60
    assert found[("watcher_feeds", ("never",))] == 1
    assert (found[("watcher_feeds_health", ("new",))], found[("watcher_feeds_health", ("stale",))]) == (1, 0)
    assert 5 <= found[("watcher_sweep_age_seconds", ())] < 30


def test_metrics_follow_prometheuss_rules_for_names(rt: Runtime, client: httpx.Client) -> None:
    swept(rt)
    answer = client.get("/metrics")
    assert answer.headers["content-type"].startswith("text/plain; version=")
    for family in text_string_to_metric_families(answer.text):
        assert family.documentation.endswith(".") or family.documentation.startswith("Whether")
        for sample in family.samples:
            assert re.fullmatch(r"watcher_[a-z_]+", sample.name)
            assert sample.name.endswith("_total") == (family.type == "counter")


# ── the page ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_an_empty_page_says_what_will_be_there(rt: Runtime, client: httpx.Client) -> None:
    swept(rt)
    page = client.get("/").text
    assert "0 of 0 feeds checked well" in page
    assert "No events yet" in page
    assert "Nothing has been sent yet" in page
    assert "Needs attention" not in page


def test_the_page_shows_an_event_with_its_facts_its_words_and_its_source(rt: Runtime, client: httpx.Client) -> None:
    add_event(rt.database)
    page = client.get("/").text
    assert ">Title of a</h3>" in page
    assert "<dt>Amount</dt><dd>5M USD</dd>" in page
    assert "<dt>Recipient</dt><dd>Acme Bio</dd>" in page
    assert "<blockquote>Acme Bio <mark>raised</mark> $5 million.</blockquote>" in page
    assert '<a href="https://news.example/a" rel="noopener noreferrer nofollow">Park news</a>' in page


def test_what_publishers_write_is_text_and_nothing_else(rt: Runtime, client: httpx.Client) -> None:
    add_hostile_event(rt.database)
    page = client.get("/").text
    assert "<script" not in page
    assert "javascript:" not in page
    assert "\u202e" not in page
    assert "\x07" not in page
    assert "{{ 7 * 7 }}" in page
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page
    assert "shadow rule, not sent" in page


@pytest.mark.parametrize("path", ["/", "/healthz", "/readyz", "/metrics", "/style.css", "/nowhere"])
def test_every_answer_forbids_scripts_frames_and_guessing(client: httpx.Client, path: str) -> None:
    headers = client.get(path).headers
    policy = dict(part.strip().split(" ", 1) for part in headers["content-security-policy"].split(";"))
    assert policy == {
        "default-src": "'none'",
        "style-src": "'self'",
        "img-src": "data:",
        "base-uri": "'none'",
        "form-action": "'none'",
        "frame-ancestors": "'none'",
    }
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "no-referrer"
    assert headers["cache-control"] == "no-store"


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
@pytest.mark.parametrize("path", ["/", "/readyz", "/metrics"])
def test_nothing_can_be_changed(client: httpx.Client, method: str, path: str) -> None:
    assert client.request(method, path).status_code == 405


# ── in a browser ─────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 390])
def test_the_page_fits_its_window_and_can_be_read(
    rt: Runtime, client: httpx.Client, chromium: Any, scheme: str, width: int
) -> None:
    add_event(rt.database)
    add_hostile_event(rt.database)
    swept(rt)
    address = str(client.base_url)
    page = chromium.new_page(viewport={"width": width, "height": 900}, color_scheme=scheme)
    told: list[str] = []
    page.on("console", lambda message: told.append(message.text))
    page.on(
        "request", lambda request: told.append(request.url) if not request.url.startswith((address, "data:")) else None
    )
    page.goto(address)
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert page.evaluate("getComputedStyle(document.body).fontSize") == "15px"
    assert contrast(page, "h3") >= 4.5
    assert contrast(page, ".when") >= 4.5
    assert contrast(page, "blockquote") >= 4.5
    assert told == []
    page.close()


def contrast(page: Any, selector: str) -> float:
    """Contrast of the element's text to what lies behind it, by WCAG 2.2."""
    colours = page.evaluate(
        """selector => { let e = document.querySelector(selector); const ink = getComputedStyle(e).color;
        while (e && getComputedStyle(e).backgroundColor === 'rgba(0, 0, 0, 0)') e = e.parentElement;
        return [ink, getComputedStyle(e || document.body).backgroundColor]; }""",
        selector,
    )
    light, dark = sorted((luminance(colour) for colour in colours), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def luminance(colour: str) -> float:
    parts = [int(part) / 255 for part in re.findall(r"\d+", colour)[:3]]
    red, green, blue = (p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue
