"""Brings models into MODELS_DIR: resumed, verified, and put in place only when whole."""

import errno
import fcntl
import hashlib
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from fnmatch import fnmatch
from pathlib import Path

from service.domain.errors import Conflict, InvalidInput, NotFound, VendorError
from service.voice.engines.catalogue import CatalogueEntry
from service.voice.engines.hub import AGAIN, Hub, RemoteFile

DRAFTS = ".partial"
"""Folder of MODELS_DIR where files grow; no engine looks into it."""

OnProgress = Callable[[str, int, int], None]
"""Called with a file's name, the bytes of it that are here, and its size in bytes."""


def download(
    entry: CatalogueEntry, *, hub: Hub, models_dir: Path, on_progress: OnProgress
) -> tuple[RemoteFile, ...]:
    """Bring a model of the hub into its home under `models_dir`, and return its files.

    They grow under MODELS_DIR/.partial, are verified (sha256 where the hub gives it, else the
    size), and move only when all are whole, the one that engines look for last. One download at a
    time per MODELS_DIR. Raises NotFound, Conflict, InvalidInput (disk) and VendorError (hub).
    """
    draft = models_dir / DRAFTS / entry.name
    try:
        files = _wanted(entry, hub.files(entry.repo, entry.folder))
        with _alone(models_dir):
            draft.mkdir(exist_ok=True)
            _require_space(files, draft)
            for file in files:
                url = hub.link(entry.repo, file.path)
                _fetch(file, hub=hub, url=url, draft=draft, on_progress=on_progress)
            _publish(files, draft=draft, home=entry.home(models_dir))
    except VendorError as error:
        if error.code != "unreachable":
            raise
        raise VendorError(
            f"{error}: {_by_hand(entry, hub=hub, models_dir=models_dir)}",
            retryable=True,
            code=error.code,
        ) from error
    except OSError as error:
        raise _disk_error(error, models_dir) from error
    return files


def _wanted(entry: CatalogueEntry, listed: tuple[RemoteFile, ...]) -> tuple[RemoteFile, ...]:
    wanted = []
    for pattern in entry.files:
        found = [file for file in listed if fnmatch(file.name, pattern)]
        if not found:
            raise NotFound(f"the hub's {entry.repo} has no {pattern}: {entry.name} is not whole")
        wanted.extend(found)
    return tuple(wanted)


def _fetch(file: RemoteFile, *, hub: Hub, url: str, draft: Path, on_progress: OnProgress) -> None:
    path = draft / file.name
    # Without a hash nothing would show that two halves do not belong together.
    here = path.stat().st_size if file.sha256 and path.exists() else 0
    on_progress(file.name, here, file.size_bytes)
    if here < file.size_bytes:
        with hub.content(url, start=here) as (start, pieces), path.open("ab") as out:
            if out.tell() > start:
                out.truncate(start)
            here = start
            for piece in pieces:
                out.write(piece)
                here += len(piece)
                on_progress(file.name, here, file.size_bytes)
            out.flush()
            os.fsync(out.fileno())
    _verify(file, path, url=url)


def _verify(file: RemoteFile, path: Path, *, url: str) -> None:
    size_bytes = path.stat().st_size
    if size_bytes < file.size_bytes:
        raise VendorError(
            f"{url} ended after {size_bytes} of {file.size_bytes} bytes; {AGAIN}",
            retryable=True,
            code="broken",
        )
    if size_bytes == file.size_bytes and file.sha256 in (None, _sha256(path)):
        return
    path.unlink()
    raise VendorError(
        f"{url} is not the file that the hub lists (its hash or size differs); it was removed: "
        "run the same command again, and do not trust this hub if that fails too",
        code="mismatch",
    )


def _sha256(path: Path) -> str:
    with path.open("rb") as content:
        return hashlib.file_digest(content, "sha256").hexdigest()


def _publish(files: tuple[RemoteFile, ...], *, draft: Path, home: Path) -> None:
    home.mkdir(parents=True, exist_ok=True)
    for file in files:
        (draft / file.name).replace(home / file.name)
    shutil.rmtree(draft)


def _require_space(files: tuple[RemoteFile, ...], draft: Path) -> None:
    here = sum(path.stat().st_size for path in draft.iterdir())
    needed = sum(file.size_bytes for file in files) - here
    free = shutil.disk_usage(draft).free
    if needed > free:
        raise OSError(errno.ENOSPC, f"{needed // 10**6} MB are needed, {free // 10**6} MB are free")


@contextmanager
def _alone(models_dir: Path) -> Iterator[None]:
    drafts = models_dir / DRAFTS
    drafts.mkdir(parents=True, exist_ok=True)
    with (drafts / "lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise Conflict(f"another download into {models_dir} is running") from error
        yield


def _by_hand(entry: CatalogueEntry, *, hub: Hub, models_dir: Path) -> str:
    files, page = ", ".join(entry.files), hub.page(entry.repo, entry.folder)
    return (
        "connect this machine, or set HF_ENDPOINT to a mirror, and run the same command again; "
        f"or get {files} from {page} elsewhere and put them into {entry.home(models_dir)}"
    )


def _disk_error(error: OSError, models_dir: Path) -> InvalidInput:
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return InvalidInput(
            f"no space is left in {models_dir} ({error.strerror}): make room, or set "
            f"REAUTO_MODELS_DIR to a larger disk; then {AGAIN}"
        )
    return InvalidInput(f"{models_dir} cannot be written: {error}")
