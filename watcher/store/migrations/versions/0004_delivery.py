"""Add what delivery remembers: rates and breakers of channels, mutes, ended subscriptions, bounces and sign-ups."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from watcher.store.schema import Id, Instant, Json

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

_OUTBOX = {
    "ix_deliveries_of_channel": (["channel_id", "next_attempt_at", "id"], "state = 'pending'"),
    "ix_deliveries_held": (["channel_id"], "lease_owner IS NOT NULL"),
}
_ONE_MESSAGE = "uq_deliveries_digest_id_channel_id"
_Columns = dict[str, tuple["sa.Column[object]", ...]]


def _columns() -> _Columns:
    return {
        "channels": (
            sa.Column("free_at", Instant(), nullable=True),
            sa.Column("failures", sa.Integer(), server_default="0", nullable=False),
            sa.Column("failing_since", Instant(), nullable=True),
            sa.Column("fault", sa.Text(), nullable=True),
            sa.Column("open_until", Instant(), nullable=True),
            sa.Column("worked_at", Instant(), nullable=True),
            sa.Column("turn_at", Instant(), nullable=True),
        ),
        "subscriptions": (
            sa.Column("address_key", sa.String(length=64), nullable=True),
            sa.Column("ended_at", Instant(), nullable=True),
            sa.Column("ended_by", sa.String(length=16), nullable=True),
            sa.Column("unconfirmed_since", Instant(), nullable=True),
            sa.Column("left_channels", Json, nullable=True),
        ),
        "deliveries": (sa.Column("expires_at", Instant(), nullable=True),),
        "digests": (
            sa.Column("late_at", Instant(), nullable=True),
            sa.Column("periods", sa.Integer(), server_default="1", nullable=False),
            sa.Column("merged_into", Id, nullable=True),
        ),
    }


def upgrade() -> None:
    for table, columns in _columns().items():
        for column in columns:
            op.add_column(table, column)
    op.create_index("ix_subscriptions_address_key", "subscriptions", ["address_key"])
    op.create_index("ix_digests_subscription_id", "digests", ["subscription_id", "closes_at"])
    for name, (indexed, where) in _OUTBOX.items():
        words = sa.text(where)
        op.create_index(name, "deliveries", indexed, sqlite_where=words, postgresql_where=words)
    _several_messages()
    _mutes()
    _suppressions()
    _signups()


def _several_messages() -> None:
    """A digest may be cut into several messages for one channel."""
    with op.batch_alter_table("deliveries") as batch:
        batch.add_column(sa.Column("part", sa.Integer(), server_default="0", nullable=False))
        batch.drop_constraint(_ONE_MESSAGE, type_="unique")
        batch.create_unique_constraint(f"{_ONE_MESSAGE}_part", ["digest_id", "channel_id", "part"])


def _one_message() -> None:
    """Further messages of a digest are lost: the older program knows none."""
    op.execute("DELETE FROM attempts WHERE delivery_id IN (SELECT id FROM deliveries WHERE part > 0)")
    op.execute("DELETE FROM deliveries WHERE part > 0")
    with op.batch_alter_table("deliveries") as batch:
        batch.drop_constraint(f"{_ONE_MESSAGE}_part", type_="unique")
        batch.create_unique_constraint(_ONE_MESSAGE, ["digest_id", "channel_id"])
        batch.drop_column("part")


def _mutes() -> None:
    op.create_table(
        "mutes",
        sa.Column("id", Id, autoincrement=True, nullable=False),
        sa.Column("subscription_id", sa.String(length=80), nullable=False),
        sa.Column("kind", sa.String(length=8), nullable=False),
        sa.Column("value", sa.Text(), nullable=False),
        sa.Column("until_at", Instant(), nullable=True),
        sa.Column("origin", sa.String(length=8), nullable=False),
        sa.Column("created_at", Instant(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_mutes"),
        sa.UniqueConstraint("subscription_id", "kind", "value", name="uq_mutes_subscription_id_kind_value"),
    )


def _suppressions() -> None:
    op.create_table(
        "suppressions",
        sa.Column("address_key", sa.String(length=64), nullable=False),
        sa.Column("address", sa.Text(), nullable=True),
        sa.Column("bounces", sa.Integer(), server_default="0", nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("since", Instant(), nullable=False),
        sa.Column("suppressed_at", Instant(), nullable=True),
        sa.PrimaryKeyConstraint("address_key", name="pk_suppressions"),
    )


def _signups() -> None:
    op.create_table(
        "signups",
        sa.Column("id", Id, autoincrement=True, nullable=False),
        sa.Column("limit_key", sa.String(length=64), nullable=False),
        sa.Column("client_key", sa.String(length=64), nullable=False),
        sa.Column("network_key", sa.String(length=64), nullable=False),
        sa.Column("subscription_id", sa.String(length=80), nullable=True),
        sa.Column("reason", sa.String(length=24), nullable=False),
        sa.Column("asked_at", Instant(), nullable=False),
        sa.Column("mailed_at", Instant(), nullable=True),
        sa.Column("confirmed_at", Instant(), nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_signups"),
    )
    op.create_index("ix_signups_limit_key", "signups", ["limit_key", "asked_at"])
    op.create_index("ix_signups_client_key", "signups", ["client_key", "asked_at"])
    op.create_index("ix_signups_network_key", "signups", ["network_key", "asked_at"])
    op.create_index("ix_signups_asked_at", "signups", ["asked_at"])


def downgrade() -> None:
    for table in ("signups", "suppressions", "mutes"):
        op.drop_table(table)
    op.drop_index("ix_subscriptions_address_key", "subscriptions")
    op.drop_index("ix_digests_subscription_id", "digests")
    for name in _OUTBOX:
        op.drop_index(name, "deliveries")
    _one_message()
    for table, columns in _columns().items():
        for column in columns:
            op.drop_column(table, column.name)
