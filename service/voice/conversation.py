"""One call's voice: joins ears, dialogue and mouth into a pipeline, and runs it to the end."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

import structlog
from pipecat.frames.frames import ErrorFrame
from pipecat.pipeline.pipeline import Pipeline
from pipecat.pipeline.worker import PipelineWorker
from pipecat.workers.runner import WorkerRunner

from service.domain.agent_config import AgentConfig
from service.domain.conversation import ConversationResult
from service.domain.phrases import fill_phrase
from service.domain.turn import Turn
from service.ports.clock import Clock
from service.ports.conversation import CallBrief, Dialogue
from service.ports.media import AudioReceived, DigitReceived, MarkReached, MediaEnded, MediaSocket
from service.ports.speech import SpeechToText, TextToSpeech
from service.voice.conversationalist import Conversationalist
from service.voice.ears import Ears
from service.voice.models import SharedModels
from service.voice.mouth import Mouth
from service.voice.phrase_cache import PhraseCache
from service.voice.stamps import stream_time

log = structlog.get_logger()

BEAT_S = 0.25
"""How often timeouts are looked at."""


class VoiceConversationFactory:
    """Makes the conversation of each call from the engines and models that all calls share."""

    def __init__(
        self,
        *,
        stt: SpeechToText,
        tts: TextToSpeech,
        make_dialogue: Callable[[CallBrief], Dialogue],
        clock: Clock,
        models: SharedModels,
    ) -> None:
        self._stt = stt
        self._tts = tts
        self._make_dialogue = make_dialogue
        self._clock = clock
        self._models = models
        self._phrases = PhraseCache(tts)

    async def warm(self, config: AgentConfig) -> None:
        """Speak a config's fixed phrases ahead of its first call. Raises SpeechError."""
        await self._phrases.warm(config)

    def __call__(
        self, *, brief: CallBrief, media: MediaSocket, on_turn: Callable[[Turn], None]
    ) -> "VoiceConversation":
        """Make one call's conversation; stream time counts from here."""
        return VoiceConversation(
            brief=brief,
            media=media,
            on_turn=on_turn,
            dialogue=self._make_dialogue(brief),
            stt=self._stt,
            tts=self._tts,
            phrases=self._phrases,
            models=self._models,
            clock=self._clock,
        )


class VoiceConversation:
    """Implements `ports.conversation.Conversation`; `run` is called once."""

    def __init__(
        self,
        *,
        brief: CallBrief,
        media: MediaSocket,
        on_turn: Callable[[Turn], None],
        dialogue: Dialogue,
        stt: SpeechToText,
        tts: TextToSpeech,
        phrases: PhraseCache,
        models: SharedModels,
        clock: Clock,
    ) -> None:
        config = brief.config
        apology = _filled(config.phrases.apology, brief)
        self._max_call_ms = config.limits.max_call_s * 1000
        self._brief = brief
        self._media = media
        self._dialogue = dialogue
        self._clock = clock
        self._elapsed = stream_time(clock)
        self._tasks = asyncio.TaskGroup()
        self._over = asyncio.Event()
        self._stream_ended = False
        self._greets = True
        self._ending = False
        self._broken: BaseException | None = None
        self._ears = Ears(
            stt=stt,
            models=models,
            config=config,
            apology=apology,
            elapsed=self._elapsed,
            spawn=self._spawn,
        )
        self._conversationalist = Conversationalist(
            dialogue=dialogue,
            call_id=brief.call.call_id,
            agent=config.agents[0].name,
            apology=apology,
            voice=(tts.name, tts.voice),
            elapsed=self._elapsed,
            spawn=self._spawn,
            on_turn=on_turn,
            on_over=self._over.set,
        )
        self._mouth = Mouth(
            media=media,
            tts=tts,
            phrases=phrases,
            voice=config.voice,
            apology=apology,
            elapsed=self._elapsed,
        )

    async def run(self) -> ConversationResult:
        """Talk until the dialogue is over, the stream is gone or somebody ends it."""
        worker = self._make_worker()
        async with self._tasks:
            pipeline = self._spawn(_run_pipeline(worker))
            others = [self._spawn(self._listen()), self._spawn(self._beat())]
            if self._greets:
                await self._ears.open()
            try:
                await self._over.wait()
            finally:
                last_words = await self._ears.last_words() if self._stream_ended else None
                self._ears.deafen()
                for task in others:
                    task.cancel()
                await worker.cancel()
                await asyncio.wait([pipeline])
                played = self._mouth.stop()
                await self._conversationalist.finish(played=played, last_words=last_words)
        if self._broken is not None:
            raise self._broken
        return self._dialogue.result()

    def result(self) -> ConversationResult:
        """What it came to so far."""
        return self._dialogue.result()

    async def machine_detected(self, answered_by: str) -> None:
        """Stop talking; once the machine is quiet, let the dialogue leave its message."""
        log.info("answering machine", answered_by=answered_by)
        self._greets = False
        await self._ears.meet_machine()

    async def end(self, *, spoken_goodbye: str | None) -> None:
        """End now; with a goodbye, cut off what is being said and speak it whole first."""
        if spoken_goodbye is None:
            self._over.set()
        elif not self._ending:
            self._ending, self._greets = True, False
            await self._ears.say_last(_filled(spoken_goodbye, self._brief))

    def _spawn(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        return self._tasks.create_task(work)

    def _make_worker(self) -> PipelineWorker:
        pipeline = Pipeline([self._ears, self._conversationalist, self._mouth])
        worker = PipelineWorker(
            pipeline,
            enable_rtvi=False,
            enable_turn_tracking=False,
            idle_timeout_secs=None,
            check_dangling_tasks=False,
        )

        @worker.event_handler("on_pipeline_error")  # type: ignore[untyped-decorator]
        async def break_off(_worker: PipelineWorker, frame: ErrorFrame) -> None:
            self._broken = frame.exception or RuntimeError(frame.error)
            self._over.set()

        return worker

    async def _listen(self) -> None:
        async for event in self._media.events():
            match event:
                case AudioReceived():
                    await self._ears.hear(event.mulaw)
                case MarkReached():
                    await self._mouth.mark_reached(event.name)
                case DigitReceived():
                    self._ears.press(event.digit)
                case MediaEnded():
                    break
        self._stream_ended = True
        self._over.set()

    async def _beat(self) -> None:
        while True:
            await self._clock.sleep(BEAT_S)
            await self._ears.tick()
            await self._mouth.tick()
            if self._elapsed() >= self._max_call_ms:
                await self.end(spoken_goodbye=self._brief.config.phrases.goodbye)


async def _run_pipeline(worker: PipelineWorker) -> None:
    runner = WorkerRunner(handle_sigint=False)
    await runner.add_workers(worker)
    await runner.run()


def _filled(phrase: str, brief: CallBrief) -> str:
    return fill_phrase(phrase, persona=brief.config.persona, contact=brief.contact)
