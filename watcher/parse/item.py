"""An entry to the item we keep: identity, canonical link, plain text, dates, language. Storing is the store's duty."""

from __future__ import annotations

import hashlib
from datetime import datetime

from watcher.model import ItemDraft
from watcher.parse.dates import read_date
from watcher.parse.entry import Entry, Markup
from watcher.parse.language import language_of
from watcher.parse.link import alias, canonical
from watcher.parse.plain import FIELD_BYTES, MARKUP_CHARACTERS, cut, from_html, looks_like_html, one_line, paragraphs
from watcher.parse.plain import shorten as shortened

TITLE_CHARACTERS = 1000
SUMMARY_CHARACTERS = 2000
SUMMARY_OF_TEXT_CHARACTERS = 400
NAME_CHARACTERS = 200
CATEGORIES = 50
IDENTITY_CHARACTERS = 500


def text_of(markup: Markup) -> str:
    """Plain text of a piece of markup, read as HTML only when it is."""
    if markup.html or (markup.guess and looks_like_html(markup.value)):
        return from_html(markup.value)
    return paragraphs(markup.value[:MARKUP_CHARACTERS])


def _digest(*parts: str) -> str:
    return hashlib.sha256("\n".join(parts).encode("utf-8", "replace")).hexdigest()


def identity_of(entry: Entry, link: str | None, title: str, text: str) -> str:
    """guid, else link, else a hash of title and date (of date and text without a title); empty means missing."""
    guid = one_line(entry.guid[: 4 * IDENTITY_CHARACTERS])
    identity = guid or link or ""
    if not identity:
        date = one_line(entry.published or entry.updated)
        identity = "hash:" + (_digest(title, date) if title else _digest(date, text))
    return identity if len(identity) <= IDENTITY_CHARACTERS else "sha256:" + _digest(identity)


def categories_of(entry: Entry) -> tuple[str, ...]:
    named = (one_line(name[: 4 * NAME_CHARACTERS])[:NAME_CHARACTERS].strip() for name in entry.categories)
    return tuple(dict.fromkeys(name for name in named if name))[:CATEGORIES]


def make_item(entry: Entry, *, base: str, feed_language: str, now: datetime) -> tuple[ItemDraft, tuple[str, ...]]:
    """The item of an entry, and in words what was cut from it.

    `base` resolves relative links; `now` bounds dates in the future.
    """
    title_line = one_line(text_of(entry.title))
    title = shortened(title_line, TITLE_CHARACTERS)
    content, summary = text_of(entry.content), text_of(entry.summary)
    whole = content or summary
    text = cut(whole, FIELD_BYTES).strip()
    too_long = len(text) < len(whole) or max(len(entry.content.value), len(entry.summary.value)) > MARKUP_CHARACTERS
    cuts = [f"title of {title[:60]!r} cut to {TITLE_CHARACTERS} characters"] * (len(title) < len(title_line))
    cuts += [f"text of {title[:60]!r} cut to {FIELD_BYTES // 1024} KB"] * too_long
    link = canonical(entry.link, base)
    identity = identity_of(entry, link, title, text)
    updated = read_date(entry.updated, now)
    draft = ItemDraft(
        identity=identity,
        alias=alias(identity),
        link=link,
        title=title,
        summary=shortened(one_line(summary), SUMMARY_CHARACTERS)
        if summary
        else shortened(one_line(text), SUMMARY_OF_TEXT_CHARACTERS),
        text=text,
        author=one_line(text_of(Markup(value=entry.author, guess=True)))[:NAME_CHARACTERS].strip() or None,
        language=language_of(entry.language, feed_language, f"{title} {text}".strip()),
        categories=categories_of(entry),
        published_at=read_date(entry.published, now) or updated,
        updated_at=updated,
        content_hash=_digest(title, text, link or ""),
    )
    return draft, tuple(cuts)
