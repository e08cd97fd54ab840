"""`watcher up`: the whole service as one process tree, with its own database and broker unless others are named."""

from __future__ import annotations

import os
import signal
import socket
import sys
import threading
from pathlib import Path
from typing import Annotated

import typer

from watcher import config, log, password, runtime, settings
from watcher.errors import CannotHelp, Mistake, Mistakes, WatcherError
from watcher.match.language import load_rules
from watcher.pipeline import reload
from watcher.settings import Settings
from watcher.store.database import Database
from watcher.supervisor import Supervisor

_LOOK_EVERY_S = 0.5


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command(help=__doc__)(up)


def up(
    config_path: Annotated[Path | None, typer.Option("--config", help="The watcher.yml to use.")] = None,
    data_dir: Annotated[Path | None, typer.Option(help="Folder of the database and the broker.")] = None,
    port: Annotated[int | None, typer.Option(help="Port of the web page.")] = None,
    web: Annotated[bool, typer.Option(help="Serve the web page.")] = True,
) -> None:
    chosen = settings.with_values(settings.load(), config_path=config_path, data_dir=data_dir, web_port=port)
    log.configure(level=chosen.log_level, form=chosen.log_format, hide=settings.secrets(chosen))
    _refuse_mistakes(chosen)
    if web:
        chosen = settings.with_values(chosen, web_port=_free_port(chosen))
    stop, reloads = threading.Event(), threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    has_terminal = sys.stdin.isatty()
    signal.signal(signal.SIGHUP, lambda *_: (stop if has_terminal and _hung_up() else reloads).set())
    _migrate(chosen)
    opens = _how_to_get_in(chosen) if web else ""
    tree = Supervisor(chosen, services=("worker", "beat", "web") if web else ("worker", "beat"))
    tree.start()
    where = f" · http://{chosen.web_host}:{chosen.web_port}/{opens}" if web else ""
    typer.echo(f"watcher is up · {chosen.config_path}{where} · Ctrl-C ends it", err=True)
    try:
        while not stop.wait(_LOOK_EVERY_S):
            if reloads.is_set():
                reloads.clear()
                _reload(tree.settings)
    finally:
        typer.echo("ending …", err=True)
        tree.stop()


def _hung_up() -> bool:
    """Whether the terminal that we were started from is gone, which sends the same signal as who wants a reload."""
    try:
        os.tcgetpgrp(sys.stdin.fileno())
    except OSError:
        return True
    return False


def _reload(chosen: Settings) -> None:
    rt = runtime.open(chosen)
    try:
        done = reload.reload(rt, by="SIGHUP")
    except WatcherError as error:
        typer.echo(f"not reloaded: {error}", err=True)
    else:
        typer.echo("reloaded" if done.ok else "\n".join(("the last good files stay:", *done.mistakes)), err=True)
    finally:
        rt.close()


def _refuse_mistakes(chosen: Settings) -> None:
    """Raise Mistakes with those of watcher.yml and of the rule files together; once up, the last good ones stay."""
    found: list[Mistake] = []
    rules = runtime.rules_folder(chosen)
    try:
        rules = runtime.rules_folder(chosen, config.load(chosen.config_path))
    except Mistakes as mistakes:
        found += mistakes.mistakes
        beside = chosen.config_path.parent / "rules"
        rules = chosen.rules_dir or (beside if beside.is_dir() else rules)
    try:
        load_rules(rules)
    except Mistakes as mistakes:
        found += mistakes.mistakes
    if found:
        raise Mistakes(found)


def _how_to_get_in(chosen: Settings) -> str:
    """Where the console's password stands, which is made here if nobody gave one and the database is our own."""
    if chosen.admin_password is not None:
        return ""
    if chosen.database_url is not None:
        return " · nobody can log in until WATCHER_ADMIN_PASSWORD is set"
    path, _ = password.made_in(chosen.data_dir)
    return f" · its password is in {path}"


def _free_port(chosen: Settings) -> int:
    """The page's port, for 0 one that is free now; raises CannotHelp when another program listens on it."""
    family = socket.AF_INET6 if ":" in chosen.web_host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((chosen.web_host, chosen.web_port))
        except OSError as error:
            raise CannotHelp(
                f"the page cannot listen on {chosen.web_host}:{chosen.web_port} ({error.strerror}): "
                "set WATCHER_WEB_PORT, or --port, to a free one"
            ) from None
        return int(probe.getsockname()[1])


def _migrate(chosen: Settings) -> None:
    database = Database(runtime.database_url(chosen))
    try:
        database.migrate()
    finally:
        database.close()
