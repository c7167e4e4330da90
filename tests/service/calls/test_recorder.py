"""The recorder writes every turn once, in order, through a store that comes and goes."""

import asyncio
from collections.abc import Sequence

import pytest

from service.adapters.memory.calls import InMemoryCallStore
from service.calls.recorder import Recorder
from service.domain.errors import StorageUnavailable
from service.domain.money import LedgerLine
from service.domain.turn import Turn
from tests.service.calls.desk import Desk


class FlakyCallStore(InMemoryCallStore):
    """Fails the first `failures` writes."""

    def __init__(self, failures: int) -> None:
        super().__init__()
        self.failures = failures

    async def record_turn(self, turn: Turn, ledger: Sequence[LedgerLine]) -> None:
        if self.failures:
            self.failures -= 1
            raise StorageUnavailable("away")
        await super().record_turn(turn, ledger)


def turn(call_id: object, index: int) -> Turn:
    return Turn(
        call_id=call_id,  # type: ignore[arg-type]
        turn_index=index,
        caller_said="a",
        agent_said="b",
        agent_heard="b",
        agent="opener",
    )


async def test_a_store_that_is_away_costs_time_and_no_turn(desk: Desk) -> None:
    desk.calls = FlakyCallStore(failures=3)
    call = await desk.placed()
    recorder = Recorder(
        calls=desk.calls, prices=desk.prices, metrics=desk.metrics, clock=desk.clock
    )
    for index in range(3):
        recorder.record(turn(call.call_id, index))
    running = asyncio.create_task(recorder.run())
    for _ in range(4):
        await desk.clock.advance(2)
    await recorder.flush(call.call_id)
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    assert [each.turn_index for each in await desk.calls.turns(call.call_id)] == [0, 1, 2]
    assert recorder.backlog == 0


async def test_a_full_queue_says_so(desk: Desk) -> None:
    call = await desk.placed()
    recorder = Recorder(
        calls=desk.calls, prices=desk.prices, metrics=desk.metrics, clock=desk.clock, queue_size=1
    )
    recorder.record(turn(call.call_id, 0))
    with pytest.raises(StorageUnavailable):
        recorder.record(turn(call.call_id, 1))


async def test_flushing_a_call_without_turns_returns(desk: Desk) -> None:
    call = await desk.placed()
    await desk.recorder.flush(call.call_id)
    assert desk.recorder.backlog == 0
