-- Calls with usage that the price book has no rate for: their cost is not known.
SELECT call_id, unpriced_lines
FROM call_facts
WHERE unpriced_lines > 0
