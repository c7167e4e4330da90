"""What every CampaignStore does."""

import asyncio
from uuid import UUID

import pytest

from service.domain.call import CallStatus
from service.domain.campaign import Attempt, AttemptStatus, Campaign, CampaignStatus
from service.domain.conversation import ConversationResult
from service.domain.errors import Conflict, NotFound
from service.domain.ids import new_id
from service.domain.outcome import Outcome
from service.ports.call_store import StatusReport
from tests.service.ports.port_twins import NOON, Stores


async def a_campaign(stores: Stores, *, contacts: int, limit: int = 100) -> Campaign:
    people = [await stores.contact(number) for number in range(contacts)]
    campaign = Campaign(
        campaign_id=new_id(),
        name="Spring",
        from_number="+15550000009",
        max_concurrent_calls=limit,
        status=CampaignStatus.RUNNING,
        created_at=NOON,
    )
    return await stores.campaigns.create(campaign, [person.contact_id for person in people])


async def claim(stores: Stores, campaign: Campaign) -> Attempt:
    attempt = await stores.campaigns.claim(campaign.campaign_id)
    assert attempt is not None
    return attempt


async def test_a_campaign_has_one_pending_attempt_per_contact(stores: Stores) -> None:
    campaign = await a_campaign(stores, contacts=3)
    attempts = await stores.campaigns.attempts(campaign.campaign_id)
    assert await stores.campaigns.get(campaign.campaign_id) == campaign
    assert [attempt.status for attempt in attempts] == [AttemptStatus.PENDING] * 3
    assert len({attempt.contact_id for attempt in attempts}) == 3


async def test_a_contact_named_twice_is_called_once(stores: Stores) -> None:
    contact = await stores.contact(1)
    campaign = Campaign(
        campaign_id=new_id(),
        name="Twice",
        from_number="+15550000009",
        max_concurrent_calls=1,
        status=CampaignStatus.PAUSED,
        created_at=NOON,
    )
    await stores.campaigns.create(campaign, [contact.contact_id] * 2)
    assert len(await stores.campaigns.attempts(campaign.campaign_id)) == 1
    with pytest.raises(Conflict):
        await stores.campaigns.create(campaign, [])


async def test_an_unknown_contact_makes_no_campaign(stores: Stores, unknown_id: UUID) -> None:
    campaign = Campaign(
        campaign_id=new_id(),
        name="Nobody",
        from_number="+15550000009",
        max_concurrent_calls=1,
        status=CampaignStatus.RUNNING,
        created_at=NOON,
    )
    with pytest.raises(NotFound):
        await stores.campaigns.create(campaign, [unknown_id])
    with pytest.raises(NotFound):
        await stores.campaigns.get(campaign.campaign_id)


async def test_unknown_campaigns_and_attempts(stores: Stores, unknown_id: UUID) -> None:
    campaigns = stores.campaigns
    for attempt in (
        campaigns.get(unknown_id),
        campaigns.set_status(unknown_id, CampaignStatus.PAUSED),
        campaigns.claim(unknown_id),
        campaigns.finish_if_done(unknown_id),
        campaigns.settle(unknown_id, AttemptStatus.FAILED),
    ):
        with pytest.raises(NotFound):
            await attempt
    assert await campaigns.attempts(unknown_id) == ()


async def test_only_running_campaigns_are_dialled(stores: Stores) -> None:
    campaign = await a_campaign(stores, contacts=1)
    assert await stores.campaigns.running() == (campaign,)
    await stores.campaigns.set_status(campaign.campaign_id, CampaignStatus.PAUSED)
    assert await stores.campaigns.running() == ()
    assert await stores.campaigns.claim(campaign.campaign_id) is None


async def test_racing_claimers_claim_each_attempt_once(stores: Stores) -> None:
    campaign = await a_campaign(stores, contacts=12)
    claims = await asyncio.gather(
        *(stores.campaigns.claim(campaign.campaign_id) for _ in range(20))
    )
    claimed = [attempt.attempt_id for attempt in claims if attempt is not None]
    assert len(claimed) == len(set(claimed)) == 12


async def test_racing_claimers_keep_the_limit(stores: Stores) -> None:
    campaign = await a_campaign(stores, contacts=12, limit=3)
    claims = await asyncio.gather(
        *(stores.campaigns.claim(campaign.campaign_id) for _ in range(20))
    )
    assert sum(attempt is not None for attempt in claims) == 3


@pytest.mark.parametrize("end", ["reported", "finished"])
async def test_a_call_counts_until_it_is_over(stores: Stores, end: str) -> None:
    campaign = await a_campaign(stores, contacts=2, limit=1)
    attempt = await claim(stores, campaign)
    sid = "CA" + "1" * 32
    call = await stores.call(twilio_sid=sid)
    await stores.campaigns.settle(attempt.attempt_id, AttemptStatus.DIALLED, call_id=call.call_id)
    assert await stores.campaigns.claim(campaign.campaign_id) is None
    if end == "reported":
        await stores.calls.report(StatusReport(twilio_sid=sid, status=CallStatus.BUSY, at=NOON))
    else:
        result = ConversationResult(outcome=Outcome.QUALIFIED)
        await stores.calls.finish(call.call_id, result=result, ledger=[], at=NOON)
    assert await stores.campaigns.claim(campaign.campaign_id) is not None


@pytest.mark.parametrize("status", [AttemptStatus.SKIPPED, AttemptStatus.FAILED])
async def test_a_settled_attempt_frees_its_place(stores: Stores, status: AttemptStatus) -> None:
    campaign = await a_campaign(stores, contacts=2, limit=1)
    attempt = await claim(stores, campaign)
    await stores.campaigns.settle(attempt.attempt_id, status, reason="suppressed")
    settled = (await stores.campaigns.attempts(campaign.campaign_id))[0]
    assert (settled.status, settled.reason) == (status, "suppressed")
    assert await stores.campaigns.claim(campaign.campaign_id) is not None


async def test_an_attempt_given_back_is_claimed_again(stores: Stores) -> None:
    campaign = await a_campaign(stores, contacts=1)
    attempt = await claim(stores, campaign)
    await stores.campaigns.settle(attempt.attempt_id, AttemptStatus.PENDING)
    assert (await claim(stores, campaign)).attempt_id == attempt.attempt_id


async def test_settling_twice_is_once_and_a_change_of_mind_conflicts(stores: Stores) -> None:
    campaign = await a_campaign(stores, contacts=1)
    attempt = await claim(stores, campaign)
    with pytest.raises(NotFound):
        await stores.campaigns.settle(attempt.attempt_id, AttemptStatus.DIALLED, call_id=new_id())
    for _ in range(2):
        await stores.campaigns.settle(attempt.attempt_id, AttemptStatus.FAILED, reason="no line")
    with pytest.raises(Conflict):
        await stores.campaigns.settle(attempt.attempt_id, AttemptStatus.SKIPPED)


async def test_a_campaign_finishes_when_nothing_is_left(stores: Stores) -> None:
    campaign = await a_campaign(stores, contacts=1)
    assert (await stores.campaigns.finish_if_done(campaign.campaign_id)) == campaign
    attempt = await claim(stores, campaign)
    assert (await stores.campaigns.finish_if_done(campaign.campaign_id)) == campaign
    call = await stores.call(status=CallStatus.IN_PROGRESS)
    await stores.campaigns.settle(attempt.attempt_id, AttemptStatus.DIALLED, call_id=call.call_id)
    assert (await stores.campaigns.finish_if_done(campaign.campaign_id)) == campaign
    result = ConversationResult(outcome=Outcome.NOT_INTERESTED)
    await stores.calls.finish(call.call_id, result=result, ledger=[], at=NOON)
    done = await stores.campaigns.finish_if_done(campaign.campaign_id)
    assert done.status is CampaignStatus.FINISHED
    assert await stores.campaigns.running() == ()
