"""Speech engines, shared by all calls: words from audio, audio from words."""

from collections.abc import AsyncIterator
from typing import Protocol

import msgspec
import numpy as np
from numpy.typing import NDArray

from service.domain.money import Usage

Pcm16k = NDArray[np.int16]
"""Mono 16-bit samples at 16 kHz, shape (n,): the one audio format inside the house."""


class Transcript(msgspec.Struct, frozen=True, kw_only=True):
    """What was said; empty when nothing was. `confidence` is in 0..1, None if unknown."""

    text: str
    confidence: float | None = None
    usage: tuple[Usage, ...] = ()


class SpeechToText(Protocol):
    """A recogniser. `name` is its name in the registry, `model` the model it serves."""

    name: str
    model: str

    async def warm_up(self) -> None:
        """Load the model and run it once. Raises SpeechError."""
        ...

    async def transcribe(self, audio: Pcm16k, *, language: str) -> Transcript:
        """Recognise one utterance, off the event loop. Raises SpeechError; cancelling is safe."""
        ...

    async def probe(self) -> str:
        """Say that it can work, cheaply. Raises SpeechError."""
        ...

    async def close(self) -> None:
        """Release the model and its processes."""
        ...


class TextToSpeech(Protocol):
    """A voice. `name` is its name in the registry, `voice` the voice it speaks with."""

    name: str
    voice: str

    async def warm_up(self) -> None:
        """Load the voice and speak once. Raises SpeechError."""
        ...

    def synthesize(self, text: str, *, length_scale: float) -> AsyncIterator[bytes]:
        """Speak one sentence: raw 8 kHz mu-law, in pieces as made. Raises SpeechError."""
        ...

    async def probe(self) -> str:
        """Say that it can work, cheaply. Raises SpeechError."""
        ...

    async def close(self) -> None:
        """Release the voice and its process."""
        ...
