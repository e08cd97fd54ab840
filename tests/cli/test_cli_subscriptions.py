"""`watcher subscriptions …` and what `watcher config check` says of rules that nobody wrote."""

from __future__ import annotations

import json
from datetime import UTC, datetime, time
from pathlib import Path

import pytest
from row_factories import now, subscription
from typer.testing import CliRunner, Result

from watcher.cli import config
from watcher.cli.subscriptions import app
from watcher.model import Budget, EmptyDay, Mute, MuteKind, QuietHours, RuleParams, Schedule, When
from watcher.store import subscriptions
from watcher.store.database import Database

READER = subscription(
    "china-biotech",
    title="China biotech for the board",
    channels=("mail-board", "slack-board"),
    rules=("licensing-deal", "funding"),
    places=("Chongqing",),
    at_least="100M USD",
    params={"funding": RuleParams(at_least="20M USD")},
    schedule=Schedule(at=time(8), weekdays_only=True, zone="Asia/Shanghai"),
    quiet=QuietHours(begins=time(22), ends=time(7)),
    budget=Budget(messages=20, per_s=3600),
    empty=EmptyDay.SEND,
    mutes=(Mute(kind=MuteKind.PARTY, value="Acme", until=datetime(2020, 1, 1, tzinfo=UTC)),),
)


@pytest.fixture(autouse=True)
def _rows(sqlite_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WATCHER_DATABASE_URL", sqlite_url)
    monkeypatch.setenv("WATCHER_DATA_DIR", str(tmp_path))
    monkeypatch.setenv("WATCHER_CONFIG_PATH", str(tmp_path / "watcher.yml"))
    database = Database(sqlite_url)
    with database.write() as conn:
        weekly = subscription("weekly", schedule=Schedule(when=When.WEEKLY, weekday=4))
        subscriptions.sync_subscriptions(conn, [READER, weekly], ops=("hook",), now=now())
    database.close()


def run(*words: str, columns: int | None = None) -> Result:
    return CliRunner().invoke(app, list(words), env={"COLUMNS": str(columns)} if columns else {})


def rows(*words: str) -> list[dict[str, object]]:
    done = run(*words, "--json")
    assert done.exit_code == 0, done.output
    return [json.loads(line) for line in done.stdout.splitlines()]


def test_the_list_says_when_and_where_and_leaves_out_the_service_s_own() -> None:
    told = [(one["id"], one["state"], one["when"], one["mutes"]) for one in rows("list")]
    assert told == [
        ("china-biotech", "active", "daily 08:00 on weekdays, Asia/Shanghai", 0),
        ("weekly", "active", "Fridays 08:00, UTC", 0),
    ]


@pytest.mark.parametrize("columns", [60, 80, 120, 160])
@pytest.mark.parametrize("words", [("list",), ("show", "china-biotech")])
def test_it_can_be_read_at_any_width(words: tuple[str, ...], columns: int) -> None:
    assert run("mute", "china-biotech", "--party", "A party with quite a long name, Limited").exit_code == 0
    done = run(*words, columns=columns)
    assert done.exit_code == 0
    assert all(len(line) <= columns for line in done.stdout.splitlines())
    assert "china-biotech" in done.stdout or "China biotech for the board" in done.stdout


def test_one_is_shown_with_all_that_it_asks_for() -> None:
    told = run("show", "china-biotech", columns=160).stdout
    for words in (
        "from file",
        "daily 08:00 on weekdays, Asia/Shanghai, empty ones too",
        "licensing-deal, funding",
        "100M USD",
        "22:00 to 07:00",
        "20 messages an hour",
        "Acme",
    ):
        assert words in told


def test_a_mute_is_set_in_the_reader_s_zone_shown_and_taken_back() -> None:
    done = run("mute", "china-biotech", "--party", "Konoya", "--until", "2127-01-31")
    assert done.stdout == "china-biotech hears nothing of party Konoya until 2127-01-31 00:00 Asia/Shanghai\n"
    (shown,) = rows("show", "china-biotech")
    (muted,) = shown["muted"]  # type: ignore[misc]
    assert (muted["kind"], muted["value"], muted["origin"]) == ("party", "Konoya", "cli")
    assert muted["until"] == "2127-01-30T16:00:00+00:00"
    assert rows("list")[0]["mutes"] == 1
    assert run("unmute", "china-biotech", "--party", "Konoya").exit_code == 0
    assert rows("list")[0]["mutes"] == 0
    again = run("unmute", "china-biotech", "--party", "Konoya")
    assert (again.exit_code, "not muted" in again.stderr) == (1, True)
    assert "watcher.yml" in run("unmute", "china-biotech", "--party", "Acme").stderr


@pytest.mark.parametrize(
    "words",
    [
        ("mute", "china-biotech"),
        ("mute", "china-biotech", "--rule", "a", "--party", "b"),
        ("mute", "china-biotech", "--party", " "),
        ("mute", "china-biotech", "--story", "0"),
        ("mute", "china-biotech", "--rule", "a", "--until", "tomorrow"),
        ("mute", "china-biotech", "--rule", "a", "--until", "2020-01-01"),
    ],
)
def test_misuse_changes_nothing_and_ends_with_two(words: tuple[str, ...]) -> None:
    assert run(*words).exit_code == 2
    assert rows("list")[0]["mutes"] == 0


@pytest.mark.parametrize("verb", ["show", "mute", "unmute", "end", "resume"])
def test_an_id_that_nobody_has_says_where_to_look(verb: str) -> None:
    words = ("--rule", "a") if verb.endswith("mute") else ()
    done = run(verb, "nobody", *words)
    assert (done.exit_code, "watcher subscriptions list" in done.stderr) == (1, True)


def test_the_service_s_own_subscription_cannot_be_ended() -> None:
    assert run("end", "_ops").exit_code == 1


def test_what_is_ended_is_shown_so_and_can_be_resumed() -> None:
    assert run("end", "weekly").exit_code == 0
    assert rows("list")[1]["state"] == "ended by cli"
    assert run("end", "weekly").exit_code == 1
    assert run("resume", "weekly").exit_code == 0
    assert rows("list")[1]["state"] == "active"
    assert run("resume", "weekly").exit_code == 1


def test_a_check_names_rules_that_nobody_wrote(tmp_path: Path) -> None:
    (tmp_path / "watcher.yml").write_text(
        """feeds: [https://news.example/feed]
channels:
  hook: {kind: slack, url: {env: NO_SUCH}}
subscriptions:
  one:
    channels: [hook]
    rules: [fundin, funding]
    mute: [{rule: licencing-deal}]
""",
        "utf-8",
    )
    done = CliRunner().invoke(config.app, ["check", str(tmp_path / "watcher.yml"), "--json"])
    told = [(one["message"], one["instead"]) for one in json.loads(done.stdout) if "rule" in one["message"]]
    assert done.exit_code == 3
    assert told == [
        ("subscription one, rules: there is no rule fundin", "did you mean funding?"),
        ("subscription one, mute: there is no rule licencing-deal", "did you mean licensing-deal?"),
    ]
