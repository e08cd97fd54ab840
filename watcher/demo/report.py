"""The demo's account of itself on a terminal, from values that were read from rows and far ends before.

Made for 80 columns and more: a narrow terminal gets fewer, taller columns and loses no fact.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path

from rich.box import ROUNDED, SIMPLE_HEAD
from rich.console import Console, Group, RenderableType
from rich.panel import Panel
from rich.rule import Rule
from rich.style import Style
from rich.table import Table
from rich.text import Text

from watcher import wording
from watcher.deliver.slack_text import Line, Piece, lines
from watcher.demo.feeds import Poll
from watcher.demo.hook_text import told
from watcher.demo.inbox import Mail
from watcher.demo.receivers import HookPost, SlackPost
from watcher.model import EventView

WIDE = 110
"""From this many columns on, the table of events has a column for each kind of fact."""
_WIDEST = 132
_STAGE_COLOURS = {"signed": "green", "extended": "green", "exploring": "yellow", "ended": "red"}
_ACCENT = "cyan"
_GOOD, _BAD = Text("✓", style="bold green"), Text("✗", style="bold red")


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One thing that the demo promises, and whether it held."""

    promise: str
    held: bool
    detail: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """Everything the report tells."""

    events: Sequence[EventView]
    mails: Sequence[Mail]
    slack: Sequence[SlackPost]
    hooks: Sequence[HookPost]
    polls: Sequence[Poll]
    checks: Sequence[Check]
    html_path: Path | None
    elapsed_s: float

    @property
    def held(self) -> bool:
        return all(check.held for check in self.checks)


def show(account: Account, out: Console) -> None:
    """Print the whole account, top down in the order in which things happened."""
    width = min(out.width, _WIDEST)
    parts: list[RenderableType] = [
        _heading(f"{wording.counted(len(account.events), 'event')} found"),
        _events(account.events, wide=width >= WIDE),
        _heading("The digest, as it arrived by mail"),
        _digest(account.mails, account.html_path),
        _heading(f"Slack received {wording.counted(len(account.slack), 'message')}"),
        Group(*[_slack_panel(post) for post in account.slack]),
        _heading(f"The webhook received {wording.counted(len(account.hooks), 'call')}"),
        _hooks(account.hooks),
        _heading("Polls"),
        _polls(account.polls),
        _heading("What had to hold"),
        _checks(account.checks),
        _ending(account),
    ]
    for part in parts:
        out.print(part, width=width)


def _heading(words: str) -> RenderableType:
    return Group(Text(""), Rule(Text(words, style="bold"), align="left", style="dim"))


# ── events ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def _events(events: Sequence[EventView], *, wide: bool) -> RenderableType:
    if not events:
        return Text("None. The rules found nothing in these items.", style="yellow")
    table = Table(box=SIMPLE_HEAD, expand=True, pad_edge=False, header_style="dim", show_lines=False, padding=(0, 1))
    if wide:
        _wide_columns(table)
    else:
        _narrow_columns(table)
    for number, event in enumerate(events):
        if number:
            table.add_row()
        table.add_row(*(_wide_row(event) if wide else _narrow_row(event)))
    return table


def _wide_columns(table: Table) -> None:
    table.add_column("Rule", style=_ACCENT, no_wrap=True)
    table.add_column("Title", ratio=6)
    table.add_column("Places or parties", ratio=5)
    table.add_column("Amount", ratio=4)
    table.add_column("Stage", no_wrap=True)
    table.add_column("Source", ratio=3)


def _wide_row(event: EventView) -> tuple[RenderableType, ...]:
    return event.rule_id, _title(event), _who(event), _amount(event), _stage(event), _source(event, "\n")


def _narrow_columns(table: Table) -> None:
    table.add_column("Rule", style=_ACCENT, no_wrap=True)
    table.add_column("What, who and where from", ratio=3)
    table.add_column("Amount, stage", ratio=2)


def _narrow_row(event: EventView) -> tuple[RenderableType, ...]:
    what = Group(*[part for part in (_title(event), _who(event), _source(event, " · ")) if part.plain])
    terms = Group(*[part for part in (_amount(event), _stage(event)) if part.plain])
    return event.rule_id, what, terms


def _title(event: EventView) -> Text:
    link = next((source.link for source in event.sources if source.link), None)
    style = Style(bold=True, link=wording.web_link(link))
    return Text(wording.one_line(event.title, 160), style=style)


def _who(event: EventView) -> Text:
    """Who gives to whom, or which places meet; then the asset."""
    giver, taker = event.fact("licensor"), event.fact("licensee")
    parts: tuple[str, ...]
    if giver or taker:
        parts = tuple(", ".join(wording.values(fact)) for fact in (giver, taker) if fact)
        who = " → ".join(parts) if giver else f"→ {parts[0]}"
    elif places := event.fact("places", "place"):
        who = " ↔ ".join(wording.values(places))
    else:
        facts = (event.fact("recipient"), event.fact("investors", "investor"))
        who = " ← ".join(", ".join(wording.values(fact)) for fact in facts if fact)
    asset = event.fact("asset", "assets")
    return Text(", ".join(filter(None, [who, ", ".join(wording.values(asset)) if asset else ""])))


def _amount(event: EventView) -> Text:
    fact = event.amount
    if fact is None:
        return Text("")
    text = Text(wording.amount(fact), style="bold green")
    if fact.usd is not None and fact.currency not in (None, "USD"):
        day = f"\nrate of {wording.day(fact.rate_date)}" if fact.rate_date else ""
        text.append(f"\n≈ {wording.usd(fact.usd)}{day}", style="not bold dim green")
    return text


def _stage(event: EventView) -> Text:
    if event.stage:
        return Text(event.stage, style=_STAGE_COLOURS.get(event.stage, ""))
    words = [
        word
        for name in ("exclusive", "territory", "round")
        if (fact := event.fact(name))
        for word in wording.values(fact)
    ]
    return Text("\n".join(words))


def _source(event: EventView, between: str) -> Text:
    names = list(dict.fromkeys(source.feed for source in event.sources))
    dated = next((source.published_at for source in event.sources if source.published_at), None)
    more = f" and {len(names) - 1} more" if len(names) > 1 else ""
    feeds = f"{wording.one_line(names[0], 40)}{more}" if names else ""
    return Text(between.join(filter(None, [wording.day(dated) if dated else "", feeds])), style="dim")


# ── what arrived ─────────────────────────────────────────────────────────────────────────────────────────────────────


def _digest(mails: Sequence[Mail], html_path: Path | None) -> RenderableType:
    if not mails:
        return Text("No mail arrived.", style="bold red")
    mail = mails[-1]
    head = Text.assemble(("To ", "dim"), ", ".join(mail.recipients), ("   Message-ID ", "dim"), mail.message_id)
    head.truncate(200)
    body = Text("\n".join(_indented(words) for words in mail.text.splitlines()).strip("\n"))
    panel = Panel(
        Group(head, Text(""), body),
        title=Text(wording.one_line(mail.subject, 100), style="bold"),
        title_align="left",
        box=ROUNDED,
        border_style=_ACCENT,
        padding=(1, 2),
    )
    if html_path is None:
        return panel
    return Group(panel, _path_line("The same digest as HTML:", html_path))


def _indented(words: str) -> str:
    return words[: len(words) - len(words.lstrip(" "))] + wording.one_line(words)


def _path_line(words: str, path: Path) -> Text:
    text = Text(f"{words} ", style="dim", overflow="fold")
    return text.append(str(path), style=Style(color=_ACCENT, link=path.as_uri()))


def _slack_panel(post: SlackPost) -> RenderableType:
    shown = Group(*_slack_lines(lines(post.payload)))
    verdict = Text("ok", style="green") if post.refused is None else Text(post.refused, style="bold red")
    foot = Text.assemble(("Slack's answer: ", "dim"), verdict)
    return Panel(shown, box=ROUNDED, border_style="dim", padding=(0, 1), subtitle=foot, subtitle_align="right")


def _slack_lines(found: Sequence[Line]) -> list[RenderableType]:
    """Each line as it is, but fields that follow one another side by side, as Slack sets them."""
    shown: list[RenderableType] = []
    for kind, run in groupby(found, key=lambda line: line.kind):
        words = [_slack_line(line) for line in run]
        fields = [word for word in words if isinstance(word, Text)] if kind == "field" else []
        shown += [Text(" · ", style="dim").join(fields)] if fields else words
    return shown


def _slack_line(line: Line) -> RenderableType:
    if line.kind == "divider":
        return Rule(style="dim")
    base = {"header": "bold", "context": "dim", "quote": "italic", "button": "reverse"}.get(line.kind, "")
    text = Text("▏ " if line.kind == "quote" else "", style=base)
    for piece in line.pieces:
        text.append(_clean(piece.text), style=_slack_style(piece))
    return text


def _clean(words: str) -> str:
    """One line without control characters that keeps the spaces at its ends, where the next piece follows."""
    before = " " if words[:1].isspace() else ""
    after = " " if words[-1:].isspace() and words.strip() else ""
    return f"{before}{wording.one_line(words)}{after}"


def _slack_style(piece: Piece) -> Style:
    colour = _ACCENT if piece.url else ("magenta" if piece.code else None)
    return Style(bold=piece.bold or None, italic=piece.italic or None, color=colour, link=wording.web_link(piece.url))


def _hooks(posts: Sequence[HookPost]) -> RenderableType:
    table = Table(box=SIMPLE_HEAD, expand=True, pad_edge=False, header_style="dim")
    table.add_column("Type", style=_ACCENT, no_wrap=True)
    table.add_column("What", ratio=3)
    table.add_column("webhook-id", ratio=1, style="dim", overflow="ellipsis", no_wrap=True)
    table.add_column("Signature", no_wrap=True)
    for post in posts:
        kind, what = told(post.payload)
        table.add_row(kind, Text(what), post.id, _verdict(post))
    return table


def _verdict(post: HookPost) -> Text:
    if post.verified:
        return Text.assemble(_GOOD, (" verified", "green"))
    return Text.assemble(_BAD, (f" {post.trouble}", "red"))


# ── polls, promises, end ─────────────────────────────────────────────────────────────────────────────────────────────


def _polls(polls: Sequence[Poll]) -> RenderableType:
    by_path: dict[str, list[int]] = {}
    for poll in polls:
        by_path.setdefault(poll.path, []).append(poll.status)
    table = Table(box=SIMPLE_HEAD, pad_edge=False, header_style="dim")
    table.add_column("Feed", no_wrap=True)
    table.add_column("First poll", no_wrap=True)
    table.add_column("Second poll", no_wrap=True)
    for path, statuses in by_path.items():
        told_again = ", ".join(_status(status) for status in statuses[1:])
        table.add_row(path, _status(statuses[0]), Text(told_again, style="green" if 304 in statuses[1:] else "yellow"))
    return table


def _status(status: int) -> str:
    return {200: "200 the feed", 304: "304 nothing new"}.get(status, str(status))


def _checks(checks: Sequence[Check]) -> RenderableType:
    table = Table.grid(padding=(0, 1))
    table.add_column(no_wrap=True)
    table.add_column()
    for check in checks:
        words = Text(check.promise)
        if check.detail:
            words.append(f": {check.detail}", style="dim" if check.held else "red")
        table.add_row(_GOOD if check.held else _BAD, words)
    return table


def _ending(account: Account) -> RenderableType:
    failed = sum(not check.held for check in account.checks)
    if failed:
        words = Text(f"\n{failed} of {wording.counted(len(account.checks), 'promise')} did not hold", style="bold red")
    else:
        words = Text("\nEverything held", style="bold green")
    return words.append(f" after {account.elapsed_s:.1f} s", style="not bold dim")
