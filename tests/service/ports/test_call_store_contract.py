"""What every CallStore does."""

import asyncio
from datetime import timedelta
from decimal import Decimal
from itertools import permutations
from uuid import UUID

import pytest

from service.domain.call import Call, CallKind, CallStatus, Direction
from service.domain.conversation import ConversationResult, Fact
from service.domain.errors import Conflict, InvalidInput, NotFound
from service.domain.ids import new_id
from service.domain.money import LedgerLine, Meter, Usage
from service.domain.outcome import Outcome
from service.domain.turn import Turn, TurnStamps
from service.ports.call_store import StatusReport
from tests.service.ports.port_twins import NOON, Stores, a_call

SID = "CA" + "1" * 32


def a_line(component: str = "llm", cost: str | None = "0.00042") -> LedgerLine:
    return LedgerLine(
        component=component,
        meter=Meter.PROMPT_TOKENS,
        provider="ollama",
        model="llama3.1:8b",
        quantity=Decimal("1234.5"),
        unit="token",
        rate_usd=None if cost is None else Decimal("0.0000003"),
        cost_usd=None if cost is None else Decimal(cost),
        price_book_id="book-1",
    )


def a_turn(call_id: UUID, turn_index: int = 0, **changes: object) -> Turn:
    fields: dict[str, object] = {
        "call_id": call_id,
        "turn_index": turn_index,
        "caller_said": "I'd like to sell, naïve or not",
        "agent_said": "Where is it? Tell me.",
        "agent_heard": "Where is it?",
        "agent": "qualifier",
        "interrupted": True,
        "stt_confidence": 0.75,
        "route_reason": "rule: wants to sell",
        "stamps": TurnStamps(speech_ended_ms=1200, playback_started_ms=1900),
        "usage": (
            Usage(
                meter=Meter.STT_AUDIO_SECONDS,
                provider="pocketsphinx",
                model="en",
                quantity=Decimal("2.48"),
            ),
        ),
    }
    return Turn(**(fields | changes))


async def test_a_call_comes_back_as_it_was_put(stores: Stores) -> None:
    contact = await stores.contact(1)
    call = a_call(
        direction=Direction.INBOUND,
        kind=CallKind.EXPERIMENT,
        contact_id=contact.contact_id,
        twilio_sid=SID,
        answered_by="human",
        engines={"stt": "pocketsphinx:en", "llm": "ollama:llama3.1:8b"},
    )
    await stores.calls.create(call)
    assert await stores.calls.get(call.call_id) == call
    assert await stores.calls.by_sid(SID) == call


async def test_creating_twice_returns_the_first(stores: Stores) -> None:
    first = await stores.call(twilio_sid=SID)
    same_id = a_call(call_id=first.call_id, to_number="+15559999999")
    assert await stores.calls.create(same_id) == first
    assert await stores.calls.create(a_call(twilio_sid=SID)) == first
    assert len((await stores.calls.page(limit=10, cursor=None)).calls) == 1


async def test_racing_creations_of_one_sid_make_one_call(stores: Stores) -> None:
    made = await asyncio.gather(*(stores.call(twilio_sid=SID) for _ in range(8)))
    assert len({call.call_id for call in made}) == 1


async def test_unknown_calls_are_not_found(stores: Stores, unknown_id: UUID) -> None:
    calls = stores.calls
    report = StatusReport(twilio_sid=SID, status=CallStatus.RINGING, at=NOON)
    result = ConversationResult(outcome=Outcome.FAILED)
    for attempt in (
        calls.get(unknown_id),
        calls.by_sid(SID),
        calls.placed(unknown_id, twilio_sid=SID),
        calls.report(report),
        calls.answered_by(unknown_id, "human"),
        calls.served_by(unknown_id, worker_id="w0", engines={}, at=NOON),
        calls.record_turn(a_turn(unknown_id), []),
        calls.finish(unknown_id, result=result, ledger=[], at=NOON),
    ):
        with pytest.raises(NotFound):
            await attempt
    assert await calls.turns(unknown_id) == ()
    assert await calls.ledger(unknown_id) == ()
    assert await calls.result(unknown_id) is None


async def test_pages_run_newest_first_without_gap_or_repeat(stores: Stores) -> None:
    made = [
        await stores.call(created_at=NOON + timedelta(seconds=second // 2)) for second in range(7)
    ]
    expected = sorted(made, key=lambda call: (call.created_at, call.call_id), reverse=True)
    seen: list[Call] = []
    cursor = None
    while True:
        page = await stores.calls.page(limit=3, cursor=cursor)
        seen += page.calls
        cursor = page.next_cursor
        if cursor is None:
            break
    assert seen == expected


async def test_a_page_that_is_exactly_full_is_the_last(stores: Stores) -> None:
    for _ in range(3):
        await stores.call()
    assert (await stores.calls.page(limit=3, cursor=None)).next_cursor is None


async def test_pages_can_be_of_one_contact(stores: Stores) -> None:
    contact = await stores.contact(1)
    theirs = await stores.call(contact_id=contact.contact_id)
    await stores.call()
    page = await stores.calls.page(limit=5, cursor=None, contact_id=contact.contact_id)
    assert page.calls == (theirs,)


async def test_foreign_cursors_are_refused(stores: Stores) -> None:
    for number in range(2):
        await stores.contact(number)
    _, of_contacts = await stores.contacts.page(limit=1, cursor=None)
    assert of_contacts is not None
    for cursor in (of_contacts, "nonsense", "=", "é", "Y2FsbHN8eHx5"):
        with pytest.raises(InvalidInput):
            await stores.calls.page(limit=1, cursor=cursor)


async def test_placing_twice_changes_nothing_and_otherwise_conflicts(stores: Stores) -> None:
    call, other = await stores.call(), await stores.call()
    placed = await stores.calls.placed(call.call_id, twilio_sid=SID)
    assert placed.twilio_sid == SID
    assert await stores.calls.placed(call.call_id, twilio_sid=SID) == placed
    with pytest.raises(Conflict):
        await stores.calls.placed(call.call_id, twilio_sid="CA" + "2" * 32)
    with pytest.raises(Conflict):
        await stores.calls.placed(other.call_id, twilio_sid=SID)


def _reports() -> list[StatusReport]:
    at = NOON
    return [
        StatusReport(twilio_sid=SID, status=CallStatus.INITIATED, at=at),
        StatusReport(twilio_sid=SID, status=CallStatus.RINGING, at=at + timedelta(seconds=1)),
        StatusReport(twilio_sid=SID, status=CallStatus.IN_PROGRESS, at=at + timedelta(seconds=5)),
        StatusReport(
            twilio_sid=SID,
            status=CallStatus.COMPLETED,
            at=at + timedelta(seconds=60),
            duration_s=55,
            error_code="31921",
        ),
    ]


async def test_status_reports_in_any_order_give_one_call(stores: Stores) -> None:
    call = await stores.call()
    finals = set()
    for number, order in enumerate(permutations(_reports())):
        sid = f"CA{number:032d}"
        one = await stores.call(twilio_sid=sid)
        for report in (*order, order[0]):
            last = await stores.calls.report(
                StatusReport(
                    twilio_sid=sid,
                    status=report.status,
                    at=report.at,
                    duration_s=report.duration_s,
                    error_code=report.error_code,
                )
            )
        assert await stores.calls.get(one.call_id) == last
        finals.add((last.status, last.answered_at, last.ended_at, last.duration_s, last.error_code))
    assert finals == {
        (
            CallStatus.COMPLETED,
            NOON + timedelta(seconds=5),
            NOON + timedelta(seconds=60),
            55,
            "31921",
        )
    }
    assert await stores.calls.get(call.call_id) == call


async def test_racing_reports_lose_nothing(stores: Stores) -> None:
    call = await stores.call(twilio_sid=SID)
    await asyncio.gather(*(stores.calls.report(report) for report in _reports() * 4))
    final = await stores.calls.get(call.call_id)
    assert final.status is CallStatus.COMPLETED
    assert final.answered_at == NOON + timedelta(seconds=5)
    assert final.duration_s == 55


async def test_the_first_terminal_status_stays(stores: Stores) -> None:
    await stores.call(twilio_sid=SID)
    busy = StatusReport(twilio_sid=SID, status=CallStatus.BUSY, at=NOON)
    late = StatusReport(twilio_sid=SID, status=CallStatus.COMPLETED, at=NOON + timedelta(seconds=9))
    await stores.calls.report(busy)
    final = await stores.calls.report(late)
    assert (final.status, final.ended_at) == (CallStatus.BUSY, NOON)


async def test_the_first_machine_verdict_stays(stores: Stores) -> None:
    call = await stores.call()
    await stores.calls.answered_by(call.call_id, "machine_start")
    again = await stores.calls.answered_by(call.call_id, "human")
    assert again.answered_by == "machine_start"


async def test_a_stream_means_answered_and_the_last_worker_owns_the_call(stores: Stores) -> None:
    call = await stores.call(twilio_sid=SID)
    engines = {"stt": "pocketsphinx:en"}
    served = await stores.calls.served_by(call.call_id, worker_id="w0", engines=engines, at=NOON)
    assert (served.status, served.answered_at) == (CallStatus.IN_PROGRESS, NOON)
    assert (served.worker_id, served.engines) == ("w0", engines)
    later = NOON + timedelta(seconds=30)
    again = await stores.calls.served_by(call.call_id, worker_id="w1", engines={}, at=later)
    assert (again.worker_id, again.answered_at) == ("w1", NOON)
    assert await stores.calls.get(call.call_id) == again


async def test_a_stream_does_not_revive_a_call_that_is_over(stores: Stores) -> None:
    call = await stores.call(status=CallStatus.COMPLETED)
    served = await stores.calls.served_by(call.call_id, worker_id="w0", engines={}, at=NOON)
    assert served.status is CallStatus.COMPLETED


async def test_turns_come_back_in_order_and_whole(stores: Stores) -> None:
    call = await stores.call()
    greeting = a_turn(
        call.call_id, 0, caller_said="", stt_confidence=None, usage=(), stamps=TurnStamps()
    )
    second = a_turn(call.call_id, 1)
    await stores.calls.record_turn(second, [])
    await stores.calls.record_turn(greeting, [])
    assert await stores.calls.turns(call.call_id) == (greeting, second)


async def test_every_stamp_is_kept(stores: Stores) -> None:
    call = await stores.call()
    stamps = TurnStamps(
        **{name: 100 + place for place, name in enumerate(TurnStamps.__struct_fields__)}
    )
    await stores.calls.record_turn(a_turn(call.call_id, stamps=stamps), [])
    [turn] = await stores.calls.turns(call.call_id)
    assert turn.stamps == stamps


async def test_recording_a_turn_twice_is_once(stores: Stores) -> None:
    call = await stores.call()
    turn, line = a_turn(call.call_id), a_line()
    await asyncio.gather(*(stores.calls.record_turn(turn, [line]) for _ in range(6)))
    await stores.calls.record_turn(a_turn(call.call_id, caller_said="another"), [line, line])
    assert await stores.calls.turns(call.call_id) == (turn,)
    assert await stores.calls.ledger(call.call_id) == (line,)


async def test_ledger_lists_turns_first_and_keeps_equal_lines_apart(stores: Stores) -> None:
    call = await stores.call()
    telephony = a_line("telephony", "0.0085")
    unpriced = a_line("tts", None)
    result = ConversationResult(outcome=Outcome.QUALIFIED)
    await stores.calls.finish(call.call_id, result=result, ledger=[telephony], at=NOON)
    await stores.calls.record_turn(a_turn(call.call_id, 1), [a_line(), a_line()])
    await stores.calls.record_turn(a_turn(call.call_id, 0), [unpriced])
    lines = await stores.calls.ledger(call.call_id)
    assert lines == (unpriced, a_line(), a_line(), telephony)
    assert sum(line.cost_usd or Decimal(0) for line in lines) == Decimal("0.00934")


async def test_the_first_outcome_stays(stores: Stores) -> None:
    call = await stores.call()
    first = ConversationResult(
        outcome=Outcome.QUALIFIED,
        facts=(Fact(name="intent", value="sell", confidence=0.9, turn_index=1),),
        summary="Wants to sell. Call on Monday.",
    )
    second = ConversationResult(outcome=Outcome.ABANDONED)
    assert await stores.calls.result(call.call_id) is None
    finished = await stores.calls.finish(call.call_id, result=first, ledger=[a_line()], at=NOON)
    assert finished.outcome is Outcome.QUALIFIED
    again = await stores.calls.finish(call.call_id, result=second, ledger=[a_line()], at=NOON)
    assert again == finished == await stores.calls.get(call.call_id)
    assert await stores.calls.result(call.call_id) == first
    assert await stores.calls.ledger(call.call_id) == (a_line(),)


async def test_racing_finishes_agree(stores: Stores) -> None:
    call = await stores.call()
    outcomes = list(Outcome)[:6]
    finished = await asyncio.gather(
        *(
            stores.calls.finish(
                call.call_id, result=ConversationResult(outcome=o), ledger=[a_line()], at=NOON
            )
            for o in outcomes
        )
    )
    assert len({each.outcome for each in finished}) == 1
    assert len(await stores.calls.ledger(call.call_id)) == 1


async def test_unfinished_are_the_served_calls_without_outcome(stores: Stores) -> None:
    left, done, other, unserved = [await stores.call() for _ in range(4)]
    for call, worker in ((left, "w0"), (done, "w0"), (other, "w1")):
        await stores.calls.served_by(call.call_id, worker_id=worker, engines={}, at=NOON)
    result = ConversationResult(outcome=Outcome.ABANDONED)
    await stores.calls.finish(done.call_id, result=result, ledger=[], at=NOON)
    found = await stores.calls.unfinished(worker_id="w0")
    assert [call.call_id for call in found] == [left.call_id]
    assert unserved.worker_id is None
    assert await stores.calls.unfinished(worker_id=str(new_id())) == ()


async def test_a_call_written_from_all_sides_at_once_keeps_everything(stores: Stores) -> None:
    call = await stores.call(twilio_sid=SID)
    result = ConversationResult(outcome=Outcome.QUALIFIED)
    await asyncio.gather(
        *(stores.calls.record_turn(a_turn(call.call_id, n), [a_line()]) for n in range(6)),
        *(stores.calls.report(report) for report in _reports()),
        stores.calls.placed(call.call_id, twilio_sid=SID),
        stores.calls.answered_by(call.call_id, "human"),
        stores.calls.served_by(call.call_id, worker_id="w0", engines={"stt": "x:y"}, at=NOON),
        stores.calls.finish(call.call_id, result=result, ledger=[a_line()], at=NOON),
    )
    final = await stores.calls.get(call.call_id)
    assert (final.status, final.outcome) == (CallStatus.COMPLETED, Outcome.QUALIFIED)
    assert (final.answered_by, final.worker_id, final.duration_s) == ("human", "w0", 55)
    assert len(await stores.calls.turns(call.call_id)) == 6
    assert len(await stores.calls.ledger(call.call_id)) == 7
