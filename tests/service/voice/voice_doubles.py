"""Engines, models and a dialogue with fixed behaviour, and time that jumps when nobody works."""

import asyncio
import functools
import selectors
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import numpy as np

from service.adapters.memory.media import ScriptedMediaSocket
from service.domain.agent_config import AgentConfig, AgentSpec, Persona, Phrases
from service.domain.call import Call, CallStatus, Direction
from service.domain.conversation import (
    CallerTurn,
    ConversationResult,
    DialogueEvent,
    HangUp,
    Sentence,
)
from service.domain.errors import ReautoError
from service.domain.ids import new_id
from service.domain.outcome import Outcome
from service.domain.turn import Turn, TurnStamps
from service.ports.conversation import CallBrief
from service.ports.speech import Pcm16k, Transcript
from service.voice.conversation import VoiceConversation, VoiceConversationFactory
from service.voice.models import SharedModels

_START = datetime(2026, 1, 5, 12, 0, tzinfo=UTC)


class _JumpingSelector(selectors.DefaultSelector):
    now_s = 0.0

    def select(self, timeout=None):
        ready = super().select(0)
        if ready or timeout == 0:
            return ready
        if timeout is None:
            raise RuntimeError("nothing is scheduled and nobody works: a deadlock")
        self.now_s += timeout
        return []


class VirtualTimeLoop(asyncio.SelectorEventLoop):
    """Time stands still while anything works and jumps to the next timer when nothing does."""

    def __init__(self) -> None:
        self._jumping = _JumpingSelector()
        super().__init__(self._jumping)

    def time(self) -> float:
        return self._jumping.now_s


class LoopClock:
    """The Clock port on the running loop's time."""

    def now(self) -> datetime:
        return _START + timedelta(seconds=self.monotonic())

    def monotonic(self) -> float:
        return asyncio.get_running_loop().time()

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)


def in_virtual_time(
    test: Callable[..., Coroutine[Any, Any, None]],
) -> Callable[..., None]:
    """Run an async test on a VirtualTimeLoop."""

    @functools.wraps(test)
    def run(*args: Any, **kwargs: Any) -> None:
        with asyncio.Runner(loop_factory=VirtualTimeLoop) as runner:
            runner.run(test(*args, **kwargs))
            assert asyncio.all_tasks(runner.get_loop()) == set(), "a task was left running"

    return run


def voice_of(duration_ms: int) -> bytes:
    """A loud tone, which LoudnessModels takes for speech, as 8 kHz mu-law."""
    return (b"\x90" * 8 + b"\x10" * 8) * (duration_ms // 2)


def quiet_of(duration_ms: int) -> bytes:
    return b"\xff" * (8 * duration_ms)


class _Loudness:
    def hear(self, window: Pcm16k, *, may_reset: bool) -> float:
        return 1.0 if np.abs(window.astype(np.int32)).mean() > 1000 else 0.0


class LoudnessModels(SharedModels):
    """Loud is speech; a pause is the end of a turn unless `verdicts` say otherwise."""

    def __init__(self, *, verdicts: tuple[float, ...] = (), judge_ms: int = 50) -> None:
        super().__init__()
        self._verdicts = list(verdicts)
        self._judge_s = judge_ms / 1000
        self.judged: list[int] = []

    def voice_activity(self):
        return _Loudness()

    async def judge_end_of_turn(self, utterance: Pcm16k) -> float:
        self.judged.append(utterance.size)
        verdict = self._verdicts.pop(0) if self._verdicts else 1.0
        await asyncio.sleep(self._judge_s)
        return verdict


class ScriptedSpeechToText:
    """Says `texts` one after the other, an error where one is given; `delay_ms` each."""

    name = "scripted_stt"
    model = "fixed"

    def __init__(self, *texts: str | ReautoError, delay_ms: int = 100) -> None:
        self._texts = list(texts)
        self._delay_s = delay_ms / 1000
        self.started = 0
        self.cancelled = 0

    async def warm_up(self) -> None: ...

    async def close(self) -> None: ...

    async def transcribe(self, audio: Pcm16k, *, language: str) -> Transcript:
        self.started += 1
        try:
            await asyncio.sleep(self._delay_s)
        except asyncio.CancelledError:
            self.cancelled += 1
            raise
        text = self._texts.pop(0)
        if isinstance(text, ReautoError):
            raise text
        return Transcript(text=text, confidence=0.9)


class ScriptedTextToSpeech:
    """Speaks `ms_per_character` of tone in pieces of 200 ms, `delay_ms` before the first."""

    name = "scripted_tts"
    voice = "tone"

    def __init__(self, *, delay_ms: int = 50, ms_per_character: int = 60) -> None:
        self._delay_s = delay_ms / 1000
        self.ms_per_character = ms_per_character
        self.failures: list[ReautoError] = []
        self.spoken: list[str] = []

    async def warm_up(self) -> None: ...

    async def close(self) -> None: ...

    async def synthesize(self, text: str, *, length_scale: float) -> AsyncIterator[bytes]:
        await asyncio.sleep(self._delay_s)
        if self.failures:
            raise self.failures.pop(0)
        self.spoken.append(text)
        mulaw = voice_of(len(text) * self.ms_per_character)
        for start in range(0, len(mulaw), 1600):
            yield mulaw[start : start + 1600]


Step = DialogueEvent | ReautoError | int
"""An event to yield, an error to raise, or milliseconds to think."""


class ScriptedDialogue:
    """Answers with scripted steps; its log proves that turns are opened and closed in turn."""

    def __init__(self, *replies: list[Step], greeting: str = "Hello there.") -> None:
        self._opening: list[Step] = [Sentence(greeting, "opener")] if greeting else []
        self._replies = list(replies)
        self._open = False
        self.outcome = Outcome.ABANDONED
        self.callers: list[CallerTurn] = []
        self.heards: list[tuple[str, bool]] = []
        self.closed_early = 0

    async def open(self) -> AsyncIterator[DialogueEvent]:
        async for event in self._run(self._opening):
            yield event

    async def reply(self, caller: CallerTurn) -> AsyncIterator[DialogueEvent]:
        self.callers.append(caller)
        async for event in self._run(self._replies.pop(0)):
            yield event

    async def heard(self, *, agent_heard: str, interrupted: bool) -> None:
        assert self._open, "heard without an open turn"
        self._open = False
        self.heards.append((agent_heard, interrupted))

    def result(self) -> ConversationResult:
        return ConversationResult(outcome=self.outcome)

    async def _run(self, steps: list[Step]) -> AsyncIterator[DialogueEvent]:
        assert not self._open, "a turn was opened before the last was closed"
        self._open = True
        try:
            for step in steps:
                if isinstance(step, ReautoError):
                    raise step
                if isinstance(step, int):
                    await asyncio.sleep(step / 1000)
                    continue
                if isinstance(step, HangUp):
                    self.outcome = step.outcome
                yield step
        except (asyncio.CancelledError, GeneratorExit):
            self.closed_early += 1
            raise


def agent_config(**changes: Any) -> AgentConfig:
    config = AgentConfig(
        name="test",
        persona=Persona(agent_name="Ada", company="Acme Homes"),
        phrases=Phrases(
            greeting_outbound="Hello {contact}, this is {agent} from {company}.",
            greeting_inbound="Thanks for calling {company}.",
            reprompts=("Are you there?",),
            silent_goodbye="I will let you go.",
            goodbye="Thank you and goodbye.",
            opt_out="We will not call again.",
            voicemail="Please call us back.",
            apology="Sorry, say that again?",
            drain_goodbye="We must stop here.",
        ),
        agents=(AgentSpec(name="opener", prompt="Open."),),
    )
    return msgspec.structs.replace(config, **changes)


def brief_for(config: AgentConfig) -> CallBrief:
    call = Call(
        call_id=new_id(),
        direction=Direction.INBOUND,
        from_number="+15551230001",
        to_number="+15551230002",
        status=CallStatus.IN_PROGRESS,
        config_id=config.config_id,
        created_at=_START,
    )
    return CallBrief(call=call, config=config, contact=None)


class PhoneCall(msgspec.Struct):
    """A running call and everything a test looks at."""

    media: ScriptedMediaSocket
    dialogue: ScriptedDialogue
    stt: ScriptedSpeechToText
    tts: ScriptedTextToSpeech
    conversation: VoiceConversation | None = None
    turns: list[Turn] = []
    turned: asyncio.Event = msgspec.field(default_factory=asyncio.Event)

    def take(self, turn: Turn) -> None:
        self.turns.append(turn)
        self.turned.set()

    async def had(self, turns: int) -> None:
        """Wait until so many turns are finished."""
        while len(self.turns) < turns:
            self.turned.clear()
            await self.turned.wait()

    def sent(self, kind: str) -> list[Any]:
        return [message for message in self.media.sent if message.kind == kind]


async def phone(
    script: Callable[[PhoneCall], Awaitable[None]],
    *,
    dialogue: ScriptedDialogue,
    stt: ScriptedSpeechToText | None = None,
    tts: ScriptedTextToSpeech | None = None,
    models: SharedModels | None = None,
    config: AgentConfig | None = None,
    warm: bool = True,
) -> tuple[PhoneCall, ConversationResult]:
    """Run a conversation beside `script`, the caller's side, until it returns."""
    config = config or agent_config()
    stt, tts = stt or ScriptedSpeechToText(), tts or ScriptedTextToSpeech()
    clock = LoopClock()
    factory = VoiceConversationFactory(
        stt=stt,
        tts=tts,
        make_dialogue=lambda _brief: dialogue,
        clock=clock,
        models=models or LoudnessModels(),
    )
    if warm:
        await factory.warm(config)
    async with ScriptedMediaSocket(clock=clock) as media:
        call = PhoneCall(media, dialogue, stt, tts)
        call.conversation = factory(brief=brief_for(config), media=media, on_turn=call.take)
        async with asyncio.timeout(900), asyncio.TaskGroup() as tasks:
            running = tasks.create_task(call.conversation.run())
            script_task = tasks.create_task(script(call))
            result = await running
            script_task.cancel()
    return call, result


GOODBYE = [Sentence("Goodbye then.", "closer"), HangUp(Outcome.QUALIFIED)]
LONG = "I can tell you all about the house on Maple Street and its very large garden today."


async def wait_ms(duration_ms: int) -> None:
    await asyncio.sleep(duration_ms / 1000)


def assert_ordered(stamps: TurnStamps) -> None:
    present = [getattr(stamps, name) for name in TurnStamps.__struct_fields__]
    present = [stamp for stamp in present if stamp is not None]
    assert present == sorted(present)
