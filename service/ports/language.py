"""The language-model service: a chat that streams."""

from collections.abc import AsyncIterator
from typing import Literal, Protocol

import msgspec

from service.domain.agent_config import LanguageModelChoice


class Message(msgspec.Struct, frozen=True):
    """One message of the conversation sent to a model."""

    role: Literal["system", "user", "assistant"]
    content: str


class TextDelta(msgspec.Struct, frozen=True):
    """A piece of the reply."""

    text: str


class ReplyEnded(msgspec.Struct, frozen=True, kw_only=True):
    """The reply is whole. Token counts are None where the server does not tell."""

    provider: str
    model: str
    prompt_tokens: int | None
    completion_tokens: int | None


LanguageEvent = TextDelta | ReplyEnded


class LanguageModel(Protocol):
    """A language-model server. `name` is its name in the registry."""

    name: str

    async def warm_up(self, choice: LanguageModelChoice) -> None:
        """Load the model so that the first call does not wait. Raises LanguageModelError."""
        ...

    def chat(
        self, messages: list[Message], *, choice: LanguageModelChoice
    ) -> AsyncIterator[LanguageEvent]:
        """Stream a reply: TextDelta..., then one ReplyEnded. Raises LanguageModelError.

        Closing the iterator early cancels the request at the server.
        """
        ...

    async def probe(self) -> str:
        """Say that it can work, cheaply. Raises LanguageModelError."""
        ...

    async def close(self) -> None:
        """Release the connections."""
        ...
