"""Live sessions, stream tokens and worker inboxes in Redis, by `service.ports.sessions`.

Keys: `reauto:session:<call>` and `reauto:worker:<worker>` are JSON with an expiry, each with a
set `...:all` of the names written; `reauto:token:<sha256>` is a token, `reauto:inbox:<worker>` a
capped stream.
"""

import asyncio
import hashlib
import secrets
from collections.abc import AsyncIterator, Awaitable, Sequence
from typing import TypeVar, cast
from uuid import UUID

import msgspec
import structlog
from redis.exceptions import ResponseError

from service.adapters.redis.connecting import make_client, translated
from service.domain.errors import BadSignature, StorageUnavailable
from service.domain.events import CallEvent
from service.ports.sessions import LiveCall, WorkerInfo

Entry = TypeVar("Entry", LiveCall, WorkerInfo)

_SESSION = "reauto:session:"
_WORKER = "reauto:worker:"
_TOKEN = "reauto:token:"  # noqa: S105
_INBOX = "reauto:inbox:"
_INBOX_EVENTS = 1000
_INBOX_KEPT_S = 3600
_POLL_MS = 5000
_RECONNECT_S = (0.1, 0.2, 0.5, 1.0, 2.0)

_log = structlog.get_logger()


class BoundToken(msgspec.Struct, frozen=True):
    """What a stream token stands for."""

    call_id: UUID
    worker_id: str


class RedisSessions:
    """Implements `Sessions`. Each method is one round trip or one pipeline."""

    def __init__(self, redis_url: str) -> None:
        self._redis = make_client(redis_url)
        self._reader = make_client(redis_url, answer_timeout_s=_POLL_MS / 1000 + 2)
        self._warnings: tuple[str, ...] = ()

    async def close(self) -> None:
        """Close every connection."""
        await self._redis.aclose()
        await self._reader.aclose()

    async def issue_token(self, call_id: UUID, *, worker_id: str, ttl_s: int) -> str:
        """Make a one-time stream token of 256 random bits; only its hash is stored."""
        token = secrets.token_urlsafe(32)
        bound = msgspec.json.encode(BoundToken(call_id=call_id, worker_id=worker_id))
        with translated():
            await self._redis.set(_token_key(token), bound, ex=ttl_s)
        return token

    async def redeem_token(self, token: str, *, worker_id: str) -> UUID:
        """Use a token up. Raises BadSignature when unknown, late, used or another worker's."""
        with translated():
            stored = await self._redis.getdel(_token_key(token))
        bound = None if stored is None else msgspec.json.decode(stored, type=BoundToken)
        if bound is None or bound.worker_id != worker_id:
            raise BadSignature("the stream token is unknown, used, late or another worker's")
        return bound.call_id

    async def save(self, live: LiveCall, *, ttl_s: int) -> None:
        """Write a session and its expiry; the owner repeats this as a heartbeat."""
        await self._put(_SESSION, str(live.call_id), live, ttl_s=ttl_s)

    async def get(self, call_id: UUID) -> LiveCall | None:
        """One session."""
        with translated():
            stored = await self._redis.get(f"{_SESSION}{call_id}")
        return None if stored is None else msgspec.json.decode(stored, type=LiveCall)

    async def list(self) -> tuple[LiveCall, ...]:
        """All sessions that have not expired, oldest call first."""
        return await self._all(_SESSION, LiveCall)

    async def remove(self, call_id: UUID) -> None:
        """Forget a session."""
        await self._drop(_SESSION, str(call_id))

    async def announce(self, worker: WorkerInfo, *, ttl_s: int) -> None:
        """Write a worker's state and its expiry."""
        await self._put(_WORKER, worker.worker_id, worker, ttl_s=ttl_s)

    async def workers(self) -> tuple[WorkerInfo, ...]:
        """Workers that have not expired, by name."""
        return await self._all(_WORKER, WorkerInfo)

    async def withdraw(self, worker_id: str) -> None:
        """Forget a worker."""
        await self._drop(_WORKER, worker_id)

    async def tell(self, worker_id: str, event: CallEvent) -> None:
        """Send an event to the worker that owns a call; kept for an hour until it is read."""
        inbox = f"{_INBOX}{worker_id}"
        with translated():
            async with self._redis.pipeline(transaction=True) as pipeline:
                pipeline.xadd(
                    inbox,
                    {"event": msgspec.json.encode(event)},
                    maxlen=_INBOX_EVENTS,
                    approximate=False,
                )
                pipeline.expire(inbox, _INBOX_KEPT_S)
                await pipeline.execute()

    async def inbox(self, worker_id: str) -> AsyncIterator[CallEvent]:
        """Yield events told to this worker, those told before included, until closed.

        An event leaves the inbox once the next one is asked for, so one that a crash interrupts
        comes again.
        """
        failures = 0
        while True:
            try:
                for entry_id, stored in await self._read_inbox(worker_id):
                    event = _decode_event(stored)
                    if event is not None:
                        yield event
                    await self._forget_event(worker_id, entry_id)
            except StorageUnavailable as error:
                pause_s = _RECONNECT_S[min(failures, len(_RECONNECT_S) - 1)]
                failures += 1
                _log.warning("inbox.unreachable", reason=str(error), retry_in_s=pause_s)
                await asyncio.sleep(pause_s)
            else:
                failures = 0

    async def probe(self) -> str:
        """Say what the server is and how it keeps data; sets `warnings`.

        Raises StorageUnavailable.
        """
        with translated():
            facts = await self._redis.info()
            snapshots = await self._snapshots()
        appends, policy = bool(facts["aof_enabled"]), str(facts["maxmemory_policy"])
        found = []
        if not appends and not snapshots:
            found.append("persistence is off: a restart loses sessions and queue")
        if policy != "noeviction":
            found.append(f"maxmemory-policy {policy} may drop sessions and queue; set noeviction")
        self._warnings = tuple(found)
        return f"Redis {facts['redis_version']}, appendonly {'yes' if appends else 'no'}, {policy}"

    def warnings(self) -> tuple[str, ...]:
        """What the last probe found that may lose sessions or queue."""
        return self._warnings

    async def _put(self, prefix: str, name: str, entry: Entry, *, ttl_s: int) -> None:
        with translated():
            async with self._redis.pipeline(transaction=True) as pipeline:
                pipeline.set(prefix + name, msgspec.json.encode(entry), ex=ttl_s)
                pipeline.sadd(f"{prefix}all", name)
                await pipeline.execute()

    async def _drop(self, prefix: str, name: str) -> None:
        with translated():
            async with self._redis.pipeline(transaction=True) as pipeline:
                pipeline.delete(prefix + name)
                pipeline.srem(f"{prefix}all", name)
                await pipeline.execute()

    async def _all(self, prefix: str, kind: type[Entry]) -> tuple[Entry, ...]:
        """Read every named entry; names whose entry expired are forgotten until written again."""
        with translated():
            members = await cast("Awaitable[set[bytes]]", self._redis.smembers(f"{prefix}all"))
            names = sorted(name.decode() for name in members)
            if not names:
                return ()
            stored = await self._redis.mget([prefix + name for name in names])
            expired = [name for name, value in zip(names, stored, strict=True) if value is None]
            if expired:
                await cast("Awaitable[int]", self._redis.srem(f"{prefix}all", *expired))
        return tuple(msgspec.json.decode(value, type=kind) for value in stored if value is not None)

    async def _snapshots(self) -> bool:
        """Whether the server writes snapshots; hosted servers that hide it are trusted."""
        try:
            return bool((await self._redis.config_get("save")).get("save"))
        except ResponseError:
            return True

    async def _read_inbox(self, worker_id: str) -> Sequence[tuple[bytes, bytes]]:
        inbox = f"{_INBOX}{worker_id}"
        with translated():
            streams = await self._reader.xread({inbox: "0"}, block=_POLL_MS)
        return [(entry_id, fields[b"event"]) for _, told in streams for entry_id, fields in told]

    async def _forget_event(self, worker_id: str, entry_id: bytes) -> None:
        with translated():
            await self._redis.xdel(f"{_INBOX}{worker_id}", entry_id)


def _token_key(token: str) -> str:
    return _TOKEN + hashlib.sha256(token.encode()).hexdigest()


def _decode_event(stored: bytes) -> CallEvent | None:
    try:
        event: CallEvent = msgspec.json.decode(stored, type=CallEvent)
    except msgspec.MsgspecError as error:
        # A worker of another version wrote it; the rest of the inbox must go on.
        _log.warning("inbox.event_unreadable", reason=str(error))
        return None
    return event
