"""Sign-up with confirmed opt-in: from an address on the page to a subscription that its reader has agreed to.

Whatever comes of a request is a row with its reason; the letter goes the way of every message, through the outbox.
"""

from __future__ import annotations

import dataclasses
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from watcher import log, wire
from watcher.errors import CannotHelp
from watcher.model import ChannelConfig, Config, Notice, Signup, SubscriptionConfig
from watcher.pipeline import letters
from watcher.pipeline.links import links
from watcher.pipeline.signup_limits import SignupReason, flood, keys, spared
from watcher.pipeline.thresholds import with_dollars
from watcher.runtime import Runtime
from watcher.signing import Links, Purpose, address_key
from watcher.store import Connection, channels, deliveries, digests, overview, readers, signups, suppressions

TITLE = "Biotech Watcher"
"""Of every subscription that people make themselves: it stands in the subjects of their mail."""
LAPSES_AFTER = timedelta(days=7)
_FORGET_BATCH = 200
_KEPT_AS = "signup"
_log = log.get("signup")


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """One request to subscribe. `wanted` is what was chosen, its id and channels not yet given."""

    address: str
    wanted: SubscriptionConfig
    client: str | None
    """The IP address that asked."""


class Confirmed(StrEnum):
    """What came of a confirmation."""

    NOW = "now"
    BEFORE = "before"
    ENDED = "ended"
    """It was ended meanwhile, and is not begun again by this."""


def offered(rt: Runtime) -> Signup | None:
    """What people may choose who subscribe themselves; None while they may not, or nobody has said where we are."""
    with rt.database.read() as conn:
        kept = overview.remembered(conn, _KEPT_AS)
        public_url = overview.remembered(conn, "public_url")
    return wire.load(Signup, kept) if kept and public_url else None


def apply(conn: Connection, loaded: Config, *, now: datetime) -> None:
    """Keep what watcher.yml says of sign-up, and give readers' channels the server and keys that it names now."""
    signup = loaded.signup
    overview.remember(conn, _KEPT_AS, wire.dump(signup) if signup else None)
    base = next((one for one in loaded.channels if signup and one.id == signup.channel), None)
    if base is not None:
        changed = readers.follow(conn, base)
        if changed:
            deliveries.wake_channel(conn, changed, now=now)


def ask(rt: Runtime, asked: Asked) -> SignupReason:
    """Take a request to subscribe: one transaction with the letter, if one may be sent. Raises CannotHelp (no channel).

    Only the reasons in `TOO_MANY` may be shown to who asked.
    """
    signer, now = links(rt), rt.clock()
    who = keys(signer.key, address=asked.address, client=asked.client)
    with rt.database.write() as conn:
        signups.take_turn(conn, now=now)
        lately = signups.lately(conn, who, now=now)
        refused = flood(lately)
        if refused is not None:
            _log.warning("a sign-up was refused", reason=refused.value)
            return refused
        hushed = _hushed(conn, asked.address) or spared(lately, now=now)
        reader_id, known = (None, False) if hushed else _reader(conn, asked, now=now)
        reason = hushed or (SignupReason.KNOWN if known else SignupReason.MAILED)
        made = signups.add(conn, who, reason=reason, subscription_id=reader_id, mailed=reader_id is not None, now=now)
        if reader_id is not None:
            letter = _letter(conn, signer, reader_id, known=known)
            digests.add_letter(conn, reader_id, str(made), letter, now=now)
    _log.info("somebody signed up", signup=made, reason=reason.value)
    return reason


def _hushed(conn: Connection, address: str) -> SignupReason | None:
    return SignupReason.SUPPRESSED if suppressions.suppressed(conn, address) else None


def _reader(conn: Connection, asked: Asked, *, now: datetime) -> tuple[str, bool]:
    """The subscription to write to, and whether its reader has confirmed it already: then nothing of it changes."""
    found = readers.of_address(conn, address_key(asked.address))
    confirmed = next((one for one in found if one.unconfirmed_since is None), None)
    if confirmed is not None:
        return confirmed.id, True
    wanted = with_dollars(dataclasses.replace(asked.wanted, title=TITLE), now)
    if found:
        mine = found[-1].config
        readers.save(conn, dataclasses.replace(wanted, id=mine.id, channels=mine.channels))
        return mine.id, False
    name = f"reader-{secrets.token_hex(12)}"
    channel = dataclasses.replace(_base(conn), id=name, to=asked.address)
    config = dataclasses.replace(wanted, id=name, channels=(name,))
    readers.add(conn, config, channel, address_key=address_key(asked.address), now=now)
    return name, False


def _base(conn: Connection) -> ChannelConfig:
    kept: Mapping[str, Any] | None = overview.remembered(conn, _KEPT_AS)
    found = channels.configs(conn, [kept["channel"]]) if kept else []
    if not found:
        raise CannotHelp("the channel named by signup: in watcher.yml is not there")
    return found[0]


def _letter(conn: Connection, signer: Links, reader_id: str, *, known: bool) -> Notice:
    reader = readers.get(conn, reader_id)
    purpose = Purpose.PREFERENCES if known else Purpose.CONFIRM
    url = signer.url(purpose, s=reader_id)
    if reader is None or url is None:
        raise CannotHelp("public_url is missing in watcher.yml: a letter would have no address to open")
    write = letters.known_already if known else letters.please_confirm
    return write(reader.config.language, url)


def confirm(rt: Runtime, subscription_id: str) -> Confirmed | None:
    """Begin a subscription that its reader agreed to; None when it lapsed or was erased."""
    now = rt.clock()
    with rt.database.write() as conn:
        reader = readers.get(conn, subscription_id)
        if reader is None:
            return None
        if reader.ended_at is not None:
            return Confirmed.ENDED
        fresh = readers.confirm(conn, subscription_id)
        if fresh:
            signups.confirmed(conn, subscription_id, now=now)
    return Confirmed.NOW if fresh else Confirmed.BEFORE


def forget_signups(conn: Connection, *, now: datetime) -> None:
    """Erase what was asked for and never confirmed, and the rows that no limit looks at any more."""
    for one in readers.lapsed(conn, before=now - LAPSES_AFTER, limit=_FORGET_BATCH):
        readers.erase(conn, one, now=now)
    signups.forget(conn, now=now)
