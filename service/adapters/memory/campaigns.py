"""Campaigns and attempts in dictionaries, by the contract of `service.ports.call_store`."""

from collections.abc import Sequence
from uuid import UUID

from msgspec.structs import replace

from service.adapters.memory.calls import InMemoryCallStore
from service.adapters.memory.contacts import InMemoryContactStore
from service.domain.campaign import Attempt, AttemptStatus, Campaign, CampaignStatus
from service.domain.errors import Conflict, NotFound
from service.domain.ids import new_id


class InMemoryCampaignStore:
    """Implements `CampaignStore` over the stores of its contacts and calls."""

    def __init__(self, *, calls: InMemoryCallStore, contacts: InMemoryContactStore) -> None:
        self._calls = calls
        self._contacts = contacts
        self._campaigns: dict[UUID, Campaign] = {}
        self._attempts: dict[UUID, Attempt] = {}

    async def create(self, campaign: Campaign, contact_ids: Sequence[UUID]) -> Campaign:
        """Insert with one pending attempt per contact. Raises NotFound or Conflict."""
        if campaign.campaign_id in self._campaigns:
            raise Conflict(f"the campaign {campaign.campaign_id} exists already")
        for contact_id in contact_ids:
            await self._contacts.get(contact_id)
        self._campaigns[campaign.campaign_id] = campaign
        for contact_id in dict.fromkeys(contact_ids):
            attempt = Attempt(
                attempt_id=new_id(),
                campaign_id=campaign.campaign_id,
                contact_id=contact_id,
                status=AttemptStatus.PENDING,
            )
            self._attempts[attempt.attempt_id] = attempt
        return campaign

    async def get(self, campaign_id: UUID) -> Campaign:
        """Raises NotFound."""
        if campaign_id not in self._campaigns:
            raise NotFound(f"there is no campaign {campaign_id}")
        return self._campaigns[campaign_id]

    async def set_status(self, campaign_id: UUID, status: CampaignStatus) -> Campaign:
        """Raises NotFound."""
        campaign = replace(await self.get(campaign_id), status=status)
        self._campaigns[campaign_id] = campaign
        return campaign

    async def running(self) -> tuple[Campaign, ...]:
        """Campaigns that want dialling, oldest first."""
        wanting = (c for c in self._campaigns.values() if c.status is CampaignStatus.RUNNING)
        return tuple(sorted(wanting, key=lambda c: (c.created_at, c.campaign_id)))

    async def claim(self, campaign_id: UUID) -> Attempt | None:
        """Claim the oldest pending attempt while the campaign runs below its limit."""
        campaign = await self.get(campaign_id)
        pending = self._with_status(campaign_id, AttemptStatus.PENDING)
        if (
            not pending
            or campaign.status is not CampaignStatus.RUNNING
            or self._live(campaign_id) >= campaign.max_concurrent_calls
        ):
            return None
        claimed = replace(pending[0], status=AttemptStatus.CLAIMED)
        self._attempts[claimed.attempt_id] = claimed
        return claimed

    async def settle(
        self,
        attempt_id: UUID,
        status: AttemptStatus,
        *,
        call_id: UUID | None = None,
        reason: str | None = None,
    ) -> None:
        """Write what became of a claimed attempt; the same again changes nothing.

        Raises NotFound for an unknown attempt or call, Conflict when it is not claimed.
        """
        attempt = self._attempts.get(attempt_id)
        if attempt is None:
            raise NotFound(f"there is no attempt {attempt_id}")
        settled = replace(attempt, status=status, call_id=call_id, reason=reason)
        if attempt.status is not AttemptStatus.CLAIMED and settled != attempt:
            raise Conflict(f"the attempt {attempt_id} is {attempt.status}, not claimed")
        if call_id is not None:
            await self._calls.get(call_id)
        self._attempts[attempt_id] = settled

    async def attempts(self, campaign_id: UUID) -> tuple[Attempt, ...]:
        """All attempts, oldest first."""
        return tuple(a for a in self._attempts.values() if a.campaign_id == campaign_id)

    async def finish_if_done(self, campaign_id: UUID) -> Campaign:
        """Mark finished once no attempt is pending or claimed and no call of it is live."""
        campaign = await self.get(campaign_id)
        pending = self._with_status(campaign_id, AttemptStatus.PENDING)
        if pending or self._live(campaign_id):
            return campaign
        return await self.set_status(campaign_id, CampaignStatus.FINISHED)

    def _with_status(self, campaign_id: UUID, status: AttemptStatus) -> list[Attempt]:
        return [
            attempt
            for attempt in self._attempts.values()
            if attempt.campaign_id == campaign_id and attempt.status is status
        ]

    def _live(self, campaign_id: UUID) -> int:
        dialled = self._with_status(campaign_id, AttemptStatus.DIALLED)
        talking = sum(self._calls.is_live(attempt.call_id) for attempt in dialled)
        return talking + len(self._with_status(campaign_id, AttemptStatus.CLAIMED))
