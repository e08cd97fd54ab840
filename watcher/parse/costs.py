"""What feedparser would spend seconds on, cut or refused beforehand; honest documents, broken ones too, pass unchanged.

It takes some 10 µs for a tag, ½ µs for a character in one and 4 µs for an entity, and more than linear time for a few
shapes: endless tags, names and dates, hundreds of categories in one entry, hundreds of namespaces.
"""

from __future__ import annotations

import re
from html import unescape
from itertools import pairwise

from watcher.parse.bounds import ENTRY, megabytes, outside
from watcher.parse.entry import NotAFeed

# A tag costs as much as so many characters inside of it.
_TAG_CHARACTERS = 20
_COST = 800_000
_OPEN_ELEMENTS = 50_000
_NAMESPACES = 200
_CATEGORIES = 200
_COMMAS = 200
_ENDLESS_TAG = re.compile(r"<[A-Za-z][^<>]{65536}")
_INSTRUCTION = re.compile(r"<\?[^<>?]{0,1000}\?>")
_REFERRING_TEXT = re.compile(r"(?:(?<=>)|\A)[^<>&]*&[^<>]*(?=<|\Z)")
_NAMESPACE = re.compile(r"xmlns:([\w.-]{1,60})")
_PREFIX = r"(?:[A-Za-z_][\w.-]{0,60}:)?"
_ADDRESS = re.compile(
    rf"(<{_PREFIX}(?:link|guid|id|url|uri|homepage|comments|origlink)(?:\s[^<>]*)?>\s*(?:<!\[CDATA\[)?)"
    r"([^<\]]{4096})([^<\]]*)",
    re.IGNORECASE,
)
_MARKUP = re.compile(r"<[A-Za-z/?][^<>]*>?")
# Tags that hold nothing that is read.
_UNREAD = re.compile(r"</?(?:enclosure|media:thumbnail|itunes:image|img)(?:\s[^<>]*)?>", re.IGNORECASE)
_CATEGORY_ELEMENT = re.compile(
    rf"<({_PREFIX}(?:category|subject|keywords|tags))(?=[\s>/])[^<>]*"
    r"(?:(?<=/)>|>(?:[^<]|<!\[CDATA\[(?:[^\]]|\](?!\]>))*+\]\]>)*+</\1\s*>)",
    re.IGNORECASE,
)
_CATEGORY = re.compile(rf"<{_PREFIX}(?:category|subject|keywords|tags)(?=[\s>/])", re.IGNORECASE)
# Fields that are names, dates and the like; feedparser looks for addresses and times all over them.
_SHORT = re.compile(
    rf"(<{_PREFIX}(?:author|creator|name|email|managingeditor|webmaster|publisher|contributor|pubdate|date|published"
    r"|updated|issued|modified|created|lastbuilddate|expirationdate|valid|language|point|line|polygon|box|pos|poslist)"
    r"(?:\s[^<>]*)?>\s*(?:<!\[CDATA\[)?)([^<\]]{250})([^<\]]*)",
    re.IGNORECASE,
)


def affordable(text: str, *, broken: bool) -> tuple[str, int]:
    """The text as feedparser may see it, and how many entries were left out of it; raises NotAFeed on monsters."""
    if _ENDLESS_TAG.search(text):
        raise NotAFeed("XML with a tag of more than 64 KB")
    closed = text.count("</")
    if text.count("<") - closed - (closed + text.count("/>")) > _OPEN_ELEMENTS:
        raise NotAFeed(f"XML with more than {_OPEN_ELEMENTS} elements left open")
    if broken:
        text = outside(text, _plainer, comments=False)
    if text.count("xmlns:") > _NAMESPACES and len(set(_NAMESPACE.findall(text))) > _NAMESPACES:
        raise NotAFeed(f"XML with more than {_NAMESPACES} namespaces")
    text = _ADDRESS.sub(r"\1\2", _SHORT.sub(r"\1\2", text))
    if broken:
        text = _UNREAD.sub("", text)
    return _few_tags(_few_categories(text))


def _plainer(piece: str) -> str:
    """Text that refers to characters as one section, instructions gone: one step for feedparser, not thousands."""
    if "<?" in piece:
        piece = _INSTRUCTION.sub("", piece)
    if "&" not in piece:
        return piece
    return _REFERRING_TEXT.sub(lambda text: f"<![CDATA[{unescape(text[0]).replace(']]>', ']] >')}]]>", piece)


def _few_categories(text: str) -> str:
    """Without the categories of an entry beyond the first 200: each is compared with all that came before."""
    if len(_CATEGORY.findall(text)) <= _CATEGORIES and text.count(",") <= _COMMAS:
        return text
    starts = [0, *(found.start() for found in ENTRY.finditer(text)), len(text)]
    return "".join(_of_entry(text[start:end]) for start, end in pairwise(starts))


def _of_entry(text: str) -> str:
    seen = 0

    def kept(found: re.Match[str]) -> str:
        nonlocal seen
        seen += 1
        if seen > _CATEGORIES:
            return ""
        return found[0] if found[0].count(",") <= _COMMAS else _shortened(found[0])

    text = _CATEGORY_ELEMENT.sub(kept, text)
    if len(_CATEGORY.findall(text)) > 2 * _CATEGORIES:
        raise NotAFeed(f"XML with more than {_CATEGORIES} categories in an entry")
    return text


def _shortened(element: str) -> str:
    tag, _bracket, rest = element.partition(">")
    words, _slash, name = rest.rpartition("</")
    words = ",".join(words.split(",", _COMMAS)[:_COMMAS])
    section = "]]>" if "<![CDATA[" in words and "]]>" not in words else ""
    return f"{tag}>{words}{section}</{name}"


def _few_tags(text: str) -> tuple[str, int]:
    """The text up to the last entry that ends before its tags cost too much, and how many come after it."""
    most = _COST * megabytes(text)
    if text.count("<") * _TAG_CHARACTERS <= most and sum(map(len, _MARKUP.findall(text))) <= most / 2:
        return text, 0
    starts = [found.start() for found in ENTRY.finditer(text)]
    spent = 0
    for number, (start, end) in enumerate(pairwise([0, *starts, len(text)])):
        spent += text.count("<", start, end) * _TAG_CHARACTERS
        spent += sum(map(len, _MARKUP.findall(text, start, end))) if spent <= most else 0
        if spent > most:
            if number < 2:
                raise NotAFeed("XML of more tags than a feed needs, not well-formed or of an odd shape")
            return text[:start], len(starts) - number + 1
    return text, 0
