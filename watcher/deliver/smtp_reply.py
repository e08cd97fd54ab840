"""What each reply of a mail server means for the message, for its reader and for the channel.

Sources: RFC 5321 4.2 (replies), RFC 3463 and its registry at IANA (enhanced codes), RFC 1047 (the reply to the final
dot may be lost).
"""

from __future__ import annotations

import re
from enum import StrEnum

from watcher import wording
from watcher.deliver.channel import UNCERTAIN_RETRY_S
from watcher.model import Outcome, OutcomeKind

TOO_LARGE = "smtp_too_large"
NO_SUCH_ADDRESS = "smtp_no_such_address"
"""Nobody has that address, and the server is sure."""
ADDRESS_REFUSED = "smtp_address_refused"
"""It takes nothing, for a reason that may end: disabled, unknown to a server that is less sure, moved."""
MAILBOX_FULL = "smtp_mailbox_full"

_ENHANCED = re.compile(r"(?a)(?:^|[\s#(-])([245]\.\d{1,3}\.\d{1,3})(?=$|[\s:,;)])")
_OUR_FAULT = frozenset({"5.1.7", "5.1.8"})
"""The sender's address is refused, and so would be every message."""
_POLICY_CODES = frozenset({530, 534, 535, 538, 554, 571})


class Step(StrEnum):
    """Where in the transaction something happened; a broken connection means another thing after the final dot."""

    CONNECT = "connect"
    HELLO = "hello"
    TLS = "tls"
    AUTH = "auth"
    SENDER = "sender"
    RECIPIENT = "recipient"
    DATA = "data"
    FINAL = "final"


_EARLY = frozenset({Step.CONNECT, Step.HELLO, Step.TLS, Step.AUTH})


def classify(code: int, said: bytes | str, *, step: Step) -> Outcome:
    """What a reply that is not the hoped-for one, or the reply to the final dot, means for the delivery.

    4xx is tried again. 5xx: while connecting or logging in, to the sender, 554 and any policy refusal (5.7.x) take the
    channel down, so that nothing is dropped; a size makes the message short; an address that is refused rejects the
    message and counts against the address (`watcher.deliver.bounce`); everything else rejects the message.
    """
    words = said.decode("utf-8", "replace") if isinstance(said, bytes) else said
    if step is Step.AUTH:
        # What a server says here may quote the credentials.
        words = "the mail server refuses the login"
    detail = wording.one_line(f"{step.value}: {words}", 200)
    if 200 <= code < 300:
        return Outcome(kind=OutcomeKind.SENT, reason=f"smtp_{code}", detail=detail)
    if step is Step.FINAL and not 400 <= code < 600:
        return uncertain("smtp_nonsense", "final: not an SMTP reply")
    if not 500 <= code < 600:
        return Outcome(kind=OutcomeKind.RETRY, reason=f"smtp_{code}", detail=detail)
    kind, reason = _permanent(code, enhanced(words), step)
    return Outcome(kind=kind, reason=reason, detail=detail)


def enhanced(words: str) -> str | None:
    """The first enhanced status code in the text, as `5.1.1`."""
    found = _ENHANCED.search(words)
    return found[1] if found else None


def of_address(status: str | None) -> str | None:
    """Which of the three reasons against an address an enhanced code gives; None when it is about something else."""
    if status == "5.1.1":
        return NO_SUCH_ADDRESS
    if status == "5.2.2":
        return MAILBOX_FULL
    if status is None or status in _OUR_FAULT or status == "5.2.3":
        return None
    return ADDRESS_REFUSED if status.startswith(("5.1.", "5.2.", "5.4.1")) else None


def _permanent(code: int, status: str | None, step: Step) -> tuple[OutcomeKind, str]:
    down = OutcomeKind.CHANNEL_DOWN
    if step in _EARLY or (status is not None and status.startswith("5.7.")) or status in _OUR_FAULT:
        return down, f"smtp_{code}"
    if status in ("5.3.4", "5.2.3") or (code == 552 and status != "5.2.2"):
        return OutcomeKind.REJECTED, TOO_LARGE
    if step is Step.SENDER:
        return down, "smtp_sender_refused" if code not in _POLICY_CODES else f"smtp_{code}"
    reason = of_address(status)
    if reason == MAILBOX_FULL:
        # Mailboxes are emptied: the message has until its time is up.
        return OutcomeKind.RETRY, MAILBOX_FULL
    if reason is not None:
        return OutcomeKind.REJECTED, reason
    if code in _POLICY_CODES and not (status or "").startswith("5.6."):
        return down, f"smtp_{code}"
    plain = status is None or status == "5.0.0"
    if step is Step.RECIPIENT and plain and code in (550, 551, 553):
        return OutcomeKind.REJECTED, ADDRESS_REFUSED
    return OutcomeKind.REJECTED, f"smtp_{code}"


def uncertain(reason: str, detail: str) -> Outcome:
    """It may have arrived: the same bytes go out once more after the ten minutes a server may take (RFC 5321 4.5.3)."""
    return Outcome(kind=OutcomeKind.UNCERTAIN, reason=reason, detail=detail, retry_after_s=UNCERTAIN_RETRY_S)
