"""Publisher's strings to plain text, once: HTML to paragraphs, odd characters out, one line where one line is meant.

Linear in its input. nh3 does the reading of HTML; what a channel must escape again is the channel's duty.
"""

from __future__ import annotations

import html
import re

import nh3

FIELD_BYTES = 64 * 1024
# Markup is longer than its text; beyond this the rest is not even read.
MARKUP_CHARACTERS = 4 * FIELD_BYTES
_PARAGRAPH = {
    *("p", "div", "blockquote", "ul", "ol", "dl", "table", "section", "article", "header", "footer", "main", "aside"),
    *("h1", "h2", "h3", "h4", "h5", "h6", "pre", "figure", "figcaption", "hr", "address", "details", "summary"),
}
_LINE = {"li", "tr", "dt", "dd", "caption"}
_CELL = {"td", "th"}
_KEPT = _PARAGRAPH | _LINE | _CELL | {"br"}
# What is inside of these is no text.
_SILENT = {"script", "style", "template", "svg", "math", "iframe", "object", "noembed", "noframes", "select", "audio"}
_SILENT |= {"video", "canvas", "title", "head"}
# Where a line of a list or table begins or ends; several in a row are one line break.
_EDGE = "\x0b"
_EDGES = re.compile(r"(?:\x0b ?)+")
_TAG = re.compile(r"</?([a-z0-9]+)[^>]*>")
# Elements that are opened and never closed by habit do not nest.
_NESTING = re.compile(
    r"<(/?)(?!(?:br|hr|img|p|li|input|meta|link|td|tr|th|dt|dd|option|wbr|col)\b)[a-z]", re.IGNORECASE
)
# Tags whose reading needs no HTML parser: they never move text, and what stands between them is all text.
_SIMPLE_TAG = re.compile(
    r"</?(p|br|a|b|i|u|s|em|strong|span|div|ul|ol|li|img|h[1-6]|blockquote|small|sub|sup|hr|cite|q)"
    r"(?: [A-Za-z_:][A-Za-z0-9_:.-]*+(?: ?= ?(?:\"[^\"<>]*+\"|'[^'<>]*+'|[A-Za-z0-9_.#:%-]++))?)*+ ?/?>",
    re.IGNORECASE,
)
_ANY_TAG = re.compile(r"</?[A-Za-z!][^<>]*>")
_DEEP = 1000
# All that an HTML serialiser escapes in text, the ampersand last.
_ESCAPES = (("&lt;", "<"), ("&gt;", ">"), ("&nbsp;", " "), ("&amp;", "&"))
_MANY_BREAKS = re.compile(r"\n{3,}")
_LOOKS_HTML = re.compile(
    r"</(?:a|abbr|b|big|blockquote|center|cite|code|div|em|font|form|h[1-6]|html|i|iframe|li|mark|ol|p|pre|q|s|script"
    r"|small|span|strong|style|sub|sup|svg|table|td|tr|u|ul)\s*>"
    r"|<(?:br|hr|p|img)\b[^<>]{0,300}>|&(?:#[0-9]{1,7}|#[xX][0-9a-fA-F]{1,6}|[A-Za-z][A-Za-z0-9]{1,30});",
    re.IGNORECASE,
)

_GONE = dict.fromkeys(
    [
        *(code for code in range(0x20) if code not in (0x09, 0x0A, 0x0B, 0x0C, 0x0D)),
        *(code for code in range(0x7F, 0xA0) if code != 0x85),
        0xAD,  # soft hyphen: splits words for the eye only
        *(0x200B, 0x2060, 0xFEFF),  # zero width, no meaning between letters
        *range(0x202A, 0x202F),  # bidirectional overrides and embeddings
        *range(0x2066, 0x206A),
        *range(0xD800, 0xE000),
        *range(0xFDD0, 0xFDF0),
        *(plane << 16 | low for plane in range(17) for low in (0xFFFE, 0xFFFF)),
    ]
)
_BREAKS = {0x0B: "\n", 0x0C: "\n", 0x85: "\n", 0x2028: "\n", 0x2029: "\n\n"}
_CLEAN: dict[int, str | None] = {**_GONE, **_BREAKS}


def clean(text: str) -> str:
    """Only characters that every store and channel can carry; every kind of line break becomes a line feed."""
    if "\r" in text:
        text = text.replace("\r\n", "\n").replace("\r", "\n")
    # All that goes is unprintable to Python, and asking is much cheaper than translating.
    if text.isprintable() or text.replace("\n", " ").replace("\t", " ").isprintable():
        return text
    return text.translate(_CLEAN)


def one_line(text: str) -> str:
    """Clean, with each run of white space, line breaks included, as one space."""
    return " ".join(clean(text).split())


def paragraphs(text: str) -> str:
    """Clean, spaces tidied in each line, at most one empty line between paragraphs."""
    lines = [" ".join(line.split()) for line in clean(text).split("\n")]
    text = "\n".join(lines)
    return (_MANY_BREAKS.sub("\n\n", text) if "\n\n\n" in text else text).strip()


def _break(tag: re.Match[str]) -> str:
    name = tag[1].lower()
    if name in _PARAGRAPH:
        return "\n\n"
    if name in _LINE:
        return _EDGE
    return "\n" if name == "br" else " " if name in _CELL else ""


def _too_deep(markup: str) -> bool:
    """Is the nesting deeper than any writing needs? A browser's repair of it takes quadratic time."""
    depth = deepest = 0
    for tag in _NESTING.finditer(markup):
        depth += -1 if tag[1] else 1
        deepest = max(deepest, depth)
    return deepest > _DEEP


def from_html(markup: str) -> str:
    """The text of an HTML fragment with its paragraphs, lines of lists and tables; scripts and styles are left out."""
    # Line breaks of the source are spaces in HTML, so they go before the tags become breaks.
    source = " ".join(clean(markup[:MARKUP_CHARACTERS]).split())
    if "<" not in source:
        return paragraphs(html.unescape(source) if "&" in source else source)
    broken, simple = _SIMPLE_TAG.subn(_break, source)
    if simple == source.count("<"):
        broken = _EDGES.sub("\n", broken) if _EDGE in broken else broken
        return paragraphs(html.unescape(broken) if "&" in broken else broken)
    if source.count("<") > _DEEP and _too_deep(source):
        return paragraphs(html.unescape(_ANY_TAG.sub(" ", source)))
    kept = nh3.clean(source, tags=_KEPT, clean_content_tags=_SILENT, attributes={}, strip_comments=True)
    text = _TAG.sub(_break, kept)
    if _EDGE in text:
        text = _EDGES.sub("\n", text)
    if "&" in text:
        for escaped, character in _ESCAPES:
            text = text.replace(escaped, character)
    return paragraphs(text)


def looks_like_html(text: str) -> bool:
    """Does a string that should be plain hold closing tags, breaks or entities of HTML?"""
    return bool(_LOOKS_HTML.search(text))


def cut(text: str, max_bytes: int = FIELD_BYTES) -> str:
    """At most `max_bytes` of UTF-8, never inside a character."""
    if len(text) * 4 <= max_bytes:
        return text
    return text.encode()[:max_bytes].decode("utf-8", "ignore")


def shorten(text: str, characters: int) -> str:
    """At most so many characters, cut between words where there are any, with an ellipsis when cut."""
    if len(text) <= characters:
        return text
    head = text[: characters - 1]
    at = head.rfind(" ", characters // 2)
    return (head[:at] if at > 0 else head).rstrip() + "…"
