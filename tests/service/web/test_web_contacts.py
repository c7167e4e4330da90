"""/api/contacts and /api/suppressions."""

import asyncio
from typing import Any
from uuid import uuid4

import httpx

from service.web.contact_input import MAX_ROWS
from tests.service.web.office import THEIR_NUMBER, Office

HEADER = "phone,name,timezone,email,consent_source,notes\n"


async def _import(client: httpx.AsyncClient, text: str | bytes) -> httpx.Response:
    headers = {"Content-Type": "text/csv"}
    return await client.post("/api/contacts/import", content=text, headers=headers)


async def test_a_contact_is_added_then_updated_by_its_number(client: httpx.AsyncClient) -> None:
    body = {"phone": "+1 555-555-0123", "name": "Dana", "timezone": "America/New_York"}
    added = await client.post("/api/contacts", json=body)
    assert added.status_code == 201
    assert added.json()["phone"] == THEIR_NUMBER
    changed = await client.post("/api/contacts", json=body | {"name": "Dana Example"})
    assert changed.json()["contact_id"] == added.json()["contact_id"]
    read = await client.get(f"/api/contacts/{added.json()['contact_id']}")
    assert read.json()["name"] == "Dana Example"
    assert (await client.get(f"/api/contacts/{uuid4()}")).status_code == 404


async def test_a_wrong_field_of_a_contact_is_named(client: httpx.AsyncClient) -> None:
    cases: list[Any] = [
        ({"phone": "anonymous"}, "phone"),
        ({"name": ""}, "name"),
        ({"name": "two\nlines"}, "name"),
        ({"notes": "nul \x00"}, "notes"),
        ({"timezone": "Mars/Olympus"}, "timezone"),
        ({"timezone": "America"}, "timezone"),
        ({"timezone": "../../etc/passwd"}, "timezone"),
        ({"timezone": "x" * 200}, "timezone"),
        ({"email": "no at sign"}, "email"),
        ({"vip": True}, "vip"),
    ]
    for change, field in cases:
        body: dict[str, object] = {"phone": THEIR_NUMBER, "name": "Dana"}
        answer = await client.post("/api/contacts", json=body | change)
        assert answer.status_code == 422
        assert [error["field"] for error in answer.json()["errors"]] == [field]


async def test_contacts_page_by_cursor(office: Office, client: httpx.AsyncClient) -> None:
    for number in range(5):
        await office.clock.advance(1)
        await office.contact(f"+1555555012{number}")
    first = (await client.get("/api/contacts", params={"limit": 3})).json()
    rest = (
        await client.get("/api/contacts", params={"limit": 3, "cursor": first["next_cursor"]})
    ).json()
    phones = [item["phone"] for item in first["items"] + rest["items"]]
    assert phones == [f"+1555555012{number}" for number in range(5)]
    assert (await client.get("/api/contacts", params={"cursor": "x"})).status_code == 422


async def test_an_import_keeps_good_rows_and_names_bad_ones(
    office: Office, client: httpx.AsyncClient
) -> None:
    rows = [
        '+15555550123,Dana,America/New_York,dana@example.com,form,"two\nlines, with a comma"',
        "555-0124,Bob,,,form,",
        "+15555550125,,,,form,",
        "+15555550126,Eve,Mars/Olympus,,form,",
        "",
        "+15555550127,Zoë,,not-an-address,form,",
        "+15555550128,Max,,,form,,surplus",
        "+15555550129,Ann,,,,",
        "+1 (555) 555-0123,Dana Again,,,form,",
    ]
    answer = await _import(client, "\ufeff" + HEADER + "\r\n".join(rows))
    assert answer.status_code == 200
    report = answer.json()
    found = [(bad["line"], bad["column"]) for bad in report["rejected"]]
    assert found == [(4, "phone"), (5, "name"), (6, "timezone"), (8, "email"), (9, "column 7")]
    assert all(bad["reason"] for bad in report["rejected"])
    assert report["imported"] == 3
    dana = await office.contacts.by_phone(THEIR_NUMBER)
    assert dana is not None
    assert dana.name == "Dana Again"
    assert len(report["contact_ids"]) == 2
    assert report["contact_ids"][0] == str(dana.contact_id)


async def test_what_is_no_csv_of_contacts_changes_nothing(client: httpx.AsyncClient) -> None:
    cases: list[Any] = [
        (b"", "header"),
        (b"name,email\n", "phone"),
        (b"phone,name,phone\n", "once"),
        (b"phone,name,shoe\n", "shoe"),
        (b"phone,name\n+15555550123,\xff\n", "line 2"),
        (b'phone,name\n+15555550123,"open\n', "not CSV"),
        (b"phone,name\n" + b"+15555550123,A\n" * (MAX_ROWS + 1), str(MAX_ROWS)),
    ]
    for text, complaint in cases:
        answer = await _import(client, text)
        assert answer.status_code == 422
        assert complaint in answer.json()["detail"]
        assert (await client.get("/api/contacts")).json()["items"] == []


async def test_an_import_is_bounded_and_other_requests_go_on_meanwhile(
    client: httpx.AsyncClient,
) -> None:
    rows = "".join(f"+1555{n:07d},Person {n}\n" for n in range(3_000))
    answers = await asyncio.gather(
        _import(client, "phone,name\n" + rows), client.get("/health/live")
    )
    assert [answer.status_code for answer in answers] == [200, 200]
    assert answers[0].json()["imported"] == 3_000
    too_large = await _import(client, b"phone,name\n" + b"x" * 5_000_000)
    assert too_large.status_code == 413


async def test_a_number_is_suppressed_for_good(office: Office, client: httpx.AsyncClient) -> None:
    before = await client.get(f"/api/suppressions/{THEIR_NUMBER}")
    assert before.json() == {"phone": THEIR_NUMBER, "suppressed": False}
    body = {"phone": "+1 555 555 0123", "reason": "asked by e-mail"}
    for _ in range(2):
        assert (await client.post("/api/suppressions", json=body)).status_code == 201
    after = await client.get("/api/suppressions/%2B15555550123")
    assert after.json() == {"phone": THEIR_NUMBER, "suppressed": True}
    assert await office.contacts.is_suppressed(THEIR_NUMBER)
    assert (await client.get("/api/suppressions/anonymous")).status_code == 422
