"""Typed spans of an item's text: sentences with stance, money, places, parties, assets, dates. Pure, no network.

`annotate` composes the parts; what the annotations mean for a rule is left to `match`.
"""

from __future__ import annotations

from watcher.annotate.assets import assets
from watcher.annotate.dates import dates
from watcher.annotate.money import money
from watcher.annotate.parties import parties
from watcher.annotate.places import places
from watcher.annotate.sentences import clauses, sentences
from watcher.model import Annotations, NewsText, TextField

MAX_TEXT = 100_000
"""Code points of a title or text that are read: far more than news needs, and a bound for what is no news."""


def annotate(news: NewsText) -> Annotations:
    """All annotations of a title and a text, in order of field and start; any string is fine.

    Only the first MAX_TEXT code points of each are read; the spans are those of the whole text all the same.
    """
    parts = [_field(news, field, text) for field, text in _fields(news) if text]
    return Annotations(
        sentences=tuple(one for part in parts for one in part.sentences),
        clauses=tuple(one for part in parts for one in part.clauses),
        money=tuple(one for part in parts for one in part.money),
        places=tuple(one for part in parts for one in part.places),
        parties=tuple(one for part in parts for one in part.parties),
        assets=tuple(one for part in parts for one in part.assets),
        dates=tuple(one for part in parts for one in part.dates),
    )


def _fields(news: NewsText) -> tuple[tuple[TextField, str], tuple[TextField, str]]:
    return (TextField.TITLE, news.title[:MAX_TEXT]), (TextField.TEXT, news.text[:MAX_TEXT])


def _field(news: NewsText, field: TextField, text: str) -> Annotations:
    found = sentences(text, field, dated=news.dated)
    other = (news.text if field is TextField.TITLE else news.title)[:MAX_TEXT]
    where = places(text, field, language=news.language)
    return Annotations(
        sentences=found,
        clauses=clauses(text, field, found, dated=news.dated),
        money=money(text, field, found, language=news.language, dated=news.dated),
        places=where,
        parties=parties(text, field, where, other),
        assets=assets(text, field),
        dates=dates(text, field, news.dated),
    )
