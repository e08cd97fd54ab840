"""`watcher feeds check`: would these URLs be contacted? Nothing is; with --resolve their names are looked up."""

from __future__ import annotations

import codecs
import json
import sys
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache, partial
from pathlib import Path
from typing import Annotated

import typer
from rich.text import Text

from watcher import settings, wire
from watcher.cli.session import output
from watcher.net.address import allowance
from watcher.net.judge import Verdict, judge
from watcher.net.resolve import Resolver, resolve
from watcher.wording import counted, one_line

_FOUND = 3
_AT_ONCE = 16
_CHARACTERS = 2000
_EMPTY = "an empty line"


def register(app: typer.Typer) -> None:
    """Add the command to `watcher feeds`."""
    app.command("check")(check)


def check(
    urls: Annotated[list[str] | None, typer.Argument(help="URLs to look at.", show_default=False)] = None,
    source: Annotated[
        Path | None, typer.Option("--input", help="A file with a URL a line; - reads standard input.")
    ] = None,
    look_up: Annotated[
        bool, typer.Option("--resolve", help="Resolve names too and check all their addresses.")
    ] = False,
    allow: Annotated[
        list[str] | None,
        typer.Option(help="A private network (10.0.0.0/8) or host:port to allow besides WATCHER_ALLOW_PRIVATE."),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON line a URL.")] = False,
    strict: Annotated[bool, typer.Option(help="End with status 3 when any is refused.")] = False,
) -> None:
    """Would these URLs be contacted, and why not? One answer a line, in order.

    Nothing is contacted. Feeds, their redirects, articles and webhooks all pass the same check, which a service
    repeats for every address of a name when it connects.
    """
    written = [*(urls or []), *(_lines(source) if source else [])]
    if not urls and source is None:
        raise typer.BadParameter("name URLs, or a file of them with --input")
    chosen = settings.load()
    allow_private = (*chosen.allow_private, *(allow or []))
    try:
        allowance(allow_private)
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint="--allow") from error
    verdicts = _judged(written, allow_private, chosen.fetch_connect_s if look_up else None)
    if as_json:
        for verdict in verdicts:
            typer.echo(json.dumps(wire.dump(verdict), ensure_ascii=False))
    else:
        _show(verdicts)
    if strict and any(not verdict.allowed and verdict.reason != _EMPTY for verdict in verdicts):
        raise typer.Exit(_FOUND)


def _lines(source: Path) -> list[str]:
    """Every line of the file whatever its bytes are: only a line feed ends one."""
    body = sys.stdin.buffer.read() if str(source) == "-" else source.read_bytes()
    wide = body.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
    text = body.decode("utf-16" if wide else "utf-8-sig", "replace")
    lines = text.removesuffix("\n").split("\n") if text else []
    return [line.removesuffix("\r") for line in lines]


def _judged(written: list[str], allow_private: tuple[str, ...], timeout_s: float | None) -> list[Verdict]:
    if timeout_s is None:
        return [_verdict(url, allow_private, None, 0) for url in written]
    one = partial(_verdict, allow_private=allow_private, resolver=lru_cache(resolve), timeout_s=timeout_s)
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        return list(pool.map(one, written))


def _verdict(url: str, allow_private: tuple[str, ...], resolver: Resolver | None, timeout_s: float) -> Verdict:
    if not url.strip():
        return Verdict(url=url, allowed=False, reason=_EMPTY)
    # a URL of the command line may hold bytes that are no text, and no output could carry them
    url = url.encode("utf-8", "replace").decode("utf-8")
    return judge(url, allow_private=allow_private, resolver=resolver, timeout_s=timeout_s)


def _shown(url: str) -> str:
    """The URL for a terminal: as it is, or with what a terminal would not show or would obey spelt out."""
    url = url.strip(" ")
    return (url if one_line(url) == url else ascii(url)[1:-1])[:_CHARACTERS] or "(nothing)"


def _show(verdicts: list[Verdict]) -> None:
    console = output()
    for verdict in verdicts:
        line = Text(f"{'allowed' if verdict.allowed else 'refused'}  ", style="green" if verdict.allowed else "red")
        line.append(_shown(verdict.url), style="default")
        console.print(line, soft_wrap=True)
        console.print(Text(f"         {one_line(verdict.reason)}", style="dim"), soft_wrap=True)
    refused = sum(1 for verdict in verdicts if not verdict.allowed)
    typer.echo(f"{counted(len(verdicts), 'URL')}: {len(verdicts) - refused} allowed, {refused} refused", err=True)
