"""The mouth on its own: frames that interruptions and system frames have overtaken."""

from pipecat.frames.frames import InterruptionFrame
from pipecat.tests.utils import run_test

from service.adapters.memory.clock import ManualClock
from service.adapters.memory.media import ScriptedMediaSocket
from service.domain.agent_config import VoiceChoice
from service.voice.frames import (
    ReplyEndedFrame,
    ReplyPlayedFrame,
    ReplyStartedFrame,
    SentenceFrame,
)
from service.voice.mouth import Mouth
from service.voice.phrase_cache import PhraseCache
from tests.service.voice.voice_doubles import ScriptedTextToSpeech


def _mouth(media: ScriptedMediaSocket, tts: ScriptedTextToSpeech) -> Mouth:
    return Mouth(
        media=media,
        tts=tts,
        phrases=PhraseCache(tts),
        voice=VoiceChoice(),
        apology="Sorry?",
        elapsed=lambda: 0,
    )


async def test_frames_of_an_earlier_reply_are_not_spoken() -> None:
    media, tts = ScriptedMediaSocket(clock=ManualClock()), ScriptedTextToSpeech(delay_ms=0)
    frames = [ReplyStartedFrame(2), SentenceFrame(1, "Stale."), ReplyEndedFrame(1)]
    await run_test(_mouth(media, tts), frames_to_send=frames, expected_up_frames=[])
    assert tts.spoken == []
    assert media.sent == []


async def test_an_interruption_of_nothing_reports_nothing() -> None:
    media, tts = ScriptedMediaSocket(clock=ManualClock()), ScriptedTextToSpeech(delay_ms=0)
    await run_test(_mouth(media, tts), frames_to_send=[InterruptionFrame()], expected_up_frames=[])
    assert media.sent == []


async def test_each_reply_is_reported_once_even_when_empty() -> None:
    media, tts = ScriptedMediaSocket(clock=ManualClock()), ScriptedTextToSpeech(delay_ms=0)
    frames = [ReplyStartedFrame(0), ReplyEndedFrame(0)]
    _, up = await run_test(
        _mouth(media, tts), frames_to_send=frames, expected_up_frames=[ReplyPlayedFrame]
    )
    assert (up[0].turn_index, up[0].heard, up[0].interrupted) == (0, "", False)
