"""/twilio: signed webhooks and the signed media websocket of the telephone network."""

from typing import Any
from uuid import UUID

import structlog
from litestar import MediaType, Request, Response, WebSocket, post, websocket
from litestar.params import FromQuery
from litestar.types import ControllerRouterHandler

from service.domain.errors import ProtocolViolation
from service.observability.tracing import follow_call
from service.web import examples, twilio_forms
from service.web.documentation import NETWORK_PROBLEMS, documented
from service.web.guards import read_form
from service.web.services import Services
from service.web.sockets import LitestarTextSocket

log = structlog.get_logger()

_FORM = "application/x-www-form-urlencoded"
_SID = {"CallSid": examples.TWILIO_SID}
_VOICE = _SID | {
    "From": examples.PHONE,
    "To": examples.OUR_NUMBER,
    "Direction": "inbound",
    "CallStatus": "ringing",
}


@post(
    "/voice",
    summary="A call asks what to do",
    status_code=200,
    media_type=MediaType.XML,
    **documented(
        request=_VOICE,
        request_type=_FORM,
        response=examples.TWIML,
        problems=(*NETWORK_PROBLEMS, 404),
    ),
)
async def voice(
    request: Request[Any, Any, Any],
    services: Services,
    *,
    call_id: FromQuery[UUID | None] = None,
    again: FromQuery[bool] = False,
) -> Response[str]:
    """Answer TwiML. `call_id` names a call that we placed, `again` one whose media socket ended."""
    webhook = twilio_forms.voice(read_form(await request.body()))
    if call_id is None:
        if again or webhook.direction != "inbound":
            raise ProtocolViolation("this webhook needs the call_id that we gave it")
        document = await services.intake.inbound(webhook)
    else:
        follow_call(call_id)
        answer = services.intake.again if again else services.intake.outbound
        document = await answer(call_id, webhook)
    return Response(document, media_type="text/xml")


@post(
    "/status",
    summary="A call's status changed",
    status_code=204,
    **documented(
        request=_SID | {"CallStatus": "completed", "CallDuration": "42"},
        request_type=_FORM,
        problems=(*NETWORK_PROBLEMS, 404),
    ),
)
async def status(
    request: Request[Any, Any, Any], services: Services, call_id: FromQuery[UUID | None] = None
) -> None:
    """Take a status callback, in any order and any number of times."""
    form = read_form(await request.body())
    report = twilio_forms.status(form, now=services.clock.now())
    _follow(call_id)
    await services.callbacks.status(report, call_id=call_id)


@post(
    "/amd",
    summary="Who answered",
    status_code=204,
    **documented(
        request=_SID | {"AnsweredBy": "machine_start"},
        request_type=_FORM,
        problems=(*NETWORK_PROBLEMS, 404),
    ),
)
async def amd(
    request: Request[Any, Any, Any], services: Services, call_id: FromQuery[UUID | None] = None
) -> None:
    """Take an answering-machine verdict."""
    twilio_sid, answered_by = twilio_forms.machine_verdict(read_form(await request.body()))
    _follow(call_id)
    await services.callbacks.machine_verdict(twilio_sid, answered_by, call_id=call_id)


@post(
    "/recording",
    summary="A recording is ready",
    status_code=204,
    **documented(
        request=_SID | {"RecordingSid": "RE" + "0" * 32, "RecordingStatus": "completed"},
        request_type=_FORM,
        problems=NETWORK_PROBLEMS,
    ),
)
async def recording(request: Request[Any, Any, Any]) -> None:
    """Take note of a recording."""
    event = twilio_forms.recording(read_form(await request.body()))
    log.info("recording reported", **event)


@post(
    "/stream",
    summary="A media stream changed",
    status_code=204,
    **documented(
        request=_SID | {"StreamSid": "MZ" + "0" * 32, "StreamEvent": "stream-started"},
        request_type=_FORM,
        problems=NETWORK_PROBLEMS,
    ),
)
async def stream(request: Request[Any, Any, Any], call_id: FromQuery[UUID | None] = None) -> None:
    """Take note of a stream event; an error in it is the network's own view of a broken socket."""
    event = twilio_forms.stream(read_form(await request.body()))
    _follow(call_id)
    (log.warning if event["stream_error"] else log.info)("stream reported", **event)


@websocket("/media")
async def media(socket: WebSocket[Any, Any, Any], services: Services) -> None:
    """The media stream of one call, from its first message to its end.

    When the stream breaks, Litestar closes the socket with an error code.
    """
    await socket.accept()
    text_socket = LitestarTextSocket(socket)
    await services.stream(text_socket)
    await text_socket.close()


def _follow(call_id: UUID | None) -> None:
    if call_id is not None:
        follow_call(call_id)


ROUTES: list[ControllerRouterHandler] = [voice, status, amd, recording, stream, media]
