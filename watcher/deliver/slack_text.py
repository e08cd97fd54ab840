"""Block Kit payloads as lines of styled words, for a terminal and for pages; how they look is decided there.

Reads what this project and most others send: https://docs.slack.dev/messaging/formatting-message-text.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from html import unescape

from watcher.model import JSON

_LINK = re.compile(r"<(https?://[^|>\s]+)(?:\|([^>]*))?>")
_STYLED = re.compile(r"(?<![\w*_`])([*_`])(?=\S)(.+?)(?<=\S)\1(?![\w*_`])")


@dataclass(frozen=True, slots=True, kw_only=True)
class Piece:
    text: str
    bold: bool = False
    italic: bool = False
    code: bool = False
    url: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    kind: str
    """header, text, quote, field, context, button or divider."""
    pieces: tuple[Piece, ...] = ()

    @property
    def words(self) -> str:
        return "".join(piece.text for piece in self.pieces)


def pieces(mrkdwn: str) -> tuple[Piece, ...]:
    """One line of mrkdwn as styled words; links keep their address, `&amp;` and its kin are read."""
    return tuple(_links(mrkdwn, Piece(text="")))


def _links(source: str, style: Piece) -> Iterator[Piece]:
    at = 0
    for mark in _outermost(source):
        yield from _plain(source[at : mark.start()], style)
        if mark.re is _LINK:
            words = mark[2] or mark[1]
            yield from _links(words, replace(style, url=unescape(mark[1]))) if mark[2] else _plain(words, style)
        else:
            yield from _links(mark[2], _styled(style, mark[1]))
        at = mark.end()
    yield from _plain(source[at:], style)


def _outermost(source: str) -> Iterator[re.Match[str]]:
    """Links and styled runs from left to right, none inside another."""
    at = 0
    while found := [mark for mark in (_LINK.search(source, at), _STYLED.search(source, at)) if mark]:
        first = min(found, key=lambda mark: mark.start())
        yield first
        at = first.end()


def _styled(style: Piece, mark: str) -> Piece:
    if mark == "*":
        return replace(style, bold=True)
    return replace(style, italic=True) if mark == "_" else replace(style, code=True)


def _plain(source: str, style: Piece) -> Iterator[Piece]:
    # Senders put zero-width spaces around a mark that would touch a word; they are nothing to read.
    words = unescape(source).replace("\u200b", "")
    if words:
        yield replace(style, text=words)


def lines(payload: Mapping[str, JSON]) -> tuple[Line, ...]:
    """The whole message; its `text` alone when it has no blocks."""
    blocks = payload.get("blocks")
    if not isinstance(blocks, list) or not blocks:
        return tuple(_paragraph({"type": "mrkdwn", "text": str(payload.get("text", ""))}, "text"))
    return tuple(line for block in blocks if isinstance(block, dict) for line in _block(block))


def _block(block: Mapping[str, JSON]) -> Iterator[Line]:
    kind = block.get("type")
    if kind == "divider":
        yield Line(kind="divider")
    if kind == "header":
        yield from _paragraph(block.get("text"), "header")
    if kind == "section":
        yield from _paragraph(block.get("text"), "text")
        for field in block.get("fields") or ():
            parts = [piece for line in _paragraph(field, "field") for piece in (*line.pieces, Piece(text=" "))]
            yield Line(kind="field", pieces=tuple(parts[:-1]))
    for element in block.get("elements") or ():
        words = element.get("text") if kind == "actions" else element
        for line in _paragraph(words, "button" if kind == "actions" else "context"):
            target = element.get("url") if kind == "actions" else None
            yield replace(line, pieces=tuple(replace(piece, url=target or piece.url) for piece in line.pieces))


def _paragraph(text: JSON, kind: str) -> Iterator[Line]:
    if not isinstance(text, dict) or not isinstance(text.get("text"), str):
        return
    if text.get("type") == "plain_text":
        yield Line(kind=kind, pieces=(Piece(text=text["text"]),))
        return
    for words in text["text"].split("\n"):
        quoted = words.removeprefix("&gt;").removeprefix(">").removeprefix(" ")
        quote = words.startswith(("&gt;", ">"))
        yield Line(kind="quote" if quote else kind, pieces=pieces(quoted if quote else words))
