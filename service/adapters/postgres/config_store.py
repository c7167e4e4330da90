"""AgentConfig versions and the active slot in PostgreSQL, by `service.ports.config_store`.

Activation tells listeners on the channel `reauto_config` the new generation when it commits.
"""

from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from service.adapters.postgres.database import PostgresDatabase
from service.adapters.postgres.rows import slot_from, version_from, version_row
from service.adapters.postgres.tables import agent_configs, config_audit, config_slots
from service.domain.errors import Conflict, NotFound
from service.ports.config_store import ConfigVersion, Slot

CHANNEL = "reauto_config"
_SLOT = "stable"
_SHORTEST_PREFIX = 8


class PostgresConfigStore:
    """Implements `ConfigStore`. Activations queue up behind one advisory lock."""

    def __init__(self, database: PostgresDatabase) -> None:
        self._database = database

    async def put(self, version: ConfigVersion) -> ConfigVersion:
        """Store a version, inactive; the same content twice is one version, the first."""
        async with self._database.transaction() as connection:
            await connection.execute(
                insert(agent_configs).values(version_row(version)).on_conflict_do_nothing()
            )
            return await _version(connection, version.config_id)

    async def get(self, config_id: str) -> ConfigVersion:
        """By full id or unique prefix (>= 8 characters). Raises NotFound."""
        async with self._database.transaction() as connection:
            return await _version(connection, config_id)

    async def versions(self) -> tuple[ConfigVersion, ...]:
        """All versions, newest first."""
        query = sa.select(agent_configs).order_by(
            agent_configs.c.created_at.desc(), agent_configs.c.config_id.desc()
        )
        async with self._database.transaction() as connection:
            rows = (await connection.execute(query)).mappings()
            return tuple(version_from(row) for row in rows)

    async def slot(self) -> Slot | None:
        """The active slot, None before the first activation."""
        async with self._database.transaction() as connection:
            return await _slot(connection)

    async def activate(
        self, config_id: str, *, reason: str, expected_generation: int | None
    ) -> Slot:
        """Point the slot at a version; generation 0 is the empty slot.

        Activating the active version changes nothing. Raises NotFound, or Conflict when
        `expected_generation` is not the present one.
        """
        async with self._database.transaction() as connection:
            await _hold_slot(connection)
            version = await _version(connection, config_id)
            present = await _slot(connection)
            generation = present.generation if present else 0
            if expected_generation not in (None, generation):
                raise Conflict(f"the active config changed meanwhile: generation {generation}")
            if present is not None and present.active_id == version.config_id:
                return present
            return await _move_slot(
                connection,
                active_id=version.config_id,
                previous_id=present.active_id if present else None,
                generation=generation + 1,
                reason=reason,
            )

    async def history(self) -> tuple[Slot, ...]:
        """Every activation, newest first."""
        query = (
            sa.select(config_audit)
            .where(config_audit.c.slot == _SLOT)
            .order_by(config_audit.c.generation.desc())
        )
        async with self._database.transaction() as connection:
            return tuple(slot_from(row) for row in (await connection.execute(query)).mappings())


async def _version(connection: AsyncConnection, config_id: str) -> ConfigVersion:
    query = (
        sa.select(agent_configs)
        .where(agent_configs.c.config_id.startswith(config_id, autoescape=True))
        .limit(2)
    )
    rows = (await connection.execute(query)).mappings().all()
    if len(config_id) < _SHORTEST_PREFIX or len(rows) != 1:
        raise NotFound(f"no single config has an id that starts with {config_id!r}")
    return version_from(rows[0])


async def _slot(connection: AsyncConnection) -> Slot | None:
    query = sa.select(config_slots).where(config_slots.c.slot == _SLOT)
    row = (await connection.execute(query)).mappings().first()
    return slot_from(row) if row is not None else None


async def _hold_slot(connection: AsyncConnection) -> None:
    await connection.execute(
        sa.select(sa.func.pg_advisory_xact_lock(sa.func.hashtextextended(CHANNEL, 0)))
    )


async def _move_slot(connection: AsyncConnection, **values: Any) -> Slot:
    columns = {"slot": _SLOT, "changed_at": sa.func.clock_timestamp(), **values}
    moved = await connection.execute(
        insert(config_slots)
        .values(columns)
        .on_conflict_do_update(index_elements=[config_slots.c.slot], set_=columns)
        .returning(config_slots)
    )
    row = moved.mappings().one()
    await connection.execute(sa.insert(config_audit).values(dict(row)))
    await connection.execute(sa.select(sa.func.pg_notify(CHANNEL, str(row["generation"]))))
    return slot_from(row)
