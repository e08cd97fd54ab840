"""A window that closes: what each channel is written when one event of fifty is poison, on an empty day, in Chinese."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path

import pytest
from row_factories import SNIPPET, WHO, add_feed, add_items, match, now
from typer.testing import CliRunner

from watcher import runtime, settings
from watcher.cli import digests as digests_cli
from watcher.model import (
    ChannelConfig,
    ChannelKind,
    EmptyDay,
    EventView,
    Language,
    Schedule,
    SubscriptionConfig,
    Window,
)
from watcher.pipeline import digest_view
from watcher.pipeline.close import close_digests
from watcher.runtime import Runtime
from watcher.store import channels, digests, events, items, overview, stories, subscriptions
from watcher.store.schema import deliveries as delivery_rows

READER = SubscriptionConfig(
    id="daily", title="Biotech deals", channels=("hook", "mail", "team"), schedule=Schedule(zone="Asia/Shanghai")
)
CHANNELS = (
    ChannelConfig(id="hook", kind=ChannelKind.WEBHOOK, url="https://receiver.example/"),
    ChannelConfig(
        id="mail",
        kind=ChannelKind.EMAIL,
        to="reader@example.org",
        sender="watcher@example.org",
        smtp_url="smtp://127.0.0.1:2525",
    ),
    ChannelConfig(id="team", kind=ChannelKind.SLACK, url="https://hooks.slack.example/x"),
)


@pytest.fixture
def rt(tmp_path: Path, sqlite_template: Path) -> Iterator[Runtime]:
    (tmp_path / "watcher.db").write_bytes(sqlite_template.read_bytes())
    (tmp_path / "watcher.yml").write_text("feeds: []\n", "utf-8")
    chosen = settings.with_values(settings.load({}), data_dir=tmp_path, config_path=tmp_path / "watcher.yml")
    opened = runtime.open(chosen)
    with opened.database.write() as conn:
        channels.sync(conn, CHANNELS, now=now())
        overview.remember(conn, "public_url", "https://watch.example")
    yield opened
    opened.close()


def subscribe(rt: Runtime, **changes) -> None:
    with rt.database.write() as conn:
        subscriptions.sync_subscriptions(conn, [replace(READER, **changes)], ops=["mail"], now=now())


def tell(rt: Runtime, count: int, *, closes_in: timedelta = timedelta(0)) -> int:
    """So many events in one window of the subscription; the digest's id."""
    feed = add_feed(rt.database, title="Park news")
    names = [f"n{number}" for number in range(count)]
    ids = add_items(rt.database, feed, *names) if names else []
    with rt.database.write() as conn:
        window = Window(key="2026-11-22", closes_at=now() + closes_in)
        digest = digests.open_window(conn, "daily", window, immediate=False, now=now())
        assert digest is not None
        for item in items.claim(conn, ids, owner=WHO, lease_s=60, now=now()):
            story = stories.ensure(conn, key=item.title, title=item.title, now=now())
            made = events.create(conn, story_id=story, match=match(), item=item, snippets=[SNIPPET], now=now())
            assert made is not None
            events.add_source(conn, made, item.id, now=now())
            digests.add_alert(
                conn,
                subscription_id="daily",
                event_id=made,
                revision=1,
                reason="rule funding",
                digest_id=digest,
                now=now(),
            )
    return digest


def close(rt: Runtime, digest: int) -> dict[str, list[bytes]]:
    """The bytes of every message, by channel."""
    close_digests(rt, [digest])
    found: dict[str, list[bytes]] = {}
    with rt.database.read() as conn:
        for row in conn.execute(delivery_rows.select().order_by(delivery_rows.c.id)):
            found.setdefault(row.channel_id, []).append(row.body)
    return found


def mail(written: dict[str, list[bytes]]) -> EmailMessage:
    (raw,) = written["mail"]
    return message_from_bytes(raw, policy=policy.default)


def text(message: EmailMessage, kind: str = "plain") -> str:
    part = message.get_body((kind,))
    assert part is not None
    return str(part.get_content())


def told_to_ops(rt: Runtime) -> list[str]:
    with rt.database.read() as conn:
        rows = conn.exec_driver_sql("SELECT notice FROM digests WHERE notice IS NOT NULL ORDER BY id").scalars()
        return [json.loads(row)["subject"] for row in rows]


@pytest.fixture
def poison(rt: Runtime, monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Let one event come from the store as no feed of ours could have put it there."""

    def inject(**changes) -> None:
        views = events.views

        def spoilt(conn, ids) -> dict[int, EventView]:
            found = views(conn, ids)
            return {
                one: replace(view, **changes) if view.title == "Title of n7" else view for one, view in found.items()
            }

        monkeypatch.setattr(digest_view.events, "views", spoilt)

    return inject


@pytest.mark.parametrize(
    "title",
    [
        pytest.param("Hi\r\nBcc: v@x.example", id="input-107"),
        pytest.param("a\u2028b\u0085c\x0bd", id="input-108"),
        pytest.param("lone \ud800 surrogate", id="input-109"),
        pytest.param("NUL \x00 here", id="input-110"),
        pytest.param("pay\u202egnp.exe", id="input-111"),
        pytest.param("=?utf-8?b?QmNj?=", id="input-112"),
        pytest.param("x" * 2000, id="input-113"),
    ],
)
def test_one_poisoned_title_in_fifty_is_cleaned_and_all_fifty_are_told(rt: Runtime, poison, title: str) -> None:
    subscribe(rt)
    poison(title=title)
    written = close(rt, tell(rt, 50))
    message = mail(written)
    assert message["Subject"].startswith("Biotech deals: 50 events, ")
    assert message["Bcc"] is None
    for kind in ("plain", "html"):
        body = text(message, kind)
        assert sum(f"Title of n{number}" in body for number in range(50)) == 49
        assert "could not be written" not in body
        assert not set("\x00\x0b\u0085\u2028\u202e\ud800") & set(body)
    assert len(text(message, "html").encode()) <= 80_000
    assert {"hook", "mail", "team"} == written.keys()
    assert "cannot be used" not in " ".join(told_to_ops(rt))


def test_an_event_that_cannot_be_written_at_all_is_named_and_forty_nine_go_out(rt: Runtime, poison) -> None:
    subscribe(rt, channels=("mail",))
    poison(sources=None)
    message = mail(close(rt, tell(rt, 50)))
    assert message["Subject"].startswith("Biotech deals: 49 events, ")
    for kind in ("plain", "html"):
        body = " ".join(text(message, kind).split())
        assert "Left out: event 8 could not be written" in body
        assert "Title of n7 " not in body
    assert told_to_ops(rt) == ["An event could not be written"]


def test_a_digest_whose_only_event_is_poison_still_says_so(rt: Runtime, poison, monkeypatch) -> None:
    subscribe(rt, channels=("mail",), language=Language.CHINESE)
    views = events.views
    monkeypatch.setattr(
        digest_view.events,
        "views",
        lambda conn, ids: {one: replace(view, sources=None) for one, view in views(conn, ids).items()},
    )
    message = mail(close(rt, tell(rt, 1)))
    assert "1个事件无法显示" in message["Subject"]
    assert "未列出：事件1无法写入邮件" in text(message)


@pytest.mark.parametrize(
    "template",
    [
        pytest.param("{% for e in entries %}{{ e.nothing if e.title == 'Title of n7' }}{% endfor %}", id="input-144"),
        pytest.param("{% for e in entries %}{{ 5 * 5 if e.title == 'Title of n7' }}{% endfor %}", id="input-143"),
    ],
)  # fmt: skip
def test_a_template_that_fails_on_one_event_of_fifty_gives_way_to_the_shipped_one(rt: Runtime, template: str) -> None:
    folder = rt.settings.config_path.parent / "mail"
    folder.mkdir()
    (folder / "digest.txt.j2").write_text(template + "mine", "utf-8")
    with rt.database.write() as conn:
        own = [replace(one, templates="mail") if one.id == "mail" else one for one in CHANNELS]
        channels.sync(conn, own, now=now())
    subscribe(rt, channels=("mail",))
    body = text(mail(close(rt, tell(rt, 50))))
    assert all(f"Title of n{number}" in body for number in range(50))
    assert told_to_ops(rt) == ["The templates of channel mail cannot be used"]


def test_input_145_an_empty_subject_is_never_sent(rt: Runtime) -> None:
    folder = rt.settings.config_path.parent / "mail"
    folder.mkdir()
    (folder / "subject.txt.j2").write_text("{# nothing #}\n", "utf-8")
    with rt.database.write() as conn:
        own = [replace(one, templates="mail") if one.id == "mail" else one for one in CHANNELS]
        channels.sync(conn, own, now=now())
    subscribe(rt, channels=("mail",))
    assert mail(close(rt, tell(rt, 2)))["Subject"].startswith("Biotech deals: 2 events, ")


# ── empty days, links, languages ─────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(("empty", "messages"), [(EmptyDay.SEND, 1), (EmptyDay.SKIP, 0)])
def test_an_empty_day_is_told_to_those_who_want_to_know(rt: Runtime, empty: EmptyDay, messages: int) -> None:
    subscribe(rt, channels=("mail",), empty=empty)
    written = close(rt, tell(rt, 0))
    assert len(written.get("mail", [])) == messages
    if messages:
        message = mail(written)
        assert "nothing new" in message["Subject"]
        assert "0 of 1 feed checked." in text(message)


def test_every_entry_and_the_foot_carry_their_signed_links(rt: Runtime) -> None:
    subscribe(rt, channels=("mail",))
    body = text(mail(close(rt, tell(rt, 2))))
    for label in ("Open", "Useful", "Not useful", "Mute this story"):
        assert body.count(f"  {label}: https://watch.example/") == 2
    for label in ("View in browser", "Preferences", "Unsubscribe", "Follow as a feed"):
        assert body.count(f"\n{label}: https://watch.example/") == 1


def test_a_chinese_reader_gets_the_whole_message_in_chinese(rt: Runtime) -> None:
    subscribe(rt, channels=("mail",), language=Language.CHINESE, currency="EUR", title="生物技术")
    message = mail(close(rt, tell(rt, 2)))
    body = text(message)
    assert "生物技术：2个事件，" in message["Subject"]
    assert "== 融资 (2) ==" in body  # the title of the shipped rule
    assert "500万美元（约合" in body
    assert "入选原因：规则：融资" in body
    assert "退订: https://watch.example/u/" in body
    assert '<html lang="zh-Hans"' in text(message, "html")


def test_what_the_service_says_of_itself_has_no_link_to_unsubscribe(rt: Runtime) -> None:
    subscribe(rt)
    with rt.database.write() as conn:
        digests.add_notice(conn, "k", digest_view_notice(), now=now())
        (one,) = digests.due(conn, now=now() + timedelta(seconds=1), limit=5)
    assert "/u/" not in text(mail(close(rt, one)))


def digest_view_notice():
    from watcher.model import Notice

    return Notice(subject="2 feeds fail", lines=("A: http 403",))


# ── preview ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def preview(rt: Runtime, monkeypatch: pytest.MonkeyPatch, *options: str) -> str:
    for name, value in (("DATA_DIR", rt.settings.data_dir), ("CONFIG_PATH", rt.settings.config_path)):
        monkeypatch.setenv(f"WATCHER_{name}", str(value))
    found = CliRunner().invoke(digests_cli.app, ["preview", *options], catch_exceptions=False)
    assert found.exit_code == 0, found.output
    return found.stdout


def rows(rt: Runtime) -> dict[str, int]:
    with rt.database.read() as conn:
        return overview.counts(conn)


def test_a_preview_shows_the_open_window_and_writes_nothing(rt: Runtime, monkeypatch, tmp_path: Path) -> None:
    subscribe(rt)
    tell(rt, 3, closes_in=timedelta(hours=5))
    before = rows(rt)
    shown = preview(rt, monkeypatch)
    assert shown.startswith("Subject: Biotech deals: 3 events, ")
    assert "Title of n2" in shown
    assert "Subject: Biotech deals：3个事件，" in preview(rt, monkeypatch, "daily", "--language", "zh")
    file = tmp_path / "digest.html"
    assert preview(rt, monkeypatch, "daily", "--html", str(file)) == ""
    assert "Title of n2" in file.read_text("utf-8")
    assert "Title of n2" in preview(rt, monkeypatch, "--html", str(file), "--text")
    assert rows(rt) == before


def test_a_preview_of_the_last_days_asks_the_subscription_again(rt: Runtime, monkeypatch) -> None:
    subscribe(rt)
    tell(rt, 3)
    with rt.database.write() as conn:
        conn.exec_driver_sql("UPDATE digests SET closed_at = closes_at")
    assert "nothing new" in preview(rt, monkeypatch)
    assert "3 events" in preview(rt, monkeypatch, "--days", "2")
    subscribe(rt, at_least="1bn USD", at_least_usd=1e9)
    assert "nothing new" in preview(rt, monkeypatch, "--days", "2")


def test_a_preview_for_a_channel_is_in_the_channels_own_form(rt: Runtime, monkeypatch) -> None:
    subscribe(rt)
    tell(rt, 1)
    assert json.loads(preview(rt, monkeypatch, "--channel", "team"))["blocks"]
    assert json.loads(preview(rt, monkeypatch, "--channel", "hook"))["type"] == "digest.closed"
    assert preview(rt, monkeypatch, "--channel", "mail").startswith("Subject: ")


@pytest.mark.parametrize(
    ("options", "why"),
    [(("nobody",), "no subscription is called 'nobody': daily"), (("--channel", "x"), "no channel is called 'x'")],
)
def test_a_preview_of_what_is_not_there_says_what_is(rt: Runtime, monkeypatch, options, why) -> None:
    subscribe(rt)
    with pytest.raises(AssertionError, match=why):
        preview(rt, monkeypatch, *options)
