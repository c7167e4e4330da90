"""Dialing needs a permit, and a permit needs consent and no suppression."""

import pytest

from service.calls.hang_up import HangUp
from service.compliance.permit import DialPermit
from service.domain.call import CallStatus
from service.domain.errors import Conflict, InvalidInput, NotFound, Refused, TelephonyError
from service.domain.events import HangUpRequested
from service.domain.ids import new_id
from service.domain.outcome import Outcome
from tests.service.calls.desk import Desk
from tests.service.web.office import THEIR_NUMBER


async def test_a_call_is_stored_before_the_network_is_asked(desk: Desk) -> None:
    call = await desk.placed()
    leg = desk.telephony.legs[str(call.twilio_sid)]
    assert leg.call_id == call.call_id
    assert str(call.call_id) in leg.voice_url
    assert str(call.call_id) in leg.status_url


async def test_a_suppressed_number_is_refused(desk: Desk) -> None:
    await desk.contact()
    await desk.contacts.suppress(THEIR_NUMBER, reason="asked", call_id=None)
    with pytest.raises(Refused, match="suppressed"):
        await desk.dialing().place(to_number=THEIR_NUMBER)
    assert desk.telephony.legs == {}


async def test_a_contact_without_consent_is_refused(desk: Desk) -> None:
    await desk.contact(consent=None)
    with pytest.raises(Refused, match="consent"):
        await desk.dialing().place(to_number=THEIR_NUMBER)


@pytest.mark.parametrize("number", ["+19005550123", "+1555123"])
async def test_premium_and_impossible_numbers_are_refused(desk: Desk, number: str) -> None:
    await desk.contact(number)
    with pytest.raises(Refused):
        await desk.dialing().place(to_number=number)


async def test_an_unknown_number_has_no_contact(desk: Desk) -> None:
    with pytest.raises(NotFound):
        await desk.dialing().place(to_number=THEIR_NUMBER)


async def test_a_foreign_caller_id_is_refused(desk: Desk) -> None:
    contact = await desk.contact()
    with pytest.raises(InvalidInput):
        await desk.dialing().place(contact_id=contact.contact_id, from_number="+15555550999")


async def test_a_call_that_the_network_refused_is_stored_as_failed(desk: Desk) -> None:
    await desk.contact()
    desk.telephony.refused[THEIR_NUMBER] = 21214
    with pytest.raises(TelephonyError):
        await desk.dialing().place(to_number=THEIR_NUMBER)
    (call,) = (await desk.calls.page(limit=10, cursor=None)).calls
    assert call.outcome is Outcome.FAILED


def test_nobody_else_makes_a_permit() -> None:
    with pytest.raises(TypeError):
        DialPermit(contact_id=new_id(), to_number=THEIR_NUMBER, maker=object())


async def test_a_ringing_call_is_ended_at_the_network(desk: Desk) -> None:
    call = await desk.placed()
    hang_up = HangUp(calls=desk.calls, sessions=desk.sessions, telephony=desk.telephony)
    await hang_up.request(call.call_id, reason="test")
    assert desk.telephony.statuses[str(call.twilio_sid)] is CallStatus.COMPLETED


async def test_a_running_call_is_ended_by_its_worker(desk: Desk) -> None:
    call = await desk.placed()
    hang_up = HangUp(calls=desk.calls, sessions=desk.sessions, telephony=desk.telephony)
    async with desk.running(call):
        await desk.clock.advance(0.1)
        await hang_up.request(call.call_id, reason="test")
        expected = HangUpRequested(call_id=call.call_id, reason="test")
        assert await anext(desk.sessions.inbox("w0")) == expected
    with pytest.raises(Conflict):
        await hang_up.request(call.call_id, reason="test")


async def test_a_lost_answer_is_left_to_the_callbacks(desk: Desk) -> None:
    await desk.contact()
    desk.telephony.failures.append(TelephonyError("no answer came"))
    with pytest.raises(TelephonyError):
        await desk.dialing().place(to_number=THEIR_NUMBER)
    (call,) = (await desk.calls.page(limit=10, cursor=None)).calls
    assert call.outcome is None
