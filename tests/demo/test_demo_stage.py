"""The demo's watcher.yml is one that the service takes, and its settings are the demo's alone."""

import stat
from collections.abc import Iterator
from datetime import time
from pathlib import Path

import pytest

from watcher import config, settings
from watcher.demo import stage as staging
from watcher.demo.feeds import FeedServer, seed_documents
from watcher.demo.inbox import Inbox
from watcher.demo.receivers import Receivers
from watcher.demo.stage import Stage
from watcher.model import AlertHistory, Secret, When

SEEDS = Path(__file__).resolve().parents[2] / "seeds"


@pytest.fixture
def stage(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Stage]:
    monkeypatch.setenv("WATCHER_DATABASE_URL", "postgresql://somebody@elsewhere/real")
    secret = staging.new_secret()
    with FeedServer(seed_documents(SEEDS)) as feeds, Inbox() as inbox, Receivers(secret) as receivers:
        yield staging.prepare(tmp_path, feeds, inbox, receivers, secret=secret)


def test_the_configuration_is_taken_whole(stage: Stage) -> None:
    loaded = config.load(stage.settings.config_path)
    assert [(feed.title, feed.alert_history) for feed in loaded.feeds] == [
        ("Seeds as RSS", AlertHistory.ALL),
        ("Seeds as Atom", AlertHistory.ALL),
        ("Seeds as JSON", AlertHistory.ALL),
    ]
    assert [channel.id for channel in loaded.channels] == ["mail", "ops-mail", "slack", "hook"]
    daily, *at_once = loaded.subscriptions
    assert (daily.id, daily.schedule.when, daily.schedule.at, daily.schedule.zone) == (
        staging.DAILY,
        When.DAILY,
        time(8, 0),
        "Asia/Shanghai",
    )
    assert [(one.channels, one.schedule.when) for one in at_once] == [
        (("slack",), When.IMMEDIATE),
        (("hook",), When.IMMEDIATE),
    ]
    assert loaded.ops == ("ops-mail",)


def test_no_secret_stands_in_the_configuration(stage: Stage) -> None:
    words = stage.settings.config_path.read_text(encoding="utf-8")
    assert "/services/" not in words
    assert "whsec_" not in words
    for name in staging.SECRETS:
        assert stat.S_IMODE((stage.folder / name).stat().st_mode) == 0o600
    hook = next(channel for channel in config.load(stage.settings.config_path).channels if channel.id == "hook")
    assert settings.resolve(hook.secret or Secret(), base=stage.folder).startswith("whsec_")


def test_the_caller_s_database_and_broker_are_left_alone(stage: Stage) -> None:
    assert (stage.settings.database_url, stage.settings.redis_url) == (None, None)
    assert stage.settings.data_dir == stage.folder / "var"
    assert "WATCHER_DATABASE_URL" not in settings.child_environ(stage.settings)
