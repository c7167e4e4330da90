"""The REST API answers as Twilio's does, errors included."""

from typing import Any

import httpx
import pytest
from twilio.base.exceptions import TwilioRestException
from twilio.http.async_http_client import AsyncTwilioHttpClient
from twilio.rest import Client

from evals.phone.network import PhoneNetwork
from tests.evals.phone.stage import OURS, SID, THEIRS, ScriptedPerson, Service, ended, place

GOOD = {"To": THEIRS, "From": OURS, "Url": "http://127.0.0.1:9/voice"}


@pytest.mark.parametrize(
    ("change", "status", "code"),
    [
        ({"To": ""}, 400, 21201),
        ({"From": ""}, 400, 21213),
        ({"To": "5551234"}, 400, 21211),
        ({"From": "hello"}, 400, 21212),
        ({"From": "+15550109999"}, 400, 21210),
        ({"Url": ""}, 400, 21205),
        ({"Url": "nowhere"}, 400, 21205),
        ({"Timeout": "soon"}, 400, 20001),
        ({"StatusCallbackEvent": "hung-up"}, 400, 20001),
    ],
)
async def test_a_bad_order_is_refused_with_twilios_code(
    api: httpx.AsyncClient, change: dict[str, str], status: int, code: int
) -> None:
    response = await api.post("/Calls.json", data={**GOOD, **change})
    body = response.json()
    assert (response.status_code, body["code"], body["status"]) == (status, code, status)
    assert body["more_info"].endswith(str(code))
    assert body["message"]


@pytest.mark.parametrize(
    ("auth", "status", "code"),
    [
        (None, 401, 20003),
        ((SID, "wrong"), 401, 20003),
        (("SK9", "secret"), 401, 20003),
        (("SK1", "secret"), 404, 20404),
        ((SID, "a-token"), 404, 20404),
    ],
)
async def test_credentials_come_before_everything_else(
    network: PhoneNetwork, auth: tuple[str, str] | None, status: int, code: int
) -> None:
    url = f"{network.base_url}/2010-04-01/Accounts/{SID}/Calls/CA1.json"
    async with httpx.AsyncClient() as client:
        response = await client.get(url, **({"auth": auth} if auth else {}))
    assert (response.status_code, response.json()["code"]) == (status, code)


async def test_another_account_is_not_found(network: PhoneNetwork, api: httpx.AsyncClient) -> None:
    url = f"{network.base_url}/2010-04-01/Accounts/AC{'1' * 32}/Calls.json"
    response = await api.get(url)
    assert (response.status_code, response.json()["code"]) == (404, 20404)


async def test_a_call_is_shown_listed_and_hung_up(
    api: httpx.AsyncClient, network: PhoneNetwork, service: Service
) -> None:
    service.documents["/voice"] = "<Response><Pause length='60'/></Response>"
    network.exchange.put_line(THEIRS, ScriptedPerson)
    call = await place(api, service, network)
    await service.until("/voice")
    shown = (await api.get(f"/Calls/{call.sid}.json")).json()
    assert shown["status"] == "in-progress"
    assert shown["duration"] is None
    assert shown["from"] == OURS
    assert shown["direction"] == "outbound-api"
    listed = (await api.get("/Calls.json", params={"Status": "in-progress"})).json()
    assert [row["sid"] for row in listed["calls"]] == [call.sid]
    hung_up = await api.post(f"/Calls/{call.sid}.json", data={"Status": "completed"})
    assert hung_up.status_code == 200
    await ended(call)
    shown = (await api.get(f"/Calls/{call.sid}.json")).json()
    assert (shown["status"], shown["duration"]) == ("completed", "1")
    assert call.ended_by == "agent"
    again = await api.post(f"/Calls/{call.sid}.json", data={"Status": "completed"})
    assert (again.status_code, again.json()["code"]) == (400, 21220)


async def test_status_must_be_one_of_two(
    api: httpx.AsyncClient, network: PhoneNetwork, service: Service
) -> None:
    call = await place(api, service, network)
    response = await api.post(f"/Calls/{call.sid}.json", data={"Status": "ringing"})
    assert (response.status_code, response.json()["code"]) == (400, 20001)


async def test_a_queued_call_can_be_canceled(
    api: httpx.AsyncClient, network: PhoneNetwork, service: Service
) -> None:
    network.exchange._next_dial_at = 1e9
    call = await place(api, service, network)
    assert (await api.get(f"/Calls/{call.sid}.json")).json()["status"] == "queued"
    await api.post(f"/Calls/{call.sid}.json", data={"Status": "canceled"})
    await ended(call)
    assert call.status == "canceled"
    done = await service.until("/status")
    assert done[0].one("CallStatus") == "canceled"
    assert done[0].one("CallDuration") is None


@pytest.mark.filterwarnings("ignore::DeprecationWarning:twilio")
async def test_twilios_own_client_works(network: PhoneNetwork, service: Service) -> None:
    service.documents["/voice"] = "<Response><Hangup/></Response>"
    network.exchange.put_line(THEIRS, ScriptedPerson)
    http = AsyncTwilioHttpClient()
    client: Any = Client(SID, "a-token", http_client=http)
    client.api.base_url = network.base_url
    try:
        made = await client.calls.create_async(
            to=THEIRS,
            from_=OURS,
            url=f"{service.base_url}/voice",
            status_callback=f"{service.base_url}/status",
            status_callback_event=["initiated", "answered", "completed"],
        )
        assert made.status == "queued"
        await ended(network.exchange.calls[made.sid])
        fetched = await client.calls(made.sid).fetch_async()
        assert (fetched.status, fetched.duration) == ("completed", "1")
        assert [call.sid for call in await client.calls.list_async(to=THEIRS)] == [made.sid]
        with pytest.raises(TwilioRestException) as caught:
            await client.calls("CA" + "f" * 32).fetch_async()
        assert (caught.value.status, caught.value.code) == (404, 20404)
        with pytest.raises(TwilioRestException) as caught:
            await client.calls.create_async(to="nobody", from_=OURS, url="http://h/")
        assert caught.value.code == 21211
    finally:
        await http.close()


async def test_one_call_a_second_leaves_the_queue(
    api: httpx.AsyncClient, network: PhoneNetwork, service: Service
) -> None:
    network.exchange._timing = type(network.exchange._timing)(calls_per_second=1.0)
    calls = [await place(api, service, network) for _ in range(3)]
    assert calls[0].queue_time_ms == 0
    assert 900 <= calls[1].queue_time_ms <= 1000
    assert 1900 <= calls[2].queue_time_ms <= 2000
