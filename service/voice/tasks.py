"""Starting work that a call owns, and leaving a stream of work early."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from typing import Any

Spawn = Callable[[Coroutine[Any, Any, None]], asyncio.Task[None]]
"""Start a task in the call's own TaskGroup."""


@asynccontextmanager
async def closing(stream: AsyncIterator[object]) -> AsyncIterator[None]:
    """Close `stream` on the way out, so that its request or synthesis is cancelled at once."""
    try:
        yield
    finally:
        if isinstance(stream, AsyncGenerator):
            await stream.aclose()
