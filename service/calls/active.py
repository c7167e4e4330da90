"""The calls that this worker is running now, and whether it takes more."""

import asyncio
from uuid import UUID

from service.domain.agent_config import AgentConfig
from service.domain.call import Call
from service.ports.conversation import LiveControl


class ActiveCalls:
    """One per worker: the registry through which events from outside reach a conversation."""

    def __init__(self, *, capacity: int) -> None:
        self.capacity = capacity
        self.draining = False
        self._running: dict[UUID, tuple[LiveControl, AgentConfig]] = {}
        self._reserved: dict[UUID, float] = {}
        self._empty = asyncio.Event()
        self._empty.set()

    def __len__(self) -> int:
        return len(self._running)

    @property
    def has_room(self) -> bool:
        """Whether another call may be admitted; calls on their way here count."""
        waiting = sum(call_id not in self._running for call_id in self._reserved)
        return not self.draining and len(self._running) + waiting < self.capacity

    def reserve(self, call_id: UUID, *, until_s: float) -> None:
        """Keep a place for a call whose stream is on its way, until that monotonic time."""
        self._reserved[call_id] = until_s

    def forget_late(self, *, now_s: float) -> None:
        """Give up the places of streams that did not come in time."""
        self._reserved = {key: until for key, until in self._reserved.items() if until > now_s}

    def enter(self, call: Call, control: LiveControl, config: AgentConfig) -> None:
        """Register a conversation that is about to run."""
        self._running[call.call_id] = (control, config)
        self._empty.clear()

    def leave(self, call: Call) -> None:
        """Forget a conversation that has ended."""
        self._running.pop(call.call_id, None)
        self._reserved.pop(call.call_id, None)
        if not self._running:
            self._empty.set()

    def find(self, call_id: UUID) -> LiveControl | None:
        """The conversation of a call, None when this worker does not run it."""
        entry = self._running.get(call_id)
        return entry[0] if entry else None

    def everyone(self) -> tuple[tuple[LiveControl, AgentConfig], ...]:
        """All running conversations with their configs."""
        return tuple(self._running.values())

    async def wait_until_empty(self) -> None:
        """Return when no call is running."""
        await self._empty.wait()
