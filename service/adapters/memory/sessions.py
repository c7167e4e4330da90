"""Live sessions, tokens and inboxes in dictionaries, by `service.ports.sessions`."""

import asyncio
import secrets
from collections import defaultdict, deque
from collections.abc import AsyncIterator, Hashable
from typing import Generic, TypeVar
from uuid import UUID

from service.domain.errors import BadSignature
from service.domain.events import CallEvent
from service.ports.clock import Clock
from service.ports.sessions import LiveCall, WorkerInfo

Key = TypeVar("Key", bound=Hashable)
Value = TypeVar("Value")

INBOX_EVENTS = 1000


class Expiring(Generic[Key, Value]):
    """A dictionary whose entries vanish once their time is up."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._entries: dict[Key, tuple[float, Value]] = {}

    def put(self, key: Key, value: Value, *, ttl_s: float) -> None:
        """Write an entry and its expiry."""
        self._entries[key] = (self._clock.monotonic() + ttl_s, value)

    def get(self, key: Key) -> Value | None:
        """The entry, unless it has expired."""
        expires_at, value = self._entries.get(key, (0.0, None))
        return value if expires_at > self._clock.monotonic() else None

    def pop(self, key: Key) -> Value | None:
        """Take an entry out."""
        value = self.get(key)
        self._entries.pop(key, None)
        return value

    def values(self) -> tuple[Value, ...]:
        """All entries that have not expired."""
        now = self._clock.monotonic()
        return tuple(value for expires_at, value in self._entries.values() if expires_at > now)


class InMemorySessions:
    """Implements `Sessions` for one process."""

    def __init__(self, clock: Clock) -> None:
        self._tokens = Expiring[str, tuple[UUID, str]](clock)
        self._calls = Expiring[UUID, LiveCall](clock)
        self._workers = Expiring[str, WorkerInfo](clock)
        self._inboxes: dict[str, deque[CallEvent]] = defaultdict(lambda: deque(maxlen=INBOX_EVENTS))
        self._told = asyncio.Condition()

    async def issue_token(self, call_id: UUID, *, worker_id: str, ttl_s: int) -> str:
        """Make a one-time stream token, unguessable, bound to a call and a worker."""
        token = secrets.token_urlsafe(32)
        self._tokens.put(token, (call_id, worker_id), ttl_s=ttl_s)
        return token

    async def redeem_token(self, token: str, *, worker_id: str) -> UUID:
        """Use a token up. Raises BadSignature when unknown, late, used or another worker's."""
        bound = self._tokens.pop(token)
        if bound is None or bound[1] != worker_id:
            raise BadSignature("the stream token is unknown, used, late or another worker's")
        return bound[0]

    async def save(self, live: LiveCall, *, ttl_s: int) -> None:
        """Write a session and its expiry; the owner repeats this as a heartbeat."""
        self._calls.put(live.call_id, live, ttl_s=ttl_s)

    async def get(self, call_id: UUID) -> LiveCall | None:
        """One session."""
        return self._calls.get(call_id)

    async def list(self) -> tuple[LiveCall, ...]:
        """All sessions that have not expired, oldest call first."""
        return tuple(sorted(self._calls.values(), key=lambda live: live.call_id))

    async def remove(self, call_id: UUID) -> None:
        """Forget a session."""
        self._calls.pop(call_id)

    async def announce(self, worker: WorkerInfo, *, ttl_s: int) -> None:
        """Write a worker's state and its expiry."""
        self._workers.put(worker.worker_id, worker, ttl_s=ttl_s)

    async def workers(self) -> tuple[WorkerInfo, ...]:
        """Workers that have not expired, by name."""
        return tuple(sorted(self._workers.values(), key=lambda worker: worker.worker_id))

    async def withdraw(self, worker_id: str) -> None:
        """Forget a worker."""
        self._workers.pop(worker_id)

    async def tell(self, worker_id: str, event: CallEvent) -> None:
        """Send an event to the worker that owns a call; kept until that worker reads it."""
        async with self._told:
            self._inboxes[worker_id].append(event)
            self._told.notify_all()

    async def inbox(self, worker_id: str) -> AsyncIterator[CallEvent]:
        """Yield events told to this worker, those told before included, until closed."""
        events = self._inboxes[worker_id]
        while True:
            async with self._told:
                await self._told.wait_for(lambda: bool(events))
            event = events[0]
            yield event
            if events and events[0] is event:
                events.popleft()
