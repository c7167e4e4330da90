"""/api/calls: place, list, watch, read and end calls."""

from typing import Annotated, Any
from uuid import UUID

from litestar import Request, Response, get, post
from litestar.params import FromPath, FromQuery, JSONBody, QueryParameter
from litestar.types import ControllerRouterHandler

from service.domain.call import Call
from service.domain.money import Receipt
from service.money.receipt import make_receipt
from service.web import examples
from service.web.contact_input import read_phone
from service.web.documentation import API_PROBLEMS, documented
from service.web.idempotent import once
from service.web.schemas import CallPage, HangUpAccepted, LiveCalls, PlaceCall, Transcript
from service.web.services import Services


@post(
    "/",
    summary="Place a call",
    **documented(
        request=PlaceCall(to=examples.PHONE),
        response=examples.CALL,
        problems=(*API_PROBLEMS, 404, 502),
        is_write=True,
    ),
)
async def place_call(
    request: Request[Any, Any, Any], services: Services, data: JSONBody[PlaceCall]
) -> Response[Call]:
    """Ring a contact. 403 when a rule forbids it, 502 when the telephone network refuses.

    Send an `Idempotency-Key`: a request that is repeated under it never rings twice.
    """

    async def act() -> Call:
        to_number = read_phone(data.to, field="to") if data.to is not None else None
        return await services.dialing.place(
            to_number=to_number, contact_id=data.contact_id, config_id=data.config_id
        )

    return await once(request, services.idempotency, act)


@get(
    "/",
    summary="List calls",
    **documented(
        response=CallPage(items=(examples.CALL,), next_cursor=examples.CURSOR),
        problems=API_PROBLEMS,
    ),
)
async def list_calls(
    services: Services,
    *,
    limit: Annotated[int, QueryParameter(ge=1, le=200)] = 50,
    cursor: FromQuery[str | None] = None,
    contact_id: FromQuery[UUID | None] = None,
) -> CallPage:
    """Page through calls, newest first; pass `next_cursor` back as `cursor`."""
    page = await services.calls.page(limit=limit, cursor=cursor, contact_id=contact_id)
    return CallPage(items=page.calls, next_cursor=page.next_cursor)


@get(
    "/live",
    summary="Calls in progress",
    **documented(response=LiveCalls(items=(examples.LIVE_CALL,)), problems=API_PROBLEMS),
)
async def live_calls(services: Services) -> LiveCalls:
    """Every call in progress on any worker, with its state and last words."""
    return LiveCalls(items=await services.sessions.list())


@get(
    "/{call_id:uuid}",
    summary="Read a call",
    **documented(response=examples.CALL, problems=(*API_PROBLEMS, 404)),
)
async def read_call(services: Services, call_id: FromPath[UUID]) -> Call:
    """One call as it stands now."""
    return await services.calls.get(call_id)


@get(
    "/{call_id:uuid}/transcript",
    summary="Read a transcript",
    **documented(
        response=Transcript(
            call_id=examples.CALL_ID,
            turns=(examples.TURN,),
            outcome=examples.CALL.outcome,
            facts=(examples.FACT,),
            summary="Wants to sell a house.",
        ),
        problems=(*API_PROBLEMS, 404),
    ),
)
async def read_transcript(services: Services, call_id: FromPath[UUID]) -> Transcript:
    """Every turn with what was said and heard, its stamps, and what the call came to."""
    await services.calls.get(call_id)
    result = await services.calls.result(call_id)
    return Transcript(
        call_id=call_id,
        turns=await services.calls.turns(call_id),
        outcome=result.outcome if result else None,
        facts=result.facts if result else (),
        summary=result.summary if result else "",
    )


@get(
    "/{call_id:uuid}/receipt",
    summary="Read a receipt",
    **documented(response=examples.RECEIPT, problems=(*API_PROBLEMS, 404)),
)
async def read_receipt(services: Services, call_id: FromPath[UUID]) -> Receipt:
    """What the call cost, line by line; amounts are decimal strings, in US dollars."""
    await services.calls.get(call_id)
    return make_receipt(await services.calls.ledger(call_id))


@post(
    "/{call_id:uuid}/hangup",
    summary="End a call",
    status_code=202,
    **documented(
        response=HangUpAccepted(call_id=examples.CALL_ID),
        problems=(*API_PROBLEMS, 404, 502),
        is_write=True,
    ),
)
async def hang_up(
    request: Request[Any, Any, Any], services: Services, call_id: FromPath[UUID]
) -> Response[HangUpAccepted]:
    """Ask for the end of a call; 409 when it is over already."""

    async def act() -> HangUpAccepted:
        await services.hang_up.request(call_id, reason="asked through the API")
        return HangUpAccepted(call_id=call_id)

    return await once(request, services.idempotency, act, status=202)


ROUTES: list[ControllerRouterHandler] = [
    place_call,
    list_calls,
    live_calls,
    read_call,
    read_transcript,
    read_receipt,
    hang_up,
]
