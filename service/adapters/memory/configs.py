"""AgentConfig versions in a dictionary, by the contract of `service.ports.config_store`."""

from service.domain.errors import Conflict, NotFound
from service.ports.clock import Clock
from service.ports.config_store import ConfigVersion, Slot

SHORTEST_PREFIX = 8


class InMemoryConfigStore:
    """Implements `ConfigStore`."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._versions: dict[str, ConfigVersion] = {}
        self._history: list[Slot] = []

    async def put(self, version: ConfigVersion) -> ConfigVersion:
        """Store a version, inactive; the same content twice is one version, the first."""
        return self._versions.setdefault(version.config_id, version)

    async def get(self, config_id: str) -> ConfigVersion:
        """By full id or unique prefix (>= 8 characters). Raises NotFound."""
        found = [v for key, v in self._versions.items() if key.startswith(config_id)]
        if len(config_id) < SHORTEST_PREFIX or len(found) != 1:
            raise NotFound(f"no single config has an id that starts with {config_id!r}")
        return found[0]

    async def versions(self) -> tuple[ConfigVersion, ...]:
        """All versions, newest first."""
        return tuple(
            sorted(self._versions.values(), key=lambda v: (v.created_at, v.config_id), reverse=True)
        )

    async def slot(self) -> Slot | None:
        """The active slot, None before the first activation."""
        return self._history[-1] if self._history else None

    async def activate(
        self, config_id: str, *, reason: str, expected_generation: int | None
    ) -> Slot:
        """Point the slot at a version; generation 0 is the empty slot.

        Activating the active version changes nothing. Raises NotFound, or Conflict when
        `expected_generation` is not the present one.
        """
        version = await self.get(config_id)
        present = await self.slot()
        generation = present.generation if present else 0
        if expected_generation not in (None, generation):
            raise Conflict(f"the active config changed meanwhile: generation {generation}")
        if present is not None and present.active_id == version.config_id:
            return present
        changed = Slot(
            active_id=version.config_id,
            previous_id=present.active_id if present else None,
            generation=generation + 1,
            changed_at=self._clock.now(),
            reason=reason,
        )
        self._history.append(changed)
        return changed

    async def history(self) -> tuple[Slot, ...]:
        """Every activation, newest first."""
        return tuple(reversed(self._history))
