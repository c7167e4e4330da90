"""The Piper server process: piper is GPL-3.0, so it runs as a program of its own on loopback."""

import asyncio
import contextlib
import os
import socket
import sys
from collections import deque
from pathlib import Path

import httpx
import structlog

from service.domain.errors import SpeechError

log = structlog.get_logger()

START_DEADLINE_S = 30.0
STOP_DEADLINE_S = 5.0
_ANSWERED = 'HTTP/1.1" 200'
_PORT_TRIES = 3
_POLL_S = 0.05
_DEATH_NOTICE_S = 0.25


class PiperServer:
    """Owns one `python -m piper.http_server` child. It dies with this process, even on kill -9."""

    def __init__(self, voice: Path, *, start_deadline_s: float = START_DEADLINE_S) -> None:
        self._voice = voice
        self._start_deadline_s = start_deadline_s
        self._child: asyncio.subprocess.Process | None = None
        self._log: asyncio.Task[None] | None = None
        self._last_lines: deque[str] = deque(maxlen=5)
        self._starting = asyncio.Lock()
        self.base_url = ""

    @property
    def pid(self) -> int | None:
        """The child's process id while it runs."""
        return self._child.pid if self._runs() and self._child else None

    async def start(self) -> None:
        """Start the child unless it runs, and wait until it answers. Raises SpeechError."""
        await self.replace(unreachable_url="")

    async def replace(self, *, unreachable_url: str) -> None:
        """Start a new child, unless one runs at another address than the one nobody answers at.

        Requests that fail side by side therefore share one new child. Raises SpeechError.
        """
        async with self._starting:
            if self._runs() and self.base_url != unreachable_url:
                return
            await self._notice_death()
            await self._clean_up()
            for _ in range(_PORT_TRIES):
                await self._spawn()
                if await self._answers():
                    log.info("voice server started", url=self.base_url, voice=self._voice.stem)
                    return
                await self._clean_up()
        said = " | ".join(self._last_lines) or "nothing"
        raise SpeechError(f"piper.http_server did not start with {self._voice}; it said: {said}")

    async def stop(self) -> None:
        """End the child and wait for it; stopping twice is no error."""
        async with self._starting:
            await self._clean_up()

    def _runs(self) -> bool:
        return self._child is not None and self._child.returncode is None

    async def _spawn(self) -> None:
        if not self._voice.is_file():
            raise SpeechError(f"there is no voice file {self._voice}")
        port = _free_port()
        self.base_url = f"http://127.0.0.1:{port}"
        self._child = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "service.voice.engines.die_with_parent", str(os.getpid())),
            *(sys.executable, "-m", "piper.http_server", "--host", "127.0.0.1"),
            *("--port", str(port), "--model", str(self._voice)),
            *("--data-dir", str(self._voice.parent)),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.PIPE,
            start_new_session=True,
        )
        self._log = asyncio.create_task(self._follow_log(self._child), name="piper-log")

    async def _follow_log(self, child: asyncio.subprocess.Process) -> None:
        """Keep the last lines for error messages; it names paths and states, never the text."""
        assert child.stderr is not None
        async for line in child.stderr:
            words = line.decode(errors="replace").strip()
            if _ANSWERED not in words:
                self._last_lines.append(words)
                log.debug("voice server says", line=words)

    async def _answers(self) -> bool:
        """Poll the child until it answers; False when it exits or the deadline passes."""
        with contextlib.suppress(TimeoutError):
            async with (
                asyncio.timeout(self._start_deadline_s),
                httpx.AsyncClient(trust_env=False) as client,
            ):
                while self._runs():
                    with contextlib.suppress(httpx.TransportError):
                        answer = await client.get(f"{self.base_url}/info")
                        return answer.status_code == httpx.codes.OK
                    await asyncio.sleep(_POLL_S)
        return False

    async def _notice_death(self) -> None:
        """Let asyncio reap a child that just died: signalling it first would reap it elsewhere."""
        if self._child is not None:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._child.wait(), _DEATH_NOTICE_S)

    async def _clean_up(self) -> None:
        child, self._child = self._child, None
        if child is not None and child.returncode is None:
            child.terminate()
            try:
                await asyncio.wait_for(child.wait(), STOP_DEADLINE_S)
            except TimeoutError:
                child.kill()
                await child.wait()
        if self._log is not None:
            await self._log
            self._log = None


def _free_port() -> int:
    """Return a loopback port that is free now; another process may still take it first."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port
