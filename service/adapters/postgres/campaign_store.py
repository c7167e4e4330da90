"""Campaigns and attempts in PostgreSQL, by the contract of `service.ports.call_store`."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

import msgspec
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from service.adapters.postgres.database import PostgresDatabase
from service.adapters.postgres.rows import (
    ATTEMPT_COLUMNS,
    CAMPAIGN_COLUMNS,
    attempt_from,
    campaign_from,
)
from service.adapters.postgres.tables import calls, campaign_attempts, campaigns, conversations
from service.domain.call import CallStatus
from service.domain.campaign import Attempt, AttemptStatus, Campaign, CampaignStatus
from service.domain.errors import Conflict, NotFound
from service.domain.ids import new_id

_OVER = [status for status in CallStatus if status.is_terminal]
_ROWS_A_STATEMENT = 5_000


class PostgresCampaignStore:
    """Implements `CampaignStore`. A claim locks the campaign's row, so claims of one queue up."""

    def __init__(self, database: PostgresDatabase) -> None:
        self._database = database

    async def create(self, campaign: Campaign, contact_ids: Sequence[UUID]) -> Campaign:
        """Insert with one pending attempt per contact. Raises NotFound or Conflict."""
        attempts = [
            {
                "attempt_id": new_id(),
                "campaign_id": campaign.campaign_id,
                "contact_id": contact_id,
                "status": AttemptStatus.PENDING,
            }
            for contact_id in dict.fromkeys(contact_ids)
        ]
        async with self._database.transaction() as connection:
            await connection.execute(sa.insert(campaigns).values(msgspec.structs.asdict(campaign)))
            for start in range(0, len(attempts), _ROWS_A_STATEMENT):
                await connection.execute(
                    sa.insert(campaign_attempts), attempts[start : start + _ROWS_A_STATEMENT]
                )
        return campaign

    async def get(self, campaign_id: UUID) -> Campaign:
        """Raises NotFound."""
        async with self._database.transaction() as connection:
            return await _campaign(connection, campaign_id)

    async def set_status(self, campaign_id: UUID, status: CampaignStatus) -> Campaign:
        """Raises NotFound."""
        async with self._database.transaction() as connection:
            return await _set_status(connection, campaign_id, status)

    async def running(self) -> tuple[Campaign, ...]:
        """Campaigns that want dialling, oldest first."""
        query = (
            sa.select(*CAMPAIGN_COLUMNS)
            .where(campaigns.c.status == CampaignStatus.RUNNING)
            .order_by(campaigns.c.created_at, campaigns.c.campaign_id)
        )
        async with self._database.transaction() as connection:
            rows = (await connection.execute(query)).mappings()
            return tuple(campaign_from(row) for row in rows)

    async def claim(self, campaign_id: UUID) -> Attempt | None:
        """Claim the oldest pending attempt while the campaign runs below its limit."""
        async with self._database.transaction() as connection:
            campaign = await _campaign(connection, campaign_id, lock=True)
            if campaign.status is not CampaignStatus.RUNNING:
                return None
            if await _live(connection, campaign_id) >= campaign.max_concurrent_calls:
                return None
            oldest = (
                sa.select(campaign_attempts.c.attempt_id)
                .where(
                    campaign_attempts.c.campaign_id == campaign_id,
                    campaign_attempts.c.status == AttemptStatus.PENDING,
                )
                .order_by(campaign_attempts.c.attempt_id)
                .limit(1)
                .scalar_subquery()
            )
            claimed = await connection.execute(
                sa.update(campaign_attempts)
                .where(campaign_attempts.c.attempt_id == oldest)
                .values(status=AttemptStatus.CLAIMED, claimed_at=sa.func.now())
                .returning(*ATTEMPT_COLUMNS)
            )
            row = claimed.mappings().first()
            return attempt_from(row) if row is not None else None

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
        query = sa.select(*ATTEMPT_COLUMNS).where(campaign_attempts.c.attempt_id == attempt_id)
        async with self._database.transaction() as connection:
            row = (await connection.execute(query.with_for_update())).mappings().first()
            if row is None:
                raise NotFound(f"there is no attempt {attempt_id}")
            attempt = attempt_from(row)
            settled = msgspec.structs.replace(
                attempt, status=status, call_id=call_id, reason=reason
            )
            if settled == attempt:
                return
            if attempt.status is not AttemptStatus.CLAIMED:
                raise Conflict(f"the attempt {attempt_id} is {attempt.status}, not claimed")
            await connection.execute(
                sa.update(campaign_attempts)
                .where(campaign_attempts.c.attempt_id == attempt_id)
                .values(status=status, call_id=call_id, reason=reason, settled_at=sa.func.now())
            )

    async def attempts(self, campaign_id: UUID) -> tuple[Attempt, ...]:
        """All attempts, oldest first."""
        query = (
            sa.select(*ATTEMPT_COLUMNS)
            .where(campaign_attempts.c.campaign_id == campaign_id)
            .order_by(campaign_attempts.c.attempt_id)
        )
        async with self._database.transaction() as connection:
            rows = (await connection.execute(query)).mappings()
            return tuple(attempt_from(row) for row in rows)

    async def finish_if_done(self, campaign_id: UUID) -> Campaign:
        """Mark finished once no attempt is pending or claimed and no call of it is live."""
        waiting = sa.select(sa.func.count()).where(
            campaign_attempts.c.campaign_id == campaign_id,
            campaign_attempts.c.status == AttemptStatus.PENDING,
        )
        async with self._database.transaction() as connection:
            campaign = await _campaign(connection, campaign_id, lock=True)
            if await connection.scalar(waiting) or await _live(connection, campaign_id):
                return campaign
            return await _set_status(connection, campaign_id, CampaignStatus.FINISHED)


async def _campaign(
    connection: AsyncConnection, campaign_id: UUID, *, lock: bool = False
) -> Campaign:
    query: sa.Select[Any] = sa.select(*CAMPAIGN_COLUMNS).where(
        campaigns.c.campaign_id == campaign_id
    )
    if lock:
        query = query.with_for_update(key_share=True)
    row = (await connection.execute(query)).mappings().first()
    if row is None:
        raise NotFound(f"there is no campaign {campaign_id}")
    return campaign_from(row)


async def _set_status(
    connection: AsyncConnection, campaign_id: UUID, status: CampaignStatus
) -> Campaign:
    changed = await connection.execute(
        sa.update(campaigns)
        .where(campaigns.c.campaign_id == campaign_id)
        .values(status=status)
        .returning(*CAMPAIGN_COLUMNS)
    )
    row = changed.mappings().first()
    if row is None:
        raise NotFound(f"there is no campaign {campaign_id}")
    return campaign_from(row)


async def _live(connection: AsyncConnection, campaign_id: UUID) -> int:
    """Count attempts that are claimed, or dialled with a call that is not over."""
    talking = sa.and_(
        campaign_attempts.c.status == AttemptStatus.DIALLED,
        calls.c.status.not_in(_OVER),
        conversations.c.call_id.is_(None),
    )
    query = (
        sa.select(sa.func.count())
        .select_from(
            campaign_attempts.outerjoin(
                calls, calls.c.call_id == campaign_attempts.c.call_id
            ).outerjoin(conversations, conversations.c.call_id == calls.c.call_id)
        )
        .where(
            campaign_attempts.c.campaign_id == campaign_id,
            sa.or_(campaign_attempts.c.status == AttemptStatus.CLAIMED, talking),
        )
    )
    return await connection.scalar(query) or 0
