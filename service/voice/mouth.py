"""The end of the pipeline: sentences in, audio and marks out, and word of what was heard back.

Audio is sent as fast as it is made and never paced here: the far end buffers it, so playback
cannot gap, and the marks that it echoes say what was played.
"""

import msgspec
import structlog
from pipecat.frames.frames import (
    BotStartedSpeakingFrame,
    BotStoppedSpeakingFrame,
    Frame,
    InterruptionFrame,
)
from pipecat.processors.frame_processor import FrameDirection, FrameProcessor

from service.domain.agent_config import VoiceChoice
from service.domain.errors import SpeechError
from service.domain.turn import TurnStamps
from service.ports.media import MediaSocket
from service.ports.speech import TextToSpeech
from service.voice.frames import (
    ReplyEndedFrame,
    ReplyPlayedFrame,
    ReplyStartedFrame,
    SentenceFrame,
)
from service.voice.heard import BYTES_PER_MS, Playback
from service.voice.phrase_cache import PhraseCache
from service.voice.stamps import Elapsed
from service.voice.tasks import closing

log = structlog.get_logger()

MARK_EVERY_MS = 240
SLICE_BYTES = 320 * BYTES_PER_MS
LOST_MARK_MS = 2_000
"""A mark this late after its audio must have been played is lost."""


class _Reply(msgspec.Struct):
    turn_index: int
    playback: Playback
    ended: bool = False
    failed: bool = False
    characters: int = 0
    marks: int = 0
    unmarked_bytes: int = 0
    made_ms: int | None = None
    sent_ms: int | None = None
    started_ms: int | None = None

    def next_mark(self) -> str:
        self.marks += 1
        return f"{self.turn_index}.{self.marks}"


class Mouth(FrameProcessor):
    """Speaks the replies of one call, one at a time."""

    def __init__(
        self,
        *,
        media: MediaSocket,
        tts: TextToSpeech,
        phrases: PhraseCache,
        voice: VoiceChoice,
        apology: str,
        elapsed: Elapsed,
    ) -> None:
        super().__init__()
        self._media = media
        self._tts = tts
        self._phrases = phrases
        self._voice = voice
        self._apology = apology
        self._elapsed = elapsed
        self._reply: _Reply | None = None

    async def process_frame(self, frame: Frame, direction: FrameDirection) -> None:
        """Take the frames of a reply; everything else passes."""
        await super().process_frame(frame, direction)
        match frame:
            case ReplyStartedFrame():
                self._reply = _Reply(frame.turn_index, Playback())
            case SentenceFrame() if reply := self._current(frame.turn_index):
                await self._speak(reply, frame.text)
            case ReplyEndedFrame() if reply := self._current(frame.turn_index):
                reply.ended = True
                await self._finish_if_played(reply)
            case InterruptionFrame():
                await self._interrupt()
                await self.push_frame(frame, direction)
            case SentenceFrame() | ReplyEndedFrame():
                pass
            case _:
                await self.push_frame(frame, direction)

    async def mark_reached(self, name: str) -> None:
        """A mark came back from the far end."""
        reply, now_ms = self._reply, self._elapsed()
        # Marks of a reply that was cut off come back too and mean nothing.
        if reply is None or not reply.playback.reached(name, at_ms=now_ms):
            return
        if reply.started_ms is None:
            reply.started_ms = now_ms
            await self.push_frame(BotStartedSpeakingFrame(), FrameDirection.UPSTREAM)
        await self._finish_if_played(reply)

    async def tick(self) -> None:
        """Give up on marks that are long overdue."""
        reply = self._reply
        if reply is None or not reply.ended:
            return
        if self._elapsed() > reply.playback.plays_until_ms + LOST_MARK_MS:
            log.warning("playback marks never came back", turn_index=reply.turn_index)
            await self._report(self._close(reply, interrupted=False))

    def stop(self) -> ReplyPlayedFrame | None:
        """Close the running reply as cut off now; None when nothing is being said."""
        return self._close(self._reply, interrupted=True) if self._reply else None

    def _current(self, turn_index: int) -> _Reply | None:
        running = self._reply
        return running if running is not None and running.turn_index == turn_index else None

    async def _speak(self, reply: _Reply, text: str) -> None:
        if reply.failed:
            return
        try:
            await self._say(reply, text)
        except SpeechError as error:
            log.warning("speaking failed", error=str(error), retryable=error.retryable)
            reply.failed = True
            await self._apologise(reply)
        if reply.unmarked_bytes:
            await self._mark(reply)

    async def _apologise(self, reply: _Reply) -> None:
        try:
            await self._say(reply, self._apology)
        except SpeechError as error:
            log.warning("the apology could not be spoken either", error=str(error))

    async def _say(self, reply: _Reply, text: str) -> None:
        reply.playback.begin_sentence(text)
        kept = self._phrases.get(text, self._voice)
        if kept is not None:
            await self._send(reply, kept)
        else:
            reply.characters += len(text)
            made = self._tts.synthesize(text, length_scale=self._voice.length_scale)
            async with closing(made):
                async for piece in made:
                    await self._send(reply, piece)
        reply.playback.end_sentence()

    async def _send(self, reply: _Reply, mulaw: bytes) -> None:
        if reply.made_ms is None:
            reply.made_ms = self._elapsed()
            await self._mark(reply)
        for start in range(0, len(mulaw), SLICE_BYTES):
            await self._send_slice(reply, mulaw[start : start + SLICE_BYTES])

    async def _send_slice(self, reply: _Reply, mulaw: bytes) -> None:
        await self._media.send_audio(mulaw)
        now_ms = self._elapsed()
        reply.playback.sent(mulaw, at_ms=now_ms)
        if reply.sent_ms is None:
            reply.sent_ms = now_ms
        reply.unmarked_bytes += len(mulaw)
        if reply.unmarked_bytes >= MARK_EVERY_MS * BYTES_PER_MS:
            await self._mark(reply)

    async def _mark(self, reply: _Reply) -> None:
        name = reply.next_mark()
        reply.unmarked_bytes = 0
        reply.playback.marked(name, at_ms=self._elapsed())
        await self._media.send_mark(name)

    async def _interrupt(self) -> None:
        reply = self._reply
        if reply is None:
            return
        if reply.playback.sent_ms:
            await self._media.clear()
        await self._report(self._close(reply, interrupted=True))

    async def _finish_if_played(self, reply: _Reply) -> None:
        if reply.ended and reply.playback.all_played and reply is self._reply:
            await self._report(self._close(reply, interrupted=False))

    def _close(self, reply: _Reply, *, interrupted: bool) -> ReplyPlayedFrame:
        self._reply = None
        now_ms = self._elapsed()
        heard_until_ms = now_ms if interrupted else reply.playback.played_at_ms
        return ReplyPlayedFrame(
            turn_index=reply.turn_index,
            heard=reply.playback.heard(heard_until_ms),
            interrupted=interrupted,
            failed=reply.failed,
            characters=reply.characters,
            stamps=TurnStamps(
                first_audio_made_ms=reply.made_ms,
                first_audio_sent_ms=reply.sent_ms,
                playback_started_ms=reply.started_ms,
                playback_ended_ms=None if reply.started_ms is None else heard_until_ms,
            ),
        )

    async def _report(self, played: ReplyPlayedFrame) -> None:
        if played.stamps.playback_started_ms is not None:
            await self.push_frame(BotStoppedSpeakingFrame(), FrameDirection.UPSTREAM)
        await self.push_frame(played, FrameDirection.UPSTREAM)
