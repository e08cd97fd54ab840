"""A `DigestView` as a subject, a text and an HTML mail body; which alerts it holds and their order were decided before.

The templates see plain dicts and strings only, already cleaned, in Jinja's immutable sandbox. `render_json` is the form
that the sandbox child runs.
"""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from datetime import datetime
from functools import cache
from itertools import groupby
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from jinja2 import FileSystemLoader, StrictUndefined
from jinja2.exceptions import SecurityError
from jinja2.sandbox import ImmutableSandboxedEnvironment

from watcher import wire, wording
from watcher.model import JSON, AlertView, Coverage, DigestView, EventView, Rendered, Source

HTML_LIMIT_BYTES = 80_000
"""Gmail clips a message at about 102 KB of its encoded size; the rest is left for headers and encoding."""
_TITLES_OF_THE_REST = 20
_ENTRY_BYTES_LEAST = 800
_SNIPPETS, _SOURCES = 2, 6
_TEXT_WIDTH = 76
_DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_REMOVED_FILTERS = ("safe", "center", "replace", "indent", "format", "xmlattr", "pprint")
"""Those that undo escaping or let a template ask for gigabytes."""


class _Environment(ImmutableSandboxedEnvironment):
    intercepted_binops = frozenset({"*", "**", "%"})

    def call_binop(self, context: Any, operator: str, left: Any, right: Any) -> Any:  # noqa: ARG002 (Jinja's signature)
        raise SecurityError(f"a template may not compute with {operator}")


def _wrap(text: str, margin: int = 0) -> str:
    """`text` in lines of at most 76 columns behind `margin` spaces; addresses and unspaced scripts are never broken."""
    edge = " " * margin
    return textwrap.fill(
        text,
        width=_TEXT_WIDTH,
        initial_indent=edge,
        subsequent_indent=edge,
        break_long_words=False,
        break_on_hyphens=False,
    )


@cache
def _environment() -> _Environment:
    env = _Environment(
        loader=FileSystemLoader(Path(__file__).parent / "templates"),
        autoescape=lambda name: name is not None and ".html" in name,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    for name in _REMOVED_FILTERS:
        del env.filters[name]
    env.filters["wrap"] = _wrap
    return env


def render(view: DigestView, *, limit_bytes: int = HTML_LIMIT_BYTES) -> Rendered:
    """Subject on one line, text, and HTML of at most `limit_bytes` UTF-8 bytes.

    Alerts that do not fit are named by their titles, and counted, in both bodies. Raises jinja2.TemplateError.
    """
    # No entry is smaller, so trying with more would be in vain.
    shown = min(len(view.alerts), max(1, limit_bytes // _ENTRY_BYTES_LEAST))
    entries = [_entry(alert) for alert in view.alerts[:shown]]
    while True:
        context = _context(view, entries[:shown])
        html = _environment().get_template("digest.html.j2").render(context).strip()
        size = len(html.encode())
        if size <= limit_bytes or shown == 0:
            break
        shown = min(shown - 1, shown * limit_bytes // size)
    text = _environment().get_template("digest.txt.j2").render(context).strip() + "\n"
    return Rendered(subject=subject(view), text=text, html=html)


def render_json(payload: JSON) -> JSON:
    """For the sandbox: the wire form of a `DigestView` to the wire form of `Rendered`."""
    return wire.dump(render(wire.load(DigestView, payload)))


# ── words about the whole ────────────────────────────────────────────────────────────────────────────────────────────


def subject(view: DigestView) -> str:
    """One line of at most 200 characters; a digest's names its day, so that mail programs do not thread two of them."""
    title = wording.one_line(view.subscription_title, 80)
    if view.notice is not None:
        return wording.one_line(f"Watcher: {view.notice.subject}", 200)
    if view.immediate and view.alerts:
        first = view.alerts[0]
        start = "Update: " if first.update else ""
        return wording.one_line(f"{start}{first.event.rule_title}: {first.event.title}", 200)
    what = wording.counted(len(view.alerts), "event") if view.alerts else "nothing new"
    return wording.one_line(f"{title}: {what}, {wording.day(_local(view))}", 200)


def _local(view: DigestView) -> datetime:
    return view.window.closes_at.astimezone(ZoneInfo(view.zone))


def _preheader(view: DigestView) -> str:
    if view.notice is not None:
        return wording.one_line(" ".join(view.notice.lines), 140)
    if not view.alerts:
        return "Nothing new. " + _coverage_words(view.coverage)
    if view.immediate:
        first = view.alerts[0]
        return wording.one_line(wording.update_line(first) or wording.facts_line(first.event), 140)
    return wording.one_line(" · ".join(alert.event.title for alert in view.alerts[:4]), 140)


def _coverage_words(coverage: Coverage | None) -> str:
    if coverage is None:
        return ""
    feeds = wording.counted(coverage.feeds_total, "feed")
    words = f"{coverage.feeds_checked} of {feeds} checked."
    if coverage.failing:
        words += f" Not reached: {wording.joined(coverage.failing)}."
    elif coverage.feeds_checked == coverage.feeds_total:
        words = f"All {feeds} checked." if coverage.feeds_total > 1 else f"{feeds} checked."
    return f"{words} Silent for long: {wording.joined(coverage.silent)}." if coverage.silent else words


# ── what the templates see ───────────────────────────────────────────────────────────────────────────────────────────


def _context(view: DigestView, entries: Sequence[dict[str, Any]]) -> dict[str, Any]:
    local, notice, shown = _local(view), view.notice, len(entries)
    return {
        "subject": subject(view),
        "preheader": _preheader(view),
        "title": wording.one_line(view.subscription_title, 120),
        "day": f"{_DAYS[local.weekday()]} {wording.day(local)}",
        "clock": f"{local:%H:%M}",
        "zone": view.zone,
        "immediate": view.immediate,
        "count": wording.counted(len(view.alerts), "event"),
        "groups": _groups(entries),
        "rest": [_title(alert) for alert in view.alerts[shown:][:_TITLES_OF_THE_REST]],
        "rest_unnamed": max(0, len(view.alerts) - shown - _TITLES_OF_THE_REST),
        "rest_count": len(view.alerts) - shown,
        "coverage": _coverage_words(view.coverage),
        "failing": bool(view.coverage and view.coverage.failing),
        "left_out": [wording.one_line(words, 300) for words in view.left_out[:10]],
        "notice": notice
        and {
            "subject": wording.one_line(notice.subject, 200),
            "lines": [wording.one_line(line, 600) for line in notice.lines[:60]],
        },
        "converted": any(_is_converted(alert.event) for alert in view.alerts),
        "public_url": wording.web_link(view.public_url),
    }


def _is_converted(event: EventView) -> bool:
    return event.amount is not None and event.amount.usd is not None and event.amount.currency != "USD"


def _groups(entries: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    grouped = (list(group) for _, group in groupby(entries, key=lambda entry: entry["rule_id"]))
    return [{"title": group[0]["rule"], "count": str(len(group)), "entries": group} for group in grouped]


def _title(alert: AlertView) -> dict[str, Any]:
    event = alert.event
    return {
        "title": wording.one_line(event.title, 300) or "(no title)",
        "lang": _language(event.sources, event.title),
        "link": next((link for source in event.sources if (link := wording.web_link(source.link))), None),
        "revised": alert.update,
    }


def _language(sources: Sequence[Source], title: str) -> str | None:
    """The language of a title, for the reader's fonts: that of the source which told it so."""
    told = next((source.language for source in sources if source.title == title), None)
    known = told or (sources[0].language if sources else None)
    return known if known and known.replace("-", "").isalnum() and len(known) <= 12 else None


def _entry(alert: AlertView) -> dict[str, Any]:
    event = alert.event
    parts = wording.facts_parts(event)
    return {
        **_title(alert),
        "rule_id": event.rule_id,
        "rule": wording.one_line(event.rule_title, 80),
        "level": event.level.value,
        "facts": _styled(parts, event),
        "facts_line": " · ".join(parts),
        "snippets": [
            [{"words": words, "marked": marked} for words, marked in wording.segments(snippet)]
            for snippet in event.snippets[:_SNIPPETS]
        ],
        "sources": [_source(source) for source in event.sources[:_SOURCES]],
        "sources_more": max(0, len(event.sources) - _SOURCES),
        "why": wording.one_line(alert.reason, 300),
        "changed": wording.update_line(alert),
    }


def _styled(parts: Sequence[str], event: EventView) -> list[dict[str, str]]:
    """The facts line for HTML: the event's amount in its own currency stands out, the conversion does not."""
    whole, own = (wording.full_amount(event.amount), wording.amount(event.amount)) if event.amount else ("", "")
    return [
        {"strong": own, "words": part[len(own) :]}
        if whole and part.startswith(whole)
        else {"strong": "", "words": part}
        for part in parts
    ]


def _source(source: Source) -> dict[str, Any]:
    return {
        "feed": wording.one_line(source.feed, 60) or "unnamed feed",
        "link": wording.web_link(source.link),
        "day": wording.day(source.published_at) if source.published_at else "",
    }
