"""/api/campaigns: contacts to call once each, at a pace."""

from typing import Any
from uuid import UUID

from litestar import Request, Response, get, post
from litestar.params import FromPath, JSONBody
from litestar.types import ControllerRouterHandler

from service.domain.campaign import Campaign, CampaignStatus
from service.domain.errors import Conflict
from service.domain.ids import new_id
from service.web import examples
from service.web.contact_input import read_phone
from service.web.documentation import API_PROBLEMS, documented
from service.web.idempotent import once
from service.web.problems import InvalidField
from service.web.schemas import CampaignInput, CampaignView
from service.web.services import Services, WebServices


@post(
    "/",
    summary="Start a campaign",
    **documented(
        request=CampaignInput(
            name=examples.CAMPAIGN.name,
            contact_ids=(examples.CONTACT_ID,),
            max_concurrent_calls=4,
        ),
        response=examples.CAMPAIGN,
        problems=(*API_PROBLEMS, 404),
        is_write=True,
    ),
)
async def start_campaign(
    request: Request[Any, Any, Any], services: Services, data: JSONBody[CampaignInput]
) -> Response[Campaign]:
    """Create a campaign and begin to dial; 404 names a contact that does not exist."""

    async def act() -> Campaign:
        campaign = Campaign(
            campaign_id=new_id(),
            name=data.name,
            from_number=_caller_id(services, data.from_number),
            max_concurrent_calls=data.max_concurrent_calls,
            status=CampaignStatus.RUNNING,
            created_at=services.clock.now(),
        )
        unique_ids = tuple(dict.fromkeys(data.contact_ids))
        return await services.campaigns.create(campaign, unique_ids)

    return await once(request, services.idempotency, act)


@get(
    "/{campaign_id:uuid}",
    summary="Read a campaign",
    **documented(
        response=CampaignView(campaign=examples.CAMPAIGN, attempts=(examples.ATTEMPT,)),
        problems=(*API_PROBLEMS, 404),
    ),
)
async def read_campaign(services: Services, campaign_id: FromPath[UUID]) -> CampaignView:
    """A campaign with what became of every contact."""
    campaign = await services.campaigns.get(campaign_id)
    return CampaignView(campaign=campaign, attempts=await services.campaigns.attempts(campaign_id))


@post(
    "/{campaign_id:uuid}/pause",
    summary="Pause a campaign",
    status_code=200,
    **documented(response=examples.CAMPAIGN, problems=(*API_PROBLEMS, 404), is_write=True),
)
async def pause_campaign(
    request: Request[Any, Any, Any], services: Services, campaign_id: FromPath[UUID]
) -> Response[Campaign]:
    """Dial no more contacts until it is resumed; calls in progress go on."""
    return await _move(request, services, campaign_id, to=CampaignStatus.PAUSED)


@post(
    "/{campaign_id:uuid}/resume",
    summary="Resume a campaign",
    status_code=200,
    **documented(response=examples.CAMPAIGN, problems=(*API_PROBLEMS, 404), is_write=True),
)
async def resume_campaign(
    request: Request[Any, Any, Any], services: Services, campaign_id: FromPath[UUID]
) -> Response[Campaign]:
    """Dial on; 409 when the campaign is finished."""
    return await _move(request, services, campaign_id, to=CampaignStatus.RUNNING)


async def _move(
    request: Request[Any, Any, Any],
    services: WebServices,
    campaign_id: UUID,
    *,
    to: CampaignStatus,
) -> Response[Campaign]:
    async def act() -> Campaign:
        campaign = await services.campaigns.get(campaign_id)
        if campaign.status is CampaignStatus.FINISHED:
            raise Conflict("the campaign is finished")
        return await services.campaigns.set_status(campaign_id, to)

    return await once(request, services.idempotency, act, status=200)


def _caller_id(services: WebServices, wanted: str | None) -> str:
    ours = services.from_numbers
    if wanted is None:
        if not ours:
            raise InvalidField("from_number", "set REAUTO_TWILIO__FROM_NUMBERS first")
        return ours[0]
    number = read_phone(wanted, field="from_number")
    if number not in ours:
        raise InvalidField("from_number", "not one of REAUTO_TWILIO__FROM_NUMBERS")
    return number


ROUTES: list[ControllerRouterHandler] = [
    start_campaign,
    read_campaign,
    pause_campaign,
    resume_campaign,
]
