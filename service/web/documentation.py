"""The OpenAPI side of a route: an example in, an example out, and the problems it may answer."""

from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

import msgspec
from litestar._openapi.schema_generation import SchemaCreator
from litestar.openapi.config import OpenAPIConfig
from litestar.openapi.datastructures import ResponseSpec
from litestar.openapi.plugins import JsonRenderPlugin, SwaggerRenderPlugin, YamlRenderPlugin
from litestar.openapi.spec import (
    Components,
    Example,
    OpenAPIMediaType,
    OpenAPIResponse,
    OpenAPIType,
    Operation,
    Parameter,
    RequestBody,
    Schema,
    SecurityScheme,
)
from litestar.params import KwargDefinition
from litestar.plugins import OpenAPISchemaPlugin
from litestar.typing import FieldDefinition

from service.web import examples
from service.web.schemas import Problem

API_PROBLEMS = (400, 401, 403, 422, 500, 503)
"""What any route under /api may answer."""

NETWORK_PROBLEMS = (400, 403, 422, 500, 503)
"""What any webhook may answer."""


_IDEMPOTENCY_KEY = Parameter(
    name="Idempotency-Key",
    param_in="header",
    required=False,
    description="The same request sent again under the same key is answered, not done again.",
    schema=Schema(type=OpenAPIType.STRING, min_length=1, max_length=255, pattern=r"^[\x20-\x7e]+$"),
)


def documented(
    *,
    response: Any = None,
    request: Any = None,
    request_type: str = "application/json",
    problems: tuple[int, ...] = (),
    is_write: bool = False,
) -> dict[str, Any]:
    """Return the keywords that document a route: `@get("/", **documented(...))`.

    `request` and `response` are examples: plain values or domain structs, without a None that their
    schema requires (the document drops it). A `request_type` other than JSON describes a body that
    the route reads raw. A write takes an `Idempotency-Key` and may answer 409.
    """

    @dataclass
    class Documented(Operation):
        def __post_init__(self) -> None:
            self._show_request()
            if is_write:
                self.parameters = [*(self.parameters or []), _IDEMPOTENCY_KEY]
            for status, answer in (self.responses or {}).items():
                if status.startswith("2") and isinstance(answer, OpenAPIResponse):
                    for content in (answer.content or {}).values():
                        content.example = msgspec.to_builtins(response)

        def _show_request(self) -> None:
            if request is None:
                return
            if request_type == "application/json" and isinstance(self.request_body, RequestBody):
                self.request_body.content[request_type].example = msgspec.to_builtins(request)
            else:
                self.request_body = _raw_body(request_type, request)

    statuses = {*problems, 409} if is_write else {*problems}
    responses = {status: _problem(status) for status in sorted(statuses)}
    return {"operation_class": Documented, "responses": responses}


class VariadicTuplePlugin(OpenAPISchemaPlugin):
    """`tuple[X, ...]` with a length limit is an array of X; Litestar takes `...` for a type."""

    def is_plugin_supported_field(self, field_definition: FieldDefinition) -> bool:
        """True for such a field."""
        kwarg = field_definition.kwarg_definition
        return (
            field_definition.origin is tuple
            and len(field_definition.inner_types) == 2
            and field_definition.inner_types[1].annotation is Ellipsis
            and isinstance(kwarg, KwargDefinition)
            and kwarg.is_constrained
        )

    def to_openapi_schema(
        self, field_definition: FieldDefinition, schema_creator: SchemaCreator
    ) -> Schema:
        """An array with its limits."""
        kwarg = field_definition.kwarg_definition
        assert isinstance(kwarg, KwargDefinition)
        return Schema(
            type=OpenAPIType.ARRAY,
            items=schema_creator.for_field_definition(field_definition.inner_types[0]),
            min_items=kwarg.min_items,
            max_items=kwarg.max_items,
        )


def openapi(version: str) -> OpenAPIConfig:
    """The document at /schema, in JSON; also openapi.json, openapi.yaml and a page at /swagger."""
    return OpenAPIConfig(
        title="REAutomation",
        version=version,
        description="Calls, contacts, campaigns and the configs that drive the voice agent.",
        use_handler_docstrings=True,
        components=Components(
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


def _problem(status: int) -> ResponseSpec:
    example = Problem(
        status=status,
        type=f"urn:reauto:problem:http-{status}",
        title=HTTPStatus(status).phrase,
        trace_id=examples.CALL_ID.hex,
    )
    return ResponseSpec(
        Problem,
        generate_examples=False,
        description=HTTPStatus(status).phrase,
        media_type="application/problem+json",
        examples=[Example(value=msgspec.to_builtins(example))],
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
