-- One row per call and component of its cost. An unknown cost is NULL, never 0.
SELECT
    e.call_id,
    any_value(c.day) AS day,
    any_value(c.config_id) AS config_id,
    e.component,
    sum(e.cost_usd) AS cost_usd,
    count(*) AS ledger_lines,
    count(*) FILTER (WHERE e.cost_usd IS NULL) AS unpriced_lines
FROM raw_ledger AS e
JOIN call_facts AS c USING (call_id)
GROUP BY e.call_id, e.component
ORDER BY any_value(c.created_at), e.call_id, e.component
