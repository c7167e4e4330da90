"""When the stages of a turn happened: collected in any order, handed out in order."""

from collections.abc import Callable
from typing import Any

import msgspec

from service.domain.turn import TurnStamps
from service.ports.clock import Clock

Elapsed = Callable[[], int]
"""Whole milliseconds since the media stream started."""


def stream_time(clock: Clock) -> Elapsed:
    """Start counting now."""
    started_at_s = clock.monotonic()
    return lambda: round((clock.monotonic() - started_at_s) * 1000)


def merge_stamps(earlier: TurnStamps, later: TurnStamps) -> TurnStamps:
    """Return both parts of a turn's stamps as one, each stamp no sooner than the one before it.

    Stages that ran ahead, such as a transcript made while the pause was still being judged, are
    counted from when they were needed: so the differences sum to the response latency.
    """
    merged: dict[str, Any] = {}
    latest_ms = 0
    for name in TurnStamps.__struct_fields__:
        stamp = getattr(later, name)
        stamp = getattr(earlier, name) if stamp is None else stamp
        if stamp is not None:
            latest_ms = max(latest_ms, stamp)
            merged[name] = latest_ms
    return msgspec.convert(merged, TurnStamps)
