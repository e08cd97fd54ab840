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
_MULTI_BYTE = {"utf-8", "gb18030", "big5hkscs", "euc_jp", "cp932", "iso2022_jp", "cp949", "koi8-r", "koi8-u", "cp866"}


def _known(label: str) -> str | None:
    """The codec for a declared label, or None for one that is unknown or no character set (`utf-7`, `rot13`, …)."""
    try:
        name = codecs.lookup(label).name
    except LookupError:
        return None
    name = _STAND_INS.get(name, name)
    return name if name in _MULTI_BYTE or _SINGLE_BYTE.fullmatch(name) else None


def _as_utf8(body: bytes) -> str | None:
    """UTF-8 with a few broken bytes replaced; None when more is broken than whole."""
    text = body.decode("utf-8", "replace")
    broken = text.count("\ufffd")
    if broken == 0:
        return text
    whole = sum(1 for _ in re.finditer("[\u0080-\ufffc\U00010000-\U0010ffff]", text))
    return text if whole >= broken else None


def _unmarked(body: bytes, content_type: str) -> tuple[str, str]:
    http = _HTTP.search(content_type)
    declared = _DECLARED.match(body[:400])
    labels = [http[1] if http else "", declared[1].decode("ascii") if declared else ""]
    names = [name for label in labels if label and (name := _known(label))]
    try:
        text = body.decode("utf-8")
    except UnicodeDecodeError:
        pass
    else:
        # Valid UTF-8 with bytes above ASCII is no accident of a single-byte set; of a Chinese one it can be.
        if body.isascii() and "iso2022_jp" not in names:
            return text, "utf-8"
        if not names or "utf-8" in names or all(_SINGLE_BYTE.fullmatch(name) for name in names):
            return text, "utf-8"
    for name in names:
        try:
            return body.decode(name), name
        except UnicodeDecodeError:
            continue
    repaired = _as_utf8(body)
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
