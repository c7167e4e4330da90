"""The OpenAPI side of a route: an example in, an example out, and the problems it may answer."""

from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

import msgspec
from litestar.openapi.config import OpenAPIConfig
from litestar.openapi.plugins import JsonRenderPlugin, SwaggerRenderPlugin, YamlRenderPlugin
from litestar.openapi.spec import (
    Components,
    OpenAPIFormat,
    OpenAPIMediaType,
    OpenAPIResponse,
    OpenAPIType,
    Operation,
    Reference,
    RequestBody,
    Schema,
    SecurityScheme,
)

API_PROBLEMS = (400, 401, 403, 422, 500, 503)
"""What any route under /api may answer."""

NETWORK_PROBLEMS = (400, 403, 422, 500, 503)
"""What any webhook may answer."""

_PROBLEM_MEDIA_TYPE = "application/problem+json"
_PROBLEM = Reference(ref="#/components/schemas/Problem")


def documented(
    *,
    response: Any = None,
    request: Any = None,
    request_type: str = "application/json",
    problems: tuple[int, ...] = (),
) -> type[Operation]:
    """Make the operation class of a route, with its examples (plain values or domain structs).

    A `request_type` other than JSON describes a body that the route reads raw.
    """

    @dataclass
    class Documented(Operation):
        def __post_init__(self) -> None:
            self._show_request()
            self._show_response()
            for status in sorted(problems):
                self.responses = {**(self.responses or {}), str(status): _problem(status)}

        def _show_request(self) -> None:
            if request is None:
                return
            if request_type == "application/json" and isinstance(self.request_body, RequestBody):
                self.request_body.content[request_type].example = msgspec.to_builtins(request)
            else:
                self.request_body = _raw_body(request_type, request)

        def _show_response(self) -> None:
            responses = dict(self.responses or {})
            if 400 not in problems:
                responses.pop("400", None)
            self.responses = responses
            for status, answer in responses.items():
                if status.startswith("2") and isinstance(answer, OpenAPIResponse):
                    for content in (answer.content or {}).values():
                        content.example = msgspec.to_builtins(response)

    return Documented


def openapi(version: str) -> OpenAPIConfig:
    """The document at /schema, in JSON; also openapi.json, openapi.yaml and a page at /swagger."""
    return OpenAPIConfig(
        title="REAutomation",
        version=version,
        description="Calls, contacts, campaigns and the configs that drive the voice agent.",
        use_handler_docstrings=True,
        components=Components(
            schemas={"Problem": _problem_schema()},
            security_schemes={
                "bearer": SecurityScheme(type="http", scheme="bearer"),
                "api_key": SecurityScheme(
                    type="apiKey", name="X-API-Key", security_scheme_in="header"
                ),
                "network": SecurityScheme(
                    type="apiKey", name="X-Twilio-Signature", security_scheme_in="header"
                ),
            },
        ),
        render_plugins=[
            JsonRenderPlugin(path=["/", "/openapi.json"]),
            YamlRenderPlugin(path="/openapi.yaml"),
            SwaggerRenderPlugin(path="/swagger"),
        ],
    )


def _problem(status: int) -> OpenAPIResponse:
    phrase = HTTPStatus(status).phrase
    example = {"status": status, "type": f"urn:reauto:problem:http-{status}", "title": phrase}
    return OpenAPIResponse(
        description=phrase,
        content={_PROBLEM_MEDIA_TYPE: OpenAPIMediaType(schema=_PROBLEM, example=example)},
    )


def _problem_schema() -> Schema:
    text = Schema(type=OpenAPIType.STRING)
    error = Schema(
        type=OpenAPIType.OBJECT,
        properties={"field": text, "reason": text},
        required=["field", "reason"],
    )
    return Schema(
        title="Problem",
        description="A problem document (RFC 9457).",
        type=OpenAPIType.OBJECT,
        properties={
            "status": Schema(type=OpenAPIType.INTEGER),
            "type": Schema(type=OpenAPIType.STRING, format=OpenAPIFormat.URI),
            "title": text,
            "detail": text,
            "trace_id": Schema(type=[OpenAPIType.STRING, OpenAPIType.NULL]),
            "retryable": Schema(type=OpenAPIType.BOOLEAN),
            "errors": Schema(type=OpenAPIType.ARRAY, items=error),
        },
        required=["status", "type", "title"],
    )


def _raw_body(media_type: str, example: Any) -> RequestBody:
    schema = (
        Schema(type=OpenAPIType.STRING)
        if isinstance(example, str)
        else Schema(
            type=OpenAPIType.OBJECT,
            properties={name: Schema(type=OpenAPIType.STRING) for name in example},
            additional_properties=Schema(type=OpenAPIType.STRING),
        )
    )
    content = {media_type: OpenAPIMediaType(schema=schema, example=example)}
    return RequestBody(required=True, content=content)
