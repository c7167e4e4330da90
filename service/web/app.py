"""create_web: the routes of one worker as a Litestar application."""

from importlib.metadata import version

from litestar import Litestar, Router
from litestar.datastructures import ResponseHeader
from litestar.di import Provide

from service.web.documentation import VariadicTuplePlugin, openapi
from service.web.guards import api_key_guard, network_guard
from service.web.problems import log_unexpected, problem_details
from service.web.requests import request_middleware
from service.web.routes import (
    agent_configs,
    calls,
    campaigns,
    contacts,
    health,
    suppressions,
    twilio,
)
from service.web.services import WebServices

MAX_BODY_BYTES = 512_000
"""Of any request under /api but the CSV import, which takes 5 MB."""

MAX_FORM_BYTES = 64_000
"""Of any webhook."""


def create_web(services: WebServices) -> Litestar:
    """Join routes, guards, problem documents, tracing and OpenAPI.

    /api needs an API key, /twilio the network's signature; /health, /metrics and /schema are open.
    """

    def provide_services() -> WebServices:
        return services

    return Litestar(
        route_handlers=[*_api_routers(services), _twilio_router(services), *health.ROUTES],
        dependencies={"services": Provide(provide_services, sync_to_thread=False)},
        middleware=[request_middleware(services.metrics)],
        plugins=[problem_details(), VariadicTuplePlugin()],
        after_exception=[log_unexpected],
        openapi_config=openapi(version("reautomation")),
        request_max_body_size=MAX_BODY_BYTES,
        logging_config=None,
    )


def _api_routers(services: WebServices) -> list[Router]:
    rooms = {
        "calls": calls.ROUTES,
        "contacts": contacts.ROUTES,
        "campaigns": campaigns.ROUTES,
        "suppressions": suppressions.ROUTES,
        "agent-configs": agent_configs.ROUTES,
    }
    guard = api_key_guard(services.api_keys)
    return [
        Router(
            f"/api/{room}",
            tags=[room],
            guards=[guard],
            security=[{"bearer": []}, {"api_key": []}],
            response_headers=[ResponseHeader(name="Cache-Control", value="no-store")],
            route_handlers=routes,
        )
        for room, routes in rooms.items()
    ]


def _twilio_router(services: WebServices) -> Router:
    return Router(
        "/twilio",
        tags=["twilio"],
        guards=[network_guard(services.telephony, services.public_urls)],
        security=[{"network": []}],
        request_max_body_size=MAX_FORM_BYTES,
        route_handlers=twilio.ROUTES,
    )
