"""Speech to text with pocketsphinx, offline, in worker processes.

A decoder holds the GIL for a tenth of the utterance's length, so none runs in this process.
"""

import asyncio
import multiprocessing
import os
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import TypeVar

import structlog

from service.domain.errors import SpeechError
from service.ports.speech import Pcm16k, Transcript
from service.voice.audio import is_silent
from service.voice.engines import pocketsphinx_worker as worker
from service.voice.engines.admission import Admission
from service.voice.engines.audio_usage import audio_usage
from service.voice.engines.caller_model import CallerModel, prepare_caller_model

log = structlog.get_logger()
_T = TypeVar("_T")

LOAD_DEADLINE_S = 60.0
CLOSING_S = 3.0


class PocketsphinxSpeechToText:
    """English only. `processes` decode at a time; `max_waiting` utterances may wait or run."""

    name = "pocketsphinx"
    model = "en-us"

    def __init__(
        self,
        *,
        processes: int = 1,
        cache_dir: Path | None = None,
        max_waiting: int = 40,
        deadline_s: float = 10.0,
    ) -> None:
        self._processes = processes
        self._cache_dir = cache_dir or default_cache_dir()
        self._admission = Admission(places=max_waiting, deadline_s=deadline_s)
        self._files: CallerModel | None = None
        self._pool: ProcessPoolExecutor | None = None
        self._done = 0

    async def warm_up(self) -> None:
        """Build the language model if needed and load every process. Raises SpeechError."""
        try:
            self._files = await asyncio.to_thread(prepare_caller_model, self._cache_dir)
        except OSError as error:
            raise SpeechError(
                f"the language model cannot be written under {self._cache_dir}: {error.strerror}"
            ) from error
        pool = self._pool = self._start(self._files)
        # The pool starts a process for each task that finds none idle.
        loading = [asyncio.wrap_future(pool.submit(worker.ready)) for _ in range(self._processes)]
        try:
            async with asyncio.timeout(LOAD_DEADLINE_S):
                await asyncio.gather(*loading)
        except (BrokenProcessPool, TimeoutError) as error:
            raise SpeechError("the pocketsphinx decoder could not be loaded") from error

    async def transcribe(self, audio: Pcm16k, *, language: str) -> Transcript:
        """Recognise one utterance. Raises SpeechError when busy, late, crashed or not English."""
        if not language.startswith("en"):
            raise SpeechError(f"pocketsphinx knows English only, not {language}")
        usage = (audio_usage(audio, provider=self.name, model=self.model),)
        if is_silent(audio):
            return Transcript(text="", usage=usage)
        done_before = self._done
        try:
            async with self._admission.admit():
                found = await self._run(worker.decode, audio.tobytes())
        except SpeechError as error:
            if error.code == "deadline" and self._done == done_before:
                self._end_stuck_processes()
            raise
        self._done += 1
        return Transcript(text=found.text, confidence=found.probability, usage=usage)

    async def probe(self) -> str:
        """Ask a process whether it lives. Raises SpeechError."""
        async with self._admission.admit():
            pid = await self._run(worker.ready)
        return f"model {self.model}, {self._processes} processes, {pid} answered"

    async def close(self) -> None:
        """End the processes; what they decode now gets `CLOSING_S`."""
        pool, self._pool = self._pool, None
        if pool is None:
            return
        # `shutdown` forgets the processes, and waits for one that hangs for ever.
        processes = list(pool._processes.values())
        pool.shutdown(wait=False, cancel_futures=True)
        await asyncio.to_thread(_join_or_kill, processes)

    def _end_stuck_processes(self) -> None:
        """Nothing was finished during a whole deadline: the next utterance gets new processes."""
        log.error("recogniser processes hang and are ended")
        for process in list(self._open_pool()._processes.values()):
            process.kill()

    async def _run(self, function: Callable[..., _T], *arguments: bytes) -> _T:
        """Run in the pool; when a process of it died, once more in a new pool."""
        pool = self._open_pool()
        try:
            return await asyncio.wrap_future(pool.submit(function, *arguments))
        except BrokenProcessPool:
            log.warning("recogniser process died, starting new ones")
            pool = self._replace(pool)
        try:
            return await asyncio.wrap_future(pool.submit(function, *arguments))
        except BrokenProcessPool as error:
            raise SpeechError("the recogniser died twice", retryable=True, code="crash") from error

    def _open_pool(self) -> ProcessPoolExecutor:
        if self._pool is None:
            raise SpeechError("the recogniser is not running: warm it up first")
        return self._pool

    def _replace(self, broken: ProcessPoolExecutor) -> ProcessPoolExecutor:
        """Start a new pool, unless another utterance has done so or the engine was closed."""
        if self._pool is broken and self._files is not None:
            self._pool = self._start(self._files)
            broken.shutdown(wait=False, cancel_futures=True)
        return self._open_pool()

    def _start(self, files: CallerModel) -> ProcessPoolExecutor:
        return ProcessPoolExecutor(
            max_workers=self._processes,
            mp_context=multiprocessing.get_context("spawn"),
            initializer=worker.load,
            initargs=(str(files.arpa), str(files.dictionary), os.getpid()),
        )


def _join_or_kill(processes: Sequence[BaseProcess]) -> None:
    deadline = time.monotonic() + CLOSING_S
    for process in processes:
        process.join(max(0.0, deadline - time.monotonic()))
        if process.is_alive():
            process.kill()
            process.join()


def default_cache_dir() -> Path:
    """Return where a user's caches lie: XDG_CACHE_HOME, or ~/.cache."""
    root = os.environ.get("XDG_CACHE_HOME")
    return (Path(root) if root else Path.home() / ".cache") / "reautomation"
