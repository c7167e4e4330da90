"""Dialer: works through running campaigns, claiming each attempt before the network is asked."""

import structlog

from service.calls.active import ActiveCalls
from service.calls.dialing import Dialing
from service.domain.campaign import Attempt, AttemptStatus, Campaign
from service.domain.errors import (
    InvalidInput,
    NotFound,
    Refused,
    StorageUnavailable,
    TelephonyError,
)
from service.ports.call_store import CampaignStore
from service.ports.clock import Clock

log = structlog.get_logger()

POLL_S = 0.5
CALL_SPACING_S = 1.0
"""Twilio starts one call per second per account; asking faster only queues (PROTOCOLS 1)."""


class Dialer:
    """One per worker; several share the work, because a claim is atomic in PostgreSQL."""

    def __init__(
        self, *, campaigns: CampaignStore, dialing: Dialing, active: ActiveCalls, clock: Clock
    ) -> None:
        self._campaigns = campaigns
        self._dialing = dialing
        self._active = active
        self._clock = clock

    async def run(self) -> None:
        """Dial until cancelled."""
        while True:
            placed = False
            try:
                placed = await self.step()
            except StorageUnavailable as error:
                log.warning("dialer waits for a store", error=str(error))
            await self._clock.sleep(CALL_SPACING_S if placed else POLL_S)

    async def step(self) -> bool:
        """Place at most one call; True when one was placed."""
        if not self._active.has_room:
            return False
        for campaign in await self._campaigns.running():
            attempt = await self._campaigns.claim(campaign.campaign_id)
            if attempt is None:
                await self._campaigns.finish_if_done(campaign.campaign_id)
            elif await self._dial(campaign, attempt):
                return True
        return False

    async def _dial(self, campaign: Campaign, attempt: Attempt) -> bool:
        try:
            call = await self._dialing.place(
                contact_id=attempt.contact_id,
                campaign_id=campaign.campaign_id,
                from_number=campaign.from_number,
            )
        except (Refused, InvalidInput, NotFound) as error:
            await self._settle(attempt, AttemptStatus.SKIPPED, reason=str(error))
            return False
        except TelephonyError as error:
            await self._settle(attempt, AttemptStatus.FAILED, reason=str(error))
            return True
        await self._campaigns.settle(
            attempt.attempt_id, AttemptStatus.DIALLED, call_id=call.call_id
        )
        return True

    async def _settle(self, attempt: Attempt, status: AttemptStatus, *, reason: str) -> None:
        log.info("attempt not dialled", attempt_id=str(attempt.attempt_id), reason=reason)
        await self._campaigns.settle(attempt.attempt_id, status, reason=reason)
