"""Recorder: turns to PostgreSQL, in order, behind a bounded queue; audio never waits for it."""

import asyncio
from uuid import UUID

import structlog

from service.calls.patience import until_stored
from service.domain.errors import StorageUnavailable
from service.domain.turn import Turn
from service.money.price_book import PriceBook
from service.observability.metrics import Metrics
from service.observability.tracing import following_call
from service.ports.call_store import CallStore
from service.ports.clock import Clock

log = structlog.get_logger()


class Recorder:
    """One per worker. `record` never blocks; `run` writes; `flush` waits for one call's turns."""

    def __init__(
        self,
        *,
        calls: CallStore,
        prices: PriceBook,
        metrics: Metrics,
        clock: Clock,
        queue_size: int = 10_000,
    ) -> None:
        self._calls = calls
        self._prices = prices
        self._metrics = metrics
        self._clock = clock
        self._queue: asyncio.Queue[Turn] = asyncio.Queue(maxsize=queue_size)
        self._pending: dict[UUID, int] = {}
        self._written = asyncio.Condition()

    @property
    def backlog(self) -> int:
        """Turns not yet written."""
        return sum(self._pending.values())

    def record(self, turn: Turn) -> None:
        """Queue a finished turn. Raises StorageUnavailable when the queue is full."""
        try:
            self._queue.put_nowait(turn)
        except asyncio.QueueFull:
            raise StorageUnavailable(
                f"{self._queue.maxsize} turns wait for PostgreSQL: no more fit in memory"
            ) from None
        self._pending[turn.call_id] = self._pending.get(turn.call_id, 0) + 1

    async def flush(self, call_id: UUID) -> None:
        """Return when every turn recorded so far for a call is in PostgreSQL."""
        async with self._written:
            await self._written.wait_for(lambda: call_id not in self._pending)

    async def run(self) -> None:
        """Write turns until cancelled; a turn is retried until PostgreSQL has taken it."""
        while True:
            turn = await self._queue.get()
            with following_call(turn.call_id):
                await self._write_until_taken(turn)
            async with self._written:
                left = self._pending[turn.call_id] - 1
                if left:
                    self._pending[turn.call_id] = left
                else:
                    del self._pending[turn.call_id]
                self._written.notify_all()

    async def _write_until_taken(self, turn: Turn) -> None:
        today = self._clock.now().date()
        try:
            ledger = [self._prices.price(usage, today) for usage in turn.usage]
            await until_stored(
                lambda: self._calls.record_turn(turn, ledger), what="turn", clock=self._clock
            )
        except Exception:
            # One poisonous turn must not stop the turns of every other call.
            log.exception("turn could not be written", turn_index=turn.turn_index)
            return
        self._metrics.spent(ledger)
        log.info("turn recorded", turn_index=turn.turn_index, lines=len(ledger))
