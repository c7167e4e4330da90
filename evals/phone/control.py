"""The control API: sets the stage and reads the far end's account of the calls; loopback only.

| request | body or answer |
|---|---|
| POST /control/numbers | `{number, voice_url?, status_url?}`: one of the account's numbers |
| POST /control/lines | `{number, scenario}`: who is there; or `busy`, `no-answer`, `failed` |
| POST /control/ring | `{from, to, scenario}`: somebody dials; answers `{sid}` |
| GET /control/calls | every call's report, oldest first |
| GET /control/calls/{sid}/audio | stereo WAV: left what the caller heard, right what they said |
"""

import io
import wave
from collections.abc import Awaitable, Callable
from typing import TypeVar

import msgspec
import numpy as np
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from evals.callers.g711 import SAMPLE_RATE_HZ, decode
from evals.phone.calls import PhoneCall
from evals.phone.exchange import Exchange
from service.domain.errors import InvalidInput, NotFound

B = TypeVar("B", bound=msgspec.Struct)
_LOOPBACK = frozenset({"127.0.0.1", "::1"})


class NumberBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One of the account's numbers and its webhooks."""

    number: str
    voice_url: str | None = None
    status_url: str | None = None


class LineBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Who is at a number."""

    number: str
    scenario: str


class RingBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Somebody who dials."""

    from_number: str = msgspec.field(name="from")
    to_number: str = msgspec.field(name="to")
    scenario: str


def routes(exchange: Exchange) -> list[Route]:
    """The control routes."""

    async def add_number(request: Request) -> Response:
        body = await _body(request, NumberBody)
        exchange.add_number(body.number, voice_url=body.voice_url, status_url=body.status_url)
        return Response(status_code=204)

    async def put_line(request: Request) -> Response:
        body = await _body(request, LineBody)
        exchange.put_line(body.number, body.scenario)
        return Response(status_code=204)

    async def ring(request: Request) -> Response:
        body = await _body(request, RingBody)
        call = exchange.ring(
            from_number=body.from_number, to_number=body.to_number, who=body.scenario
        )
        return JSONResponse({"sid": call.sid}, status_code=201)

    async def calls(request: Request) -> Response:  # noqa: ARG001
        reports = msgspec.json.encode(exchange.reports())
        return Response(reports, media_type="application/json")

    async def audio(request: Request) -> Response:
        call = exchange.calls.get(request.path_params["sid"])
        if call is None:
            raise NotFound("no such call")
        return Response(stereo_wav(call), media_type="audio/wav")

    return [
        Route("/control/numbers", _local(add_number), methods=["POST"]),
        Route("/control/lines", _local(put_line), methods=["POST"]),
        Route("/control/ring", _local(ring), methods=["POST"]),
        Route("/control/calls", _local(calls), methods=["GET"]),
        Route("/control/calls/{sid}/audio", _local(audio), methods=["GET"]),
    ]


def stereo_wav(call: PhoneCall) -> bytes:
    """16-bit 8 kHz WAV of a call: left what the caller heard, right what they said."""
    sides = np.stack([decode(bytes(call.heard_audio)), decode(bytes(call.said_audio))], axis=1)
    out = io.BytesIO()
    with wave.open(out, "wb") as file:
        file.setnchannels(2)
        file.setsampwidth(2)
        file.setframerate(SAMPLE_RATE_HZ)
        file.writeframes(sides.astype("<i2").tobytes())
    return out.getvalue()


_Endpoint = Callable[[Request], Awaitable[Response]]


def _local(endpoint: _Endpoint) -> _Endpoint:
    async def local(request: Request) -> Response:
        if request.client is None or request.client.host not in _LOOPBACK:
            return JSONResponse({"error": "control is for this machine only"}, status_code=403)
        try:
            return await endpoint(request)
        except InvalidInput as error:
            return JSONResponse({"error": str(error)}, status_code=400)
        except NotFound as error:
            return JSONResponse({"error": str(error)}, status_code=404)

    return local


async def _body(request: Request, kind: type[B]) -> B:
    try:
        return msgspec.json.decode(await request.body(), type=kind)
    except msgspec.DecodeError as error:
        raise InvalidInput(f"the body is not valid: {error}") from error
