"""Follows the service's TwiML through one call: fetches documents and does their verbs."""

import asyncio
from collections import deque
from collections.abc import Coroutine
from dataclasses import replace
from typing import Any, TypeVar
from urllib.parse import urljoin

from evals.phone.announcements import Announcements
from evals.phone.calls import PhoneCall
from evals.phone.stream import MediaStream, StreamEnd
from evals.phone.twiml import (
    ConnectStream,
    Hangup,
    InvalidTwiml,
    Pause,
    Redirect,
    Say,
    Verb,
    parse_twiml,
)
from evals.phone.webhooks import WebhookFailed, Webhooks
from evals.phone.wire import StreamRefused, StreamWire, open_socket

T = TypeVar("T")

MAX_VERBS = 100
SECONDS_PER_SAID_WORD = 0.35


class Script:
    """One call's documents. What fails is noted in the call and ends it."""

    def __init__(
        self,
        call: PhoneCall,
        *,
        webhooks: Webhooks,
        announcements: Announcements,
        auth_token: str,
    ) -> None:
        self._call = call
        self._webhooks = webhooks
        self._announcements = announcements
        self._auth_token = auth_token
        self._url = ""

    async def first_document(self) -> list[Verb]:
        """The document that the call begins with; empty when it could not be had."""
        order = self._call.order
        if order.url is None:
            return self._parse((order.twiml or "").encode(), "text/xml")
        return await self._fetch(Redirect(order.url, order.method))

    async def follow(self, verbs: list[Verb]) -> None:
        """Do the verbs and those they lead to; nothing left to do ends the call."""
        todo = deque(verbs)
        for _ in range(MAX_VERBS):
            if not todo or self._call.over.is_set():
                break
            verb = todo.popleft()
            if isinstance(verb, Hangup):
                break
            if further := await self._do(verb):
                todo = deque(await self._fetch(further))
        self._call.end("agent")

    async def _do(self, verb: Verb) -> Redirect | None:
        """Do one verb; return where to go on when that is another document."""
        if isinstance(verb, Redirect):
            return verb
        if isinstance(verb, Say):
            await self._call.wait(len(verb.text.split()) * SECONDS_PER_SAID_WORD)
        elif isinstance(verb, Pause):
            await self._call.wait(verb.seconds)
        elif isinstance(verb, ConnectStream):
            await self._connect(verb)
            return Redirect(verb.action, verb.action_method) if verb.action else None
        return None

    async def _fetch(self, where: Redirect) -> list[Verb]:
        """Ask the service what to do next, unless the call ends first."""
        if self._call.over.is_set():
            return []
        self._url = urljoin(self._url, where.url)
        asking = self._webhooks.send(
            self._url, self._announcements.voice_params(), method=where.method
        )
        try:
            response = await self._unless_over(asking)
        except WebhookFailed as failure:
            self._give_up(failure.code, str(failure))
            return []
        if response is None:
            return []
        return self._parse(response.content, response.headers.get("content-type", ""))

    def _parse(self, document: bytes, content_type: str) -> list[Verb]:
        try:
            return parse_twiml(document, content_type=content_type)
        except InvalidTwiml as error:
            self._give_up(error.code, str(error))
            return []

    def _give_up(self, code: int, message: str) -> None:
        self._call.warn(code, message)
        self._call.end("network")

    async def _connect(self, verb: ConnectStream) -> None:
        """Hold a stream; when it ends, for whatever reason, the next verb is due."""
        call, person, verb = self._call, self._call.person, self._absolute(verb)
        assert person is not None
        try:
            socket = await open_socket(verb.url, auth_token=self._auth_token)
        except StreamRefused as refusal:
            call.warn(refusal.code, str(refusal))
            self._announcements.stream(
                "stream-error", verb, stream_sid="", StreamError=str(refusal)
            )
            return
        wire = StreamWire(socket, account_sid=call.account_sid, call_sid=call.sid)
        self._announcements.stream("stream-started", verb, stream_sid=wire.stream_sid)
        end = await MediaStream(wire, call=call, person=person).run(verb.parameters)
        broken = {"StreamError": call.warnings[-1].message} if end is StreamEnd.BROKEN else {}
        event = "stream-error" if broken else "stream-stopped"
        self._announcements.stream(event, verb, stream_sid=wire.stream_sid, **broken)

    def _absolute(self, verb: ConnectStream) -> ConnectStream:
        status_url = urljoin(self._url, verb.status_url) if verb.status_url else None
        return replace(verb, url=urljoin(self._url, verb.url), status_url=status_url)

    async def _unless_over(self, work: Coroutine[Any, Any, T]) -> T | None:
        """Await `work`, or give it up when the call ends first."""
        over, task = asyncio.create_task(self._call.over.wait()), asyncio.create_task(work)
        try:
            await asyncio.wait({over, task}, return_when=asyncio.FIRST_COMPLETED)
            return task.result() if task.done() else None
        finally:
            over.cancel()
            task.cancel()
            await asyncio.gather(over, task, return_exceptions=True)
