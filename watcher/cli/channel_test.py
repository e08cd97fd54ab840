"""`watcher channels test` and `watcher channels schema`: a sample through a real channel, and what webhooks receive.

A test leaves no row: it is no delivery that anybody waits for, and must not count for or against the channel.
"""

from __future__ import annotations

import json

import typer

from watcher import config as config_file
from watcher.cli.session import Json, opened
from watcher.deliver.webhook_schema import schema as webhook_schema
from watcher.errors import CannotHelp
from watcher.model import ChannelConfig, Language, OutcomeKind
from watcher.pipeline.channel_sample import Tried, try_channel
from watcher.runtime import Runtime
from watcher.store import channels

Digest = typer.Option(False, "--digest", help="Send a daily digest with the sample event, not an alert.")
Chinese = typer.Option(False, "--chinese", help="Send it in Chinese.")


def register(app: typer.Typer) -> None:
    """Add both commands to `watcher channels`."""
    app.command("test")(test)
    app.command("schema")(schema)


def schema() -> None:
    """The JSON Schema of what a webhook receives."""
    typer.echo(json.dumps(webhook_schema(), indent=2, ensure_ascii=False))


def test(channel: str, digest: bool = Digest, chinese: bool = Chinese, as_json: bool = Json) -> None:
    """Send a sample event, marked as a test, through a channel; nothing is stored. Ends with status 1 unless sent."""
    with opened() as rt:
        language = Language.CHINESE if chinese else Language.ENGLISH
        tried = try_channel(rt, _described(rt, channel), immediate=not digest, language=language)
    _tell(tried, as_json=as_json)
    if tried.outcome.kind is not OutcomeKind.SENT:
        raise typer.Exit(1)


def _tell(tried: Tried, *, as_json: bool) -> None:
    if not as_json:
        typer.echo(tried.words)
        return
    told = {
        "channel": tried.config.id,
        "kind": tried.config.kind.value,
        "outcome": tried.outcome.kind.value,
        "reason": tried.outcome.reason,
        "detail": tried.outcome.detail,
        "id": tried.envelope.message_id,
        "bytes": len(tried.envelope.body),
    }
    typer.echo(json.dumps(told, ensure_ascii=False))


def _described(rt: Runtime, name: str) -> ChannelConfig:
    """The channel as watcher.yml describes it now, loaded or not; else one that a sign-up made."""
    path = rt.settings.config_path
    known = list(config_file.load(path).channels) if path.is_file() else []
    with rt.database.read() as conn:
        known += channels.configs(conn, [name])
    found = next((one for one in known if one.id == name), None)
    if found is None:
        raise CannotHelp(f"no channel is called {name!r}: see `watcher channels list`")
    return found
