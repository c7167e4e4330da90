-- One row per turn of the calls in call_facts. `*_ms` stamps count from the start of the media stream;
-- `*_took_ms` is the waterfall of the response latency: each segment runs from the last stamp that
-- happened up to its own, and is NULL when its own did not happen or the latency is not known.
WITH reached AS (
    SELECT
        *,
        playback_started_ms - speech_ended_ms AS response_latency_ms,
        CASE WHEN response_latency_ms IS NOT NULL THEN speech_ended_ms END AS at_0,
        coalesce(turn_ended_ms, at_0) AS at_1,
        coalesce(transcript_ready_ms, at_1) AS at_2,
        coalesce(first_token_ms, at_2) AS at_3,
        coalesce(first_sentence_ms, at_3) AS at_4,
        coalesce(first_audio_made_ms, at_4) AS at_5,
        coalesce(first_audio_sent_ms, at_5) AS at_6
    FROM raw_turns
)
SELECT
    r.call_id,
    r.turn_index,
    r.day,
    c.config_id,
    r.agent,
    r.route_reason,
    r.interrupted,
    r.stt_confidence,
    r.speech_started_ms,
    r.speech_ended_ms,
    r.turn_ended_ms,
    r.transcript_ready_ms,
    r.first_token_ms,
    r.first_sentence_ms,
    r.first_audio_made_ms,
    r.first_audio_sent_ms,
    r.playback_started_ms,
    r.playback_ended_ms,
    r.response_latency_ms,
    CASE WHEN at_0 IS NOT NULL THEN turn_ended_ms - at_0 END AS end_of_turn_took_ms,
    CASE WHEN at_0 IS NOT NULL THEN transcript_ready_ms - at_1 END AS transcription_took_ms,
    CASE WHEN at_0 IS NOT NULL THEN first_token_ms - at_2 END AS first_token_took_ms,
    CASE WHEN at_0 IS NOT NULL THEN first_sentence_ms - at_3 END AS first_sentence_took_ms,
    CASE WHEN at_0 IS NOT NULL THEN first_audio_made_ms - at_4 END AS synthesis_took_ms,
    CASE WHEN at_0 IS NOT NULL THEN first_audio_sent_ms - at_5 END AS sending_took_ms,
    CASE WHEN at_0 IS NOT NULL THEN playback_started_ms - at_6 END AS playback_took_ms
FROM reached AS r
JOIN call_facts AS c USING (call_id)
ORDER BY c.created_at, r.call_id, r.turn_index
