"""Live call sessions: which worker owns which call, stream tokens, and messages to the owner."""

from collections.abc import AsyncIterator
from typing import Protocol
from uuid import UUID

import msgspec

from service.domain.events import CallEvent


class LiveCall(msgspec.Struct, frozen=True, kw_only=True):
    """A call in progress as the live view shows it. `last_words` is the latest line."""

    call_id: UUID
    worker_id: str
    state: str
    started_at: float
    heartbeat_at: float
    contact_name: str = ""
    last_words: str = ""
    turns: int = 0


class WorkerInfo(msgspec.Struct, frozen=True, kw_only=True):
    """A worker as it announces itself. `public_url` leads to this very worker."""

    worker_id: str
    public_url: str
    active_calls: int
    capacity: int
    draining: bool
    heartbeat_at: float


class Sessions(Protocol):
    """Shared, expiring state. Raises StorageUnavailable when it cannot be reached."""

    async def issue_token(self, call_id: UUID, *, worker_id: str, ttl_s: int) -> str:
        """Make a one-time stream token, unguessable, bound to a call and a worker."""
        ...

    async def redeem_token(self, token: str, *, worker_id: str) -> UUID:
        """Use a token up. Raises BadSignature when unknown, late, used or another worker's."""
        ...

    async def save(self, live: LiveCall, *, ttl_s: int) -> None:
        """Write a session and its expiry; the owner repeats this as a heartbeat."""
        ...

    async def get(self, call_id: UUID) -> LiveCall | None:
        """One session."""
        ...

    async def list(self) -> tuple[LiveCall, ...]:
        """All sessions that have not expired."""
        ...

    async def remove(self, call_id: UUID) -> None:
        """Forget a session."""
        ...

    async def announce(self, worker: WorkerInfo, *, ttl_s: int) -> None:
        """Write a worker's state and its expiry."""
        ...

    async def workers(self) -> tuple[WorkerInfo, ...]:
        """Workers that have not expired."""
        ...

    async def withdraw(self, worker_id: str) -> None:
        """Forget a worker."""
        ...

    async def tell(self, worker_id: str, event: CallEvent) -> None:
        """Send an event to the worker that owns a call."""
        ...

    def inbox(self, worker_id: str) -> AsyncIterator[CallEvent]:
        """Yield events told to this worker, until closed; reconnects by itself."""
        ...
