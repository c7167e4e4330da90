"""/api/calls: place, list, watch, read and end calls."""

from decimal import Decimal
from uuid import UUID, uuid4

import httpx
import msgspec

from service.domain.call import CallStatus
from service.domain.conversation import ConversationResult, Fact
from service.domain.errors import TelephonyError
from service.domain.events import HangUpRequested
from service.domain.outcome import Outcome
from service.ports.sessions import LiveCall
from service.web.examples import RECEIPT, TURN
from tests.service.web.office import OUR_NUMBER, THEIR_NUMBER, Office


async def test_a_call_is_placed_and_read_back(office: Office, client: httpx.AsyncClient) -> None:
    contact = await office.contact()
    placed = await client.post("/api/calls", json={"to": "+1 (555) 555-0123"})
    assert placed.status_code == 201
    call = placed.json()
    assert call["to_number"] == THEIR_NUMBER
    assert call["from_number"] == OUR_NUMBER
    assert call["contact_id"] == str(contact.contact_id)
    assert call["status"] == "queued"
    [(sid, leg)] = office.telephony.legs.items()
    assert call["twilio_sid"] == sid
    assert str(leg.call_id) == call["call_id"]
    assert (await client.get(f"/api/calls/{call['call_id']}")).json() == call


async def test_a_call_may_name_contact_and_config(
    office: Office, client: httpx.AsyncClient
) -> None:
    contact = await office.contact()
    config_id = (await office.configs.current()).config_id
    body = {"contact_id": str(contact.contact_id), "config_id": config_id[:8]}
    placed = await client.post("/api/calls", json=body)
    assert placed.status_code == 201
    assert placed.json()["config_id"] == config_id


async def test_nobody_is_called_against_a_rule(office: Office, client: httpx.AsyncClient) -> None:
    await office.contact()
    await office.contacts.suppress(THEIR_NUMBER, reason="asked", call_id=None)
    suppressed = await client.post("/api/calls", json={"to": THEIR_NUMBER})
    assert suppressed.status_code == 403
    assert suppressed.json()["type"] == "urn:reauto:problem:refused"
    assert "suppressed" in suppressed.json()["detail"]
    await office.contact("+15555550124", consent=None)
    assert (await client.post("/api/calls", json={"to": "+15555550124"})).status_code == 403
    assert office.telephony.legs == {}


async def test_a_stranger_is_not_found(client: httpx.AsyncClient) -> None:
    answer = await client.post("/api/calls", json={"to": "+15555559999"})
    assert answer.status_code == 404


async def test_a_network_that_refuses_is_a_bad_gateway(
    office: Office, client: httpx.AsyncClient
) -> None:
    await office.contact()
    office.telephony.failures.append(TelephonyError("trial account", code=21219))
    answer = await client.post("/api/calls", json={"to": THEIR_NUMBER})
    assert answer.status_code == 502
    assert answer.json()["retryable"] is False
    [call] = (await client.get("/api/calls")).json()["items"]
    assert call["outcome"] == "failed"


async def test_calls_page_by_cursor_newest_first(office: Office, client: httpx.AsyncClient) -> None:
    contact = await office.contact()
    placed = []
    for _ in range(5):
        await office.clock.advance(1)
        placed.append((await client.post("/api/calls", json={"to": THEIR_NUMBER})).json())
    first = (await client.get("/api/calls", params={"limit": 3})).json()
    rest = (
        await client.get("/api/calls", params={"limit": 3, "cursor": first["next_cursor"]})
    ).json()
    assert [*first["items"], *rest["items"]] == placed[::-1]
    assert rest["next_cursor"] is None
    mine = await client.get("/api/calls", params={"contact_id": str(contact.contact_id)})
    assert len(mine.json()["items"]) == 5
    other = await client.get("/api/calls", params={"contact_id": str(uuid4())})
    assert other.json()["items"] == []


async def test_a_foreign_cursor_and_a_wrong_limit_are_named(client: httpx.AsyncClient) -> None:
    assert (await client.get("/api/calls", params={"cursor": "nonsense"})).status_code == 422
    wrong = await client.get("/api/calls", params={"limit": "0"})
    assert wrong.status_code == 422
    assert wrong.json()["errors"] == [{"field": "limit", "reason": "Expected `int` >= 1"}]


async def test_transcript_and_receipt(office: Office, client: httpx.AsyncClient) -> None:
    await office.contact()
    call = (await client.post("/api/calls", json={"to": THEIR_NUMBER})).json()
    running = (await client.get(f"/api/calls/{call['call_id']}/transcript")).json()
    assert running["outcome"] is None
    stored = await office.calls.get(UUID(call["call_id"]))
    await office.calls.record_turn(
        msgspec.structs.replace(TURN, call_id=stored.call_id), RECEIPT.lines
    )
    fact = Fact(name="intent", value="sell", confidence=0.9, turn_index=1)
    await office.calls.finish(
        stored.call_id,
        result=ConversationResult(outcome=Outcome.QUALIFIED, facts=(fact,), summary="sells"),
        ledger=RECEIPT.lines,
        at=office.clock.now(),
    )
    transcript = (await client.get(f"/api/calls/{stored.call_id}/transcript")).json()
    assert transcript["outcome"] == "qualified"
    assert transcript["turns"][0]["agent_heard"] == TURN.agent_heard
    assert transcript["facts"][0]["value"] == "sell"
    receipt = (await client.get(f"/api/calls/{stored.call_id}/receipt")).json()
    assert len(receipt["lines"]) == 2
    assert Decimal(receipt["total_usd"]) == Decimal("0.0280")


async def test_live_calls_and_hang_up(office: Office, client: httpx.AsyncClient) -> None:
    await office.contact()
    call = (await client.post("/api/calls", json={"to": THEIR_NUMBER})).json()
    live = LiveCall(
        call_id=UUID(call["call_id"]),
        worker_id="w1",
        state="opener",
        started_at=1.0,
        heartbeat_at=2.0,
    )
    await office.sessions.save(live, ttl_s=10)
    shown = (await client.get("/api/calls/live")).json()
    assert [item["state"] for item in shown["items"]] == ["opener"]
    answer = await client.post(f"/api/calls/{call['call_id']}/hangup")
    assert answer.status_code == 202
    told = await anext(office.sessions.inbox("w1"))
    assert isinstance(told, HangUpRequested)
    assert told.call_id == live.call_id


async def test_a_call_that_is_over_cannot_be_ended(
    office: Office, client: httpx.AsyncClient
) -> None:
    await office.contact()
    call = (await client.post("/api/calls", json={"to": THEIR_NUMBER})).json()
    first = await client.post(f"/api/calls/{call['call_id']}/hangup")
    assert first.status_code == 202
    assert office.telephony.statuses[call["twilio_sid"]] is CallStatus.COMPLETED
    await office.calls.finish(
        UUID(call["call_id"]),
        result=ConversationResult(outcome=Outcome.CANCELED),
        ledger=(),
        at=office.clock.now(),
    )
    assert (await client.post(f"/api/calls/{call['call_id']}/hangup")).status_code == 409


async def test_an_unknown_call_is_not_found_anywhere(client: httpx.AsyncClient) -> None:
    for path in ("", "/transcript", "/receipt"):
        answer = await client.get(f"/api/calls/{uuid4()}{path}")
        assert answer.status_code == 404
        assert answer.headers["content-type"] == "application/problem+json"
    assert (await client.post(f"/api/calls/{uuid4()}/hangup")).status_code == 404
    assert (await client.get("/api/calls/not-a-uuid")).status_code == 404
