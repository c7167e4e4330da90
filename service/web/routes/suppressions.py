"""/api/suppressions: numbers that must never be dialled."""

from typing import Any

from litestar import Request, Response, get, post
from litestar.params import FromPath, JSONBody
from litestar.types import ControllerRouterHandler

from service.web import examples
from service.web.contact_input import read_phone
from service.web.documentation import API_PROBLEMS, documented
from service.web.idempotent import once
from service.web.schemas import Suppression, SuppressionInput
from service.web.services import Services


@post(
    "/",
    summary="Suppress a number",
    **documented(
        request=SuppressionInput(phone=examples.PHONE, reason="asked by e-mail"),
        response=Suppression(phone=examples.PHONE, suppressed=True),
        problems=API_PROBLEMS,
        is_write=True,
    ),
)
async def suppress(
    request: Request[Any, Any, Any], services: Services, data: JSONBody[SuppressionInput]
) -> Response[Suppression]:
    """Never dial this number again; a second time changes nothing."""

    async def act() -> Suppression:
        phone = read_phone(data.phone)
        await services.contacts.suppress(phone, reason=data.reason, call_id=None)
        return Suppression(phone=phone, suppressed=True)

    return await once(request, services.idempotency, act)


@get(
    "/{phone:str}",
    summary="Ask about a number",
    **documented(
        response=Suppression(phone=examples.PHONE, suppressed=False), problems=API_PROBLEMS
    ),
)
async def ask(services: Services, phone: FromPath[str]) -> Suppression:
    """Whether a number (E.164, the plus sign included) may not be dialled."""
    number = read_phone(phone)
    return Suppression(phone=number, suppressed=await services.contacts.is_suppressed(number))


ROUTES: list[ControllerRouterHandler] = [suppress, ask]
