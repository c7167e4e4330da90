"""`reauto up | doctor | drain | settings`: running the service, and knowing what is wrong."""

import asyncio
import sys
import time
from typing import Annotated, Any

import httpx
import typer
from rich.console import RenderableType
from rich.text import Text

from cli.output import JsonFile, emit, table
from service.adapters.redis.sessions import RedisSessions
from service.domain.errors import NotFound, ReautoError
from service.domain.events import DrainRequested
from service.observability.logging import configure_logging
from service.settings import env_example, load_settings
from service.supervisor.embedded import with_embedded_urls
from service.supervisor.supervisor import Supervisor

DRAIN_POLL_S = 0.5
DRAIN_MARGIN_S = 30.0


def up() -> None:
    """Run the service here until Ctrl-C, with embedded PostgreSQL and Redis unless URLs are set."""
    settings = load_settings(needs_telephony=True)
    configure_logging(settings.log_format, sys.stderr, worker_id="supervisor")
    Supervisor(settings).run()


def settings() -> None:
    """Print every setting with its meaning and default, as `.env.example` holds them."""
    typer.echo(env_example(), nl=False)


def doctor(*, json_file: JsonFile = None) -> None:
    """Say what is missing: settings first, then the running service's own probes."""
    checks = [*_settings_checks(), *_service_checks()]
    emit({"checks": checks}, json_file, lambda: _drawn(checks))
    if any(check["state"] == "down" for check in checks):
        raise typer.Exit(1)


def drain(
    *,
    worker: Annotated[
        str | None, typer.Option(help="Worker id; by default REAUTO_WORKER_ID.")
    ] = None,
    json_file: JsonFile = None,
) -> None:
    """Ask a worker to admit no more calls, and wait until its calls have ended."""
    configuration = load_settings()
    if configuration.redis_url is None:
        configuration = with_embedded_urls(configuration)
    assert configuration.redis_url is not None
    worker_id = worker or configuration.worker_id
    deadline = time.monotonic() + configuration.drain_seconds + DRAIN_MARGIN_S
    left = asyncio.run(_drain(configuration.redis_url, worker_id, deadline=deadline))
    data = {"worker_id": worker_id, "calls_left": left}
    emit(data, json_file, lambda: Text(f"{worker_id}: {left} calls left"))
    if left:
        raise typer.Exit(1)


async def _drain(redis_url: str, worker_id: str, *, deadline: float) -> int:
    sessions = RedisSessions(redis_url)
    try:
        if worker_id not in {worker.worker_id for worker in await sessions.workers()}:
            raise NotFound(f"no worker {worker_id} announces itself in this Redis")
        await sessions.tell(worker_id, DrainRequested(reason="reauto drain"))
        left = 1
        while time.monotonic() < deadline:
            await asyncio.sleep(DRAIN_POLL_S)
            found = [w for w in await sessions.workers() if w.worker_id == worker_id]
            left = found[0].active_calls if found else 0
            if not found or (found[0].draining and left == 0):
                return 0
        return left
    finally:
        await sessions.close()


def _settings_checks() -> list[dict[str, Any]]:
    try:
        load_settings(needs_telephony=True)
    except ReautoError as error:
        return [{"name": "settings", "state": "down", "detail": str(error)}]
    return [{"name": "settings", "state": "ok", "detail": "complete"}]


def _service_checks() -> list[dict[str, Any]]:
    try:
        configuration = load_settings()
    except ReautoError:
        return []
    url = f"http://{configuration.host}:{configuration.port}/health/ready"
    try:
        report = httpx.get(url, timeout=10).json()
    except (httpx.HTTPError, ValueError) as error:
        detail = f"nothing answers at {url} ({type(error).__name__}); start it with `reauto up`"
        return [{"name": "service", "state": "down", "detail": detail}]
    probes = [
        {"name": probe["name"], "state": probe["state"], "detail": probe["detail"]}
        for probe in report["probes"]
    ]
    engines = [
        {
            "name": engine["stage"],
            "state": "degraded" if engine["is_standin"] or engine["better"] else "ok",
            "detail": f"{engine['name']} {engine['model']}: {engine['reason']}"
            + (f"; better: {engine['better']}" if engine["better"] else ""),
        }
        for engine in report["engines"]
    ]
    return [*probes, *engines]


def _drawn(checks: list[dict[str, Any]]) -> RenderableType:
    rows = tuple((check["name"], check["state"], check["detail"]) for check in checks)
    return table("check", "state", "detail", rows=rows)
