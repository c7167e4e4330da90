"""The dialer calls each contact once, keeps the limit and says why it skipped somebody."""

import pytest

from service.campaigns.dialer import Dialer
from service.domain.campaign import AttemptStatus, Campaign, CampaignStatus
from service.domain.conversation import ConversationResult
from service.domain.ids import new_id
from service.domain.outcome import Outcome
from service.web.examples import CONFIG
from tests.service.calls.desk import Desk
from tests.service.web.office import OUR_NUMBER


@pytest.fixture
async def desk() -> Desk:
    desk = Desk()
    await desk.configs.ensure_default(CONFIG)
    return desk


def dialer(desk: Desk) -> Dialer:
    return Dialer(
        campaigns=desk.campaigns, dialing=desk.dialing(), active=desk.active, clock=desk.clock
    )


async def campaign(desk: Desk, *phones: str, at_a_time: int = 10) -> Campaign:
    contacts = [await desk.contact(phone) for phone in phones]
    made = Campaign(
        campaign_id=new_id(),
        name="spring",
        from_number=OUR_NUMBER,
        max_concurrent_calls=at_a_time,
        status=CampaignStatus.RUNNING,
        created_at=desk.clock.now(),
    )
    return await desk.campaigns.create(made, [contact.contact_id for contact in contacts])


async def steps(desk: Desk, count: int) -> list[bool]:
    working = dialer(desk)
    return [await working.step() for _ in range(count)]


async def test_every_contact_is_dialled_once(desk: Desk) -> None:
    made = await campaign(desk, "+15555550101", "+15555550102")
    assert await steps(desk, 5) == [True, True, False, False, False]
    attempts = await desk.campaigns.attempts(made.campaign_id)
    assert {attempt.status for attempt in attempts} == {AttemptStatus.DIALLED}
    assert len(desk.telephony.legs) == 2


async def test_the_limit_holds_until_a_call_ends(desk: Desk) -> None:
    made = await campaign(desk, "+15555550101", "+15555550102", at_a_time=1)
    assert await steps(desk, 3) == [True, False, False]
    (call,) = (await desk.calls.page(limit=9, cursor=None)).calls
    await desk.calls.finish(
        call.call_id,
        result=ConversationResult(outcome=Outcome.QUALIFIED),
        ledger=(),
        at=desk.clock.now(),
    )
    assert await steps(desk, 1) == [True]
    assert made.status is CampaignStatus.RUNNING


async def test_a_refused_contact_is_skipped_with_the_reason(desk: Desk) -> None:
    made = await campaign(desk, "+15555550101")
    await desk.contacts.suppress("+15555550101", reason="asked", call_id=None)
    assert await steps(desk, 2) == [False, False]
    (attempt,) = await desk.campaigns.attempts(made.campaign_id)
    assert attempt.status is AttemptStatus.SKIPPED
    assert "suppressed" in (attempt.reason or "")
    finished = await desk.campaigns.get(made.campaign_id)
    assert finished.status is CampaignStatus.FINISHED


async def test_a_network_error_fails_the_attempt_and_is_not_repeated(desk: Desk) -> None:
    made = await campaign(desk, "+15555550101")
    desk.telephony.refused["+15555550101"] = 21214
    await steps(desk, 3)
    (attempt,) = await desk.campaigns.attempts(made.campaign_id)
    assert attempt.status is AttemptStatus.FAILED


async def test_a_draining_worker_dials_nobody(desk: Desk) -> None:
    await campaign(desk, "+15555550101")
    desk.active.draining = True
    assert await steps(desk, 2) == [False, False]
