"""Remembers what an API write answered, so that a repeated request is answered and not repeated."""

from typing import Protocol

import msgspec

REMEMBERED_S = 86_400
"""How long an answer is kept: a day."""

IN_FLIGHT_S = 120
"""How long a request that never completed bars its key."""


class StoredResponse(msgspec.Struct, frozen=True, kw_only=True):
    """The answer to the first request with a key."""

    status: int
    body: bytes


class Idempotency(Protocol):
    """Answers by `Idempotency-Key`. Raises StorageUnavailable when it cannot be reached."""

    async def begin(self, key: str, fingerprint: str) -> StoredResponse | None:
        """Take the key, or return what its first request answered.

        `fingerprint` identifies the request's content. Raises Conflict when the key was used with
        another content, or its first request is still in flight.
        """
        ...

    async def complete(self, key: str, *, status: int, body: bytes) -> None:
        """Keep the answer for REMEMBERED_S. Raises NotFound for a key that was never begun."""
        ...

    async def abandon(self, key: str) -> None:
        """Give the key back: the request failed and may be tried again."""
        ...
