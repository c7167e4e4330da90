"""ConfigRegistry: which AgentConfig the next call gets, and how that is changed."""

import asyncio
from collections.abc import Callable

import structlog

from service.domain.agent_config import AgentConfig
from service.domain.errors import Conflict, NotFound, StorageUnavailable
from service.ports.clock import Clock
from service.ports.config_store import ConfigStore, ConfigVersion, Slot

log = structlog.get_logger()

POLL_S = 1.0
EMPTY_SLOT = 0
"""The generation of a slot that was never set."""


class ConfigRegistry:
    """One per worker. A call asks once, at its start, and keeps the version it got to hang-up.

    `current` follows activations by other workers within `POLL_S` seconds, and serves the last
    known good version while the store is away. `check` raises InvalidAgentConfig for a config that
    no call could use.
    """

    def __init__(
        self,
        store: ConfigStore,
        clock: Clock,
        *,
        check: Callable[[AgentConfig], None] = lambda _config: None,
    ) -> None:
        self._store = store
        self._check = check
        self._clock = clock
        self._known: dict[str, ConfigVersion] = {}
        self._current: ConfigVersion | None = None
        self._generation = EMPTY_SLOT
        self._polled_at = float("-inf")
        self._polling = asyncio.Lock()

    async def current(self) -> ConfigVersion:
        """The version that a call which starts now gets.

        Raises NotFound when none was ever activated, StorageUnavailable when none is known yet
        and the store is away.
        """
        if self._current is not None and (self._is_fresh() or self._polling.locked()):
            return self._current
        async with self._polling:
            if self._current is None or not self._is_fresh():
                await self._poll()
        if self._current is None:
            raise NotFound("no AgentConfig is active: store one and activate it")
        return self._current

    async def ensure_default(self, config: AgentConfig) -> ConfigVersion:
        """Store and activate `config` when nothing is active yet; return what is active."""
        if await self._store.slot() is None:
            stored = await self.store(config, note="the default, from data/agent_config.yaml")
            try:
                await self.activate(
                    stored.config_id, reason="first start", expected_generation=EMPTY_SLOT
                )
            except Conflict:
                log.info("another worker activated a config first")
        return await self.current()

    async def store(
        self, config: AgentConfig, *, note: str = "", parent_id: str | None = None
    ) -> ConfigVersion:
        """Store a version, inactive.

        Raises NotFound for a parent that is not stored, InvalidAgentConfig as `check` does.
        """
        self._check(config)
        if parent_id is not None:
            parent_id = (await self.get(parent_id)).config_id
        version = ConfigVersion(
            config_id=config.config_id,
            config=config,
            created_at=self._clock.now(),
            note=note,
            parent_id=parent_id,
        )
        return await self._store.put(version)

    async def activate(
        self, config_id: str, *, reason: str, expected_generation: int | None = None
    ) -> Slot:
        """Give new calls this version from now on. Raises NotFound or Conflict."""
        slot = await self._store.activate(
            config_id, reason=reason, expected_generation=expected_generation
        )
        self._polled_at = float("-inf")
        log.info("config activated", config_id=slot.active_id, generation=slot.generation)
        return slot

    async def rollback(self, *, reason: str) -> Slot:
        """Go back to the version active before. Raises Conflict when there is none."""
        slot = await self._store.slot()
        if slot is None or slot.previous_id is None:
            raise Conflict("no AgentConfig was active before this one: nothing to go back to")
        return await self.activate(
            slot.previous_id, reason=reason, expected_generation=slot.generation
        )

    async def get(self, config_id: str) -> ConfigVersion:
        """A version by id or unique prefix (>= 8 characters). Raises NotFound.

        A version never changes, so one that was read before needs no store.
        """
        known = self._known.get(config_id)
        if known is None:
            known = await self._store.get(config_id)
            self._known[known.config_id] = known
        return known

    async def versions(self) -> tuple[ConfigVersion, ...]:
        """All versions, newest first."""
        return await self._store.versions()

    async def slot(self) -> Slot | None:
        """The active slot as the store has it, None before the first activation."""
        return await self._store.slot()

    def _is_fresh(self) -> bool:
        return self._clock.monotonic() - self._polled_at < POLL_S

    async def _poll(self) -> None:
        try:
            slot = await self._store.slot()
            if slot is not None and slot.generation != self._generation:
                self._current = await self.get(slot.active_id)
                self._generation = slot.generation
        except StorageUnavailable:
            if self._current is None:
                raise
            log.warning("config store is away: new calls get the last known version")
        self._polled_at = self._clock.monotonic()
