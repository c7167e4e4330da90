"""/api/contacts: the people a campaign may call."""

import asyncio
from typing import Annotated, Any
from uuid import UUID

from litestar import Request, Response, get, post
from litestar.params import FromPath, FromQuery, JSONBody, QueryParameter
from litestar.types import ControllerRouterHandler

from service.domain.contact import Contact
from service.web import examples
from service.web.contact_input import read_contact, read_contacts_csv
from service.web.documentation import API_PROBLEMS, documented
from service.web.idempotent import once
from service.web.schemas import ContactInput, ContactPage, ImportReport, RejectedRow
from service.web.services import Services

MAX_CSV_BYTES = 5_000_000


@post(
    "/",
    summary="Add or update a contact",
    **documented(
        request=ContactInput(
            phone=examples.PHONE, name=examples.CONTACT.name, consent_source="web form"
        ),
        response=examples.CONTACT,
        problems=API_PROBLEMS,
        is_write=True,
    ),
)
async def save_contact(
    request: Request[Any, Any, Any], services: Services, data: JSONBody[ContactInput]
) -> Response[Contact]:
    """Add a contact, or update the one with this number; it keeps its id."""

    async def act() -> Contact:
        return await services.contacts.upsert(read_contact(data, now=services.clock.now()))

    return await once(request, services.idempotency, act)


@post(
    "/import",
    summary="Import a CSV",
    request_max_body_size=MAX_CSV_BYTES,
    status_code=200,
    **documented(
        request=examples.CSV,
        request_type="text/csv",
        response=ImportReport(
            imported=1,
            contact_ids=(examples.CONTACT_ID,),
            rejected=(RejectedRow(line=3, column="phone", reason="not in E.164 form"),),
        ),
        problems=(*API_PROBLEMS, 413),
        is_write=True,
    ),
)
async def import_contacts(
    request: Request[Any, Any, Any], services: Services
) -> Response[ImportReport]:
    """Add every good row; bad ones come back with line, column and reason.

    The header names `phone` and `name`, and may name email, timezone, address, lead_source,
    consent_source and notes. At most 10,000 rows and 5 MB in UTF-8.
    """

    async def act() -> ImportReport:
        contacts, rejected = await asyncio.to_thread(
            read_contacts_csv, await request.body(), now=services.clock.now()
        )
        saved = [await services.contacts.upsert(contact) for contact in contacts]
        ids = tuple(dict.fromkeys(contact.contact_id for contact in saved))
        return ImportReport(imported=len(saved), contact_ids=ids, rejected=rejected)

    return await once(request, services.idempotency, act, status=200)


@get(
    "/",
    summary="List contacts",
    **documented(
        response=ContactPage(items=(examples.CONTACT,), next_cursor=examples.CURSOR),
        problems=API_PROBLEMS,
    ),
)
async def list_contacts(
    services: Services,
    limit: Annotated[int, QueryParameter(ge=1, le=200)] = 50,
    cursor: FromQuery[str | None] = None,
) -> ContactPage:
    """Page through contacts, oldest first; pass `next_cursor` back as `cursor`."""
    items, next_cursor = await services.contacts.page(limit=limit, cursor=cursor)
    return ContactPage(items=items, next_cursor=next_cursor)


@get(
    "/{contact_id:uuid}",
    summary="Read a contact",
    **documented(response=examples.CONTACT, problems=(*API_PROBLEMS, 404)),
)
async def read_one_contact(services: Services, contact_id: FromPath[UUID]) -> Contact:
    """One contact."""
    return await services.contacts.get(contact_id)


ROUTES: list[ControllerRouterHandler] = [
    save_contact,
    import_contacts,
    list_contacts,
    read_one_contact,
]
