"""Readiness: bounded, side by side, remembered, and the same numbers as metrics."""

import asyncio

import pytest
import structlog

from service.adapters.memory.clock import ManualClock
from service.domain.errors import StorageUnavailable
from service.observability.metrics import Metrics
from service.observability.readiness import Probe, ProbeState, Readiness

WITHIN_S = 10


class Dependency:
    def __init__(self) -> None:
        self.asked = 0
        self.detail = "fine"
        self.error: StorageUnavailable | None = None
        self.hangs = False

    async def check(self) -> str:
        self.asked += 1
        if self.hangs:
            await asyncio.Event().wait()
        if self.error:
            raise self.error
        return self.detail


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def metrics() -> Metrics:
    return Metrics()


async def test_all_is_well(clock: ManualClock, metrics: Metrics) -> None:
    readiness = Readiness([Probe("db", True, Dependency().check)], clock, metrics=metrics)
    report = await readiness.report()
    assert report.state is ProbeState.OK
    assert report.is_ready
    [probe] = report.probes
    assert (probe.detail, probe.last_success_at) == ("fine", clock.now())
    assert 'reauto_probe_up{probe="db"} 1.0' in metrics.render().decode()


async def test_required_down_is_not_ready_and_optional_down_is(
    clock: ManualClock, metrics: Metrics
) -> None:
    db, sheets = Dependency(), Dependency()
    probes = [Probe("db", True, db.check), Probe("sheets", False, sheets.check)]
    readiness = Readiness(probes, clock, metrics=metrics)
    sheets.error = StorageUnavailable("no network")
    report = await readiness.report()
    assert (report.state, report.is_ready) == (ProbeState.DEGRADED, True)
    assert report.probes[1].state is ProbeState.DOWN
    assert report.probes[1].detail == "no network"
    assert report.probes[1].last_success_at is None
    db.error = StorageUnavailable("refused")
    await clock.advance(2)
    report = await readiness.report()
    assert (report.state, report.is_ready) == (ProbeState.DOWN, False)
    assert report.probes[0].last_success_at is not None
    assert report.probes[0].last_success_at < report.checked_at
    assert 'reauto_probe_up{probe="db"} 0.0' in metrics.render().decode()


async def test_a_warning_degrades_even_a_required_probe_and_stays_ready(
    clock: ManualClock, metrics: Metrics
) -> None:
    found: list[str] = []
    probe = Probe("redis", True, Dependency().check, lambda: found)
    readiness = Readiness([probe], clock, metrics=metrics)
    assert (await readiness.report()).state is ProbeState.OK
    found.append("persistence is off")
    await clock.advance(2)
    report = await readiness.report()
    assert (report.state, report.is_ready) == (ProbeState.DEGRADED, True)
    assert report.probes[0].detail == "fine; persistence is off"


async def test_a_probe_that_hangs_is_cut_off_and_delays_no_other(
    clock: ManualClock, metrics: Metrics
) -> None:
    slow, quick = Dependency(), Dependency()
    slow.hangs = True
    probes = [Probe("slow", True, slow.check), Probe("quick", True, quick.check)]
    readiness = Readiness(probes, clock, timeout_s=0.05, metrics=metrics)
    async with asyncio.timeout(WITHIN_S):
        report = await readiness.report()
    assert [probe.state for probe in report.probes] == [ProbeState.DOWN, ProbeState.OK]
    assert "0.05 s" in report.probes[0].detail


async def test_a_storm_of_scrapes_asks_once_a_second(clock: ManualClock, metrics: Metrics) -> None:
    db = Dependency()
    readiness = Readiness([Probe("db", True, db.check)], clock, metrics=metrics)
    reports = await asyncio.gather(*(readiness.report() for _ in range(50)))
    assert db.asked == 1
    assert len({id(report) for report in reports}) == 1
    await clock.advance(0.9)
    await readiness.report()
    assert db.asked == 1
    await clock.advance(0.2)
    await readiness.report()
    assert db.asked == 2


async def test_only_changes_are_logged(clock: ManualClock, metrics: Metrics) -> None:
    db = Dependency()
    readiness = Readiness([Probe("db", True, db.check)], clock, metrics=metrics)
    seen = []
    with structlog.testing.capture_logs() as lines:
        for error in (None, StorageUnavailable("x"), StorageUnavailable("x"), None, None):
            db.error = error
            await clock.advance(2)
            await readiness.report()
            seen.append(len(lines))
    assert seen == [0, 1, 1, 2, 2]
