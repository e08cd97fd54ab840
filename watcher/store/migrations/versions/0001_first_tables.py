"""Make the first tables."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from watcher.store.schema import Id, Instant, Json

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "beats",
        sa.Column("name", sa.String(length=40), nullable=False),
        sa.Column("at", Instant(), nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_beats"),
    )
    op.create_table(
        "channels",
        sa.Column("id", sa.String(length=80), nullable=False),
        sa.Column("config", Json, nullable=False),
        sa.Column("origin", sa.String(length=8), nullable=False),
        sa.Column("retired_at", Instant(), nullable=True),
        sa.Column("disabled_reason", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_channels"),
    )
    op.create_table(
        "digests",
        sa.Column("id", Id, autoincrement=True, nullable=False),
        sa.Column("key", sa.String(length=64), nullable=False),
        sa.Column("subscription_id", sa.String(length=80), nullable=False),
        sa.Column("window", sa.String(length=80), nullable=False),
        sa.Column("closes_at", Instant(), nullable=False),
        sa.Column("immediate", sa.Boolean(), nullable=False),
        sa.Column("notice", Json, nullable=True),
        sa.Column("created_at", Instant(), nullable=False),
        sa.Column("closed_at", Instant(), nullable=True),
        sa.Column("parked_reason", sa.Text(), nullable=True),
        sa.Column("lease_until", Instant(), nullable=True),
        sa.Column("lease_owner", sa.String(length=64), nullable=True),
        sa.Column("attempt", sa.Integer(), server_default="0", nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_digests"),
        sa.UniqueConstraint("key", name="uq_digests_key"),
        sa.UniqueConstraint("subscription_id", "window", name="uq_digests_subscription_id_window"),
    )
    op.create_index(
        "ix_digests_backlog",
        "digests",
        ["closes_at"],
        unique=False,
        sqlite_where=sa.text("closed_at IS NULL AND parked_reason IS NULL"),
        postgresql_where=sa.text("closed_at IS NULL AND parked_reason IS NULL"),
    )
    op.create_table(
        "feeds",
        sa.Column("id", Id, autoincrement=True, nullable=False),
        sa.Column("url", sa.Text(), nullable=False),
        sa.Column("title", sa.Text(), nullable=True),
        sa.Column("language", sa.String(length=16), nullable=True),
        sa.Column("tags", Json, nullable=False),
        sa.Column("alert_history", sa.String(length=8), nullable=False),
        sa.Column("every_s", sa.Integer(), nullable=True),
        sa.Column("headers", Json, nullable=False),
        sa.Column("origin", sa.String(length=8), nullable=False),
        sa.Column("retired_at", Instant(), nullable=True),
        sa.Column("disabled_reason", sa.Text(), nullable=True),
        sa.Column("etag", sa.Text(), nullable=True),
        sa.Column("last_modified", sa.Text(), nullable=True),
        sa.Column("created_at", Instant(), nullable=False),
        sa.Column("first_fetched_at", Instant(), nullable=True),
        sa.Column("last_full_at", Instant(), nullable=True),
        sa.Column("last_polled_at", Instant(), nullable=True),
        sa.Column("last_changed_at", Instant(), nullable=True),
        sa.Column("last_status", sa.Integer(), nullable=True),
        sa.Column("last_outcome", sa.String(length=32), nullable=True),
        sa.Column("last_error", sa.Text(), nullable=True),
        sa.Column("error_count", sa.Integer(), server_default="0", nullable=False),
        sa.Column("next_poll_at", Instant(), nullable=False),
        sa.Column("next_poll_reason", sa.Text(), nullable=True),
        sa.Column("lease_until", Instant(), nullable=True),
        sa.Column("lease_owner", sa.String(length=64), nullable=True),
        sa.Column("attempt", sa.Integer(), server_default="0", nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_feeds"),
        sa.UniqueConstraint("url", name="uq_feeds_url"),
    )
    op.create_index(
        "ix_feeds_due",
        "feeds",
        ["next_poll_at"],
        unique=False,
        sqlite_where=sa.text("retired_at IS NULL AND disabled_reason IS NULL"),
        postgresql_where=sa.text("retired_at IS NULL AND disabled_reason IS NULL"),
    )
    op.create_table(
        "rule_sets",
        sa.Column("version", sa.String(length=64), nullable=False),
        sa.Column("files", Json, nullable=False),
        sa.Column("first_used_at", Instant(), nullable=False),
        sa.PrimaryKeyConstraint("version", name="pk_rule_sets"),
    )
    op.create_table(
        "service",
        sa.Column("name", sa.String(length=40), nullable=False),
        sa.Column("value", Json, nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_service"),
    )
    op.create_table(
        "stories",
        sa.Column("id", Id, autoincrement=True, nullable=False),
        sa.Column("key", sa.String(length=80), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("created_at", Instant(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_stories"),
        sa.UniqueConstraint("key", name="uq_stories_key"),
    )
    op.create_table(
        "subscriptions",
        sa.Column("id", sa.String(length=80), nullable=False),
        sa.Column("config", Json, nullable=False),
        sa.Column("origin", sa.String(length=8), nullable=False),
        sa.Column("created_at", Instant(), nullable=False),
        sa.Column("retired_at", Instant(), nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_subscriptions"),
    )
    op.create_table(
        "deliveries",
        sa.Column("id", Id, autoincrement=True, nullable=False),
        sa.Column("key", sa.String(length=64), nullable=False),
        sa.Column("digest_id", Id, nullable=False),
        sa.Column("channel_id", sa.String(length=80), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("message_id", sa.String(length=160), nullable=False),
        sa.Column("content_type", sa.String(length=160), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", Instant(), nullable=False),
        sa.Column("first_attempt_at", Instant(), nullable=True),
        sa.Column("next_attempt_at", Instant(), nullable=True),
        sa.Column("tries_from", sa.Integer(), server_default="0", nullable=False),
        sa.Column("finished_at", Instant(), nullable=True),
        sa.Column("lease_until", Instant(), nullable=True),
        sa.Column("lease_owner", sa.String(length=64), nullable=True),
        sa.Column("attempt", sa.Integer(), server_default="0", nullable=False),
        sa.ForeignKeyConstraint(["digest_id"], ["digests.id"], name="fk_deliveries_digest_id"),
        sa.PrimaryKeyConstraint("id", name="pk_deliveries"),
        sa.UniqueConstraint("digest_id", "channel_id", name="uq_deliveries_digest_id_channel_id"),
        sa.UniqueConstraint("key", name="uq_deliveries_key"),
    )
    op.create_index(
        "ix_deliveries_backlog",
        "deliveries",
        ["next_attempt_at"],
        unique=False,
        sqlite_where=sa.text("state = 'pending'"),
        postgresql_where=sa.text("state = 'pending'"),
    )
    op.create_table(
        "events",
        sa.Column("id", Id, autoincrement=True, nullable=False),
        sa.Column("story_id", Id, nullable=False),
        sa.Column("rule_id", sa.String(length=80), nullable=False),
        sa.Column("rule_title", sa.Text(), nullable=False),
        sa.Column("level", sa.String(length=8), nullable=False),
        sa.Column("status", sa.String(length=16), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("facts", Json, nullable=False),
        sa.Column("snippets", Json, nullable=False),
        sa.Column("amount_usd", sa.Float(), nullable=True),
        sa.Column("stage", sa.String(length=32), nullable=True),
        sa.Column("history", sa.Boolean(), nullable=False),
        sa.Column("created_at", Instant(), nullable=False),
        sa.Column("updated_at", Instant(), nullable=False),
        sa.Column("alerted_revision", sa.Integer(), server_default="0", nullable=False),
        sa.Column("parked_reason", sa.Text(), nullable=True),
        sa.Column("lease_until", Instant(), nullable=True),
        sa.Column("lease_owner", sa.String(length=64), nullable=True),
        sa.Column("attempt", sa.Integer(), server_default="0", nullable=False),
        sa.ForeignKeyConstraint(["story_id"], ["stories.id"], name="fk_events_story_id"),
        sa.PrimaryKeyConstraint("id", name="pk_events"),
        sa.UniqueConstraint("story_id", "rule_id", name="uq_events_story_id_rule_id"),
    )
    op.create_index(
        "ix_events_backlog",
        "events",
        ["updated_at"],
        unique=False,
        sqlite_where=sa.text("alerted_revision < revision AND parked_reason IS NULL"),
        postgresql_where=sa.text("alerted_revision < revision AND parked_reason IS NULL"),
    )
    op.create_table(
        "items",
        sa.Column("id", Id, autoincrement=True, nullable=False),
        sa.Column("feed_id", Id, nullable=False),
        sa.Column("identity", sa.Text(), nullable=False),
        sa.Column("alias", sa.Text(), nullable=False),
        sa.Column("link", sa.Text(), nullable=True),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("summary", sa.Text(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("author", sa.Text(), nullable=True),
        sa.Column("language", sa.String(length=16), nullable=True),
        sa.Column("categories", Json, nullable=False),
        sa.Column("published_at", Instant(), nullable=True),
        sa.Column("updated_at", Instant(), nullable=True),
        sa.Column("first_seen_at", Instant(), nullable=False),
        sa.Column("content_hash", sa.String(length=64), nullable=False),
        sa.Column("history", sa.Boolean(), nullable=False),
        sa.Column("story_id", Id, nullable=True),
        sa.Column("classified_at", Instant(), nullable=True),
        sa.Column("classified_with", sa.String(length=64), nullable=True),
        sa.Column("parked_reason", sa.Text(), nullable=True),
        sa.Column("next_classify_at", Instant(), nullable=False),
        sa.Column("lease_until", Instant(), nullable=True),
        sa.Column("lease_owner", sa.String(length=64), nullable=True),
        sa.Column("attempt", sa.Integer(), server_default="0", nullable=False),
        sa.ForeignKeyConstraint(["feed_id"], ["feeds.id"], name="fk_items_feed_id"),
        sa.ForeignKeyConstraint(["story_id"], ["stories.id"], name="fk_items_story_id"),
        sa.PrimaryKeyConstraint("id", name="pk_items"),
        sa.UniqueConstraint("feed_id", "identity", name="uq_items_feed_id_identity"),
    )
    op.create_index(
        "ix_items_backlog",
        "items",
        ["next_classify_at"],
        unique=False,
        sqlite_where=sa.text("classified_at IS NULL AND parked_reason IS NULL"),
        postgresql_where=sa.text("classified_at IS NULL AND parked_reason IS NULL"),
    )
    op.create_index("ix_items_feed_id_alias", "items", ["feed_id", "alias"], unique=False)
    op.create_index("ix_items_story_id", "items", ["story_id"], unique=False)
    op.create_table(
        "alerts",
        sa.Column("id", Id, autoincrement=True, nullable=False),
        sa.Column("subscription_id", sa.String(length=80), nullable=False),
        sa.Column("event_id", Id, nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("digest_id", Id, nullable=False),
        sa.Column("created_at", Instant(), nullable=False),
        sa.ForeignKeyConstraint(["digest_id"], ["digests.id"], name="fk_alerts_digest_id"),
        sa.ForeignKeyConstraint(["event_id"], ["events.id"], name="fk_alerts_event_id"),
        sa.PrimaryKeyConstraint("id", name="pk_alerts"),
        sa.UniqueConstraint(
            "subscription_id", "event_id", "revision", name="uq_alerts_subscription_id_event_id_revision"
        ),
    )
    op.create_index("ix_alerts_digest_id", "alerts", ["digest_id"], unique=False)
    op.create_table(
        "attempts",
        sa.Column("id", Id, autoincrement=True, nullable=False),
        sa.Column("delivery_id", Id, nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("started_at", Instant(), nullable=False),
        sa.Column("finished_at", Instant(), nullable=True),
        sa.Column("outcome", sa.String(length=16), nullable=True),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("detail", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(["delivery_id"], ["deliveries.id"], name="fk_attempts_delivery_id"),
        sa.PrimaryKeyConstraint("id", name="pk_attempts"),
        sa.UniqueConstraint("delivery_id", "number", name="uq_attempts_delivery_id_number"),
    )
    op.create_table(
        "event_sources",
        sa.Column("event_id", Id, nullable=False),
        sa.Column("item_id", Id, nullable=False),
        sa.Column("added_at", Instant(), nullable=False),
        sa.ForeignKeyConstraint(["event_id"], ["events.id"], name="fk_event_sources_event_id"),
        sa.ForeignKeyConstraint(["item_id"], ["items.id"], name="fk_event_sources_item_id"),
        sa.PrimaryKeyConstraint("event_id", "item_id", name="pk_event_sources"),
    )
    op.create_table(
        "matches",
        sa.Column("id", Id, autoincrement=True, nullable=False),
        sa.Column("item_id", Id, nullable=False),
        sa.Column("rule_id", sa.String(length=80), nullable=False),
        sa.Column("rules_version", sa.String(length=64), nullable=False),
        sa.Column("body", Json, nullable=False),
        sa.Column("created_at", Instant(), nullable=False),
        sa.ForeignKeyConstraint(["item_id"], ["items.id"], name="fk_matches_item_id"),
        sa.PrimaryKeyConstraint("id", name="pk_matches"),
        sa.UniqueConstraint("item_id", "rule_id", "rules_version", name="uq_matches_item_id_rule_id_rules_version"),
    )


def downgrade() -> None:
    for table in (
        "matches",
        "event_sources",
        "attempts",
        "alerts",
        "items",
        "events",
        "deliveries",
        "subscriptions",
        "stories",
        "service",
        "rule_sets",
        "feeds",
        "digests",
        "channels",
        "beats",
    ):
        op.drop_table(table)
