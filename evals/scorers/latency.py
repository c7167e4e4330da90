"""How long the caller waited for replies, and what the wait was made of."""

from collections.abc import Sequence

import msgspec

from evals.scorers.score import Score
from service.domain.turn import Turn
from service.measures.latency import percentiles, response_latencies_ms, waterfall_percentiles

NAMES = ("response_latency_p50_ms", "response_latency_p95_ms")
VERSION = 1


def score_latency(turns: Sequence[Turn]) -> tuple[Score, Score]:
    """Return p50 and p95 of the response latency, None when no turn has one.

    Both carry the number of measured turns and p50 and p95 of each segment of the waterfall.
    """
    found = percentiles(response_latencies_ms(turns))
    segments = waterfall_percentiles([turn.stamps for turn in turns])
    detail = {
        "measured_turns": found.n if found else 0,
        "waterfall_ms": {name: msgspec.to_builtins(value) for name, value in segments.items()},
    }
    p50, p95 = (found.p50, found.p95) if found else (None, None)
    return (
        Score(name=NAMES[0], version=VERSION, value=p50, detail=detail),
        Score(name=NAMES[1], version=VERSION, value=p95, detail=detail),
    )
