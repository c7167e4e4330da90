"""Text to speech with Piper, over HTTP to a Piper server; nothing of piper runs in this process."""

import asyncio
import io
import wave
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import numpy as np
from numpy.typing import NDArray

from service.domain.errors import SpeechError
from service.voice.audio import TELEPHONE_RATE_HZ, pcm_to_mulaw, resample
from service.voice.engines.piper_server import PiperServer

FIRST_PIECE_MS = 100
PIECE_MS = 200
EDGE_SILENCE_MS = 40
"""Silence left before and after a sentence."""

_BYTES_PER_MS = TELEPHONE_RATE_HZ // 1000
_LOUD_SHARE = 0.01
_QUALITIES = ("high", "medium", "low", "x_low")


class PiperTextToSpeech:
    """One voice, for all calls. Without `base_url` it starts and owns a server of its own."""

    name = "piper"

    def __init__(
        self, voice: Path, *, base_url: str | None = None, deadline_s: float = 15.0
    ) -> None:
        self.voice = voice.stem
        self._base_url = base_url
        self._server = None if base_url else PiperServer(voice)
        self._client = httpx.AsyncClient(timeout=deadline_s, trust_env=False)

    async def warm_up(self) -> None:
        """Start the server if it is ours, and speak once. Raises SpeechError."""
        if self._server is not None:
            await self._server.start()
        await self._speak("Hello.", length_scale=1.0)

    async def synthesize(self, text: str, *, length_scale: float) -> AsyncIterator[bytes]:
        """Speak one sentence as raw 8 kHz mu-law; text with nothing to pronounce gives nothing.

        The server answers with the whole sentence, so the pieces differ in size only: a first
        one of 100 ms, then 200 ms each. Raises SpeechError.
        """
        if not any(letter.isalnum() for letter in text):
            return
        answer = await self._speak(text, length_scale=length_scale)
        mulaw = await asyncio.to_thread(_to_telephone, answer)
        start, end = 0, FIRST_PIECE_MS * _BYTES_PER_MS
        while start < len(mulaw):
            yield mulaw[start:end]
            start, end = end, end + PIECE_MS * _BYTES_PER_MS

    async def probe(self) -> str:
        """Ask the server which voice it holds. Raises SpeechError."""
        answer = await self._request("GET", "/info", None)
        try:
            voice = answer.json()["voice"]
        except (ValueError, LookupError, TypeError) as error:
            raise SpeechError(f"{self._url} is not a Piper server") from error
        return f"{self._url} speaks {voice['language']} as {voice['name']}"

    async def close(self) -> None:
        """Close the connections and end the server if it is ours."""
        await self._client.aclose()
        if self._server is not None:
            await self._server.stop()

    @property
    def _url(self) -> str:
        return self._server.base_url if self._server else self._base_url or ""

    async def _speak(self, text: str, *, length_scale: float) -> bytes:
        body: dict[str, object] = {"text": text, "length_scale": length_scale}
        asked_url = self._url
        try:
            answer = await self._request("POST", "/synthesize", body)
        except SpeechError as error:
            if self._server is None or error.code != "unreachable":
                raise
            await self._server.replace(unreachable_url=asked_url)
            answer = await self._request("POST", "/synthesize", body)
        return answer.content

    async def _request(
        self, method: str, path: str, body: dict[str, object] | None
    ) -> httpx.Response:
        try:
            answer = await self._client.request(method, f"{self._url}{path}", json=body)
            return answer.raise_for_status()
        except httpx.TimeoutException as error:
            raise SpeechError(
                f"Piper at {self._url} did not answer in time", retryable=True, code="deadline"
            ) from error
        except httpx.HTTPStatusError as error:
            status = error.response.status_code
            raise SpeechError(
                f"Piper at {self._url} answered {status}",
                retryable=status >= httpx.codes.INTERNAL_SERVER_ERROR,
                code=status,
            ) from error
        except (httpx.TransportError, httpx.UnsupportedProtocol) as error:
            raise SpeechError(
                f"nothing answers at {self._url}", retryable=True, code="unreachable"
            ) from error


def find_voice(*, name: str, models_dir: Path, voices_dir: Path) -> Path:
    """Return the `.onnx` file of a voice; `auto` is the best pulled voice, else the shipped one.

    Better is the higher quality in the file's name (high, medium, low, x_low), then the alphabet.
    A voice needs its `.onnx.json` beside it. Raises SpeechError naming the voices there are.
    """
    pulled, shipped = _voices(models_dir / "piper"), _voices(voices_dir)
    if name == "auto":
        found = pulled[:1] or shipped[:1]
    else:
        found = [voice for voice in (*pulled, *shipped) if voice.stem == name]
    if not found:
        there = ", ".join(voice.stem for voice in (*pulled, *shipped)) or "none"
        raise SpeechError(f"there is no Piper voice {name}; voices here: {there}")
    return found[0]


def _voices(folder: Path) -> list[Path]:
    complete = (path for path in folder.glob("*.onnx") if Path(f"{path}.json").is_file())
    return sorted(complete, key=lambda path: (_quality(path), path.name))


def _quality(path: Path) -> int:
    suffix = path.stem.rpartition("-")[2]
    return _QUALITIES.index(suffix) if suffix in _QUALITIES else len(_QUALITIES)


def _to_telephone(wav: bytes) -> bytes:
    """Turn a WAV answer into trimmed 8 kHz mu-law. Raises SpeechError when it is no mono WAV."""
    try:
        with wave.open(io.BytesIO(wav)) as file:
            rate_hz, shape = file.getframerate(), (file.getnchannels(), file.getsampwidth())
            pcm = np.frombuffer(file.readframes(file.getnframes()), np.int16)
    except (wave.Error, EOFError, ValueError) as error:
        raise SpeechError("Piper answered something that is not a WAV file") from error
    if shape != (1, 2):
        raise SpeechError("Piper answered audio that is not 16-bit mono")
    narrow = resample(pcm, from_hz=rate_hz, to_hz=TELEPHONE_RATE_HZ)
    return pcm_to_mulaw(trim_silence(narrow), TELEPHONE_RATE_HZ)


def trim_silence(pcm: NDArray[np.int16]) -> NDArray[np.int16]:
    """Cut leading and trailing silence of 8 kHz samples, shape (n,), down to 40 ms each.

    Silent is below a hundredth of the loudest sample.
    """
    level = np.abs(pcm.astype(np.int32))
    loud = np.flatnonzero(level > max(1, int(level.max(initial=0) * _LOUD_SHARE)))
    if not loud.size:
        return pcm[:0]
    edge = EDGE_SILENCE_MS * _BYTES_PER_MS
    return pcm[max(0, loud[0] - edge) : loud[-1] + 1 + edge]
