"""Callbacks arrive in any order, any number of times, before or after our own records."""

from itertools import permutations

import pytest

from service.calls.callbacks import Callbacks
from service.domain.call import CallStatus
from service.domain.errors import NotFound
from service.domain.events import LegEnded, MachineDetected
from service.domain.outcome import Outcome
from service.ports.call_store import StatusReport
from tests.service.calls.desk import Desk

EVENTS = (CallStatus.INITIATED, CallStatus.RINGING, CallStatus.IN_PROGRESS, CallStatus.COMPLETED)


def callbacks(desk: Desk) -> Callbacks:
    return Callbacks(calls=desk.calls, sessions=desk.sessions, settlement=desk.settlement)


def report(desk: Desk, sid: str, status: CallStatus) -> StatusReport:
    return StatusReport(twilio_sid=sid, status=status, at=desk.clock.now())


@pytest.mark.parametrize("order", list(permutations(EVENTS)))
async def test_every_order_ends_the_same(desk: Desk, order: tuple[CallStatus, ...]) -> None:
    call = await desk.placed()
    for status in (*order, *order):
        await callbacks(desk).status(report(desk, str(call.twilio_sid), status))
    ended = await desk.calls.get(call.call_id)
    assert (ended.status, ended.outcome) == (CallStatus.COMPLETED, Outcome.ABANDONED)


@pytest.mark.parametrize(
    ("status", "outcome"),
    [
        (CallStatus.BUSY, Outcome.BUSY),
        (CallStatus.NO_ANSWER, Outcome.NO_ANSWER),
        (CallStatus.FAILED, Outcome.FAILED),
        (CallStatus.CANCELED, Outcome.CANCELED),
    ],
)
async def test_a_call_that_nobody_answered_has_an_outcome_and_no_cost(
    desk: Desk, status: CallStatus, outcome: Outcome
) -> None:
    call = await desk.placed()
    await callbacks(desk).status(report(desk, str(call.twilio_sid), status))
    ended = await desk.calls.get(call.call_id)
    assert (ended.status, ended.outcome) == (status, outcome)
    assert await desk.calls.ledger(call.call_id) == ()


async def test_an_unknown_call_is_not_found(desk: Desk) -> None:
    with pytest.raises(NotFound):
        await callbacks(desk).status(report(desk, "CA" + "9" * 32, CallStatus.RINGING))


async def test_the_end_of_a_running_call_is_told_to_its_worker(desk: Desk) -> None:
    call = await desk.placed()
    await desk.calls.served_by(call.call_id, worker_id="w0", engines={}, at=desk.clock.now())
    await callbacks(desk).status(report(desk, str(call.twilio_sid), CallStatus.COMPLETED))
    inbox = desk.sessions.inbox("w0")
    assert await anext(inbox) == LegEnded(call_id=call.call_id, status="completed")
    assert (await desk.calls.get(call.call_id)).outcome is None


async def test_the_first_machine_verdict_is_kept_and_told(desk: Desk) -> None:
    call = await desk.placed()
    await desk.calls.served_by(call.call_id, worker_id="w0", engines={}, at=desk.clock.now())
    sid = str(call.twilio_sid)
    await callbacks(desk).machine_verdict(sid, "machine_start", call_id=call.call_id)
    await callbacks(desk).machine_verdict(sid, "human")
    assert (await desk.calls.get(call.call_id)).answered_by == "machine_start"
    expected = MachineDetected(call_id=call.call_id, answered_by="machine_start")
    assert await anext(desk.sessions.inbox("w0")) == expected
