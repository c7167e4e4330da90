"""ScriptedMediaSocket: a media stream in memory, with the far end's playback clock.

The far end keeps one queue of audio and marks, plays 8 bytes per millisecond, echoes a mark when
everything before it was played, at once when nothing is queued, and all of them on `clear`
(PROTOCOLS 2.3). It sends the caller's audio in packets of 20 ms, silence included.
"""

import asyncio
from collections import deque
from collections.abc import AsyncIterator
from types import TracebackType
from typing import Literal, Self

import msgspec

from service.ports.clock import Clock
from service.ports.media import (
    AudioReceived,
    DigitReceived,
    MarkReached,
    MediaEnded,
    MediaEvent,
)

PACKET_MS = 20
PACKET_BYTES = 8 * PACKET_MS
SILENCE = b"\xff"


class Sent(msgspec.Struct, frozen=True, kw_only=True):
    """One message from our side: when it came (ms since stream start), and what it held."""

    kind: Literal["audio", "mark", "clear", "close"]
    at_ms: int
    name: str = ""
    mulaw: bytes = b""


class ScriptedMediaSocket:
    """Both ends of a stream: the port for our side, `say`, `press`, `hang_up` for the caller's.

    Use it as an async context manager: it owns the task that is the far end's clock.
    """

    def __init__(self, *, clock: Clock) -> None:
        self._clock = clock
        self._started_at_s = clock.monotonic()
        self._events: asyncio.Queue[MediaEvent] = asyncio.Queue()
        self._saying = bytearray()
        self._queue: deque[bytes | str] = deque()
        self._ended = False
        self._far_end: asyncio.Task[None] | None = None
        self.sent: list[Sent] = []
        self.played = bytearray()
        """What the caller has heard: audio as it was played, without the silence between."""

    async def __aenter__(self) -> Self:
        self._far_end = asyncio.create_task(self._run_far_end())
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        assert self._far_end is not None
        self._far_end.cancel()
        await asyncio.wait([self._far_end])

    @property
    def now_ms(self) -> int:
        """Milliseconds since the stream started."""
        return round((self._clock.monotonic() - self._started_at_s) * 1000)

    def say(self, mulaw: bytes) -> None:
        """The caller speaks: sent in real time, after what is being said already."""
        self._saying += mulaw

    def press(self, digit: str) -> None:
        """The caller presses a key."""
        self._put(DigitReceived(digit))

    def hang_up(self, *, clean: bool = True) -> None:
        """The caller hangs up, or the socket breaks; pending marks are not echoed."""
        self._put(MediaEnded(clean=clean))
        self._ended = True

    async def events(self) -> AsyncIterator[MediaEvent]:
        """Yield what the far end sends, ending with MediaEnded."""
        while True:
            event = await self._events.get()
            yield event
            if isinstance(event, MediaEnded):
                return

    async def send_audio(self, mulaw: bytes) -> None:
        """Queue audio at the far end."""
        if not self._ended:
            self.sent.append(Sent(kind="audio", at_ms=self.now_ms, mulaw=mulaw))
            self._queue.append(mulaw)

    async def send_mark(self, name: str) -> None:
        """Queue a mark; it comes back at once when nothing is queued before it."""
        if not self._ended:
            self.sent.append(Sent(kind="mark", at_ms=self.now_ms, name=name))
            self._queue.append(name)
            self._echo_marks_in_front()

    async def clear(self) -> None:
        """Drop all queued audio; every pending mark comes back now."""
        if not self._ended:
            self.sent.append(Sent(kind="clear", at_ms=self.now_ms))
            self._queue = deque(item for item in self._queue if isinstance(item, str))
            self._echo_marks_in_front()

    async def close(self) -> None:
        """Close the stream from our side."""
        if not self._ended:
            self.sent.append(Sent(kind="close", at_ms=self.now_ms))
            self.hang_up()

    async def _run_far_end(self) -> None:
        packets = 0
        while not self._ended:
            packets += 1
            due_at_s = self._started_at_s + packets * PACKET_MS / 1000
            await self._clock.sleep(max(0.0, due_at_s - self._clock.monotonic()))
            self._play(PACKET_BYTES)
            packet = bytes(self._saying[:PACKET_BYTES])
            del self._saying[:PACKET_BYTES]
            mulaw = packet.ljust(PACKET_BYTES, SILENCE)
            self._put(AudioReceived(mulaw, (packets - 1) * PACKET_MS))

    def _play(self, budget: int) -> None:
        while budget and self._queue:
            audio = self._queue.popleft()
            assert isinstance(audio, bytes)
            self.played += audio[:budget]
            if len(audio) > budget:
                self._queue.appendleft(audio[budget:])
            budget -= min(budget, len(audio))
            self._echo_marks_in_front()

    def _echo_marks_in_front(self) -> None:
        while self._queue and isinstance(self._queue[0], str):
            name = self._queue.popleft()
            assert isinstance(name, str)
            self._put(MarkReached(name))

    def _put(self, event: MediaEvent) -> None:
        if not self._ended:
            self._events.put_nowait(event)
