"""Whether this process can do its work: bounded probes of everything it depends on."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime
from enum import StrEnum
from typing import Protocol

import msgspec
import structlog

from service.domain.errors import ReautoError
from service.observability.metrics import Metrics

log = structlog.get_logger()


class ProbeState(StrEnum):
    """`ok` works; `degraded` works or can be done without, but wants attention; `down` does not."""

    OK = "ok"
    DEGRADED = "degraded"
    DOWN = "down"


class Probe(msgspec.Struct, frozen=True):
    """One check: returns a detail for people, or raises a ReautoError that says what is wrong.

    `warnings` is asked after a check that passed: what works, but wants attention.
    """

    name: str
    required: bool
    check: Callable[[], Awaitable[str]]
    warnings: Callable[[], Sequence[str]] = tuple


class ProbeResult(msgspec.Struct, frozen=True, kw_only=True):
    """What one probe found. `last_success_at` is None until it has passed once."""

    name: str
    required: bool
    state: ProbeState
    detail: str
    latency_ms: int
    last_success_at: datetime | None


class ReadinessReport(msgspec.Struct, frozen=True, kw_only=True):
    """All probes. `state` is down when a required one is down, degraded when any is not ok."""

    state: ProbeState
    probes: tuple[ProbeResult, ...]
    checked_at: datetime

    @property
    def is_ready(self) -> bool:
        """True when every required probe works."""
        return self.state is not ProbeState.DOWN


class _Clock(Protocol):
    def now(self) -> datetime: ...

    def monotonic(self) -> float: ...


class Readiness:
    """Runs the probes side by side; a result is reused for `max_age_s`, so scrapes cost nothing."""

    def __init__(
        self,
        probes: Sequence[Probe],
        clock: _Clock,
        timeout_s: float = 2.0,
        *,
        metrics: Metrics,
        max_age_s: float = 1.0,
    ) -> None:
        self._probes = tuple(probes)
        self._clock = clock
        self._timeout_s = timeout_s
        self._metrics = metrics
        self._max_age_s = max_age_s
        self._last_success_at: dict[str, datetime] = {}
        self._latest: tuple[float, ReadinessReport] | None = None
        self._one_at_a_time = asyncio.Lock()

    async def report(self) -> ReadinessReport:
        """Probe everything, or return the report of a moment ago."""
        async with self._one_at_a_time:
            now = self._clock.monotonic()
            if self._latest is not None and now - self._latest[0] < self._max_age_s:
                return self._latest[1]
            async with asyncio.TaskGroup() as checks:
                running = [checks.create_task(self._run(probe)) for probe in self._probes]
            results = tuple(check.result() for check in running)
            report = ReadinessReport(
                state=_overall(results), probes=results, checked_at=self._clock.now()
            )
            self._log_changes(report)
            self._latest = (self._clock.monotonic(), report)
            return report

    async def _run(self, probe: Probe) -> ProbeResult:
        began = self._clock.monotonic()
        try:
            async with asyncio.timeout(self._timeout_s):
                state, detail = _found(await probe.check(), probe.warnings())
            self._last_success_at[probe.name] = self._clock.now()
        except TimeoutError:
            state, detail = ProbeState.DOWN, f"no answer within {self._timeout_s:g} s"
        except ReautoError as error:
            state, detail = ProbeState.DOWN, str(error)
        latency_ms = round((self._clock.monotonic() - began) * 1000)
        self._metrics.probed(probe.name, up=state is not ProbeState.DOWN, latency_ms=latency_ms)
        return ProbeResult(
            name=probe.name,
            required=probe.required,
            state=state,
            detail=detail,
            latency_ms=latency_ms,
            last_success_at=self._last_success_at.get(probe.name),
        )

    def _log_changes(self, report: ReadinessReport) -> None:
        before = self._latest[1].probes if self._latest is not None else ()
        states = {result.name: result.state for result in before}
        for result in report.probes:
            if result.state is not states.get(result.name, ProbeState.OK):
                log.warning(
                    "probe changed",
                    probe=result.name,
                    state=result.state.value,
                    required=result.required,
                    detail=result.detail,
                )


def _found(detail: str, warnings: Sequence[str]) -> tuple[ProbeState, str]:
    if warnings:
        return ProbeState.DEGRADED, "; ".join((detail, *warnings))
    return ProbeState.OK, detail


def _overall(results: Sequence[ProbeResult]) -> ProbeState:
    if any(result.required and result.state is ProbeState.DOWN for result in results):
        return ProbeState.DOWN
    if any(result.state is not ProbeState.OK for result in results):
        return ProbeState.DEGRADED
    return ProbeState.OK
