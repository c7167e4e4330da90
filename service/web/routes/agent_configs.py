"""/api/agent-configs: versions of everything tuning may change, and which one new calls get."""

from typing import Annotated, Any

from litestar import Request, Response, get, post
from litestar.params import JSONBody, PathParameter
from litestar.types import ControllerRouterHandler

from service.domain.agent_config import canonical_json
from service.domain.errors import NotFound
from service.ports.config_store import ConfigVersion, Slot
from service.web import examples
from service.web.documentation import API_PROBLEMS, documented
from service.web.idempotent import once
from service.web.problems import InvalidField
from service.web.schemas import (
    CONFIG_ID_PATTERN,
    Activation,
    ActiveConfig,
    ConfigInput,
    ConfigPage,
    ConfigSummary,
)
from service.web.services import Services

MAX_CONFIG_BYTES = 512_000

ConfigIdPath = Annotated[str, PathParameter(pattern=CONFIG_ID_PATTERN)]


@post(
    "/",
    summary="Store a version",
    request_max_body_size=MAX_CONFIG_BYTES,
    **documented(
        request=ConfigInput(config=examples.CONFIG, note="slower voice", parent_id=None),
        response=examples.VERSION,
        problems=(*API_PROBLEMS, 404, 413),
        is_write=True,
    ),
)
async def store_config(
    request: Request[Any, Any, Any], services: Services, data: JSONBody[ConfigInput]
) -> Response[ConfigVersion]:
    """Store an immutable version, inactive; the same content twice is one version."""

    async def act() -> ConfigVersion:
        # PostgreSQL's JSON cannot hold a NUL character.
        if b"\\u0000" in canonical_json(data.config):
            raise InvalidField("config", "a text in it holds a NUL character")
        return await services.configs.store(data.config, note=data.note, parent_id=data.parent_id)

    return await once(request, services.idempotency, act)


@get(
    "/",
    summary="List versions",
    **documented(
        response=ConfigPage(
            items=(
                ConfigSummary(
                    config_id=examples.CONFIG_ID,
                    name=examples.CONFIG.name,
                    created_at=examples.AT,
                    note=examples.VERSION.note,
                    parent_id=None,
                    is_active=True,
                ),
            ),
            next_cursor=examples.CURSOR,
        ),
        problems=API_PROBLEMS,
    ),
)
async def list_configs(services: Services) -> ConfigPage:
    """Every stored version, newest first, and which one is active."""
    slot = await services.configs.slot()
    items = tuple(
        ConfigSummary(
            config_id=version.config_id,
            name=version.config.name,
            created_at=version.created_at,
            note=version.note,
            parent_id=version.parent_id,
            is_active=slot is not None and slot.active_id == version.config_id,
        )
        for version in await services.configs.versions()
    )
    return ConfigPage(items=items, next_cursor=None)


@get(
    "/active",
    summary="Read the active version",
    **documented(
        response=ActiveConfig(version=examples.VERSION, slot=examples.SLOT),
        problems=(*API_PROBLEMS, 404),
    ),
)
async def active_config(services: Services) -> ActiveConfig:
    """The version that new calls get, with generation, reason and time of the activation."""
    slot = await services.configs.slot()
    if slot is None:
        raise NotFound("no AgentConfig is active: store one and activate it")
    return ActiveConfig(version=await services.configs.get(slot.active_id), slot=slot)


@get(
    "/{config_id:str}",
    summary="Read a version",
    **documented(response=examples.VERSION, problems=(*API_PROBLEMS, 404)),
)
async def read_config(services: Services, config_id: ConfigIdPath) -> ConfigVersion:
    """One version, by id or by its first digits (8 or more)."""
    return await services.configs.get(config_id)


@post(
    "/{config_id:str}/activate",
    summary="Activate a version",
    status_code=200,
    **documented(
        request=Activation(reason="calmer voice measured better", expected_generation=1),
        response=examples.SLOT,
        problems=(*API_PROBLEMS, 404),
        is_write=True,
    ),
)
async def activate_config(
    request: Request[Any, Any, Any],
    services: Services,
    *,
    config_id: ConfigIdPath,
    data: JSONBody[Activation],
) -> Response[Slot]:
    """New calls get this version; calls in progress keep theirs.

    With `expected_generation`, 409 when somebody changed the slot meanwhile.
    """

    async def act() -> Slot:
        version = await services.configs.get(config_id)
        return await services.configs.activate(
            version.config_id, reason=data.reason, expected_generation=data.expected_generation
        )

    return await once(request, services.idempotency, act, status=200)


ROUTES: list[ControllerRouterHandler] = [
    store_config,
    list_configs,
    active_config,
    read_config,
    activate_config,
]
