"""`watcher events …`: what was found, and what people say of it."""

from __future__ import annotations

import getpass
from typing import Annotated

import typer

from watcher.cli.session import Json, opened, show
from watcher.errors import CannotHelp
from watcher.store import verdicts
from watcher.store.verdicts import Verdict

app = typer.Typer(help="Events: what was found, and judging it.", no_args_is_help=True, add_completion=False)

_COLUMNS = ("id", "rule_id", "title", "revision", "sources", "created_at", "verdicts")


@app.command("list")
def list_events(
    rule: Annotated[str | None, typer.Option(help="Only events of this rule.")] = None,
    limit: int = 50,
    as_json: bool = Json,
) -> None:
    """The newest events with their verdicts, newest first."""
    with opened() as rt, rt.database.read() as conn:
        rows = verdicts.listing(conn, rule_id=rule, limit=limit)
    show(rows, _COLUMNS, as_json=as_json, empty="no events yet")


@app.command()
def judge(
    event_id: int,
    verdict: Annotated[Verdict, typer.Argument(help="useful, not_useful or wrong_facts.")],
    note: Annotated[str, typer.Option(help="Why, for the next reader; it goes into the exported example.")] = "",
    who: Annotated[str | None, typer.Option(help="Whose word it is; the last one of each person counts.")] = None,
) -> None:
    """Say whether an event was useful; kept with the rule and its version, counted by `watcher rules list --stats`."""
    with opened() as rt:
        with rt.database.write() as conn:
            kept = verdicts.record(
                conn, event_id, verdict, who=who or getpass.getuser(), note=note.strip(), now=rt.clock()
            )
        if not kept:
            raise CannotHelp(f"no event has the id {event_id}: see `watcher events list`")
    typer.echo(f"event {event_id}: {verdict}")
