"""Presence: a worker tells the others that it lives, reads its inbox, and drains when asked."""

import asyncio
from collections.abc import Sequence
from datetime import datetime, timedelta

import structlog

from service.calls.active import ActiveCalls
from service.calls.settlement import Settlement
from service.domain.call import Call
from service.domain.errors import ReautoError, StorageUnavailable
from service.domain.events import (
    CallEvent,
    DrainRequested,
    HangUpRequested,
    LegEnded,
    MachineDetected,
)
from service.domain.outcome import Outcome
from service.domain.turn import Turn
from service.observability.tracing import following_call
from service.ports.call_store import CallStore
from service.ports.clock import Clock
from service.ports.sessions import Sessions, WorkerInfo

log = structlog.get_logger()

ANNOUNCE_S = 1.0
WORKER_TTL_S = 5
GOODBYE_S = 20.0


class Presence:
    """One per worker; its `run` loops are owned by bootstrap."""

    def __init__(
        self,
        *,
        worker_id: str,
        public_url: str,
        active: ActiveCalls,
        calls: CallStore,
        sessions: Sessions,
        settlement: Settlement,
        clock: Clock,
        drain_s: float,
    ) -> None:
        self._worker_id = worker_id
        self._public_url = public_url
        self._active = active
        self._calls = calls
        self._sessions = sessions
        self._settlement = settlement
        self._clock = clock
        self._drain_s = drain_s

    async def settle_the_past(self) -> int:
        """Finish calls that an earlier process of this name left in mid-call; return how many."""
        left = await self._calls.unfinished(worker_id=self._worker_id)
        for call in left:
            await self._settlement.give_up(
                call,
                Outcome.FAILED,
                why="the worker stopped in mid-call",
                ended_at=_last_sign_of_life(call, await self._calls.turns(call.call_id)),
            )
            await self._sessions.remove(call.call_id)
        if left:
            log.warning("calls of an earlier process were closed", calls=len(left))
        return len(left)

    async def announce_forever(self) -> None:
        """Publish this worker's state every second."""
        while True:
            await self.announce()
            await self._clock.sleep(ANNOUNCE_S)

    async def announce(self) -> None:
        """Publish this worker's state now; a Redis that is away is only logged."""
        try:
            await self._announce()
        except StorageUnavailable as error:
            log.warning("worker could not announce itself", error=str(error))

    async def _announce(self) -> None:
        await self._sessions.announce(
            WorkerInfo(
                worker_id=self._worker_id,
                public_url=self._public_url,
                active_calls=len(self._active),
                capacity=self._active.capacity,
                draining=self._active.draining,
                heartbeat_at=self._clock.now().timestamp(),
            ),
            ttl_s=WORKER_TTL_S,
        )

    async def follow_inbox(self) -> None:
        """Act on what other workers and the API tell this one; each act is a task of its own."""
        async with asyncio.TaskGroup() as acts:
            async for event in self._sessions.inbox(self._worker_id):
                acts.create_task(self._act(event))

    async def _act(self, event: CallEvent) -> None:
        try:
            await self._follow(event)
        except ReautoError as error:
            log.error("an event could not be acted on", error=str(error))

    async def _follow(self, event: CallEvent) -> None:
        if isinstance(event, DrainRequested):
            await self.drain(reason=event.reason)
            return
        with following_call(event.call_id):
            await self._tell(event)

    async def _tell(self, event: HangUpRequested | LegEnded | MachineDetected) -> None:
        conversation = self._active.find(event.call_id)
        if conversation is None:
            log.info("event for a call that is over", event_kind=type(event).__name__)
        elif isinstance(event, MachineDetected):
            await conversation.machine_detected(event.answered_by)
        else:
            await conversation.end(spoken_goodbye=None)

    async def drain(self, *, reason: str) -> None:
        """Admit no more calls; wait for those running; let the rest say goodbye."""
        if not self._active.draining:
            log.info("draining", reason=reason, calls=len(self._active))
        self._active.draining = True
        await self.announce()
        if not await self._empty_within(self._drain_s):
            await asyncio.gather(
                *(
                    conversation.end(spoken_goodbye=config.phrases.drain_goodbye)
                    for conversation, config in self._active.everyone()
                ),
                return_exceptions=True,
            )
            await self._empty_within(GOODBYE_S)
        await self.announce()

    async def _empty_within(self, seconds: float) -> bool:
        waiting = asyncio.create_task(self._active.wait_until_empty(), name="drain-wait")
        timer = asyncio.create_task(self._clock.sleep(seconds), name="drain-timer")
        try:
            await asyncio.wait((waiting, timer), return_when=asyncio.FIRST_COMPLETED)
            return len(self._active) == 0
        finally:
            waiting.cancel()
            timer.cancel()
            await asyncio.gather(waiting, timer, return_exceptions=True)


def _last_sign_of_life(call: Call, turns: Sequence[Turn]) -> datetime | None:
    """When the last turn that was stored was over; None without one."""
    ends_ms = [turn.stamps.playback_ended_ms or 0 for turn in turns]
    if call.answered_at is None or not ends_ms:
        return call.answered_at
    return call.answered_at + timedelta(milliseconds=max(ends_ms))
