"""The scripted media socket plays, echoes and clears as the protocol says."""

import asyncio

from service.adapters.memory.clock import ManualClock
from service.adapters.memory.media import PACKET_BYTES, ScriptedMediaSocket
from service.ports.media import AudioReceived, DigitReceived, MarkReached, MediaEnded, MediaEvent


def _drain(media: ScriptedMediaSocket) -> list[MediaEvent]:
    return [media._events.get_nowait() for _ in range(media._events.qsize())]


def _marks(media: ScriptedMediaSocket) -> list[str]:
    return [event.name for event in _drain(media) if isinstance(event, MarkReached)]


async def test_a_mark_with_nothing_queued_comes_back_at_once() -> None:
    async with ScriptedMediaSocket(clock=ManualClock()) as media:
        await media.send_mark("start")
        assert _marks(media) == ["start"]


async def test_audio_plays_in_real_time_and_marks_follow_it() -> None:
    clock = ManualClock()
    async with ScriptedMediaSocket(clock=clock) as media:
        await media.send_audio(b"a" * 800)
        await media.send_mark("one")
        await media.send_audio(b"b" * 400)
        await media.send_mark("two")
        await clock.advance(0.09)
        assert _marks(media) == []
        await clock.advance(0.02)
        assert _marks(media) == ["one"]
        await clock.advance(0.06)
        assert _marks(media) == ["two"]
        assert bytes(media.played) == b"a" * 800 + b"b" * 400


async def test_clear_drops_audio_and_returns_every_mark_in_order() -> None:
    clock = ManualClock()
    async with ScriptedMediaSocket(clock=clock) as media:
        for name in ("one", "two"):
            await media.send_audio(b"a" * 8000)
            await media.send_mark(name)
        await clock.advance(0.1)
        await media.clear()
        assert _marks(media) == ["one", "two"]
        await clock.advance(1.0)
        assert len(media.played) == 800
        assert [message.kind for message in media.sent][-1] == "clear"


async def test_the_caller_is_sent_in_packets_with_silence_around() -> None:
    clock = ManualClock()
    async with ScriptedMediaSocket(clock=clock) as media:
        media.say(b"x" * (PACKET_BYTES + 10))
        media.press("5")
        await clock.advance(0.06)
        digit, *packets = _drain(media)
    assert digit == DigitReceived("5")
    assert [packet.at_ms for packet in packets if isinstance(packet, AudioReceived)] == [0, 20, 40]
    heard = b"".join(packet.mulaw for packet in packets if isinstance(packet, AudioReceived))
    assert heard == (b"x" * (PACKET_BYTES + 10)).ljust(3 * PACKET_BYTES, b"\xff")


async def test_after_hanging_up_nothing_is_sent_or_echoed() -> None:
    clock = ManualClock()
    async with ScriptedMediaSocket(clock=clock) as media:
        await media.send_audio(b"a" * 160)
        await media.send_mark("one")
        media.hang_up(clean=False)
        await media.send_mark("two")
        await media.clear()
        await clock.advance(0.1)
        async with asyncio.timeout(1):
            events = [event async for event in media.events()]
    assert events == [MediaEnded(clean=False)]
    assert [message.name for message in media.sent] == ["", "one"]
