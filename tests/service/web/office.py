"""A worker's web side on in-memory stores, the network that signs webhooks, a real server."""

import asyncio
import base64
import contextlib
import hashlib
import hmac
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast
from urllib.parse import urlencode
from uuid import UUID

import httpx
import uvicorn
from litestar import Litestar

from service.adapters.memory.calls import InMemoryCallStore
from service.adapters.memory.campaigns import InMemoryCampaignStore
from service.adapters.memory.clock import ManualClock
from service.adapters.memory.configs import InMemoryConfigStore
from service.adapters.memory.contacts import InMemoryContactStore
from service.adapters.memory.idempotency import InMemoryIdempotency
from service.adapters.memory.sessions import InMemorySessions
from service.adapters.memory.telephony import InMemoryTelephony
from service.calls.active import ActiveCalls
from service.calls.callbacks import Callbacks
from service.calls.dialing import Dialing
from service.calls.hang_up import HangUp
from service.calls.intake import Intake
from service.calls.settlement import Settlement
from service.calls.urls import CallbackUrls
from service.compliance.permit import Compliance
from service.configs.registry import ConfigRegistry
from service.domain.contact import Contact
from service.domain.engines import EngineChoice
from service.domain.ids import new_id
from service.money.price_book import load_price_book
from service.observability.metrics import Metrics
from service.observability.readiness import Probe, Readiness
from service.ports.media import TextSocket
from service.web.app import create_web
from service.web.services import WebServices

PRICES = Path(__file__).resolve().parents[3] / "data" / "price_book.yaml"
PRICES = Path(__file__).parents[3] / "data" / "price_book.yaml"
PUBLIC_URL = "https://voice.example.com"
WORKER_URL = "https://w0.voice.example.com"
API_KEY = "key-one"
AUTH_TOKEN = "0123456789abcdef"
OUR_NUMBER = "+15555550100"
THEIR_NUMBER = "+15555550123"


def sign(url: str, form: Mapping[str, str] | None = None) -> str:
    """X-Twilio-Signature by PROTOCOLS 1.2, written from its text."""
    text = url + "".join(name + value for name, value in sorted((form or {}).items()))
    digest = hmac.new(AUTH_TOKEN.encode(), text.encode(), hashlib.sha1).digest()
    return base64.b64encode(digest).decode()


@dataclass
class Office:
    """The parts behind the routes, for tests to prepare and to look into."""

    api_keys: tuple[str, ...] = (API_KEY, "key-two")
    clock: ManualClock = field(default_factory=ManualClock)
    metrics: Metrics = field(default_factory=Metrics)
    calls: InMemoryCallStore = field(default_factory=InMemoryCallStore)
    contacts: InMemoryContactStore = field(default_factory=InMemoryContactStore)
    probes: list[Probe] = field(default_factory=list)
    stream: Callable[[TextSocket], Awaitable[None]] | None = None

    def __post_init__(self) -> None:
        self.telephony = InMemoryTelephony(auth_token=AUTH_TOKEN)
        self.sessions = InMemorySessions(self.clock)
        self.idempotency = InMemoryIdempotency(self.clock)
        self.campaigns = InMemoryCampaignStore(calls=self.calls, contacts=self.contacts)
        self.configs = ConfigRegistry(InMemoryConfigStore(self.clock), self.clock)
        self.active = ActiveCalls(capacity=2)
        self.settlement = Settlement(
            calls=self.calls,
            prices=load_price_book(PRICES),
            metrics=self.metrics,
            clock=self.clock,
        )
        self.prices = load_price_book(PRICES)
        self.settlement = Settlement(
            calls=self.calls, prices=self.prices, metrics=self.metrics, clock=self.clock
        )

    def intake(self) -> Intake:
        return Intake(
            worker_id="w0",
            public_url=WORKER_URL,
            active=self.active,
            calls=self.calls,
            contacts=self.contacts,
            configs=self.configs,
            sessions=self.sessions,
            telephony=self.telephony,
            settlement=self.settlement,
            clock=self.clock,
        )

    def dialing(self) -> Dialing:
        return Dialing(
            calls=self.calls,
            contacts=self.contacts,
            configs=self.configs,
            compliance=Compliance(self.contacts),
            telephony=self.telephony,
            urls=CallbackUrls(WORKER_URL),
            from_numbers=[OUR_NUMBER],
            settlement=self.settlement,
            clock=self.clock,
        )

    def services(self) -> WebServices:
        calls, sessions, telephony = self.calls, self.sessions, self.telephony
        return WebServices(
            worker_id="w0",
            public_urls=(PUBLIC_URL, WORKER_URL),
            api_keys=self.api_keys,
            from_numbers=(OUR_NUMBER,),
            telephony=telephony,
            intake=self.intake(),
            callbacks=Callbacks(calls=calls, sessions=sessions, settlement=self.settlement),
            dialing=self.dialing(),
            hang_up=HangUp(calls=calls, sessions=sessions, telephony=telephony),
            stream=self.stream or self._no_stream,
            calls=calls,
            contacts=self.contacts,
            campaigns=self.campaigns,
            configs=self.configs,
            sessions=sessions,
            idempotency=self.idempotency,
            readiness=Readiness(self.probes, self.clock, metrics=self.metrics),
            metrics=self.metrics,
            engines=(EngineChoice(stage="llm", name="ollama", model="m", reason="it is there"),),
            clock=self.clock,
        )

    def app(self) -> Litestar:
        return create_web(self.services())

    async def contact(self, phone: str = THEIR_NUMBER, *, consent: str | None = "form") -> Contact:
        contact = Contact(
            contact_id=new_id(),
            phone=phone,
            name="Dana Example",
            created_at=self.clock.now(),
            consent_source=consent,
        )
        return await self.contacts.upsert(contact)

    async def redeem(self, token: str) -> UUID:
        return await self.sessions.redeem_token(token, worker_id="w0")

    async def _no_stream(self, socket: TextSocket) -> None:
        await socket.close()


class Stage:
    """Stands for the services of the office that is on, so that many tests share one application.

    Making an application costs 50 ms and more; guards and metrics are those of the first office.
    """

    def __init__(self) -> None:
        self.services = Office().services()
        self.app = create_web(cast("WebServices", self))

    def __getattr__(self, name: str) -> Any:
        return getattr(self.__dict__["services"], name)


@contextlib.asynccontextmanager
async def in_process(app: Litestar) -> AsyncIterator[httpx.AsyncClient]:
    transport = httpx.ASGITransport(app=app)  # type: ignore[arg-type]
    async with httpx.AsyncClient(transport=transport, base_url="http://internal:8080") as http:
        yield http


class Network:
    """The telephone network's side of the webhooks: forms, signed."""

    def __init__(self, http: httpx.AsyncClient) -> None:
        self._http = http

    async def post(
        self, target: str, form: Mapping[str, str], *, base: str = PUBLIC_URL, **headers: str
    ) -> httpx.Response:
        sent = {
            "Content-Type": "application/x-www-form-urlencoded",
            "X-Twilio-Signature": sign(base + target, form),
        }
        body = urlencode(form)
        return await self._http.post(target, content=body, headers=sent | headers)


@contextlib.asynccontextmanager
async def served(app: Litestar) -> AsyncIterator[str]:
    """A real uvicorn on a loopback socket; yields `127.0.0.1:PORT`."""
    listener = socket.create_server(("127.0.0.1", 0))
    config = uvicorn.Config(
        app, log_config=None, lifespan="off", ws="websockets-sansio", ws_per_message_deflate=False
    )
    server = uvicorn.Server(config)
    serving = asyncio.create_task(server.serve(sockets=[listener]), name="uvicorn")
    try:
        async with asyncio.timeout(10):
            while not server.started:
                await asyncio.sleep(0.01)
        yield f"127.0.0.1:{listener.getsockname()[1]}"
    finally:
        server.should_exit = True
        await serving
        listener.close()
