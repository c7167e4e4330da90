"""The house of one worker: everything it is made of, opened in order and closed in reverse."""

import asyncio
from collections.abc import AsyncIterator, Coroutine
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

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
from service.bootstrap.engines import Engines, check_config, choose_engines
from service.bootstrap.parts import Parts, Stores
from service.calls.presence import Presence
from service.configs.default import load_default_config
from service.configs.registry import POLL_S, ConfigRegistry
from service.domain.agent_config import AgentConfig
from service.domain.errors import SpeechError
from service.money.price_book import load_price_book
from service.observability.event_loop_lag import sample_event_loop_lag
from service.observability.metrics import Metrics
from service.ports.clock import Clock
from service.settings import Settings, require_telephony
from service.voice.conversation import VoiceConversationFactory
from service.voice.models import SharedModels
from service.voice.quiet import quiet_pipecat
from service.web.services import WebServices

log = structlog.get_logger()

DATA = Path(__file__).resolve().parents[2] / "data"


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

    `engines` replaces the chosen ones. Raises InvalidSettings naming all that is missing,
    StorageUnavailable, SpeechError, LanguageModelError.
    """
    require_telephony(settings)
    quiet_pipecat()
    async with AsyncExitStack() as stack:
        clock = SystemClock()
        metrics = Metrics()
        stores = await _open_stores(settings, stack, metrics=metrics)
        configs = ConfigRegistry(stores.configs, clock, check=partial(check_config, settings))
        version = await configs.ensure_default(load_default_config(DATA / "agent_config.yaml"))
        engines = engines or await choose_engines(settings, version.config)
        voice = await _warm_up(engines, stack, config=version.config, clock=clock)
        telephony = TwilioTelephony(settings.twilio)
        stack.push_async_callback(telephony.close)
        parts = Parts(
            settings=settings,
            stores=stores,
            configs=configs,
            engines=engines,
            voice=voice,
            telephony=telephony,
            prices=load_price_book(DATA / "price_book.yaml"),
            metrics=metrics,
            clock=clock,
        )
        _watch(parts)
        house = House(web=parts.web(), presence=parts.presence())
        await house.presence.settle_the_past()
        await stack.enter_async_context(_running(_loops(parts, house.presence)))
        stack.push_async_callback(stores.sessions.withdraw, settings.worker_id)
        yield house


async def _open_stores(settings: Settings, stack: AsyncExitStack, *, metrics: Metrics) -> Stores:
    database = PostgresDatabase(settings, on_wait=metrics.pool_waited)
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
    engines: Engines, stack: AsyncExitStack, *, config: AgentConfig, clock: Clock
) -> VoiceConversationFactory:
    """Load every model once, side by side, before the first call can come."""
    models = SharedModels()
    stack.callback(models.close)
    for engine in (engines.stt, engines.llm, engines.tts):
        stack.push_async_callback(engine.close)
    try:
        async with asyncio.TaskGroup() as loading:
            loading.create_task(models.warm_up())
            loading.create_task(engines.stt.warm_up())
            loading.create_task(engines.llm.warm_up(config.language_model))
            loading.create_task(engines.tts.warm_up())
    except ExceptionGroup as group:
        raise group.exceptions[0] from group
    voice = VoiceConversationFactory(
        stt=engines.stt,
        tts=engines.tts,
        make_dialogue=DialogueFactory(engines.llm),
        clock=clock,
        models=models,
    )
    await voice.warm(config)
    for choice in engines.choices:
        log.info("engine chosen", stage=choice.stage, engine=choice.name, reason=choice.reason)
    return voice


def _watch(parts: Parts) -> None:
    database = parts.stores.database
    parts.metrics.watch_calls(lambda: len(parts.active))
    parts.metrics.watch_pool(
        in_use=lambda: database.statistics().in_use,
        waiting=lambda: database.statistics().waiting,
    )


def _loops(parts: Parts, presence: Presence) -> dict[str, Coroutine[Any, Any, None]]:
    return {
        "recorder": parts.recorder.run(),
        "announce": presence.announce_forever(),
        "inbox": presence.follow_inbox(),
        "dialer": parts.dialer().run(),
        "phrases": _keep_phrases_warm(parts),
        "event-loop-lag": sample_event_loop_lag(parts.metrics),
    }


async def _keep_phrases_warm(parts: Parts) -> None:
    """Speak a newly active config's fixed phrases ahead of its first call, for ever."""
    warm_id = (await parts.configs.current()).config_id
    while True:
        await parts.clock.sleep(POLL_S)
        version = await parts.configs.current()
        if version.config_id != warm_id:
            try:
                await parts.voice.warm(version.config)
            except SpeechError as error:
                log.warning("phrases are not spoken ahead", error=str(error))
            warm_id = version.config_id


@asynccontextmanager
async def _running(loops: dict[str, Coroutine[Any, Any, None]]) -> AsyncIterator[None]:
    """Run the loops beside the web server; one that fails fails the worker, loudly."""
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(loop, name=name) for name, loop in loops.items()]
        try:
            yield
        finally:
            for task in tasks:
                task.cancel()
