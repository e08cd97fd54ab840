"""A place for worker tests: a data folder with a migrated SQLite, a rule, an empty watcher.yml and a real Valkey."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from services.valkey import Valkey

from watcher.settings import Settings, child_environ

ROOT = Path(__file__).resolve().parents[2]
RULE = """\
id: worker-test
title: Worker test
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


@pytest.fixture
def chosen(tmp_path: Path, sqlite_template: Path, valkey: Valkey) -> Settings:
    (tmp_path / "rules").mkdir()
    (tmp_path / "rules" / "worker-test.yml").write_text(RULE)
    (tmp_path / "watcher.yml").write_text("feeds: []\n")
    shutil.copy(sqlite_template, tmp_path / "watcher.db")
    return Settings(
        data_dir=tmp_path,
        config_path=tmp_path / "watcher.yml",
        redis_url=valkey.broker_url,
        sweep_every_s=0.5,
        canary_every_s=0,
        worker_processes=1,
    )


@pytest.fixture
def run(chosen: Settings, tmp_path: Path) -> Iterator[Callable[..., subprocess.Popen[bytes]]]:
    """Start `python -m workers …` with the settings; its log is worker.log in the data folder."""
    running: list[subprocess.Popen[bytes]] = []

    def start(*arguments: str, **environ: str) -> subprocess.Popen[bytes]:
        with (tmp_path / f"{arguments[0]}.log").open("ab") as log:
            process = subprocess.Popen(
                [sys.executable, "-m", "workers", *arguments],
                cwd=ROOT,
                env=child_environ(chosen, {"WATCHER_LOG_LEVEL": "INFO", **environ}),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        running.append(process)
        return process

    yield start
    for process in running:
        if process.poll() is None:
            os.killpg(process.pid, 9)
        process.wait()
