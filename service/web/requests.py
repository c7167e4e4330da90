"""Each request gets a trace id, a log line and its place in the metrics."""

import time
from collections.abc import Callable

import structlog
from litestar.datastructures import MutableScopeHeaders
from litestar.enums import ScopeType
from litestar.types import ASGIApp, Message, Receive, Scope, Send

from service.observability.metrics import Metrics
from service.observability.tracing import request_trace

log = structlog.get_logger()

_POLLED = ("/health/", "/metrics")


def request_middleware(
    metrics: Metrics, *, monotonic: Callable[[], float] = time.perf_counter
) -> Callable[[ASGIApp], ASGIApp]:
    """Make the middleware; a websocket only gets the trace id."""

    def wrap(app: ASGIApp) -> ASGIApp:
        async def traced(scope: Scope, receive: Receive, send: Send) -> None:
            headers = dict(scope["headers"])
            with request_trace(headers.get(b"traceparent", b"").decode("latin-1")) as trace_id:
                if scope["type"] == ScopeType.HTTP:
                    await answer(scope, receive, send, trace_id=trace_id)
                else:
                    await app(scope, receive, _forgiving(send))

        async def answer(scope: Scope, receive: Receive, send: Send, *, trace_id: str) -> None:
            status, began = 500, monotonic()

            async def watch(message: Message) -> None:
                nonlocal status
                if message["type"] == "http.response.start":
                    status = message["status"]
                    MutableScopeHeaders.from_message(message)["X-Trace-Id"] = trace_id
                await send(message)

            try:
                await app(scope, receive, watch)
            finally:
                _note(scope, status=status, seconds=monotonic() - began)

        return traced

    def _note(scope: Scope, *, status: int, seconds: float) -> None:
        method = str(scope.get("method", ""))
        route = str(scope.get("path_template", "unknown"))
        metrics.request_answered(method=method, route=route, status=status, seconds=seconds)
        if not route.startswith(_POLLED):
            log.info(
                "request answered",
                method=method,
                route=route,
                status=status,
                duration_ms=round(seconds * 1000),
            )

    return wrap


def _forgiving(send: Send) -> Send:
    """Closing a websocket that its peer has left already is no error."""

    async def forgiving(message: Message) -> None:
        try:
            await send(message)
        except OSError:
            if message["type"] != "websocket.close":
                raise

    return forgiving
