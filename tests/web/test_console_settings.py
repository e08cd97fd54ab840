"""Settings at the console: what is in force, where it came from, and never a secret."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from reading import at_desk, fill, open_service, rows, served

from watcher import settings
from watcher.config import read
from watcher.pipeline import reload_state
from watcher.pipeline.reload_state import Files
from watcher.runtime import Runtime
from watcher.settings import SETTINGS, Setting
from watcher.store import channels, schema, subscriptions
from watcher.web.console import settings as page_of_settings

MARK = "SECRETMARK"
ON_SQLITE = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
"""For what does not ask the database anything of its own."""
CONFIG = f"""feeds:
  - url: https://{MARK.lower()}-feed.example/rss
    headers: {{X-Key: {{env: HEADER_{MARK}}}}}
channels:
  mail: {{kind: email, to: {MARK.lower()}@example.org, sender: w@watch.example, smtp_url: {{file: /run/{MARK}/smtp}},
         dkim: {{domain: watch.example, selector: s1, key: {{file: /run/{MARK}/dkim}}}}}}
  team: {{kind: slack, url: {{file: /run/{MARK}/slack}}}}
  hook: {{kind: webhook, url: "https://hook.example/{MARK}?token={MARK}", secret: {{file: /run/{MARK}/whsec}},
         old_secret: {{file: /run/{MARK}/old}}}}
  chat: {{kind: apprise, url: {{file: /run/{MARK}/apprise}}}}
subscriptions:
  desk: {{channels: [mail], title: 中国晨报, when: "daily 08:00", zone: Asia/Shanghai, rules: [funding],
         at_least: 1M USD}}
  urgent: {{channels: [team, hook], title: At once, when: immediate}}
ops: [mail]
public_url: https://watch.example
"""


@pytest.fixture
def rt(database_url: str, tmp_path: Path) -> Iterator[Runtime]:
    (tmp_path / "watcher.yml").write_text("feeds: []\n")
    (tmp_path / "rules").mkdir()
    paths = {"config_path": tmp_path / "watcher.yml", "rules_dir": tmp_path / "rules"}
    opened = open_service(database_url, tmp_path, **paths, secret_key=MARK * 5)
    yield opened
    opened.close()


@pytest.fixture
def client(rt: Runtime) -> Iterator[httpx.Client]:
    with at_desk(rt) as opened:
        yield opened


def words(page: str) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", page))


@ON_SQLITE
def test_nobody_sees_settings_without_a_login(rt: Runtime) -> None:
    with served(rt) as stranger:
        assert stranger.get("/settings").status_code == 303
        assert stranger.post("/settings").status_code == 303


@ON_SQLITE
def test_every_setting_stands_there_with_its_words(client: httpx.Client) -> None:
    page = client.get("/settings").text
    for one in SETTINGS:
        assert f"<code>{one.variable}</code>" in page


def test_no_secret_of_settings_or_channels_is_in_the_page(rt: Runtime, client: httpx.Client) -> None:
    secret = {one.name: f"{MARK}-{one.name}-{'x' * 32}" for one in SETTINGS if one.secret}
    held = {name: value for name, value in secret.items() if name != "admin_password"}
    loaded = read("watcher.yml", CONFIG)
    with rt.database.write() as conn:
        channels.sync(conn, loaded.channels, now=rt.clock())
        subscriptions.sync_subscriptions(conn, loaded.subscriptions, ops=loaded.ops, now=rt.clock())
    rt.settings = settings.with_values(rt.settings, **held)
    page = client.get("/settings").text
    assert MARK.lower() not in page.lower()
    assert rt.settings.admin_password is not None
    assert rt.settings.admin_password not in page
    assert words(page).count(" set ") >= len(secret)
    assert "https://hook.example/…" in page
    assert "signing secret set, older secret set" in page
    assert "DKIM for watch.example" in page
    assert "kept in a file" in page


def test_a_database_is_named_without_its_password(client: httpx.Client, rt: Runtime) -> None:
    page = client.get("/settings").text
    assert rt.database.where in page
    assert "postgresql+psycopg://" not in page


def test_subscriptions_are_shown_as_they_are_in_force(rt: Runtime, client: httpx.Client) -> None:
    loaded = read("watcher.yml", CONFIG)
    with rt.database.write() as conn:
        channels.sync(conn, loaded.channels, now=rt.clock())
        subscriptions.sync_subscriptions(conn, loaded.subscriptions, ops=loaded.ops, now=rt.clock())
    page = client.get("/settings").text
    assert '<span lang="zh">中国晨报</span>' in page
    assert "daily 08:00 Asia/Shanghai" in page
    assert "rules: funding; at least 1M USD" in page
    assert "team, hook" in page


@ON_SQLITE
def test_a_refused_file_is_shown_with_its_mistakes_and_since_when_the_good_one_holds(
    rt: Runtime, client: httpx.Client
) -> None:
    reload_state.note(rt, Files.CONFIG, version="v7")
    reload_state.note(rt, Files.CONFIG, version="v7", mistakes=["watcher.yml:12: no such kind <b>x</b>"])
    page = client.get("/settings").text
    assert '<span class="state state-bad">refused</span>' in page
    assert "watcher.yml:12: no such kind &lt;b&gt;x&lt;/b&gt;" in page
    assert "stays in force" in page
    assert "<code>v7</code>" in page


@ON_SQLITE
def test_a_reload_is_made_noted_and_told(rt: Runtime, client: httpx.Client) -> None:
    (rt.settings.config_path).write_text("channels: {x: {kind: pigeon}}\n")
    answer = fill(client, "/settings", {})
    page = client.get(answer.headers["location"]).text
    assert "Not all files were taken" in page
    assert "has no kind that exists" in page
    (line,) = rows(rt, schema.audit)
    assert (line["who"], line["action"], line["detail"]["ok"]) == ("admin", "config.reload", False)


@ON_SQLITE
def test_a_reload_without_the_seal_of_the_session_is_not_made(rt: Runtime, client: httpx.Client) -> None:
    assert client.post("/settings", data={"seal": "x"}).status_code == 403
    assert rows(rt, schema.audit) == []


def of(name: str) -> Setting:
    return next(one for one in SETTINGS if one.name == name)


@pytest.mark.parametrize(
    ("name", "value", "shown"),
    [
        ("secret_key", "x" * 40, "set"),
        ("secret_key", None, "unset"),
        ("web_port", 8080, "8080"),
        ("fetch_max_bytes", 10 * 2**20, "10 MiB"),
        ("fetch_max_bytes", 1536, "1.5 KiB"),
        ("retry_max_s", 14400.0, "14400 s (4 h)"),
        ("host_spacing_s", 2.0, "2 s"),
        ("story_days", 14, "14 days"),
        ("read_only", True, "yes"),
        ("read_only", False, "no"),
        ("trusted_proxies", (), "unset"),
        ("trusted_proxies", ("10.0.0.0/8", "::1/128"), "10.0.0.0/8, ::1/128"),
        ("user_agent_contact", "", "unset"),
    ],
)
def test_a_value_is_said_with_its_unit(name: str, value: Any, shown: str) -> None:
    assert page_of_settings._value(of(name), value) == shown


def test_a_value_is_told_apart_by_where_it_came_from(tmp_path: Path) -> None:
    (tmp_path / "port").write_text("9000\n")
    port = of("web_port")
    assert settings.given_by(port, 8080, {}) == "default"
    assert settings.given_by(port, 9000, {"WATCHER_WEB_PORT": "9000"}) == "environment"
    assert settings.given_by(port, 9000, {"WATCHER_WEB_PORT_FILE": str(tmp_path / "port")}) == "file"
    assert settings.given_by(port, 9001, {"WATCHER_WEB_PORT": "9000"}) == "command line"
