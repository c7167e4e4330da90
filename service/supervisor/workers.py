"""The worker processes: started with an address and a name each, restarted when they die."""

import os
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path

import httpx
import structlog

from service.domain.errors import InvalidSettings, StorageUnavailable
from service.settings import PREFIX, Settings

log = structlog.get_logger()

READY_TIMEOUT_S = 90.0
RESTART_PAUSE_S = 1.0
_RUN = "import sys; from service.worker import main; sys.exit(main())"
"""Not `-m`: a recogniser process of the worker would import the whole main module again."""


class Worker:
    """One worker process of this machine."""

    def __init__(
        self, number: int, *, settings: Settings, shared: Mapping[str, str], log_dir: Path | None
    ) -> None:
        self.worker_id = f"w{number}"
        self.port = settings.port + number
        self.local_url = f"http://{settings.host}:{self.port}"
        self._log_dir = log_dir
        self._environment = {
            **os.environ,
            **shared,
            f"{PREFIX}WORKER_ID": self.worker_id,
            f"{PREFIX}PORT": str(self.port),
            f"{PREFIX}PUBLIC_URL": public_url(settings, number=number),
            # Pipecat logs through loguru, which greets on stderr as it is imported.
            "LOGURU_AUTOINIT": "False",
        }
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int:
        """The process id of the latest start."""
        assert self._process is not None
        return self._process.pid

    @property
    def is_running(self) -> bool:
        """True while the process lives."""
        return self._process is not None and self._process.poll() is None

    def start(self) -> None:
        """Start the process; it is in a session of its own, so Ctrl-C reaches us alone."""
        command = [sys.executable, "-c", _RUN]
        if self._log_dir is None:
            self._process = subprocess.Popen(command, env=self._environment, start_new_session=True)
            return
        self._log_dir.mkdir(parents=True, exist_ok=True)
        with (self._log_dir / f"{self.worker_id}.log").open("ab") as sink:
            self._process = subprocess.Popen(
                command, env=self._environment, start_new_session=True, stdout=sink, stderr=sink
            )

    def wait_until_ready(self) -> None:
        """Return once /health/ready says yes. Raises StorageUnavailable with the reason if not."""
        deadline = time.monotonic() + READY_TIMEOUT_S
        detail = "it does not answer"
        while time.monotonic() < deadline:
            if not self.is_running:
                raise StorageUnavailable(f"worker {self.worker_id} stopped{self._where()}")
            try:
                answer = httpx.get(f"{self.local_url}/health/ready", timeout=5.0)
            except httpx.HTTPError:
                time.sleep(0.1)
                continue
            if answer.status_code == httpx.codes.OK:
                return
            detail = answer.text
            time.sleep(0.3)
        raise StorageUnavailable(f"worker {self.worker_id} is not ready: {detail}{self._where()}")

    def ask_to_stop(self) -> None:
        """SIGTERM: the worker drains its calls, then stops."""
        if self._process is not None and self.is_running:
            self._process.terminate()

    def wait_until_stopped(self, deadline: float) -> None:
        """Wait until `deadline` (time.monotonic), then kill."""
        if self._process is None:
            return
        try:
            self._process.wait(timeout=max(0.1, deadline - time.monotonic()))
        except subprocess.TimeoutExpired:
            log.error("worker did not stop in time and was killed", worker_id=self.worker_id)
            self._process.kill()
            self._process.wait()

    def _where(self) -> str:
        return f"; see {self._log_dir / self.worker_id}.log" if self._log_dir else ""


def public_url(settings: Settings, *, number: int) -> str:
    """The public address of worker `number`: PUBLIC_URL with `{port}` and `{worker}` filled in.

    Raises InvalidSettings when several workers would share one address.
    """
    template = settings.public_url or f"http://{settings.host}:{{port}}"
    address = template.replace("{port}", str(settings.port + number))
    address = address.replace("{worker}", f"w{number}")
    if settings.workers > 1 and address == template:
        raise InvalidSettings(
            f"{PREFIX}PUBLIC_URL must contain {{port}} or {{worker}} when {PREFIX}WORKERS is over "
            "1: every worker has a public address of its own (docs/decisions)"
        )
    return address
