"""`watcher admin …`: the hash of a password for WATCHER_ADMIN_PASSWORD, and logging everybody out."""

from __future__ import annotations

import sys

import typer

from watcher import password
from watcher.cli.session import opened
from watcher.errors import CannotHelp
from watcher.store import audit, sessions

app = typer.Typer(help="Admin: the console's password and its logins.", no_args_is_help=True, add_completion=False)


@app.command("hash")
def hash_password() -> None:
    """Read a password, asked for twice or as a line of standard input, and print its hash for the settings."""
    given = _asked() if sys.stdin.isatty() else sys.stdin.readline().rstrip("\r\n")
    trouble = password.weakness(given)
    if trouble:
        raise CannotHelp(f"this password is not taken: {trouble}")
    typer.echo(password.hashed(given))


@app.command()
def logout() -> None:
    """End every login of the console."""
    with opened() as rt, rt.database.write() as conn:
        ended = sessions.end_all(conn)
        audit.note(conn, who="command line", action="login.out", target="every session", now=rt.clock())
    typer.echo(f"{ended} logins ended")


def _asked() -> str:
    return str(typer.prompt("Password", hide_input=True, confirmation_prompt=True, err=True))
