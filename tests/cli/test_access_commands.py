"""`watcher admin`, `tokens` and `audit`, and what `watcher up` says of the password."""

from __future__ import annotations

import json
import stat
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from watcher import password, settings
from watcher.cli import app, up
from watcher.settings import Settings

GOOD = "four random words here"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "rules").mkdir()
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("WATCHER_RULES_DIR", str(tmp_path / "rules"))
    monkeypatch.setenv("COLUMNS", "200")
    return tmp_path


def run(*arguments: str, given: str | None = None) -> Result:
    return CliRunner().invoke(app, list(arguments), input=given)


def test_a_hash_is_printed_for_the_password_on_standard_input_and_settings_take_it() -> None:
    done = run("admin", "hash", given=f"{GOOD}\r\n")
    made = done.stdout.strip()
    assert done.exit_code == 0
    assert password.same(made, GOOD)
    assert settings.load({"WATCHER_ADMIN_PASSWORD": made}).admin_password == made


def test_a_weak_password_gets_no_hash() -> None:
    done = run("admin", "hash", given="password1234\n")
    assert done.exit_code != 0
    assert done.stdout == ""
    assert "among the first that are guessed" in str(done.exception)


def test_a_token_is_shown_once_listed_without_itself_and_revoked(folder: Path) -> None:
    made = run("tokens", "add", "prometheus", "--scope", "metrics", "--scope", "read", "--days", "30")
    token = made.stdout.strip()
    assert token.startswith("wat_")
    assert len(token) == 47
    listed = run("tokens", "list", "--json")
    (row,) = [json.loads(line) for line in listed.stdout.splitlines()]
    assert (row["name"], row["scopes"], row["revoked_at"]) == ("prometheus", ["read", "metrics"], None)
    assert token not in listed.stdout
    assert "digest" not in row
    assert run("tokens", "revoke", "prometheus").exit_code == 0
    assert run("tokens", "revoke", "prometheus").exit_code == 1
    assert run("tokens", "add", "prometheus", "--scope", "read").exit_code == 1
    lines = [json.loads(line) for line in run("audit", "list", "--json").stdout.splitlines()]
    assert [(line["who"], line["action"], line["target"]) for line in lines] == [
        ("command line", "tokens.revoke", "prometheus"),
        ("command line", "tokens.add", "prometheus"),
    ]
    assert token not in str(lines)
    assert run("audit", "list", "--action", "tokens.add", "--json").stdout.count("\n") == 1
    assert run("audit", "list", "--who", "admin", "--json").stdout == ""


def test_an_unknown_scope_is_misuse(folder: Path) -> None:
    assert run("tokens", "add", "ci", "--scope", "root").exit_code == 2


def test_every_login_can_be_ended_by_command(folder: Path) -> None:
    assert run("admin", "logout").stdout == "0 logins ended\n"


def test_up_says_in_which_file_the_password_stands_that_it_made(tmp_path: Path) -> None:
    told = up._how_to_get_in(Settings(data_dir=tmp_path / "var"))
    path = tmp_path / "var" / "admin-password"
    assert told == f" · its password is in {path}"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert path.read_text().strip() not in told
    assert up._how_to_get_in(Settings(data_dir=tmp_path / "var")) == told


def test_up_makes_no_password_for_a_database_of_ones_own(tmp_path: Path) -> None:
    own = Settings(data_dir=tmp_path, database_url="postgresql+psycopg://h/d")
    assert up._how_to_get_in(own) == " · nobody can log in until WATCHER_ADMIN_PASSWORD is set"
    assert up._how_to_get_in(settings.with_values(own, admin_password=GOOD)) == ""
    assert list(tmp_path.iterdir()) == []
