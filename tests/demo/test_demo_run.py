"""`watcher demo` itself, with every process it starts."""

import io
import os
import re
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest
from rich.console import Console

from watcher.demo import run as demo

ROOT = Path(__file__).resolve().parents[2]


@contextmanager
def started(tmp_path: Path, *options: str) -> Iterator[subprocess.Popen[str]]:
    process = subprocess.Popen(
        [sys.executable, "-m", "watcher.cli", "demo", *options],
        cwd=ROOT,
        env={**os.environ, "COLUMNS": "100", "TMPDIR": str(tmp_path)},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    try:
        yield process
    finally:
        process.kill()
        process.wait()


def left_running(folder: Path) -> list[str]:
    """Command lines of processes that still work in `folder`; where /proc is missing nothing can be said."""
    found = []
    for environ in Path("/proc").glob("[0-9]*/environ"):
        try:
            if str(folder).encode() in environ.read_bytes() and int(environ.parent.name) != os.getpid():
                found.append((environ.parent / "cmdline").read_bytes().replace(b"\0", b" ").decode())
        except OSError:
            continue
    return found


def wait_until_gone(folder: Path) -> list[str]:
    give_up_at = time.monotonic() + 5
    while left_running(folder) and time.monotonic() < give_up_at:
        time.sleep(0.05)
    return left_running(folder)


def test_the_demo_holds_all_it_promises_and_leaves_only_the_digest(tmp_path: Path) -> None:
    with started(tmp_path) as process:
        words, _ = process.communicate(timeout=120)
    assert process.returncode == 0, words
    for rule in ("licensing-deal", "city-partnership", "funding"):
        assert rule in words
    assert "CMG901" in words
    assert "GR1803" in words
    assert words.count("304 nothing new") == 3
    assert "Everything held" in words
    assert "✗" not in words
    (folder,) = tmp_path.glob("watcher-demo-*")
    assert [path.name for path in folder.iterdir()] == ["digest.html"]
    assert "CMG901" in (folder / "digest.html").read_text(encoding="utf-8")
    assert wait_until_gone(tmp_path) == []


def test_the_demo_stays_when_asked_and_ends_at_ctrl_c(tmp_path: Path) -> None:
    with started(tmp_path, "--keep") as process:
        watchdog = threading.Timer(120, process.kill)
        watchdog.start()
        assert process.stdout
        lines = iter(process.stdout.readline, "")
        address = next((found[0] for line in lines if (found := re.search(r"(?<=inbox page: )http://\S+", line))), None)
        assert address
        page = httpx.get(address, trust_env=False)
        assert page.status_code == 200
        assert 'src="/mail/' in page.text
        told = re.search(r"(http://\S+) · its password: (\S+)", next(lines))
        assert told
        with httpx.Client(base_url=told[1], trust_env=False) as console:
            assert console.get("/").headers["location"] == "/login"
            seal = re.search(r'name="seal" value="([^"]+)"', console.get("/login").text)
            assert seal
            console.post("/login", data={"seal": seal[1], "password": told[2]})
            assert "CMG901" in console.get("/events").text
        process.send_signal(signal.SIGINT)
        rest, _ = process.communicate(timeout=60)
        watchdog.cancel()
    assert process.returncode == 0, rest
    assert wait_until_gone(tmp_path) == []


def test_a_demo_without_seeds_says_what_it_needs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    out = Console(file=io.StringIO(), width=200)
    nothing = tmp_path / "nothing"
    nothing.mkdir()
    assert demo.run(keep=False, out=out, seeds=nothing) == 1
    assert "The demo failed: the demo needs the seed feed" in out.file.getvalue()  # type: ignore[attr-defined]
    assert list(tmp_path.iterdir()) == [nothing]
