"""Remembered API answers in a dictionary, by the contract of `service.ports.idempotency`."""

from service.adapters.memory.sessions import Expiring
from service.domain.errors import Conflict, NotFound
from service.ports.clock import Clock
from service.ports.idempotency import IN_FLIGHT_S, REMEMBERED_S, StoredResponse


class InMemoryIdempotency:
    """Implements `Idempotency` for one process."""

    def __init__(self, clock: Clock) -> None:
        self._entries = Expiring[str, tuple[str, StoredResponse | None]](clock)

    async def begin(self, key: str, fingerprint: str) -> StoredResponse | None:
        """Take the key, or return what its first request answered. Raises Conflict."""
        entry = self._entries.get(key)
        if entry is None:
            self._entries.put(key, (fingerprint, None), ttl_s=IN_FLIGHT_S)
            return None
        known_fingerprint, response = entry
        if known_fingerprint != fingerprint:
            raise Conflict("this Idempotency-Key was used for another request")
        if response is None:
            raise Conflict("the first request with this Idempotency-Key is still in flight")
        return response

    async def complete(self, key: str, *, status: int, body: bytes) -> None:
        """Keep the answer for a day. Raises NotFound for a key that was never begun."""
        entry = self._entries.get(key)
        if entry is None:
            raise NotFound("this Idempotency-Key was never begun, or too long ago")
        response = StoredResponse(status=status, body=body)
        self._entries.put(key, (entry[0], response), ttl_s=REMEMBERED_S)

    async def abandon(self, key: str) -> None:
        """Give the key back: the request failed and may be tried again."""
        self._entries.pop(key)
