"""Add story keys, what revisions changed, verdicts, and how an item came to its story."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from watcher.store.schema import Id, Instant, Json

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    _story_keys()
    _revisions()
    _verdicts()
    op.add_column("stories", sa.Column("last_item_at", Instant(), nullable=True))
    op.add_column("stories", sa.Column("closed_at", Instant(), nullable=True))
    op.create_index(
        "ix_stories_open",
        "stories",
        ["last_item_at"],
        sqlite_where=sa.text("closed_at IS NULL"),
        postgresql_where=sa.text("closed_at IS NULL"),
    )
    op.add_column("items", sa.Column("story_reason", sa.Text(), nullable=True))
    op.add_column("items", sa.Column("copy_of", Id, nullable=True))
    op.add_column("items", sa.Column("fingerprint", Json, nullable=True))
    op.add_column("items", sa.Column("reclassify", sa.String(length=16), nullable=True))
    op.create_index("ix_items_first_seen_at", "items", ["first_seen_at"])
    core = sa.text("fingerprint IS NOT NULL")
    op.create_index("ix_items_core", "items", ["story_id"], sqlite_where=core, postgresql_where=core)
    op.add_column("events", sa.Column("rules_version", sa.String(length=64), nullable=True))
    # stories of before have no keys to be found by: they stay closed, and their copies still share the old key
    op.execute("UPDATE stories SET last_item_at = created_at, closed_at = created_at")


def _story_keys() -> None:
    op.create_table(
        "story_keys",
        sa.Column("key", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("story_id", Id, autoincrement=False, nullable=False),
        sa.ForeignKeyConstraint(["story_id"], ["stories.id"], name="fk_story_keys_story_id"),
        sa.PrimaryKeyConstraint("key", "story_id", name="pk_story_keys"),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_story_keys_story_id", "story_keys", ["story_id"])


def _revisions() -> None:
    op.create_table(
        "revisions",
        sa.Column("id", Id, autoincrement=True, nullable=False),
        sa.Column("event_id", Id, nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("item_id", Id, nullable=True),
        sa.Column("changed", Json, nullable=False),
        sa.Column("created_at", Instant(), nullable=False),
        sa.ForeignKeyConstraint(["event_id"], ["events.id"], name="fk_revisions_event_id"),
        sa.ForeignKeyConstraint(["item_id"], ["items.id"], name="fk_revisions_item_id"),
        sa.PrimaryKeyConstraint("id", name="pk_revisions"),
        sa.UniqueConstraint("event_id", "revision", name="uq_revisions_event_id_revision"),
    )


def _verdicts() -> None:
    op.create_table(
        "verdicts",
        sa.Column("id", Id, autoincrement=True, nullable=False),
        sa.Column("event_id", Id, nullable=False),
        sa.Column("rule_id", sa.String(length=80), nullable=False),
        sa.Column("rules_version", sa.String(length=64), nullable=False),
        sa.Column("verdict", sa.String(length=16), nullable=False),
        sa.Column("who", sa.String(length=160), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("created_at", Instant(), nullable=False),
        sa.ForeignKeyConstraint(["event_id"], ["events.id"], name="fk_verdicts_event_id"),
        sa.PrimaryKeyConstraint("id", name="pk_verdicts"),
        sa.UniqueConstraint("event_id", "who", name="uq_verdicts_event_id_who"),
    )
    op.create_index("ix_verdicts_rule_id", "verdicts", ["rule_id"])


def downgrade() -> None:
    for table in ("verdicts", "revisions", "story_keys"):
        op.drop_table(table)
    op.drop_index("ix_items_core", "items")
    op.drop_index("ix_items_first_seen_at", "items")
    op.drop_index("ix_stories_open", "stories")
    for table, columns in (
        ("events", ("rules_version",)),
        ("items", ("story_reason", "copy_of", "fingerprint", "reclassify")),
        ("stories", ("last_item_at", "closed_at")),
    ):
        for column in columns:
            op.drop_column(table, column)
