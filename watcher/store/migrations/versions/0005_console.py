"""Add what the console remembers: who is let in, what they did, canaries, and rules below their floor."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op

from watcher.store import event_search
from watcher.store.schema import Id, Instant, Json

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

_HELD = {"ix_items_held": "held_at", "ix_events_held": "held_revision", "ix_digests_held": "held_at"}


def _held() -> dict[str, sa.Column[Any]]:
    """What is kept back after the database was restored from a backup, by table."""
    return {
        "feeds": sa.Column("caught_up_at", Instant(), nullable=True),
        "items": sa.Column("held_at", Instant(), nullable=True),
        "events": sa.Column("held_revision", sa.Integer(), nullable=True),
        "digests": sa.Column("held_at", Instant(), nullable=True),
    }


def _hold() -> None:
    for table, column in _held().items():
        op.add_column(table, column)
    for name, column_name in _HELD.items():
        words = sa.text(f"{column_name} IS NOT NULL")
        op.create_index(name, name.split("_")[1], ["id"], sqlite_where=words, postgresql_where=words)


def upgrade() -> None:
    _hold()
    op.create_table(
        "audit",
        sa.Column("id", Id, primary_key=True, autoincrement=True),
        sa.Column("at", Instant(), nullable=False),
        sa.Column("who", sa.String(length=160), nullable=False),
        sa.Column("action", sa.String(length=80), nullable=False),
        sa.Column("target", sa.Text(), nullable=False),
        sa.Column("detail", Json, nullable=False),
        sa.Column("client", sa.String(length=64), nullable=False),
    )
    op.create_index("ix_audit_at", "audit", ["at"])
    _access()
    _watching()
    _looking()
    _finding()
    op.add_column("rule_sets", sa.Column("own", Json, nullable=True))
    op.create_index("ix_events_rule_id", "events", ["rule_id", "created_at"])
    op.create_index("ix_events_created_at", "events", ["created_at", "rule_id"])


def _access() -> None:
    op.create_table(
        "sessions",
        sa.Column("id", sa.String(length=64), primary_key=True),
        sa.Column("name", sa.String(length=160), nullable=False),
        sa.Column("password_key", sa.String(length=64), nullable=False),
        sa.Column("client", sa.String(length=64), nullable=False),
        sa.Column("created_at", Instant(), nullable=False),
        sa.Column("seen_at", Instant(), nullable=False),
        sa.Column("ends_at", Instant(), nullable=False),
    )
    op.create_table(
        "tokens",
        sa.Column("id", Id, primary_key=True, autoincrement=True),
        sa.Column("name", sa.String(length=80), nullable=False, unique=True),
        sa.Column("digest", sa.String(length=64), nullable=False, unique=True),
        sa.Column("scopes", Json, nullable=False),
        sa.Column("created_at", Instant(), nullable=False),
        sa.Column("ends_at", Instant(), nullable=True),
        sa.Column("used_at", Instant(), nullable=True),
        sa.Column("revoked_at", Instant(), nullable=True),
    )
    op.create_table(
        "logins",
        sa.Column("client_key", sa.String(length=64), primary_key=True),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("failed_at", Instant(), nullable=False),
        sa.Column("free_at", Instant(), nullable=False),
        sa.Column("told_at", Instant(), nullable=True),
    )


def _watching() -> None:
    op.create_table(
        "canaries",
        sa.Column("id", Id, primary_key=True, autoincrement=True),
        sa.Column("started_at", Instant(), nullable=False),
        sa.Column("stored_at", Instant(), nullable=True),
        sa.Column("event_at", Instant(), nullable=True),
        sa.Column("alert_at", Instant(), nullable=True),
        sa.Column("written_at", Instant(), nullable=True),
        sa.Column("arrived_at", Instant(), nullable=True),
        sa.Column("alarmed_at", Instant(), nullable=True),
        sa.Column("over_at", Instant(), nullable=True),
    )
    op.create_index("ix_canaries_started_at", "canaries", ["started_at"])
    op.create_table(
        "tallies",
        sa.Column("name", sa.String(length=40), primary_key=True),
        sa.Column("label", sa.String(length=120), primary_key=True),
        sa.Column("value", sa.BigInteger(), nullable=False),
    )
    op.create_table(
        "demotions",
        sa.Column("rule_id", sa.String(length=80), primary_key=True),
        sa.Column("rules_version", sa.String(length=64), nullable=False),
        sa.Column("since", Instant(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("told_at", Instant(), nullable=True),
        sa.Column("ended_at", Instant(), nullable=True),
    )


def _looking() -> None:
    """By what the console finds messages, those told of an event, channels in trouble, and new subscriptions."""
    op.create_index("ix_deliveries_channel_id", "deliveries", ["channel_id", "id"])
    op.create_index("ix_deliveries_created_at", "deliveries", ["created_at", "id"])
    op.create_index("ix_alerts_event_id", "alerts", ["event_id"])
    op.create_index("ix_channels_origin", "channels", ["origin", "id"])
    op.create_index("ix_subscriptions_created_at", "subscriptions", ["created_at", "id"])
    op.create_index("ix_subscriptions_origin", "subscriptions", ["origin", "id"])
    for name, columns, table, where in _PARTIAL:
        condition = sa.text(where)
        op.create_index(name, table, columns, sqlite_where=condition, postgresql_where=condition)


_PARTIAL = (
    ("ix_deliveries_unsent", ["state", "channel_id", "id"], "deliveries", "state <> 'sent'"),
    ("ix_items_parked", ["id"], "items", "parked_reason IS NOT NULL"),
    ("ix_events_parked", ["id"], "events", "parked_reason IS NOT NULL"),
    ("ix_digests_parked", ["id"], "digests", "parked_reason IS NOT NULL"),
    ("ix_channels_failing", ["id"], "channels", "failures > 0"),
    ("ix_channels_disabled", ["id"], "channels", "disabled_reason IS NOT NULL"),
)


def _finding() -> None:
    """What the filters of the events look at, for the events that are there too."""
    op.create_index("ix_event_sources_item_id", "event_sources", ["item_id"])
    op.create_index("ix_events_updated_at", "events", ["updated_at", "id"])
    op.create_table(
        "event_index",
        sa.Column("event_id", Id, sa.ForeignKey("events.id"), primary_key=True, autoincrement=False),
        sa.Column("rule_id", sa.String(length=80), nullable=False),
        sa.Column("stage", sa.String(length=32), nullable=True),
        sa.Column("amount_usd", sa.Float(), nullable=True),
        sa.Column("created_at", Instant(), nullable=False),
        sa.Column("languages", sa.Text(), nullable=False),
        sa.Column("places", sa.Text(), nullable=False),
        sa.Column("parties", sa.Text(), nullable=False),
        sa.Column("words", sa.Text(), nullable=False),
    )
    op.create_index("ix_event_index_rule_id", "event_index", ["rule_id", "event_id"])
    op.create_index("ix_event_index_stage", "event_index", ["stage", "event_id"])
    event_search.index_all(op.get_bind())


def downgrade() -> None:
    op.drop_table("event_index")
    op.drop_index("ix_events_updated_at", "events")
    op.drop_index("ix_event_sources_item_id", "event_sources")
    for name, _, table, _ in _PARTIAL:
        op.drop_index(name, table)
    op.drop_index("ix_subscriptions_origin", "subscriptions")
    op.drop_index("ix_subscriptions_created_at", "subscriptions")
    op.drop_index("ix_channels_origin", "channels")
    op.drop_index("ix_alerts_event_id", "alerts")
    op.drop_index("ix_deliveries_created_at", "deliveries")
    op.drop_index("ix_deliveries_channel_id", "deliveries")
    op.drop_index("ix_events_created_at", "events")
    op.drop_index("ix_events_rule_id", "events")
    with op.batch_alter_table("rule_sets") as rule_sets:
        rule_sets.drop_column("own")
    for table in ("demotions", "tallies", "canaries", "logins", "tokens", "sessions", "audit"):
        op.drop_table(table)
    for name in _HELD:
        op.drop_index(name, name.split("_")[1])
    for table, column in _held().items():
        op.drop_column(table, column.name)
