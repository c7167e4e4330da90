"""Metrics: one registry each, names as documented, figures as fed."""

import asyncio
from decimal import Decimal
from uuid import UUID

import msgspec
import pytest
from prometheus_client.parser import text_string_to_metric_families

from service.adapters.memory.clock import ManualClock
from service.domain.call import Call, CallStatus, Direction
from service.domain.ids import new_id
from service.domain.money import LedgerLine, Meter
from service.domain.outcome import Outcome
from service.domain.turn import Turn, TurnStamps
from service.observability.event_loop_lag import sample_event_loop_lag
from service.observability.metrics import Metrics


def _samples(metrics: Metrics) -> dict[tuple[str, tuple[tuple[str, str], ...]], float]:
    return {
        (sample.name, tuple(sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(metrics.render().decode())
        for sample in family.samples
    }


def _line(cost: Decimal | None) -> LedgerLine:
    return LedgerLine(
        component="telephony",
        meter=Meter.TELEPHONY_SECONDS,
        provider="twilio",
        model="outbound",
        quantity=Decimal(1),
        unit="minute",
        rate_usd=cost,
        cost_usd=cost,
        price_book_id="b",
    )


def test_calls_turns_and_money() -> None:
    metrics, clock = Metrics(), ManualClock()
    call = Call(
        call_id=new_id(),
        direction=Direction.INBOUND,
        from_number="+15555550123",
        to_number="+15555550100",
        status=CallStatus.COMPLETED,
        config_id="c",
        created_at=clock.now(),
        outcome=Outcome.QUALIFIED,
    )
    metrics.call_started(call.direction)
    metrics.call_ended(call)
    metrics.call_ended(msgspec.structs.replace(call, outcome=None))
    stamps = TurnStamps(speech_ended_ms=1_000, playback_started_ms=1_700)
    turn = Turn(
        call_id=UUID(int=1),
        turn_index=1,
        caller_said="hello",
        agent_said="hi",
        agent_heard="hi",
        agent="opener",
        stamps=stamps,
    )
    metrics.turn_finished(turn)
    metrics.turn_finished(msgspec.structs.replace(turn, stamps=TurnStamps()))
    metrics.spent([_line(Decimal("0.014")), _line(Decimal("0.014")), _line(None)])
    metrics.watch_calls(lambda: 3)
    metrics.watch_pool(in_use=lambda: 5, waiting=lambda: 1)
    metrics.pool_waited(0.02)
    samples = _samples(metrics)
    assert samples["reauto_calls_started_total", (("direction", "inbound"),)] == 1
    ended = (("direction", "inbound"), ("outcome", "qualified"))
    assert samples["reauto_calls_ended_total", ended] == 1
    assert samples["reauto_turns_total", ()] == 2
    assert samples["reauto_response_latency_seconds_count", ()] == 1
    assert samples["reauto_response_latency_seconds_sum", ()] == pytest.approx(0.7)
    assert samples["reauto_dollars_spent_total", (("component", "telephony"),)] == pytest.approx(
        0.028
    )
    assert samples["reauto_unpriced_lines_total", ()] == 1
    assert samples["reauto_calls_active", ()] == 3
    assert samples["reauto_pool_in_use", ()] == 5
    assert samples["reauto_pool_waiting", ()] == 1
    assert samples["reauto_pool_wait_seconds_count", ()] == 1
    assert "+15555550123" not in metrics.render().decode()


def test_two_workers_in_one_process_do_not_mix() -> None:
    first, second = Metrics(), Metrics()
    first.call_started(Direction.INBOUND)
    key = ("reauto_calls_started_total", (("direction", "inbound"),))
    assert _samples(first)[key] == 1
    assert key not in _samples(second)


async def test_a_blocked_event_loop_shows_as_lag() -> None:
    metrics, clock = Metrics(), ManualClock()
    late_s = iter([0.0, 0.030, 0.0])

    async def sleep(seconds: float) -> None:
        await clock.advance(seconds + next(late_s))

    with pytest.raises(RuntimeError, match="StopIteration"):
        await sample_event_loop_lag(metrics, monotonic=clock.monotonic, sleep=sleep)
    samples = _samples(metrics)
    assert samples["reauto_event_loop_lag_seconds_count", ()] == 3
    assert samples["reauto_event_loop_lag_seconds_sum", ()] == pytest.approx(0.030)
    assert samples["reauto_event_loop_lag_seconds_bucket", (("le", "0.02"),)] == 2
    assert samples["reauto_event_loop_lag_seconds_bucket", (("le", "0.05"),)] == 3


async def test_the_sampler_runs_on_the_real_loop_until_cancelled() -> None:
    metrics = Metrics()
    sampler = asyncio.create_task(sample_event_loop_lag(metrics, interval_s=0.001))
    async with asyncio.timeout(10):
        while _samples(metrics)["reauto_event_loop_lag_seconds_count", ()] < 3:
            await asyncio.sleep(0.005)
    sampler.cancel()
    with pytest.raises(asyncio.CancelledError):
        await sampler
