"""A small AgentConfig and a registry on the in-memory store."""

import msgspec
import pytest

from service.adapters.memory.clock import ManualClock
from service.adapters.memory.configs import InMemoryConfigStore
from service.configs.registry import ConfigRegistry
from service.domain.agent_config import AgentConfig, AgentSpec, Persona, Phrases
from service.domain.errors import StorageUnavailable
from service.ports.config_store import ConfigVersion, Slot


class AbsentStore(InMemoryConfigStore):
    """The in-memory store, which can be taken away and counts how often it is asked."""

    def __init__(self, clock: ManualClock) -> None:
        super().__init__(clock)
        self.is_away = False
        self.reads = 0

    async def slot(self) -> Slot | None:
        self._read()
        return await super().slot()

    async def get(self, config_id: str) -> ConfigVersion:
        self._read()
        return await super().get(config_id)

    def _read(self) -> None:
        self.reads += 1
        if self.is_away:
            raise StorageUnavailable("away")


@pytest.fixture
def config() -> AgentConfig:
    return AgentConfig(
        name="first",
        persona=Persona(agent_name="Ada", company="Acme Homes"),
        phrases=Phrases(
            greeting_outbound="Hello {contact}.",
            greeting_inbound="Hello.",
            reprompts=("Are you there?",),
            silent_goodbye="Goodbye.",
            goodbye="Goodbye.",
            opt_out="We will not call again.",
            voicemail="Please call back.",
            apology="Sorry.",
            drain_goodbye="We must go.",
        ),
        agents=(
            AgentSpec(name="opener", prompt="Open."),
            AgentSpec(name="qualifier", prompt="Ask.", slots=("intent", "timeline")),
        ),
    )


@pytest.fixture
def slower(config: AgentConfig) -> AgentConfig:
    return msgspec.structs.replace(config, name="second")


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def store(clock: ManualClock) -> AbsentStore:
    return AbsentStore(clock)


@pytest.fixture
def registry(store: AbsentStore, clock: ManualClock) -> ConfigRegistry:
    return ConfigRegistry(store, clock)
