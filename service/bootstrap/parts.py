"""The parts of one worker and the use cases made of them; nothing here opens or runs."""

from dataclasses import dataclass, field

from service.adapters.postgres.call_store import PostgresCallStore
from service.adapters.postgres.campaign_store import PostgresCampaignStore
from service.adapters.postgres.config_store import PostgresConfigStore
from service.adapters.postgres.contact_store import PostgresContactStore
from service.adapters.postgres.database import PostgresDatabase
from service.adapters.redis.idempotency import RedisIdempotency
from service.adapters.redis.sessions import RedisSessions
from service.adapters.system_clock import SystemClock
from service.adapters.twilio.telephony import TwilioTelephony
from service.bootstrap.engines import Engines
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
from service.configs.registry import ConfigRegistry
from service.money.price_book import PriceBook
from service.observability.metrics import Metrics
from service.observability.readiness import Probe, Readiness
from service.settings import Settings
from service.voice.conversation import VoiceConversationFactory
from service.web.services import WebServices


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
class Parts:
    """What the use cases of a worker share. The settings hold all that telephony needs."""

    settings: Settings
    stores: Stores
    configs: ConfigRegistry
    engines: Engines
    voice: VoiceConversationFactory
    telephony: TwilioTelephony
    prices: PriceBook
    metrics: Metrics
    clock: SystemClock
    active: ActiveCalls = field(init=False)
    recorder: Recorder = field(init=False)
    settlement: Settlement = field(init=False)
    public_url: str = field(init=False)

    def __post_init__(self) -> None:
        assert self.settings.public_url is not None
        made = {
            "public_url": self.settings.public_url,
            "active": ActiveCalls(capacity=self.settings.max_calls),
            "recorder": Recorder(
                calls=self.stores.calls,
                prices=self.prices,
                metrics=self.metrics,
                clock=self.clock,
            ),
            "settlement": Settlement(
                calls=self.stores.calls,
                prices=self.prices,
                metrics=self.metrics,
                clock=self.clock,
            ),
        }
        for name, part in made.items():
            object.__setattr__(self, name, part)

    def dialing(self) -> Dialing:
        """The only place that dials."""
        return Dialing(
            calls=self.stores.calls,
            contacts=self.stores.contacts,
            configs=self.configs,
            compliance=Compliance(self.stores.contacts),
            telephony=self.telephony,
            urls=CallbackUrls(self.public_url),
            from_numbers=self.settings.twilio.from_numbers,
            settlement=self.settlement,
            clock=self.clock,
        )

    def intake(self) -> Intake:
        """What answers voice webhooks."""
        return Intake(
            worker_id=self.settings.worker_id,
            public_url=self.public_url,
            active=self.active,
            calls=self.stores.calls,
            contacts=self.stores.contacts,
            configs=self.configs,
            sessions=self.stores.sessions,
            telephony=self.telephony,
            settlement=self.settlement,
            clock=self.clock,
        )

    def call_sessions(self) -> CallSessions:
        """What runs the calls whose media reaches this worker."""
        return CallSessions(
            worker_id=self.settings.worker_id,
            engines=self.engines.labels,
            active=self.active,
            calls=self.stores.calls,
            contacts=self.stores.contacts,
            configs=self.configs,
            sessions=self.stores.sessions,
            telephony=self.telephony,
            recorder=self.recorder,
            settlement=self.settlement,
            clock=self.clock,
            make_conversation=self.voice,
            metrics=self.metrics,
        )

    def presence(self) -> Presence:
        """What the other workers see of this one."""
        return Presence(
            worker_id=self.settings.worker_id,
            public_url=self.public_url,
            active=self.active,
            calls=self.stores.calls,
            sessions=self.stores.sessions,
            settlement=self.settlement,
            clock=self.clock,
            drain_s=self.settings.drain_seconds,
        )

    def dialer(self) -> Dialer:
        """What works through campaigns."""
        return Dialer(
            campaigns=self.stores.campaigns,
            dialing=self.dialing(),
            active=self.active,
            clock=self.clock,
        )

    def readiness(self) -> Readiness:
        """The probes of everything that this worker depends on."""
        probes = [
            Probe("postgres", True, self.stores.database.probe),
            Probe("redis", True, self.stores.sessions.probe, self.stores.sessions.warnings),
            Probe("telephony", False, self.telephony.probe),
            Probe("stt", True, self.engines.stt.probe),
            Probe("llm", True, self.engines.llm.probe),
            Probe("tts", True, self.engines.tts.probe),
        ]
        return Readiness(probes, self.clock, metrics=self.metrics)

    def web(self) -> WebServices:
        """Everything that the routes use."""
        stores = self.stores
        return WebServices(
            worker_id=self.settings.worker_id,
            public_urls=(self.public_url,),
            api_keys=tuple(key.get_secret_value() for key in self.settings.api_keys),
            from_numbers=tuple(self.settings.twilio.from_numbers),
            telephony=self.telephony,
            intake=self.intake(),
            callbacks=Callbacks(
                calls=stores.calls, sessions=stores.sessions, settlement=self.settlement
            ),
            dialing=self.dialing(),
            hang_up=HangUp(calls=stores.calls, sessions=stores.sessions, telephony=self.telephony),
            stream=self.call_sessions().serve,
            calls=stores.calls,
            contacts=stores.contacts,
            campaigns=stores.campaigns,
            configs=self.configs,
            sessions=stores.sessions,
            idempotency=stores.idempotency,
            readiness=self.readiness(),
            metrics=self.metrics,
            engines=self.engines.choices,
            clock=self.clock,
        )
