"""CallSession: our run of a call, from the opened stream to hang-up, outcome and receipt."""

import asyncio
import contextlib
from collections.abc import AsyncIterator

import msgspec
import structlog

from service.calls.active import ActiveCalls
from service.calls.patience import until_stored
from service.calls.recorder import Recorder
from service.calls.settlement import Settlement
from service.configs.registry import ConfigRegistry
from service.domain.call import Call, Direction
from service.domain.contact import Contact
from service.domain.conversation import ConversationResult
from service.domain.errors import BadSignature, ProtocolViolation, ReautoError, StorageUnavailable
from service.domain.outcome import Outcome
from service.domain.turn import Turn
from service.observability.metrics import Metrics
from service.observability.tracing import follow_call
from service.ports.call_store import CallStore, ContactStore
from service.ports.clock import Clock
from service.ports.conversation import CallBrief, Conversation, ConversationFactory
from service.ports.media import MediaSocket, TextSocket
from service.ports.sessions import LiveCall, Sessions
from service.ports.telephony import Telephony

log = structlog.get_logger()

HEARTBEAT_S = 1.0
SESSION_TTL_S = 10


class CallSessions:
    """One per worker: serves every media stream that reaches it."""

    def __init__(
        self,
        *,
        worker_id: str,
        engines: dict[str, str],
        active: ActiveCalls,
        calls: CallStore,
        contacts: ContactStore,
        configs: ConfigRegistry,
        sessions: Sessions,
        telephony: Telephony,
        recorder: Recorder,
        settlement: Settlement,
        clock: Clock,
        make_conversation: ConversationFactory,
        metrics: Metrics,
    ) -> None:
        self._worker_id = worker_id
        self._engines = engines
        self._active = active
        self._calls = calls
        self._contacts = contacts
        self._configs = configs
        self._sessions = sessions
        self._telephony = telephony
        self._recorder = recorder
        self._settlement = settlement
        self._clock = clock
        self._make_conversation = make_conversation
        self._metrics = metrics

    async def serve(self, socket: TextSocket) -> None:
        """Run the call behind a freshly accepted websocket; returns when the call is over.

        A stream whose first messages or token are not right is closed and logged: it has no call.
        """
        try:
            opened = await self._telephony.open_stream(socket)
            call_id = await self._sessions.redeem_token(opened.token, worker_id=self._worker_id)
            if call_id != opened.call_id:
                raise BadSignature("the stream token belongs to another call")
            call = await self._calls.get(call_id)
            if call.twilio_sid != opened.twilio_sid:
                raise BadSignature("the stream belongs to another call of the network")
        except (BadSignature, ProtocolViolation) as error:
            log.warning("media stream refused", reason=str(error))
            await socket.close()
            return
        follow_call(call_id)
        await self._run(call, opened.media)

    async def _run(self, call: Call, media: MediaSocket) -> None:
        version = await self._configs.get(call.config_id)
        contact = await self._contacts.get(call.contact_id) if call.contact_id else None
        brief = CallBrief(call=call, config=version.config, contact=contact)
        self._metrics.call_started(call.direction)
        live = _Live(call, worker_id=self._worker_id, contact=contact, clock=self._clock)
        conversation = self._make_conversation(
            brief=brief, media=media, on_turn=lambda turn: self._turn(turn, live)
        )
        result = ConversationResult(outcome=Outcome.FAILED, summary="the session broke")
        # Entered before others are told who serves the call, so that no event of theirs is lost.
        self._active.enter(call, conversation, version.config)
        try:
            call = await self._serving(call, conversation)
            async with self._heartbeat(call, live, conversation):
                result = await self._converse(conversation)
        finally:
            await asyncio.shield(self._end(call, media, result))

    async def _serving(self, call: Call, conversation: Conversation) -> Call:
        call = await self._calls.served_by(
            call.call_id, worker_id=self._worker_id, engines=self._engines, at=self._clock.now()
        )
        if call.answered_by is not None and call.answered_by.startswith("machine"):
            await conversation.machine_detected(call.answered_by)
        return call

    def _turn(self, turn: Turn, live: "_Live") -> None:
        live.follow(turn)
        self._metrics.turn_finished(turn)
        self._recorder.record(turn)

    async def _converse(self, conversation: Conversation) -> ConversationResult:
        try:
            return await conversation.run()
        except ReautoError as error:
            log.error("conversation failed", error=str(error))
        except Exception:
            # The boundary of one call: its bug must not reach the calls beside it.
            log.exception("conversation broke")
        return _salvaged(conversation.result())

    async def _end(self, call: Call, media: MediaSocket, result: ConversationResult) -> None:
        """Hang up, flush, settle, in this order; each step runs even when one before it failed."""
        try:
            await self._hang_up(call)
            await media.close()
            await self._settle(call, result)
        finally:
            self._active.leave(call)
            with contextlib.suppress(StorageUnavailable):
                await self._sessions.remove(call.call_id)

    async def _hang_up(self, call: Call) -> None:
        assert call.twilio_sid is not None
        try:
            await self._telephony.hang_up(call.twilio_sid)
        except ReautoError as error:
            log.error("hang-up failed", error=str(error))

    async def _settle(self, call: Call, result: ConversationResult) -> None:
        if result.outcome is Outcome.DO_NOT_CALL:
            await until_stored(lambda: self._suppress(call), what="suppression", clock=self._clock)
        await self._recorder.flush(call.call_id)
        await until_stored(
            lambda: self._settlement.settle(call, result), what="outcome", clock=self._clock
        )

    async def _suppress(self, call: Call) -> None:
        await self._contacts.suppress(
            _callee(call), reason="asked during a call", call_id=call.call_id
        )

    @contextlib.asynccontextmanager
    async def _heartbeat(
        self, call: Call, live: "_Live", conversation: Conversation
    ) -> AsyncIterator[None]:
        async def beat() -> None:
            suppressed = False
            while True:
                try:
                    await self._sessions.save(live.snapshot(), ttl_s=SESSION_TTL_S)
                    # At once, not at the end of the call: this worker may die before.
                    if not suppressed and conversation.result().outcome is Outcome.DO_NOT_CALL:
                        await self._suppress(call)
                        suppressed = True
                except StorageUnavailable as error:
                    log.warning("session heartbeat missed", error=str(error))
                await self._clock.sleep(HEARTBEAT_S)

        task = asyncio.create_task(beat(), name="session-heartbeat")
        try:
            yield
        finally:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task


class _Live:
    """What the live view shows of one call."""

    def __init__(
        self, call: Call, *, worker_id: str, contact: Contact | None, clock: Clock
    ) -> None:
        self._clock = clock
        now = clock.now().timestamp()
        self._now = LiveCall(
            call_id=call.call_id,
            worker_id=worker_id,
            state="in-progress",
            started_at=now,
            heartbeat_at=now,
            contact_name=contact.name if contact else "",
        )

    def follow(self, turn: Turn) -> None:
        self._now = msgspec.structs.replace(
            self._now,
            state=turn.agent,
            last_words=turn.agent_heard or turn.caller_said,
            turns=turn.turn_index + 1,
        )

    def snapshot(self) -> LiveCall:
        return msgspec.structs.replace(self._now, heartbeat_at=self._clock.now().timestamp())


def _salvaged(so_far: ConversationResult) -> ConversationResult:
    """What a broken conversation came to: its own decision if it had made one, else FAILED."""
    if so_far.outcome is not Outcome.ABANDONED:
        return so_far
    return msgspec.structs.replace(so_far, outcome=Outcome.FAILED, summary="the conversation broke")


def _callee(call: Call) -> str:
    return call.to_number if call.direction is Direction.OUTBOUND else call.from_number
