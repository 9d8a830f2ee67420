"""The shelf's tables. An article's names are stored as hashes: they are looked up, and never shown."""

from __future__ import annotations

import sqlalchemy as sa

from newsletter.database import RowId, UtcDateTime, metadata

articles = sa.Table(
    "articles",
    metadata,
    sa.Column("id", RowId, primary_key=True, autoincrement=True),
    sa.Column("source", sa.String(60), nullable=False),
    sa.Column("title_key", sa.String(64), nullable=False),
    sa.Column("published", UtcDateTime),
    sa.Column("first_seen", UtcDateTime, nullable=False),
    sa.Column("changed_at", UtcDateTime, nullable=False),
    sa.Column("digest", sa.String(64), nullable=False),
    sa.Column("content", sa.Text, nullable=False),
    sa.Column("edits", sa.Text, nullable=False, server_default="{}"),
    sa.Column("dropped_at", UtcDateTime),
    sa.Column("held_until", sa.String(20), nullable=False, server_default=""),
    sa.Column("carried_by", sa.String(20), nullable=False, server_default=""),
    sa.Index("ix_articles_source_title_key", "source", "title_key"),
    sa.Index("ix_articles_published", "published"),
)

names = sa.Table(
    "article_names",
    metadata,
    sa.Column("name", sa.String(64), primary_key=True),
    sa.Column("article_id", RowId, sa.ForeignKey("articles.id", ondelete="CASCADE"), nullable=False, index=True),
)

signals = sa.Table(
    "signals",
    metadata,
    sa.Column("article_id", RowId, sa.ForeignKey("articles.id", ondelete="CASCADE"), primary_key=True),
    sa.Column("kind", sa.String(20), primary_key=True),
    sa.Column("at", UtcDateTime, primary_key=True),
    sa.Column("value", sa.Float, nullable=False),
)

pulls = sa.Table(
    "pulls",
    metadata,
    sa.Column("source", sa.String(60), primary_key=True),
    sa.Column("state", sa.Text, nullable=False, server_default="{}"),
    sa.Column("pulled_at", UtcDateTime),
    sa.Column("good_at", UtcDateTime),
    sa.Column("problem", sa.Text, nullable=False, server_default=""),
)

# Empty content: the page could not be read, and is not asked for again.
pages = sa.Table(
    "article_pages",
    metadata,
    sa.Column("article_id", RowId, sa.ForeignKey("articles.id", ondelete="CASCADE"), primary_key=True),
    sa.Column("read_at", UtcDateTime, nullable=False),
    sa.Column("content", sa.Text, nullable=False),
)

images = sa.Table(
    "images",
    metadata,
    sa.Column("name", sa.String(40), primary_key=True),
    sa.Column("media_type", sa.String(40), nullable=False),
    sa.Column("data", sa.LargeBinary, nullable=False),
)
