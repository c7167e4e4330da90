"""The real models: the same scores as Pipecat's own analyzers, shared safely, end to end."""

import asyncio
from pathlib import Path

import numpy as np
import pytest
from pipecat.audio.turn.smart_turn.local_smart_turn_v3 import LocalSmartTurnAnalyzerV3
from pipecat.audio.vad.silero import SileroVADAnalyzer

from service.domain.conversation import HangUp, Sentence
from service.domain.outcome import Outcome
from service.ports.speech import Pcm16k
from service.voice.audio import mulaw_to_pcm16k
from service.voice.models import SharedModels
from service.voice.vad import WINDOW_SAMPLES
from tests.service.voice.voice_doubles import (
    PhoneCall,
    ScriptedDialogue,
    ScriptedSpeechToText,
    phone,
    quiet_of,
)

CALLERS = Path(__file__).parents[3] / "data" / "callers"


def _clip(name: str) -> bytes:
    return (CALLERS / name).read_bytes()


def _windows(pcm: Pcm16k) -> list[Pcm16k]:
    return [
        pcm[start : start + WINDOW_SAMPLES]
        for start in range(0, pcm.size - WINDOW_SAMPLES + 1, WINDOW_SAMPLES)
    ]


@pytest.fixture(scope="module")
def speech() -> Pcm16k:
    return mulaw_to_pcm16k(
        quiet_of(2500) + _clip("buyer_with_objection/area.ulaw") + quiet_of(2500) * 2
    )


@pytest.fixture
async def models():
    shared = SharedModels()
    await shared.warm_up()
    yield shared
    shared.close()


async def test_speech_scores_equal_pipecats_resets_included(
    models: SharedModels, speech: Pcm16k
) -> None:
    reference = SileroVADAnalyzer(sample_rate=16_000)
    reference.set_sample_rate(16_000)
    expected = [
        float(np.squeeze(reference.voice_confidence(window.tobytes())))
        for window in _windows(speech)
    ]
    activity = models.voice_activity()
    scores = [activity.hear(window) for window in _windows(speech)]
    assert scores == pytest.approx(expected, abs=1e-5)
    assert max(scores) > 0.9
    assert max(scores[:70]) < 0.2


async def test_nothing_is_forgotten_inside_an_utterance(
    models: SharedModels, speech: Pcm16k
) -> None:
    def scores(*, may_reset: bool) -> list[float]:
        activity = models.voice_activity()
        return [activity.hear(window, may_reset=may_reset) for window in _windows(speech)]

    kept, forgotten = scores(may_reset=False), scores(may_reset=True)
    assert kept[:63] == forgotten[:63], "the first reset is due after two seconds"
    assert kept[63:75] != forgotten[63:75]


async def test_calls_share_the_model_but_not_its_state(
    models: SharedModels, speech: Pcm16k
) -> None:
    alone = models.voice_activity()
    expected = [alone.hear(window) for window in _windows(speech)]
    here, there = models.voice_activity(), models.voice_activity()
    noise = np.random.default_rng(7).integers(-9000, 9000, WINDOW_SAMPLES).astype(np.int16)
    scores = []
    for window in _windows(speech):
        scores.append(here.hear(window))
        there.hear(noise)
    assert scores == expected


async def test_end_of_turn_equals_pipecats(models: SharedModels, speech: Pcm16k) -> None:
    reference = LocalSmartTurnAnalyzerV3(sample_rate=16_000)
    cuts = [speech[: 3 * 16_000], speech[:64_000], np.tile(speech, 2)]
    expected = [
        reference._predict_endpoint(cut.astype(np.float32) / 32_768)["probability"] for cut in cuts
    ]
    judged = await asyncio.gather(*[models.judge_end_of_turn(cut) for cut in cuts])
    assert judged == pytest.approx(expected, abs=1e-4)


async def test_a_real_voice_takes_a_turn_in_real_time(models: SharedModels) -> None:
    goodbye = [Sentence("Goodbye then.", "closer"), HangUp(Outcome.QUALIFIED)]
    dialogue = ScriptedDialogue(*[goodbye] * 3, greeting="Hi.")

    async def caller(call: PhoneCall) -> None:
        await call.had(1)
        call.media.say(quiet_of(300) + _clip("buyer_with_objection/bedrooms.ulaw"))

    stt = ScriptedSpeechToText(*["At least two bedrooms."] * 4)
    call, result = await phone(caller, dialogue=dialogue, stt=stt, models=models)
    assert result.outcome is Outcome.QUALIFIED
    assert {caller.text for caller in dialogue.callers} == {"At least two bedrooms."}
    assert call.turns[-1].agent_heard == "Goodbye then."
