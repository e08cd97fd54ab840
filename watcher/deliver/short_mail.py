"""The short version of a mail that a server finds too large: its own headers, and where to read it instead.

Made from the bytes that are kept, so that every attempt makes the same one.
"""

from __future__ import annotations

import re
from email.message import EmailMessage
from email.policy import SMTP as MAIL_POLICY

from watcher.model import Language

_NEXT_FIELD = re.compile(rb"\r\n(?![ \t])")
_PLACE = re.compile(r"<(https?://[^<>\s]+)>")
_WORDS = {
    Language.ENGLISH: ("This message was too large for your mail server. You can read it here:", "Unsubscribe:"),
    Language.CHINESE: ("这封邮件超出了您邮件服务器的大小限制，请在此阅读：", "退订："),
}


def shortened(message: bytes) -> bytes | None:
    """A text of a few lines under the message's own headers; None when it does not say where else it can be read."""
    head, _, _ = message.partition(b"\r\n\r\n")
    fields = _NEXT_FIELD.split(head)
    browser = _place(fields, b"archived-at")
    if browser is None:
        return None
    wanted = _said(fields, b"content-language")
    language = Language(wanted) if wanted in set(Language) else Language.ENGLISH
    lead, leave = _WORDS[language]
    unsubscribe = _place(fields, b"list-unsubscribe")
    text = f"{lead}\n{browser}\n" + (f"\n{leave}\n{unsubscribe}\n" if unsubscribe else "")
    part = EmailMessage(policy=MAIL_POLICY.clone(max_line_length=998))
    part.set_content(text, charset="utf-8", cte="quoted-printable")
    part["Content-Language"] = language.value
    kept = [one + b"\r\n" for one in fields if not one.lower().startswith((b"content-", b"mime-"))]
    return b"".join(kept) + part.as_bytes()


def _said(fields: list[bytes], name: bytes) -> str:
    for field in fields:
        if field.lower().startswith(name + b":"):
            return field.partition(b":")[2].decode("ascii", "replace").strip()
    return ""


def _place(fields: list[bytes], name: bytes) -> str | None:
    found = _PLACE.search(_said(fields, name))
    return found[1] if found else None
