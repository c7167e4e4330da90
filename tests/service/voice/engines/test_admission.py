"""The bounded queue before a recogniser."""

import asyncio

import pytest

from service.domain.errors import SpeechError
from service.voice.engines.admission import Admission


async def test_refuses_at_once_when_every_place_is_taken() -> None:
    admission, done = Admission(places=1, deadline_s=60), asyncio.Event()

    async def hold() -> None:
        async with admission.admit():
            await done.wait()

    async with asyncio.TaskGroup() as group:
        group.create_task(hold())
        await asyncio.sleep(0)
        with pytest.raises(SpeechError, match="busy") as refusal:
            async with admission.admit():
                pass
        assert (refusal.value.retryable, refusal.value.code) == (True, "queue_full")
        done.set()
    async with admission.admit():
        pass


async def test_cancels_what_is_late_and_frees_its_place() -> None:
    admission = Admission(places=1, deadline_s=0.01)
    for _ in range(2):
        with pytest.raises(SpeechError, match=r"within 0\.01 s") as late:
            async with admission.admit():
                await asyncio.Event().wait()
        assert (late.value.retryable, late.value.code) == (True, "deadline")
