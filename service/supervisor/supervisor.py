"""The supervisor: sweep, servers, migrations, voice, workers; and all of it backwards to stop."""

import asyncio
import os
import signal
import threading
import time
from contextlib import ExitStack
from pathlib import Path

import structlog

from service.adapters.postgres.schema import migrate
from service.settings import PREFIX, Settings
from service.supervisor.embedded import embedded_postgres, embedded_redis
from service.supervisor.leftovers import Roster, sweep
from service.supervisor.workers import RESTART_PAUSE_S, Worker

log = structlog.get_logger()

STOP_MARGIN_S = 30.0
"""Added to `drain_seconds`: a spoken goodbye, flushing, closing."""


class Supervisor:
    """Owns every process of this machine's service. All methods block.

    `start` and `stop` belong to one thread; `stop` is safe at any time, also after a failed start.
    """

    def __init__(self, settings: Settings, *, log_dir: Path | None = None) -> None:
        self._settings = settings
        self._log_dir = log_dir
        self._local = settings.data_dir / "local"
        self._roster = Roster(self._local)
        self._servers = ExitStack()
        self.workers: list[Worker] = []
        self.database_url = settings.database_url or ""
        self.redis_url = settings.redis_url or ""

    def start(self) -> None:
        """Bring everything up; returns when every worker is ready.

        Raises Conflict when another supervisor runs here, InvalidSettings, StorageUnavailable.
        """
        sweep(self._local)
        self._start_servers()
        asyncio.run(migrate(self.database_url))
        shared = {
            f"{PREFIX}DATABASE_URL": self.database_url,
            f"{PREFIX}REDIS_URL": self.redis_url,
        }
        for number in range(self._settings.workers):
            worker = Worker(number, settings=self._settings, shared=shared, log_dir=self._log_dir)
            self._start_worker(worker)
            self.workers.append(worker)
        for worker in self.workers:
            worker.wait_until_ready()

    def watch(self) -> None:
        """Restart workers that died; call it every second or so."""
        for worker in self.workers:
            if not worker.is_running:
                log.error("worker died and is started again", worker_id=worker.worker_id)
                time.sleep(RESTART_PAUSE_S)
                self._start_worker(worker)

    def stop(self) -> None:
        """Drain and stop the workers side by side, then the servers in reverse order."""
        for worker in self.workers:
            worker.ask_to_stop()
        deadline = time.monotonic() + self._settings.drain_seconds + STOP_MARGIN_S
        for worker in self.workers:
            worker.wait_until_stopped(deadline)
        self.workers.clear()
        self._servers.close()
        self._roster.clear()

    def run(self) -> None:
        """Start, watch until SIGTERM or SIGINT, stop."""
        asked = threading.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: asked.set())
        try:
            self.start()
            log.info("the service is up", workers=len(self.workers), pid=os.getpid())
            while not asked.wait(1.0):
                self.watch()
            log.info("stopping: calls are drained first")
        finally:
            self.stop()

    def _start_servers(self) -> None:
        if self._settings.database_url is None:
            postgres = embedded_postgres(self._settings.data_dir)
            self._servers.callback(postgres.stop)
            self.database_url = postgres.start()
            self._note("postgres", postgres.pid)
        if self._settings.redis_url is None:
            redis = embedded_redis(self._settings.data_dir)
            self._servers.callback(redis.stop)
            self.redis_url = redis.start()
            self._note("redis", redis.pid)

    def _start_worker(self, worker: Worker) -> None:
        worker.start()
        self._note(worker.worker_id, worker.pid)

    def _note(self, role: str, pid: int | None) -> None:
        assert pid is not None
        self._roster.note(role, pid)
