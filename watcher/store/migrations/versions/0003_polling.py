"""Add what polling remembers: habits, moves, hosts, health, edits of items, pages of full text, and hubs that push."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from watcher.store.schema import Id, Instant, Json

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    _feeds()
    _hosts()
    op.add_column("items", sa.Column("edits", sa.Integer(), server_default="0", nullable=False))
    op.add_column("items", sa.Column("edited_at", Instant(), nullable=True))
    op.add_column("items", sa.Column("from_page", sa.Boolean(), server_default=sa.false(), nullable=False))
    _pages()
    _hubs()
    _pushes()


def _feed_columns() -> tuple[sa.Column, ...]:  # type: ignore[type-arg]
    return (
        sa.Column("asked_url", sa.Text(), server_default=sa.text("''"), nullable=False),
        sa.Column("full_text", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.Column("wishes", Json, nullable=True),
        sa.Column("habit_s", sa.Float(), nullable=True),
        sa.Column("newest_item_at", Instant(), nullable=True),
        sa.Column("failing_since", Instant(), nullable=True),
        sa.Column("moved_url", sa.Text(), nullable=True),
        sa.Column("moved_count", sa.Integer(), server_default="0", nullable=False),
        sa.Column("moved_since", Instant(), nullable=True),
        sa.Column("merged_into", Id, nullable=True),
        sa.Column("slot_at", Instant(), nullable=True),
        sa.Column("health", sa.String(length=16), server_default="new", nullable=False),
        sa.Column("health_reason", sa.Text(), nullable=True),
        sa.Column("health_since", Instant(), nullable=True),
        sa.Column("flagged", sa.Text(), nullable=True),
        sa.Column("pushed_until", Instant(), nullable=True),
    )


def _feeds() -> None:
    for column in _feed_columns():
        op.add_column("feeds", column)
    op.execute("UPDATE feeds SET asked_url = url")
    # an index and no constraint: SQLite would have to make the table anew, which its foreign keys forbid
    op.create_index("ix_feeds_asked_url", "feeds", ["asked_url"], unique=True)


def _lease() -> tuple[sa.Column, ...]:  # type: ignore[type-arg]
    return (
        sa.Column("lease_until", Instant(), nullable=True),
        sa.Column("lease_owner", sa.String(length=64), nullable=True),
        sa.Column("attempt", sa.Integer(), server_default="0", nullable=False),
    )


def _hosts() -> None:
    op.create_table(
        "hosts",
        sa.Column("host", sa.Text(), nullable=False),
        sa.Column("free_at", Instant(), nullable=False),
        sa.Column("opens_at", Instant(), nullable=False),
        sa.Column("held_by", sa.String(length=64), nullable=True),
        sa.Column("held_until", Instant(), nullable=True),
        sa.PrimaryKeyConstraint("host", name="pk_hosts"),
    )


def _pages() -> None:
    op.create_table(
        "pages",
        sa.Column("id", Id, autoincrement=True, nullable=False),
        sa.Column("item_id", Id, nullable=False),
        sa.Column("url", sa.Text(), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("text", sa.Text(), nullable=True),
        sa.Column("tries", sa.Integer(), server_default="0", nullable=False),
        sa.Column("created_at", Instant(), nullable=False),
        sa.Column("fetched_at", Instant(), nullable=True),
        sa.Column("next_fetch_at", Instant(), nullable=False),
        *_lease(),
        sa.ForeignKeyConstraint(["item_id"], ["items.id"], name="fk_pages_item_id"),
        sa.PrimaryKeyConstraint("id", name="pk_pages"),
        sa.UniqueConstraint("item_id", name="uq_pages_item_id"),
    )
    op.create_index("ix_pages_url", "pages", ["url"])
    waiting = sa.text("state = 'waiting'")
    op.create_index("ix_pages_backlog", "pages", ["next_fetch_at"], sqlite_where=waiting, postgresql_where=waiting)


def _hubs() -> None:
    op.create_table(
        "hubs",
        sa.Column("id", Id, autoincrement=True, nullable=False),
        sa.Column("feed_id", Id, nullable=False),
        sa.Column("hub_url", sa.Text(), nullable=False),
        sa.Column("topic_url", sa.Text(), nullable=False),
        sa.Column("token", sa.String(length=64), nullable=False),
        sa.Column("secret", sa.String(length=128), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("tries", sa.Integer(), server_default="0", nullable=False),
        sa.Column("callback_url", sa.Text(), nullable=True),
        sa.Column("asked_mode", sa.String(length=16), nullable=True),
        sa.Column("asked_at", Instant(), nullable=True),
        sa.Column("verified_at", Instant(), nullable=True),
        sa.Column("expires_at", Instant(), nullable=True),
        sa.Column("pushed_at", Instant(), nullable=True),
        sa.Column("dropped", sa.Integer(), server_default="0", nullable=False),
        sa.Column("next_ask_at", Instant(), nullable=False),
        *_lease(),
        sa.ForeignKeyConstraint(["feed_id"], ["feeds.id"], name="fk_hubs_feed_id"),
        sa.PrimaryKeyConstraint("id", name="pk_hubs"),
        sa.UniqueConstraint("token", name="uq_hubs_token"),
    )
    live = sa.text("state <> 'ended'")
    op.create_index("ix_hubs_backlog", "hubs", ["next_ask_at"], sqlite_where=live, postgresql_where=live)
    one = sa.text("state NOT IN ('leaving', 'ended')")
    op.create_index("uq_hubs_feed_id", "hubs", ["feed_id"], unique=True, sqlite_where=one, postgresql_where=one)


def _pushes() -> None:
    op.create_table(
        "pushes",
        sa.Column("id", Id, autoincrement=True, nullable=False),
        sa.Column("hub_id", Id, nullable=False),
        sa.Column("content_type", sa.Text(), nullable=True),
        sa.Column("body", sa.LargeBinary(), nullable=True),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("received_at", Instant(), nullable=False),
        sa.Column("done_at", Instant(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=True),
        *_lease(),
        sa.ForeignKeyConstraint(["hub_id"], ["hubs.id"], name="fk_pushes_hub_id"),
        sa.PrimaryKeyConstraint("id", name="pk_pushes"),
        sa.UniqueConstraint("hub_id", "digest", name="uq_pushes_hub_id_digest"),
    )
    waiting = sa.text("done_at IS NULL")
    op.create_index("ix_pushes_backlog", "pushes", ["received_at"], sqlite_where=waiting, postgresql_where=waiting)


def downgrade() -> None:
    for table in ("pushes", "hubs", "pages", "hosts"):
        op.drop_table(table)
    op.drop_index("ix_feeds_asked_url", "feeds")
    columns = {"items": ("from_page", "edited_at", "edits"), "feeds": tuple(one.name for one in _feed_columns())}
    for table, names in columns.items():
        for name in names:
            op.drop_column(table, name)
