-- One row per call that happened on a telephone network. An unknown cost is NULL, never 0.
WITH spoken AS (
    SELECT
        call_id,
        count(*) AS turns,
        count(*) FILTER (WHERE interrupted) AS interrupted_turns,
        quantile_cont(playback_started_ms - speech_ended_ms, 0.50) AS response_latency_p50_ms,
        quantile_cont(playback_started_ms - speech_ended_ms, 0.95) AS response_latency_p95_ms
    FROM raw_turns
    GROUP BY call_id
),
billed AS (
    SELECT
        call_id,
        sum(cost_usd) AS cost_usd,
        count(*) AS ledger_lines,
        count(*) FILTER (WHERE cost_usd IS NULL) AS unpriced_lines
    FROM raw_ledger
    GROUP BY call_id
)
SELECT
    c.call_id,
    c.day,
    c.direction,
    c.status,
    c.outcome,
    c.config_id,
    c.contact_id,
    c.campaign_id,
    c.stt_engine,
    c.llm_engine,
    c.tts_engine,
    c.answered_by,
    c.error_code,
    c.created_at,
    c.answered_at,
    c.ended_at,
    c.finished_at,
    c.duration_s,
    coalesce(s.turns, 0) AS turns,
    coalesce(s.interrupted_turns, 0) AS interrupted_turns,
    s.response_latency_p50_ms,
    s.response_latency_p95_ms,
    b.cost_usd,
    coalesce(b.ledger_lines, 0) AS ledger_lines,
    coalesce(b.unpriced_lines, 0) AS unpriced_lines
FROM raw_calls AS c
LEFT JOIN spoken AS s USING (call_id)
LEFT JOIN billed AS b USING (call_id)
WHERE c.kind = 'live'
ORDER BY c.created_at, c.call_id
