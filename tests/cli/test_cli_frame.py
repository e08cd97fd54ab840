"""The command line's frame: quick, complete, and with the promised exit statuses."""

from __future__ import annotations

import importlib
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from importlib import metadata
from pathlib import Path

import httpx
import pytest

from watcher import cli, data, embedded
from watcher.cli import COMMANDS

ROOT = Path(__file__).resolve().parents[2]
RULE = """\
id: cli-test
title: Command line test
status: stable
level: low
description: Finds the rounds of these tests.
selections:
  round: {any: [closed a round]}
condition: round
tests:
  - match: {text: Acme closed a round of $1 million.}
  - no_match: {text: Acme opened a laboratory.}
"""


def watcher(*arguments: str, cwd: Path = ROOT, **environ: str) -> subprocess.CompletedProcess[str]:
    known = {name: value for name, value in os.environ.items() if not name.startswith("WATCHER_")}
    return subprocess.run(
        [sys.executable, "-m", "watcher.cli", *arguments],
        cwd=cwd,
        env={**known, "PYTHONPATH": str(ROOT), "NO_COLOR": "1", "COLUMNS": "120", **environ},
        capture_output=True,
        text=True,
        timeout=60,
    )


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "rules").mkdir()
    (tmp_path / "rules" / "cli-test.yml").write_text(RULE)
    (tmp_path / "watcher.yml").write_text("feeds: []\n")
    return tmp_path


def test_help_names_every_command_and_loads_none_of_them() -> None:
    code = (
        "import sys; from watcher.cli import app\n"
        "try: app(['--help'])\n"
        "except SystemExit: pass\n"
        "heavy = {'watcher.runtime', 'sqlalchemy', 'feedparser', 'celery', 'httpx', 'rapidfuzz'} & set(sys.modules)\n"
        "sys.exit(str(heavy) if heavy else 0)"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert all(f" {name} " in done.stdout for name in COMMANDS)


@pytest.mark.parametrize("name", sorted(COMMANDS))
def test_a_command_can_be_loaded_and_explains_itself(name: str) -> None:
    command = COMMANDS[name].load(name)
    assert command.name == name
    assert command.help


@pytest.mark.parametrize("name", sorted(COMMANDS))
def test_the_module_of_a_command_is_one_small_file_of_its_own(name: str) -> None:
    module = importlib.import_module(f"watcher.cli.{COMMANDS[name].module}")
    assert Path(str(module.__file__)).parent == Path(cli.__file__).parent


def test_the_version_is_the_packages() -> None:
    done = watcher("--version")
    assert (done.returncode, done.stdout) == (0, metadata.version("biotech-watcher") + "\n")


@pytest.mark.parametrize(
    ("arguments", "status", "told"),
    [
        (("feds",), 2, "No such command 'feds'. Did you mean 'feeds'?"),
        (("up", "--nonsense"), 2, "No such option"),
        (("config", "chek"), 2, "No such command"),
        ((), 2, "Usage"),
    ],
)
def test_misuse_ends_with_status_two(arguments: tuple[str, ...], status: int, told: str) -> None:
    done = watcher(*arguments)
    assert done.returncode == status
    assert told in done.stdout + done.stderr


def test_an_error_is_one_line_on_stderr_and_status_one(folder: Path) -> None:
    done = watcher("migrate", cwd=folder, WATCHER_BATCH="x")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == "WATCHER_BATCH: cannot be used (write a whole number)\n"


# ── init and config ──────────────────────────────────────────────────────────────────────────────────────────────────


def test_init_writes_a_starter_and_the_rules_and_never_overwrites(tmp_path: Path) -> None:
    done = watcher("init", "mine", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    written = (tmp_path / "mine" / "watcher.yml").read_text()
    assert watcher("config", "check", "mine/watcher.yml", cwd=tmp_path).returncode == 0
    shipped = data.shipped_rules()
    assert (tmp_path / "mine" / "rules").is_dir() == (shipped is not None)
    if shipped is not None:
        names = sorted(path.relative_to(shipped) for path in shipped.rglob("*.yml"))
        copied = tmp_path / "mine" / "rules"
        assert sorted(path.relative_to(copied) for path in copied.rglob("*.yml")) == names
    (tmp_path / "mine" / "watcher.yml").write_text(written + "# mine\n")
    again = watcher("init", "mine", cwd=tmp_path)
    assert (again.returncode, again.stderr) == (1, "mine/watcher.yml is there already and stays as it is\n")
    assert (tmp_path / "mine" / "watcher.yml").read_text().endswith("# mine\n")


def test_init_keeps_rules_that_are_there(folder: Path) -> None:
    (folder / "watcher.yml").unlink()
    done = watcher("init", cwd=folder)
    assert "kept rules" in done.stdout
    assert [path.name for path in (folder / "rules").iterdir()] == ["cli-test.yml"]


def test_check_prints_every_mistake_and_ends_with_status_three(folder: Path) -> None:
    (folder / "watcher.yml").write_text("feeds: [x]\nops: [y]\n")
    done = watcher("config", "check", cwd=folder, WATCHER_BATCH="x")
    assert done.returncode == 3
    assert done.stdout.splitlines() == [
        "WATCHER_BATCH: cannot be used (write a whole number)",
        "watcher.yml:1: 'x' is no web address (write it whole, as https://example.org/feed.xml)",
        "watcher.yml:2: there is no channel 'y' (describe it under channels:)",
    ]


def test_check_names_secrets_that_are_not_there(folder: Path) -> None:
    (folder / "watcher.yml").write_text("feeds: []\nchannels: {team: {kind: slack, url: {env: SLACK}}}\n")
    done = watcher("config", "check", cwd=folder)
    assert done.returncode == 3
    assert done.stdout == "watcher.yml: channel team, url: the secret in the variable SLACK is missing or empty\n"
    assert watcher("config", "check", cwd=folder, SLACK="https://x").stdout == (
        "watcher.yml: 0 feeds, 1 channel, 0 subscriptions, no mistakes\n"
    )


def test_check_gives_json_to_machines(folder: Path) -> None:
    (folder / "watcher.yml").write_text("fed: []\n")
    done = watcher("config", "check", "--json", cwd=folder)
    assert done.returncode == 3
    import json

    assert json.loads(done.stdout)[1] == {
        "path": "watcher.yml",
        "line": 1,
        "column": 1,
        "message": "unknown key 'fed'",
        "instead": "did you mean feeds?",
    }


def test_show_hides_every_secret(folder: Path) -> None:
    (folder / "watcher.yml").write_text("feeds: []\nchannels: {team: {kind: slack, url: {env: SLACK}}}\n")
    for options in ((), ("--json",)):
        done = watcher(
            "config", "show", *options, cwd=folder, SLACK="https://hunter2", WATCHER_REDIS_URL="redis://:hunter2@h/0"
        )
        assert done.returncode == 0, done.stderr
        assert "hunter2" not in done.stdout
        assert "(set)" in done.stdout
        assert "SLACK" in done.stdout


def test_the_schema_can_be_written_for_editors() -> None:
    import json

    from watcher import config

    assert json.loads(watcher("config", "schema").stdout) == config.schema()


# ── running ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_migrate_makes_the_tables_and_may_run_again(folder: Path) -> None:
    for _ in range(2):
        done = watcher("migrate", cwd=folder)
        assert (done.returncode, done.stdout) == (0, f"SQLite {folder / 'var' / 'watcher.db'}: at the newest schema\n")


@pytest.mark.parametrize("command", ["worker", "beat"])
def test_a_worker_without_a_broker_says_what_to_do(folder: Path, command: str) -> None:
    done = watcher(command, cwd=folder)
    assert done.returncode == 1
    assert done.stderr == (
        f"no broker: set WATCHER_REDIS_URL, or run `watcher up`, which brings one for {folder / 'var'}\n"
    )


def test_up_refuses_every_mistake_of_both_kinds_of_file_before_it_starts_anything(folder: Path) -> None:
    (folder / "watcher.yml").write_text("feeds: [x]\n")
    (folder / "rules" / "cli-test.yml").write_text("id: UPPER\n")
    done = watcher("up", cwd=folder)
    assert done.returncode == 1
    assert "watcher.yml:1: 'x' is no web address" in done.stderr
    assert "cli-test.yml:1" in done.stderr
    assert not (folder / "var").exists()


def test_up_says_so_when_its_port_is_taken(folder: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        done = watcher("up", "--port", str(taken.getsockname()[1]), cwd=folder)
    assert done.returncode == 1
    assert "set WATCHER_WEB_PORT, or --port, to a free one" in done.stderr


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return int(probe.getsockname()[1])


def until(true: Callable[[], object], within_s: float = 40) -> bool:
    give_up_at = time.monotonic() + within_s
    while not true():
        if time.monotonic() > give_up_at:
            return False
        time.sleep(0.1)
    return True


def processes_of(folder: Path) -> list[int]:
    """Processes whose command line or environment names the folder."""
    found = []
    for path in Path("/proc").glob("[0-9]*"):
        try:
            if str(folder).encode() in (path / "environ").read_bytes() + (path / "cmdline").read_bytes():
                found.append(int(path.name))
        except OSError:
            continue
    return [pid for pid in found if pid != os.getpid()]


def start_up(folder: Path, port: int) -> subprocess.Popen[bytes]:
    known = {name: value for name, value in os.environ.items() if not name.startswith("WATCHER_")}
    with (folder / "up.log").open("ab") as log:
        return subprocess.Popen(
            [sys.executable, "-m", "watcher.cli", "up", "--port", str(port)],
            cwd=folder,
            env={**known, "PYTHONPATH": str(ROOT), "WATCHER_SWEEP_EVERY_S": "0.5", "WATCHER_WORKER_PROCESSES": "1"},
            stdout=log,
            stderr=log,
        )


def ready(port: int) -> bool:
    try:
        return httpx.get(f"http://127.0.0.1:{port}/readyz", trust_env=False, timeout=2).status_code == 200
    except httpx.HTTPError:
        return False


def test_up_on_any_free_port_tells_which(folder: Path) -> None:
    up = start_up(folder, 0)
    try:
        assert until(lambda: "watcher is up" in (folder / "up.log").read_text()), (folder / "up.log").read_text()
        told = re.search(r"http://127\.0\.0\.1:(\d+)/", (folder / "up.log").read_text())
        assert told is not None
        assert until(lambda: ready(int(told[1]))), (folder / "up.log").read_text()
    finally:
        up.send_signal(signal.SIGINT)
        up.wait(25)


@pytest.mark.parametrize("ending", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_up_runs_the_whole_service_and_leaves_nothing_behind(folder: Path, ending: signal.Signals) -> None:
    port = free_port()
    up = start_up(folder, port)
    try:
        assert until(lambda: ready(port)), (folder / "up.log").read_text()
        began = time.monotonic()
        up.send_signal(ending)
        status = up.wait(25)
        assert status == (-9 if ending is signal.SIGKILL else 0)
        assert time.monotonic() - began < 20
        assert until(lambda: not processes_of(folder), 20), processes_of(folder)
        assert not embedded.answers(embedded.socket_path(folder / "var"))
        assert "Traceback" not in (folder / "up.log").read_text()
    finally:
        up.kill()
        up.wait()
