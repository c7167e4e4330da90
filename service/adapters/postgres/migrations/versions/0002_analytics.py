"""The analytics views: what the workbench may read, flattened and typed; they are its contract.

Each row carries `row_xid`, the last transaction that wrote any part of it, for pulls by horizon,
and the time its call was created, which never changes, so that a row's day never changes either.
No phone number, name or address is in them; what was said is, in `analytics.turns`.
"""

from alembic import op

revision = "0002_analytics"
down_revision = "0001_base"
branch_labels = None
depends_on = None

_CALLS = """
CREATE VIEW analytics.calls AS
SELECT
    c.call_id,
    c.kind,
    c.direction,
    c.status,
    v.outcome,
    c.config_id,
    c.contact_id,
    c.campaign_id,
    c.worker_id,
    c.engines ->> 'stt' AS stt_engine,
    c.engines ->> 'llm' AS llm_engine,
    c.engines ->> 'tts' AS tts_engine,
    c.answered_by,
    c.error_code,
    c.created_at,
    c.answered_at,
    c.ended_at,
    v.finished_at,
    c.duration_s,
    greatest(c.row_xid, v.row_xid) AS row_xid
FROM public.calls AS c
LEFT JOIN public.conversations AS v USING (call_id)
"""

_TURNS = """
CREATE VIEW analytics.turns AS
SELECT
    t.call_id,
    t.turn_index,
    c.created_at AS call_created_at,
    t.agent,
    t.route_reason,
    t.caller_said,
    t.agent_said,
    t.agent_heard,
    t.interrupted,
    t.stt_confidence,
    t.speech_started_ms,
    t.speech_ended_ms,
    t.turn_ended_ms,
    t.transcript_ready_ms,
    t.first_token_ms,
    t.first_sentence_ms,
    t.first_audio_made_ms,
    t.first_audio_sent_ms,
    t.playback_started_ms,
    t.playback_ended_ms,
    t.row_xid
FROM public.turns AS t
JOIN public.calls AS c USING (call_id)
"""

# 12 decimals of a dollar: finer than any published rate times one unit.
_LEDGER = """
CREATE VIEW analytics.ledger AS
SELECT
    e.entry_id,
    e.call_id,
    e.turn_index,
    e.line_index,
    c.created_at AS call_created_at,
    e.component,
    e.meter,
    e.provider,
    e.model,
    e.quantity::numeric(26, 6) AS quantity,
    e.unit,
    e.rate_usd::numeric(26, 12) AS rate_usd,
    e.cost_usd::numeric(26, 12) AS cost_usd,
    e.price_book_id,
    e.row_xid
FROM public.ledger_entries AS e
JOIN public.calls AS c USING (call_id)
"""


def upgrade() -> None:
    """Create the schema and its views."""
    op.execute("CREATE SCHEMA analytics")
    for view in (_CALLS, _TURNS, _LEDGER):
        op.execute(view)


def downgrade() -> None:
    """Drop the views, then the schema."""
    op.execute("DROP VIEW analytics.ledger, analytics.turns, analytics.calls")
    op.execute("DROP SCHEMA analytics")
