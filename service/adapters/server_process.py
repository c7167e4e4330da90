"""A server program of our own: started, watched and stopped by one owner, swept when that dies.

The owner holds a lock on the server's folder. What a killed owner left running is recognised by its
program name and working folder, and ended before the next start.
"""

import fcntl
import hashlib
import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from pwd import struct_passwd
from signal import SIGKILL, Signals
from typing import IO

import psutil

from service.domain.errors import Conflict, StorageUnavailable

_SOCKET_PATH_BYTES = 100
_POLL_S = 0.02
_LOG_LINES = 12


class ServerProcess:
    """One child process. `folder` is its working folder; that and its parent are its alone.

    `sockets` is where its unix socket goes: the parent, or a short folder made for it when that
    path is too long. `stop_signals` are tried in order, `patience_s` each, then it is killed. The
    child has a session of its own, so that Ctrl-C in the terminal reaches only its owner.
    """

    def __init__(
        self,
        program: Path,
        *,
        folder: Path,
        socket_name: str,
        stop_signals: Sequence[Signals],
        run_as: struct_passwd | None = None,
        patience_s: float = 30.0,
    ) -> None:
        self.folder = folder
        self.sockets = _socket_folder(folder.parent, socket_name)
        self.log = folder.with_name(folder.name + ".log")
        self._program = program
        self._stop_signals = stop_signals
        self._run_as = run_as
        self._patience_s = patience_s
        self._child: subprocess.Popen[bytes] | None = None
        self._lock: IO[str] | None = None

    @property
    def pid(self) -> int | None:
        """The running child's process id."""
        return self._child.pid if self.is_running and self._child else None

    @property
    def is_running(self) -> bool:
        """True while the child lives."""
        return self._child is not None and self._child.poll() is None

    def claim(self) -> None:
        """Become the owner of the folder, and end what an earlier owner left running.

        Raises Conflict when another process is the owner.
        """
        if self._lock is None:
            lock = self.folder.with_name(self.folder.name + ".lock").open("w")
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError as error:
                lock.close()
                raise Conflict(f"another process runs the server in {self.folder}") from error
            self._lock = lock
        self._end_leftovers()
        if self.sockets.is_symlink():
            raise Conflict(f"{self.sockets} is a symbolic link; remove it")
        self.sockets.mkdir(mode=0o700, exist_ok=True)

    def start(
        self, arguments: Sequence[str], *, is_ready: Callable[[int], bool], timeout_s: float
    ) -> None:
        """Start the child and wait until `is_ready(pid)`.

        Raises StorageUnavailable, with the end of the log, when it exits or takes too long.
        """
        self._child = self._spawn([str(self._program), *arguments], cwd=self.folder)
        deadline = time.monotonic() + timeout_s
        while not is_ready(self._child.pid):
            if not self.is_running or time.monotonic() > deadline:
                self.stop()
                raise StorageUnavailable(
                    f"{self._program.name} did not start in {self.folder}:\n{self._log_end()}"
                )
            time.sleep(_POLL_S)

    def run(self, program: Path, arguments: Sequence[str], *, timeout_s: float) -> None:
        """Run a tool of the server to its end, as the server itself would run.

        Raises StorageUnavailable, with the end of the log, when it fails or takes too long.
        """
        tool = self._spawn([str(program), *arguments], cwd=self.folder.parent)
        try:
            failed = tool.wait(timeout_s) != 0
        except subprocess.TimeoutExpired:
            tool.kill()
            failed = tool.wait() != 0
        if failed:
            raise StorageUnavailable(f"{program.name} failed:\n{self._log_end()}")

    def stop(self) -> None:
        """Stop the child and give the folder up; nothing running is no error."""
        if self._child is not None:
            self._end_child(self._child)
            self._child = None
        if self._lock is not None:
            if self.sockets != self.folder.parent:
                shutil.rmtree(self.sockets, ignore_errors=True)
            self._lock.close()
            self._lock = None

    def _spawn(self, command: Sequence[str], *, cwd: Path) -> subprocess.Popen[bytes]:
        user = self._run_as
        with self.log.open("ab") as log:
            return subprocess.Popen(
                command,
                cwd=cwd,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
                # Servers need no secrets of ours.
                env={"PATH": os.environ.get("PATH", ""), "LC_ALL": "C", "TZ": "UTC"},
                user=None if user is None else user.pw_uid,
                group=None if user is None else user.pw_gid,
                extra_groups=None if user is None else [],
            )

    def _end_child(self, child: subprocess.Popen[bytes]) -> None:
        for signal in self._stop_signals:
            child.send_signal(signal)
            try:
                child.wait(self._patience_s)
            except subprocess.TimeoutExpired:
                continue
            return
        child.kill()
        child.wait()

    def _end_leftovers(self) -> None:
        """End them as abruptly as their owner died: the servers recover from their logs."""
        for signal in (self._stop_signals[-1], SIGKILL):
            leftovers = _running_in(self.folder, self._program.name)
            for process in leftovers:
                with suppress(psutil.NoSuchProcess):
                    process.send_signal(signal)
            psutil.wait_procs(leftovers, timeout=self._patience_s)

    def _log_end(self) -> str:
        lines = self.log.read_text(errors="replace").splitlines()
        return "\n".join(lines[-_LOG_LINES:])


def _socket_folder(folder: Path, socket_name: str) -> Path:
    """Keep below the 107 bytes of `sun_path`; a short folder is named after the long one."""
    if len(os.fsencode(folder / socket_name)) <= _SOCKET_PATH_BYTES:
        return folder
    digest = hashlib.sha256(os.fsencode(folder)).hexdigest()[:16]
    return Path(tempfile.gettempdir()) / f"reauto-{digest}"


def _running_in(folder: Path, name: str) -> list[psutil.Process]:
    found = []
    for process in psutil.process_iter(["name", "cwd"]):
        cwd = process.info["cwd"]
        if process.info["name"] == name and cwd is not None and Path(cwd) == folder:
            found.append(process)
    return found
