"""create_web: the routes of one worker as a Litestar application."""

from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager
from importlib.metadata import version

from litestar import Litestar, Router
from litestar.datastructures import ResponseHeader
from litestar.di import Provide

from service.web.documentation import VariadicTuplePlugin, openapi
from service.web.guards import api_key_guard
from service.web.problems import log_unexpected, problem_details
from service.web.requests import request_middleware
from service.web.routes.agent_configs import agent_configs_router
from service.web.routes.calls import calls_router
from service.web.routes.campaigns import campaigns_router
from service.web.routes.contacts import contacts_router
from service.web.routes.health import health_router
from service.web.routes.suppressions import suppressions_router
from service.web.routes.twilio import twilio_router
from service.web.services import WebServices

MAX_BODY_BYTES = 512_000
"""Of any request under /api but the CSV import (5 MB); webhooks take 64 kB."""

Lifespan = Callable[[Litestar], AbstractAsyncContextManager[None]]


def create_web(services: WebServices, *, lifespan: Sequence[Lifespan] = ()) -> Litestar:
    """Join routes, guards, problem documents, tracing and OpenAPI.

    /api needs an API key, /twilio the network's signature; /health, /metrics and /schema are open.
    """

    def provide_services() -> WebServices:
        return services

    return Litestar(
        route_handlers=[
            _api_router(services.api_keys),
            twilio_router(services.telephony, services.public_urls),
            health_router(),
        ],
        dependencies={"services": Provide(provide_services, sync_to_thread=False)},
        middleware=[request_middleware(services.metrics)],
        plugins=[problem_details(), VariadicTuplePlugin()],
        after_exception=[log_unexpected],
        openapi_config=openapi(version("reautomation")),
        request_max_body_size=MAX_BODY_BYTES,
        logging_config=None,
        lifespan=list(lifespan),
    )


def _api_router(api_keys: Sequence[str]) -> Router:
    return Router(
        "/api",
        guards=[api_key_guard(api_keys)],
        security=[{"bearer": []}, {"api_key": []}],
        response_headers=[ResponseHeader(name="Cache-Control", value="no-store")],
        route_handlers=[
            calls_router(),
            contacts_router(),
            campaigns_router(),
            suppressions_router(),
            agent_configs_router(),
        ],
    )
