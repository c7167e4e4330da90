# ---
# jupyter:
#   jupytext:
#     text_representation:
#       extension: .py
#       format_name: percent
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Where the money goes, and where the caller waits
#
# Everything here comes from one published snapshot of live calls; `reauto pipelines run` makes a
# newer one, and `snapshot.refresh()` moves to it. What is not known is missing, never 0.

# %%
import altair as alt

from pipelines.snapshot import connect
from service.measures.cost import cost_per_lead
from service.measures.latency import percentiles

snapshot = connect()
snapshot_id = snapshot.id
snapshot.caption

# %% [markdown]
# ## The calls

# %%
calls = snapshot.sql("""
    SELECT created_at, direction, outcome, turns, duration_s, cost_usd, unpriced_lines,
           response_latency_p50_ms, response_latency_p95_ms, config_id[:12] AS config
    FROM call_facts ORDER BY created_at
""")
calls

# %% [markdown]
# ## Cost by component
#
# Costs are exact decimals; only the drawing rounds. Lines without a rate are counted beside them.

# %%
cost_by_component = snapshot.sql("""
    SELECT component, sum(cost_usd) AS cost_usd, count(DISTINCT call_id) AS calls,
           sum(unpriced_lines)::INTEGER AS unpriced_lines
    FROM cost_facts GROUP BY component ORDER BY cost_usd DESC NULLS LAST, component
""")
cost_by_component

# %%
cost_figure = (
    alt.Chart(cost_by_component.astype({"cost_usd": float}))
    .mark_bar()
    .encode(
        x=alt.X("cost_usd:Q", title="US dollars, priced lines"),
        y=alt.Y("component:N", title=None, sort="-x"),
        tooltip=["component:N", "cost_usd:Q", "calls:Q", "unpriced_lines:Q"],
    )
    .properties(
        width=560, title=alt.Title("Cost of live calls by component", subtitle=snapshot.caption)
    )
)
cost_figure

# %% [markdown]
# Every call pays for the leads it did not bring, so this is a ratio of sums.

# %%
lead_cost = cost_per_lead(
    (cost, outcome == "qualified")
    for cost, outcome in zip(calls["cost_usd"], calls["outcome"], strict=True)
)
usd_per_lead = lead_cost.usd_per_lead
lead_cost

# %% [markdown]
# ## The latency waterfall
#
# The silence a caller hears, from the end of their speech to the start of the reply, cut into what
# the call was waiting for. Each bar is a segment's share of the mean, so the bars sum to the mean
# response latency; p50 and p95 are over the turns that had the segment.

# %%
latencies = snapshot.sql(
    "SELECT response_latency_ms FROM turn_facts WHERE response_latency_ms IS NOT NULL"
)["response_latency_ms"]
response_latency = percentiles(latencies)
response_latency

# %%
waterfall = snapshot.sql("""
    WITH shares AS (
        SELECT
            position, segment, count(*) AS turns,
            sum(duration_ms) / (
                SELECT count(response_latency_ms) FROM turn_facts
            ) AS mean_share_ms,
            quantile_cont(duration_ms, 0.50) AS p50_ms,
            quantile_cont(duration_ms, 0.95) AS p95_ms
        FROM latency_waterfall GROUP BY position, segment
    )
    SELECT *, sum(mean_share_ms) OVER (ORDER BY position) AS end_ms,
           end_ms - mean_share_ms AS start_ms
    FROM shares ORDER BY position
""")
waterfall

# %%
waterfall_figure = (
    alt.Chart(waterfall)
    .mark_bar()
    .encode(
        x=alt.X("start_ms:Q", title="milliseconds after the caller's last word"),
        x2="end_ms:Q",
        y=alt.Y("segment:N", title=None, sort=alt.EncodingSortField("position")),
        tooltip=["segment:N", "mean_share_ms:Q", "p50_ms:Q", "p95_ms:Q", "turns:Q"],
    )
    .properties(
        width=560, title=alt.Title("Mean wait for a reply, by segment", subtitle=snapshot.caption)
    )
)
waterfall_figure
