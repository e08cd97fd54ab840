"""Foreign text made clean: lines, paragraphs, cuts, web and mail addresses; takes anything that a publisher sent."""

from __future__ import annotations

import re
import unicodedata
from email.headerregistry import Address
from email.utils import parseaddr
from urllib.parse import quote, urlsplit, urlunsplit

_UNSEEN = re.compile(
    "[\x00-\x08\x0e-\x1b\x7f-\x84\x86-\x9f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069\ud800-\udfff\ufeff\ufffe\uffff"
    "\U000e0000-\U000e007f]"
)
_SPACES = re.compile(r"\s+")
_LINE_ENDS = re.compile("\r\n?|[\x0b\x0c\x1c-\x1e\x85\u2028\u2029]")
_BLANK_LINES = re.compile(r"\n{3,}")
_LINK_SAFE = "!#$%&'()*+,-./:;=?@[]_~"
_LINK_LIMIT = 2000
_PLAIN_LINK = re.compile(r"https?://[a-z0-9.-]*[a-z0-9](?::[0-9]+)?/[A-Za-z0-9._~/=&?+-]*")
"""What nearly every address looks like; there is nothing to mend in it."""
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")


def one_line(text: str, limit: int | None = None) -> str:
    """`text` on one line: no line ends, control or bidi characters, no lone surrogates; cut to `limit` code points."""
    tidy = flat(text).strip()
    return tidy if limit is None else shorten(tidy, limit)


def flat(text: str) -> str:
    """As `one_line`, but a space at either end stays: for pieces of a line."""
    # What is not to be seen is not printable either, nor is any space but the plain one.
    if text.isprintable():
        return text if "  " not in text else _SPACES.sub(" ", text)
    return _SPACES.sub(" ", _UNSEEN.sub("", text))


def paragraphs(text: str, limit: int | None = None) -> str:
    """As `one_line`, but line feeds stay; never more than one empty line in a row."""
    lines = _UNSEEN.sub("", _LINE_ENDS.sub("\n", text)).split("\n")
    tidy = _BLANK_LINES.sub("\n\n", "\n".join(_SPACES.sub(" ", line).strip() for line in lines)).strip()
    return tidy if limit is None else shorten(tidy, limit)


def joins(before: str, after: str) -> bool:
    """Whether a cut between these two characters would tear a visible one apart."""
    return (
        before == "\u200d"
        or after in "\u200d\ufe0e\ufe0f"
        or unicodedata.combining(after) != 0
        or "\U0001f3fb" <= after <= "\U0001f3ff"
        or ("\U0001f1e6" <= after <= "\U0001f1ff" and "\U0001f1e6" <= before <= "\U0001f1ff")
    )


def shorten(text: str, limit: int) -> str:
    """At most `limit` code points, ending in "…" when cut; at a word's end where one is near, never inside an emoji."""
    if len(text) <= limit:
        return text
    if limit < 1:
        return ""
    end = limit - 1
    space = text.rfind(" ", max(0, end - 24), end + 1)
    if space > limit // 2:
        return text[:space].rstrip(" ,;:–-") + "…"
    floor = max(0, end - 64)
    while end > floor and joins(text[end - 1], text[end]):
        end -= 1
    return text[:end].rstrip() + "…"


def web_link(url: str | None) -> str | None:
    """`url` when it is an http(s) address fit to stand in a message, odd characters percent-encoded; else None."""
    if not url or len(url) > _LINK_LIMIT:
        return None
    if _PLAIN_LINK.fullmatch(url):
        return url
    if _UNSEEN.search(url) or any(char.isspace() for char in url.strip()):
        return None
    url = url.strip()
    try:
        parts = urlsplit(url)
        host = parts.netloc if parts.netloc.isascii() else parts.netloc.encode("idna").decode()
    except ValueError:  # UnicodeError of an impossible name is one
        return None
    if parts.scheme.lower() not in ("http", "https") or not parts.hostname or "\\" in url:
        return None
    return quote(urlunsplit(parts._replace(netloc=host)), safe=_LINK_SAFE)


def mail_address(written: str | None) -> Address | None:
    """`Name <local@domain>` or `local@domain`, the domain in its ASCII form; None when mail cannot be sent there."""
    name, bare = parseaddr(written or "")
    local, at, domain = bare.rpartition("@")
    try:
        address = Address(one_line(name, 100), username=local, domain=domain.encode("idna").decode("ascii"))
        sound = at and local and address.addr_spec.isascii() and len(local) <= 64 and "\\" not in address.addr_spec
    except (ValueError, IndexError):
        return None
    return address if sound and not _CONTROL.search(written or "") else None
