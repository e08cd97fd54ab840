"""`watcher demo`: the whole line on this machine, on the seed articles; the play itself is `watcher.demo.run`'s."""

from __future__ import annotations

import typer


def register(app: typer.Typer) -> None:
    """Add the command to the program."""
    app.command()(demo)


def demo(
    keep: bool = typer.Option(False, "--keep", help="Leave it running and show the inbox page's address."),
) -> None:
    """Watch the line work: feeds polled, items classified, alerts and a digest delivered, all on this machine."""
    # Imported here, since `watcher --help` must not wait for what only this command needs.
    from rich.console import Console

    from watcher.demo.run import run

    raise typer.Exit(run(keep=keep, out=Console()))
