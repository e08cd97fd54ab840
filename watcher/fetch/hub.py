"""WebSub (W3C Recommendation, 2018) as decisions: what a hub is asked, what its words come to, when to ask again. Pure.

The requests are the pipeline's duty, the callback that hubs talk to is the web's, the rows are the store's.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from urllib.parse import urlencode, urljoin, urlsplit

from watcher.fetch.schedule import jitter_s
from watcher.model import Hub, HubMode, HubState, HubStep

LEASE_S = 10 * 86400
"""How long we ask a hub to push; it may choose otherwise."""
URL_CHARACTERS = 2048
_HEADER_CHARACTERS = 16_384
_LEASE_MAX_S = 90 * 86400
_RENEW_AT = 0.75
_RENEW_MIN = timedelta(minutes=10)
_ACTIVE_RETRY_MIN = timedelta(minutes=5)
_BACK_OFF = timedelta(hours=1)
_BACK_OFF_MAX = timedelta(days=1)
_RETRY_AFTER_MAX_S = 7 * 86400.0
_OPEN_FOR = timedelta(days=1)
"""How long after a request its verification may come, also a second time: the hub may have lost our answer."""
_LEAVING_TRIES = 4
_REASON_CHARACTERS = 200

_LINK = re.compile(r"<([^<>]{0,4096})>([^<]{0,2000})")
_REL = re.compile(r""";\s{0,20}rel\s{0,20}=\s{0,20}(?:"([^"]{0,200})"|([^\s;,"]{1,200}))""", re.IGNORECASE)
_CHALLENGE = re.compile(r"[A-Za-z0-9._~+/=:-]{1,512}")
_LEASE = re.compile(r"[0-9]{1,10}")
_UNFIT = re.compile(r"[\x00-\x20\x7f\"<>\\^`{|}]")
_SIGNATURE = re.compile(r"(sha1|sha256|sha384|sha512)=([0-9a-f]{40,128})", re.IGNORECASE)


class HubReason(StrEnum):
    """Why a subscription stands as it does; stored and shown, some with a detail after a colon."""

    ANNOUNCED = "announced"
    NO_ADDRESS = "no public_url"
    PLAIN_ADDRESS = "public_url is not https"
    PLAIN_HUB = "the hub has no https"
    TAKEN = "taken, not verified yet"
    VERIFIED = "verified"
    DENIED = "denied"
    EXPIRED = "expired"
    REFUSED = "refused"
    UNREACHABLE = "unreachable"
    NOT_ANNOUNCED = "no longer announced"
    REPLACED = "another hub or topic is announced"
    NOT_FOLLOWED = "the feed is not followed any more"
    LEFT = "left"
    INTERNAL_ERROR = "internal_error"


# ── what feeds announce ──────────────────────────────────────────────────────────────────────────────────────────────


def linked(header: str | None) -> tuple[str | None, str | None]:
    """The hub and the self link of a `Link` header (RFC 8288), as written; of several hubs the first https one."""
    hubs: list[str] = []
    topics: list[str] = []
    for found in _LINK.finditer((header or "")[:_HEADER_CHARACTERS]):
        rel = _REL.search(found[2])
        names = (rel[1] or rel[2] or "").lower().split() if rel else []
        hubs += [found[1].strip()] * ("hub" in names)
        topics += [found[1].strip()] * ("self" in names)
    hub = next((one for one in hubs if one.lower().startswith("https:")), hubs[0] if hubs else None)
    return hub or None, topics[0] if topics else None


def absolute(link: str | None, base: str) -> str | None:
    """The link against `base`, otherwise unchanged, as a hub compares byte for byte; None unless http(s) and sane."""
    if not link or len(link) > URL_CHARACTERS:
        return None
    try:
        made = urljoin(base, link.strip())
        parts = urlsplit(made)
        usable = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
        usable = usable and not (parts.username or parts.password)
    except ValueError:
        return None
    return made if usable and len(made) <= URL_CHARACTERS and not _UNFIT.search(made) else None


# ── asking ───────────────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True, kw_only=True)
class HubAnswer:
    """What a request to a hub came to; `status` is None when no answer arrived."""

    status: int | None
    detail: str = ""
    """One line for people."""
    retry_after_s: float | None = None


def unfit(hub: Hub, public_url: str | None, *, plain: bool) -> HubReason | None:
    """Why the hub cannot be asked at all; `plain` allows http for our own address, on intranets and in tests."""
    if public_url is None:
        return HubReason.NO_ADDRESS
    if not public_url.startswith("https://") and not plain:
        return HubReason.PLAIN_ADDRESS
    return HubReason.PLAIN_HUB if request_url(hub) is None else None


def request_url(hub: Hub) -> str | None:
    """Where the hub is asked; None where it may not be.

    The secret travels in the request: a feed that comes by https must not be opened to forgery by a hub that is named
    with http, as many feeds still do. Such a hub is asked by https, unless it names a port of its own.
    """
    if not hub.hub_url.startswith("http://") or not hub.topic_url.startswith("https://"):
        return hub.hub_url
    parts = urlsplit(hub.hub_url)
    return None if parts.port else parts._replace(scheme="https").geturl()


def callback(public_url: str, token: str) -> str:
    """The address to which the hub pushes."""
    return f"{public_url.rstrip('/')}/push/{token}"


def mode_of(hub: Hub) -> HubMode:
    """What is to be asked of the hub next."""
    return HubMode.UNSUBSCRIBE if hub.state is HubState.LEAVING else HubMode.SUBSCRIBE


def request_form(hub: Hub, mode: HubMode, callback_url: str) -> bytes:
    """The body of a request (WebSub section 5.1)."""
    form = {"hub.mode": mode.value, "hub.topic": hub.topic_url, "hub.callback": callback_url}
    if mode is HubMode.SUBSCRIBE:
        form |= {"hub.secret": hub.secret, "hub.lease_seconds": str(LEASE_S)}
    return urlencode(form).encode("ascii")


def _active(hub: Hub, now: datetime) -> bool:
    return hub.state is HubState.ACTIVE and hub.expires_at is not None and hub.expires_at > now


def _wait(hub: Hub, tries: int, answer: HubAnswer, now: datetime) -> timedelta:
    wait = min(_BACK_OFF * (1 << min(tries - 1, 10)), _BACK_OFF_MAX)
    if hub.expires_at is not None and _active(hub, now):
        # the lease still runs: more than one try must fit into what is left of it
        wait = min(wait, max((hub.expires_at - now) / 2, _ACTIVE_RETRY_MIN))
    asked = timedelta(seconds=min(answer.retry_after_s or 0.0, _RETRY_AFTER_MAX_S))
    return max(wait, asked) + timedelta(seconds=jitter_s(hub.id, wait.total_seconds()))


def after_ask(hub: Hub, mode: HubMode, answer: HubAnswer, *, now: datetime) -> HubStep:
    """What the hub's answer comes to. Any 2xx is "taken": what counts is the verification that follows (5.2).

    Between two requests lie an hour at first and a day at most. One that leaves gives up after four, or when the hub
    says that it is wrong to ask: from then on the callback answers 410, which says the same.
    """
    tries = hub.tries + 1
    taken = answer.status is not None and 200 <= answer.status < 300
    wrong = answer.status is not None and 400 <= answer.status < 500 and answer.status not in (408, 429)
    if taken:
        reason: str = HubReason.TAKEN.value
    else:
        reason = f"{HubReason.REFUSED if answer.status else HubReason.UNREACHABLE}: {answer.detail}"
    at = now + _wait(hub, tries, answer, now)
    if mode is HubMode.UNSUBSCRIBE:
        state = HubState.ENDED if wrong or tries >= _LEAVING_TRIES else HubState.LEAVING
    elif _active(hub, now):
        state = HubState.ACTIVE
    else:
        state = HubState.ASKED if taken else HubState.WANTED
    return HubStep(state=state, reason=reason[:_REASON_CHARACTERS], tries=tries, next_ask_at=at)


def put_off(hub: Hub, reason: HubReason, *, now: datetime) -> HubStep:
    """A hub that cannot be asked at all waits for a day; nobody can be left whom nobody may ask."""
    state = HubState.WANTED
    if hub.state is HubState.LEAVING:
        state = HubState.ENDED
    elif _active(hub, now):
        state = HubState.ACTIVE
    return HubStep(state=state, reason=reason.value, tries=hub.tries, next_ask_at=now + _BACK_OFF_MAX)


# ── the hub's word on the callback ───────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True, kw_only=True)
class Intent:
    """A hub's question or statement, read strictly: `mode` is subscribe, unsubscribe or denied."""

    mode: str
    topic: str
    challenge: str = ""
    lease_s: int | None = None
    reason: str = ""


def read_intent(params: Mapping[str, str]) -> Intent | None:
    """The query of a GET on the callback (WebSub sections 5.2 and 5.3); None when it is not one that can be answered.

    A challenge is echoed, so only what is harmless in any context is taken: letters, digits and `._~+/=:-`.
    """
    mode, topic = params.get("hub.mode", ""), params.get("hub.topic", "")
    if not topic or len(topic) > URL_CHARACTERS or mode not in (*HubMode, "denied"):
        return None
    challenge = params.get("hub.challenge", "")
    if mode != "denied" and not _CHALLENGE.fullmatch(challenge):
        return None
    lease = params.get("hub.lease_seconds", "")
    said = "".join(char if char.isprintable() else " " for char in params.get("hub.reason", ""))
    return Intent(
        mode=mode,
        topic=topic,
        challenge=challenge,
        lease_s=int(lease) if _LEASE.fullmatch(lease) else None,
        reason=said[:_REASON_CHARACTERS].strip(),
    )


def confirms(hub: Hub, intent: Intent, *, now: datetime) -> bool:
    """Whether we did ask for that: the same topic, the mode of our last request, and not long ago."""
    asked = hub.asked_at is not None and hub.asked_mode == intent.mode and now - hub.asked_at <= _OPEN_FOR
    return asked and intent.topic == hub.topic_url


def after_verification(hub: Hub, intent: Intent, *, now: datetime) -> tuple[HubStep, datetime | None]:
    """What a verified request comes to, and when the lease ends; it is renewed after three quarters of its time."""
    if intent.mode == HubMode.UNSUBSCRIBE:
        return HubStep(state=HubState.ENDED, reason=HubReason.LEFT.value, tries=0, next_ask_at=now), None
    lease_s = min(intent.lease_s or LEASE_S, _LEASE_MAX_S)
    early = timedelta(seconds=jitter_s(hub.id, lease_s * _RENEW_AT))
    at = now + max(timedelta(seconds=lease_s * _RENEW_AT) - early, _RENEW_MIN)
    step = HubStep(state=HubState.ACTIVE, reason=HubReason.VERIFIED.value, tries=0, next_ask_at=at)
    return step, now + timedelta(seconds=lease_s)


def after_denial(hub: Hub, intent: Intent, *, now: datetime) -> HubStep:
    """A hub may refuse, or end what it had granted (5.3); it is asked again after a day."""
    reason = f"{HubReason.DENIED}: {intent.reason}" if intent.reason else HubReason.DENIED.value
    state = HubState.ENDED if hub.state is HubState.LEAVING else HubState.DENIED
    at = now + _BACK_OFF_MAX + timedelta(seconds=jitter_s(hub.id, _BACK_OFF_MAX.total_seconds()))
    return HubStep(state=state, reason=reason[:_REASON_CHARACTERS], tries=hub.tries, next_ask_at=at)


def signed(body: bytes, signature: str | None, secret: str) -> bool:
    """Whether `X-Hub-Signature: method=hex` is the HMAC of the raw body (WebSub section 7.1), in constant time."""
    found = _SIGNATURE.fullmatch((signature or "").strip())
    if found is None:
        return False
    made = hmac.new(secret.encode("ascii"), body, getattr(hashlib, found[1].lower())).hexdigest()
    return hmac.compare_digest(made, found[2].lower())
