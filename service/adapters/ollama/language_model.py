"""The language model on an Ollama server: streaming chat with deadlines, model checks and pulls."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing
from typing import Any

import httpx
import msgspec
import structlog
from ollama import AsyncClient, ChatResponse

from service.adapters.ollama.errors import model_missing, translated
from service.adapters.ollama.thinking import ThinkingFilter
from service.domain.agent_config import LanguageModelChoice
from service.domain.errors import LanguageModelError
from service.observability.tracing import traceparent
from service.ports.language import LanguageEvent, Message, ReplyEnded, TextDelta

log = structlog.get_logger()

PROBE_TIMEOUT_S = 2.0
LOAD_TIMEOUT_S = 180.0


class PullProgress(msgspec.Struct, frozen=True, kw_only=True):
    """One step of a download; `completed` and `total` are bytes of the layer named in `status`."""

    status: str
    completed: int | None = None
    total: int | None = None


class OllamaLanguageModel:
    """Chats with one Ollama server. `model` is the one that `probe` looks for."""

    name = "ollama"

    def __init__(self, base_url: str, *, model: str = LanguageModelChoice().model) -> None:
        self.base_url = base_url
        self.model = model
        self._client = AsyncClient(host=base_url, event_hooks={"request": [_carry_trace]})

    async def warm_up(self, choice: LanguageModelChoice) -> None:
        """Load the model: a chat without messages does (Ollama API). Raises LanguageModelError."""
        with translated(base_url=self.base_url, model=choice.model):
            async with asyncio.timeout(LOAD_TIMEOUT_S):
                await self._client.chat(
                    model=choice.model,
                    messages=[],
                    options={"num_ctx": choice.context_tokens},
                    keep_alive=choice.keep_alive,
                )

    async def chat(
        self, messages: list[Message], *, choice: LanguageModelChoice
    ) -> AsyncIterator[LanguageEvent]:
        """Stream a reply; TextDelta carries only what may be spoken, then one ReplyEnded.

        The first spoken text and the whole reply each have a deadline from `choice`. Closing the
        iterator closes the connection, which is how Ollama learns that a request is cancelled.
        Raises LanguageModelError.
        """
        loop = asyncio.get_running_loop()
        asked_at = loop.time()
        whole_by = asked_at + choice.reply_timeout_ms / 1000
        first_by = min(whole_by, asked_at + choice.first_token_timeout_ms / 1000)
        thinking = ThinkingFilter()
        spoke_at: float | None = None
        async with aclosing(await self._stream(messages, choice)) as parts:
            while True:
                part = await self._next(
                    parts, by=first_by if spoke_at is None else whole_by, choice=choice
                )
                text = thinking.feed(part.message.content or "")
                if part.done:
                    text += thinking.flush()
                if text:
                    spoke_at = spoke_at or loop.time()
                    yield TextDelta(text)
                if part.done:
                    break
        if spoke_at is None:
            raise LanguageModelError("the model answered nothing", retryable=True, code="empty")
        log.info(
            "model answered",
            model=choice.model,
            first_token_ms=round((spoke_at - asked_at) * 1000),
            total_ms=round((loop.time() - asked_at) * 1000),
            prompt_tokens=part.prompt_eval_count,
            completion_tokens=part.eval_count,
        )
        yield ReplyEnded(
            provider=self.name,
            model=choice.model,
            prompt_tokens=part.prompt_eval_count,
            completion_tokens=part.eval_count,
        )

    async def probe(self) -> str:
        """Say which server answers and that it has `model`. Raises LanguageModelError."""
        version = await self.version()
        if not await self.has_model(self.model):
            raise model_missing(self.model)
        return f"Ollama {version} at {self.base_url} has {self.model}"

    async def version(self) -> str:
        """The server's version (GET /api/version). Raises LanguageModelError."""
        with translated(base_url=self.base_url, model=self.model):
            async with asyncio.timeout(PROBE_TIMEOUT_S):
                # The client has no call of its own for this endpoint.
                answer = await self._client._client.get("/api/version")
                return str(answer.raise_for_status().json()["version"])

    async def has_model(self, model: str) -> bool:
        """Whether the server holds `model`; a name without a tag means `:latest`, as in Ollama."""
        wanted = _with_tag(model)
        with translated(base_url=self.base_url, model=model):
            async with asyncio.timeout(PROBE_TIMEOUT_S):
                held = await self._client.list()
        return any(_with_tag(entry.model or "") == wanted for entry in held.models)

    async def pull(self, model: str) -> AsyncIterator[PullProgress]:
        """Download `model` through Ollama, yielding progress. Raises LanguageModelError."""
        with translated(base_url=self.base_url, model=model):
            steps = await self._client.pull(model, stream=True)
        iterator = aiter(steps)
        while True:
            with translated(base_url=self.base_url, model=model):
                step = await anext(iterator, None)
            if step is None:
                return
            yield PullProgress(status=step.status or "", completed=step.completed, total=step.total)

    async def close(self) -> None:
        """Release the connections."""
        await self._client.close()  # type: ignore[no-untyped-call]

    async def _stream(self, messages: list[Message], choice: LanguageModelChoice) -> Any:
        return await self._client.chat(
            model=choice.model,
            messages=[{"role": each.role, "content": each.content} for each in messages],
            stream=True,
            think=False,
            options={
                "num_ctx": choice.context_tokens,
                "num_predict": choice.max_tokens,
                "temperature": choice.temperature,
            },
            keep_alive=choice.keep_alive,
        )

    async def _next(
        self, parts: AsyncIterator[ChatResponse], *, by: float, choice: LanguageModelChoice
    ) -> ChatResponse:
        with translated(base_url=self.base_url, model=choice.model):
            async with asyncio.timeout_at(by):
                part = await anext(parts, None)
        if part is None:
            raise LanguageModelError("the model's answer broke off", retryable=True, code="broken")
        return part


async def _carry_trace(request: httpx.Request) -> None:
    header = traceparent()
    if header is not None:
        request.headers["traceparent"] = header


def _with_tag(model: str) -> str:
    return model if ":" in model.rsplit("/", 1)[-1] else f"{model}:latest"
