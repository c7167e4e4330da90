"""The media websocket over a real server: refused unsigned, text both ways, closed once."""

import asyncio
import logging
from collections.abc import Awaitable, Callable

import pytest
import structlog
import websockets
from websockets.asyncio.client import ClientConnection
from websockets.exceptions import ConnectionClosed, InvalidStatus

from service.domain.errors import ProtocolViolation
from service.ports.media import TextSocket
from tests.service.web.office import PUBLIC_URL, WORKER_URL, Office, served, sign

WITHIN_S = 10


def _signed(base: str = WORKER_URL) -> dict[str, str]:
    return {"x-twilio-signature": sign("wss" + base.removeprefix("https") + "/twilio/media")}


async def _with_stream(
    stream: Callable[[TextSocket], Awaitable[None]],
    act: Callable[[ClientConnection], Awaitable[None]],
) -> None:
    async with asyncio.timeout(WITHIN_S), served(Office(stream=stream).app()) as address:
        url = f"ws://{address}/twilio/media"
        async with websockets.connect(url, additional_headers=_signed()) as peer:
            await act(peer)


@pytest.mark.parametrize("base", [WORKER_URL, PUBLIC_URL])
async def test_text_goes_both_ways_and_the_end_is_a_clean_close(base: str) -> None:
    async def echo(socket: TextSocket) -> None:
        while (text := await socket.receive_text()) is not None:
            await socket.send_text(text.upper())
            if text == "bye":
                return

    async with asyncio.timeout(WITHIN_S), served(Office(stream=echo).app()) as address:
        url = f"ws://{address}/twilio/media"
        async with websockets.connect(url, additional_headers=_signed(base)) as peer:
            for text in ("hello", "ünïcode", "bye"):
                await peer.send(text)
                assert await peer.recv() == text.upper()
            with pytest.raises(ConnectionClosed):
                await peer.recv()
            assert peer.close_code == 1000


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"x-twilio-signature": "forged"},
        {"x-twilio-signature": sign(WORKER_URL + "/twilio/media")},
        {"x-twilio-signature": sign("wss://other.example.com/twilio/media")},
    ],
)
async def test_an_unsigned_upgrade_is_refused_before_it_is_accepted(
    headers: dict[str, str],
) -> None:
    reached: list[TextSocket] = []

    async def stream(socket: TextSocket) -> None:
        reached.append(socket)

    async with asyncio.timeout(WITHIN_S), served(Office(stream=stream).app()) as address:
        with pytest.raises(InvalidStatus) as refused:
            await websockets.connect(f"ws://{address}/twilio/media", additional_headers=headers)
    assert refused.value.response.status_code == 403
    assert reached == []


async def test_a_binary_frame_is_a_violation_and_the_socket_stays_usable() -> None:
    async def stream(socket: TextSocket) -> None:
        with pytest.raises(ProtocolViolation):
            await socket.receive_text()
        text = await socket.receive_text()
        await socket.send_text(f"after: {text}")

    async def act(peer: ClientConnection) -> None:
        await peer.send(b"\x00\x01")
        await peer.send("text")
        assert await peer.recv() == "after: text"

    await _with_stream(stream, act)


async def test_a_peer_that_vanishes_ends_the_stream_and_sending_is_dropped() -> None:
    seen: list[str | None] = []
    over = asyncio.Event()

    async def stream(socket: TextSocket) -> None:
        seen.append(await socket.receive_text())
        seen.append(await socket.receive_text())
        await socket.send_text("nobody hears this")
        seen.append(await socket.receive_text())
        await socket.close()
        await socket.close()
        over.set()

    async def act(peer: ClientConnection) -> None:
        await peer.send("first")
        peer.transport.abort()
        await over.wait()

    await _with_stream(stream, act)
    assert seen == ["first", None, None]


async def test_sending_into_a_broken_socket_is_dropped() -> None:
    over = asyncio.Event()

    async def stream(socket: TextSocket) -> None:
        await socket.receive_text()
        for _ in range(200):
            await socket.send_text("x" * 1000)
            await asyncio.sleep(0)
        over.set()

    async def act(peer: ClientConnection) -> None:
        await peer.send("go")
        peer.transport.abort()
        await over.wait()

    await _with_stream(stream, act)


async def test_a_stream_that_breaks_closes_the_socket() -> None:
    async def stream(socket: TextSocket) -> None:
        await socket.receive_text()
        raise RuntimeError("a bug in the session")

    async def act(peer: ClientConnection) -> None:
        await peer.send("go")
        with pytest.raises(ConnectionClosed):
            await peer.recv()
        assert peer.close_code == 4500
        assert "bug" not in (peer.close_reason or "")

    with structlog.testing.capture_logs() as lines:
        await _with_stream(stream, act)
    assert [line["event"] for line in lines if line["log_level"] == "error"] == ["request broke"]


async def test_a_stream_that_breaks_after_its_peer_left_is_logged_once(
    caplog: pytest.LogCaptureFixture,
) -> None:
    over = asyncio.Event()

    async def stream(socket: TextSocket) -> None:
        await socket.receive_text()
        over.set()
        raise RuntimeError("a bug in the session")

    async def act(peer: ClientConnection) -> None:
        peer.transport.abort()
        await over.wait()

    with structlog.testing.capture_logs() as lines:
        await _with_stream(stream, act)
    assert [line["event"] for line in lines if line["log_level"] == "error"] == ["request broke"]
    assert [record for record in caplog.records if record.levelno >= logging.WARNING] == []
