-- One row per turn and segment of its response latency, in the order in which they happen; the
-- durations of a turn sum to its response latency.
WITH long AS (
    UNPIVOT turn_facts
    ON
        end_of_turn_took_ms AS end_of_turn,
        transcription_took_ms AS transcription,
        first_token_took_ms AS first_token,
        first_sentence_took_ms AS first_sentence,
        synthesis_took_ms AS synthesis,
        sending_took_ms AS sending,
        playback_took_ms AS playback
    INTO NAME segment VALUE duration_ms
)
SELECT
    call_id,
    turn_index,
    day,
    config_id,
    list_position(
        [
            'end_of_turn', 'transcription', 'first_token', 'first_sentence',
            'synthesis', 'sending', 'playback'
        ],
        segment
    ) AS position,
    segment,
    coalesce(
        sum(duration_ms) OVER (
            PARTITION BY call_id, turn_index ORDER BY position
            ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING
        ), 0
    )::INTEGER AS start_ms,
    duration_ms
FROM long
ORDER BY call_id, turn_index, position
