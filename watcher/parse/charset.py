"""A feed's bytes to text: by BOM, then HTTP, then the document's own word, then a look at the bytes.

Publishers declare wrongly in a few well-known ways, and those are repaired here; the rest is left to XML and JSON.
"""

from __future__ import annotations

import codecs
import re

_BOMS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_PATTERNS = (
    (b"\x00\x00\x00<", "utf-32-be"),
    (b"<\x00\x00\x00", "utf-32-le"),
    (b"\x00<\x00", "utf-16-be"),
    (b"<\x00", "utf-16-le"),
    (b"\x00{", "utf-16-be"),
    (b"{\x00", "utf-16-le"),
)
_DECLARED = re.compile(rb"""^\s*<\?xml[^>]{0,200}?encoding\s*=\s*["']([A-Za-z0-9._:-]{1,40})["']""")
_HTTP = re.compile(r"""charset\s*=\s*["']?([A-Za-z0-9._:-]{1,40})""", re.IGNORECASE)
# Supersets stand in for what is usually a lie about them (WHATWG Encoding).
_STAND_INS = {"ascii": "cp1252", "iso8859-1": "cp1252", "gb2312": "gb18030", "gbk": "gb18030", "shift_jis": "cp932"}
_STAND_INS |= {"euc_kr": "cp949", "big5": "big5hkscs"}
_SINGLE_BYTE = re.compile(r"cp125\d|iso8859-\d+|mac-roman|cp437|cp850")
_BEYOND_ASCII = re.compile("[\u0080-\ufffc\U00010000-\U0010ffff]")
_MULTI_BYTE = {"utf-8", "gb18030", "big5hkscs", "euc_jp", "cp932", "iso2022_jp", "cp949", "koi8-r", "koi8-u", "cp866"}


def _known(label: str) -> str | None:
    """The codec for a declared label, or None for one that is unknown or no character set (`utf-7`, `rot13`, …)."""
    try:
        name = codecs.lookup(label).name
    except LookupError:
        return None
    name = _STAND_INS.get(name, name)
    return name if name in _MULTI_BYTE or _SINGLE_BYTE.fullmatch(name) else None


def _broken_as_western(error: UnicodeError) -> tuple[str, int]:
    """Codec error handler: bytes that are no UTF-8 are read as Windows-1252, one character each."""
    if not isinstance(error, UnicodeDecodeError):
        raise error
    broken = error.object[error.start : error.end]
    return "".join(bytes([byte]).decode("cp1252", "replace") for byte in broken), error.end


codecs.register_error("watcher.western", _broken_as_western)


def _as_utf8(body: bytes) -> str | None:
    """UTF-8 with strays of a Western set repaired; None when more is stray than whole."""
    strict = body.decode("utf-8", "replace")
    broken = strict.count("\ufffd")
    if broken == 0:
        return strict
    whole = sum(1 for _ in _BEYOND_ASCII.finditer(strict))
    return body.decode("utf-8", "watcher.western") if whole >= broken else None


def _unmarked(body: bytes, content_type: str) -> tuple[str, str]:
    http = _HTTP.search(content_type)
    declared = _DECLARED.match(body[:400])
    labels = [http[1] if http else "", declared[1].decode("ascii") if declared else ""]
    names = [name for label in labels if label and (name := _known(label))]
    if body.isascii() and "iso2022_jp" not in names:
        return body.decode("ascii"), "utf-8"
    repaired = _as_utf8(body)
    # Bytes that make UTF-8 are no accident of a single-byte set; of a Chinese one they can be.
    if repaired is not None and ("utf-8" in names or all(_SINGLE_BYTE.fullmatch(name) for name in names)):
        return repaired, "utf-8"
    for name in names:
        try:
            return body.decode(name), name
        except UnicodeDecodeError:
            continue
    if repaired is not None:
        return repaired, "utf-8"
    fallback = next((name for name in names if name != "utf-8"), "cp1252")
    return body.decode(fallback, "replace"), fallback


def decode(body: bytes, content_type: str | None) -> tuple[str, str]:
    """The document's text and the name of the character set it was read with; never fails."""
    for mark, name in _BOMS:
        if body.startswith(mark):
            return body[len(mark) :].decode(name, "replace"), name
    for pattern, name in _PATTERNS:
        if body.startswith(pattern):
            return body.decode(name, "replace"), name
    return _unmarked(body, content_type or "")
