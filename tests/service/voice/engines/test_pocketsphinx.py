"""pocketsphinx in worker processes: how well it hears, and how it survives."""

import asyncio
import json
from collections.abc import AsyncIterator
from decimal import Decimal
from pathlib import Path

import numpy as np
import psutil
import pytest
import pytest_asyncio

from service.domain.errors import SpeechError
from service.measures.word_error_rate import corpus_word_errors
from service.voice.audio import mulaw_to_pcm16k
from service.voice.engines.caller_language import load_caller_language
from service.voice.engines.pocketsphinx import PocketsphinxSpeechToText

pytestmark = pytest.mark.asyncio(loop_scope="module")
ROOT = Path(__file__).resolve().parents[4]
CALLERS = ROOT / "data" / "callers"
HELD_OUT = Path(__file__).with_name("held_out_sentences")
EVERY_THIRD = 3


@pytest.fixture(scope="module")
def cache_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("cache")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def ears(cache_dir: Path) -> AsyncIterator[PocketsphinxSpeechToText]:
    engine = PocketsphinxSpeechToText(processes=2, cache_dir=cache_dir, deadline_s=60)
    await engine.warm_up()
    yield engine
    await engine.close()


def clip(entry: dict[str, str]) -> np.ndarray:
    return mulaw_to_pcm16k((CALLERS / entry["file"]).read_bytes())


def some_clip() -> np.ndarray:
    return clip(json.loads((CALLERS / "index.json").read_text())[3])


async def test_word_error_rate_on_callers_lines(ears: PocketsphinxSpeechToText) -> None:
    """A third of the lines, to be quick; the demo's report gives the rate on all of them."""
    entries = json.loads((CALLERS / "index.json").read_text())[::EVERY_THIRD]
    heard = await asyncio.gather(*(ears.transcribe(clip(e), language="en-US") for e in entries))
    said = (entry["text"] for entry in entries)
    errors = corpus_word_errors(zip(said, (found.text for found in heard), strict=True))
    assert errors.reference_words > 100
    assert errors.rate is not None
    assert errors.rate <= 0.28

    sure = [found.confidence for found in heard if found.text]
    assert all(confidence is not None and 0 < confidence <= 1 for confidence in sure)


async def test_word_error_rate_on_sentences_of_its_own(ears: PocketsphinxSpeechToText) -> None:
    """Seven sentences that were written before the templates, said by four rendered voices."""
    templates = load_caller_language()
    lines = HELD_OUT.with_suffix(".txt").read_text().splitlines()
    pairs = []
    for path in sorted(HELD_OUT.glob("*.ulaw")):
        line = lines[int(path.stem.split("-")[0])]
        assert not templates.yields(line)
        heard = await ears.transcribe(mulaw_to_pcm16k(path.read_bytes()), language="en-US")
        pairs.append((line, heard.text))
    errors = corpus_word_errors(pairs)
    assert errors.reference_words > 50
    assert errors.rate is not None
    assert errors.rate <= 0.25


@pytest.mark.parametrize("level", [0, 20, 400])
async def test_silence_and_noise_are_no_words(ears: PocketsphinxSpeechToText, level: int) -> None:
    noise = (np.random.default_rng(1).standard_normal(24_000) * level).astype(np.int16)
    found = await ears.transcribe(noise, language="en-US")
    assert (found.text, found.confidence) == ("", None)
    assert found.usage[0].quantity == Decimal("1.5")


async def test_knows_english_only(ears: PocketsphinxSpeechToText) -> None:
    with pytest.raises(SpeechError, match="English only"):
        await ears.transcribe(some_clip(), language="es-US")


async def test_the_loop_runs_on_while_it_decodes(ears: PocketsphinxSpeechToText) -> None:
    job = asyncio.ensure_future(ears.transcribe(some_clip(), language="en-US"))
    turns = 0
    while not job.done():
        turns += 1
        await asyncio.sleep(0.001)
    assert turns > 10


async def test_a_killed_process_is_replaced_and_the_utterance_heard(cache_dir: Path) -> None:
    known = set(decoders())
    engine = PocketsphinxSpeechToText(processes=2, cache_dir=cache_dir, deadline_s=60)
    await engine.warm_up()
    before = set(decoders()) - known
    assert len(before) == 2
    wanted = await engine.transcribe(some_clip(), language="en-US")
    jobs = [engine.transcribe(some_clip(), language="en-US") for _ in range(3)]
    for process in before:
        process.kill()
    assert [found.text for found in await asyncio.gather(*jobs)] == [wanted.text] * 3
    assert "2 processes" in await engine.probe()
    after = set(decoders()) - known
    assert after
    assert not before & after
    await engine.close()


async def test_a_process_that_hangs_ends_in_a_deadline_and_is_replaced(cache_dir: Path) -> None:
    engine = PocketsphinxSpeechToText(cache_dir=cache_dir, deadline_s=6)
    known = set(decoders())
    await engine.warm_up()
    (process,) = set(decoders()) - known
    process.suspend()
    with pytest.raises(SpeechError, match=r"within 6 s") as late:
        await engine.transcribe(some_clip(), language="en-US")
    assert (late.value.retryable, late.value.code) == (True, "deadline")
    assert (await engine.transcribe(some_clip(), language="en-US")).text
    await engine.close()
    assert not process.is_running()


async def test_closing_ends_a_process_that_hangs(cache_dir: Path) -> None:
    engine = PocketsphinxSpeechToText(cache_dir=cache_dir)
    known = set(decoders())
    await engine.warm_up()
    (process,) = set(decoders()) - known
    process.suspend()
    await engine.close()
    assert not process.is_running()


async def test_before_warm_up_and_after_close_it_refuses(cache_dir: Path) -> None:
    engine = PocketsphinxSpeechToText(cache_dir=cache_dir)
    with pytest.raises(SpeechError, match="warm it up first"):
        await engine.transcribe(some_clip(), language="en-US")
    await engine.warm_up()
    await engine.close()
    await engine.close()
    with pytest.raises(SpeechError, match="warm it up first"):
        await engine.probe()


async def test_a_cache_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    engine = PocketsphinxSpeechToText(cache_dir=tmp_path / "file" / "cache")
    with pytest.raises(SpeechError, match="cannot be written under"):
        await engine.warm_up()


def decoders() -> list[psutil.Process]:
    children = psutil.Process().children()
    return [child for child in children if any("spawn_main" in word for word in child.cmdline())]
