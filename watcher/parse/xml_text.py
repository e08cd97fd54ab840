"""What feedparser does with the text of an element: its type, its mended characters, its markup. Pure and small."""

from __future__ import annotations

from xml.sax.saxutils import escape

from watcher.parse.entry import Unusual

_TYPES = {"text": "text/plain", "plain": "text/plain", "html": "text/html", "xhtml": "application/xhtml+xml"}
HTML = frozenset({"text/html", "application/xhtml+xml"})
# Windows-1252 read as Latin-1 leaves these behind.
_WESTERN = {code: bytes([code]).decode("cp1252") for code in range(0x80, 0xA0) if code not in b"\x81\x8d\x8f\x90\x9d"}


def mapped(kind: str) -> str:
    """The media type for a type as Atom writes it (`html`), or as it stands."""
    return _TYPES.get(kind, kind)


def mended(text: str) -> str:
    """Text without the marks of a character set that was taken for another one."""
    if text.isascii():
        return text
    try:
        return text.encode("iso-8859-1").decode("utf-8").translate(_WESTERN)
    except (UnicodeEncodeError, UnicodeDecodeError):
        return text.translate(_WESTERN)


def content_type(attributes: dict[str, str], default: str) -> str:
    """The media type of a text element; raises Unusual on one that is no text."""
    if "mode" in attributes:
        raise Unusual("content with a mode")
    kind = attributes.get("type", default)
    kind = mapped(kind)
    if kind not in HTML and kind != "text/plain":
        raise Unusual("content of another type")
    return kind


def without_wrapper(pieces: list[str]) -> list[str]:
    """XHTML pieces without the one `div` that holds all of them."""
    while len(pieces) > 1 and not pieces[-1].strip():
        pieces.pop()
    while len(pieces) > 1 and not pieces[0].strip():
        del pieces[0]
    if not pieces or not (pieces[0] == "<div>" or pieces[0].startswith("<div ")) or pieces[-1] != "</div>":
        return pieces
    depth = 0
    for piece in pieces[:-1]:
        if piece.startswith("</"):
            depth -= 1
            if depth == 0:
                return pieces
        elif piece.startswith("<") and not piece.endswith("/>"):
            depth += 1
    return pieces[1:-1]


def local_of(name: str) -> str:
    """The local name, in lower case, of a name as expat gives it."""
    return name.split(" ")[1 if " " in name else 0].lower()


def quoted(value: str) -> str:
    """An attribute's value in quotation marks."""
    return '"' + escape(value, {'"': "&quot;"}) + '"'
