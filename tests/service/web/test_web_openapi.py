"""/schema: every operation has examples that fit, and no request it allows breaks a route."""

import asyncio
from typing import Any

import httpx
import jsonschema
import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from service.web.examples import CONFIG
from tests.service.web.office import API_KEY, Network, Office

PROBLEM = "application/problem+json"
EXAMPLES_PER_OPERATION = 3


def _operations(document: dict[str, Any]) -> list[tuple[str, str, dict[str, Any]]]:
    return [
        (method, path, operation)
        for path, item in document["paths"].items()
        for method, operation in item.items()
    ]


@pytest.fixture
async def document(client: httpx.AsyncClient) -> dict[str, Any]:
    answer = await client.get("/schema/openapi.json")
    assert answer.status_code == 200
    decoded: dict[str, Any] = answer.json()
    assert (await client.get("/schema")).json() == decoded
    return decoded


def _check(document: dict[str, Any], content: dict[str, Any]) -> None:
    named = content.get("examples", {}).values()
    shown = [content["example"]] if "example" in content else [item["value"] for item in named]
    assert shown
    schema = content["schema"] | {"components": document["components"]}
    for example in shown:
        jsonschema.validate(example, schema, cls=jsonschema.Draft202012Validator)


async def test_every_operation_has_examples_that_fit(document: dict[str, Any]) -> None:
    operations = _operations(document)
    assert len(operations) >= 25
    for method, path, operation in operations:
        assert operation["description"], (method, path)
        contents = list(operation.get("requestBody", {}).get("content", {}).values())
        for status, response in operation["responses"].items():
            found = response.get("content", {})
            contents += list(found.values())
            assert status[0] == "2" or set(found) == {PROBLEM}, (method, path, status)
        assert contents, (method, path)
        for content in contents:
            _check(document, content)


async def test_what_needs_a_key_says_so(document: dict[str, Any]) -> None:
    for _, path, operation in _operations(document):
        room = path.split("/")[1]
        expected = {"api": {"bearer", "api_key"}, "twilio": {"network"}}.get(room, set())
        assert {name for entry in operation.get("security", []) for name in entry} == expected


async def test_every_problem_fits_the_problem_schema(
    client: httpx.AsyncClient, network: Network, document: dict[str, Any]
) -> None:
    components = document["components"]
    schema = components["schemas"]["Problem"] | {"components": components}
    answers = [
        await client.get("/nowhere"),
        await client.post("/api/calls", content=b"{"),
        await client.post("/api/calls", json={"who": 1}),
        await client.get("/api/calls", headers={"Authorization": "Bearer wrong"}),
        await network.post("/twilio/voice", {}),
        await network.post("/twilio/voice", {"CallSid": "x"}, base="https://nobody.example.com"),
    ]
    for answer in answers:
        assert answer.headers["content-type"] == PROBLEM
        jsonschema.validate(answer.json(), schema)


def test_no_request_that_the_schema_allows_breaks_a_route() -> None:
    office = Office()
    asyncio.run(office.configs.ensure_default(CONFIG))
    schema = schemathesis.openapi.from_asgi("/schema/openapi.json", office.app())
    checks = [
        not_a_server_error,
        status_code_conformance,
        content_type_conformance,
        response_schema_conformance,
    ]
    for found in schema.get_all_operations():
        operation = found.ok()

        @settings(
            max_examples=EXAMPLES_PER_OPERATION,
            deadline=None,
            database=None,
            derandomize=True,
            phases=[Phase.explicit, Phase.generate],
            suppress_health_check=list(HealthCheck),
        )
        @given(case=operation.as_strategy())
        def ask(case: Any) -> None:
            case.call_and_validate(headers={"X-API-Key": API_KEY}, checks=checks)

        ask()
