"""The life of one call: queued, ringing, answered, over; and machine detection on the way."""

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime
from enum import StrEnum

import msgspec

from evals.callers.person import Answering, Person
from evals.phone.announcements import Announcements
from evals.phone.calls import PhoneCall
from evals.phone.script import Script
from evals.phone.webhooks import Webhooks


class Unanswered(StrEnum):
    """Lines at which nobody picks up, by the status that the call then ends with."""

    BUSY = "busy"
    NO_ANSWER = "no-answer"
    FAILED = "failed"


Line = Callable[[], Person] | Unanswered


class Timing(msgspec.Struct, frozen=True, kw_only=True):
    """The network's own delays; Twilio documents the first, the rest are typical."""

    calls_per_second: float = 1.0
    setup_ms: int = 150
    ring_ms: int = 700
    amd_human_ms: int = 3000
    amd_machine_ms: int = 4000


class CallFlow:
    """Leads one call from the queue to its last callback."""

    def __init__(
        self, call: PhoneCall, *, line: Line, webhooks: Webhooks, auth_token: str, timing: Timing
    ) -> None:
        self._call = call
        self._line = line
        self._timing = timing
        self._announcements = Announcements(call, webhooks)
        self._script = Script(
            call, webhooks=webhooks, announcements=self._announcements, auth_token=auth_token
        )

    async def outbound(self, *, queued_s: float) -> None:
        """Ring somebody for the service, after the call's place in the queue."""
        self._finish(await self._ring_out(queued_s) or "canceled")

    async def inbound(self) -> None:
        """Somebody rings the service: its document is asked for before the call is answered."""
        call = self._call
        assert not isinstance(self._line, Unanswered)
        call.status = "ringing"
        call.started_at = datetime.now(UTC)
        verbs = await self._script.first_document()
        if call.over.is_set():
            return self._finish("failed" if call.ended_by == "network" else "canceled")
        self._pick_up(self._line)
        await self._script.follow(verbs)
        return self._finish("completed")

    async def _ring_out(self, queued_s: float) -> str | None:
        """Return the status with which the call ends; None when it was given up before."""
        call, timing = self._call, self._timing
        if not await call.wait(queued_s):
            return None
        call.started_at = datetime.now(UTC)
        self._announcements.progress("initiated", "initiated")
        if not await call.wait(timing.setup_ms / 1000):
            return None
        call.status = "ringing"
        self._announcements.progress("ringing", "ringing")
        rings_out = self._line is Unanswered.NO_ANSWER
        rings_s = call.order.ring_timeout_s if rings_out else timing.ring_ms / 1000
        if not await call.wait(rings_s):
            return None
        if isinstance(self._line, Unanswered):
            return self._line.value
        self._pick_up(self._line)
        await self._talk()
        return "completed"

    def _pick_up(self, somebody: Callable[[], Person]) -> None:
        self._call.answer()
        self._call.person = somebody()
        self._announcements.progress("answered", "in-progress")

    async def _talk(self) -> None:
        """Follow the document, before the verdict of machine detection or after it."""
        order = self._call.order
        if order.machine_detection is not None and not order.async_amd:
            await self._await_verdict()
        async with asyncio.TaskGroup() as tasks:
            verdict = tasks.create_task(self._report_verdict())
            await self._script.follow(await self._script.first_document())
            verdict.cancel()

    async def _report_verdict(self) -> None:
        order = self._call.order
        if order.machine_detection is None or not order.async_amd:
            return
        if (after_ms := await self._await_verdict()) is not None:
            self._announcements.verdict(after_ms=after_ms)

    async def _await_verdict(self) -> int | None:
        """Return how many ms the verdict took; None when the call ended first."""
        after_ms, answered_by = self._verdict()
        if not await self._call.wait(after_ms / 1000):
            return None
        self._call.answered_by = answered_by
        return after_ms

    def _verdict(self) -> tuple[int, str]:
        """How many ms machine detection takes, and what it finds."""
        person, order = self._call.person, self._call.order
        assert person is not None
        if person.answering is Answering.HUMAN:
            return self._timing.amd_human_ms, "human"
        if person.answering is Answering.SILENCE:
            return order.amd_silence_ms, "unknown"
        if order.machine_detection == "DetectMessageEnd":
            return person.greeting_ends_at_ms or 0, "machine_end_beep"
        return self._timing.amd_machine_ms, "machine_start"

    def _finish(self, status: str) -> None:
        call = self._call
        if call.person is not None:
            call.person.leave(now_ms=int(call.elapsed_s() * 1000))
        call.close(status)
        self._announcements.over()
