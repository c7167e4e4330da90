-- Finished calls whose turns do not run 0, 1, 2, ...: a turn was lost.
SELECT t.call_id, count(*) AS turns, min(turn_index) AS first_index, max(turn_index) AS last_index
FROM turn_facts AS t
JOIN call_facts AS c USING (call_id)
WHERE c.finished_at IS NOT NULL
GROUP BY t.call_id
HAVING first_index <> 0 OR last_index <> turns - 1
