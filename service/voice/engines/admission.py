"""How much work an engine takes on at a time, and how long each piece may last."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from service.domain.errors import SpeechError


class Admission:
    """A bounded queue before an engine: `places` utterances wait or run, each for `deadline_s`."""

    def __init__(self, *, places: int, deadline_s: float) -> None:
        self._places = places
        self._deadline_s = deadline_s
        self._taken = 0

    @asynccontextmanager
    async def admit(self) -> AsyncIterator[None]:
        """Hold a place inside the block; what runs late in it is cancelled.

        Raises SpeechError (retryable), at once when every place is taken.
        """
        if self._taken >= self._places:
            raise SpeechError("the recogniser is busy", retryable=True, code="queue_full")
        self._taken += 1
        try:
            async with asyncio.timeout(self._deadline_s):
                yield
        except TimeoutError as error:
            raise SpeechError(
                f"no transcript within {self._deadline_s:g} s", retryable=True, code="deadline"
            ) from error
        finally:
            self._taken -= 1
