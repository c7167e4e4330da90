"""Settlement: the one place that ends a call in the books, with its outcome and its leg's cost."""

from datetime import datetime

import structlog

from service.domain.call import Call
from service.domain.conversation import ConversationResult
from service.domain.money import LedgerLine
from service.domain.outcome import Outcome
from service.money.meter import leg_usage
from service.money.price_book import PriceBook
from service.observability.metrics import Metrics
from service.ports.call_store import CallStore
from service.ports.clock import Clock

log = structlog.get_logger()


class Settlement:
    """Writes outcome and leg ledger in one transaction; the first outcome of a call stays."""

    def __init__(
        self, *, calls: CallStore, prices: PriceBook, metrics: Metrics, clock: Clock
    ) -> None:
        self._calls = calls
        self._prices = prices
        self._metrics = metrics
        self._clock = clock

    async def settle(
        self, call: Call, result: ConversationResult, *, ended_at: datetime | None = None
    ) -> Call:
        """Finish a call. A leg that was answered costs, from the answer to its end.

        The end is what the network reported, else `ended_at`, else now.
        """
        ledger = self._leg_ledger(call, ended_at=ended_at)
        ended = await self._calls.finish(
            call.call_id, result=result, ledger=ledger, at=self._clock.now()
        )
        if ended.outcome is result.outcome:
            self._metrics.call_ended(ended)
            self._metrics.spent(ledger)
        log.info("call settled", outcome=result.outcome.value, direction=call.direction.value)
        return ended

    async def give_up(
        self, call: Call, outcome: Outcome, *, why: str = "", ended_at: datetime | None = None
    ) -> Call:
        """Finish a call in which nobody conversed, or whose conversation was lost."""
        result = ConversationResult(outcome=outcome, summary=why)
        return await self.settle(call, result, ended_at=ended_at)

    def _leg_ledger(self, call: Call, *, ended_at: datetime | None) -> list[LedgerLine]:
        if call.answered_at is None:
            return []
        now = self._clock.now()
        seconds = ((call.ended_at or ended_at or now) - call.answered_at).total_seconds()
        usages = leg_usage(call, seconds=max(0.0, seconds))
        return [self._prices.price(usage, now.date()) for usage in usages]
