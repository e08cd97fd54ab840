"""Add what the console remembers: who is let in, what they did, canaries, and rules below their floor."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from watcher.store.schema import Id, Instant, Json

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
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
    )


def _watching() -> None:
    op.create_table(
        "canaries",
        sa.Column("id", Id, primary_key=True, autoincrement=True),
        sa.Column("started_at", Instant(), nullable=False),
        sa.Column("stored_at", Instant(), nullable=True),
        sa.Column("event_at", Instant(), nullable=True),
        sa.Column("alert_at", Instant(), nullable=True),
        sa.Column("arrived_at", Instant(), nullable=True),
        sa.Column("alarmed_at", Instant(), nullable=True),
    )
    op.create_index("ix_canaries_started_at", "canaries", ["started_at"])
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
    for name, columns, table, where in _PARTIAL:
        condition = sa.text(where)
        op.create_index(name, table, columns, sqlite_where=condition, postgresql_where=condition)


_PARTIAL = (
    ("ix_deliveries_unsent", ["state", "channel_id", "id"], "deliveries", "state <> 'sent'"),
    ("ix_channels_failing", ["id"], "channels", "failures > 0"),
    ("ix_channels_disabled", ["id"], "channels", "disabled_reason IS NOT NULL"),
)


def downgrade() -> None:
    for name, _, table, _ in _PARTIAL:
        op.drop_index(name, table)
    op.drop_index("ix_subscriptions_created_at", "subscriptions")
    op.drop_index("ix_channels_origin", "channels")
    op.drop_index("ix_alerts_event_id", "alerts")
    op.drop_index("ix_deliveries_created_at", "deliveries")
    op.drop_index("ix_deliveries_channel_id", "deliveries")
    op.drop_index("ix_events_created_at", "events")
    op.drop_index("ix_events_rule_id", "events")
    with op.batch_alter_table("rule_sets") as rule_sets:
        rule_sets.drop_column("own")
    for table in ("demotions", "canaries", "logins", "tokens", "sessions", "audit"):
        op.drop_table(table)
