"""The media socket of a call: 8 kHz mu-law audio both ways, playback marks, keypad digits."""

from collections.abc import AsyncIterator
from typing import Protocol

import msgspec


class AudioReceived(msgspec.Struct, frozen=True):
    """Audio from the caller: raw 8 kHz mono mu-law, any length. `at_ms` is since stream start."""

    mulaw: bytes
    at_ms: int


class DigitReceived(msgspec.Struct, frozen=True):
    """The caller pressed a key: 0-9, *, # or A-D."""

    digit: str


class MarkReached(msgspec.Struct, frozen=True):
    """Everything sent before the mark was played, or dropped by `clear`, or nothing was queued."""

    name: str


class MediaEnded(msgspec.Struct, frozen=True):
    """The stream is over; no event follows. `clean` is False when the socket broke."""

    clean: bool = True


MediaEvent = AudioReceived | DigitReceived | MarkReached | MediaEnded


class TextSocket(Protocol):
    """A raw websocket that carries text frames, as the web server gives it."""

    async def receive_text(self) -> str | None:
        """The next text frame; None when the peer closed or broke the socket.

        Raises ProtocolViolation for a binary frame; the socket stays usable.
        """
        ...

    async def send_text(self, text: str) -> None:
        """Send a text frame; silently dropped once the socket is closed."""
        ...

    async def close(self) -> None:
        """Close it; closing twice is no error."""
        ...


class MediaSocket(Protocol):
    """A started, authenticated stream. Sending after the end is silently dropped."""

    def events(self) -> AsyncIterator[MediaEvent]:
        """Yield events in order, ending with one MediaEnded."""
        ...

    async def send_audio(self, mulaw: bytes) -> None:
        """Queue raw 8 kHz mu-law at the far end, which plays it in real time, in order."""
        ...

    async def send_mark(self, name: str) -> None:
        """Ask to be told (MarkReached) when everything queued so far has been played."""
        ...

    async def clear(self) -> None:
        """Drop everything queued; pending marks come back at once, so they do not mean `heard`."""
        ...

    async def close(self) -> None:
        """Close the stream from our side."""
        ...
