-- Segments of negative length: the stamps of that turn contradict each other.
SELECT call_id, turn_index, segment, duration_ms
FROM latency_waterfall
WHERE duration_ms < 0
