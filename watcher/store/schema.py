"""The tables, as SQLAlchemy Core sees them; the migrations make the same ones.

Backlogs are partial indexes: each step of the line finds its waiting rows by one of them. Instants are aware UTC.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    DateTime,
    Dialect,
    Float,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    UniqueConstraint,
    false,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.types import TypeDecorator

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
        "pk": "pk_%(table_name)s",
    }
)


class Instant(TypeDecorator[datetime]):
    """An aware UTC instant with microseconds; SQLite gets one fixed-width text form, so that comparing is ordering."""

    impl = String(32)
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> Any:
        if dialect.name == "postgresql":
            return dialect.type_descriptor(DateTime(timezone=True))
        return dialect.type_descriptor(String(32))

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> Any:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError(f"naive datetime {value!r}: instants are aware UTC")
        value = value.astimezone(UTC)
        # isoformat and not strftime, whose %Y writes the year 999 with three digits
        return value if dialect.name == "postgresql" else value.isoformat(timespec="microseconds")[:26] + "Z"

    def process_result_value(self, value: Any, dialect: Dialect) -> datetime | None:  # noqa: ARG002
        if value is None:
            return None
        if isinstance(value, datetime):
            return value.astimezone(UTC)
        return datetime.fromisoformat(value)


Json = JSON(none_as_null=True).with_variant(JSONB(none_as_null=True), "postgresql")
Id = BigInteger().with_variant(Integer, "sqlite")


def _id() -> Column[int]:
    return Column("id", Id, primary_key=True, autoincrement=True)


def _lease() -> tuple[Column[Any], ...]:
    return (
        Column("lease_until", Instant),
        Column("lease_owner", String(64)),
        Column("attempt", Integer, nullable=False, server_default="0"),
    )


def _partial(name: str, columns: str | list[str], where: str) -> Index:
    named = [columns] if isinstance(columns, str) else columns
    return Index(name, *named, sqlite_where=text(where), postgresql_where=text(where))


feeds = Table(
    "feeds",
    metadata,
    _id(),
    Column("url", Text, nullable=False, unique=True),
    Column("asked_url", Text, nullable=False, server_default=text("''")),
    Column("title", Text),
    Column("language", String(16)),
    Column("tags", Json, nullable=False),
    Column("alert_history", String(8), nullable=False),
    Column("every_s", Integer),
    Column("full_text", Boolean, nullable=False, server_default=false()),
    Column("headers", Json, nullable=False),
    Column("origin", String(8), nullable=False),
    Column("retired_at", Instant),
    Column("disabled_reason", Text),
    Column("etag", Text),
    Column("last_modified", Text),
    Column("created_at", Instant, nullable=False),
    Column("first_fetched_at", Instant),
    Column("last_full_at", Instant),
    Column("last_polled_at", Instant),
    Column("last_changed_at", Instant),
    Column("last_status", Integer),
    Column("last_outcome", String(32)),
    Column("last_error", Text),
    Column("error_count", Integer, nullable=False, server_default="0"),
    Column("next_poll_at", Instant, nullable=False),
    Column("next_poll_reason", Text),
    Column("wishes", Json),
    Column("habit_s", Float),
    Column("newest_item_at", Instant),
    Column("failing_since", Instant),
    Column("moved_url", Text),
    Column("moved_count", Integer, nullable=False, server_default="0"),
    Column("moved_since", Instant),
    Column("merged_into", Id),
    Column("slot_at", Instant),
    Column("health", String(16), nullable=False, server_default="new"),
    Column("health_reason", Text),
    Column("health_since", Instant),
    Column("flagged", Text),
    Column("pushed_until", Instant),
    Column("caught_up_at", Instant),
    *_lease(),
    Index("ix_feeds_asked_url", "asked_url", unique=True),
    _partial("ix_feeds_due", "next_poll_at", "retired_at IS NULL AND disabled_reason IS NULL"),
)

"""`url` is what is polled, `asked_url` what somebody wrote: a feed that moved for good keeps its row and its items.

`caught_up_at`: when it was first read whole after the database had been restored from a backup.
"""

hosts = Table(
    "hosts",
    metadata,
    Column("host", Text, primary_key=True),
    Column("free_at", Instant, nullable=False),
    Column("opens_at", Instant, nullable=False),
    Column("held_by", String(64)),
    Column("held_until", Instant),
)
"""When a host's next free slot is, before when nobody may ask it, and who is asking it just now."""

stories = Table(
    "stories",
    metadata,
    _id(),
    Column("key", String(80), nullable=False, unique=True),
    Column("title", Text, nullable=False),
    Column("created_at", Instant, nullable=False),
    Column("last_item_at", Instant),
    Column("closed_at", Instant),
    _partial("ix_stories_open", "last_item_at", "closed_at IS NULL"),
)

story_keys = Table(
    "story_keys",
    metadata,
    Column("key", BigInteger, primary_key=True, autoincrement=False),
    Column("story_id", Id, ForeignKey("stories.id"), primary_key=True, autoincrement=False),
    Index("ix_story_keys_story_id", "story_id"),
    sqlite_with_rowid=False,
)
"""By which keys an item finds the open stories that it may tell; a closed story has none."""

items = Table(
    "items",
    metadata,
    _id(),
    Column("feed_id", Id, ForeignKey("feeds.id"), nullable=False),
    Column("identity", Text, nullable=False),
    Column("alias", Text, nullable=False),
    Column("link", Text),
    Column("title", Text, nullable=False),
    Column("summary", Text, nullable=False),
    Column("text", Text, nullable=False),
    Column("author", Text),
    Column("language", String(16)),
    Column("categories", Json, nullable=False),
    Column("published_at", Instant),
    Column("updated_at", Instant),
    Column("first_seen_at", Instant, nullable=False),
    Column("content_hash", String(64), nullable=False),
    Column("history", Boolean, nullable=False),
    Column("story_id", Id, ForeignKey("stories.id")),
    Column("story_reason", Text),
    Column("copy_of", Id),
    Column("fingerprint", Json),
    Column("reclassify", String(16)),
    Column("classified_at", Instant),
    Column("classified_with", String(64)),
    Column("parked_reason", Text),
    Column("next_classify_at", Instant, nullable=False),
    Column("edits", Integer, nullable=False, server_default="0"),
    Column("edited_at", Instant),
    Column("from_page", Boolean, nullable=False, server_default=false()),
    Column("title_key", BigInteger),
    Column("held_at", Instant),
    *_lease(),
    UniqueConstraint("feed_id", "identity"),
    Index("ix_items_title", "feed_id", "title_key"),
    Index("ix_items_published", "feed_id", "published_at", "first_seen_at"),
    Index("ix_items_story_id", "story_id"),
    _partial("ix_items_core", "story_id", "fingerprint IS NOT NULL"),
    Index("ix_items_first_seen_at", "first_seen_at"),
    _partial("ix_items_backlog", "next_classify_at", "classified_at IS NULL AND parked_reason IS NULL"),
    _partial("ix_items_parked", "id", "parked_reason IS NOT NULL"),
    _partial("ix_items_held", "id", "held_at IS NOT NULL"),
)
"""`held_at`: what the item tells may have been told before the database was restored, and waits for a person."""

pages = Table(
    "pages",
    metadata,
    _id(),
    Column("item_id", Id, ForeignKey("items.id"), nullable=False, unique=True),
    Column("url", Text, nullable=False),
    Column("state", String(16), nullable=False),
    Column("reason", Text),
    Column("text", Text),
    Column("tries", Integer, nullable=False, server_default="0"),
    Column("created_at", Instant, nullable=False),
    Column("fetched_at", Instant),
    Column("next_fetch_at", Instant, nullable=False),
    Column("slot_at", Instant),
    *_lease(),
    Index("ix_pages_url", "url"),
    _partial("ix_pages_backlog", "next_fetch_at", "state = 'waiting'"),
)
"""The article page of an item whose feed asks for full text."""

hubs = Table(
    "hubs",
    metadata,
    _id(),
    Column("feed_id", Id, ForeignKey("feeds.id"), nullable=False),
    Column("hub_url", Text, nullable=False),
    Column("topic_url", Text, nullable=False),
    Column("token", String(64), nullable=False, unique=True),
    Column("secret", String(128), nullable=False),
    Column("state", String(16), nullable=False),
    Column("reason", Text),
    Column("tries", Integer, nullable=False, server_default="0"),
    Column("callback_url", Text),
    Column("asked_mode", String(16)),
    Column("asked_at", Instant),
    Column("verified_at", Instant),
    Column("expires_at", Instant),
    Column("pushed_at", Instant),
    Column("dropped", Integer, nullable=False, server_default="0"),
    Column("next_ask_at", Instant, nullable=False),
    Column("slot_at", Instant),
    *_lease(),
    _partial("ix_hubs_backlog", "next_ask_at", "state <> 'ended'"),
    Index(
        "uq_hubs_feed_id",
        "feed_id",
        unique=True,
        sqlite_where=text("state NOT IN ('leaving', 'ended')"),
        postgresql_where=text("state NOT IN ('leaving', 'ended')"),
    ),
)
"""A feed's subscriptions with WebSub hubs: one that is wanted, and those that are being left or were."""

pushes = Table(
    "pushes",
    metadata,
    _id(),
    Column("hub_id", Id, ForeignKey("hubs.id"), nullable=False),
    Column("content_type", Text),
    Column("body", LargeBinary),
    Column("digest", String(64), nullable=False),
    Column("received_at", Instant, nullable=False),
    Column("done_at", Instant),
    Column("reason", Text),
    *_lease(),
    UniqueConstraint("hub_id", "digest"),
    _partial("ix_pushes_backlog", "received_at", "done_at IS NULL"),
)
"""Documents that hubs have sent and that wait to be read."""

rule_sets = Table(
    "rule_sets",
    metadata,
    Column("version", String(64), primary_key=True),
    Column("files", Json, nullable=False),
    Column("first_used_at", Instant, nullable=False),
    Column("own", Json),
)
"""`own`: by rule, a digest of what decides its matches in this version, so that versions which only differ elsewhere
count as one for it."""

matches = Table(
    "matches",
    metadata,
    _id(),
    Column("item_id", Id, ForeignKey("items.id"), nullable=False),
    Column("rule_id", String(80), nullable=False),
    Column("rules_version", String(64), nullable=False),
    Column("body", Json, nullable=False),
    Column("created_at", Instant, nullable=False),
    UniqueConstraint("item_id", "rule_id", "rules_version"),
)

events = Table(
    "events",
    metadata,
    _id(),
    Column("story_id", Id, ForeignKey("stories.id"), nullable=False),
    Column("rule_id", String(80), nullable=False),
    Column("rule_title", Text, nullable=False),
    Column("level", String(8), nullable=False),
    Column("status", String(16), nullable=False),
    Column("revision", Integer, nullable=False),
    Column("title", Text, nullable=False),
    Column("facts", Json, nullable=False),
    Column("snippets", Json, nullable=False),
    Column("amount_usd", Float),
    Column("stage", String(32)),
    Column("history", Boolean, nullable=False),
    Column("created_at", Instant, nullable=False),
    Column("updated_at", Instant, nullable=False),
    Column("alerted_revision", Integer, nullable=False, server_default="0"),
    Column("rules_version", String(64)),
    Column("parked_reason", Text),
    Column("held_revision", Integer),
    *_lease(),
    UniqueConstraint("story_id", "rule_id"),
    Index("ix_events_rule_id", "rule_id", "created_at"),
    Index("ix_events_created_at", "created_at", "rule_id"),
    Index("ix_events_updated_at", "updated_at", "id"),
    _partial("ix_events_backlog", "updated_at", "alerted_revision < revision AND parked_reason IS NULL"),
    _partial("ix_events_parked", "id", "parked_reason IS NOT NULL"),
    _partial("ix_events_held", "id", "held_revision IS NOT NULL"),
)
"""`held_revision`: up to that revision nobody is told of the event before a person has looked, since it may have been
told before the database was restored; a higher one goes out."""

event_sources = Table(
    "event_sources",
    metadata,
    Column("event_id", Id, ForeignKey("events.id"), primary_key=True),
    Column("item_id", Id, ForeignKey("items.id"), primary_key=True),
    Column("added_at", Instant, nullable=False),
    Index("ix_event_sources_item_id", "item_id"),
)

event_index = Table(
    "event_index",
    metadata,
    Column("event_id", Id, ForeignKey("events.id"), primary_key=True, autoincrement=False),
    Column("rule_id", String(80), nullable=False),
    Column("stage", String(32)),
    Column("amount_usd", Float),
    Column("created_at", Instant, nullable=False),
    Column("languages", Text, nullable=False),
    Column("places", Text, nullable=False),
    Column("parties", Text, nullable=False),
    Column("words", Text, nullable=False),
    Index("ix_event_index_rule_id", "rule_id", "event_id"),
    Index("ix_event_index_stage", "stage", "event_id"),
)
"""What filters look at of each event, folded, with spaces around every word; made of the event and its items."""

revisions = Table(
    "revisions",
    metadata,
    _id(),
    Column("event_id", Id, ForeignKey("events.id"), nullable=False),
    Column("revision", Integer, nullable=False),
    Column("item_id", Id, ForeignKey("items.id")),
    Column("changed", Json, nullable=False),
    Column("created_at", Instant, nullable=False),
    UniqueConstraint("event_id", "revision"),
)
"""What each revision after the first changed, why, and which item told it."""

verdicts = Table(
    "verdicts",
    metadata,
    _id(),
    Column("event_id", Id, ForeignKey("events.id"), nullable=False),
    Column("rule_id", String(80), nullable=False),
    Column("rules_version", String(64), nullable=False),
    Column("verdict", String(16), nullable=False),
    Column("who", String(160), nullable=False),
    Column("note", Text, nullable=False),
    Column("created_at", Instant, nullable=False),
    UniqueConstraint("event_id", "who"),
    Index("ix_verdicts_rule_id", "rule_id"),
)
"""What people said of an event, under the rules that had told it; one word of each person, the last one."""

channels = Table(
    "channels",
    metadata,
    Column("id", String(80), primary_key=True),
    Column("config", Json, nullable=False),
    Column("origin", String(8), nullable=False),
    Column("retired_at", Instant),
    Column("disabled_reason", Text),
    Column("free_at", Instant),
    Column("failures", Integer, nullable=False, server_default="0"),
    Column("failing_since", Instant),
    Column("fault", Text),
    Column("open_until", Instant),
    Column("worked_at", Instant),
    Column("turn_at", Instant),
    Index("ix_channels_origin", "origin", "id"),
    _partial("ix_channels_failing", "id", "failures > 0"),
    _partial("ix_channels_disabled", "id", "disabled_reason IS NOT NULL"),
)
"""`free_at`: when its rate, or its receiver, allows the next message. `failures`: in a row, `fault` the last of them.

`open_until`: until when its breaker lets nothing through, set until it closes. `worked_at`: when a message last went
through, to the minute. `turn_at`: when one was last taken up, so that channels take turns.
"""

subscriptions = Table(
    "subscriptions",
    metadata,
    Column("id", String(80), primary_key=True),
    Column("config", Json, nullable=False),
    Column("origin", String(8), nullable=False),
    Column("created_at", Instant, nullable=False),
    Column("retired_at", Instant),
    Column("address_key", String(64)),
    Column("ended_at", Instant),
    Column("ended_by", String(16)),
    Column("unconfirmed_since", Instant),
    Column("left_channels", Json),
    Index("ix_subscriptions_address_key", "address_key"),
    Index("ix_subscriptions_created_at", "created_at", "id"),
    Index("ix_subscriptions_origin", "origin", "id"),
)
"""`ended_at`: when its reader unsubscribed; a reload of watcher.yml does not undo it.

`unconfirmed_since`: when somebody asked for it on the page, until the reader of that address confirms; meanwhile it is
told nothing but the letter that asks.

`left_channels`: the channels whose readers unsubscribed while the subscription goes on to others.
"""

mutes = Table(
    "mutes",
    metadata,
    _id(),
    Column("subscription_id", String(80), nullable=False),
    Column("kind", String(8), nullable=False),
    Column("value", Text, nullable=False),
    Column("until_at", Instant),
    Column("origin", String(8), nullable=False),
    Column("created_at", Instant, nullable=False),
    UniqueConstraint("subscription_id", "kind", "value"),
)

suppressions = Table(
    "suppressions",
    metadata,
    Column("address_key", String(64), primary_key=True),
    Column("address", Text),
    Column("bounces", Integer, nullable=False, server_default="0"),
    Column("reason", Text, nullable=False),
    Column("since", Instant, nullable=False),
    Column("suppressed_at", Instant),
)
"""Addresses that bounced or complained; `suppressed_at` is set once nothing is sent there any more."""

signups = Table(
    "signups",
    metadata,
    _id(),
    Column("limit_key", String(64), nullable=False),
    Column("client_key", String(64), nullable=False),
    Column("network_key", String(64), nullable=False),
    Column("subscription_id", String(80)),
    Column("reason", String(24), nullable=False),
    Column("asked_at", Instant, nullable=False),
    Column("mailed_at", Instant),
    Column("confirmed_at", Instant),
    Index("ix_signups_limit_key", "limit_key", "asked_at"),
    Index("ix_signups_client_key", "client_key", "asked_at"),
    Index("ix_signups_network_key", "network_key", "asked_at"),
    Index("ix_signups_asked_at", "asked_at"),
)
"""Each time that somebody asked for a subscription, to bound how often an address can be mailed; hashes only."""

digests = Table(
    "digests",
    metadata,
    _id(),
    Column("key", String(64), nullable=False, unique=True),
    Column("subscription_id", String(80), nullable=False),
    Column("window", String(80), nullable=False),
    Column("closes_at", Instant, nullable=False),
    Column("immediate", Boolean, nullable=False),
    Column("notice", Json),
    Column("created_at", Instant, nullable=False),
    Column("closed_at", Instant),
    Column("parked_reason", Text),
    Column("late_at", Instant),
    Column("periods", Integer, nullable=False, server_default="1"),
    Column("merged_into", Id),
    Column("held_at", Instant),
    *_lease(),
    UniqueConstraint("subscription_id", "window"),
    Index("ix_digests_subscription_id", "subscription_id", "closes_at"),
    _partial("ix_digests_backlog", "closes_at", "closed_at IS NULL AND parked_reason IS NULL"),
    _partial("ix_digests_parked", "id", "parked_reason IS NOT NULL"),
    _partial("ix_digests_held", "id", "held_at IS NOT NULL"),
)
"""`late_at`: from when on the digest is not sent for itself but goes into the next one (`merged_into`), which then
covers so many `periods`; only digests of a schedule have it. `held_at`: it may have been sent before the database was
restored, and waits for a person."""

alerts = Table(
    "alerts",
    metadata,
    _id(),
    Column("subscription_id", String(80), nullable=False),
    Column("event_id", Id, ForeignKey("events.id"), nullable=False),
    Column("revision", Integer, nullable=False),
    Column("reason", Text, nullable=False),
    Column("digest_id", Id, ForeignKey("digests.id"), nullable=False),
    Column("created_at", Instant, nullable=False),
    UniqueConstraint("subscription_id", "event_id", "revision"),
    Index("ix_alerts_digest_id", "digest_id"),
    Index("ix_alerts_event_id", "event_id"),
)

deliveries = Table(
    "deliveries",
    metadata,
    _id(),
    Column("key", String(64), nullable=False, unique=True),
    Column("digest_id", Id, ForeignKey("digests.id"), nullable=False),
    Column("channel_id", String(80), nullable=False),
    Column("part", Integer, nullable=False, server_default="0"),
    Column("state", String(16), nullable=False),
    Column("reason", Text, nullable=False),
    Column("message_id", String(160), nullable=False),
    Column("content_type", String(160), nullable=False),
    Column("body", LargeBinary, nullable=False),
    Column("created_at", Instant, nullable=False),
    Column("first_attempt_at", Instant),
    Column("next_attempt_at", Instant),
    Column("expires_at", Instant),
    Column("tries_from", Integer, nullable=False, server_default="0"),
    Column("finished_at", Instant),
    *_lease(),
    UniqueConstraint("digest_id", "channel_id", "part"),
    _partial("ix_deliveries_backlog", "next_attempt_at", "state = 'pending'"),
    _partial("ix_deliveries_of_channel", ["channel_id", "next_attempt_at", "id"], "state = 'pending'"),
    _partial("ix_deliveries_held", ["channel_id"], "lease_owner IS NOT NULL"),
    _partial("ix_deliveries_unsent", ["state", "channel_id", "id"], "state <> 'sent'"),
    Index("ix_deliveries_channel_id", "channel_id", "id"),
    Index("ix_deliveries_created_at", "created_at", "id"),
)

attempts = Table(
    "attempts",
    metadata,
    _id(),
    Column("delivery_id", Id, ForeignKey("deliveries.id"), nullable=False),
    Column("number", Integer, nullable=False),
    Column("started_at", Instant, nullable=False),
    Column("finished_at", Instant),
    Column("outcome", String(16)),
    Column("reason", Text),
    Column("detail", Text),
    UniqueConstraint("delivery_id", "number"),
)

service = Table(
    "service",
    metadata,
    Column("name", String(40), primary_key=True),
    Column("value", Json, nullable=False),
)
"""What watcher.yml says of the service as a whole, for processes that do not read the file."""

beats = Table(
    "beats",
    metadata,
    Column("name", String(40), primary_key=True),
    Column("at", Instant, nullable=False),
)
"""When each periodic duty last ran: what `/readyz` and the metrics read."""

audit = Table(
    "audit",
    metadata,
    _id(),
    Column("at", Instant, nullable=False),
    Column("who", String(160), nullable=False),
    Column("action", String(80), nullable=False),
    Column("target", Text, nullable=False),
    Column("detail", Json, nullable=False),
    Column("client", String(64), nullable=False),
    Index("ix_audit_at", "at"),
)
"""What people did at the console and through the API."""

sessions = Table(
    "sessions",
    metadata,
    Column("id", String(64), primary_key=True),
    Column("name", String(160), nullable=False),
    Column("password_key", String(64), nullable=False),
    Column("client", String(64), nullable=False),
    Column("created_at", Instant, nullable=False),
    Column("seen_at", Instant, nullable=False),
    Column("ends_at", Instant, nullable=False),
)
"""Logins that hold: `id` is a digest of the cookie, `password_key` of the password that was given, so that a new
password ends them all."""

tokens = Table(
    "tokens",
    metadata,
    _id(),
    Column("name", String(80), nullable=False, unique=True),
    Column("digest", String(64), nullable=False, unique=True),
    Column("scopes", Json, nullable=False),
    Column("created_at", Instant, nullable=False),
    Column("ends_at", Instant),
    Column("used_at", Instant),
    Column("revoked_at", Instant),
)
"""Keys of the API; only a digest of each is kept."""

logins = Table(
    "logins",
    metadata,
    Column("client_key", String(64), primary_key=True),
    Column("failures", Integer, nullable=False),
    Column("failed_at", Instant, nullable=False),
    Column("free_at", Instant, nullable=False),
    Column("told_at", Instant),
)
"""Failed logins by a digest of where they came from; before `free_at` none is tried, and `told_at` is when
the audit log was told that somebody came too early."""

canaries = Table(
    "canaries",
    metadata,
    _id(),
    Column("started_at", Instant, nullable=False),
    Column("stored_at", Instant),
    Column("event_at", Instant),
    Column("alert_at", Instant),
    Column("written_at", Instant),
    Column("arrived_at", Instant),
    Column("alarmed_at", Instant),
    Column("over_at", Instant),
    Index("ix_canaries_started_at", "started_at"),
)
"""Items of our own that travel the whole line, and when each was seen behind which step.

`alarmed_at`: when it was told that this one, or the next after it, is missing; `over_at`: when a later one had arrived.
"""

tallies = Table(
    "tallies",
    metadata,
    Column("name", String(40), primary_key=True),
    Column("label", String(120), primary_key=True),
    Column("value", BigInteger, nullable=False),
)
"""What metrics have counted so far: totals that never fall, whatever rows are removed.

The label `upto` holds the id up to which a table's rows are in its totals; those after it are counted when asked.
"""

demotions = Table(
    "demotions",
    metadata,
    Column("rule_id", String(80), primary_key=True),
    Column("rules_version", String(64), nullable=False),
    Column("since", Instant, nullable=False),
    Column("reason", Text, nullable=False),
    Column("told_at", Instant),
    Column("ended_at", Instant),
)
"""Rules whose verdicts fell below their floor, since when and with which figures."""
