"""A document's text before a parser sees it: what XML forbids is taken out, what publishers get wrong is mended.

Each pass is linear in the text. What feedparser must be kept from is `watcher.parse.costs`' duty.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from html import escape
from html.entities import html5

from watcher.parse.entry import NotAFeed

_NOT_XML = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
_DECLARATION = re.compile(r"^\s*<\?xml[^>]{0,300}\?>")
_PROLOG_CHARACTERS = 20_000
_DOCTYPE = re.compile(
    r"""<!DOCTYPE(?:[^\[<>"']|"[^"]*+"|'[^']*+')*+(?:\[(?:[^\]"']|"[^"]*+"|'[^']*+')*+\])?\s*+>""", re.IGNORECASE
)
_ROOT = re.compile(r"<(?![?!])(?:[A-Za-z_][\w.-]{0,60}:)?([A-Za-z_][\w.-]{0,60})")
ENTRY = re.compile(r"<(?:[A-Za-z_][\w.-]{0,60}:)?(?:item|entry)[\s>/]")
_ENTRY_END = re.compile(r"</(?:[A-Za-z_][\w.-]{0,60}:)?(?:item|entry)\s{0,100}>")
_ENDS = {"rss": "</channel></rss>", "feed": "</feed>", "RDF": "</rdf:RDF>"}
_ROOT_END = re.compile(r"</(?:[A-Za-z_][\w.-]{0,60}:)?(?:rss|feed|rdf|channel)\s{0,100}>", re.IGNORECASE)
_NAKED = re.compile(r"&(?!#[0-9]{1,7};|#[xX][0-9a-fA-F]{1,6};|[A-Za-z][A-Za-z0-9]{1,31};)")
_STRAY = re.compile(r"<(?![A-Za-z_/!?])")
_NAMED = re.compile(r"&(?!(?:amp|lt|gt|quot|apos);)([A-Za-z][A-Za-z0-9]{1,31});")
_NUMBERED = re.compile(r"&#(?:([0-9]{1,7})|[xX]([0-9a-fA-F]{1,6}));")
_SECTIONS = 10_000
_AMPERSANDS = 150_000
_RUN = re.compile("&{8,}|<{8,}")
_OPAQUE = (("<![CDATA[", "]]>"), ("<!--", "-->"))


def megabytes(text: str) -> float:
    """Length in millions of characters, at least 1: what a document may cost grows with it."""
    return max(len(text) / 1_000_000, 1)


def harmless(text: str) -> str:
    """Without characters that XML forbids and without a DTD: its entities are only ever bombs or readers of files."""
    text = _DECLARATION.sub("", _NOT_XML.sub("", text), count=1).lstrip()
    at = text[:_PROLOG_CHARACTERS].upper().find("<!DOCTYPE")
    root = _ROOT.search(text, 0, at) if at > 0 else None
    if at < 0 or root is not None:
        return text
    found = _DOCTYPE.match(text, at)
    if found is not None:
        return text[:at] + text[found.end() :].lstrip()
    end = text.find("]>", at) + 2 if "]>" in text else text.find(">", at) + 1
    return text[:at] + text[end or len(text) :].lstrip()


def root_name(text: str) -> str:
    """The local name of the first element, "" when none begins early in the document."""
    root = _ROOT.search(text, 0, _PROLOG_CHARACTERS)
    return root[1] if root else ""


def first_entries(text: str, root: str, max_entries: int) -> tuple[str, int]:
    """The text up to its `max_entries`-th entry, closed again, and how many entries were left out."""
    if text.count("item") + text.count("entry") <= max_entries:
        return text, 0
    starts = [found.start() for found in ENTRY.finditer(text)]
    if len(starts) <= max_entries:
        return text, 0
    return text[: starts[max_entries]] + _ENDS.get(root, ""), len(starts) - max_entries


def breaks_off(text: str) -> bool:
    """Does the document end inside an entry? Then that entry's words may be half of what was meant."""
    open_entries = len(ENTRY.findall(text)) - len(_ENTRY_END.findall(text))
    return open_entries > 0 and not _ROOT_END.search(text[-500:])


def outside(text: str, change: Callable[[str], str], *, comments: bool = True) -> str:
    """The text with `change` made everywhere but in CDATA sections and comments; without comments when so asked.

    Raises NotAFeed when there are more of them than any publisher writes.
    """
    if text.count("<!") > _SECTIONS * megabytes(text):
        raise NotAFeed("XML of comments and sections, not well-formed")
    pieces: list[str] = []
    at = 0
    ends = {mark: text.find(mark) for mark, _end in _OPAQUE}
    while True:
        for mark, found in ends.items():
            if 0 <= found < at:
                ends[mark] = text.find(mark, at)
        mark, start = min(((m, f) for m, f in ends.items() if f >= 0), key=lambda pair: pair[1], default=("", -1))
        end = text.find(dict(_OPAQUE)[mark], start) if mark else -1
        if end < 0:
            # A section without an end: what follows is read as text, as a browser would.
            return "".join((*pieces, change(text[at:])))
        pieces.append(change(text[at:start]))
        if comments or mark != "<!--":
            pieces.append(text[start : end + 3])
        at = end + 3


def _named(entity: re.Match[str]) -> str:
    character = html5.get(f"{entity[1]};")
    return escape(character) if character else f"&amp;{entity[1]};"


def _numbered(entity: re.Match[str]) -> str:
    code = int(entity[1]) if entity[1] else int(entity[2], 16)
    return entity[0] if code < 0x110000 and not _NOT_XML.match(chr(code)) else ""


def mended(text: str) -> str:
    """With ampersands and angle brackets that are no markup escaped, and HTML's names for characters replaced.

    Raises NotAFeed when there are more ampersands than any publisher writes.
    """
    text = _RUN.sub(" ", text)
    most = _AMPERSANDS * megabytes(text)
    if text.count("&") > most or (text.count("<") > most and len(_STRAY.findall(text)) > most):
        raise NotAFeed("XML of ampersands or stray brackets, not well-formed")

    def change(piece: str) -> str:
        if "<" in piece:
            piece = _STRAY.sub("&lt;", piece)
        if "&" not in piece:
            return piece
        return _NUMBERED.sub(_numbered, _NAMED.sub(_named, _NAKED.sub("&amp;", piece)))

    return outside(text, change)
