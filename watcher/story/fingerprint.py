"""Which story an item tells, as a key that its copies in other feeds share.

Only certain sameness counts here: two items get one key when they name the same page under the same headline, or, for
items without a link, tell the same words under the same headline. Whether different pages tell the same thing is a
decision with reasons and belongs to its own module.
"""

from __future__ import annotations

import hashlib
import re
import unicodedata
from urllib.parse import urlsplit

from watcher.model import Item

_NOT_WORDS = re.compile(r"[\W_]+")


def normal(text: str) -> str:
    """Letters and digits only, case and width folded, one space between words."""
    return _NOT_WORDS.sub(" ", unicodedata.normalize("NFKC", text).casefold()).strip()


def story_key(item: Item) -> str:
    """The key of the item's story: 64 hexadecimal digits."""
    parts = urlsplit(item.link) if item.link else None
    if parts and (parts.path.strip("/") or parts.query):
        host = parts.netloc.casefold().removeprefix("www.")
        told = f"{host}{parts.path.rstrip('/')}?{parts.query}"
    else:
        told = normal(item.text)
    return hashlib.sha256(f"{normal(item.title)}\n{told}".encode("utf-8", "surrogatepass")).hexdigest()
