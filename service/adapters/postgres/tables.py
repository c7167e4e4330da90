"""The tables of the database of record, as SQLAlchemy Core metadata.

Every table that analysis reads carries `row_xid`, the transaction that last wrote the row, kept
current by a trigger: pulls read up to the oldest running transaction, so late commits are not lost.
"""

from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.types import UserDefinedType


class Xid8(UserDefinedType[int]):
    """PostgreSQL's 64-bit transaction id."""

    cache_ok = True

    def get_col_spec(self, **_: Any) -> str:
        """Name of the type in DDL."""
        return "XID8"


# PostgreSQL's own names, so that migrations may be plain SQL.
metadata = sa.MetaData(
    naming_convention={
        "pk": "%(table_name)s_pkey",
        "fk": "%(table_name)s_%(column_0_name)s_fkey",
        "uq": "%(table_name)s_%(column_0_N_name)s_key",
        "ix": "%(table_name)s_%(column_0_N_name)s_idx",
        "ck": "%(table_name)s_%(constraint_name)s_check",
    }
)

_NOW = sa.text("now()")


def _time(name: str, *, nullable: bool = True) -> sa.Column[Any]:
    return sa.Column(name, sa.DateTime(timezone=True), nullable=nullable)


def _written(name: str) -> sa.Column[Any]:
    return sa.Column(name, sa.DateTime(timezone=True), nullable=False, server_default=_NOW)


def _row_xid() -> sa.Column[Any]:
    return sa.Column(
        "row_xid",
        Xid8(),
        nullable=False,
        index=True,
        server_default=sa.text("pg_current_xact_id()"),
    )


contacts = sa.Table(
    "contacts",
    metadata,
    sa.Column("contact_id", sa.Uuid, primary_key=True),
    sa.Column("phone", sa.Text, nullable=False, unique=True),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("email", sa.Text),
    sa.Column("timezone", sa.Text),
    sa.Column("address", sa.Text),
    sa.Column("lead_source", sa.Text),
    sa.Column("consent_source", sa.Text),
    sa.Column("notes", sa.Text),
    _time("created_at", nullable=False),
    _row_xid(),
    sa.Index(None, "created_at", "contact_id"),
)

# `call_id` is no foreign key: a suppression must never fail, and outlives its call.
suppressions = sa.Table(
    "suppressions",
    metadata,
    sa.Column("phone", sa.Text, primary_key=True),
    sa.Column("reason", sa.Text, nullable=False),
    sa.Column("call_id", sa.Uuid),
    _written("created_at"),
    _row_xid(),
)

campaigns = sa.Table(
    "campaigns",
    metadata,
    sa.Column("campaign_id", sa.Uuid, primary_key=True),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("from_number", sa.Text, nullable=False),
    sa.Column("max_concurrent_calls", sa.Integer, nullable=False),
    sa.Column("status", sa.Text, nullable=False),
    _time("created_at", nullable=False),
    _row_xid(),
    sa.CheckConstraint("max_concurrent_calls > 0", name="max_concurrent_calls"),
)

calls = sa.Table(
    "calls",
    metadata,
    sa.Column("call_id", sa.Uuid, primary_key=True),
    sa.Column("twilio_sid", sa.Text, unique=True),
    sa.Column("direction", sa.Text, nullable=False),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("from_number", sa.Text, nullable=False),
    sa.Column("to_number", sa.Text, nullable=False),
    sa.Column("status", sa.Text, nullable=False),
    sa.Column("config_id", sa.Text, nullable=False),
    sa.Column("contact_id", sa.Uuid, sa.ForeignKey("contacts.contact_id"), index=True),
    sa.Column("campaign_id", sa.Uuid, sa.ForeignKey("campaigns.campaign_id"), index=True),
    sa.Column("worker_id", sa.Text),
    sa.Column("engines", JSONB, nullable=False, server_default=sa.text("'{}'::jsonb")),
    sa.Column("answered_by", sa.Text),
    sa.Column("error_code", sa.Text),
    sa.Column("duration_s", sa.Integer),
    _time("created_at", nullable=False),
    _time("answered_at"),
    _time("ended_at"),
    _row_xid(),
    sa.Index(None, "created_at", "call_id"),
    sa.Index(None, "worker_id"),
)

campaign_attempts = sa.Table(
    "campaign_attempts",
    metadata,
    sa.Column("attempt_id", sa.Uuid, primary_key=True),
    sa.Column("campaign_id", sa.Uuid, sa.ForeignKey("campaigns.campaign_id"), nullable=False),
    sa.Column(
        "contact_id", sa.Uuid, sa.ForeignKey("contacts.contact_id"), nullable=False, index=True
    ),
    sa.Column("status", sa.Text, nullable=False),
    sa.Column("call_id", sa.Uuid, sa.ForeignKey("calls.call_id"), index=True),
    sa.Column("reason", sa.Text),
    _time("claimed_at"),
    _time("settled_at"),
    _row_xid(),
    sa.Index(None, "campaign_id", "status", "attempt_id"),
)

conversations = sa.Table(
    "conversations",
    metadata,
    sa.Column("call_id", sa.Uuid, sa.ForeignKey("calls.call_id"), primary_key=True),
    sa.Column("outcome", sa.Text, nullable=False),
    sa.Column("facts", JSONB, nullable=False),
    sa.Column("summary", sa.Text, nullable=False),
    _time("finished_at", nullable=False),
    _row_xid(),
)

turns = sa.Table(
    "turns",
    metadata,
    sa.Column("call_id", sa.Uuid, sa.ForeignKey("calls.call_id"), primary_key=True),
    sa.Column("turn_index", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("caller_said", sa.Text, nullable=False),
    sa.Column("agent_said", sa.Text, nullable=False),
    sa.Column("agent_heard", sa.Text, nullable=False),
    sa.Column("agent", sa.Text, nullable=False),
    sa.Column("interrupted", sa.Boolean, nullable=False),
    sa.Column("stt_confidence", sa.Double),
    sa.Column("route_reason", sa.Text, nullable=False),
    sa.Column("speech_started_ms", sa.Integer),
    sa.Column("speech_ended_ms", sa.Integer),
    sa.Column("turn_ended_ms", sa.Integer),
    sa.Column("transcript_ready_ms", sa.Integer),
    sa.Column("first_token_ms", sa.Integer),
    sa.Column("first_sentence_ms", sa.Integer),
    sa.Column("first_audio_made_ms", sa.Integer),
    sa.Column("first_audio_sent_ms", sa.Integer),
    sa.Column("playback_started_ms", sa.Integer),
    sa.Column("playback_ended_ms", sa.Integer),
    sa.Column("usage", JSONB, nullable=False),
    _written("recorded_at"),
    _row_xid(),
)

# `turn_index` is null for the call's own lines; `line_index` is the place among its siblings, so
# that a turn may use the same model twice.
ledger_entries = sa.Table(
    "ledger_entries",
    metadata,
    sa.Column("entry_id", sa.BigInteger, sa.Identity(), primary_key=True),
    sa.Column("call_id", sa.Uuid, sa.ForeignKey("calls.call_id"), nullable=False),
    sa.Column("turn_index", sa.Integer),
    sa.Column("line_index", sa.Integer, nullable=False),
    sa.Column("component", sa.Text, nullable=False),
    sa.Column("meter", sa.Text, nullable=False),
    sa.Column("provider", sa.Text, nullable=False),
    sa.Column("model", sa.Text, nullable=False),
    sa.Column("quantity", sa.Numeric, nullable=False),
    sa.Column("unit", sa.Text, nullable=False),
    sa.Column("rate_usd", sa.Numeric),
    sa.Column("cost_usd", sa.Numeric),
    sa.Column("price_book_id", sa.Text, nullable=False),
    _written("recorded_at"),
    _row_xid(),
    sa.UniqueConstraint("call_id", "turn_index", "line_index", postgresql_nulls_not_distinct=True),
)

agent_configs = sa.Table(
    "agent_configs",
    metadata,
    sa.Column("config_id", sa.Text, primary_key=True),
    sa.Column("config", JSONB, nullable=False),
    sa.Column("note", sa.Text, nullable=False),
    sa.Column("parent_id", sa.Text),
    _time("created_at", nullable=False),
    _row_xid(),
)

config_slots = sa.Table(
    "config_slots",
    metadata,
    sa.Column("slot", sa.Text, primary_key=True),
    sa.Column("active_id", sa.Text, sa.ForeignKey("agent_configs.config_id"), nullable=False),
    sa.Column("previous_id", sa.Text, sa.ForeignKey("agent_configs.config_id")),
    sa.Column("generation", sa.Integer, nullable=False),
    sa.Column("reason", sa.Text, nullable=False),
    _time("changed_at", nullable=False),
)

config_audit = sa.Table(
    "config_audit",
    metadata,
    sa.Column("slot", sa.Text, primary_key=True),
    sa.Column("generation", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("active_id", sa.Text, sa.ForeignKey("agent_configs.config_id"), nullable=False),
    sa.Column("previous_id", sa.Text, sa.ForeignKey("agent_configs.config_id")),
    sa.Column("reason", sa.Text, nullable=False),
    _time("changed_at", nullable=False),
    _row_xid(),
)
