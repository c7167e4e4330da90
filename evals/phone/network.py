"""The telephone network as one thing to run: exchange, REST API, control API, recogniser."""

import asyncio
import contextlib
import socket
from collections.abc import Iterator, Mapping
from types import TracebackType
from typing import Self

import httpx
import uvicorn
from starlette.applications import Starlette

from evals.callers.agent_language import agent_sentences
from evals.callers.ears import PocketsphinxEars
from evals.callers.listening import Ears
from evals.phone import control, rest
from evals.phone.exchange import Exchange
from evals.phone.flow import Timing
from evals.phone.webhooks import Webhooks

CLOSING_S = 5.0


class PhoneNetwork:
    """Runs between `async with`: a Twilio client talks to `base_url`, tests also to `exchange`.

    `api_keys` maps API key sids to their secrets. `ears` makes out what agents say; by default
    pocketsphinx does, whose process starts with the first words heard.
    """

    exchange: Exchange

    def __init__(
        self,
        *,
        account_sid: str,
        auth_token: str,
        api_keys: Mapping[str, str] | None = None,
        host: str = "127.0.0.1",
        port: int = 0,
        timing: Timing | None = None,
        ears: Ears | None = None,
    ) -> None:
        self._account_sid = account_sid
        self._auth_token = auth_token
        self._api_keys = dict(api_keys or {})
        self._address = (host, port)
        self._timing = timing or Timing()
        self._given_ears = ears
        self._stop = asyncio.Event()

    async def __aenter__(self) -> Self:
        self._socket = socket.create_server(self._address)
        ready: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        # A task of its own, because fixtures may enter and leave in different tasks.
        self._running = asyncio.create_task(self._run(ready))
        await asyncio.wait({self._running, ready}, return_when=asyncio.FIRST_COMPLETED)
        if self._running.done():
            await self._running
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._stop.set()
        await self._running

    @property
    def base_url(self) -> str:
        """`http://host:port`, without a slash at the end."""
        host, port = self._socket.getsockname()[:2]
        return f"http://{host}:{port}"

    async def until(self, stop: asyncio.Event) -> None:
        """Wait for `stop`, or raise what the network failed of."""
        stopping = asyncio.create_task(stop.wait())
        await asyncio.wait({self._running, stopping}, return_when=asyncio.FIRST_COMPLETED)
        stopping.cancel()
        if self._running.done():
            await self._running

    async def _run(self, ready: asyncio.Future[None]) -> None:
        with contextlib.ExitStack() as resources:
            resources.enter_context(self._socket)
            ears = self._given_ears
            if ears is None:
                ears = own = PocketsphinxEars(agent_sentences())
                resources.callback(own.close)
            # Only the deadline below raises a bare TimeoutError: calls that do not end are cut.
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(None) as closing:
                    await self._serve(ears, ready, closing=closing)

    async def _serve(
        self, ears: Ears, ready: asyncio.Future[None], *, closing: asyncio.Timeout
    ) -> None:
        """Own the server, every call and every webhook until told to stop."""
        async with httpx.AsyncClient() as client, asyncio.TaskGroup() as tasks:
            self.exchange = Exchange(
                account_sid=self._account_sid,
                credentials={self._account_sid: self._auth_token, **self._api_keys},
                timing=self._timing,
                ears=ears,
                webhooks=Webhooks(auth_token=self._auth_token, client=client, tasks=tasks),
                tasks=tasks,
            )
            server = _server(self.exchange)
            tasks.create_task(server.serve(sockets=[self._socket]))
            ready.set_result(None)
            await self._stop.wait()
            closing.reschedule(asyncio.get_running_loop().time() + CLOSING_S)
            self.exchange.end_all()
            server.should_exit = True


class SignalFreeServer(uvicorn.Server):
    """Leaves the signals to the process that it runs in."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Capture none."""
        yield


def _server(exchange: Exchange) -> uvicorn.Server:
    app = Starlette(routes=[*rest.routes(exchange), *control.routes(exchange)])
    config = uvicorn.Config(
        app, lifespan="off", log_config=None, access_log=False, timeout_graceful_shutdown=1
    )
    return SignalFreeServer(config)
