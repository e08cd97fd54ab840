"""The hub and self links of a feed's document, read from its text whatever parser reads the rest.

Only what stands outside of entries counts, and only a bounded piece of it is looked at. Links are given as written;
against what they are resolved, and whether a hub is asked, is left to others.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from typing import Any

_HEAD_CHARACTERS = 100_000
_TAIL_CHARACTERS = 20_000
_URL_CHARACTERS = 2048
_ENTRY = re.compile(r"<(?:[A-Za-z_][\w.-]{0,60}:)?(?:item|entry)[\s>/]")
_LINK = re.compile(r"<(?:[A-Za-z_][\w.-]{0,60}:)?link\s([^<>]{0,4000})>")
_ATTRIBUTE = re.compile(r"""(?<![\w:.-])(rel|href)\s{0,20}=\s{0,20}(?:"([^"]{0,2100})"|'([^']{0,2100})')""")
_HIDDEN = (("<!--", "-->"), ("<![CDATA[", "]]>"))


def announced_xml(text: str) -> tuple[str, str]:
    """(hub, self) of an RSS, RDF or Atom document, "" where it names none; of several hubs the first https one."""
    hubs: list[str] = []
    topics: list[str] = []
    for attributes in _links(_outside(text)):
        found = {one[1]: html.unescape(one[2] or one[3] or "").strip() for one in _ATTRIBUTE.finditer(attributes)}
        names, href = found.get("rel", "").lower().split(), found.get("href", "")
        hubs += [href] * ("hub" in names)
        topics += [href] * ("self" in names)
    return _chosen(hubs), next((one for one in topics if one), "")


def announced_json(whole: dict[str, Any]) -> tuple[str, str]:
    """(hub, self) of a JSON Feed's top level, "" where it names none."""
    listed = whole.get("hubs")
    hubs = [
        one["url"]
        for one in (listed if isinstance(listed, list) else [])[:20]
        if isinstance(one, dict) and isinstance(one.get("url"), str) and str(one.get("type")).lower() == "websub"
    ]
    topic = whole.get("feed_url")
    return _chosen(hubs), topic.strip() if isinstance(topic, str) else ""


def _chosen(hubs: list[str]) -> str:
    usable = [one.strip() for one in hubs if one.strip() and len(one) <= _URL_CHARACTERS]
    return next((one for one in usable if one.lower().startswith("https:")), usable[0] if usable else "")


def _outside(text: str) -> Iterator[str]:
    """What stands before the first entry and after the last, comments and CDATA taken out, each piece bounded."""
    first = _ENTRY.search(text, 0, _HEAD_CHARACTERS)
    yield _shown(text[: first.start() if first else _HEAD_CHARACTERS])
    tail = text[max(len(text) - _TAIL_CHARACTERS, first.start() if first else _HEAD_CHARACTERS) :]
    last = max(tail.rfind("</item>"), tail.rfind("</entry>"), tail.rfind(":item>"), tail.rfind(":entry>"))
    if last >= 0:
        yield _shown(tail[last:])


def _shown(piece: str) -> str:
    """Without comments and CDATA sections; what an unclosed one begins is gone."""
    for begins, ends in _HIDDEN:
        kept: list[str] = []
        at = 0
        while (start := piece.find(begins, at)) >= 0:
            kept.append(piece[at:start])
            end = piece.find(ends, start + len(begins))
            at = len(piece) if end < 0 else end + len(ends)
        piece = "".join([*kept, piece[at:]])
    return piece


def _links(pieces: Iterator[str]) -> Iterator[str]:
    for piece in pieces:
        for found in _LINK.finditer(piece):
            yield found[1]
