"""Writes that must not be lost wait for the store to come back."""

from collections.abc import Awaitable, Callable

import structlog

from service.domain.errors import StorageUnavailable
from service.ports.clock import Clock

log = structlog.get_logger()

_RETRY_S = (0.2, 0.5, 1.0, 2.0, 5.0)


async def until_stored(act: Callable[[], Awaitable[object]], *, what: str, clock: Clock) -> None:
    """Repeat `act`, which must be idempotent, until no StorageUnavailable comes of it."""
    attempt = 0
    while True:
        try:
            await act()
        except StorageUnavailable:
            wait_s = _RETRY_S[min(attempt, len(_RETRY_S) - 1)]
            log.warning("a write waits for its store", what=what, wait_s=wait_s)
            await clock.sleep(wait_s)
            attempt += 1
        else:
            return
