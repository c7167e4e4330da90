"""A telephone network, a model stand-in and `reauto up`, each a process, for tests of endings."""

import json
import os
import secrets
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, TypeVar

import httpx
import psutil

from cli.demo.programs import Program, free_ports
from service.supervisor.leftovers import Roster

OUR_NUMBER = "+15550100001"
SERVICE = [sys.executable, "-c", "from cli.main import run; run()", "up"]
UP_TIMEOUT_S = 90.0

T = TypeVar("T")


def eventually(look: Callable[[], T | None], *, within_s: float, what: str) -> T:
    """What `look` finds, once it finds something."""
    deadline = time.monotonic() + within_s
    while time.monotonic() < deadline:
        found = look()
        if found:
            return found
        time.sleep(0.1)  # polling another process: there is no event to wait for
    raise AssertionError(f"{what}: not within {within_s:.0f} s")


class Town:
    """One service process tree and the network that calls it."""

    def __init__(self, folder: Path, *, network_url: str, environment: Mapping[str, str]) -> None:
        self.folder = folder
        self.network = httpx.Client(base_url=network_url, timeout=10)
        self._environment = {
            name: value for name, value in os.environ.items() if not name.startswith("REAUTO_")
        }
        self._environment |= {f"REAUTO_{name}": value for name, value in environment.items()}
        self._port = int(environment["PORT"])
        self.service = httpx.Client(
            base_url=f"http://127.0.0.1:{self._port}",
            headers={"Authorization": f"Bearer {environment['API_KEYS']}"},
            timeout=10,
        )
        self.supervisor: subprocess.Popen[bytes] | None = None

    @property
    def environment(self) -> dict[str, str]:
        return self._environment

    def up(self) -> None:
        """Start `reauto up` and wait until it is ready."""
        with (self.folder / "up.log").open("ab") as log:
            self.supervisor = subprocess.Popen(
                SERVICE, env=self._environment, stdout=log, stderr=log, start_new_session=True
            )
        eventually(self._is_ready, within_s=UP_TIMEOUT_S, what=f"ready ({self.folder}/up.log)")
        body = {"number": OUR_NUMBER, "voice_url": f"http://127.0.0.1:{self._port}/twilio/voice"}
        self.network.post("/control/numbers", json=body).raise_for_status()

    def _is_ready(self) -> bool:
        assert self.supervisor is not None
        assert self.supervisor.poll() is None, (self.folder / "up.log").read_text()[-3000:]
        if not self._is_mine():
            return False
        try:
            return self.service.get("/health/ready").status_code == httpx.codes.OK
        except httpx.HTTPError:
            return False

    def _is_mine(self) -> bool:
        """Whether the worker is this supervisor's, not one that a killed one left behind."""
        roster = self.folder / "data" / "local" / "supervisor.json"
        state = json.loads(roster.read_text()) if roster.exists() else {}
        assert self.supervisor is not None
        mine = state.get("supervisor", {}).get("pid") == self.supervisor.pid
        return mine and "w0" in state["children"]

    def ring(self, count: int, *, scenario: str = "silent") -> None:
        """Let `count` more people call, and wait until they are in conversation, too."""
        known = len(self.live())
        for number in range(count):
            body = {"from": f"+1555123{5000 + number}", "to": OUR_NUMBER, "scenario": scenario}
            self.network.post("/control/ring", json=body).raise_for_status()
        wanted = known + count
        eventually(lambda: len(self.live()) == wanted, within_s=30, what=f"{wanted} live calls")

    def live(self) -> list[dict[str, Any]]:
        return list(self.service.get("/api/calls/live").json()["items"])

    def legs(self) -> list[dict[str, Any]]:
        answer = self.network.get("/control/calls").json()
        return list(answer if isinstance(answer, list) else answer["calls"])

    def processes(self) -> list[psutil.Process]:
        """The supervisor's descendants, whatever their session."""
        assert self.supervisor is not None
        return psutil.Process(self.supervisor.pid).children(recursive=True)

    def end(self, number: signal.Signals, *, within_s: float) -> int:
        """Signal the supervisor and return its exit code."""
        assert self.supervisor is not None
        self.supervisor.send_signal(number)
        return self.supervisor.wait(timeout=within_s)


@contextmanager
def town(folder: Path, *, drain_s: float) -> Iterator[Town]:
    """A town without a service yet; leaving ends every process of it."""
    with ExitStack() as stack:
        roster = Roster(folder / "town")
        account_sid, auth_token = "AC" + secrets.token_hex(16), secrets.token_hex(16)
        network_url = stack.enter_context(
            Program("evals.phone.serve", folder=folder, roster=roster).running(
                *("--account-sid", account_sid),
                *("--auth-token", auth_token),
                *("--calls-per-second", "20"),
            )
        )
        model_url = stack.enter_context(
            Program("evals.standins.ollama", folder=folder, roster=roster).running()
        )
        port = free_ports(1)
        made = Town(
            folder,
            network_url=network_url,
            environment={
                "PORT": str(port),
                "PUBLIC_URL": f"http://127.0.0.1:{port}",
                "API_KEYS": secrets.token_hex(8),
                "DATA_DIR": str(folder / "data"),
                "DRAIN_SECONDS": str(drain_s),
                "TWILIO__ACCOUNT_SID": account_sid,
                "TWILIO__AUTH_TOKEN": auth_token,
                "TWILIO__API_BASE_URL": network_url,
                "TWILIO__FROM_NUMBERS": OUR_NUMBER,
                "OLLAMA__BASE_URL": model_url,
            },
        )
        try:
            yield made
        finally:
            made.network.close()
            made.service.close()
            if made.supervisor is not None and made.supervisor.poll() is None:
                made.end(signal.SIGTERM, within_s=drain_s + 60)
