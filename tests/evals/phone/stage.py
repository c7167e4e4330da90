"""A small service for the network to talk with: records webhooks, answers TwiML, holds streams."""

import asyncio
import base64
import json
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from concurrent.futures import Future
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs

import httpx
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route, WebSocketRoute
from starlette.websockets import WebSocket, WebSocketDisconnect, WebSocketState

from evals.callers.g711 import FRAME_MS
from evals.callers.person import Act, Answering, HeardSpeech, SpokenLine
from evals.phone.calls import PhoneCall
from evals.phone.flow import Timing
from evals.phone.network import PhoneNetwork, SignalFreeServer

SID = "AC" + "0" * 32
TOKEN = "a-token"
OURS = "+15550100000"
THEIRS = "+15551230999"
FAST = Timing(calls_per_second=200.0, setup_ms=5, ring_ms=10, amd_human_ms=30, amd_machine_ms=40)

LOUD = b"\x00" * 160
QUIET = b"\xff" * 160


class DeafEars:
    """Makes nothing out."""

    def recognise(self, mulaw: bytes) -> Future[str]:
        future: Future[str] = Future()
        future.set_result("")
        return future


@dataclass
class ScriptedPerson:
    """Says `frames` one by one and hangs up when `hangs_up_after` frames have gone by."""

    frames: list[bytes] = field(default_factory=list)
    digits: dict[int, str] = field(default_factory=dict)
    hangs_up_after: int | None = None
    answering: Answering = Answering.HUMAN
    greeting_ends_at_ms: int | None = None
    spoken: list[SpokenLine] = field(default_factory=list)
    heard: list[HeardSpeech] = field(default_factory=list)
    ear: bytearray = field(default_factory=bytearray)
    ticks: list[int] = field(default_factory=list)
    left_at_ms: int | None = None

    def tick(self, *, now_ms: int, heard: bytes, agent_playing: bool) -> Act:
        index = len(self.ticks)
        self.ticks.append(now_ms)
        self.ear += heard
        audio = self.frames[index] if index < len(self.frames) else b""
        hang_up = self.hangs_up_after is not None and index + 1 >= self.hangs_up_after
        return Act(audio=audio, digit=self.digits.get(index), hang_up=hang_up)

    def leave(self, *, now_ms: int) -> None:
        self.left_at_ms = now_ms

    def says(self, start_frame: int, frames: int, *, text: str = "hello") -> "ScriptedPerson":
        """Be loud for `frames` frames from `start_frame` of the stream."""
        self.frames += [QUIET] * (start_frame - len(self.frames)) + [LOUD] * frames
        return self

    @property
    def loud_frames(self) -> int:
        return self.ear.count(0) // (8 * FRAME_MS)


@dataclass
class Webhook:
    method: str
    path: str
    url: str
    form: dict[str, list[str]]
    headers: dict[str, str]

    def one(self, name: str) -> str | None:
        return self.form.get(name, [None])[0]


@dataclass
class Stream:
    """The service's end of one media stream."""

    socket: WebSocket
    received: list[dict[str, Any]] = field(default_factory=list)
    sid: str = ""
    done: asyncio.Event = field(default_factory=asyncio.Event)

    async def next(self) -> dict[str, Any]:
        message = json.loads(await self.socket.receive_text())
        self.received.append(message)
        if message["event"] == "start":
            self.sid = message["streamSid"]
        return message

    async def until(self, event: str) -> dict[str, Any]:
        while (message := await self.next())["event"] != event:
            pass
        return message

    async def frames(self, count: int) -> None:
        for _ in range(count):
            await self.until("media")

    async def drain(self) -> None:
        """Read to the end."""
        try:
            while True:
                await self.next()
        except WebSocketDisconnect:
            return

    async def play(self, mulaw: bytes) -> None:
        payload = base64.b64encode(mulaw).decode()
        await self._order({"event": "media", "media": {"payload": payload}})

    async def mark(self, name: str) -> None:
        await self._order({"event": "mark", "mark": {"name": name}})

    async def clear(self) -> None:
        await self._order({"event": "clear"})

    async def _order(self, message: dict[str, Any]) -> None:
        await self.socket.send_text(json.dumps({**message, "streamSid": self.sid}))

    def events(self, kind: str) -> list[dict[str, Any]]:
        return [message for message in self.received if message["event"] == kind]


StreamScript = Callable[[Stream], Awaitable[None]]


class Service:
    """What the network calls. Documents are by path; streams run the scripts in order."""

    def __init__(self) -> None:
        self.base_url = ""
        self.webhooks: list[Webhook] = []
        self.documents: dict[str, str] = {}
        self.streams: list[Stream] = []
        self.upgrades: list[dict[str, str]] = []
        self.scripts: list[StreamScript] = []
        self.failures: dict[str, int] = {}
        self.streaming = asyncio.Event()
        self.server: uvicorn.Server | None = None
        self._arrived = asyncio.Condition()

    @property
    def stream_url(self) -> str:
        return self.base_url.replace("http", "ws", 1) + "/media"

    def connects(self, path: str = "/voice", *, after: str = "", **attributes: str) -> None:
        """Answer `path` with a stream, and `after` behind it."""
        extra = "".join(f' {name}="{value}"' for name, value in attributes.items())
        self.documents[path] = (
            f'<Response><Connect><Stream url="{self.stream_url}"{extra}>'
            f'<Parameter name="token" value="t1"/></Stream></Connect>{after}</Response>'
        )

    async def answer(self, request: Request) -> Response:
        form = parse_qs((await request.body()).decode(), keep_blank_values=True)
        path = request.url.path
        hook = Webhook(request.method, path, str(request.url), form, dict(request.headers))
        async with self._arrived:
            self.webhooks.append(hook)
            self._arrived.notify_all()
        document = self.documents.get(path, "")
        return Response(document, status_code=self.failures.get(path, 200), media_type="text/xml")

    async def media(self, socket: WebSocket) -> None:
        self.upgrades.append(dict(socket.headers))
        await socket.accept()
        stream = Stream(socket)
        self.streams.append(stream)
        self.streaming.set()
        try:
            await self.scripts[len(self.streams) - 1](stream)
            if socket.client_state is WebSocketState.CONNECTED:
                await socket.close()
        finally:
            stream.done.set()

    def stop(self) -> None:
        """Begin to stop."""
        if self.server is not None:
            self.server.should_exit = self.server.force_exit = True

    async def until(self, path: str, *, count: int = 1) -> list[Webhook]:
        """Wait for `count` webhooks at `path`."""
        async with self._arrived, asyncio.timeout(10):
            await self._arrived.wait_for(lambda: len(self.at(path)) >= count)
        return self.at(path)

    def at(self, path: str) -> list[Webhook]:
        return [hook for hook in self.webhooks if hook.path == path]


@asynccontextmanager
async def running(service: Service) -> AsyncIterator[Service]:
    app = Starlette(
        routes=[
            WebSocketRoute("/media", service.media),
            Route("/{path:path}", service.answer, methods=["GET", "POST"]),
        ]
    )
    config = uvicorn.Config(app, lifespan="off", log_config=None, timeout_graceful_shutdown=1)
    server = service.server = SignalFreeServer(config)
    listener = socket.create_server(("127.0.0.1", 0))
    serving = asyncio.create_task(server.serve(sockets=[listener]))
    service.base_url = f"http://127.0.0.1:{listener.getsockname()[1]}"
    try:
        yield service
    finally:
        service.stop()
        await serving
        listener.close()


async def place(
    api: httpx.AsyncClient, service: Service, network: PhoneNetwork, **more: Any
) -> PhoneCall:
    """Place a call from us to them, as a service would."""
    form = {
        "To": THEIRS,
        "From": OURS,
        "Url": f"{service.base_url}/voice",
        "StatusCallback": f"{service.base_url}/status",
        "StatusCallbackEvent": ["initiated", "ringing", "answered", "completed"],
        **more,
    }
    response = await api.post("/Calls.json", data=form)
    assert response.status_code == 201, response.text
    return network.exchange.calls[response.json()["sid"]]


async def ended(call: PhoneCall) -> PhoneCall:
    """Wait until the call has its final status."""
    async with asyncio.timeout(10):
        await call.closed.wait()
    return call
