"""How late the event loop runs its timers: the first sign of work that blocks it."""

import asyncio
import time
from collections.abc import Awaitable, Callable

from service.observability.metrics import Metrics


async def sample_event_loop_lag(
    metrics: Metrics,
    *,
    interval_s: float = 0.1,
    monotonic: Callable[[], float] = time.perf_counter,
    sleep: Callable[[float], Awaitable[object]] = asyncio.sleep,
) -> None:
    """Observe the lag of one timer after the other, until cancelled; its owner is a TaskGroup."""
    while True:
        due_at = monotonic() + interval_s
        await sleep(interval_s)
        metrics.event_loop_lagged(max(0.0, monotonic() - due_at))
