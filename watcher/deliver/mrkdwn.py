"""Foreign text in Slack's mrkdwn: escaped, inert and cut to measure; what is said is decided elsewhere.

Source: https://docs.slack.dev/messaging/formatting-message-text.
"""

from __future__ import annotations

import re

from watcher import wording

LINK_URL = 1000
_ESCAPES = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;"})
_INERT = str.maketrans({"*": "∗", "`": "ˋ", "~": "∼"})
_EDGE_UNDERSCORE = re.compile(r"(?<!\w)_|_(?!\w)")
_CALL = re.compile(r"(?<!\w)@(?=\w)")


def units(text: str) -> int:
    """The length of `text` in UTF-16, the longest count that a limit in characters may mean."""
    return len(text) + sum(char > "\uffff" for char in text) if not text.isascii() else len(text)


def mrkdwn(text: str) -> str:
    """`text` so that Slack shows it as it is: no mention, no link, no formatting comes out of it."""
    inert = _CALL.sub("@\u200b", _EDGE_UNDERSCORE.sub("ˍ", text.translate(_INERT)))
    return inert.translate(_ESCAPES)


def plain(text: str, limit: int) -> str:
    """One clean line of at most `limit` units, for what Slack does not read as mrkdwn; no character is torn apart."""
    room = limit
    while units(line := wording.one_line(text, room)) > limit:
        room = min(room - 1, room * limit // units(line))
    return line


def fitted(text: str, limit: int) -> str:
    """One clean line that is at most `limit` units after escaping; never cut inside an entity or a character."""
    room = limit
    while units(escaped := mrkdwn(wording.one_line(text, room))) > limit:
        room = min(room - 1, room * limit // units(escaped))
    return escaped


def link(url: str | None, words: str, limit: int) -> str:
    """`<url|words>`, or the words alone when there is no address that Slack would read as one."""
    address = wording.web_link(url)
    if address is None or len(address) > LINK_URL:
        return fitted(words, limit)
    return f"<{address.replace('&', '&amp;')}|{fitted(words, limit)}>"


def within(limit: int, *lines: str) -> str:
    """The lines, in order, that fit into `limit` units together; each is there whole or not at all."""
    taken = ""
    for line in filter(None, lines):
        longer = f"{taken}\n{line}" if taken else line
        if units(longer) <= limit:
            taken = longer
    return taken
