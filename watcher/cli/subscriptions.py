"""`watcher subscriptions …`: who is told what and when, muting something for a while, ending and resuming."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Annotated, Any
from zoneinfo import ZoneInfo

import typer
from rich.text import Text

from watcher import wire
from watcher.cli.session import Json, opened, output, show
from watcher.digest.mute import in_force
from watcher.digest.notes import period
from watcher.errors import CannotHelp
from watcher.model import Budget, EmptyDay, Mute, MuteKind, Origin, Schedule, SubscriptionConfig, When
from watcher.store import Connection, digests, mutes, subscriptions
from watcher.wording import one_line

app = typer.Typer(help="Subscriptions: who is told what, muted and ended.", no_args_is_help=True, add_completion=False)

_DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_UNTIL_HELP = "A day as 2027-01-31 or an instant; for good when absent."
Rule = Annotated[str | None, typer.Option(help="A rule's id.")]
Story = Annotated[int | None, typer.Option(min=1, help="A story's number.")]
Party = Annotated[str | None, typer.Option(help="A party, under any of its names.")]
Place = Annotated[str | None, typer.Option(help="A place, with what lies inside it.")]


@app.command("list")
def list_subscriptions(as_json: bool = Json) -> None:
    """Every subscription: when it is told, over which channels, and whether it has ended."""
    with opened() as rt, rt.database.read() as conn:
        now = rt.clock()
        muted = mutes.active_of(conn, None, now)
        rows = [_row(row, muted.get(row["id"], ()), now) for row in subscriptions.listing(conn)]
    show(rows, ("id", "state", "when", "channels", "mutes"), as_json=as_json, empty="no subscriptions")


@app.command("show")
def show_subscription(subscription_id: str, as_json: bool = Json) -> None:
    """One subscription: what it asks for, what it mutes, and the digests it waits for."""
    with opened() as rt, rt.database.read() as conn:
        now = rt.clock()
        found = _found(conn, subscription_id)
        by_people = mutes.listing(conn, subscription_id)
        waiting = digests.waiting(conn, subscription_id)
        row = _row(found, mutes.active(conn, subscription_id, now), now)
    if as_json:
        config = wire.dump(found["config"])
        show([{**row, "config": config, "muted": by_people, "waiting": waiting}], (), as_json=True, empty="")
        return
    _tell(found, row)
    _tell_mutes(found["config"], by_people, now)
    typer.echo("\nwaits for")
    show(waiting, ("window", "closes_at", "alerts"), as_json=False, empty="  no open digest")


@app.command()
def mute(
    subscription_id: str,
    rule: Rule = None,
    story: Story = None,
    party: Party = None,
    place: Place = None,
    until: Annotated[str | None, typer.Option(help=_UNTIL_HELP)] = None,
) -> None:
    """Tell the subscription nothing of a rule, a story, a party or a place, until a day or for good."""
    kind, value = _one_of(rule, story, party, place)
    with opened() as rt, rt.database.write() as conn:
        config = _found(conn, subscription_id)["config"]
        wanted = Mute(kind=kind, value=value, until=_instant(until, config.schedule.zone, rt.clock()))
        mutes.add(conn, subscription_id, wanted, origin=Origin.CLI, now=rt.clock())
    typer.echo(f"{subscription_id} hears nothing of {kind} {one_line(value)}{_end(wanted, config.schedule.zone)}")


@app.command()
def unmute(
    subscription_id: str, rule: Rule = None, story: Story = None, party: Party = None, place: Place = None
) -> None:
    """Tell it again. What watcher.yml mutes is unmuted there."""
    kind, value = _one_of(rule, story, party, place)
    with opened() as rt, rt.database.write() as conn:
        config = _found(conn, subscription_id)["config"]
        known = mutes.listing(conn, subscription_id)
        met = [one["id"] for one in known if (one["kind"], one["value"]) == (kind, value)]
        if not met or not mutes.remove(conn, subscription_id, met[0]):
            here = any((one.kind, one.value) == (kind, value) for one in config.mutes)
            where = "that is muted in watcher.yml" if here else "that is not muted: see `watcher subscriptions show`"
            raise CannotHelp(f"{subscription_id}, {kind} {one_line(value)}: {where}")
    typer.echo(f"{subscription_id} hears of {kind} {one_line(value)} again")


@app.command()
def end(subscription_id: str) -> None:
    """Tell the subscription nothing more; a reload of watcher.yml does not undo it."""
    with opened() as rt, rt.database.write() as conn:
        _found(conn, subscription_id)
        if not subscriptions.end(conn, subscription_id, by=Origin.CLI.value, now=rt.clock()):
            raise CannotHelp(f"{subscription_id} had ended before")
    typer.echo(f"{subscription_id} has ended; `watcher subscriptions resume {subscription_id}` undoes it")


@app.command()
def resume(subscription_id: str) -> None:
    """Tell an ended subscription again what comes from now on."""
    with opened() as rt, rt.database.write() as conn:
        _found(conn, subscription_id)
        if not subscriptions.resume(conn, subscription_id):
            raise CannotHelp(f"{subscription_id} had not ended")
    typer.echo(f"{subscription_id} is told again")


def _found(conn: Connection, subscription_id: str) -> Mapping[str, Any]:
    for row in subscriptions.listing(conn):
        if row["id"] == subscription_id:
            return row
    raise CannotHelp(f"no subscription has the id {subscription_id}: see `watcher subscriptions list`")


def _one_of(rule: str | None, story: int | None, party: str | None, place: str | None) -> tuple[MuteKind, str]:
    named = {MuteKind.RULE: rule, MuteKind.STORY: story, MuteKind.PARTY: party, MuteKind.PLACE: place}
    given = [(kind, str(value).strip()) for kind, value in named.items() if value is not None]
    if len(given) != 1 or not given[0][1]:
        typer.echo("name one of --rule, --story, --party and --place", err=True)
        raise typer.Exit(2)
    return given[0]


def _instant(until: str | None, zone: str, now: datetime) -> datetime | None:
    """The instant that was named; a day begins, and a time without an offset counts, in the reader's zone."""
    if until is None:
        return None
    try:
        named = datetime.fromisoformat(until)
    except ValueError:
        typer.echo(f"{until!r} is no day: write one as 2027-01-31, or an instant as 2027-01-31T08:00+01:00", err=True)
        raise typer.Exit(2) from None
    instant = (named if named.tzinfo else named.replace(tzinfo=ZoneInfo(zone))).astimezone(UTC)
    if instant <= now:
        typer.echo(f"{until} has passed", err=True)
        raise typer.Exit(2)
    return instant


def _end(one: Mute, zone: str) -> str:
    return f" until {one.until.astimezone(ZoneInfo(zone)):%Y-%m-%d %H:%M} {zone}" if one.until else ""


def _row(row: Mapping[str, Any], muted: Sequence[Mute], now: datetime) -> dict[str, Any]:
    config: SubscriptionConfig = row["config"]
    return {
        "id": row["id"],
        "title": one_line(config.title),
        "origin": row["origin"],
        "state": row["state"] + (f" by {row['by']}" if row["by"] else ""),
        "since": row["since"],
        "when": _when(config.schedule),
        "channels": list(config.channels),
        "mutes": len(muted) + len(in_force(config.mutes, now)),
    }


def _when(schedule: Schedule) -> str:
    """`daily 08:00 on weekdays, Asia/Shanghai`."""
    match schedule.when:
        case When.DAILY:
            words = f"daily {schedule.at:%H:%M}" + (" on weekdays" if schedule.weekdays_only else "")
        case When.WEEKLY:
            words = f"{_DAYS[schedule.weekday]}s {schedule.at:%H:%M}"
        case _:
            words = str(schedule.when)
    return f"{words}, {schedule.zone}"


def _budget(budget: Budget) -> str:
    return f"{budget.messages} messages {period(budget)}"


def _tell(found: Mapping[str, Any], row: Mapping[str, Any]) -> None:
    for name, value in _asked(found["config"], row):
        line = Text(f"{name:<10}", style="bold")
        output().print(line.append(f" {value}", style="not bold"))


def _asked(config: SubscriptionConfig, row: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    yield "title", row["title"]
    yield "state", f"{row['state']} since {row['since']:%Y-%m-%d %H:%M} UTC, from {row['origin']}"
    yield "when", row["when"] + (", empty ones too" if config.empty is EmptyDay.SEND else "")
    yield "channels", ", ".join(config.channels)
    yield "rules", ", ".join(config.rules) or "all"
    for name in ("places", "parties", "languages", "tags"):
        if values := getattr(config, name):
            yield name, ", ".join(values)
    if config.at_least:
        yield "at least", config.at_least
    for rule_id, params in config.params.items():
        yield "of " + rule_id, ", ".join(str(one) for one in (params.at_least, params.unknown_amount) if one)
    if config.quiet:
        yield "quiet", f"{config.quiet.begins:%H:%M} to {config.quiet.ends:%H:%M}"
    if config.budget:
        yield "budget", _budget(config.budget)


def _tell_mutes(config: SubscriptionConfig, by_people: Sequence[Mapping[str, Any]], now: datetime) -> None:
    from_file = [
        {"kind": one.kind.value, "value": one.value, "until": one.until, "origin": Origin.FILE.value}
        for one in config.mutes
    ]
    rows = [{**one, "ended": "yes" if one["until"] and one["until"] <= now else ""} for one in (*from_file, *by_people)]
    if rows:
        typer.echo("\nhears nothing of")
        show(rows, ("kind", "value", "until", "origin", "ended"), as_json=False, empty="")
