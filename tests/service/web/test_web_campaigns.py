"""/api/campaigns and /api/agent-configs."""

from typing import Any
from uuid import uuid4

import httpx
import msgspec

from service.domain.campaign import CampaignStatus
from service.web.examples import CONFIG
from tests.service.web.office import OUR_NUMBER, Office


def _config() -> dict[str, Any]:
    decoded: dict[str, Any] = msgspec.json.decode(msgspec.json.encode(CONFIG))
    return decoded


async def test_a_campaign_starts_pauses_and_resumes(
    office: Office, client: httpx.AsyncClient
) -> None:
    ids = [str((await office.contact(f"+1555555012{n}")).contact_id) for n in range(3)]
    body = {"name": "Sellers", "contact_ids": [*ids, ids[0]], "max_concurrent_calls": 2}
    started = await client.post("/api/campaigns", json=body)
    assert started.status_code == 201
    campaign = started.json()
    assert campaign["from_number"] == OUR_NUMBER
    assert campaign["status"] == "running"
    path = f"/api/campaigns/{campaign['campaign_id']}"
    view = (await client.get(path)).json()
    assert view["campaign"] == campaign
    assert sorted(attempt["contact_id"] for attempt in view["attempts"]) == sorted(ids)
    assert (await client.post(f"{path}/pause")).json()["status"] == "paused"
    assert await office.campaigns.running() == ()
    assert (await client.post(f"{path}/resume")).json()["status"] == "running"


async def test_a_finished_campaign_stays_finished(
    office: Office, client: httpx.AsyncClient
) -> None:
    contact = await office.contact()
    body = {"name": "n", "contact_ids": [str(contact.contact_id)]}
    campaign = (await client.post("/api/campaigns", json=body)).json()
    [running] = await office.campaigns.running()
    await office.campaigns.set_status(running.campaign_id, CampaignStatus.FINISHED)
    path = f"/api/campaigns/{campaign['campaign_id']}"
    assert (await client.post(f"{path}/resume")).status_code == 409
    assert (await client.get(path)).json()["campaign"]["status"] == "finished"


async def test_a_wrong_field_of_a_campaign_is_named(client: httpx.AsyncClient) -> None:
    cases: list[Any] = [
        ({"contact_ids": []}, "contact_ids"),
        ({"contact_ids": ["x"]}, "contact_ids[0]"),
        ({"max_concurrent_calls": 0}, "max_concurrent_calls"),
        ({"from_number": "+15555559999"}, "from_number"),
        ({"from_number": "us"}, "from_number"),
        ({"name": None}, "name"),
    ]
    for change, field in cases:
        body: dict[str, object] = {"name": "n", "contact_ids": [str(uuid4())]}
        answer = await client.post("/api/campaigns", json=body | change)
        assert answer.status_code == 422
        assert [error["field"] for error in answer.json()["errors"]] == [field]


async def test_a_campaign_needs_contacts_that_exist(client: httpx.AsyncClient) -> None:
    body = {"name": "n", "contact_ids": [str(uuid4())]}
    assert (await client.post("/api/campaigns", json=body)).status_code == 404
    for path in ("", "/pause", "/resume"):
        method = client.post if path else client.get
        assert (await method(f"/api/campaigns/{uuid4()}{path}")).status_code == 404


async def test_a_config_is_stored_inactive_then_activated(
    office: Office, client: httpx.AsyncClient
) -> None:
    before = await office.configs.current()
    slower = _config() | {"name": "slower"}
    body = {"config": slower, "note": "calmer", "parent_id": before.config_id[:8]}
    stored = await client.post("/api/agent-configs", json=body)
    assert stored.status_code == 201
    config_id = stored.json()["config_id"]
    assert stored.json()["parent_id"] == before.config_id
    again = await client.post("/api/agent-configs", json=body)
    assert again.json()["config_id"] == config_id
    listed = (await client.get("/api/agent-configs")).json()["items"]
    assert {item["name"]: item["is_active"] for item in listed} == {
        "slower": False,
        CONFIG.name: True,
    }
    active = (await client.get("/api/agent-configs/active")).json()
    assert active["version"]["config_id"] == before.config_id
    read = await client.get(f"/api/agent-configs/{config_id[:12]}")
    assert read.json()["config"] == slower

    generation = active["slot"]["generation"]
    path = f"/api/agent-configs/{config_id[:8]}/activate"
    stale = {"reason": "r", "expected_generation": generation + 1}
    assert (await client.post(path, json=stale)).status_code == 409
    good = {"reason": "measured better", "expected_generation": generation}
    slot = await client.post(path, json=good)
    assert slot.status_code == 200
    assert slot.json()["active_id"] == config_id
    assert slot.json()["previous_id"] == before.config_id
    assert (await office.configs.current()).config_id == config_id


async def test_a_config_that_breaks_its_schema_is_named_by_field(
    client: httpx.AsyncClient,
) -> None:
    wrong = _config() | {"turn_taking": {"vad_threshold": 1.5}}
    answer = await client.post("/api/agent-configs", json={"config": wrong})
    assert answer.status_code == 422
    [error] = answer.json()["errors"]
    assert error["field"] == "config.turn_taking.vad_threshold"
    odd = _config() | {"mood": "sunny"}
    [error] = (await client.post("/api/agent-configs", json={"config": odd})).json()["errors"]
    assert error["field"].endswith("mood")
    nul = _config() | {"name": "nul \x00"}
    [error] = (await client.post("/api/agent-configs", json={"config": nul})).json()["errors"]
    assert error["field"] == "config"


async def test_unknown_configs_are_not_found(client: httpx.AsyncClient) -> None:
    assert (await client.get(f"/api/agent-configs/{'0' * 64}")).status_code == 404
    activation = {"reason": "r"}
    path = f"/api/agent-configs/{'0' * 64}/activate"
    assert (await client.post(path, json=activation)).status_code == 404
    assert (await client.get("/api/agent-configs/zz")).status_code == 422
    missing = await client.post(path, json={})
    assert missing.status_code == 422
    assert missing.json()["errors"][0]["field"] == "reason"
