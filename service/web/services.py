"""What the routes need: the use cases and stores of one worker, joined by bootstrap."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from litestar.di import NamedDependency
from litestar.params import SkipValidation

from service.calls.callbacks import Callbacks
from service.calls.dialing import Dialing
from service.calls.hang_up import HangUp
from service.calls.intake import Intake
from service.configs.registry import ConfigRegistry
from service.domain.engines import EngineChoice
from service.observability.metrics import Metrics
from service.observability.readiness import Readiness
from service.ports.call_store import CallStore, CampaignStore, ContactStore
from service.ports.clock import Clock
from service.ports.idempotency import Idempotency
from service.ports.media import TextSocket
from service.ports.sessions import Sessions
from service.ports.telephony import Telephony


@dataclass(frozen=True, kw_only=True)
class WebServices:
    """Everything the routes use.

    `public_urls` are the base URLs under which the telephone network reaches this worker (the
    shared one and the worker's own): a webhook's signature covers the URL that was requested.
    `stream` runs the call behind an accepted media websocket until it is over.
    """

    worker_id: str
    public_urls: tuple[str, ...]
    api_keys: tuple[str, ...] = field(repr=False)
    from_numbers: tuple[str, ...]
    telephony: Telephony
    intake: Intake
    callbacks: Callbacks
    dialing: Dialing
    hang_up: HangUp
    stream: Callable[[TextSocket], Awaitable[None]]
    calls: CallStore
    contacts: ContactStore
    campaigns: CampaignStore
    configs: ConfigRegistry
    sessions: Sessions
    idempotency: Idempotency
    readiness: Readiness
    metrics: Metrics
    engines: tuple[EngineChoice, ...]
    clock: Clock


Services = NamedDependency[SkipValidation[WebServices]]
"""How a route handler asks for them: `services: Services`."""
