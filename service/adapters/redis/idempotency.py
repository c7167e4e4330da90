"""Remembered API answers in Redis, by the contract of `service.ports.idempotency`."""

import hashlib

import msgspec

from service.adapters.redis.connecting import make_client, translated
from service.domain.errors import Conflict, NotFound
from service.ports.idempotency import IN_FLIGHT_S, REMEMBERED_S, StoredResponse

_PREFIX = "reauto:idempotency:"


class Remembered(msgspec.Struct, frozen=True):
    """What is stored under a key; no response while the first request is in flight."""

    fingerprint: str
    response: StoredResponse | None = None


class RedisIdempotency:
    """Implements `Idempotency` for all workers."""

    def __init__(self, redis_url: str) -> None:
        self._redis = make_client(redis_url)

    async def close(self) -> None:
        """Close every connection."""
        await self._redis.aclose()

    async def begin(self, key: str, fingerprint: str) -> StoredResponse | None:
        """Take the key, or return what its first request answered. Raises Conflict."""
        mine = msgspec.json.encode(Remembered(fingerprint=fingerprint))
        with translated():
            if await self._redis.set(_name(key), mine, nx=True, ex=IN_FLIGHT_S):
                return None
        known = await self._known(key)
        if known is None:
            raise Conflict("the first request with this Idempotency-Key has just ended; try again")
        if known.fingerprint != fingerprint:
            raise Conflict("this Idempotency-Key was used for another request")
        if known.response is None:
            raise Conflict("the first request with this Idempotency-Key is still in flight")
        return known.response

    async def complete(self, key: str, *, status: int, body: bytes) -> None:
        """Keep the answer for a day. Raises NotFound for a key that was never begun."""
        known = await self._known(key)
        if known is None:
            raise NotFound("this Idempotency-Key was never begun, or too long ago")
        response = StoredResponse(status=status, body=body)
        answered = msgspec.structs.replace(known, response=response)
        with translated():
            await self._redis.set(_name(key), msgspec.json.encode(answered), ex=REMEMBERED_S)

    async def abandon(self, key: str) -> None:
        """Give the key back: the request failed and may be tried again."""
        with translated():
            await self._redis.delete(_name(key))

    async def _known(self, key: str) -> Remembered | None:
        with translated():
            stored = await self._redis.get(_name(key))
        return None if stored is None else msgspec.json.decode(stored, type=Remembered)


def _name(key: str) -> str:
    return _PREFIX + hashlib.sha256(key.encode()).hexdigest()
