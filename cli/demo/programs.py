"""Processes of `evals` that write where they listen into a ready file."""

import json
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from service.domain.errors import ReautoError
from service.supervisor.leftovers import Roster

READY_TIMEOUT_S = 60.0


class Program:
    """A module with a `main`; its log goes to `folder/logs`."""

    def __init__(self, module: str, *, folder: Path, roster: Roster) -> None:
        self._module = module
        self._roster = roster
        self._ready = folder / f"{module}.ready.json"
        self._log = folder / "logs" / f"{module}.log"

    @contextmanager
    def running(self, *arguments: str) -> Iterator[str]:
        """Run it; yields its base URL. Raises ReautoError when it does not come up."""
        self._log.parent.mkdir(parents=True, exist_ok=True)
        # Not `-m`: a recogniser process would import the whole main module again.
        run = f"from {self._module} import main; main()"
        command = [sys.executable, "-c", run, "--port", "0"]
        with self._log.open("ab") as sink:
            process = subprocess.Popen(
                [*command, "--ready-file", str(self._ready), *arguments],
                stdout=sink,
                stderr=sink,
                start_new_session=True,
            )
        self._roster.note(self._module, process.pid)
        try:
            yield self._wait_until_ready(process)
        finally:
            process.terminate()
            try:
                process.wait(timeout=10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()

    def _wait_until_ready(self, process: subprocess.Popen[bytes]) -> str:
        deadline = time.monotonic() + READY_TIMEOUT_S
        while time.monotonic() < deadline and process.poll() is None:
            if self._ready.exists():
                return str(json.loads(self._ready.read_text())["base_url"])
            time.sleep(0.05)
        raise ReautoError(f"{self._module} did not start; see {self._log}")


def free_ports(count: int) -> int:
    """A port that is free together with the next ones."""
    for _ in range(100):
        with ExitStack() as held:
            first = held.enter_context(socket.socket())
            first.bind(("127.0.0.1", 0))
            port: int = first.getsockname()[1]
            try:
                for number in range(1, count):
                    held.enter_context(socket.socket()).bind(("127.0.0.1", port + number))
            except (OSError, OverflowError):
                continue
            return port
    raise ReautoError("no free ports were found on 127.0.0.1")
