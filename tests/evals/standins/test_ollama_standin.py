"""The Ollama stand-in keeps to Ollama's API, and says everywhere that it is a stand-in."""

import asyncio
import json
import signal
import sys
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import jsonschema
import pytest
import yaml

from evals.standins.ollama import DEFAULT_MODEL, OllamaStandIn

PATIENCE_S = 20.0
PROJECT = Path(__file__).resolve().parents[3]
CHAT = {
    "model": DEFAULT_MODEL,
    "messages": [
        {"role": "system", "content": "You are Ann, an AI assistant of Acme, on a phone call."},
        {"role": "user", "content": "yes"},
        {
            "role": "system",
            "content": "Stage: opener\nKnown: nothing yet\nTasks:\n"
            "- Ask for: intent (whether they want to sell, buy or rent)",
        },
    ],
    "options": {"num_ctx": 2048, "num_predict": 100},
    "keep_alive": "5m",
    "think": False,
}


@pytest.fixture
async def http() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession() as session:
        yield session


@pytest.fixture
async def standin() -> AsyncIterator[OllamaStandIn]:
    async with OllamaStandIn() as server:
        yield server


async def lines(response: aiohttp.ClientResponse) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (await response.text()).splitlines()]


async def test_a_chat_streams_token_by_token(http, standin) -> None:
    async with http.post(f"{standin.base_url}/api/chat", json=CHAT) as response:
        parts = await lines(response)

    assert response.content_type == "application/x-ndjson"
    assert "".join(part["message"]["content"] for part in parts[:-1]).endswith("rent?")
    assert all(part["done"] is False for part in parts[:-1])
    last = parts[-1]
    assert (last["done"], last["done_reason"]) == (True, "stop")
    assert last["eval_count"] == len(parts) - 1
    assert last["prompt_eval_count"] > 20
    assert last["total_duration"] >= last["eval_duration"] > 0


async def test_num_predict_cuts_the_reply(http, standin) -> None:
    body = {**CHAT, "options": {"num_predict": 3}}
    async with http.post(f"{standin.base_url}/api/chat", json=body) as response:
        parts = await lines(response)

    assert len(parts) == 4
    assert parts[-1]["done_reason"] == "length"


async def test_a_chat_without_stream_is_one_document(http, standin) -> None:
    body = {**CHAT, "stream": False}
    async with http.post(f"{standin.base_url}/api/chat", json=body) as response:
        whole = await response.json()

    assert whole["message"]["content"].endswith("rent?")
    assert whole["done"] is True


async def test_tokens_keep_their_pace(http) -> None:
    async with OllamaStandIn(first_token_ms=60, token_ms=10) as slow:
        began = time.monotonic()
        async with http.post(f"{slow.base_url}/api/chat", json=CHAT) as response:
            stamps = [time.monotonic() - began async for _ in response.content]

    assert stamps[0] >= 0.060
    assert stamps[-1] >= 0.060 + 0.010 * (len(stamps) - 3)


async def test_it_says_that_it_is_a_stand_in(http, standin) -> None:
    for path in ("/api/version", "/api/tags", "/"):
        async with http.get(f"{standin.base_url}{path}") as response:
            assert "not a language model" in response.headers["X-Stand-In"]
    async with http.get(f"{standin.base_url}/api/version") as response:
        assert "stand-in" in (await response.json())["version"]
    async with http.post(f"{standin.base_url}/api/chat", json=CHAT) as response:
        assert "not a language model" in response.headers["X-Stand-In"]


@pytest.mark.parametrize(
    ("path", "body", "status", "message"),
    [
        ("/api/chat", {**CHAT, "model": "other:1b"}, 404, "model 'other:1b' not found"),
        ("/api/show", {"model": "other:1b"}, 404, "model 'other:1b' not found"),
        ("/api/chat", {"messages": []}, 400, "model is required"),
        ("/api/chat", None, 400, "missing request body"),
    ],
)
async def test_errors_have_ollamas_shape(
    http, standin, path: str, body: Any, status: int, message: str
) -> None:
    async with http.post(f"{standin.base_url}{path}", json=body) as response:
        assert response.status == status
        assert (await response.json(content_type=None)) == {"error": message}


async def test_models_are_listed_loaded_and_pulled(http, standin) -> None:
    async with http.post(f"{standin.base_url}/api/chat", json={"model": DEFAULT_MODEL}) as loaded:
        assert (await loaded.json())["done_reason"] == "load"
    async with http.get(f"{standin.base_url}/api/ps") as running:
        assert [each["name"] for each in (await running.json())["models"]] == [DEFAULT_MODEL]
    async with http.post(f"{standin.base_url}/api/pull", json={"model": "tiny:1b"}) as pulled:
        steps = await lines(pulled)
    assert steps[-1] == {"status": "success"}
    async with http.get(f"{standin.base_url}/api/tags") as tags:
        names = [each["name"] for each in (await tags.json())["models"]]
    assert names == [DEFAULT_MODEL, "tiny:1b"]


async def test_requests_and_responses_keep_to_the_published_contract(
    http, standin, assets: Path
) -> None:
    contract = yaml.safe_load((assets / "contracts" / "ollama_openapi.yaml").read_text())

    def check(document: Any, schema: str) -> None:
        root = {**contract, "$ref": f"#/components/schemas/{schema}"}
        jsonschema.Draft202012Validator(root).validate(document)
        known = contract["components"]["schemas"][schema].get("properties", {})
        assert not set(document) - set(known) - UNDOCUMENTED.get(schema, set())

    check(CHAT, "ChatRequest")
    async with http.post(f"{standin.base_url}/api/chat", json=CHAT) as response:
        parts = await lines(response)
    for part in parts:
        check(part, "ChatStreamEvent" if not part["done"] else "ChatResponse")
    async with http.post(f"{standin.base_url}/api/pull", json={"model": "x:1b"}) as response:
        for step in await lines(response):
            check(step, "StatusEvent")
    for path, schema in (("tags", "ListResponse"), ("ps", "PsResponse")):
        async with http.get(f"{standin.base_url}/api/{path}") as response:
            check(await response.json(), schema)
    async with http.get(f"{standin.base_url}/api/version") as response:
        check(await response.json(), "VersionResponse")
    async with http.post(f"{standin.base_url}/api/show", json={"model": "x:1b"}) as response:
        check(await response.json(), "ShowResponse")
    async with http.post(f"{standin.base_url}/api/show", json={"model": "y:1b"}) as response:
        check(await response.json(), "ErrorResponse")


UNDOCUMENTED = {"ShowResponse": {"modelfile"}}
"""Sent by the server itself (PROTOCOLS section 4) although its OpenAPI file leaves it out."""


async def test_it_runs_as_a_process_of_its_own_and_stops_on_sigterm(http, tmp_path: Path) -> None:
    ready = tmp_path / "ready.json"
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "evals.standins.ollama", "--port", "0"),
        *("--ready-file", str(ready), "--model", "small:1b"),
        cwd=PROJECT,
    )
    async with asyncio.timeout(PATIENCE_S):
        while not ready.exists():
            assert process.returncode is None
            await asyncio.sleep(0.02)
        started = json.loads(ready.read_text())
        async with http.get(f"{started['base_url']}/api/tags") as response:
            assert [each["name"] for each in (await response.json())["models"]] == ["small:1b"]
        process.send_signal(signal.SIGTERM)
        assert await process.wait() == 0
    assert started["pid"] == process.pid
