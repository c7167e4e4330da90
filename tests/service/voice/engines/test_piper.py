"""Piper in its own process: speech, errors, restarts and endings."""

import asyncio
import io
import wave
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import numpy as np
import psutil
import pytest
import pytest_asyncio

from service.domain.errors import SpeechError
from service.voice.audio import mulaw_to_pcm16k
from service.voice.engines.piper import PiperTextToSpeech, find_voice, trim_silence
from service.voice.engines.piper_server import PiperServer

pytestmark = pytest.mark.asyncio(loop_scope="module")
ROOT = Path(__file__).resolve().parents[4]
VOICE = ROOT / "data" / "voices" / "en_US-espeakdistil-x_low.onnx"
SENTENCE = "Great, I can set that up for you on Thursday afternoon."


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def server() -> AsyncIterator[PiperServer]:
    piper = PiperServer(VOICE)
    await piper.start()
    yield piper
    await piper.stop()


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def mouth(server: PiperServer) -> AsyncIterator[PiperTextToSpeech]:
    engine = PiperTextToSpeech(VOICE, base_url=server.base_url)
    await engine.warm_up()
    yield engine
    await engine.close()


async def pieces(mouth: PiperTextToSpeech, text: str, length_scale: float = 1.0) -> list[bytes]:
    return [piece async for piece in mouth.synthesize(text, length_scale=length_scale)]


async def test_speaks_in_pieces_the_first_one_short(mouth: PiperTextToSpeech) -> None:
    made = await pieces(mouth, SENTENCE)
    assert len(made[0]) == 800
    assert {len(piece) for piece in made[1:-1]} == {1_600}
    assert 16_000 < sum(map(len, made)) < 48_000


async def test_little_silence_is_left_at_the_edges(mouth: PiperTextToSpeech) -> None:
    level = np.abs(mulaw_to_pcm16k(b"".join(await pieces(mouth, SENTENCE))).astype(int))
    loud = np.flatnonzero(level > level.max() * 0.02)
    assert loud[0] / 16 <= 80
    assert (level.size - loud[-1]) / 16 <= 80


async def test_length_scale_slows_speech_down(mouth: PiperTextToSpeech) -> None:
    normal, slow = await pieces(mouth, SENTENCE), await pieces(mouth, SENTENCE, 1.5)
    assert 1.3 < sum(map(len, slow)) / sum(map(len, normal)) < 1.7


@pytest.mark.parametrize("text", ["", "  ", "...", "\N{WAVING HAND SIGN}!"])
async def test_nothing_to_pronounce_is_no_audio(mouth: PiperTextToSpeech, text: str) -> None:
    assert await pieces(mouth, text) == []


async def test_calls_may_speak_at_the_same_time(mouth: PiperTextToSpeech) -> None:
    alone = await pieces(mouth, SENTENCE)
    together = await asyncio.gather(*(pieces(mouth, SENTENCE) for _ in range(3)))
    assert together == [alone] * 3


async def test_probe_names_server_and_voice(mouth: PiperTextToSpeech, server: PiperServer) -> None:
    assert await mouth.probe() == f"{server.base_url} speaks en-us as {VOICE.stem}"
    assert (mouth.name, mouth.voice) == ("piper", VOICE.stem)


async def test_a_killed_server_is_replaced_once_for_all_callers() -> None:
    mouth = PiperTextToSpeech(VOICE)
    await mouth.warm_up()
    wanted = await pieces(mouth, SENTENCE)
    (before,) = piper_processes()
    before.kill()
    together = await asyncio.gather(*(pieces(mouth, SENTENCE) for _ in range(3)))
    assert together == [wanted] * 3
    (after,) = piper_processes()
    assert after != before
    await mouth.close()
    assert piper_processes() == []


async def test_nobody_at_a_given_address() -> None:
    mouth = PiperTextToSpeech(VOICE, base_url="http://127.0.0.1:9")
    with pytest.raises(SpeechError, match=r"nothing answers at http://127\.0\.0\.1:9") as error:
        await mouth.warm_up()
    assert (error.value.retryable, error.value.code) == (True, "unreachable")
    with pytest.raises(SpeechError, match="nothing answers"):
        await mouth.probe()
    await mouth.close()


@pytest.mark.parametrize("voice", ["missing.onnx", "garbage.onnx"])
async def test_a_voice_that_cannot_be_loaded(tmp_path: Path, voice: str) -> None:
    (tmp_path / "garbage.onnx").write_bytes(b"no voice")
    (tmp_path / "garbage.onnx.json").write_text("{}")
    mouth = PiperTextToSpeech(tmp_path / voice)
    with pytest.raises(SpeechError, match=f"{voice}"):
        await mouth.warm_up()
    await mouth.close()


def wav(rate_hz: int = 16_000, channels: int = 1, frames: bytes = b"\x00\x10" * 1600) -> bytes:
    with io.BytesIO() as memory:
        with wave.open(memory, "wb") as file:
            file.setnchannels(channels)
            file.setsampwidth(2)
            file.setframerate(rate_hz)
            file.writeframes(frames)
        return memory.getvalue()


@asynccontextmanager
async def odd_server(answer: bytes) -> AsyncIterator[str]:
    """A server that gives the same answer to everything; an empty one is no answer at all."""
    stopped = asyncio.Event()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        if answer:
            writer.write(answer)
            await writer.drain()
        else:
            await stopped.wait()
        writer.close()
        await writer.wait_closed()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    try:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    finally:
        stopped.set()
        server.close()
        await server.wait_closed()


def ok(body: bytes) -> bytes:
    return b"HTTP/1.0 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (len(body), body)


@pytest.mark.parametrize(
    ("answer", "message", "retryable", "code"),
    [
        (b"HTTP/1.0 500 Oh\r\nContent-Length: 0\r\n\r\n", "answered 500", True, 500),
        (b"HTTP/1.0 404 No\r\nContent-Length: 0\r\n\r\n", "answered 404", False, 404),
        (ok(b"no wave"), "not a WAV file", False, None),
        (ok(wav(channels=2)), "not 16-bit mono", False, None),
        (ok(wav())[:-200], "nothing answers", True, "unreachable"),
        (b"", "did not answer in time", True, "deadline"),
    ],
)
async def test_a_server_that_misbehaves(
    answer: bytes, message: str, retryable: bool, code: int | str | None
) -> None:
    async with odd_server(answer) as url:
        mouth = PiperTextToSpeech(VOICE, base_url=url, deadline_s=0.5)
        with pytest.raises(SpeechError, match=message) as error:
            await pieces(mouth, SENTENCE)
        await mouth.close()
    assert (error.value.retryable, error.value.code) == (retryable, code)


async def test_probe_tells_a_stranger_from_piper() -> None:
    async with odd_server(ok(b"hello")) as url:
        mouth = PiperTextToSpeech(VOICE, base_url=url)
        with pytest.raises(SpeechError, match="is not a Piper server"):
            await mouth.probe()
        await mouth.close()


async def test_voices_of_other_rates_are_resampled() -> None:
    async with odd_server(ok(wav(rate_hz=22_050, frames=b"\x00\x10" * 22_050))) as url:
        mouth = PiperTextToSpeech(VOICE, base_url=url)
        made = await pieces(mouth, SENTENCE)
        await mouth.close()
    assert abs(sum(map(len, made)) - 8_000) <= 2


@pytest.mark.parametrize(
    ("name", "pulled", "best"),
    [
        ("auto", [], "en_US-shipped-x_low"),
        ("auto", ["en_US-ryan-low", "en_US-lessac-medium"], "en_US-lessac-medium"),
        ("auto", ["en_US-lessac-medium", "en_US-lessac-high"], "en_US-lessac-high"),
        ("en_US-shipped-x_low", ["en_US-lessac-medium"], "en_US-shipped-x_low"),
        ("en_US-ryan-low", ["en_US-ryan-low", "en_US-lessac-medium"], "en_US-ryan-low"),
    ],
)
async def test_finds_a_voice(
    tmp_path: Path, add_voice: Callable[[Path], None], name: str, pulled: list[str], best: str
) -> None:
    add_voice(tmp_path / "shipped" / "en_US-shipped-x_low.onnx")
    for voice in pulled:
        add_voice(tmp_path / "models" / "piper" / f"{voice}.onnx")
    found = find_voice(name=name, models_dir=tmp_path / "models", voices_dir=tmp_path / "shipped")
    assert found.stem == best


async def test_an_unknown_voice_and_one_without_its_json(
    tmp_path: Path, add_voice: Callable[[Path], None]
) -> None:
    add_voice(tmp_path / "piper" / "en_US-ryan-low.onnx")
    (tmp_path / "piper" / "en_US-half-high.onnx").touch()
    with pytest.raises(SpeechError, match="no Piper voice amy; voices here: en_US-ryan-low"):
        find_voice(name="amy", models_dir=tmp_path, voices_dir=tmp_path / "none")
    assert find_voice(name="auto", models_dir=tmp_path, voices_dir=tmp_path).stem.endswith("-low")


@pytest.fixture
def add_voice() -> Callable[[Path], None]:
    def add(path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
        Path(f"{path}.json").touch()

    return add


async def test_trimming_keeps_40_ms_and_everything_loud() -> None:
    sound = np.full(800, 5_000, np.int16)
    silence = np.zeros(4_000, np.int16)
    trimmed = trim_silence(np.concatenate([silence, sound, silence, sound, silence]))
    assert trimmed.size == 320 + 800 + 4_000 + 800 + 320
    assert trim_silence(silence).size == 0
    assert trim_silence(sound).size == 800


def piper_processes() -> list[psutil.Process]:
    """Our Piper children, without the one that this module's fixtures share."""
    children = psutil.Process().children()
    found = [child for child in children if "piper.http_server" in " ".join(child.cmdline())]
    return sorted(found, key=lambda child: child.create_time())[1:]
