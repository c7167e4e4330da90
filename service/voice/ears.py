"""The head of the pipeline: the caller's audio in, whole turns out.

Audio is decoded, judged and captured here, where it arrives; only events and texts travel further.
Transcription and the end-of-turn judgement start at each pause and are thrown away when the caller
goes on.
"""

import asyncio
from decimal import Decimal

import structlog
from pipecat.frames.frames import BotStartedSpeakingFrame, Frame, InterruptionFrame
from pipecat.processors.frame_processor import FrameDirection, FrameProcessor

from service.domain.agent_config import AgentConfig
from service.domain.conversation import CallerTurn, Heard
from service.domain.errors import SpeechError
from service.domain.money import Meter, Usage
from service.domain.turn import TurnStamps
from service.ports.speech import Pcm16k, SpeechToText, Transcript
from service.voice.audio import HOUSE_RATE_HZ, MULAW_SILENCE, TELEPHONE_RATE_HZ, MulawDecoder
from service.voice.capture import Capture
from service.voice.frames import CallerTurnFrame, LastWordsFrame, PhraseFrame, ReplyPlayedFrame
from service.voice.keypad import Keypad
from service.voice.models import SharedModels
from service.voice.stamps import Elapsed
from service.voice.tasks import Spawn
from service.voice.turn_taking import (
    BargedIn,
    FellSilent,
    MachineQuiet,
    SpeechDropped,
    SpeechPaused,
    SpeechResumed,
    SpeechStarted,
    TurnEnded,
    TurnEvent,
    TurnTaking,
)
from service.voice.vad import WINDOW_SAMPLES

WINDOW_BYTES = WINDOW_SAMPLES * TELEPHONE_RATE_HZ // HOUSE_RATE_HZ
log = structlog.get_logger()

MAX_PIECE_BYTES = TELEPHONE_RATE_HZ
"""Only the last second of a longer piece of audio is heard: it would hold up other calls."""
LINE_GAP_MS = 500
"""A line that sends nothing for this long is silent."""


class Ears(FrameProcessor):
    """Listens to one caller. Audio and digits come by direct call, not as frames."""

    def __init__(
        self,
        *,
        stt: SpeechToText,
        models: SharedModels,
        config: AgentConfig,
        apology: str,
        elapsed: Elapsed,
        spawn: Spawn,
    ) -> None:
        super().__init__()
        self._stt = stt
        self._models = models
        self._language = config.language
        self._apology = apology
        self._elapsed = elapsed
        self._spawn = spawn
        self._decoder = MulawDecoder()
        self._activity = models.voice_activity()
        self._turns = TurnTaking(config.turn_taking)
        self._capture = Capture(speech_start_ms=config.turn_taking.speech_start_ms)
        self._keypad = Keypad()
        self._undecoded = bytearray()
        self._audio_at_ms = 0
        self._speculation: list[asyncio.Task[None]] = []
        self._outcome: Transcript | SpeechError | None = None
        self._transcript_ready_ms: int | None = None
        self._usage: list[Usage] = []

    async def process_frame(self, frame: Frame, direction: FrameDirection) -> None:
        """Follow what the agent does, which decides what speech means."""
        await super().process_frame(frame, direction)
        match frame:
            case BotStartedSpeakingFrame():
                self._turns.agent_speaks()
            case ReplyPlayedFrame(interrupted=False):
                self._turns.agent_listens(self._elapsed())
            case LastWordsFrame():
                self.deafen()
        await self.push_frame(frame, direction)

    async def open(self) -> None:
        """Let the agent speak first."""
        await self.push_frame(CallerTurnFrame(caller=None))

    async def hear(self, mulaw: bytes) -> None:
        """Take the next piece of the caller's audio: raw 8 kHz mu-law of any length."""
        at_ms = self._audio_at_ms = self._elapsed()
        self._undecoded += mulaw[-MAX_PIECE_BYTES:]
        while len(self._undecoded) >= WINDOW_BYTES:
            window = self._decoder.decode(bytes(self._undecoded[:WINDOW_BYTES]))
            del self._undecoded[:WINDOW_BYTES]
            self._capture.add(window)
            score = self._activity.hear(window, may_reset=not self._turns.in_utterance)
            events = self._turns.hear(score, at_ms)
            if events:
                await self._act(events)

    def press(self, digit: str) -> None:
        """The caller pressed a key."""
        self._keypad.press(digit, self._elapsed())

    async def tick(self) -> None:
        """Let time pass."""
        at_ms = self._elapsed()
        gap_ms = at_ms - self._audio_at_ms
        if gap_ms >= LINE_GAP_MS:
            await self.hear(bytes([MULAW_SILENCE]) * (gap_ms * TELEPHONE_RATE_HZ // 1000))
        await self._act(self._turns.tick(at_ms))
        digits = self._keypad.take(at_ms)
        if digits:
            await self._interrupt()
            await self._answer(CallerTurn(text=digits, heard=Heard.DTMF))

    async def meet_machine(self) -> None:
        """No person is there: stop talking and wait for the machine to fall quiet."""
        if self._turns.meet_machine(self._elapsed()):
            self._forget()
            await self._interrupt()

    async def say_last(self, phrase: str) -> None:
        """Stop talking, say `phrase` whole, and let the call end."""
        self.deafen()
        await self._interrupt()
        await self.push_frame(PhraseFrame(text=phrase, last=True))

    def deafen(self) -> None:
        """Take no more turns and no interruptions."""
        self._forget()
        self._turns.deafen()

    async def last_words(self) -> CallerTurnFrame | None:
        """What the caller was saying when the stream ended, as a turn; None when nothing."""
        if not self._turns.in_utterance:
            return None
        if self._outcome is None:
            self._cancel_speculation()
            await self._transcribe(self._capture.audio())
        if not isinstance(self._outcome, Transcript) or not self._outcome.text:
            return None
        return self._caller_turn(self._outcome, TurnStamps())

    async def _act(self, events: list[TurnEvent]) -> None:
        for event in events:
            match event:
                case SpeechStarted():
                    self._capture.begin()
                case SpeechPaused():
                    self._speculate(event.pause_id)
                case SpeechResumed():
                    self._cancel_speculation()
                case SpeechDropped():
                    self._forget()
                case BargedIn():
                    await self._interrupt()
                case TurnEnded():
                    await self._end_turn(event)
                case FellSilent():
                    await self._answer(CallerTurn(heard=Heard.SILENCE))
                case MachineQuiet():
                    await self._answer(CallerTurn(heard=Heard.MACHINE))

    def _speculate(self, pause_id: int) -> None:
        audio = self._capture.audio()
        self._speculation = [
            self._spawn(self._transcribe_pause(pause_id, audio)),
            self._spawn(self._judge_pause(pause_id, audio)),
        ]

    async def _judge_pause(self, pause_id: int, audio: Pcm16k) -> None:
        probability = await self._models.judge_end_of_turn(audio)
        now_ms = self._elapsed()
        await self._act(self._turns.judged(pause_id, probability=probability, at_ms=now_ms))

    async def _transcribe_pause(self, pause_id: int, audio: Pcm16k) -> None:
        await self._transcribe(audio)
        outcome = self._outcome
        has_words = not isinstance(outcome, Transcript) or bool(outcome.text)
        await self._act(self._turns.transcribed(pause_id, has_words=has_words))

    async def _transcribe(self, audio: Pcm16k) -> None:
        try:
            self._outcome = await self._stt.transcribe(audio, language=self._language)
            self._usage += self._outcome.usage or self._own_usage(audio)
        except asyncio.CancelledError:
            # Thrown-away work was spent all the same.
            self._usage += self._own_usage(audio)
            raise
        except SpeechError as error:
            self._outcome = error
        self._transcript_ready_ms = self._elapsed()

    def _own_usage(self, audio: Pcm16k) -> tuple[Usage, ...]:
        seconds = Decimal(audio.size) / HOUSE_RATE_HZ
        line = Usage(
            meter=Meter.STT_AUDIO_SECONDS,
            provider=self._stt.name,
            model=self._stt.model,
            quantity=seconds.quantize(Decimal("0.001")),
        )
        return (line,)

    async def _end_turn(self, ended: TurnEnded) -> None:
        outcome = self._outcome
        stamps = TurnStamps(
            speech_started_ms=ended.speech_started_ms,
            speech_ended_ms=ended.speech_ended_ms,
            turn_ended_ms=ended.turn_ended_ms,
            transcript_ready_ms=self._transcript_ready_ms,
        )
        # Not cancelled: this may be running inside one of these tasks.
        self._speculation, self._outcome = [], None
        self._capture.end()
        if isinstance(outcome, Transcript):
            await self.push_frame(self._caller_turn(outcome, stamps))
            return
        log.warning("transcription failed", error=str(outcome))
        await self.push_frame(PhraseFrame(text=self._apology, failure=True, stamps=stamps))

    def _caller_turn(self, transcript: Transcript, stamps: TurnStamps) -> CallerTurnFrame:
        caller = CallerTurn(text=transcript.text, confidence=transcript.confidence)
        return CallerTurnFrame(caller=caller, stamps=stamps, usage=self._take_usage())

    async def _answer(self, caller: CallerTurn) -> None:
        self._turns.agent_thinks()
        await self.push_frame(CallerTurnFrame(caller=caller, usage=self._take_usage()))

    def _take_usage(self) -> tuple[Usage, ...]:
        usage, self._usage = tuple(self._usage), []
        return usage

    async def _interrupt(self) -> None:
        await self.push_frame(InterruptionFrame())

    def _forget(self) -> None:
        self._cancel_speculation()
        self._capture.end()

    def _cancel_speculation(self) -> None:
        for task in self._speculation:
            task.cancel()
        self._speculation = []
        self._outcome = None
