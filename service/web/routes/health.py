"""/health and /metrics, open to the load balancer and to Prometheus."""

from litestar import MediaType, Response, get
from litestar.types import ControllerRouterHandler

from service.web import examples
from service.web.documentation import documented
from service.web.schemas import Live, Ready
from service.web.services import Services

_READY = Ready(worker_id="w0", ready=True, report=examples.READINESS, engines=(examples.ENGINE,))


@get("/health/live", summary="Alive", **documented(response=Live(worker_id="w0")))
async def live(services: Services) -> Live:
    """The process runs and its event loop turns; nothing else is looked at."""
    return Live(worker_id=services.worker_id)


@get("/health/ready", summary="Ready", **documented(response=_READY))
async def ready(services: Services) -> Response[Ready]:
    """Every probe with state, latency and last success, and the engine of each stage and why.

    200 when all required probes pass, else 503 with the same body. An optional one that is down
    only degrades.
    """
    report = await services.readiness.report()
    body = Ready(
        worker_id=services.worker_id,
        ready=report.is_ready,
        report=report,
        engines=services.engines,
    )
    return Response(body, status_code=200 if report.is_ready else 503)


@get(
    "/metrics",
    summary="Metrics",
    media_type=MediaType.TEXT,
    **documented(response="reauto_calls_active 3.0\n"),
)
async def metrics(services: Services) -> Response[str]:
    """Prometheus text; readiness is probed with it, so that probes are numbers too."""
    await services.readiness.report()
    rendered = services.metrics.render().decode()
    return Response(rendered, media_type=services.metrics.content_type)


ROUTES: list[ControllerRouterHandler] = [live, ready, metrics]
