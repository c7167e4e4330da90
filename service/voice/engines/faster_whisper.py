"""Speech to text with faster-whisper: one model, loaded once, shared by all calls of a process.

CTranslate2 computes outside the GIL, so a thread is enough.
"""

import asyncio
import os
import re
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, NamedTuple

import ctranslate2
import numpy as np
import structlog
from faster_whisper import WhisperModel
from numpy.typing import NDArray

from service.domain.errors import SpeechError
from service.ports.speech import Pcm16k, Transcript
from service.voice.audio import is_silent
from service.voice.engines.admission import Admission
from service.voice.engines.audio_usage import audio_usage

log = structlog.get_logger()

_NEEDED_FILES = ("model.bin", "tokenizer.json")
_COMPUTE_TYPES = {"cpu": "int8", "cuda": "float16"}
_BEAMS = {"cpu": 1, "cuda": 5}
_MAX_CPU_THREADS = 4
_REPETITIVE = 2.4
"""Whisper's own threshold of the gzip ratio above which a text is a loop (openai-whisper)."""

CPU_ORDER = ("small", "base", "tiny", "medium", "large")
CUDA_ORDER = ("large", "medium", "small", "base", "tiny")


class _Loaded(NamedTuple):
    model: Any
    device: str


class FasterWhisperSpeechToText:
    """A Whisper model in `model_dir` (CTranslate2 layout); `device` is auto, cpu or cuda."""

    name = "faster_whisper"

    def __init__(
        self,
        model_dir: Path,
        *,
        device: str = "auto",
        max_waiting: int = 40,
        deadline_s: float = 10.0,
    ) -> None:
        self.model = model_dir.name
        self._model_dir = model_dir
        self._device = device
        self._admission = Admission(places=max_waiting, deadline_s=deadline_s)
        self._threads = ThreadPoolExecutor(1, thread_name_prefix="whisper")
        self._loaded: _Loaded | None = None

    async def warm_up(self) -> None:
        """Load the model and decode a second of noise. Raises SpeechError."""
        loop = asyncio.get_running_loop()
        self._loaded = await loop.run_in_executor(self._threads, self._load)
        log.info("recogniser loaded", model=self.model, device=self._loaded.device)

    async def transcribe(self, audio: Pcm16k, *, language: str) -> Transcript:
        """Recognise one utterance of at most 30 s; silence gives an empty text.

        `confidence` is the geometric mean of the token probabilities. Raises SpeechError.
        """
        loaded = self._ready()
        usage = (audio_usage(audio, provider=self.name, model=self.model),)
        if is_silent(audio):
            return Transcript(text="", usage=usage)
        loop = asyncio.get_running_loop()
        async with self._admission.admit():
            text, confidence = await loop.run_in_executor(
                self._threads, _decode, loaded, audio.astype(np.float32) / 32_768, language
            )
        return Transcript(text=text, confidence=confidence, usage=usage)

    async def probe(self) -> str:
        """Say which model runs where. Raises SpeechError when none is loaded."""
        return f"model {self.model} on {self._ready().device}"

    async def close(self) -> None:
        """Release the model, after the utterance that it decodes now."""
        self._loaded = None
        await asyncio.to_thread(self._threads.shutdown, wait=True, cancel_futures=True)

    def _ready(self) -> _Loaded:
        if self._loaded is None:
            raise SpeechError("the recogniser has no model loaded: warm it up first")
        return self._loaded

    def _load(self) -> _Loaded:
        missing = [name for name in _NEEDED_FILES if not (self._model_dir / name).is_file()]
        if missing:
            raise SpeechError(f"the model {self._model_dir} lacks {', '.join(missing)}")
        if self._device == "cpu" or (self._device == "auto" and not _cuda_devices()):
            return _load_on("cpu", self._model_dir)
        try:
            return _load_on("cuda", self._model_dir)
        except SpeechError as error:
            if self._device == "cuda":
                raise
            log.warning("the GPU cannot be used, the CPU is", reason=str(error))
            return _load_on("cpu", self._model_dir)


def find_whisper_model(models_dir: Path, *, device: str = "auto") -> Path | None:
    """Return the best model under `models_dir`/whisper that serves live calls, or None.

    On a GPU the larger the better: large, medium, small, base, tiny. On a CPU small, base, tiny
    come first, because medium and large answer too late. Equals: the last name in the alphabet
    (`large-v3` before `large-v2`). Folders named after no Whisper size are not taken.
    """
    on_gpu = device == "cuda" or (device == "auto" and _cuda_devices() > 0)
    order = CUDA_ORDER if on_gpu else CPU_ORDER
    whole = (path.parent for path in (models_dir / "whisper").glob("*/model.bin"))
    ranked = [(order.index(size), path) for path in whole if (size := _size(path.name))]
    best = min((rank for rank, _ in ranked), default=None)
    return max((path for rank, path in ranked if rank == best), default=None)


def _size(name: str) -> str | None:
    found = re.search(r"\b(large|medium|small|base|tiny)\b", name)
    return found[1] if found else None


def _cuda_devices() -> int:
    return int(ctranslate2.get_cuda_device_count())


def _load_on(device: str, model_dir: Path) -> _Loaded:
    try:
        model = WhisperModel(
            str(model_dir),
            device=device,
            compute_type=_COMPUTE_TYPES[device],
            cpu_threads=min(_MAX_CPU_THREADS, os.cpu_count() or 1),
        )
    except (RuntimeError, ValueError, OSError) as error:
        raise SpeechError(f"the model {model_dir} cannot be loaded on {device}: {error}") from error
    loaded = _Loaded(model, device)
    noise = np.random.default_rng(0).standard_normal(16_000).astype(np.float32) / 100
    _decode(loaded, noise, "en")
    return loaded


def _decode(
    loaded: _Loaded, audio: NDArray[np.floating[Any]], language: str
) -> tuple[str, float | None]:
    """Decode samples in -1..1. Guards against text made up in silence and against loops.

    No earlier text is given as context, segments that Whisper itself calls no speech and is unsure
    of are dropped (no-speech and log-probability thresholds), and so are repetitive ones.
    """
    try:
        segments, _ = loaded.model.transcribe(
            audio,
            language=language[:2],
            beam_size=_BEAMS[loaded.device],
            temperature=0.0,
            condition_on_previous_text=False,
            no_speech_threshold=0.6,
            log_prob_threshold=-1.0,
            compression_ratio_threshold=_REPETITIVE,
            without_timestamps=True,
            vad_filter=False,
        )
        kept = [each for each in segments if each.compression_ratio <= _REPETITIVE]
    except (RuntimeError, ValueError) as error:
        raise SpeechError(f"faster-whisper failed: {error}", retryable=True) from error
    text = " ".join(each.text.strip() for each in kept).strip()
    if not text:
        return "", None
    return text, float(np.exp(np.mean([each.avg_logprob for each in kept])))
