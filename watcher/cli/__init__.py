"""The command `watcher`: the table of its nouns and verbs, each in a module of its own that is loaded when used."""

from __future__ import annotations

import importlib
import sys
from dataclasses import dataclass
from typing import Any

import typer
from typer.core import TyperCommand, TyperGroup

from watcher.errors import WatcherError


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """A noun or a verb: where it lives and what the list of commands says of it."""

    module: str
    summary: str
    panel: str

    def load(self, name: str) -> Any:
        """The command itself: the module's `app`, or what its `register` adds to an application."""
        module = importlib.import_module(f"watcher.cli.{self.module}")
        app = getattr(module, "app", None)
        if app is None:
            app = typer.Typer(pretty_exceptions_enable=False, add_completion=False)
            module.register(app)
        command = typer.main.get_command(app)
        command.name = name
        return command


_RUN, _WATCH, _FILES = "Run it", "What it knows", "Rules and configuration"
COMMANDS: dict[str, Entry] = {
    "demo": Entry(module="demo", summary="Show the whole line at work, in half a minute.", panel=_RUN),
    "init": Entry(module="init", summary="Write a starter watcher.yml and the rule files.", panel=_RUN),
    "up": Entry(module="up", summary="Run everything here: broker, worker, beat and page.", panel=_RUN),
    "worker": Entry(module="worker", summary="Run one worker, of many on many machines.", panel=_RUN),
    "beat": Entry(module="beat", summary="Run the beat that pokes the workers.", panel=_RUN),
    "web": Entry(module="web", summary="Run the web page and the health checks.", panel=_RUN),
    "health": Entry(module="health", summary="Can it do its work? Check by check, with reasons.", panel=_RUN),
    "migrate": Entry(module="migrate", summary="Bring the database to the newest schema.", panel=_RUN),
    "doctor": Entry(module="doctor", summary="What this machine lacks, and what to do.", panel=_RUN),
    "backup": Entry(module="backup", summary="Copy all rows into one file, while it runs.", panel=_RUN),
    "restore": Entry(module="restore", summary="Make the database what a backup holds.", panel=_RUN),
    "resume": Entry(module="resume", summary="After a restore: let go what is held, or drop it.", panel=_RUN),
    "admin": Entry(module="admin", summary="Admin: hash the password, end every login.", panel=_RUN),
    "tokens": Entry(module="tokens", summary="Tokens: keys of the API and of /metrics.", panel=_RUN),
    "audit": Entry(module="audit", summary="Audit log: who logged in, who changed what.", panel=_RUN),
    "feeds": Entry(module="feeds", summary="Feeds: what is polled, when and how it goes.", panel=_WATCH),
    "digests": Entry(module="digests", summary="Digests: open and closed, and sending one now.", panel=_WATCH),
    "deliveries": Entry(module="deliveries", summary="Deliveries: what was sent, and trying again.", panel=_WATCH),
    "channels": Entry(module="channels", summary="Channels: which send, which do not and why.", panel=_WATCH),
    "bounces": Entry(module="bounces", summary="Bounces: mail that came back, and addresses spared.", panel=_WATCH),
    "subscriptions": Entry(
        module="subscriptions", summary="Subscriptions: who is told what, muted, ended.", panel=_WATCH
    ),
    "items": Entry(module="items", summary="Items: listed, exported, set aside, tried again.", panel=_WATCH),
    "events": Entry(module="events", summary="Events: what was found, and judging it.", panel=_WATCH),
    "rules": Entry(module="rules", summary="Rules: lint, test, explain, try on stored news.", panel=_FILES),
    "stories": Entry(module="stories", summary="Stories: group items that tell the same.", panel=_FILES),
    "annotate": Entry(module="annotate", summary="Show what is found in a text.", panel=_FILES),
    "config": Entry(module="config", summary="watcher.yml and the settings: check and show them.", panel=_FILES),
}


class _Lazy(TyperGroup):
    """Loads a command's module when the command runs; the list of commands needs none of them."""

    def __init__(self, **more: Any) -> None:
        super().__init__(**more)
        for name, entry in COMMANDS.items():
            self.commands[name] = TyperCommand(name, help=entry.summary, rich_help_panel=entry.panel)

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        name, _, rest = super().resolve_command(ctx, args)
        return name, COMMANDS[str(name)].load(str(name)), rest


app = typer.Typer(
    cls=_Lazy,
    help="Watch biotech news: feeds in, explained events out, by mail, Slack and signed webhook.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _installed_version() -> str:
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version("biotech-watcher")
    except PackageNotFoundError:
        return "not installed, run from its source"


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(_installed_version())
        raise typer.Exit


@app.callback()
def _watcher(
    version: bool = typer.Option(False, "--version", callback=_version, is_eager=True, help="Show the version."),
) -> None:
    pass


def main() -> None:
    """Run the command line. Status: 0 done, 1 failed, 2 misuse, 3 a check found something."""
    try:
        app()
    except WatcherError as error:
        sys.stderr.write(f"{error}\n")
        sys.exit(1)
    except (FileNotFoundError, PermissionError, FileExistsError, NotADirectoryError, IsADirectoryError) as error:
        sys.stderr.write(f"{error.filename}: {error.strerror}\n")
        sys.exit(1)
    except BrokenPipeError:
        # the reader of our output went away, as `| head` does
        sys.stderr.close()
        sys.exit(1)


if __name__ == "__main__":
    main()
