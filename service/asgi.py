"""create_app: the only factory of the web application; it opens the house as the server starts."""

from collections.abc import Callable
from contextlib import AsyncExitStack
from typing import Any

from litestar.types import Receive, Scope, Send

from service.bootstrap.engines import Engines
from service.bootstrap.house import House, open_house
from service.domain.errors import ReautoError
from service.settings import Settings, load_settings
from service.web.app import create_web


class App:
    """An ASGI application that is empty until its lifespan has started.

    `on_broken` is called when the lifespan ends unasked: the server should then stop.
    """

    def __init__(self, settings: Settings, engines: Engines | None) -> None:
        self._settings = settings
        self._engines = engines
        self.house: House | None = None
        self.on_broken: Callable[[], None] = lambda: None
        self._web: Any = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection, or the server's lifespan."""
        if scope["type"] == "lifespan":  # type: ignore[comparison-overlap]
            await self._live(receive, send)
        else:
            await self._web(scope, receive, send)

    async def _live(self, receive: Any, send: Any) -> None:
        await receive()
        asked_to_stop = False
        try:
            asked_to_stop = await self._stay_open(receive, send)
        finally:
            if not asked_to_stop:
                # A loop of the house failed: a server without a house must not go on.
                self.on_broken()
        if asked_to_stop:
            await send({"type": "lifespan.shutdown.complete"})

    async def _stay_open(self, receive: Any, send: Any) -> bool:
        async with AsyncExitStack() as stack:
            try:
                self.house = await stack.enter_async_context(
                    open_house(self._settings, engines=self._engines)
                )
            except ReautoError as error:
                await send({"type": "lifespan.startup.failed", "message": str(error)})
                return False
            self._web = create_web(self.house.web)
            await send({"type": "lifespan.startup.complete"})
            await receive()
        return True


def create_app(settings: Settings | None = None, engines: Engines | None = None) -> App:
    """Make the application. `engines` replaces the chosen ones, for evals and benches.

    Raises InvalidSettings when called without settings and the environment's are wrong.
    """
    return App(settings or load_settings(), engines)
