"""The numbers of one process, in a registry of its own, as Prometheus reads them."""

from collections.abc import Callable, Iterable

from prometheus_client import (
    CONTENT_TYPE_LATEST,
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    ProcessCollector,
    generate_latest,
)

from service.domain.call import Call, Direction
from service.domain.money import LedgerLine
from service.domain.turn import Turn

_RESPONSE_S = (0.2, 0.4, 0.6, 0.8, 1.0, 1.25, 1.5, 2.0, 3.0, 5.0)
_LAG_S = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 1.0)
_HTTP_S = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 15.0)
_WAIT_S = (0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1.0, 5.0)


class Metrics:
    """Counts for one process. Money is a float here: for dashboards, never for a receipt."""

    content_type = CONTENT_TYPE_LATEST

    def __init__(self) -> None:
        registry = CollectorRegistry()
        self._registry = registry
        ProcessCollector(registry=registry)
        self._calls(registry)
        self._resources(registry)

    def _calls(self, registry: CollectorRegistry) -> None:
        self._started = Counter(
            "reauto_calls_started", "Calls begun", ["direction"], registry=registry
        )
        self._ended = Counter(
            "reauto_calls_ended", "Calls ended", ["direction", "outcome"], registry=registry
        )
        self._active = Gauge("reauto_calls_active", "Calls running now", registry=registry)
        self._turns = Counter("reauto_turns", "Turns taken", registry=registry)
        self._response = Histogram(
            "reauto_response_latency_seconds",
            "Caller's end of speech to start of playback",
            buckets=_RESPONSE_S,
            registry=registry,
        )
        self._dollars = Counter(
            "reauto_dollars_spent", "Priced spending, US dollars", ["component"], registry=registry
        )
        self._unpriced = Counter(
            "reauto_unpriced_lines", "Ledger lines without a rate", registry=registry
        )

    def _resources(self, registry: CollectorRegistry) -> None:
        self._pool_in_use = Gauge("reauto_pool_in_use", "Connections in use", registry=registry)
        self._pool_waiting = Gauge("reauto_pool_waiting", "Waiting for one", registry=registry)
        self._pool_wait = Histogram(
            "reauto_pool_wait_seconds",
            "Wait for a connection",
            buckets=_WAIT_S,
            registry=registry,
        )
        self._probe_up = Gauge(
            "reauto_probe_up", "1 when the probe passed", ["probe"], registry=registry
        )
        self._probe_latency = Gauge(
            "reauto_probe_latency_seconds", "Latest probe", ["probe"], registry=registry
        )
        self._lag = Histogram(
            "reauto_event_loop_lag_seconds",
            "How late the event loop ran a timer",
            buckets=_LAG_S,
            registry=registry,
        )
        self._requests = Counter(
            "reauto_http_requests",
            "Requests answered",
            ["method", "route", "status"],
            registry=registry,
        )
        self._request_time = Histogram(
            "reauto_http_request_seconds",
            "Time to answer",
            ["method", "route"],
            buckets=_HTTP_S,
            registry=registry,
        )

    def call_started(self, direction: Direction) -> None:
        """A call began."""
        self._started.labels(direction.value).inc()

    def call_ended(self, call: Call) -> None:
        """A call ended with an outcome."""
        outcome = call.outcome.value if call.outcome else "unknown"
        self._ended.labels(call.direction.value, outcome).inc()

    def turn_finished(self, turn: Turn) -> None:
        """A turn is over; its response latency counts when it was measured."""
        self._turns.inc()
        latency_ms = turn.stamps.response_latency_ms
        if latency_ms is not None:
            self._response.observe(latency_ms / 1000)

    def spent(self, lines: Iterable[LedgerLine]) -> None:
        """Ledger lines were written."""
        for line in lines:
            if line.cost_usd is None:
                self._unpriced.inc()
            else:
                self._dollars.labels(line.component).inc(float(line.cost_usd))

    def watch_calls(self, active: Callable[[], float]) -> None:
        """Read the number of running calls at each scrape."""
        self._active.set_function(active)

    def watch_pool(self, *, in_use: Callable[[], float], waiting: Callable[[], float]) -> None:
        """Read the database pool at each scrape."""
        self._pool_in_use.set_function(in_use)
        self._pool_waiting.set_function(waiting)

    def pool_waited(self, seconds: float) -> None:
        """A connection was handed out after this wait."""
        self._pool_wait.observe(seconds)

    def probed(self, name: str, *, up: bool, latency_ms: float) -> None:
        """A readiness probe ran."""
        self._probe_up.labels(name).set(1 if up else 0)
        self._probe_latency.labels(name).set(latency_ms / 1000)

    def event_loop_lagged(self, seconds: float) -> None:
        """The event loop ran a timer this late."""
        self._lag.observe(seconds)

    def request_answered(self, *, method: str, route: str, status: int, seconds: float) -> None:
        """An HTTP request was answered; `route` is the template, never the path itself."""
        self._requests.labels(method, route, str(status)).inc()
        self._request_time.labels(method, route).observe(seconds)

    def render(self) -> bytes:
        """The exposition text (`content_type` says which)."""
        return generate_latest(self._registry)
