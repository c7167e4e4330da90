"""/health, /metrics, and what every request leaves in logs and metrics."""

import httpx
import structlog

from service.domain.errors import StorageUnavailable, VendorError
from service.observability.readiness import Probe
from tests.service.web.office import API_KEY, Office, Stage, in_process


async def _fine() -> str:
    return "PostgreSQL 18"


async def _away() -> str:
    raise StorageUnavailable("connection refused")


async def _no_model() -> str:
    raise VendorError("the model is not there: run `reauto models pull`")


async def test_alive_and_ready_need_no_key(
    office: Office, stage: Stage, anonymous: httpx.AsyncClient
) -> None:
    office.probes.append(Probe("postgres", True, _fine))
    stage.services = office.services()
    assert (await anonymous.get("/health/live")).json() == {"worker_id": "w0"}
    ready = await anonymous.get("/health/ready")
    assert ready.status_code == 200
    body = ready.json()
    assert body["ready"] is True
    [probe] = body["report"]["probes"]
    assert probe["name"] == "postgres"
    assert probe["state"] == "ok"
    assert probe["required"] is True
    assert probe["last_success_at"] is not None
    [engine] = body["engines"]
    assert engine["stage"] == "llm"
    assert engine["reason"] == "it is there"


async def test_a_required_probe_that_fails_is_503_and_still_says_everything(
    office: Office, stage: Stage, anonymous: httpx.AsyncClient
) -> None:
    office.probes += [Probe("postgres", True, _away), Probe("ollama", False, _no_model)]
    stage.services = office.services()
    ready = await anonymous.get("/health/ready")
    assert ready.status_code == 503
    assert ready.json()["ready"] is False
    assert [probe["state"] for probe in ready.json()["report"]["probes"]] == ["down", "down"]


async def test_an_optional_probe_that_fails_only_degrades(
    office: Office, stage: Stage, anonymous: httpx.AsyncClient
) -> None:
    office.probes += [Probe("postgres", True, _fine), Probe("elevenlabs", False, _no_model)]
    stage.services = office.services()
    ready = await anonymous.get("/health/ready")
    metrics = (await anonymous.get("/metrics")).text
    assert ready.status_code == 200
    assert ready.json()["report"]["state"] == "degraded"
    assert 'reauto_probe_up{probe="elevenlabs"} 0.0' in metrics
    assert 'reauto_probe_up{probe="postgres"} 1.0' in metrics


async def test_requests_are_counted_by_route_never_by_path(office: Office) -> None:
    contact = await office.contact()
    async with in_process(office.app()) as http:
        path = f"/api/contacts/{contact.contact_id}"
        await http.get(path, headers={"X-API-Key": API_KEY})
        scraped = await http.get("/metrics")
    assert scraped.headers["content-type"].startswith("text/plain")
    line = (
        'reauto_http_requests_total{method="GET",route="/api/contacts/{contact_id}",status="200"}'
    )
    assert f"{line} 1.0" in scraped.text
    assert str(contact.contact_id) not in scraped.text


async def test_a_request_is_logged_with_the_trace_id_it_answers(
    client: httpx.AsyncClient,
) -> None:
    trace = "0af7651916cd43dd8448eb211c80319c"
    with structlog.testing.capture_logs(
        processors=[structlog.contextvars.merge_contextvars]
    ) as lines:
        sent = {"traceparent": f"00-{trace}-b7ad6b7169203331-01"}
        answer = await client.get("/api/calls", headers=sent)
        await client.get("/health/live")
    assert answer.headers["x-trace-id"] == trace
    [line] = [line for line in lines if line["event"] == "request answered"]
    assert line["trace_id"] == trace
    assert line["route"] == "/api/calls"
    assert line["status"] == 200
    assert (await client.get("/api/calls")).headers["x-trace-id"] != trace
