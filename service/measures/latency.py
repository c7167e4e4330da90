"""Latency: percentiles, and the waterfall that explains the silence a caller hears before a reply.

Response latency is the end of the caller's speech to the start of the reply's playback. The
waterfall cuts it into consecutive segments, one per stamp that a reply passes; each is named after
what the call was waiting for, and together they are the response latency, to the millisecond.
"""

import math
from collections.abc import Iterable, Sequence

import msgspec

from service.domain.turn import Turn, TurnStamps

SEGMENTS: tuple[tuple[str, str], ...] = (
    ("end_of_turn", "turn_ended_ms"),
    ("transcription", "transcript_ready_ms"),
    ("first_token", "first_token_ms"),
    ("first_sentence", "first_sentence_ms"),
    ("synthesis", "first_audio_made_ms"),
    ("sending", "first_audio_sent_ms"),
    ("playback", "playback_started_ms"),
)
"""Segment names in order, each with the stamp of `TurnStamps` at which it ends."""


class Segment(msgspec.Struct, frozen=True, kw_only=True):
    """A stretch of one turn's response latency; `start_ms` counts from the end of the speech."""

    name: str
    start_ms: int
    duration_ms: int


class Percentiles(msgspec.Struct, frozen=True, kw_only=True):
    """p50 and p95 in milliseconds of `n` values."""

    p50: float
    p95: float
    n: int


def percentile(values: Iterable[float], fraction: float) -> float | None:
    """Return the quantile by linear interpolation between closest ranks; None without values.

    This is type 7 of Hyndman and Fan (1996), as in numpy's default and DuckDB's `quantile_cont`:
    the value at rank `fraction * (n - 1)`, counted from 0. Raises ValueError outside 0..1.
    """
    if not 0 <= fraction <= 1:
        raise ValueError(f"a fraction lies between 0 and 1, not {fraction}")
    ordered = sorted(values)
    if not ordered:
        return None
    rank = fraction * (len(ordered) - 1)
    low, high = math.floor(rank), math.ceil(rank)
    return float(ordered[low] + (ordered[high] - ordered[low]) * (rank - low))


def percentiles(values: Iterable[float]) -> Percentiles | None:
    """Return p50 and p95; None without values."""
    kept = tuple(values)
    p50, p95 = percentile(kept, 0.5), percentile(kept, 0.95)
    if p50 is None or p95 is None:
        return None
    return Percentiles(p50=p50, p95=p95, n=len(kept))


def response_latencies_ms(turns: Iterable[Turn]) -> tuple[int, ...]:
    """Return the response latency of each turn that has one, in order; the greeting has none."""
    measured = (turn.stamps.response_latency_ms for turn in turns)
    return tuple(latency for latency in measured if latency is not None)


def waterfall(stamps: TurnStamps) -> tuple[Segment, ...]:
    """Cut one turn's response latency into segments that follow each other and sum to it.

    A stamp that did not happen (a fixed phrase needs no model) has no segment: its time belongs to
    the next segment that has one. Empty when the response latency is not known.
    """
    spoken_ms = stamps.speech_ended_ms
    if spoken_ms is None or stamps.response_latency_ms is None:
        return ()
    segments: list[Segment] = []
    reached_ms = spoken_ms
    for name, stamp in SEGMENTS:
        ended_ms: int | None = getattr(stamps, stamp)
        if ended_ms is None:
            continue
        segments.append(
            Segment(name=name, start_ms=reached_ms - spoken_ms, duration_ms=ended_ms - reached_ms)
        )
        reached_ms = ended_ms
    return tuple(segments)


def waterfall_percentiles(stamps: Sequence[TurnStamps]) -> dict[str, Percentiles]:
    """Return p50 and p95 of each segment over the turns that have it, in the order of SEGMENTS."""
    durations: dict[str, list[float]] = {name: [] for name, _ in SEGMENTS}
    for segment in (part for each in stamps for part in waterfall(each)):
        durations[segment.name].append(segment.duration_ms)
    found = {name: percentiles(values) for name, values in durations.items()}
    return {name: value for name, value in found.items() if value is not None}
