"""The house of one worker: everything it is made of, opened in order and closed in reverse."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import structlog

from service.adapters.postgres.call_store import PostgresCallStore
from service.adapters.postgres.campaign_store import PostgresCampaignStore
from service.adapters.postgres.config_store import PostgresConfigStore
from service.adapters.postgres.contact_store import PostgresContactStore
from service.adapters.postgres.database import PostgresDatabase
from service.adapters.redis.idempotency import RedisIdempotency
from service.adapters.redis.sessions import RedisSessions
from service.adapters.system_clock import SystemClock
from service.adapters.twilio.telephony import TwilioTelephony
from service.agents.dialogue import DialogueFactory
from service.bootstrap.engines import Engines, choose_engines
from service.calls.active import ActiveCalls
from service.calls.callbacks import Callbacks
from service.calls.dialing import Dialing
from service.calls.hang_up import HangUp
from service.calls.intake import Intake
from service.calls.presence import Presence
from service.calls.recorder import Recorder
from service.calls.session import CallSessions
from service.calls.settlement import Settlement
from service.calls.urls import CallbackUrls
from service.campaigns.dialer import Dialer
from service.compliance.permit import Compliance
from service.configs.default import load_default_config
from service.configs.registry import ConfigRegistry
from service.money.price_book import PriceBook, load_price_book
from service.observability.event_loop_lag import sample_event_loop_lag
from service.observability.metrics import Metrics
from service.observability.readiness import Probe, Readiness
from service.settings import Settings, require_telephony
from service.voice.conversation import VoiceConversationFactory
from service.voice.models import SharedModels
from service.voice.quiet import quiet_pipecat
from service.web.services import WebServices

log = structlog.get_logger()

DATA = Path(__file__).resolve().parents[2] / "data"


@dataclass(frozen=True, kw_only=True)
class Stores:
    """Adapters that hold state."""

    database: PostgresDatabase
    calls: PostgresCallStore
    contacts: PostgresContactStore
    campaigns: PostgresCampaignStore
    configs: PostgresConfigStore
    sessions: RedisSessions
    idempotency: RedisIdempotency


@dataclass(frozen=True, kw_only=True)
class House:
    """An open worker: what the web needs, and how to drain it."""

    web: WebServices
    presence: Presence

    async def drain(self, *, reason: str) -> None:
        """Admit no more calls and return when the running ones have ended."""
        await self.presence.drain(reason=reason)


@asynccontextmanager
async def open_house(settings: Settings, *, engines: Engines | None = None) -> AsyncIterator[House]:
    """Open everything a worker needs; leaving closes it in exactly the reverse order.

    Raises InvalidSettings naming all that is missing, StorageUnavailable, SpeechError,
    LanguageModelError.
    """
    require_telephony(settings)
    quiet_pipecat()
    async with AsyncExitStack() as stack:
        clock = SystemClock()
        metrics = Metrics()
        prices = load_price_book(DATA / "price_book.yaml")
        stores = await _open_stores(settings, stack)
        configs = ConfigRegistry(stores.configs, clock)
        version = await configs.ensure_default(load_default_config(DATA / "agent_config.yaml"))
        engines = engines or await choose_engines(settings, version.config)
        voice = await _warm_up(engines, stack, configs=configs, clock=clock)
        telephony = TwilioTelephony(settings.twilio)
        stack.push_async_callback(telephony.close)
        house, workers = _assemble(
            settings=settings,
            stores=stores,
            configs=configs,
            engines=engines,
            voice=voice,
            telephony=telephony,
            prices=prices,
            metrics=metrics,
            clock=clock,
        )
        await house.presence.settle_the_past()
        await stack.enter_async_context(_running(workers))
        stack.push_async_callback(stores.sessions.withdraw, settings.worker_id)
        yield house


async def _open_stores(settings: Settings, stack: AsyncExitStack) -> Stores:
    database = PostgresDatabase(settings)
    await database.open()
    stack.push_async_callback(database.close)
    assert settings.redis_url is not None, "the supervisor gives every worker a Redis"
    sessions = RedisSessions(settings.redis_url)
    stack.push_async_callback(sessions.close)
    idempotency = RedisIdempotency(settings.redis_url)
    stack.push_async_callback(idempotency.close)
    return Stores(
        database=database,
        calls=PostgresCallStore(database),
        contacts=PostgresContactStore(database),
        campaigns=PostgresCampaignStore(database),
        configs=PostgresConfigStore(database),
        sessions=sessions,
        idempotency=idempotency,
    )


async def _warm_up(
    engines: Engines, stack: AsyncExitStack, *, configs: ConfigRegistry, clock: SystemClock
) -> VoiceConversationFactory:
    """Load every model once, side by side, before the first call can come."""
    models = SharedModels()
    for engine in (models, engines.stt, engines.llm, engines.tts):
        stack.push_async_callback(engine.close)
    config = (await configs.current()).config
    async with asyncio.TaskGroup() as loading:
        loading.create_task(models.warm_up())
        loading.create_task(engines.stt.warm_up())
        loading.create_task(engines.llm.warm_up(config.language_model))
        loading.create_task(engines.tts.warm_up())
    voice = VoiceConversationFactory(
        stt=engines.stt,
        tts=engines.tts,
        make_dialogue=DialogueFactory(engines.llm),
        clock=clock,
        models=models,
    )
    await voice.warm(config)
    for choice in engines.choices:
        log.info(
            "engine chosen",
            stage=choice.stage,
            engine=choice.name,
            model=choice.model,
            reason=choice.reason,
            is_standin=choice.is_standin,
        )
    return voice


def _assemble(
    *,
    settings: Settings,
    stores: Stores,
    configs: ConfigRegistry,
    engines: Engines,
    voice: VoiceConversationFactory,
    telephony: TwilioTelephony,
    prices: PriceBook,
    metrics: Metrics,
    clock: SystemClock,
) -> tuple[House, "Workers"]:
    assert settings.public_url is not None
    active = ActiveCalls(capacity=settings.max_calls)
    recorder = Recorder(calls=stores.calls, prices=prices, clock=clock)
    settlement = Settlement(calls=stores.calls, prices=prices, metrics=metrics, clock=clock)
    dialing = Dialing(
        calls=stores.calls,
        contacts=stores.contacts,
        configs=configs,
        compliance=Compliance(stores.contacts),
        telephony=telephony,
        urls=CallbackUrls(settings.public_url),
        from_numbers=settings.twilio.from_numbers,
        settlement=settlement,
        clock=clock,
    )
    intake = Intake(
        worker_id=settings.worker_id,
        public_url=settings.public_url,
        active=active,
        calls=stores.calls,
        contacts=stores.contacts,
        configs=configs,
        sessions=stores.sessions,
        telephony=telephony,
        settlement=settlement,
        clock=clock,
    )
    call_sessions = CallSessions(
        worker_id=settings.worker_id,
        engines=engines.labels,
        active=active,
        calls=stores.calls,
        contacts=stores.contacts,
        configs=configs,
        sessions=stores.sessions,
        telephony=telephony,
        recorder=recorder,
        settlement=settlement,
        clock=clock,
        make_conversation=voice,
        metrics=metrics,
    )
    presence = Presence(
        worker_id=settings.worker_id,
        public_url=settings.public_url,
        active=active,
        calls=stores.calls,
        sessions=stores.sessions,
        settlement=settlement,
        clock=clock,
        drain_s=settings.drain_seconds,
    )
    _watch(metrics, stores=stores, active=active)
    web = WebServices(
        worker_id=settings.worker_id,
        public_urls=(settings.public_url,),
        api_keys=tuple(key.get_secret_value() for key in settings.api_keys),
        from_numbers=tuple(settings.twilio.from_numbers),
        telephony=telephony,
        intake=intake,
        callbacks=Callbacks(calls=stores.calls, sessions=stores.sessions, settlement=settlement),
        dialing=dialing,
        hang_up=HangUp(calls=stores.calls, sessions=stores.sessions, telephony=telephony),
        stream=call_sessions.serve,
        calls=stores.calls,
        contacts=stores.contacts,
        campaigns=stores.campaigns,
        configs=configs,
        sessions=stores.sessions,
        idempotency=stores.idempotency,
        readiness=Readiness(_probes(stores, engines, telephony), clock, metrics=metrics),
        metrics=metrics,
        engines=engines.choices,
        clock=clock,
    )
    dialer = Dialer(campaigns=stores.campaigns, dialing=dialing, active=active, clock=clock)
    workers = Workers(recorder=recorder, presence=presence, dialer=dialer, metrics=metrics)
    return House(web=web, presence=presence), workers


@dataclass(frozen=True, kw_only=True)
class Workers:
    """The loops that run beside the web server."""

    recorder: Recorder
    presence: Presence
    dialer: Dialer
    metrics: Metrics


@asynccontextmanager
async def _running(workers: Workers) -> AsyncIterator[None]:
    """Run the loops; they outlive the last call, because its turns must still be written."""
    async with asyncio.TaskGroup() as group:
        loops = [
            group.create_task(workers.recorder.run(), name="recorder"),
            group.create_task(workers.presence.announce_forever(), name="announce"),
            group.create_task(workers.presence.follow_inbox(), name="inbox"),
            group.create_task(workers.dialer.run(), name="dialer"),
            group.create_task(sample_event_loop_lag(workers.metrics), name="event-loop-lag"),
        ]
        try:
            yield
        finally:
            for loop in loops:
                loop.cancel()
            with suppress(asyncio.CancelledError):
                await asyncio.gather(*loops, return_exceptions=True)


def _probes(stores: Stores, engines: Engines, telephony: TwilioTelephony) -> tuple[Probe, ...]:
    probes = [
        Probe("postgres", True, stores.database.probe),
        Probe("redis", True, stores.sessions.probe),
        Probe("telephony", False, telephony.probe),
    ]
    for name, engine in (("stt", engines.stt), ("llm", engines.llm), ("tts", engines.tts)):
        probes.append(Probe(name, True, engine.probe))
    return tuple(probes)


def _watch(metrics: Metrics, *, stores: Stores, active: ActiveCalls) -> None:
    metrics.watch_calls(lambda: len(active))
    metrics.watch_pool(
        in_use=lambda: stores.database.statistics().in_use,
        waiting=lambda: stores.database.statistics().waiting,
    )
