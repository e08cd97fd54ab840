"""Add what polling remembers: habits, moves, hosts, health, edits of items, pages of full text, and hubs that push."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from watcher.store.known import title_key
from watcher.store.schema import Id, Instant, Json

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    _feeds()
    _hosts()
    _items()
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


def _items() -> None:
    op.add_column("items", sa.Column("edits", sa.Integer(), server_default="0", nullable=False))
    op.add_column("items", sa.Column("edited_at", Instant(), nullable=True))
    op.add_column("items", sa.Column("from_page", sa.Boolean(), server_default=sa.false(), nullable=False))
    op.add_column("items", sa.Column("title_key", sa.BigInteger(), nullable=True))
    _fill_title_keys()
    op.drop_index("ix_items_feed_id_alias", "items")
    op.create_index("ix_items_title", "items", ["feed_id", "title_key"])
    op.create_index("ix_items_published", "items", ["feed_id", "published_at", "first_seen_at"])


def _fill_title_keys() -> None:
    """In pieces: no item that was stored before is to come back as news when its publisher changes its ids."""
    conn, last = op.get_bind(), 0
    read = sa.text("SELECT id, title, substr(text, 1, 300) AS text FROM items WHERE id > :last ORDER BY id LIMIT 1000")
    write = sa.text("UPDATE items SET title_key = :key WHERE id = :id")
    while rows := conn.execute(read, {"last": last}).all():
        conn.execute(write, [{"id": row.id, "key": title_key(row.title, row.text)} for row in rows])
        last = rows[-1].id


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
        sa.Column("slot_at", Instant(), nullable=True),
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
        sa.Column("slot_at", Instant(), nullable=True),
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
    op.drop_index("ix_items_published", "items")
    op.drop_index("ix_items_title", "items")
    op.create_index("ix_items_feed_id_alias", "items", ["feed_id", "alias"])
    columns = {
        "items": ("title_key", "from_page", "edited_at", "edits"),
        "feeds": tuple(one.name for one in _feed_columns()),
    }
    for table, names in columns.items():
        for name in names:
            op.drop_column(table, name)
