"""One server process: it owns its signals, drains its calls, and only then stops the server."""

import asyncio
import contextlib
import signal
import sys
from collections.abc import Iterator

import structlog
import uvicorn

from service.asgi import App, create_app
from service.domain.errors import ReautoError
from service.observability.logging import configure_logging
from service.settings import Settings, load_settings

log = structlog.get_logger()


class _Server(uvicorn.Server):
    """Leaves the signals to us: uvicorn would close the websockets of live calls at once."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


async def serve(settings: Settings) -> None:
    """Serve until SIGTERM or SIGINT, drain, then stop. A second signal skips the drain."""
    app = create_app(settings)
    config = uvicorn.Config(
        app,
        host=settings.host,
        port=settings.port,
        ws="websockets-sansio",
        ws_per_message_deflate=False,
        ws_max_size=2 * 1024 * 1024,
        access_log=False,
        log_config=None,
        lifespan="on",
        timeout_graceful_shutdown=5,
    )
    server = _Server(config)
    stopping = asyncio.Event()
    broken = asyncio.Event()

    def on_broken() -> None:
        broken.set()
        server.should_exit = True

    app.on_broken = on_broken
    loop = asyncio.get_running_loop()

    def on_signal() -> None:
        if stopping.is_set():
            server.should_exit = True
        stopping.set()

    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, on_signal)
    async with asyncio.TaskGroup() as group:
        stopper = group.create_task(_stop_when_asked(stopping, app, server))
        await server.serve()
        stopper.cancel()
    if broken.is_set() or not server.started:
        raise SystemExit(3)


async def _stop_when_asked(stopping: asyncio.Event, app: App, server: uvicorn.Server) -> None:
    await stopping.wait()
    try:
        if app.house is not None:
            await app.house.drain(reason="the process was asked to stop")
    finally:
        server.should_exit = True


def main() -> int:
    """Run a worker from the environment."""
    try:
        settings = load_settings(needs_telephony=True)
    except ReautoError as error:
        print(error, file=sys.stderr)  # noqa: T201  (logging is not configured yet)
        return 2
    configure_logging(settings.log_format, stream=sys.stderr, worker_id=settings.worker_id)
    asyncio.run(serve(settings))
    return 0


if __name__ == "__main__":
    sys.exit(main())
