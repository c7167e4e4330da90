"""The clock that tests move by hand."""

import asyncio
from datetime import timedelta

import pytest

from service.adapters.memory.clock import ManualClock
from service.adapters.memory.sessions import Expiring


async def test_sleepers_wake_in_the_order_of_their_times() -> None:
    clock = ManualClock()
    woken: list[tuple[str, float]] = []

    async def sleeper(name: str, seconds: float) -> None:
        await clock.sleep(seconds)
        woken.append((name, clock.monotonic()))

    async with asyncio.TaskGroup() as group:
        for name, seconds in (("late", 3.0), ("early", 1.0), ("never", 0.0), ("middle", 2.0)):
            group.create_task(sleeper(name, seconds))
        await clock.advance(2.5)
        assert woken == [("never", 0.0), ("early", 1.0), ("middle", 2.0)]
        assert clock.sleepers == 1
        await clock.advance(0.5)
    assert woken[-1] == ("late", 3.0)
    assert clock.sleepers == 0


async def test_a_loop_that_sleeps_again_runs_within_one_advance() -> None:
    clock = ManualClock()
    ticks: list[float] = []

    async def ticker() -> None:
        while len(ticks) < 5:
            await clock.sleep(0.25)
            ticks.append(clock.monotonic())

    task = asyncio.create_task(ticker())
    await clock.advance(10)
    assert ticks == [0.25, 0.5, 0.75, 1.0, 1.25]
    await task


async def test_a_cancelled_sleeper_holds_nobody_up() -> None:
    clock = ManualClock()
    task = asyncio.create_task(clock.sleep(1))
    await clock.advance(0)
    task.cancel()
    await clock.advance(5)
    assert task.cancelled()


async def test_time_of_day_follows_and_never_turns_back() -> None:
    clock = ManualClock()
    before = clock.now()
    await clock.advance(90)
    assert clock.now() - before == timedelta(seconds=90)
    assert before.utcoffset() == timedelta(0)
    with pytest.raises(ValueError, match="forward"):
        await clock.advance(-1)


async def test_entries_expire_by_the_clock() -> None:
    clock = ManualClock()
    entries = Expiring[str, int](clock)
    entries.put("short", 1, ttl_s=10)
    entries.put("long", 2, ttl_s=20)
    await clock.advance(10)
    assert entries.get("short") is None
    assert entries.values() == (2,)
    assert entries.pop("long") == 2
    assert entries.get("long") is None
