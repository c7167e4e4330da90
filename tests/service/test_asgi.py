"""The application opens its house in the lifespan, and stops its server when the house breaks."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from service import asgi
from service.domain.errors import InvalidSettings
from service.settings import Settings


class Server:
    """The server's side of the lifespan protocol."""

    def __init__(self) -> None:
        self.requests: asyncio.Queue[dict[str, str]] = asyncio.Queue()
        self.answers: list[dict[str, str]] = []
        self.requests.put_nowait({"type": "lifespan.startup"})

    async def send(self, message: Any) -> None:
        self.answers.append(message)


class EmptyHouse:
    web = None


async def live(app: asgi.App, server: Server) -> None:
    await app({"type": "lifespan"}, server.requests.get, server.send)  # type: ignore[arg-type]


@pytest.fixture
def settings() -> Settings:
    return Settings(_env_file=None)  # type: ignore[call-arg]


@pytest.fixture(autouse=True)
def _no_routes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(asgi, "create_web", lambda _services: None)


async def test_what_is_missing_is_told_to_the_server_in_one_line(
    monkeypatch: pytest.MonkeyPatch, settings: Settings
) -> None:
    @asynccontextmanager
    async def refuse(*_: object, **__: object) -> AsyncIterator[EmptyHouse]:
        raise InvalidSettings("REAUTO_PUBLIC_URL: is not set")
        yield EmptyHouse()

    monkeypatch.setattr(asgi, "open_house", refuse)
    server = Server()
    await live(asgi.create_app(settings), server)
    assert server.answers[0] == {
        "type": "lifespan.startup.failed",
        "message": "REAUTO_PUBLIC_URL: is not set",
    }


async def test_a_house_that_breaks_stops_the_server(
    monkeypatch: pytest.MonkeyPatch, settings: Settings
) -> None:
    @asynccontextmanager
    async def brittle(*_: object, **__: object) -> AsyncIterator[EmptyHouse]:
        async def break_down() -> None:
            raise RuntimeError("a loop of the house failed")

        async with asyncio.TaskGroup() as loops:
            loops.create_task(break_down())
            yield EmptyHouse()

    monkeypatch.setattr(asgi, "open_house", brittle)
    app, stopped = asgi.create_app(settings), []
    app.on_broken = lambda: stopped.append(True)
    with pytest.raises(ExceptionGroup):
        await live(app, Server())
    assert stopped == [True]


async def test_a_server_that_stops_closes_the_house_and_is_told_so(
    monkeypatch: pytest.MonkeyPatch, settings: Settings
) -> None:
    closed = []

    @asynccontextmanager
    async def plain(*_: object, **__: object) -> AsyncIterator[EmptyHouse]:
        yield EmptyHouse()
        closed.append(True)

    monkeypatch.setattr(asgi, "open_house", plain)
    app, server, broken = asgi.create_app(settings), Server(), []
    app.on_broken = lambda: broken.append(True)
    server.requests.put_nowait({"type": "lifespan.shutdown"})
    await live(app, server)
    assert (closed, broken) == ([True], [])
    assert server.answers[-1] == {"type": "lifespan.shutdown.complete"}
