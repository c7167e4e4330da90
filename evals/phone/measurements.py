"""What the far end measured: the silence before each answer, and the gaps inside one.

Pure. Times are sample counts at 8,000 Hz since the call was answered, results are milliseconds.
"""

from collections.abc import Sequence
from itertools import pairwise

import msgspec

from evals.callers.g711 import SAMPLES_PER_MS, first_loud
from evals.phone.playback import Span

MIN_GAP_MS = 5
MAX_GAP_MS = 400


class Gap(msgspec.Struct, frozen=True, kw_only=True):
    """The buffer ran empty inside one reply."""

    start_ms: float
    duration_ms: float


def audible_gaps(
    spans: Sequence[Span], *, clears: Sequence[int], spoken: Sequence[Span]
) -> list[Gap]:
    """Return the breaks of 5-400 ms between two stretches of audio of the same reply.

    They belong to different replies when the buffer was cleared, or the caller finished a line,
    between them.
    """
    gaps = []
    borders = [*clears, *(line.end for line in spoken)]
    for before, after in pairwise(spans):
        if any(before.end <= border <= after.start for border in borders):
            continue
        duration_ms = (after.start - before.end) / SAMPLES_PER_MS
        if MIN_GAP_MS <= duration_ms <= MAX_GAP_MS:
            gaps.append(Gap(start_ms=before.end / SAMPLES_PER_MS, duration_ms=duration_ms))
    return gaps


def response_latencies(
    heard: bytes, *, spans: Sequence[Span], spoken: Sequence[Span]
) -> list[float | None]:
    """Return, for each line spoken, the silence until the first sound of the answer, in ms.

    `heard` is everything the caller heard, byte i at sample i. None when the agent was playing as
    the line ended (no silence to measure), or nothing was heard before the caller's next line.
    """
    latencies: list[float | None] = []
    for index, line in enumerate(spoken):
        next_start = spoken[index + 1].start if index + 1 < len(spoken) else len(heard)
        talked_over = any(span.start < line.end < span.end for span in spans)
        sound = None if talked_over else first_loud(heard, line.end, max(line.end, next_start))
        latencies.append(None if sound is None else (sound - line.end) / SAMPLES_PER_MS)
    return latencies
