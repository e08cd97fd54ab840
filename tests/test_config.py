"""watcher.yml: what a sound file gives, and what a person is told of each mistake, all at once."""

from __future__ import annotations

import json
from datetime import time
from importlib import resources
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from watcher import config, wording
from watcher.config.values import parse_when
from watcher.errors import Mistakes
from watcher.model import (
    AlertHistory,
    ChannelConfig,
    ChannelKind,
    Config,
    FeedConfig,
    RuleParams,
    Schedule,
    Secret,
    SubscriptionConfig,
    UnknownAmount,
    When,
)

SOUND = """\
feeds:
  - https://example.org/a.xml
  - url: https://example.org/b.json
    title: B
    language: zh-Hant
    tags: [press, asia]
    alert_history: 24h
    every: 1h30m
    headers: {Authorization: {env: TOKEN}}
channels:
  me: {kind: email, to: Me <me@example.org>, sender: W <w@example.org>, smtp_url: "smtp://mail:1025"}
  team: {kind: slack, url: {env: SLACK}, allow_private: true}
  hook: {kind: webhook, url: https://hooks.example.org/w, secret: {file: secrets/hook}}
subscriptions:
  daily: {channels: [me]}
  big:
    title: Big money
    channels: [team, hook]
    rules: [funding]
    places: [Chongqing]
    parties: [AstraZeneca]
    languages: [en, zh]
    tags: [press]
    at_least: 10 million usd
    params: {funding: {at_least: 5M EUR, unknown_amount: match}, pacts: {unknown_amount: skip}}
    when: weekly mon 07:30
    zone: Asia/Shanghai
ops: [me]
public_url: https://watch.example.org
rules_dir: my-rules
"""


def lines(text: str) -> list[str]:
    with pytest.raises(Mistakes) as caught:
        config.read("w.yml", text)
    return [str(mistake) for mistake in caught.value.mistakes]


def mail(to: str = "a@b.example", sender: str = "c@d.example") -> str:
    return f"feeds: []\nchannels: {{a: {{kind: email, to: '{to}', sender: '{sender}', smtp_url: {{env: X}}}}}}"


@pytest.mark.parametrize(
    "address", ["a@b.example", "x" * 64 + "@b.example", "leser@bücher.example", "a+b@c.example", "W <w@x.example>"]
)
def test_an_address_that_the_file_takes_is_one_that_mail_can_be_sent_to(address: str) -> None:
    (channel,) = config.read("w.yml", mail(to=address, sender=address)).channels
    assert wording.mail_address(channel.to)
    assert wording.mail_address(channel.sender)


def test_the_longest_language_and_address_of_a_feed_are_taken() -> None:
    url = f"https://a.example/{'x' * 1982}"
    (feed,) = config.read("w.yml", f"feeds: [{{url: {url}, language: zh-Hant-TW-pinyi}}]").feeds
    assert (len(feed.url), len(feed.language or "")) == (2000, 16)


def test_a_sound_file_becomes_the_model() -> None:
    assert config.read("w.yml", SOUND) == Config(
        feeds=(
            FeedConfig(url="https://example.org/a.xml"),
            FeedConfig(
                url="https://example.org/b.json",
                title="B",
                language="zh-Hant",
                tags=("press", "asia"),
                alert_history=AlertHistory.DAY,
                every_s=5400,
                headers={"Authorization": Secret(env="TOKEN")},
            ),
        ),
        channels=(
            ChannelConfig(
                id="me",
                kind=ChannelKind.EMAIL,
                to="me@example.org",
                sender="W <w@example.org>",
                smtp_url="smtp://mail:1025",
            ),
            ChannelConfig(id="team", kind=ChannelKind.SLACK, url=Secret(env="SLACK"), allow_private=True),
            ChannelConfig(
                id="hook",
                kind=ChannelKind.WEBHOOK,
                url="https://hooks.example.org/w",
                secret=Secret(file="secrets/hook"),
            ),
        ),
        subscriptions=(
            SubscriptionConfig(id="daily", title="daily", channels=("me",)),
            SubscriptionConfig(
                id="big",
                title="Big money",
                channels=("team", "hook"),
                rules=("funding",),
                places=("Chongqing",),
                parties=("AstraZeneca",),
                languages=("en", "zh"),
                tags=("press",),
                at_least="10M USD",
                at_least_usd=10e6,
                params={
                    "funding": RuleParams(at_least="5M EUR", unknown_amount=UnknownAmount.MATCH),
                    "pacts": RuleParams(unknown_amount=UnknownAmount.SKIP),
                },
                schedule=Schedule(when=When.WEEKLY, at=time(7, 30), weekday=0, zone="Asia/Shanghai"),
            ),
        ),
        ops=("me",),
        public_url="https://watch.example.org",
        rules_dir="my-rules",
    )


def test_every_mistake_comes_at_once_with_its_line_and_its_cure() -> None:
    text = """\
feeds:
  - url: https://example.org/b.xml
    titel: x
    every: 15 minutes
    headers: {Authorization: "Bearer x", host: {env: X}}
  - url: https://u:p@example.org/
channels:
  team: {kind: slack, url: https://hooks.slack.com/x}
  m: {kind: email, to: a@b.c, sender: a@b.c, smtp_url: "smtp://u:p@h:25"}
  w: {kind: webhok}
subscriptions:
  d:
    channels: [mm, m, m]
    at_least: 10M UDS
    when: daily 8
    zone: Europe/Berln
ops: [nobody]
public_ur: https://x.example
"""
    assert lines(text) == [
        "w.yml:3: unknown key 'titel' (did you mean title?)",
        "w.yml:4: '15 minutes' is no time between polls (a duration from 1s to 30d, as 15m, 1h or 1h30m)",
        "w.yml:5: Authorization is a secret and must not stand in this file (write {env: NAME} or {file: path})",
        "w.yml:5: host is set by the fetcher itself (delete the line)",
        "w.yml:6: a name or password inside a URL would end up in logs "
        "(for a feed, headers: {Authorization: …}; for a channel write {env: NAME} or {file: path})",
        "w.yml:8: url is a secret and must not stand in this file (write {env: NAME} or {file: path})",
        "w.yml:9: smtp_url holds a password, which must not stand in this file (write {env: NAME} or {file: path})",
        "w.yml:10: channel 'w' has no kind that exists (write kind: email, slack, webhook or apprise)",
        "w.yml:13: there is no channel 'mm' (did you mean m?)",
        "w.yml:13: 'm' is listed twice (keep one of them)",
        "w.yml:14: 'UDS' is no currency (a number, k, M or bn, and a currency, as 10M USD or 500k EUR)",
        "w.yml:15: 'daily 8' is no schedule "
        "(write immediate, hourly, daily 08:00, daily 08:00 on weekdays, or weekly mon 08:00)",
        "w.yml:16: 'Europe/Berln' is no time zone (did you mean Europe/Berlin?)",
        "w.yml:17: there is no channel 'nobody' (there is team, m and w)",
        "w.yml:18: unknown key 'public_ur' (did you mean public_url?)",
    ]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "w.yml:1: the file is empty, and an empty file would retire every feed (write feeds: [] to watch"),
        ("- a", "w.yml:1: the file must be a mapping of feeds, channels, subscriptions, ops, public_url, signup, pub"),
        ("ops: []", "w.yml:1: feeds is missing (What to watch.)"),
        (
            "feeds: []\npublic_url: https://w.example\nchannels: {t: {kind: slack, url: {env: X}}}\n"
            "signup: {channel: t}",
            "w.yml:4: channel 't' sends no mail (name a channel of kind: email)",
        ),
        (
            "feeds: []\nchannels: {m: {kind: email, to: a@b.org, sender: a@b.org, smtp_url: 'smtp://h:25'}}\n"
            "signup: {channel: m}",
            "w.yml:3: letters of sign-up need an address to lead to (write public_url: https://…)",
        ),
        ("feeds: https://a.example/", "w.yml:1: feeds must be a list, not text (write feeds: [https://a.example/])"),
        ("feeds: [12]", "w.yml:1: feeds must be a mapping of url, title"),
        ("feeds: [ftp://a.example/x]", "w.yml:1: 'ftp://a.example/x' is no web address (write it whole"),
        ("feeds: ['http://[::1']", "w.yml:1: 'http://[::1' is no URL"),
        ("feeds: ['https://a.example:99999/']", "w.yml:1: 'https://a.example:99999/' is no URL"),
        ("feeds: ['https://a.example/ b']", "is no web address"),
        ("feeds: ['https://a.example/\\u0000']".replace("'", '"'), "url must be one line of text"),
        ("feeds: [{title: x}]", "w.yml:1: url is missing in feeds (The feed's address"),
        ("feeds: [https://a.example/, https://a.example/]", "is listed twice (first on line 1) (keep one of them)"),
        ("feeds: [{url: https://a.example/, alert_history: yes}]", "'yes' cannot be used for alert_history (write"),
        ("feeds: [{url: https://a.example/, language: English}]", "'English' is no language (a code, as en or zh)"),
        ("feeds: [{url: https://a.example/, language: zh-Hant-TW-pinyin}]", "is longer than 16 characters (a code, as"),
        (f"feeds: [https://a.example/{'x' * 1983}]", "is longer than 2000 characters"),
        ("feeds: [{url: https://a.example/, every: 0s}]", "'0s' is no time between polls"),
        ("feeds: [{url: https://a.example/, every: 60}]", "'60' is no time between polls"),
        ("feeds: [{url: https://a.example/, headers: [a]}]", "headers must be a mapping, not a list"),
        ("feeds: [{url: https://a.example/, headers: {'a b': {env: X}}}]", "'a b' is no name of an HTTP header"),
        ("feeds: [{url: https://a.example/, headers: {a: {env: X, file: y}}}]", "a must say where the secret is"),
        ("feeds: [{url: https://a.example/, headers: {a: {env: 'A B'}}}]", "'A B' is no name of a variable"),
        ("feeds: [{url: https://a.example/, headers: {a: {file: ''}}}]", "file must name a file"),
        ("feeds: [{url: https://a.example/, headers: {a: '${TOKEN}'}}]", "(write {env: TOKEN})"),
        ("feeds: []\nchannels: [a]", "w.yml:2: channels must be a mapping from ids, not a list"),
        ("feeds: []\nchannels: {My Mail: {kind: email}}", "w.yml:2: 'My Mail' cannot be an id (small letters"),
        ("feeds: []\nchannels: {a: b}", "channel 'a' has no kind that exists"),
        ("feeds: []\nchannels: {a: {kind: [email]}}", "channel 'a' has no kind that exists"),
        (
            "feeds: []\nchannels: {a: {kind: slack}}",
            "w.yml:2: url is missing in a (The incoming webhook's URL, a secret",
        ),
        ("feeds: []\nchannels: {a: {kind: slack, url: {env: X}, to: b}}", "unknown key 'to'"),
        ("feeds: []\nchannels: {a: {kind: slack, url: {env: X}, allow_private: 'yes'}}", "must be true or false"),
        ("feeds: []\nchannels: {a: {kind: email, to: x, sender: a@b.c, smtp_url: {env: X}}}", "'x' is no mail address"),
        ("feeds: []\nchannels: {a: {kind: email, to: 'a@b.c, d@e.f', sender: a@b.c, smtp_url: {env: X}}}", "no mail"),
        (
            "feeds: []\nchannels: {a: {kind: email, to: a@b.c, sender: a@b.c, smtp_url: mail:25}}",
            "no address of a mail",
        ),
        (mail(to=f"{'x' * 65}@b.example"), "mail cannot be sent with the address 'xxx"),
        (mail(sender=f"W <{'x' * 65}@b.example>"), "mail cannot be sent with the address 'W <xxx"),
        (mail(to="ü@b.example"), "mail cannot be sent with the address 'ü@b.example' (at most 64 letters before"),
        (mail(sender="a@b..example"), "mail cannot be sent with the address 'a@b..example'"),
        ("feeds: []\nchannels: {a: {kind: webhook, url: https://a.example/}}", "secret is missing in a (The whsec_…"),
        ("feeds: []\nsubscriptions: {a: {channels: []}}", "w.yml:2: subscription 'a' tells nobody"),
        ("feeds: []\nsubscriptions: {a: {}}", "channels is missing in a"),
        ("feeds: []\nsubscriptions: {a: {channels: [b]}}", "there is no channel 'b' (describe it under channels:)"),
        ("feeds: []\nsubscriptions: {a: {channels: [b], at_least: 10M}}", "'10M' is no amount of money"),
        (
            "feeds: []\nsubscriptions: {a: {channels: [b], params: {funding: {unknown_amount: no}}}}",
            "'no' cannot be used for unknown_amount (write match or skip)",
        ),
        (
            "feeds: []\nsubscriptions: {a: {channels: [b], params: {funding: {at_lest: 1 USD}}}}",
            "unknown key 'at_lest' (did you mean at_least?)",
        ),
        ("feeds: []\nsubscriptions: {a: {channels: [b], params: [x]}}", "params must be a mapping from rules"),
        ("feeds: []\nsubscriptions: {a: {channels: [b], at_least: true}}", "'True' is no amount of money"),
        ("feeds: []\nsubscriptions: {a: {channels: [b], at_least: -1 USD}}", "'-1 USD' is no amount of money"),
        ("feeds: []\nsubscriptions: {a: {channels: [b], zone: 8}}", "'8' is no time zone"),
        ("feeds: []\nsubscriptions: {a: {channels: [b], zone: ../etc}}", "'../etc' is no time zone"),
        ("feeds: []\nsubscriptions: {a: {channels: [b], places: [1]}}", "places must be text, not a number"),
        ("feeds: []\nfeeds: []", "key 'feeds' is written twice (first on line 1) (keep one of them)"),
        ("feeds: [!!python/object/apply:os.system [id]]", "tag"),
        ("feeds: &a [*a]", "anchor &a is not allowed"),
        ("feeds: [", "w.yml:2: while parsing a flow node"),
    ],
)
def test_a_mistake_is_told(text: str, told: str) -> None:
    assert any(told in line for line in lines(text)), lines(text)


@pytest.mark.parametrize(
    ("words", "schedule"),
    [
        ("immediate", Schedule(when=When.IMMEDIATE)),
        ("Hourly", Schedule(when=When.HOURLY)),
        ("daily 08:00", Schedule(when=When.DAILY, at=time(8))),
        ("daily 8:05", Schedule(when=When.DAILY, at=time(8, 5))),
        ("daily 23:59 on weekdays", Schedule(when=When.DAILY, at=time(23, 59), weekdays_only=True)),
        ("weekly mon 08:00", Schedule(when=When.WEEKLY, at=time(8), weekday=0)),
        ("weekly on Sunday 00:00", Schedule(when=When.WEEKLY, at=time(0), weekday=6)),
        ("daily", None),
        ("daily 24:00", None),
        ("daily 08:00 on sundays", None),
        ("weekly 08:00", None),
        ("weekly mo 08:00", None),
        ("hourly 08:00", None),
        ("", None),
        ("daily ０8:00", None),
    ],
)
def test_a_schedule_is_read_from_its_words(words: str, schedule: Schedule | None) -> None:
    assert parse_when(words) == schedule


@pytest.mark.parametrize(
    ("written", "kept", "usd"),
    [
        ("10M USD", "10M USD", 10e6),
        ("500k eur", "500k EUR", None),
        ("1.5bn CNY", "1.5bn CNY", None),
        ("2 billion USD", "2bn USD", 2e9),
        ("250000 USD", "250000 USD", 250000.0),
        ("0", "0 USD", 0.0),
        ("0 EUR", "0 EUR", None),
    ],
)
def test_a_threshold_is_kept_in_one_spelling(written: str, kept: str, usd: float | None) -> None:
    text = (
        "feeds: []\nchannels: {c: {kind: slack, url: {env: X}}}\n"
        f"subscriptions: {{a: {{channels: [c], at_least: {written}}}}}"
    )
    (subscription,) = config.read("w.yml", text).subscriptions
    assert (subscription.at_least, subscription.at_least_usd) == (kept, usd)


def test_a_file_that_is_not_there_or_not_text_is_a_mistake(tmp_path: Path) -> None:
    path = tmp_path / "watcher.yml"
    with pytest.raises(Mistakes, match=r"watcher.yml: no such file or directory \(`watcher init` writes a starter\)"):
        config.load(path)
    path.write_bytes(b"feeds: [\xff]")
    with pytest.raises(Mistakes, match=r"watcher.yml: is not UTF-8 text"):
        config.load(path)
    with pytest.raises(Mistakes, match="is a directory"):
        config.load(tmp_path)


def test_no_mistake_repeats_a_secret() -> None:
    text = (
        "feeds: [https://u:hunter2@a.example/]\nchannels:\n"
        "  a: {kind: email, to: a@b.c, sender: a@b.c, smtp_url: 'smtp://u:hunter2@h'}\n"
        "  b: {kind: slack, url: hunter2}\n"
    )
    told = lines(text)
    assert len(told) == 3
    assert "hunter2" not in str(told)


def test_the_published_schema_is_the_one_that_the_tables_give() -> None:
    published = json.loads(resources.files("watcher.data").joinpath("config.schema.json").read_text("utf-8"))
    assert published == config.schema()
    jsonschema.Draft202012Validator.check_schema(published)


@pytest.mark.parametrize(
    ("text", "valid"),
    [
        (SOUND, True),
        ("feeds: []", True),
        ("feeds: [{url: https://a.example/, titel: x}]", False),
        ("feeds: [{url: https://a.example/, language: zh-Hant-TW-pinyin}]", False),
        (f"feeds: [https://a.example/{'x' * 1983}]", False),
        ("feeds: []\nchannels: {a: {kind: slack, url: https://a.example/}}", False),
        ("ops: []", False),
    ],
)
def test_the_schema_agrees_with_the_reader(text: str, valid: bool) -> None:
    value: Any = yaml.load(text, Loader=yaml.BaseLoader)
    if text == SOUND:
        value["channels"]["team"]["allow_private"] = True
    found = list(jsonschema.Draft202012Validator(config.schema()).iter_errors(value))
    assert (not found) == valid, found


def test_the_starter_is_sound_and_so_is_all_that_it_shows_in_comments() -> None:
    starter = resources.files("watcher.data").joinpath("starter.yml").read_text("utf-8")
    assert config.read("watcher.yml", starter) == Config()
    shown = "\n".join(
        line.replace("  # ", "  ", 1) if line.startswith("  # ") else line
        for line in starter.splitlines()
        if not line.strip().startswith(("[]", "{}"))
    )
    loaded = config.read("watcher.yml", shown)
    assert (len(loaded.feeds), len(loaded.channels), len(loaded.subscriptions)) == (2, 3, 2)
