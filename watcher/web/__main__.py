"""`python -m watcher.web`: serve the page until told to stop."""

from __future__ import annotations

import argparse
import signal
import socket
import sys
import threading
from collections.abc import Sequence

import uvicorn
from starlette.applications import Starlette

from watcher import log, password, runtime, settings
from watcher.errors import WatcherError
from watcher.pipeline import canary_alarm, reload
from watcher.runtime import Runtime
from watcher.settings import Settings
from watcher.web import app
from watcher.web.console import live
from watcher.web.patience import PatientProtocol

_WATCH_EVERY_S = 5.0
_log = log.get("web")


def main(argv: Sequence[str] | None = None) -> int:
    """Serve; 0 after an orderly end, 1 when it could not start."""
    parser = argparse.ArgumentParser(prog="python -m watcher.web", description=__doc__)
    parser.add_argument("--host", help="address to listen on; WATCHER_WEB_HOST when absent")
    parser.add_argument("--port", type=int, help="port; WATCHER_WEB_PORT when absent")
    options = parser.parse_args(argv)
    try:
        chosen = settings.with_values(settings.load(), web_host=options.host, web_port=options.port)
        log.configure(level=chosen.log_level, form=chosen.log_format, hide=settings.secrets(chosen))
        _say_how_to_get_in(chosen)
        rt = runtime.open(chosen)
    except WatcherError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    server = _Server(
        uvicorn.Config(
            app(rt),
            http=PatientProtocol,
            host=chosen.web_host,
            port=chosen.web_port,
            log_config=None,
            access_log=False,
            server_header=False,
            proxy_headers=False,  # whom to believe is WATCHER_TRUSTED_PROXIES's to say
            lifespan="off",
            timeout_keep_alive=5,
            timeout_graceful_shutdown=3,
            limit_concurrency=100,
        )
    )
    signal.signal(signal.SIGHUP, lambda *_: threading.Thread(target=_reload, args=(rt,), name="reload").start())
    ended = threading.Event()
    watching = threading.Thread(target=_watch, args=(rt, ended), name="watch", daemon=True)
    watching.start()
    try:
        server.run()
    finally:
        ended.set()
        watching.join(_WATCH_EVERY_S)
        rt.close()
    return 0 if server.started else 1


def _reload(rt: Runtime) -> None:
    try:
        reload.reload(rt, by="SIGHUP")
    except WatcherError as error:
        _log.error("not reloaded", why=str(error))


class _Server(uvicorn.Server):
    """Lets the streams of pages that listen end first, so that a stop does not wait for them."""

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """As uvicorn does it, after the streams were told to end."""
        if isinstance(self.config.app, Starlette):
            live.streams(self.config.app).end()
        await super().shutdown(sockets)


def _watch(rt: Runtime, ended: threading.Event) -> None:
    """Look for late canaries, so that there is an alarm when every worker and the beat stand still."""
    while not ended.wait(min(_WATCH_EVERY_S, rt.settings.canary_late_s)):
        try:
            canary_alarm.watch(rt)
        except WatcherError as error:
            _log.warning("nobody can look for canaries", why=str(error))


def _say_how_to_get_in(chosen: Settings) -> None:
    """Make the password that nobody gave, if the database is our own; else say that nobody gets in."""
    if chosen.admin_password is not None:
        return
    if chosen.database_url is not None:
        _log.warning("nobody can log in at the console: set WATCHER_ADMIN_PASSWORD or WATCHER_ADMIN_PASSWORD_FILE")
        return
    path, made = password.made_in(chosen.data_dir)
    if made:
        _log.warning("made a password for the console", file=str(path))


if __name__ == "__main__":
    sys.exit(main())
