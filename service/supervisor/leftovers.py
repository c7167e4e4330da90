"""What a killed supervisor left running: written down while it lives, ended by the next start."""

import contextlib
import json
from collections.abc import Iterable
from pathlib import Path

import psutil
import structlog

from service.domain.errors import Conflict

log = structlog.get_logger()

STATE_FILE = "supervisor.json"
GRACE_S = 5.0
SERVERS = ("postgres", "redis")


class Roster:
    """The pids of one supervisor and its children, in a file that outlives them."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / STATE_FILE
        self._children: dict[str, psutil.Process] = {}

    def note(self, role: str, pid: int) -> None:
        """Write a child down; a later child of the same role replaces it."""
        self._children[role] = psutil.Process(pid)
        self._write()

    def clear(self) -> None:
        """Forget everything: all children are gone. A file of another supervisor stays."""
        if self._children:
            self._children.clear()
            self._path.unlink(missing_ok=True)

    def _write(self) -> None:
        data = {
            "supervisor": _identity(psutil.Process()),
            "children": {role: _identity(child) for role, child in self._children.items()},
        }
        self._path.parent.mkdir(parents=True, exist_ok=True)
        part = self._path.with_suffix(".part")
        part.write_text(json.dumps(data))
        part.replace(self._path)


def sweep(root: Path) -> int:
    """End the children of every dead supervisor below `root`; return how many were running.

    A demo is one level down, and its service keeps a `local` folder of its own. Raises Conflict
    when a living supervisor owns `root` itself.
    """
    ended = 0
    below = (*root.glob(f"*/{STATE_FILE}"), *root.glob(f"*/local/{STATE_FILE}"))
    for path in (root / STATE_FILE, *sorted(below)):
        if not path.exists():
            continue
        state = json.loads(path.read_text())
        if _find(state["supervisor"]) is not None:
            if path.parent == root:
                raise Conflict(f"another supervisor runs here (pid {state['supervisor']['pid']})")
            continue
        children = {role: _find(child) for role, child in state["children"].items()}
        workers = {role for role in children if role not in SERVERS}
        # The workers first: they still write while they stop.
        ended += _end(children[role] for role in workers)
        ended += _end(children[role] for role in children.keys() - workers)
        path.unlink()
    if ended:
        log.warning("processes of a killed supervisor were ended", processes=ended)
    return ended


def _end(found: Iterable[psutil.Process | None]) -> int:
    children = [process for process in found if process is not None]
    for process in children:
        with contextlib.suppress(psutil.NoSuchProcess):
            process.terminate()
    _gone, alive = psutil.wait_procs(children, timeout=GRACE_S)
    for process in alive:
        with contextlib.suppress(psutil.NoSuchProcess):
            process.kill()
    psutil.wait_procs(alive, timeout=GRACE_S)
    return len(children)


def _identity(process: psutil.Process) -> dict[str, float]:
    return {"pid": process.pid, "started_at": process.create_time()}


def _find(identity: dict[str, float]) -> psutil.Process | None:
    """The process itself, never another one that got its pid."""
    try:
        process = psutil.Process(int(identity["pid"]))
        is_same = abs(process.create_time() - identity["started_at"]) < 1.0
        is_dead = process.status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return None
    return process if is_same and not is_dead else None
