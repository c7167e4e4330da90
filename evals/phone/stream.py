"""One bidirectional Media Stream as the caller lives through it.

Every 20 ms of an absolute clock it plays what is due to the person on the line, lets them live
through it, and sends what they said; in between it takes the server's orders.
"""

import asyncio
import contextlib
from enum import StrEnum

import websockets

from evals.callers.g711 import FRAME_SAMPLES, SAMPLE_RATE_HZ, SAMPLES_PER_MS, SILENT_FRAME
from evals.callers.person import Person
from evals.phone import messages
from evals.phone.calls import PhoneCall
from evals.phone.messages import InvalidMessage
from evals.phone.playback import PlaybackBuffer
from evals.phone.wire import StreamWire

_PROTOCOL_ERRORS = {1002, 1007}


class StreamEnd(StrEnum):
    """Why a stream ended."""

    CALL_OVER = "call over"
    SERVER_CLOSED = "server closed"
    BROKEN = "broken"


class MediaStream:
    """Joins the person on a call to a server; the call's clock is theirs and the buffer's."""

    def __init__(self, wire: StreamWire, *, call: PhoneCall, person: Person) -> None:
        self._wire = wire
        self._call = call
        self._person = person
        self._start = self._now()
        self._playback = PlaybackBuffer(start=self._start)
        self._warned: set[int] = set()

    async def run(self, parameters: dict[str, str]) -> StreamEnd:
        """Hold the stream until the call is over, the server closes it, or the socket breaks.

        Of a break, Twilio's error is the call's last warning.
        """
        self._call.playbacks.append(self._playback)
        async with self._wire.socket, asyncio.TaskGroup() as tasks:
            pace = tasks.create_task(self._pace(parameters))
            broken = await self._obey()
            pace.cancel()
        self._keep_rest()
        if self._call.over.is_set():
            return StreamEnd.CALL_OVER
        if broken is None:
            return StreamEnd.SERVER_CLOSED
        self._call.warn(*broken)
        return StreamEnd.BROKEN

    async def _pace(self, parameters: dict[str, str]) -> None:
        """Send a frame every 20 ms, late ones at once, until the call is over; then stop."""
        with contextlib.suppress(websockets.ConnectionClosed):
            await self._wire.start(parameters)
            frame_end = self._start
            while not self._call.over.is_set():
                frame_end += FRAME_SAMPLES
                wait_s = frame_end / SAMPLE_RATE_HZ - self._call.elapsed_s()
                await asyncio.sleep(max(0.0, wait_s))
                await self._frame(frame_end)
            await self._wire.stop()

    async def _frame(self, frame_end: int) -> None:
        await self._wire.marks(self._playback.advance(max(self._now(), frame_end)))
        heard = self._playback.take(FRAME_SAMPLES)
        act = self._person.tick(
            now_ms=frame_end // SAMPLES_PER_MS,
            heard=heard,
            agent_playing=self._playback.is_playing,
        )
        said = act.audio or SILENT_FRAME
        began = frame_end - FRAME_SAMPLES
        self._call.record(heard=heard, said=said, at=began)
        await self._wire.media(said, timestamp_ms=(began - self._start) // SAMPLES_PER_MS)
        if act.digit is not None:
            self._call.digits += act.digit
            await self._wire.digit(act.digit)
        if act.hang_up:
            self._call.end("caller")

    def _keep_rest(self) -> None:
        """Record what was still heard of a frame that the end of the stream cut short."""
        rest = self._playback.take(FRAME_SAMPLES)
        at = self._playback.now - len(rest)
        self._call.record(heard=rest, said=SILENT_FRAME[: len(rest)], at=at)

    async def _obey(self) -> tuple[int, str] | None:
        """Follow the server's orders until the socket closes; return Twilio's error if it broke."""
        try:
            async for message in self._wire.socket:
                await self._follow(message)
        except websockets.ConnectionClosedError as error:
            if error.sent is not None and error.sent.code in _PROTOCOL_ERRORS:
                return 31924, f"the server broke the websocket protocol: {error}"
            if error.rcvd is None:
                return 31903, "the server broke the socket"
        return None

    async def _follow(self, message: str | bytes) -> None:
        if isinstance(message, bytes):
            self._warn_once(31950, "a binary frame")
            return
        try:
            reached = self._take(messages.decode_order(message, stream_sid=self._wire.stream_sid))
        except InvalidMessage as error:
            self._warn_once(31951, str(error))
            return
        with contextlib.suppress(websockets.ConnectionClosed):
            await self._wire.marks(reached)

    def _take(self, order: messages.Order) -> list[str]:
        now = self._now()
        if isinstance(order, messages.PlayAudio):
            return self._playback.push_audio(now, order.mulaw)
        if isinstance(order, messages.PlaceMark):
            return self._playback.push_mark(now, order.mark.name)
        return self._playback.clear(now)

    def _warn_once(self, code: int, message: str) -> None:
        if code not in self._warned:
            self._warned.add(code)
            self._call.warn(code, message)

    def _now(self) -> int:
        return int(self._call.elapsed_s() * SAMPLE_RATE_HZ)
