"""Where AgentConfigs live: immutable versions, and the slot that says which one new calls get."""

from datetime import datetime
from typing import Protocol

import msgspec

from service.domain.agent_config import AgentConfig


class ConfigVersion(msgspec.Struct, frozen=True, kw_only=True):
    """A stored config. `note` says who proposed it from what; `parent_id` what it was made from."""

    config_id: str
    config: AgentConfig
    created_at: datetime
    note: str = ""
    parent_id: str | None = None


class Slot(msgspec.Struct, frozen=True, kw_only=True):
    """The active config. `generation` grows by one with every change."""

    active_id: str
    previous_id: str | None
    generation: int
    changed_at: datetime
    reason: str


class ConfigStore(Protocol):
    """Raises StorageUnavailable when the store cannot be reached."""

    async def put(self, version: ConfigVersion) -> ConfigVersion:
        """Store a version, inactive; the same content twice is one version."""
        ...

    async def get(self, config_id: str) -> ConfigVersion:
        """By full id or unique prefix (>= 8 characters). Raises NotFound."""
        ...

    async def versions(self) -> tuple[ConfigVersion, ...]:
        """All versions, newest first."""
        ...

    async def slot(self) -> Slot | None:
        """The active slot, None before the first activation."""
        ...

    async def activate(
        self, config_id: str, *, reason: str, expected_generation: int | None
    ) -> Slot:
        """Point the slot at a version, in one transaction with its audit row.

        Raises NotFound, or Conflict when `expected_generation` is not the present one.
        """
        ...

    async def history(self) -> tuple[Slot, ...]:
        """Every activation, newest first."""
        ...
