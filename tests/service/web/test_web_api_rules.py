"""What every route under /api keeps: keys, problem documents, idempotent writes, bounds."""

import asyncio
from typing import Any
from uuid import uuid4

import httpx
import pytest

from service.domain.errors import StorageUnavailable, TelephonyError
from tests.service.web.office import API_KEY, THEIR_NUMBER, Office, Stage, in_process


async def test_any_of_the_keys_opens(anonymous: httpx.AsyncClient) -> None:
    cases: list[dict[str, str]] = [
        {"Authorization": f"Bearer {API_KEY}"},
        {"Authorization": f"bearer {API_KEY}"},
        {"X-API-Key": "key-two"},
    ]
    for headers in cases:
        assert (await anonymous.get("/api/calls", headers=headers)).status_code == 200


async def test_no_other_key_opens(anonymous: httpx.AsyncClient) -> None:
    cases: list[dict[str, bytes]] = [
        {},
        {"Authorization": b"Bearer "},
        {"Authorization": b"Bearer key-onee"},
        {"Authorization": b"Basic key-one"},
        {"Authorization": "Bearer clé".encode()},
        {"X-API-Key": b""},
    ]
    for headers in cases:
        answer = await anonymous.get("/api/calls", headers=headers)
        assert answer.status_code == 401
        assert answer.headers["www-authenticate"] == "Bearer"
        assert answer.headers["content-type"] == "application/problem+json"
        assert API_KEY not in answer.text


@pytest.mark.parametrize("keys", [(), ("",)])
async def test_without_configured_keys_everybody_is_refused_and_told_why(
    keys: tuple[str, ...],
) -> None:
    async with in_process(Office(api_keys=keys).app()) as http:
        answer = await http.get("/api/calls", headers={"X-API-Key": ""})
    assert answer.status_code == 403
    assert "REAUTO_API_KEYS" in answer.json()["detail"]


async def test_the_key_is_asked_before_the_body_is_read(anonymous: httpx.AsyncClient) -> None:
    answer = await anonymous.post("/api/calls", content=b"{nonsense")
    assert answer.status_code == 401


async def test_malformed_json_is_400_or_names_the_missing_body(client: httpx.AsyncClient) -> None:
    cases: list[Any] = [b"{", b"", b"\xff\xfe", b"[1", b'{"to": "\\ud800"}']
    for body in cases:
        answer = await client.post("/api/calls", content=body)
        assert answer.status_code in {400, 422}
        assert answer.headers["content-type"] == "application/problem+json"
        assert set(answer.json()) >= {"status", "type", "title", "detail", "trace_id"}
        assert "Traceback" not in answer.text


async def test_a_wrong_field_is_named_with_the_reason(client: httpx.AsyncClient) -> None:
    cases: list[Any] = [
        ({"to": THEIR_NUMBER, "colour": 1}, "colour", "unknown field"),
        ({"to": 5}, "to", "Expected `str"),
        ({"to": "x" * 41}, "to", "length <= 40"),
        ({"to": "0155512345"}, "to", "E.164"),
        ({"contact_id": "x"}, "contact_id", "UUID"),
        ({"to": THEIR_NUMBER, "config_id": "../../etc"}, "config_id", "regex"),
        ([], "", "Expected `object`"),
    ]
    for body, field, reason in cases:
        answer = await client.post("/api/calls", json=body)
        assert answer.status_code == 422
        [error] = answer.json()["errors"]
        assert error["field"] == field
        assert reason in error["reason"]


async def test_unknown_routes_and_methods_are_problems_too(client: httpx.AsyncClient) -> None:
    for answer in (await client.get("/api/nothing"), await client.put("/api/calls")):
        assert answer.status_code in {404, 405}
        assert answer.headers["content-type"] == "application/problem+json"
        assert answer.json()["status"] == answer.status_code


async def test_a_body_too_large_is_refused(client: httpx.AsyncClient) -> None:
    answer = await client.post("/api/calls", content=b"[" + b"1," * 300_000 + b"1]")
    assert answer.status_code == 413


async def test_a_store_that_is_away_is_503_with_a_time_to_come_back(
    office: Office, stage: Stage, client: httpx.AsyncClient
) -> None:
    class Away(type(office.calls)):  # type: ignore[misc]
        async def page(self, **_: object) -> None:
            raise StorageUnavailable("could not connect to postgresql://me:secret@db.internal")

    office.calls = Away()
    stage.services = office.services()
    answer = await client.get("/api/calls")
    assert answer.status_code == 503
    assert int(answer.headers["retry-after"]) >= 1
    assert "secret" not in answer.text
    assert "db.internal" not in answer.text


async def test_a_bug_is_a_500_that_shows_nothing_but_a_trace_id(
    office: Office, stage: Stage, client: httpx.AsyncClient
) -> None:
    class Broken(type(office.calls)):  # type: ignore[misc]
        async def page(self, **_: object) -> None:
            raise RuntimeError("a secret in a message")

    office.calls = Broken()
    stage.services = office.services()
    trace = "0af7651916cd43dd8448eb211c80319c"
    sent = {"traceparent": f"00-{trace}-b7ad6b7169203331-01"}
    answer = await client.get("/api/calls", headers=sent)
    assert answer.status_code == 500
    assert answer.json()["trace_id"] == trace == answer.headers["x-trace-id"]
    assert "secret" not in answer.text
    assert "Traceback" not in answer.text


async def test_a_repeated_write_is_done_once_and_answered_twice(
    office: Office, client: httpx.AsyncClient
) -> None:
    await office.contact()
    headers = {"Idempotency-Key": "ring-dana-once"}
    first = await client.post("/api/calls", json={"to": THEIR_NUMBER}, headers=headers)
    again = await client.post("/api/calls", json={"to": THEIR_NUMBER}, headers=headers)
    assert (first.status_code, again.status_code) == (201, 201)
    assert first.json() == again.json()
    assert "idempotency-replayed" not in first.headers
    assert again.headers["idempotency-replayed"] == "true"
    assert len(office.telephony.legs) == 1


async def test_a_key_may_not_be_used_for_something_else(
    office: Office, client: httpx.AsyncClient
) -> None:
    await office.contact()
    headers = {"Idempotency-Key": "k"}
    await client.post("/api/calls", json={"to": THEIR_NUMBER}, headers=headers)
    other = await client.post("/api/calls", json={"to": "+15555550124"}, headers=headers)
    assert other.status_code == 409
    body = {"phone": THEIR_NUMBER, "reason": "r"}
    assert (await client.post("/api/suppressions", json=body, headers=headers)).status_code == 409


async def test_two_requests_at_once_under_one_key_ring_once(
    office: Office, client: httpx.AsyncClient
) -> None:
    await office.contact()

    async def place() -> int:
        headers = {"Idempotency-Key": "race"}
        answer = await client.post("/api/calls", json={"to": THEIR_NUMBER}, headers=headers)
        return answer.status_code

    statuses = await asyncio.gather(*(place() for _ in range(5)))
    assert 201 in statuses
    assert set(statuses) <= {201, 409}
    assert len(office.telephony.legs) == 1


async def test_a_request_that_failed_early_may_be_repeated_under_its_key(
    office: Office, client: httpx.AsyncClient
) -> None:
    headers = {"Idempotency-Key": "k"}
    body = {"to": THEIR_NUMBER}
    assert (await client.post("/api/calls", json=body, headers=headers)).status_code == 404
    await office.contact()
    assert (await client.post("/api/calls", json=body, headers=headers)).status_code == 201


async def test_a_vendor_error_that_might_have_rung_is_answered_not_repeated(
    office: Office, client: httpx.AsyncClient
) -> None:
    await office.contact()
    headers = {"Idempotency-Key": "k"}
    body = {"to": THEIR_NUMBER}
    office.telephony.failures.append(TelephonyError("no answer from the network"))
    first = await client.post("/api/calls", json=body, headers=headers)
    again = await client.post("/api/calls", json=body, headers=headers)
    assert (first.status_code, again.status_code) == (502, 502)
    assert again.json()["title"] == first.json()["title"]
    assert again.headers["content-type"] == "application/problem+json"
    assert office.telephony.legs == {}
    office.telephony.failures.append(TelephonyError("busy", retryable=True))
    headers = {"Idempotency-Key": "l"}
    assert (await client.post("/api/calls", json=body, headers=headers)).status_code == 502
    assert (await client.post("/api/calls", json=body, headers=headers)).status_code == 201


async def test_a_done_write_is_answered_though_its_key_cannot_be_kept(
    office: Office, stage: Stage, client: httpx.AsyncClient
) -> None:
    class Forgetful(type(office.idempotency)):  # type: ignore[misc]
        async def complete(self, key: str, *, status: int, body: bytes) -> None:
            raise StorageUnavailable("Redis went away")

    office.idempotency = Forgetful(office.clock)
    stage.services = office.services()
    contact = await office.contact()
    sent = {"Idempotency-Key": "k"}
    body = {"contact_id": str(contact.contact_id)}
    assert (await client.post("/api/calls", json=body, headers=sent)).status_code == 201
    assert (await client.post("/api/calls", json=body, headers=sent)).status_code == 409
    assert len(office.telephony.legs) == 1


async def test_a_key_that_is_none_is_named(client: httpx.AsyncClient) -> None:
    cases: list[Any] = ["", "x" * 256, "tab\tkey", "é"]
    for key in cases:
        answer = await client.post(
            f"/api/calls/{uuid4()}/hangup", headers={"Idempotency-Key": key.encode("latin-1")}
        )
        assert answer.status_code == 422
        assert answer.json()["errors"][0]["field"] == "Idempotency-Key"
