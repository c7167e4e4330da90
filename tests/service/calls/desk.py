"""A worker's calls on in-memory stores, with conversations that do as they are told."""

import asyncio
from collections.abc import Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from uuid import UUID

import msgspec

from service.calls.presence import Presence
from service.calls.recorder import Recorder
from service.calls.session import CallSessions
from service.domain.call import Call
from service.domain.conversation import ConversationResult
from service.domain.errors import ReautoError
from service.domain.outcome import Outcome
from service.domain.turn import Turn
from service.observability.tracing import current_trace_id
from service.ports.conversation import CallBrief
from service.ports.media import MediaSocket
from tests.service.web.office import THEIR_NUMBER, WORKER_URL, Office


@dataclass
class ScriptedConversation:
    """Runs until `finish` is set; records what it was told."""

    brief: CallBrief
    on_turn: Callable[[Turn], None]
    came_to: ConversationResult
    failure: Exception | None = None
    told: list[str] = field(default_factory=list)
    started: asyncio.Event = field(default_factory=asyncio.Event)
    finish: asyncio.Event = field(default_factory=asyncio.Event)
    trace_id: str | None = None

    async def run(self) -> ConversationResult:
        self.trace_id = current_trace_id()
        self.started.set()
        await self.finish.wait()
        if self.failure is not None:
            raise self.failure
        return self.came_to

    def result(self) -> ConversationResult:
        return self.came_to

    async def machine_detected(self, answered_by: str) -> None:
        self.told.append(f"machine: {answered_by}")

    async def end(self, *, spoken_goodbye: str | None) -> None:
        self.told.append(f"end: {spoken_goodbye}")
        self.finish.set()

    def turn(self, index: int) -> None:
        self.on_turn(
            Turn(
                call_id=self.brief.call.call_id,
                turn_index=index,
                caller_said="hello",
                agent_said="good day",
                agent_heard="good day",
                agent="opener",
            )
        )


class TextFrames:
    """A websocket's far end: frames to give, frames received."""

    def __init__(self) -> None:
        self.given: asyncio.Queue[str | None] = asyncio.Queue()
        self.sent: list[str] = []
        self.is_closed = False

    async def receive_text(self) -> str | None:
        return await self.given.get()

    async def send_text(self, text: str) -> None:
        self.sent.append(text)

    async def close(self) -> None:
        self.is_closed = True

    def start(self, *, twilio_sid: str, call_id: UUID, token: str) -> None:
        stream_sid = "MZ" + "0" * 32
        messages = [
            {"event": "connected", "protocol": "Call", "version": "1.0.0"},
            {
                "event": "start",
                "sequenceNumber": "1",
                "streamSid": stream_sid,
                "start": {
                    "accountSid": "AC" + "0" * 32,
                    "streamSid": stream_sid,
                    "callSid": twilio_sid,
                    "tracks": ["inbound"],
                    "mediaFormat": {
                        "encoding": "audio/x-mulaw",
                        "sampleRate": 8000,
                        "channels": 1,
                    },
                    "customParameters": {"token": token, "call_id": str(call_id)},
                },
            },
        ]
        for message in messages:
            self.given.put_nowait(msgspec.json.encode(message).decode())


class Desk(Office):
    """An Office with the parts that run calls."""

    def __post_init__(self) -> None:
        super().__post_init__()
        self.recorder = Recorder(
            calls=self.calls, prices=self.prices, metrics=self.metrics, clock=self.clock
        )
        self.conversations: list[ScriptedConversation] = []
        self.result = ConversationResult(outcome=Outcome.QUALIFIED, summary="wants to sell")
        self.failure: Exception | None = None
        self.presence = Presence(
            worker_id="w0",
            public_url=WORKER_URL,
            active=self.active,
            calls=self.calls,
            sessions=self.sessions,
            settlement=self.settlement,
            clock=self.clock,
            drain_s=60.0,
        )
        self.call_sessions = CallSessions(
            worker_id="w0",
            engines={"stt": "fake:one"},
            active=self.active,
            calls=self.calls,
            contacts=self.contacts,
            configs=self.configs,
            sessions=self.sessions,
            telephony=self.telephony,
            recorder=self.recorder,
            settlement=self.settlement,
            clock=self.clock,
            make_conversation=self._converse,
            metrics=self.metrics,
        )

    def _converse(
        self, *, brief: CallBrief, media: MediaSocket, on_turn: Callable[[Turn], None]
    ) -> ScriptedConversation:
        assert media is not None
        made = ScriptedConversation(brief, on_turn, self.result, failure=self.failure)
        self.conversations.append(made)
        return made

    async def placed(self) -> Call:
        """An outbound call that the network has taken."""
        await self.contact()
        return await self.dialing().place(to_number=THEIR_NUMBER)

    async def frames(self, call: Call, *, token: str | None = None) -> TextFrames:
        """The stream of a call, with a fresh token unless one is given."""
        assert call.twilio_sid is not None
        if token is None:
            token = await self.sessions.issue_token(call.call_id, worker_id="w0", ttl_s=60)
        frames = TextFrames()
        frames.start(twilio_sid=call.twilio_sid, call_id=call.call_id, token=token)
        return frames

    @asynccontextmanager
    async def running(self, call: Call):  # type: ignore[no-untyped-def]
        """The call's session under way, with the recorder; leaving waits for both."""
        async with self.recording(), asyncio.TaskGroup() as group:
            frames = await self.frames(call)
            group.create_task(self.call_sessions.serve(frames))
            while len(self.active) == 0:
                await asyncio.sleep(0)
            conversation = self.conversations[-1]
            await conversation.started.wait()
            yield conversation
            conversation.finish.set()

    @asynccontextmanager
    async def recording(self):  # type: ignore[no-untyped-def]
        task = asyncio.create_task(self.recorder.run())
        try:
            yield
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)


class VendorBroke(ReautoError):
    """A failure for tests."""
