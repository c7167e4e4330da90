"""faster-whisper: real digits through a real model, and everything else through a random one."""

import asyncio
import json
import shutil
import wave
from collections.abc import AsyncIterator
from decimal import Decimal
from pathlib import Path

import numpy as np
import pytest
import pytest_asyncio

from service.domain.errors import SpeechError
from service.domain.money import Meter
from service.measures.word_error_rate import corpus_word_errors
from service.voice.audio import mulaw_to_pcm16k
from service.voice.engines.faster_whisper import FasterWhisperSpeechToText, find_whisper_model
from tests.service.voice.engines.tiny_whisper import build_tiny_whisper

pytestmark = pytest.mark.asyncio(loop_scope="module")
NOISE = (np.random.default_rng(5).standard_normal(32_000) * 3_000).astype(np.int16)


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build_tiny_whisper(tmp_path_factory.mktemp("models") / "tiny-random")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def ears(tiny: Path) -> AsyncIterator[FasterWhisperSpeechToText]:
    engine = FasterWhisperSpeechToText(tiny, device="cpu")
    await engine.warm_up()
    yield engine
    await engine.close()


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def digit_ears(assets: Path) -> AsyncIterator[FasterWhisperSpeechToText]:
    engine = FasterWhisperSpeechToText(assets / "models" / "whisper" / "nano-digits-en")
    await engine.warm_up()
    yield engine
    await engine.close()


def digits(assets: Path) -> list[dict[str, str]]:
    entries = json.loads((assets / "speech" / "manifest.json").read_text())
    return [entry for entry in entries if entry["id"].startswith("phone-digits")]


def wide(path: Path) -> np.ndarray:
    with wave.open(str(path)) as file:
        return np.frombuffer(file.readframes(file.getnframes()), np.int16)


def narrow(path: Path) -> np.ndarray:
    raw = path.read_bytes()  # Python's wave reads no mu-law
    return mulaw_to_pcm16k(raw[raw.index(b"data") + 8 :])


@pytest.mark.parametrize(("kind", "read"), [("wav16k", wide), ("tel8k", narrow)])
async def test_hears_recorded_digits(
    assets: Path, digit_ears: FasterWhisperSpeechToText, kind: str, read
) -> None:
    recordings = digits(assets)
    heard = [
        await digit_ears.transcribe(read(assets / "speech" / entry[kind]), language="en-US")
        for entry in recordings
    ]
    said = [entry["text"] for entry in recordings]
    errors = corpus_word_errors(zip(said, (found.text for found in heard), strict=True))
    assert errors.reference_words > 60
    assert errors.rate is not None
    assert errors.rate < 0.15
    assert all(found.confidence is not None and 0.4 < found.confidence <= 1 for found in heard)


@pytest.mark.parametrize("level", [0, 3, 100, 2_000])
async def test_silence_and_noise_are_no_words(
    digit_ears: FasterWhisperSpeechToText, level: int
) -> None:
    noise = (np.random.default_rng(level).standard_normal(24_000) * level).astype(np.int16)
    found = await digit_ears.transcribe(noise, language="en")
    assert (found.text, found.confidence) == ("", None)


async def test_decodes_with_a_model_that_the_test_made(ears: FasterWhisperSpeechToText) -> None:
    found = await ears.transcribe(NOISE, language="en-US")
    again = await ears.transcribe(NOISE, language="en-US")
    assert found == again
    assert found.text
    assert found.confidence is not None
    assert 0 < found.confidence < 0.1  # a random model is not sure of anything
    (usage,) = found.usage
    assert (usage.meter, usage.quantity) == (Meter.STT_AUDIO_SECONDS, Decimal(2))
    assert (usage.provider, usage.model) == ("faster_whisper", "tiny-random")
    assert await ears.probe() == "model tiny-random on cpu"


async def test_silence_is_not_decoded(ears: FasterWhisperSpeechToText) -> None:
    assert (await ears.transcribe(np.zeros(8_000, np.int16), language="en")).text == ""
    assert (await ears.transcribe(np.empty(0, np.int16), language="en")).text == ""


async def test_one_model_serves_many_calls_and_leaves_the_loop_free(
    ears: FasterWhisperSpeechToText,
) -> None:
    jobs = asyncio.gather(*(ears.transcribe(NOISE, language="en") for _ in range(6)))
    turns = 0
    while not jobs.done():
        turns += 1
        await asyncio.sleep(0.001)
    assert len({found.text for found in await jobs}) == 1
    assert turns > 6


async def test_a_full_queue_and_a_late_answer_are_retryable(tiny: Path) -> None:
    engine = FasterWhisperSpeechToText(tiny, device="cpu", max_waiting=1, deadline_s=0.000_001)
    await engine.warm_up()
    results = await asyncio.gather(
        *(engine.transcribe(NOISE, language="en") for _ in range(2)), return_exceptions=True
    )
    await engine.close()
    assert {error.code for error in results if isinstance(error, SpeechError)} == {
        "deadline",
        "queue_full",
    }
    assert all(isinstance(error, SpeechError) and error.retryable for error in results)


async def test_a_cancelled_utterance_leaves_the_engine_usable(
    ears: FasterWhisperSpeechToText,
) -> None:
    job = asyncio.create_task(ears.transcribe(NOISE, language="en"))
    await asyncio.sleep(0)
    job.cancel()
    with pytest.raises(asyncio.CancelledError):
        await job
    await ears.transcribe(NOISE, language="en")


async def test_a_broken_model_says_what_is_wrong(tiny: Path, tmp_path: Path) -> None:
    broken = shutil.copytree(tiny, tmp_path / "tiny-broken")
    (broken / "model.bin").write_bytes(b"not a model")
    engine = FasterWhisperSpeechToText(broken, device="cpu")
    with pytest.raises(SpeechError, match="cannot be loaded on cpu"):
        await engine.warm_up()
    (broken / "tokenizer.json").unlink()
    with pytest.raises(SpeechError, match=r"lacks tokenizer\.json"):
        await engine.warm_up()
    with pytest.raises(SpeechError, match="warm it up first"):
        await engine.transcribe(NOISE, language="en")
    with pytest.raises(SpeechError, match="warm it up first"):
        await engine.probe()
    await engine.close()


@pytest.mark.parametrize(
    ("names", "device", "best"),
    [
        ([], "cpu", None),
        (["nano-digits-en", "mine"], "cpu", None),
        (["tiny.en", "base.en", "large-v3"], "cpu", "base.en"),
        (["tiny.en", "base.en", "large-v3"], "cuda", "large-v3"),
        (["large-v2", "large-v3", "medium.en"], "cuda", "large-v3"),
        (["large-v3", "medium.en"], "cpu", "medium.en"),
        (["faster-whisper-small.en", "tiny.en"], "cpu", "faster-whisper-small.en"),
    ],
)
async def test_finds_the_best_model_for_live_calls(
    tmp_path: Path, names: list[str], device: str, best: str | None
) -> None:
    for name in names:
        (tmp_path / "whisper" / name).mkdir(parents=True)
        (tmp_path / "whisper" / name / "model.bin").touch()
    (tmp_path / "whisper" / "large-unfinished").mkdir(parents=True)
    found = find_whisper_model(tmp_path, device=device)
    assert (found.name if found else None) == best
