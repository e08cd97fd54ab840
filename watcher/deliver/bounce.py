"""What a mail that came back says, and what an outcome of sending says, about an address; pure.

Only what comes to an address that we signed (`watcher.deliver.return_path`) or holds one is believed: anybody can write
a bounce. Sources: RFC 3464 (delivery status), RFC 3463 (its codes), RFC 5965 (complaints).
"""

from __future__ import annotations

import email
import email.policy
import logging
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from email.message import Message
from email.utils import getaddresses
from enum import StrEnum

from flufl.bounce import all_failures

from watcher.deliver import return_path
from watcher.deliver.return_path import Box, Returned
from watcher.deliver.smtp_reply import ADDRESS_REFUSED, MAILBOX_FULL, NO_SUCH_ADDRESS, enhanced, of_address
from watcher.model import Outcome

BYTES = 2_000_000
"""Of a mail that are read; what says why it came back stands before the message that did."""
_PARTS = 60
"""More nested parts than any mail server writes: the parser goes down one level for each."""
_TO = ("delivered-to", "x-original-to", "envelope-to", "x-envelope-to", "x-delivered-to", "to", "cc")
_OURS = re.compile(rb"(?i)(?:bounce|unsubscribe)\+[a-z0-9_-]{1,64}\.[a-z2-7]{16}@[a-z0-9.-]{1,253}")
_ADDRESSES = 50

logging.getLogger("flufl.bounce").setLevel(logging.CRITICAL)  # it logs what it did not understand, as a trace


class Said(StrEnum):
    """What a mail to us says."""

    HARD = "hard"
    """Nobody has that address."""
    REFUSED = "refused"
    """The address takes nothing for now; counted, and suppressed when it goes on."""
    COMPLAINT = "complaint"
    """Its reader called our message spam."""
    UNSUBSCRIBE = "unsubscribe"
    POLICY = "policy"
    """A receiver refuses us as senders; no reader is to blame."""
    MESSAGE = "message"
    """This one message was refused, for what it is."""
    DELAYED = "delayed"
    OTHER = "other"
    """An automatic answer, a person, anything that is no bounce."""
    FORGED = "forged"
    """It came to no address of ours, or to one that somebody made up."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    said: Said
    reason: str
    """One stable word or an enhanced code."""
    delivery_key: str | None = None


def is_hard(outcome: Outcome) -> bool | None:
    """Whether the outcome of sending is a bounce that suppresses at once, or one to count; None when it is neither."""
    return {NO_SUCH_ADDRESS: True, ADDRESS_REFUSED: False}.get(outcome.reason)


def read(raw: bytes, *, recipients: Sequence[str] = (), secret: str) -> Report:
    """What the mail says. `recipients`: the envelope's, where the mail server names them. Never raises for a mail."""
    raw = raw[:BYTES]
    if raw.lower().count(b"boundary") > _PARTS:
        return Report(said=Said.OTHER, reason="too_many_parts")
    message = email.message_from_bytes(raw, policy=email.policy.compat32)
    complaint = _complaint(message)
    if complaint is not None:
        return _complained(complaint, raw, secret)
    returned = _returned([*recipients, *_addressed(message)], secret)
    if returned is None:
        return Report(said=Said.FORGED, reason="no_signed_address")
    if returned.box is Box.UNSUBSCRIBE:
        return Report(said=Said.UNSUBSCRIBE, reason="mail", delivery_key=returned.delivery_key)
    said, reason = _bounce(message)
    return Report(said=said, reason=reason, delivery_key=returned.delivery_key)


# ── who ──────────────────────────────────────────────────────────────────────────────────────────────────────────────


def _addressed(message: Message) -> list[str]:
    written = [str(value) for name in _TO for value in message.get_all(name, [])]
    try:
        return [address for _, address in getaddresses(written[:_ADDRESSES])][:_ADDRESSES]
    except (ValueError, LookupError):
        return []


def _returned(addresses: Sequence[str], secret: str) -> Returned | None:
    for address in addresses:
        found = return_path.read(address, secret=secret)
        if found is not None:
            return found
    return None


# ── complaints ───────────────────────────────────────────────────────────────────────────────────────────────────────


def _complaint(message: Message) -> str | None:
    """The kind of complaint (RFC 5965 3.1); None when the mail is none."""
    for part in message.walk():
        if part.get_content_type() == "message/feedback-report":
            fields = "\n".join(_text(part)) or str(part.get_payload())
            found = re.search(r"(?im)^feedback-type:\s*([a-z-]+)", fields)
            return found[1].lower() if found else "abuse"
    return None


def _complained(kind: str, raw: bytes, secret: str) -> Report:
    """A complaint quotes the message it is about, whose own addresses prove that we sent it."""
    if kind == "not-spam":
        return Report(said=Said.OTHER, reason=kind)
    quoted = [found.decode("ascii") for found in _OURS.findall(raw.replace(b"=\r\n", b"").replace(b"=\n", b""))]
    returned = _returned(quoted[:_ADDRESSES], secret)
    if returned is None:
        return Report(said=Said.FORGED, reason="no_signed_address")
    return Report(said=Said.COMPLAINT, reason=f"complaint_{kind}", delivery_key=returned.delivery_key)


def _text(part: Message) -> Iterator[str]:
    """Every block of fields in a part whose content the parser has taken apart."""
    inner = part.get_payload()
    if isinstance(inner, list):
        for block in inner:
            if isinstance(block, Message):
                yield "\n".join(f"{name}: {value}" for name, value in block.items())
                yield str(block.get_payload()) if not block.is_multipart() else ""


# ── bounces ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def _bounce(message: Message) -> tuple[Said, str]:
    blocks = list(_recipients(message))
    if blocks:
        failed = [_failed(block) for block in blocks if _action(block).startswith(("fail", "error"))]
        if failed:
            return failed[0]
        delayed = any(_action(block).startswith("delay") for block in blocks)
        return (Said.DELAYED, "delayed") if delayed else (Said.OTHER, "delivered")
    if "from" not in message:
        # One of its detectors takes for granted that there is one, and ends the search of the others.
        message["From"] = "<>"
    try:
        temporary, permanent = all_failures(message)
    except (AttributeError, LookupError, TypeError, ValueError):
        # Its detectors trust the forms that they know; a mail may be anything.
        return Said.OTHER, "not_understood"
    if permanent:
        return Said.REFUSED, "bounced"
    return (Said.DELAYED, "delayed") if temporary else (Said.OTHER, "no_bounce")


def _recipients(message: Message) -> Iterator[Message]:
    """The blocks of a delivery status that speak of one recipient each."""
    for part in message.walk():
        if part.get_content_type() != "message/delivery-status":
            continue
        inner = part.get_payload()
        for block in inner if isinstance(inner, list) else ():
            if isinstance(block, Message) and block.get("action"):
                yield block


def _action(block: Message) -> str:
    return str(block.get("action", "")).strip().lower()


def _failed(block: Message) -> tuple[Said, str]:
    """Of whom the status speaks; where it is general, the reply that it quotes says more."""
    status = enhanced(str(block.get("status", ""))) or ""
    if not status or status.endswith(".0.0") or status == "5.5.0":
        status = enhanced(str(block.get("diagnostic-code", ""))) or status
    if not status:
        return Said.REFUSED, "bounced"
    reason = of_address(status)
    if reason == NO_SUCH_ADDRESS:
        return Said.HARD, status
    if reason in (ADDRESS_REFUSED, MAILBOX_FULL) or status.startswith(("4.", "5.0.", "5.4.")):
        return Said.REFUSED, status
    return (Said.POLICY if status.startswith("5.7.") else Said.MESSAGE), status
