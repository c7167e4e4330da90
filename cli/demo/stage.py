"""The demo's stage: the simulated network, the model stand-in and the real service as processes."""

import os
import secrets
import shutil
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from cli.demo.programs import Program, free_ports
from service.settings import PREFIX, Settings, load_settings
from service.supervisor.leftovers import Roster, sweep
from service.supervisor.supervisor import Supervisor

OUR_NUMBERS = ("+15550100001", "+15550100002")
WORKERS = 2
KEEP_DEMOS = 3


@dataclass(frozen=True, kw_only=True)
class Stage:
    """Everything that runs, and where."""

    folder: Path
    settings: Settings
    supervisor: Supervisor
    network_url: str
    service_url: str
    api_key: str


@contextmanager
def open_stage(*, llm: str, local: Path) -> Iterator[Stage]:
    """Start it all in a fresh folder; leaving stops it all, the service by draining it."""
    sweep(local)
    _forget_old_demos(local)
    folder = local / f"demo-{datetime.now(UTC):%Y%m%d-%H%M%S}"
    folder.mkdir(parents=True)
    with ExitStack() as stack:
        roster = Roster(folder)
        stack.callback(roster.clear)
        account_sid, auth_token = "AC" + secrets.token_hex(16), secrets.token_hex(16)
        network = Program("evals.phone.serve", folder=folder, roster=roster)
        network_url = stack.enter_context(
            network.running("--account-sid", account_sid, "--auth-token", auth_token)
        )
        environment = {
            "TWILIO__ACCOUNT_SID": account_sid,
            "TWILIO__AUTH_TOKEN": auth_token,
            "TWILIO__API_KEY_SID": "",
            "TWILIO__API_BASE_URL": network_url,
            "TWILIO__FROM_NUMBERS": ",".join(OUR_NUMBERS),
        }
        if llm == "standin":
            model = Program("evals.standins.ollama", folder=folder, roster=roster)
            environment["OLLAMA__BASE_URL"] = stack.enter_context(model.running())
        yield stack.enter_context(_service(folder, environment, network_url=network_url))


@contextmanager
def _service(folder: Path, environment: Mapping[str, str], *, network_url: str) -> Iterator[Stage]:
    api_key = secrets.token_urlsafe(24)
    port = free_ports(WORKERS)
    values = {
        **environment,
        "HOST": "127.0.0.1",
        "PORT": str(port),
        "WORKERS": str(WORKERS),
        "PUBLIC_URL": "http://127.0.0.1:{port}",
        "API_KEYS": api_key,
        "DATA_DIR": str(folder),
        "LOG_FORMAT": "json",
    }
    for name in ("DATABASE_URL", "DATABASE_READ_URL", "REDIS_URL"):
        os.environ.pop(PREFIX + name, None)
    os.environ.update({PREFIX + name: value for name, value in values.items()})
    settings = load_settings(database_url=None, database_read_url=None, redis_url=None)
    supervisor = Supervisor(settings, log_dir=folder / "logs")
    try:
        supervisor.start()
        yield Stage(
            folder=folder,
            settings=settings.model_copy(
                update={
                    "database_url": supervisor.database_url,
                    "redis_url": supervisor.redis_url,
                }
            ),
            supervisor=supervisor,
            network_url=network_url,
            service_url=f"http://127.0.0.1:{port}",
            api_key=api_key,
        )
    finally:
        supervisor.stop()


def _forget_old_demos(local: Path) -> None:
    demos = sorted(path for path in local.glob("demo-*") if path.is_dir())
    for old in demos[: -(KEEP_DEMOS - 1)]:
        shutil.rmtree(old, ignore_errors=True)
