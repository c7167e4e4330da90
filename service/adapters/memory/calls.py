"""Calls, turns and ledger in a dictionary, by the contract of `service.ports.call_store`."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from msgspec.structs import replace

from service.adapters.call_signals import mark_served, merge_report
from service.adapters.cursors import decode_cursor, encode_cursor
from service.domain.call import Call
from service.domain.conversation import ConversationResult
from service.domain.errors import Conflict, NotFound
from service.domain.money import LedgerLine
from service.domain.turn import Turn
from service.ports.call_store import Page, StatusReport


class InMemoryCallStore:
    """Implements `CallStore`. Each method runs without awaiting, so each is atomic."""

    def __init__(self) -> None:
        self._calls: dict[UUID, Call] = {}
        self._turns: dict[UUID, dict[int, tuple[Turn, tuple[LedgerLine, ...]]]] = {}
        self._results: dict[UUID, tuple[ConversationResult, tuple[LedgerLine, ...]]] = {}

    async def create(self, call: Call) -> Call:
        """Insert; a second call with the same `call_id` or `twilio_sid` returns the first."""
        first = self._calls.get(call.call_id) or self._with_sid(call.twilio_sid)
        return first or self._keep(call)

    async def get(self, call_id: UUID) -> Call:
        """Raises NotFound."""
        if call_id not in self._calls:
            raise NotFound(f"there is no call {call_id}")
        return self._calls[call_id]

    async def by_sid(self, twilio_sid: str) -> Call:
        """Raises NotFound."""
        call = self._with_sid(twilio_sid)
        if call is None:
            raise NotFound(f"there is no call with the sid {twilio_sid}")
        return call

    async def page(self, *, limit: int, cursor: str | None, contact_id: UUID | None = None) -> Page:
        """List newest first. Raises InvalidInput for a cursor that this method did not make."""
        before = decode_cursor("calls", cursor) if cursor else None
        rows = sorted(
            (
                call
                for call in self._calls.values()
                if (contact_id is None or call.contact_id == contact_id)
                and (before is None or _sort_key(call) < before)
            ),
            key=_sort_key,
            reverse=True,
        )
        shown = tuple(rows[:limit])
        return Page(calls=shown, next_cursor=_cursor_after(shown) if len(rows) > limit else None)

    async def placed(self, call_id: UUID, *, twilio_sid: str) -> Call:
        """Attach the network's id. Raises Conflict when the call or the id has another."""
        call = await self.get(call_id)
        owner = self._with_sid(twilio_sid)
        if call.twilio_sid not in (None, twilio_sid) or (owner and owner.call_id != call_id):
            raise Conflict(f"the call {call_id} or the sid {twilio_sid} is attached already")
        return self._keep(replace(call, twilio_sid=twilio_sid))

    async def report(self, report: StatusReport) -> Call:
        """Apply a status callback in any order, any number of times. Raises NotFound."""
        return self._keep(merge_report(await self.by_sid(report.twilio_sid), report))

    async def answered_by(self, call_id: UUID, verdict: str) -> Call:
        """Keep the first answering-machine verdict."""
        call = await self.get(call_id)
        return self._keep(replace(call, answered_by=call.answered_by or verdict))

    async def served_by(
        self, call_id: UUID, *, worker_id: str, engines: dict[str, str], at: datetime
    ) -> Call:
        """The media stream started: the call is answered, on this worker."""
        call = mark_served(await self.get(call_id), at)
        return self._keep(replace(call, worker_id=worker_id, engines=dict(engines)))

    async def record_turn(self, turn: Turn, ledger: Sequence[LedgerLine]) -> None:
        """Insert a turn with its ledger lines, once. Raises NotFound for an unknown call."""
        await self.get(turn.call_id)
        turns = self._turns.setdefault(turn.call_id, {})
        turns.setdefault(turn.turn_index, (turn, tuple(ledger)))

    async def turns(self, call_id: UUID) -> tuple[Turn, ...]:
        """All turns in order."""
        return tuple(turn for _, (turn, _) in sorted(self._turns.get(call_id, {}).items()))

    async def finish(
        self,
        call_id: UUID,
        *,
        result: ConversationResult,
        ledger: Sequence[LedgerLine],
        at: datetime,
    ) -> Call:
        """Write outcome, facts and the call's own ledger lines once. Raises NotFound."""
        del at
        call = await self.get(call_id)
        kept, _ = self._results.setdefault(call_id, (result, tuple(ledger)))
        return self._keep(replace(call, outcome=kept.outcome))

    async def result(self, call_id: UUID) -> ConversationResult | None:
        """The outcome with facts and summary, None while the call is not finished."""
        finished = self._results.get(call_id)
        return finished[0] if finished else None

    async def ledger(self, call_id: UUID) -> tuple[LedgerLine, ...]:
        """Every ledger line of a call, turns first."""
        turns = sorted(self._turns.get(call_id, {}).items())
        of_turns = [line for _, (_, lines) in turns for line in lines]
        return (*of_turns, *self._results.get(call_id, (None, ()))[1])

    async def unfinished(self, *, worker_id: str) -> tuple[Call, ...]:
        """Calls that this worker served and nobody finished."""
        return tuple(
            call
            for call in sorted(self._calls.values(), key=_sort_key)
            if call.worker_id == worker_id and call.outcome is None
        )

    def is_live(self, call_id: UUID | None) -> bool:
        """True while the call is neither over on the network nor finished; for campaign limits."""
        call = self._calls.get(call_id) if call_id else None
        return call is not None and not call.status.is_terminal and call.outcome is None

    def _keep(self, call: Call) -> Call:
        self._calls[call.call_id] = call
        return call

    def _with_sid(self, twilio_sid: str | None) -> Call | None:
        if twilio_sid is None:
            return None
        return next((c for c in self._calls.values() if c.twilio_sid == twilio_sid), None)


def _cursor_after(calls: tuple[Call, ...]) -> str:
    """The cursor that continues a page of calls."""
    return encode_cursor("calls", at=calls[-1].created_at, row_id=calls[-1].call_id)


def _sort_key(call: Call) -> tuple[datetime, UUID]:
    return call.created_at, call.call_id
