"""`watcher config …`: is watcher.yml sound, and what is in force? Secrets are named and never shown."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any

import typer

from watcher import config, settings, wire
from watcher.cli.session import opened
from watcher.deliver import dkim, email
from watcher.deliver.channel import Misconfigured
from watcher.errors import CannotHelp, Mistake, Mistakes
from watcher.match.language import load_rules
from watcher.model import ChannelConfig, Config, Secret
from watcher.parse import page
from watcher.pipeline import reload, templates
from watcher.pipeline.named_rules import unknown_rules
from watcher.pipeline.reload_state import Files
from watcher.runtime import rules_folder
from watcher.sandbox import Sandbox
from watcher.settings import Settings

app = typer.Typer(help="watcher.yml and the settings: check and show them.", no_args_is_help=True, add_completion=False)

File = Annotated[Path | None, typer.Argument(help="The file; WATCHER_CONFIG_PATH or watcher.yml when absent.")]
AsJson = Annotated[bool, typer.Option("--json", help="JSON for machines.")]


@app.command()
def check(path: File = None, as_json: AsJson = False) -> None:
    """Every mistake in the settings and in watcher.yml, with its line and what to write instead; status 3 if any."""
    found: list[Mistake] = []
    chosen = Settings()
    try:
        chosen = settings.load()
    except Mistakes as mistakes:
        found += mistakes.mistakes
    file = path or chosen.config_path
    loaded = None
    try:
        loaded = config.load(file)
    except Mistakes as mistakes:
        found += mistakes.mistakes
    else:
        found += [*_unreadable_secrets(loaded, file), *_missing_parts(loaded, file), *_templates(loaded, file)]
        found += [*_unsigned(loaded, file), *_unknown_rules(loaded, file, chosen)]
    if as_json:
        typer.echo(json.dumps([wire.dump(mistake) for mistake in found], ensure_ascii=False))
    else:
        for mistake in found:
            typer.echo(str(mistake))
        if not found and loaded is not None:
            typer.echo(f"{file}: {_summary(loaded)}")
    if found:
        raise typer.Exit(3)


@app.command()
def show(path: File = None, as_json: AsJson = False) -> None:
    """The settings in force and watcher.yml as it is understood."""
    chosen = settings.load()
    loaded = config.load(path or chosen.config_path)
    shown = settings.shown(chosen)
    if as_json:
        typer.echo(json.dumps({"settings": shown, "config": _plain(wire.dump(loaded))}, ensure_ascii=False, indent=2))
        return
    width = max(len(name) for name in shown)
    for name, value in shown.items():
        typer.echo(f"{name:<{width}}  {'–' if value in (None, (), '') else value}")
    typer.echo()
    for line in _outline(_plain(wire.dump(loaded))):
        typer.echo(line)


@app.command()
def schema() -> None:
    """The JSON Schema of watcher.yml, for editors."""
    json.dump(config.schema(), sys.stdout, indent=2, ensure_ascii=False)
    typer.echo()


@app.command("reload")
def reload_now(as_json: AsJson = False) -> None:
    """Take watcher.yml, rules and templates into force now, in every process of this machine; status 3 if refused."""
    with opened() as rt:
        done = reload.reload(rt, by="cli")
    if as_json:
        typer.echo(json.dumps(reload.shown(done), ensure_ascii=False))
    elif done.ok:
        rules = done.files.get(Files.RULES)
        typer.echo(f"in force: {rt.settings.config_path}, rules {rules.version if rules else '–'}")
    else:
        typer.echo("\n".join(("the last good files stay in force:", *done.mistakes)))
    if not done.ok:
        raise typer.Exit(3)


def _summary(loaded: Config) -> str:
    counts = (("feed", loaded.feeds), ("channel", loaded.channels), ("subscription", loaded.subscriptions))
    return ", ".join(f"{len(rows)} {name}{'' if len(rows) == 1 else 's'}" for name, rows in counts) + ", no mistakes"


def _unreadable_secrets(loaded: Config, file: Path) -> Iterator[Mistake]:
    for owner, name, secret in _secrets(loaded):
        try:
            settings.resolve(secret, base=file.parent)
        except CannotHelp as error:
            yield Mistake(path=str(file), line=0, message=f"{owner}, {name}: {error}")


def _missing_parts(loaded: Config, file: Path) -> Iterator[Mistake]:
    """What the file asks for and an extra package would do."""
    asking = [feed.url for feed in loaded.feeds if feed.full_text]
    if asking and not page.available():
        message = f"feed {asking[0]} asks for full text, and no package that finds articles is installed"
        yield Mistake(path=str(file), line=0, message=message, instead=page.INSTALL)


def _templates(loaded: Config, file: Path) -> Iterator[Mistake]:
    """What is wrong with the channels' own mail templates, tried on sample digests."""
    folders = {channel.templates: file.parent / channel.templates for channel in loaded.channels if channel.templates}
    if not folders:
        return
    with Sandbox() as sandbox:
        for folder in folders.values():
            try:
                yield from templates.try_out(sandbox, folder, templates.read_folder(folder))
            except Mistakes as mistakes:
                yield from mistakes.mistakes


def _unsigned(loaded: Config, file: Path) -> Iterator[Mistake]:
    """Mail whose signature receivers would not count, or that could not be signed at all."""
    for channel in loaded.channels:
        if channel.dkim is None:
            continue
        if not email.aligned(channel):
            message = f"channel {channel.id}: the sender is not of the domain that signs, {channel.dkim.domain}"
            instead = "sign with the sender's domain or one above it"
            yield Mistake(path=str(file), line=0, message=message, instead=instead)
        try:
            dkim.read_key(settings.resolve(channel.dkim.key, base=file.parent))
        except Misconfigured as error:
            yield Mistake(path=str(file), line=0, message=f"channel {channel.id}: {error}")
        except CannotHelp as error:
            yield Mistake(path=str(file), line=0, message=f"channel {channel.id}, dkim key: {error}")


def _unknown_rules(loaded: Config, file: Path, chosen: Settings) -> Iterator[Mistake]:
    """Rules that subscriptions name and nobody wrote; nothing while the rules themselves cannot be read."""
    try:
        known = {rule.id for rule in load_rules(rules_folder(replace(chosen, config_path=file), loaded)).rules}
    except (CannotHelp, OSError):
        return
    for one in unknown_rules(loaded.subscriptions, known):
        message = f"{one.where}: there is no rule {one.name}"
        yield Mistake(path=str(file), line=0, message=message, instead=one.instead)


def _secrets(loaded: Config) -> Iterator[tuple[str, str, Secret]]:
    for feed in loaded.feeds:
        yield from ((f"feed {feed.url}", name, secret) for name, secret in feed.headers.items())
    for channel in loaded.channels:
        yield from _channel_secrets(channel)


def _channel_secrets(channel: ChannelConfig) -> Iterator[tuple[str, str, Secret]]:
    for name in ("smtp_url", "url", "secret"):
        value = getattr(channel, name)
        if isinstance(value, Secret):
            yield f"channel {channel.id}", name, value


def _plain(value: Any) -> Any:
    """Without what is not said: None, empty lists and mappings."""
    if isinstance(value, dict):
        return {key: _plain(inner) for key, inner in value.items() if inner not in (None, [], {})}
    return [_plain(inner) for inner in value] if isinstance(value, list) else value


def _outline(value: Any, indent: str = "") -> Iterator[str]:
    """Nested mappings and lists as indented lines."""
    pairs = value.items() if isinstance(value, dict) else ((f"{number}.", one) for number, one in enumerate(value, 1))
    for key, inner in pairs:
        if isinstance(inner, dict | list):
            yield f"{indent}{key}"
            yield from _outline(inner, indent + "  ")
        else:
            yield f"{indent}{key}: {inner}"
