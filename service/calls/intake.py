"""Intake: what to do with a call that asks; admission, the pinned config and the stream token."""

from uuid import UUID

import msgspec
import structlog

from service.calls.active import ActiveCalls
from service.calls.settlement import Settlement
from service.calls.urls import CallbackUrls, media_url
from service.configs.registry import ConfigRegistry
from service.domain.call import Call, CallStatus, Direction
from service.domain.ids import new_id
from service.domain.outcome import Outcome
from service.observability.tracing import follow_call
from service.ports.call_store import CallStore, ContactStore, StatusReport
from service.ports.clock import Clock
from service.ports.sessions import Sessions, WorkerInfo
from service.ports.telephony import StreamInstruction, Telephony

log = structlog.get_logger()

TOKEN_TTL_S = 60
BUSY = "All our lines are busy just now. Please call back in a few minutes. Goodbye."
CUT_OFF = "Sorry, we were cut off. We will call you back. Goodbye."


class VoiceWebhook(msgspec.Struct, frozen=True, kw_only=True):
    """What the network says when a call asks what to do."""

    twilio_sid: str
    from_number: str
    to_number: str
    direction: str
    status: CallStatus


class Intake:
    """Answers voice webhooks with the document that the network follows."""

    def __init__(
        self,
        *,
        worker_id: str,
        public_url: str,
        active: ActiveCalls,
        calls: CallStore,
        contacts: ContactStore,
        configs: ConfigRegistry,
        sessions: Sessions,
        telephony: Telephony,
        settlement: Settlement,
        clock: Clock,
    ) -> None:
        self._worker_id = worker_id
        self._public_url = public_url
        self._urls = CallbackUrls(public_url)
        self._active = active
        self._calls = calls
        self._contacts = contacts
        self._configs = configs
        self._sessions = sessions
        self._telephony = telephony
        self._settlement = settlement
        self._clock = clock

    async def inbound(self, webhook: VoiceWebhook) -> str:
        """A caller rang one of our numbers. A repeated webhook finds the same call."""
        version = await self._configs.current()
        contact = await self._contacts.by_phone(webhook.from_number)
        call = await self._calls.create(
            Call(
                call_id=new_id(),
                direction=Direction.INBOUND,
                from_number=webhook.from_number,
                to_number=webhook.to_number,
                status=webhook.status,
                config_id=version.config_id,
                contact_id=contact.contact_id if contact else None,
                twilio_sid=webhook.twilio_sid,
                created_at=self._clock.now(),
            )
        )
        follow_call(call.call_id)
        return await self._connect(call)

    async def outbound(self, call_id: UUID, webhook: VoiceWebhook) -> str:
        """A call that we placed was answered. Raises NotFound for an unknown call."""
        call = await self._calls.placed(call_id, twilio_sid=webhook.twilio_sid)
        return await self._connect(call)

    async def again(self, call_id: UUID, webhook: VoiceWebhook) -> str:
        """The media socket ended without a hang-up: say so.

        A session that still winds the call up knows better what it came to.
        """
        call = await self._calls.placed(call_id, twilio_sid=webhook.twilio_sid)
        running = await self._sessions.get(call_id)
        if call.outcome is None and running is None:
            log.warning("media socket broke in mid-call")
            await self._settlement.give_up(call, Outcome.FAILED, why="the media socket broke")
        return self._telephony.say_and_hang_up(CUT_OFF)

    async def _connect(self, call: Call) -> str:
        call = await self._calls.report(
            StatusReport(
                twilio_sid=call.twilio_sid or "",
                status=CallStatus.IN_PROGRESS,
                at=self._clock.now(),
            )
        )
        self._active.forget_late(now_s=self._clock.monotonic())
        worker = await self._worker_with_room()
        if worker is None:
            log.warning("no worker has room for a call")
            await self._settlement.give_up(call, Outcome.FAILED, why="all lines were busy")
            return self._telephony.say_and_hang_up(BUSY)
        worker_id, public_url = worker
        if worker_id == self._worker_id:
            self._active.reserve(call.call_id, until_s=self._clock.monotonic() + TOKEN_TTL_S)
        token = await self._sessions.issue_token(
            call.call_id, worker_id=worker_id, ttl_s=TOKEN_TTL_S
        )
        return self._telephony.connect_stream(
            StreamInstruction(
                stream_url=media_url(public_url),
                token=token,
                call_id=call.call_id,
                status_url=self._urls.stream_status(call.call_id),
                again_url=self._urls.voice(call.call_id, again=True),
            )
        )

    async def _worker_with_room(self) -> tuple[str, str] | None:
        if self._active.has_room:
            return self._worker_id, self._public_url
        others = [worker for worker in await self._sessions.workers() if _has_room(worker)]
        others = [worker for worker in others if worker.worker_id != self._worker_id]
        if not others:
            return None
        best = min(others, key=lambda worker: worker.active_calls)
        return best.worker_id, best.public_url


def _has_room(worker: WorkerInfo) -> bool:
    return not worker.draining and worker.active_calls < worker.capacity
