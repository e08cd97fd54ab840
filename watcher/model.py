"""The frozen values that travel along the line, from a feed's entry to a delivery's outcome.

Words are the project's glossary. Instants are aware UTC `datetime`s and end in `_at` or `_until`; durations carry their
unit in the name; spans are code points of the text that was given. Nothing here does I/O or decides anything.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, time
from enum import StrEnum
from typing import Any

# ── configuration ────────────────────────────────────────────────────────────────────────────────────────────────────


class Origin(StrEnum):
    """Who wrote a row; a reload of watcher.yml touches only `file` rows."""

    FILE = "file"
    CLI = "cli"
    PAGE = "page"
    SELF = "self"
    API = "api"


class AlertHistory(StrEnum):
    """Which items of a feed's first fetch may raise alerts."""

    NONE = "none"
    DAY = "24h"
    ALL = "all"


@dataclass(frozen=True, slots=True, kw_only=True)
class Secret:
    """Where a secret is kept; the value itself is read at the moment of use and never stored."""

    env: str | None = None
    file: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class FeedConfig:
    url: str
    title: str | None = None
    language: str | None = None
    tags: tuple[str, ...] = ()
    alert_history: AlertHistory = AlertHistory.NONE
    every_s: int | None = None
    """The shortest time between two polls; None takes the setting."""
    headers: Mapping[str, Secret] = field(default_factory=dict)
    full_text: bool = False
    """Read each item's page for its whole text, where the feed brings a summary."""


class ChannelKind(StrEnum):
    EMAIL = "email"
    SLACK = "slack"
    WEBHOOK = "webhook"
    APPRISE = "apprise"


@dataclass(frozen=True, slots=True, kw_only=True)
class Dkim:
    """With what a mail is signed (RFC 6376)."""

    domain: str
    selector: str
    key: Secret
    """The private key, PEM."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ChannelConfig:
    """A way out. Which of the optional fields a kind needs is checked where watcher.yml is read."""

    id: str
    kind: ChannelKind
    to: str | None = None
    """email: the recipient."""
    sender: str | None = None
    """email: the From address, with or without a display name; also the envelope sender."""
    smtp_url: Secret | str | None = None
    """email: smtp://host:port, smtp+starttls:// or smtps://; a Secret when it holds a password."""
    dkim: Dkim | None = None
    return_path: str | None = None
    """email: the domain to which bounces go; without it they go to the sender."""
    url: Secret | str | None = None
    """slack, webhook, apprise: where to send. Slack's and Apprise's are always Secrets: the URL is the password."""
    secret: Secret | None = None
    """webhook: the `whsec_…` signing secret (Standard Webhooks)."""
    old_secret: Secret | None = None
    """webhook: the secret of before, while receivers change over: both sign."""
    templates: str | None = None
    """email: a folder, relative to watcher.yml, whose templates go before the shipped ones."""
    allow_private: bool = False
    """slack, webhook: may the guard let this channel reach a private network? For intranets and the demo."""


class When(StrEnum):
    IMMEDIATE = "immediate"
    HOURLY = "hourly"
    DAILY = "daily"
    WEEKLY = "weekly"


@dataclass(frozen=True, slots=True, kw_only=True)
class Schedule:
    """When a subscription's digests close, in its own zone."""

    when: When = When.DAILY
    at: time = time(8, 0)
    """daily, weekly: local wall-clock time."""
    weekday: int = 0
    """weekly: 0 is Monday."""
    weekdays_only: bool = False
    """daily: no digest on Saturday and Sunday; their alerts wait for Monday."""
    zone: str = "UTC"
    """An IANA zone name."""


class UnknownAmount(StrEnum):
    """What to do with an event whose rule reads amounts, but that tells none."""

    MATCH = "match"
    SKIP = "skip"


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleParams:
    """What a subscription asks of the events of one rule, instead of what it asks of all."""

    at_least: str | None = None
    at_least_usd: float | None = None
    unknown_amount: UnknownAmount | None = None
    """None: skip where `at_least` asks for an amount above 0, else match."""


@dataclass(frozen=True, slots=True, kw_only=True)
class QuietHours:
    """Local wall-clock times between which nothing is sent; what falls in is held. May pass midnight."""

    begins: time
    ends: time


@dataclass(frozen=True, slots=True, kw_only=True)
class Budget:
    """At most so many messages in so long a time to one channel; what is over comes as one message at its end."""

    messages: int
    per_s: int


class Language(StrEnum):
    """Of the messages that we write."""

    ENGLISH = "en"
    CHINESE = "zh"


class EmptyDay(StrEnum):
    """What a digest does that has nothing to tell."""

    SEND = "send"
    SKIP = "skip"


class MuteKind(StrEnum):
    RULE = "rule"
    STORY = "story"
    PARTY = "party"
    PLACE = "place"
    ALL = "all"
    """Everything: a pause that a reader takes; its value is empty."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Mute:
    """What a subscription does not want to hear of, and until when; None is for good."""

    kind: MuteKind
    value: str
    """A rule's id, a story's number, or a name."""
    until: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SubscriptionConfig:
    id: str
    title: str
    channels: tuple[str, ...]
    rules: tuple[str, ...] = ()
    """Rule ids; empty means all rules."""
    places: tuple[str, ...] = ()
    """Place names of which one must be in the event; empty means any."""
    parties: tuple[str, ...] = ()
    languages: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    at_least: str | None = None
    """A money threshold as written ("10M USD"); parsed once, where watcher.yml is read, to `at_least_usd`."""
    at_least_usd: float | None = None
    params: Mapping[str, RuleParams] = field(default_factory=dict)
    """By rule: what goes before `at_least` for its events."""
    schedule: Schedule = field(default_factory=Schedule)
    quiet: QuietHours | None = None
    empty: EmptyDay = EmptyDay.SKIP
    budget: Budget | None = None
    mutes: tuple[Mute, ...] = ()
    language: Language = Language.ENGLISH
    """Of its messages."""
    currency: str | None = None
    """ISO 4217; amounts are shown in it too."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Signup:
    """What people who subscribe themselves may choose, and how their mail is sent."""

    channel: str
    """Id of the email channel whose server, sender and keys their mail takes."""
    rules: tuple[str, ...] = ()
    """Rule ids they may choose from; empty means all."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Config:
    """watcher.yml, checked whole."""

    feeds: tuple[FeedConfig, ...] = ()
    channels: tuple[ChannelConfig, ...] = ()
    subscriptions: tuple[SubscriptionConfig, ...] = ()
    ops: tuple[str, ...] = ()
    """Channels that hear of the service's own trouble."""
    public_url: str | None = None
    signup: Signup | None = None
    public_feed: bool = False
    """May anybody follow the events as a feed without a signed address?"""
    rules_dir: str = "rules"


# ── feed, entry, item ────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True, kw_only=True)
class Validators:
    """The two HTTP validators exactly as last received, byte for byte; always replaced as a pair."""

    etag: str | None = None
    last_modified: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Wishes:
    """What a publisher writes into its feed about when to look again. Each can only lengthen our interval."""

    ttl_s: int | None = None
    """RSS `ttl`."""
    period_s: int | None = None
    """The syndication module's period, divided by its frequency."""
    base_at: datetime | None = None
    """The instant from which the syndication module counts its periods."""
    skip_hours: tuple[int, ...] = ()
    """Hours of the day, GMT, 0–23."""
    skip_days: tuple[int, ...] = ()
    """Days of the week, GMT; 0 is Monday."""


class Health(StrEnum):
    """How a feed fares, as shown and told to `ops:`."""

    NEW = "new"
    HEALTHY = "healthy"
    FAILING = "failing"
    STALE = "stale"
    """It answers and brings nothing, for far longer than its habit."""
    ATTENTION = "attention"
    """Only a person can mend it: a login, a refused address, a page where a feed was."""
    GONE = "gone"


@dataclass(frozen=True, slots=True, kw_only=True)
class Move:
    """Where a feed says that it has moved for good, and how often it said so."""

    url: str
    count: int
    since: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Feed:
    """A claimed feed with its polling state, as the store hands it out."""

    id: int
    url: str
    """What is polled."""
    asked_url: str
    """What somebody wrote; differs once the feed has moved for good."""
    title: str | None
    language: str | None
    tags: tuple[str, ...]
    alert_history: AlertHistory
    every_s: int | None
    headers: Mapping[str, Secret]
    validators: Validators
    first_fetched_at: datetime | None
    """When its first fetch succeeded; None until then."""
    last_full_at: datetime | None
    error_count: int
    attempt: int
    """Fencing number of this claim."""
    full_text: bool = False
    wishes: Wishes = Wishes()
    """Those of its last document; a 304 brings none."""
    habit_s: float | None = None
    """How far apart its items usually come; None while too few are known."""
    newest_item_at: datetime | None = None
    created_at: datetime
    last_polled_at: datetime | None = None
    last_changed_at: datetime | None = None
    failing_since: datetime | None = None
    move: Move | None = None
    slot_at: datetime | None = None
    """When its host lets it start, if it waits for its turn there."""
    health: Health = Health.NEW
    pushed_until: datetime | None = None
    """Until then a hub that has proved itself brings what is new, and polls are only a safety net."""
    caught_up_at: datetime | None = None
    """When it was first read whole, since the database was restored if it ever was."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HostState:
    """What is known of a host's turn: requests to one host come one at a time and apart."""

    free_at: datetime
    """Where the queue of reserved slots ends."""
    opens_at: datetime
    """No request may start before: the last one was just now, or the host asked to be left alone."""
    held_until: datetime | None = None
    """Until when at the latest a request is under way."""


class FetchOutcome(StrEnum):
    """What one conditional GET came to; stored as the feed's reason, shown and counted."""

    CHANGED = "changed"
    NOT_MODIFIED = "not_modified"
    GONE = "gone"
    NOT_FOUND = "not_found"
    FORBIDDEN = "forbidden"
    RATE_LIMITED = "rate_limited"
    CLIENT_ERROR = "client_error"
    SERVER_ERROR = "server_error"
    UNEXPECTED_STATUS = "unexpected_status"
    REDIRECT_LOOP = "redirect_loop"
    REFUSED_ADDRESS = "refused_address"
    TIMEOUT = "timeout"
    DNS = "dns"
    TLS = "tls"
    CONNECTION = "connection"
    TRUNCATED = "truncated"
    TOO_LARGE = "too_large"
    BAD_ENCODING = "bad_encoding"
    EMPTY_BODY = "empty_body"
    NOT_A_FEED = "not_a_feed"
    """Set by the pipeline when the body of a 200 does not parse as a feed."""
    PARSER_FAILED = "parser_failed"
    """Set by the pipeline when the sandbox child ran out of time or memory on the body."""
    INTERNAL_ERROR = "internal_error"
    """Set by the pipeline when our own program failed on the feed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FetchResult:
    outcome: FetchOutcome
    status: int | None = None
    body: bytes | None = None
    """Decoded body; present only when the outcome is `changed`."""
    content_type: str | None = None
    validators: Validators = Validators()
    """Those of this response; meaningful on 200 (replace the pair) and 304 (refresh those present)."""
    final_url: str | None = None
    permanent_url: str | None = None
    """Where a chain of only 301/308 answers led."""
    retry_after_s: float | None = None
    max_age_s: float | None = None
    """Freshness from Cache-Control or Expires; None when absent or forbidden."""
    hub_url: str | None = None
    """The hub and the topic that `Link` headers name, as written; they go before the document's."""
    self_url: str | None = None
    detail: str = ""
    """One line for people; never a body, never a secret."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NextPoll:
    next_poll_at: datetime
    reason: str
    error_count: int
    disabled: bool = False
    """True only for 410: stop polling and tell ops."""


class HubState(StrEnum):
    """How far we are with a hub (W3C WebSub)."""

    WANTED = "wanted"
    """It is to be asked to push."""
    ASKED = "asked"
    """It has taken the request and has still to verify it."""
    ACTIVE = "active"
    DENIED = "denied"
    LEAVING = "leaving"
    """It is to be asked to push no more."""
    ENDED = "ended"


class HubMode(StrEnum):
    """What a request to a hub asks for."""

    SUBSCRIBE = "subscribe"
    UNSUBSCRIBE = "unsubscribe"


@dataclass(frozen=True, slots=True, kw_only=True)
class Hub:
    """A claimed subscription with a hub."""

    id: int
    feed_id: int
    hub_url: str
    topic_url: str
    token: str
    """The unguessable end of the address to which the hub pushes."""
    secret: str = field(repr=False)
    state: HubState
    tries: int
    """Requests since the hub last verified one."""
    callback_url: str | None
    """The address that the hub was last told."""
    asked_mode: HubMode | None
    asked_at: datetime | None
    """When the last request went out, and for what."""
    slot_at: datetime | None
    """Its place in the queue of the hub's host, if it waits there."""
    expires_at: datetime | None
    attempt: int


@dataclass(frozen=True, slots=True, kw_only=True)
class HubStep:
    """What a subscription comes to after something happened to it, and why."""

    state: HubState
    reason: str
    tries: int
    next_ask_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Push:
    """A claimed document that a hub has sent, with the feed it belongs to."""

    id: int
    hub_id: int
    feed: Feed
    live: bool
    """Whether the feed is still followed."""
    topic_url: str
    content_type: str | None
    body: bytes = field(repr=False)
    received_at: datetime
    attempt: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ItemDraft:
    """An entry made into a clean item, not yet stored. All strings are NUL-free; one-line fields hold no line break."""

    identity: str
    """guid, else link, else hash of title and date; scoped to the feed."""
    alias: str
    """Scheme- and host-insensitive form of the identity, the second key against repeats."""
    link: str | None
    """Canonical http(s) link, tracking parameters stripped."""
    title: str
    summary: str
    text: str
    """Plain text with paragraphs; never empty when the entry had any words."""
    author: str | None
    language: str | None
    categories: tuple[str, ...]
    published_at: datetime | None
    updated_at: datetime | None
    content_hash: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ParsedFeed:
    title: str | None
    link: str | None
    language: str | None
    wishes: Wishes = Wishes()
    hub_url: str | None = None
    """The WebSub hub that the document names, and the topic under which the hub knows it, as written."""
    self_url: str | None = None
    items: tuple[ItemDraft, ...]
    well_formed: bool
    complete: bool = True
    """False when the document broke off: what it held is taken, but its validators must not be."""
    dropped: tuple[str, ...] = ()
    """What was cut or left out, in words (too many entries, a field shortened); nothing is lost silently."""


class Again(StrEnum):
    """Why an item is classified once more."""

    TEXT = "text"
    """More of its text arrived: its events may be revised."""
    RULES = "rules"
    """Asked for after a change of the rules: only new events are told, known ones are rewritten in silence."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    id: int
    feed_id: int
    feed_title: str | None
    feed_tags: tuple[str, ...]
    link: str | None
    title: str
    text: str
    language: str | None
    published_at: datetime | None
    first_seen_at: datetime
    history: bool
    """Part of a feed's first fetch that must not raise alerts."""
    attempt: int = 0
    story_id: int | None = None
    """Its story, once it was classified."""
    again: Again | None = None
    held: bool = False
    """What it tells may have been told before the database was restored."""

    @property
    def told_at(self) -> datetime:
        """When the item tells what it tells: published, else first seen."""
        return self.published_at or self.first_seen_at

    @property
    def dated(self) -> date:
        """The item's date for exchange rates and "recent": published, else first seen."""
        return self.told_at.date()


# ── annotations ──────────────────────────────────────────────────────────────────────────────────────────────────────


class TextField(StrEnum):
    TITLE = "title"
    TEXT = "text"


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """`[start, end)` in code points of the field's text as it was given."""

    field: TextField
    start: int
    end: int


class Stance(StrEnum):
    """How a sentence or clause stands to what it tells."""

    ASSERTED = "asserted"
    PLANNED = "planned"
    EXPECTED = "expected"
    RUMOURED = "rumoured"
    SOUGHT = "sought"
    DENIED = "denied"
    ENDED = "ended"
    BACKGROUND = "background"
    CONDITIONAL = "conditional"


@dataclass(frozen=True, slots=True, kw_only=True)
class Sentence(Span):
    stance: Stance
    cue: str = ""
    """The words that decided the stance; empty for `asserted` by default."""


class MoneyRole(StrEnum):
    RAISED = "raised"
    INVESTED = "invested"
    COMMITTED = "committed"
    GRANTED = "granted"
    UPFRONT = "upfront"
    MILESTONE = "milestone"
    DEAL_TOTAL = "deal_total"
    EQUITY = "equity"
    VALUATION = "valuation"
    REVENUE = "revenue"
    MARKET_SIZE = "market_size"
    PRICE = "price"
    FINE = "fine"
    FORECAST = "forecast"
    TARGET = "target"
    PAST_ROUND = "past_round"
    TOTAL_TO_DATE = "total_to_date"
    OTHER = "other"


class Bound(StrEnum):
    EXACT = "exact"
    ABOUT = "about"
    AT_LEAST = "at_least"
    """"more than", "over", 超过."""
    AT_MOST = "at_most"
    """"up to", "nearly", 最高, 近."""
    RANGE = "range"
    VAGUE = "vague"
    """数亿元, "several hundred million": value is the order of magnitude's lower end."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Converted:
    """An amount in US dollars, with the rate that was used: 1 unit of the currency = `rate` USD on `rate_date`."""

    usd: float
    rate: float
    rate_date: date
    stale_days: int = 0
    """Age of the rate at the item's date; more than 7 is shown to people."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Money(Span):
    text: str
    value: float
    """In units of the currency; the lower end of a range."""
    high: float | None = None
    currency: str | None
    """ISO 4217; None when the text does not say and context does not tell."""
    bound: Bound = Bound.EXACT
    role: MoneyRole = MoneyRole.OTHER
    converted: Converted | None = None


class PlaceKind(StrEnum):
    CITY = "city"
    DISTRICT = "district"
    REGION = "region"
    COUNTRY = "country"
    ZONE = "zone"
    """Development zone, new area, high-tech zone."""
    PARK = "park"
    """Science park, incubator, bio hub."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Place(Span):
    text: str
    name: str
    """Canonical English name where known, else the name as written."""
    kind: PlaceKind
    country: str | None
    """ISO 3166-1 alpha-2."""
    key: str
    """Identity: two mentions of one place, in any language, share it."""
    within: tuple[str, ...] = ()
    """Keys of the places that contain it, nearest first."""


class PartyKind(StrEnum):
    COMPANY = "company"
    UNIVERSITY = "university"
    GOVERNMENT = "government"
    PARK = "park"
    INSTITUTE = "institute"
    FUND = "fund"
    OTHER = "other"


@dataclass(frozen=True, slots=True, kw_only=True)
class Party(Span):
    text: str
    name: str
    kind: PartyKind
    key: str
    country: str | None = None


class AssetKind(StrEnum):
    CODE = "code"
    INN = "inn"
    CLASS = "class"
    PLATFORM = "platform"


@dataclass(frozen=True, slots=True, kw_only=True)
class Asset(Span):
    text: str
    name: str
    kind: AssetKind


@dataclass(frozen=True, slots=True, kw_only=True)
class DateMention(Span):
    text: str
    day: date
    """First day of what was named."""
    precision: str
    """day, month, quarter or year."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Annotations:
    """All annotations of one item, each tuple in order of field (title first) and start."""

    sentences: tuple[Sentence, ...] = ()
    clauses: tuple[Sentence, ...] = ()
    """The sentences cut finer, each clause with its own stance; together they cover every sentence."""
    money: tuple[Money, ...] = ()
    places: tuple[Place, ...] = ()
    parties: tuple[Party, ...] = ()
    assets: tuple[Asset, ...] = ()
    dates: tuple[DateMention, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class NewsText:
    """What the rules look at: the part of an item that annotators and rules may know."""

    title: str = ""
    text: str = ""
    language: str | None = None
    dated: date | None = None
    """None when the item has no date: then amounts are converted at the newest known rate."""
    feed: str | None = None
    tags: tuple[str, ...] = ()


# ── rules and matches ────────────────────────────────────────────────────────────────────────────────────────────────


class RuleStatus(StrEnum):
    EXPERIMENTAL = "experimental"
    """A shadow rule: recorded, never sent."""
    TEST = "test"
    STABLE = "stable"


class Level(StrEnum):
    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"


class FactKind(StrEnum):
    TEXT = "text"
    MONEY = "money"
    PLACE = "place"
    PARTY = "party"
    ASSET = "asset"
    DATE = "date"
    FLAG = "flag"


@dataclass(frozen=True, slots=True, kw_only=True)
class OtherValue:
    """What another item tells of the same fact, at the same time and differently: shown beside it, never averaged."""

    value: str | float | bool | tuple[str, ...]
    text: str = ""
    item_id: int | None = None
    high: float | None = None
    currency: str | None = None
    bound: Bound | None = None
    usd: float | None = None
    rate_date: date | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """An amount in the currency of its reader."""

    value: float
    high: float | None = None
    currency: str
    rate_date: date
    stale_days: int = 0
    """How far the rate's day is from that of the news."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fact:
    """One thing that a match tells, with the words it was read from.

    `value` is a string, number, bool, or a list of strings; for money the number in `currency`. JSON-safe.
    """

    name: str
    kind: FactKind
    value: str | float | bool | tuple[str, ...]
    span: Span | None = None
    text: str = ""
    high: float | None = None
    currency: str | None = None
    bound: Bound | None = None
    usd: float | None = None
    rate_date: date | None = None
    more: tuple[Span, ...] = ()
    """Spans of the second and later values of a list."""
    item_id: int | None = None
    """In an event: the item that tells it, to whose text `span` belongs."""
    told_at: datetime | None = None
    """In an event: when that item was published, else first seen."""
    others: tuple[OtherValue, ...] = ()
    shown: Shown | None = None
    """In a digest whose reader wants another currency than the amount's."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    clause: str
    span: Span
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Match:
    """The result of one rule on one item."""

    rule_id: str
    rule_title: str
    level: Level
    status: RuleStatus
    rules_version: str
    facts: Mapping[str, Fact]
    evidence: tuple[Evidence, ...]


# ── stories, events, alerts ──────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """One item that tells an event."""

    item_id: int
    title: str
    link: str | None
    feed: str
    published_at: datetime | None
    language: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Snippet:
    """A sentence of evidence with the deciding words marked: `text[start:end]` for each mark."""

    text: str
    marks: tuple[tuple[int, int], ...]


class ChangeWhy(StrEnum):
    """Why a revision changed a fact."""

    CORRECTED = "corrected"
    """The newer item itself says that it corrects."""
    NEWER = "newer"
    """A newer item tells it so."""
    MOVED_ON = "moved_on"
    """The stage went forward: a memorandum is signed, a signed deal is closed."""
    ENDED = "ended"
    """An item says that it is over, called off or not true."""
    NOW_KNOWN = "now_known"
    """The event's amount, which no item had told before."""
    READ_AGAIN = "read_again"
    """The same item, read again after more of its text arrived."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """What a revision did to one fact; `before` and `after` in words, `before` empty where nothing was known."""

    fact: str
    before: str
    after: str
    why: ChangeWhy


@dataclass(frozen=True, slots=True, kw_only=True)
class Revision:
    """One revision of an event after its first, with the item that brought it."""

    number: int
    changes: tuple[Change, ...]
    item_id: int | None
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class EventView:
    """An event as a subscriber, a channel or a page sees it."""

    id: int
    rule_id: str
    rule_title: str
    level: Level
    status: RuleStatus
    revision: int
    title: str
    facts: Mapping[str, Fact]
    sources: tuple[Source, ...]
    snippets: tuple[Snippet, ...]
    tags: tuple[str, ...]
    created_at: datetime
    updated_at: datetime
    revisions: tuple[Revision, ...] = ()
    """Oldest first."""
    languages: tuple[str, ...] = ()
    """Of all its items, also of those that are copies of a source."""
    story_id: int | None = None
    """None only for what is not stored."""

    def fact(self, *names: str) -> Fact | None:
        """The first fact present of those names."""
        return next((self.facts[name] for name in names if name in self.facts), None)

    @property
    def amount(self) -> Fact | None:
        """The money fact that stands for the event: the first one in the order the rule declares."""
        return next((fact for fact in self.facts.values() if fact.kind is FactKind.MONEY), None)

    @property
    def stage(self) -> str | None:
        fact = self.facts.get("stage")
        return str(fact.value) if fact else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """Whether an event concerns a subscription, and why; the reason is kept on the alert."""

    chosen: bool
    reason: str
    muted: bool = False
    """Not chosen because its reader wants to hear nothing of it for now, not even that it changed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertLinks:
    """Signed addresses for one reader and one event; None where no public address is known."""

    event: str | None = None
    useful: str | None = None
    not_useful: str | None = None
    mute: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DigestLinks:
    """Signed addresses for one reader and one digest."""

    browser: str | None = None
    preferences: str | None = None
    unsubscribe: str | None = None
    """A GET shows a button; a POST unsubscribes (RFC 8058)."""
    feed: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertView:
    """One entry of a digest."""

    alert_id: int
    reason: str
    event: EventView
    update: bool = False
    """The event was told before and has a newer revision."""
    changes: tuple[Change, ...] = ()
    """With `update`: what changed since this reader was told."""
    links: AlertLinks = AlertLinks()


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """One digest's place in time: `key` is unique within the subscription."""

    key: str
    closes_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Coverage:
    """What stands behind a digest: so that silence is never mistaken for "nothing happened"."""

    feeds_total: int
    feeds_checked: int
    failing: tuple[str, ...] = ()
    silent: tuple[str, ...] = ()
    """Feeds that answer and bring nothing, for far longer than is their habit."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """Something the service says about itself to `ops:`."""

    subject: str
    lines: tuple[str, ...]
    action: str = ""
    """A letter to one reader: what its button says."""
    action_url: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DigestView:
    """Everything a template or a channel needs, decided and in order. A digest with `notice` has no alerts."""

    key: str
    """Stable public id of the digest, the base of Message-ID and webhook-id."""
    subscription_id: str
    subscription_title: str
    zone: str
    window: Window
    immediate: bool
    alerts: tuple[AlertView, ...]
    """In the order to show: by rule, then weight and amount."""
    coverage: Coverage | None = None
    notice: Notice | None = None
    left_out: tuple[str, ...] = ()
    """In words, what could not be shown and why."""
    notes: tuple[str, ...] = ()
    """In the reader's language, before the entries: that the digest covers two days, that a budget is spent."""
    public_url: str | None = None
    links: DigestLinks = DigestLinks()
    language: Language = Language.ENGLISH
    currency: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Rendered:
    """A digest as words; channels without templates of their own ignore it."""

    subject: str
    text: str
    html: str


# ── deliveries ───────────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True, kw_only=True)
class Envelope:
    """The bytes of one delivery, composed once and sent unchanged at every attempt."""

    message_id: str
    """Message-ID without brackets for mail, webhook-id for webhooks, the delivery's own key for Slack."""
    content_type: str
    body: bytes


class DeliveryState(StrEnum):
    PENDING = "pending"
    SENT = "sent"
    PARKED = "parked"
    """Given up after its time or a refusal that trying again cannot mend; `watcher deliveries retry` wakes it."""
    WITHHELD = "withheld"
    """Never sent: its reader unsubscribed or muted it, or the address bounces. The reason says which."""
    HELD = "held"
    """It may have been sent before the database was restored from a backup; `watcher resume` decides."""


class OutcomeKind(StrEnum):
    SENT = "sent"
    RETRY = "retry"
    """The far side asks for, or may do better with, another try."""
    REJECTED = "rejected"
    """This message will never be taken."""
    CHANNEL_DOWN = "channel_down"
    """No message will be taken until somebody mends the channel (410, 404 on a webhook, authentication)."""
    UNCERTAIN = "uncertain"
    """It may or may not have arrived: the answer was lost."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    kind: OutcomeKind
    reason: str
    """Stable, low-cardinality word: `http_503`, `smtp_550`, `timeout`, `refused_address` …"""
    detail: str = ""
    """One line for people; never a secret."""
    retry_after_s: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class NextAttempt:
    state: DeliveryState
    next_attempt_at: datetime | None
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """A claimed delivery."""

    id: int
    key: str
    channel: ChannelConfig
    envelope: Envelope
    attempt: int
    """Number of this attempt, from 1; also the fencing number."""
    tries: int
    """The same since the message was last woken: what the limit of attempts counts."""
    first_attempt_at: datetime | None
    immediate: bool = True
    """Whether it tells one alert or notice, and not a digest."""
    expires_at: datetime | None = None
    """Until when it is tried; None is for ever."""
    uncertain: int = 0
    """How many of the tries before ended without anybody knowing whether the message arrived."""
    unfinished: int = 0
    """How many of the tries before never ended: their worker died."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ChannelState:
    """How a channel stands with those who send to it, read while nobody else could change it."""

    config: ChannelConfig
    disabled_reason: str | None = None
    retired: bool = False
    free_at: datetime | None = None
    """When its rate, or its receiver, allows the next message."""
    failures: int = 0
    """In a row."""
    failing_since: datetime | None = None
    fault: str | None = None
    """The last failure's reason."""
    open_until: datetime | None = None
    """Set while its breaker is open; once the instant has passed, one message may try."""
    worked_at: datetime | None = None
    """When a message last went through, to the minute."""
    held_since: tuple[datetime, ...] = ()
    """Since when each message is being sent that a worker has in hand, oldest first."""


JSON = Any
"""A JSON value; used where a row or a wire format holds one."""
