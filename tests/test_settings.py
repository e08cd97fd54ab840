"""The settings: their table, their bounds, their files, and what a person is told of a mistake."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import pytest

from watcher import settings
from watcher.errors import CannotHelp, Mistakes
from watcher.model import Secret
from watcher.settings import SETTINGS, Settings, duration_s


def mistakes(environ: dict[str, str]) -> list[str]:
    with pytest.raises(Mistakes) as caught:
        settings.load(environ)
    return [str(mistake) for mistake in caught.value.mistakes]


def test_the_table_and_the_dataclass_say_the_same() -> None:
    fields = {field.name: field.default for field in dataclasses.fields(Settings)}
    assert {setting.name: setting.default for setting in SETTINGS} == fields
    assert list(fields) == [setting.name for setting in SETTINGS]


def test_an_empty_environment_gives_the_defaults() -> None:
    assert settings.load({}) == Settings()


@pytest.mark.parametrize(
    ("variable", "text", "value"),
    [
        ("WATCHER_POLL_EVERY_S", "900", 900),
        ("WATCHER_POLL_EVERY_S", "15m", 900),
        ("WATCHER_SWEEP_EVERY_S", "0.5", 0.5),
        ("WATCHER_FETCH_MAX_BYTES", "2 MiB", 2097152),
        ("WATCHER_FETCH_MAX_BYTES", "4096", 4096),
        ("WATCHER_LOG_LEVEL", "debug", "DEBUG"),
        ("WATCHER_ALLOW_PRIVATE", "10.0.0.0/8, fd00::/8", ("10.0.0.0/8", "fd00::/8")),
        ("WATCHER_DATABASE_URL", "postgresql://u@h/d", "postgresql+psycopg://u@h/d"),
        ("WATCHER_REDIS_URL", "unix:///run/valkey.sock", "unix:///run/valkey.sock"),
        ("WATCHER_WEB_PORT", "0", 0),
        ("WATCHER_DATA_DIR", " /srv/watcher ", Path("/srv/watcher")),
        ("WATCHER_RULES_DIR", "", None),
    ],
)
def test_a_variable_is_read_by_its_type(variable: str, text: str, value: Any) -> None:
    assert getattr(settings.load({variable: text}), variable.removeprefix("WATCHER_").lower()) == value


@pytest.mark.parametrize(
    ("variable", "text", "told"),
    [
        ("WATCHER_POLL_EVERY_S", "soon", "'soon' is no duration; write a number and ms, s, m, h, d or w, as 15m"),
        ("WATCHER_POLL_EVERY_S", "1.5", "write whole seconds"),
        ("WATCHER_BATCH", "0", "must be at least 1"),
        ("WATCHER_BATCH", "1e3", "write a whole number"),
        ("WATCHER_WEB_PORT", "65536", "must be at most 65535"),
        ("WATCHER_SANDBOX_CPU_S", "31", "must be at most 30 s"),
        ("WATCHER_DELIVER_TOTAL_S", "26", "must be at most 25 s"),
        ("WATCHER_VISIBILITY_TIMEOUT_S", "60", "must be at least 100 s"),
        ("WATCHER_LOG_LEVEL", "chatty", "write one of DEBUG, INFO, WARNING, ERROR"),
        ("WATCHER_ALLOW_PRIVATE", "10.0.0.1/8", "10.0.0.1/8 has host bits set"),
        ("WATCHER_FETCH_MAX_BYTES", "big", "write a number of bytes, or as 10 MiB"),
        ("WATCHER_DATABASE_URL", "mysql://u:hunter2@h/d", "write postgresql+psycopg://user:password@host/name"),
        ("WATCHER_REDIS_URL", "amqp://h", "write redis://host:port/0"),
    ],
)
def test_a_bad_value_is_told_with_what_to_write(variable: str, text: str, told: str) -> None:
    (line,) = mistakes({variable: text})
    assert line.startswith(f"{variable}: ")
    assert told in line
    assert "hunter2" not in line


def test_all_mistakes_come_at_once() -> None:
    lines = mistakes({"WATCHER_BATCH": "x", "WATCHER_LOG_LEVEL": "x", "WATCHER_WEB_PORT": "x"})
    assert [line.partition(":")[0] for line in lines] == ["WATCHER_BATCH", "WATCHER_LOG_LEVEL", "WATCHER_WEB_PORT"]


@pytest.mark.parametrize(
    ("environ", "told"),
    [
        ({"WATCHER_POLL_EVERY_S": "2d"}, "WATCHER_POLL_MAX_S: the longest time between polls is below the shortest"),
        ({"WATCHER_LEASE_S": "25"}, "WATCHER_LEASE_S: a claim would end while its fetch still runs"),
        ({"WATCHER_RETRY_MAX_S": "2"}, "WATCHER_RETRY_MAX_S: the longest back-off is below the first"),
    ],
)
def test_settings_that_contradict_each_other_are_refused(environ: dict[str, str], told: str) -> None:
    (line,) = mistakes(environ)
    assert line.startswith(told)


def test_a_near_miss_of_a_name_is_refused_and_other_names_are_somebody_elses() -> None:
    assert mistakes({"WATCHER_POL_EVERY_S": "60"}) == [
        "WATCHER_POL_EVERY_S: is no setting (did you mean WATCHER_POLL_EVERY_S?)"
    ]
    assert settings.load({"WATCHER_SLACK_HOOK": "x", "HOME": "/root"}) == Settings()


@pytest.mark.parametrize("setting", SETTINGS, ids=lambda setting: str(setting.name))
def test_every_setting_has_a_twin_that_names_a_file(setting: settings.Setting, tmp_path: Path) -> None:
    examples = {"database_url": "sqlite:////tmp/w.db", "redis_url": "redis://h/0", "rules_dir": "/r"}
    examples |= {"secret_key": "k" * 32, "admin_password": "four random words here"}
    text = examples.get(setting.name) or _written(setting.default)
    file = tmp_path / "value"
    file.write_text(f"{text}\n")
    loaded = settings.load({f"{setting.variable}_FILE": str(file)})
    assert loaded == settings.load({setting.variable: text})


def _written(value: Any) -> str:
    return ",".join(value) if isinstance(value, tuple) else str(value)


def test_a_file_that_cannot_be_read_and_a_value_given_twice_are_mistakes(tmp_path: Path) -> None:
    file = tmp_path / "url"
    file.write_text("redis://h/0")
    assert mistakes({"WATCHER_REDIS_URL_FILE": str(tmp_path / "none")}) == [
        "WATCHER_REDIS_URL: does not say anything this program can use "
        f"(WATCHER_REDIS_URL_FILE: {tmp_path / 'none'}: No such file or directory)"
    ]
    (line,) = mistakes({"WATCHER_REDIS_URL": "redis://h/1", "WATCHER_REDIS_URL_FILE": str(file)})
    assert "both are given" in line


def test_secrets_show_neither_in_repr_nor_in_the_list() -> None:
    chosen = Settings(database_url="postgresql+psycopg://u:hunter2@h/d", redis_url="redis://:hunter2@h/0")
    assert "hunter2" not in repr(chosen)
    shown = settings.shown(chosen)
    assert "hunter2" not in str(shown)
    assert (shown["WATCHER_DATABASE_URL"], shown["WATCHER_BATCH"]) == ("(set)", 50)
    assert settings.shown(Settings())["WATCHER_DATABASE_URL"] is None


def test_a_child_loads_the_same_settings_from_the_environment_made_for_it(tmp_path: Path) -> None:
    file = tmp_path / "url"
    file.write_text("postgresql+psycopg://u:hunter2@h/d")
    parent = {"PATH": "/bin", "WATCHER_DATABASE_URL_FILE": str(file), "WATCHER_BATCH": "7", "WATCHER_WEB_PORT": "9"}
    chosen = settings.with_values(
        settings.load(parent), redis_url="redis+socket:///s?virtual_host=0", batch=50, allow_private=("10.0.0.0/8",)
    )
    child = settings.child_environ(chosen, {"EXTRA": "1"}, parent)
    assert settings.load(child) == chosen
    assert (child["PATH"], child["EXTRA"]) == ("/bin", "1")
    assert "hunter2" not in str(child)
    assert "WATCHER_BATCH" not in child


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("45s", 45), ("15m", 900), ("1h30m", 5400), ("2 d", 172800), ("250ms", 0.25), ("1.5h", 5400), (" 1w ", 604800)],
)
def test_a_duration_is_read(text: str, seconds: float) -> None:
    assert duration_s(text) == seconds


@pytest.mark.parametrize("text", ["", "15", "m", "15 minutes", "-5m", "5m!", "1e9s", "5m 3", "９m" * 2000])
def test_what_is_no_duration_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"duration|empty"):
        duration_s(text)


def test_a_secret_is_read_at_its_use_from_a_variable_or_from_a_file_beside_the_config(tmp_path: Path) -> None:
    (tmp_path / "hook").write_text("whsec_abc\n")
    assert settings.resolve(Secret(env="HOOK"), {"HOOK": "x y"}) == "x y"
    assert settings.resolve(Secret(file="hook"), {}, tmp_path) == "whsec_abc"
    assert settings.resolve(Secret(file=str(tmp_path / "hook")), {}, Path("/elsewhere")) == "whsec_abc"


@pytest.mark.parametrize(
    ("secret", "told"),
    [
        (Secret(env="HOOK"), "the secret in the variable HOOK is missing or empty"),
        (Secret(file="none"), "cannot read the secret in the file "),
        (Secret(file="empty"), "is missing or empty"),
        (Secret(file="binary"), "it is not UTF-8 text"),
    ],
)
def test_a_secret_that_is_not_there_says_where_it_should_be(secret: Secret, told: str, tmp_path: Path) -> None:
    (tmp_path / "empty").write_text("\n")
    (tmp_path / "binary").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(CannotHelp) as caught:
        settings.resolve(secret, {"HOOK": ""}, tmp_path)
    assert told in str(caught.value)
