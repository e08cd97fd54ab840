"""Log lines: JSON with stable names, one line each whatever is in them, and never a secret."""

from __future__ import annotations

import json
import logging

import pytest
import structlog

from watcher import log, settings
from watcher.settings import Settings


def lines(capsys: pytest.CaptureFixture[str]) -> list[str]:
    return capsys.readouterr().err.splitlines()


@pytest.mark.parametrize(
    ("text", "secret"),
    [
        ("404 from https://hooks.slack.com/services/T000/B000/XXXXXXXX", "XXXXXXXX"),
        ("hooks.slack.com/workflows/T0/A0/1/abcdefgh refused", "abcdefgh"),
        ("Error 111 connecting to redis://:hunter2secret@broker.example:6379/0", "hunter2secret"),
        ("kombu: rediss://user:hunter2secret@broker.example/0 is away", "hunter2secret"),
        ("connection to postgresql+psycopg://watcher:p%40ss-word@db/watcher failed", "p%40ss-word"),
        ("smtps://me@example.org:app-password@mail.example:465", "app-password"),
        ("headers {'Authorization': 'Bearer abcdef123456', 'Accept': '*/*'}", "abcdef123456"),
        ("Authorization: Basic dXNlcjpwYXNzd29yZA==", "dXNlcjpwYXNzd29yZA"),
        ("Set-Cookie: watcher-session=abcdefghijkl; HttpOnly", "abcdefghijkl"),
        ("wrong key whsec_MTIzNDU2Nzg5MDEyMzQ1Njc4OTA=", "MTIzNDU2"),
        ("token wat_abcdefghijklmnop was revoked", "abcdefghijkl"),
        ("xoxb-1234567890-abcdef is no webhook", "1234567890"),
        ("GET https://api.example/feed?api_key=k3y-of-ours&page=2 answered 403", "k3y-of-ours"),
        ("https://prod.logic.azure.com/workflows/1/triggers?sp=run&sig=AbC-123", "AbC-123"),
        ("https://discord.com/api/webhooks/123/tokentoken", "tokentoken"),
        ("POST https://watch.example/u/eyJzIjoibW9ybmluZyJ9.c2lnbmF0dXJl", "c2lnbmF0dXJl"),
        ("-----BEGIN RSA PRIVATE KEY-----\nMIIEsecret\n-----END RSA PRIVATE KEY-----", "MIIEsecret"),
    ],
)
@pytest.mark.parametrize("place", ["value", "list", "event", "exception", "library"])
def test_no_secret_reaches_a_line(text: str, secret: str, place: str, capsys: pytest.CaptureFixture[str]) -> None:
    log.configure(form="json")
    ours = log.get("test")
    if place == "value":
        ours.warning("failed", why=text)
    elif place == "list":
        ours.warning("failed", mistakes=[text], about={"answer": (text,)})
    elif place == "event":
        ours.warning(text)
    elif place == "library":
        logging.getLogger("kombu").error("lost: %s", text)
    else:
        try:
            raise ValueError(text)
        except ValueError:
            ours.exception("failed")
    (line,) = lines(capsys)
    assert secret not in line
    assert log.HIDDEN in line


def test_the_secrets_of_the_settings_are_left_out_wherever_they_stand(capsys: pytest.CaptureFixture[str]) -> None:
    chosen = Settings(secret_key="k" * 40, database_url="postgresql+psycopg://db.example/w?sslkey=odd")
    log.configure(form="json", hide=settings.secrets(chosen))
    log.get("test").warning(f"signed with {'k' * 40}", url=chosen.database_url)
    (line,) = lines(capsys)
    told = json.loads(line)
    assert (told["event"], told["url"]) == ("signed with ***", "***")


@pytest.mark.parametrize(
    "text",
    [
        "https://www.example.org/news/2026/03/token-of-the-year",
        "The basic research programme raised 5M USD",
        "feed https://example.org/feed.xml?page=2&lang=en answered 200",
        "an address like reader@example.org",
    ],
)
def test_what_is_no_secret_stays_as_it_is(text: str) -> None:
    assert log.redact(text) == text


@pytest.mark.parametrize("form", ["json", "console"])
def test_a_title_can_neither_forge_a_line_nor_move_a_cursor(form: str, capsys: pytest.CaptureFixture[str]) -> None:
    log.configure(form=form)
    hostile = '\n{"level":"info","event":"forged"}\r\x1b[2J\x9b2J\u2028\u202eevil\x00'
    log.get("test").error(hostile, title=hostile, titles=[hostile])
    said = capsys.readouterr().err
    assert len(said.splitlines()) == 1
    plain = said.replace("\x1b[", "") if form == "console" else said  # its own colours
    assert not set(plain) & set("\r\x00\x9b\u2028\u202e")
    assert "\x1b[2J" not in said
    if form == "json":
        assert (
            json.loads(said)["title"]
            == '\\n{"level":"info","event":"forged"}\\x0d\\x1b[2J\\x9b2J\\u2028\\u202eevil\\x00'
        )


def test_names_are_the_same_whatever_a_module_calls_them(capsys: pytest.CaptureFixture[str]) -> None:
    log.configure(form="json")
    with log.traced("abc123"):
        log.get("pipeline").info("polled", feed=7, item=8, delivery=9, digest=10, channel="me", why="because")
    told = json.loads(lines(capsys)[0])
    told.pop("timestamp")
    assert told == {
        "part": "pipeline",
        "trace": "abc123",
        "event": "polled",
        "level": "info",
        "feed_id": 7,
        "item_id": 8,
        "delivery_id": 9,
        "digest_id": 10,
        "channel_id": "me",
        "reason": "because",
    }


def test_the_level_and_the_form_are_what_the_settings_say(capsys: pytest.CaptureFixture[str]) -> None:
    log.configure(level="WARNING", form="console")
    log.get("test").info("quiet")
    log.get("test").warning("told", feed=1)
    (line,) = lines(capsys)
    with pytest.raises(json.JSONDecodeError):
        json.loads(line)
    assert "told" in line
    structlog.contextvars.clear_contextvars()


def test_a_long_value_is_cut_and_a_secret_is_not_cut_in_two(capsys: pytest.CaptureFixture[str]) -> None:
    log.configure(form="json")
    log.get("test").warning("long", text="x" * 3990 + " whsec_" + "A" * 40 + "y" * 5000)
    told = json.loads(lines(capsys)[0])
    assert len(told["text"]) <= 4000
    assert "AAAA" not in told["text"]
