"""The first tables of both packages, in the SQL that both databases share but for the names of a few types.

Revision ID: 0001
"""

from alembic import op

revision = "0001"
down_revision = None

TYPES = {
    "sqlite": {
        "serial": "INTEGER", "never_reused": "AUTOINCREMENT", "row": "INTEGER",
        "time": "DATETIME", "zoned": "DATETIME", "bytes": "BLOB",
    },
    "postgresql": {
        "serial": "BIGSERIAL", "never_reused": "", "row": "BIGINT",
        "time": "TIMESTAMP", "zoned": "TIMESTAMPTZ", "bytes": "BYTEA",
    },
}  # fmt: skip
TABLES = """
CREATE TABLE articles (
    id {serial} NOT NULL CONSTRAINT pk_articles PRIMARY KEY,
    source VARCHAR(60) NOT NULL, title_key VARCHAR(64) NOT NULL, published {time},
    first_seen {time} NOT NULL, changed_at {time} NOT NULL, digest VARCHAR(64) NOT NULL,
    content TEXT NOT NULL, edits TEXT DEFAULT '{{}}' NOT NULL, dropped_at {time},
    held_until VARCHAR(20) DEFAULT '' NOT NULL, carried_by VARCHAR(20) DEFAULT '' NOT NULL
);
CREATE INDEX ix_articles_published ON articles (published);
CREATE INDEX ix_articles_source_title_key ON articles (source, title_key);
CREATE TABLE article_names (
    name VARCHAR(64) NOT NULL CONSTRAINT pk_article_names PRIMARY KEY, article_id {row} NOT NULL,
    CONSTRAINT fk_article_names_article_id FOREIGN KEY (article_id) REFERENCES articles (id) ON DELETE CASCADE
);
CREATE INDEX ix_article_names_article_id ON article_names (article_id);
CREATE TABLE signals (
    article_id {row} NOT NULL, kind VARCHAR(20) NOT NULL, at {time} NOT NULL, value FLOAT NOT NULL,
    CONSTRAINT pk_signals PRIMARY KEY (article_id, kind, at),
    CONSTRAINT fk_signals_article_id FOREIGN KEY (article_id) REFERENCES articles (id) ON DELETE CASCADE
);
CREATE TABLE pulls (
    source VARCHAR(60) NOT NULL CONSTRAINT pk_pulls PRIMARY KEY, state TEXT DEFAULT '{{}}' NOT NULL,
    pulled_at {time}, good_at {time}, problem TEXT DEFAULT '' NOT NULL
);
CREATE TABLE images (
    name VARCHAR(40) NOT NULL CONSTRAINT pk_images PRIMARY KEY, media_type VARCHAR(40) NOT NULL, data {bytes} NOT NULL
);
CREATE TABLE issues (
    id {serial} NOT NULL CONSTRAINT pk_issues PRIMARY KEY,
    slot_key VARCHAR(20) NOT NULL, slot_at {time} NOT NULL, state VARCHAR(20) NOT NULL,
    reason TEXT DEFAULT '' NOT NULL, opened_at {time} NOT NULL, frozen_at {time}, closed_at {time}, expires_at {time},
    frozen INTEGER DEFAULT '0' NOT NULL, digest VARCHAR(64) DEFAULT '' NOT NULL, subject TEXT DEFAULT '' NOT NULL,
    list_id VARCHAR(255) DEFAULT '' NOT NULL, on_doubt VARCHAR(10) DEFAULT 'resend' NOT NULL,
    CONSTRAINT uq_issues_slot_key UNIQUE (slot_key)
);
CREATE INDEX ix_issues_state ON issues (state);
CREATE TABLE letters (
    issue_id {row} NOT NULL, variant VARCHAR(40) NOT NULL, format INTEGER NOT NULL, digest VARCHAR(64) NOT NULL,
    data {bytes} NOT NULL,
    CONSTRAINT pk_letters PRIMARY KEY (issue_id, variant),
    CONSTRAINT fk_letters_issue_id FOREIGN KEY (issue_id) REFERENCES issues (id)
);
CREATE TABLE picks (
    issue_id {row} NOT NULL, place INTEGER NOT NULL, section VARCHAR(60) NOT NULL, position INTEGER NOT NULL,
    article_id {row}, score FLOAT NOT NULL, reason TEXT NOT NULL, article TEXT NOT NULL,
    CONSTRAINT pk_picks PRIMARY KEY (issue_id, place),
    CONSTRAINT fk_picks_issue_id FOREIGN KEY (issue_id) REFERENCES issues (id)
);
CREATE TABLE deliveries (
    id {serial} NOT NULL CONSTRAINT pk_deliveries PRIMARY KEY,
    email VARCHAR(320) NOT NULL, state VARCHAR(20) NOT NULL, reason VARCHAR(40) DEFAULT '' NOT NULL,
    worker_id {row}, attempts INTEGER DEFAULT '0' NOT NULL, next_try_at {time} NOT NULL, doubt_at {time},
    code INTEGER, text VARCHAR(500) DEFAULT '' NOT NULL, updated_at {time} NOT NULL,
    issue_id {row} NOT NULL, subscriber_id {row} NOT NULL, public_id VARCHAR(40) NOT NULL,
    name VARCHAR(200) DEFAULT '' NOT NULL, variant VARCHAR(40) DEFAULT '' NOT NULL,
    CONSTRAINT fk_deliveries_issue_id FOREIGN KEY (issue_id) REFERENCES issues (id),
    CONSTRAINT uq_deliveries_issue_id_subscriber_id UNIQUE (issue_id, subscriber_id)
);
CREATE INDEX ix_deliveries_due ON deliveries (issue_id, state, next_try_at, id);
CREATE INDEX ix_deliveries_worker ON deliveries (worker_id, state) WHERE worker_id IS NOT NULL;
CREATE TABLE outbox (
    id {serial} NOT NULL CONSTRAINT pk_outbox PRIMARY KEY,
    email VARCHAR(320) NOT NULL, state VARCHAR(20) NOT NULL, reason VARCHAR(40) DEFAULT '' NOT NULL,
    worker_id {row}, attempts INTEGER DEFAULT '0' NOT NULL, next_try_at {time} NOT NULL, doubt_at {time},
    code INTEGER, text VARCHAR(500) DEFAULT '' NOT NULL, updated_at {time} NOT NULL,
    kind VARCHAR(20) NOT NULL, sender VARCHAR(320) NOT NULL, data {bytes},
    created_at {time} NOT NULL, expires_at {time} NOT NULL
);
CREATE INDEX ix_outbox_due ON outbox (state, next_try_at, id);
CREATE INDEX ix_outbox_worker ON outbox (worker_id, state) WHERE worker_id IS NOT NULL;
CREATE TABLE attempts (
    id {serial} NOT NULL CONSTRAINT pk_attempts PRIMARY KEY,
    ledger VARCHAR(20) NOT NULL, row_id {row} NOT NULL, number INTEGER NOT NULL, at {time} NOT NULL,
    outcome VARCHAR(20) NOT NULL, code INTEGER, text VARCHAR(500) DEFAULT '' NOT NULL
);
CREATE INDEX ix_attempts_outcome ON attempts (outcome, ledger);
CREATE INDEX ix_attempts_row ON attempts (ledger, row_id);
CREATE TABLE workers (
    id {serial} NOT NULL CONSTRAINT pk_workers PRIMARY KEY,
    token VARCHAR(32) NOT NULL, host VARCHAR(100) NOT NULL, pid INTEGER NOT NULL,
    started_at {time} NOT NULL, ended_at {time},
    CONSTRAINT uq_workers_token UNIQUE (token)
);
CREATE INDEX ix_workers_ended_at ON workers (ended_at);
CREATE TABLE pace (name VARCHAR(60) NOT NULL CONSTRAINT pk_pace PRIMARY KEY, free_at {time} NOT NULL);
CREATE TABLE facts (name VARCHAR(40) NOT NULL CONSTRAINT pk_facts PRIMARY KEY, at {time} NOT NULL);
CREATE TABLE alerts (
    id {serial} NOT NULL CONSTRAINT pk_alerts PRIMARY KEY,
    slot_key VARCHAR(20) NOT NULL, at {time} NOT NULL, text TEXT NOT NULL
);
CREATE INDEX ix_alerts_slot_key ON alerts (slot_key);
CREATE TABLE subscribers (
    id {serial} NOT NULL CONSTRAINT pk_subscribers PRIMARY KEY {never_reused},
    public_id VARCHAR(32) NOT NULL, email VARCHAR(254) NOT NULL, email_key VARCHAR(254) NOT NULL,
    address_hash VARCHAR(64) NOT NULL, name TEXT DEFAULT '' NOT NULL, language TEXT DEFAULT '' NOT NULL,
    status VARCHAR(12) NOT NULL, variant TEXT DEFAULT '' NOT NULL, sections TEXT DEFAULT '' NOT NULL,
    origin TEXT DEFAULT '' NOT NULL, created_at {zoned} NOT NULL, confirmed_at {zoned}, unsubscribed_at {zoned},
    CONSTRAINT ck_subscribers_active_is_confirmed CHECK (status <> 'active' OR confirmed_at IS NOT NULL),
    CONSTRAINT ck_subscribers_status CHECK (status IN ('pending', 'active', 'unsubscribed')),
    CONSTRAINT uq_subscribers_email_key UNIQUE (email_key),
    CONSTRAINT uq_subscribers_public_id UNIQUE (public_id)
);
CREATE INDEX ix_subscribers_address_hash ON subscribers (address_hash);
CREATE INDEX ix_subscribers_status_id ON subscribers (status, id);
CREATE TABLE consents (
    id {serial} NOT NULL CONSTRAINT pk_consents PRIMARY KEY {never_reused},
    at {zoned} NOT NULL, what VARCHAR(20) NOT NULL, address_hash VARCHAR(64) NOT NULL, subscriber_id BIGINT,
    via TEXT DEFAULT '' NOT NULL, form TEXT DEFAULT '' NOT NULL, wording TEXT DEFAULT '' NOT NULL,
    wording_hash TEXT DEFAULT '' NOT NULL, ip TEXT DEFAULT '' NOT NULL, user_agent TEXT DEFAULT '' NOT NULL,
    detail TEXT DEFAULT '' NOT NULL
);
CREATE INDEX ix_consents_address_hash_id ON consents (address_hash, id);
CREATE TABLE sign_up_mails (
    id {serial} NOT NULL CONSTRAINT pk_sign_up_mails PRIMARY KEY,
    kind VARCHAR(12) NOT NULL, subscriber_id BIGINT NOT NULL, mailbox_hash VARCHAR(64) NOT NULL,
    token_hash VARCHAR(64), name TEXT DEFAULT '' NOT NULL, language TEXT DEFAULT '' NOT NULL,
    at {zoned} NOT NULL, expires_at {zoned} NOT NULL, used_at {zoned},
    CONSTRAINT uq_sign_up_mails_token_hash UNIQUE (token_hash)
);
CREATE INDEX ix_sign_up_mails_at ON sign_up_mails (at);
CREATE INDEX ix_sign_up_mails_mailbox_hash_at ON sign_up_mails (mailbox_hash, at);
CREATE INDEX ix_sign_up_mails_subscriber_id ON sign_up_mails (subscriber_id);
CREATE TABLE guard_passes (
    id {serial} NOT NULL CONSTRAINT pk_guard_passes PRIMARY KEY,
    at {zoned} NOT NULL, network VARCHAR(64) NOT NULL, domain VARCHAR(254) NOT NULL, nonce VARCHAR(64),
    CONSTRAINT uq_guard_passes_nonce UNIQUE (nonce)
);
CREATE INDEX ix_guard_passes_at ON guard_passes (at);
CREATE INDEX ix_guard_passes_domain_at ON guard_passes (domain, at);
CREATE INDEX ix_guard_passes_network_at ON guard_passes (network, at);
CREATE TABLE guard_trips (
    hour {zoned} NOT NULL, reason VARCHAR(40) NOT NULL, count INTEGER NOT NULL, last_network VARCHAR(64) NOT NULL,
    CONSTRAINT pk_guard_trips PRIMARY KEY (hour, reason)
);
CREATE TABLE suppressions (
    address_hash VARCHAR(64) NOT NULL CONSTRAINT pk_suppressions PRIMARY KEY,
    reason TEXT NOT NULL, since {zoned} NOT NULL
)
"""


def upgrade() -> None:
    for statement in TABLES.format_map(TYPES[op.get_bind().dialect.name]).split(";"):
        op.execute(statement)
