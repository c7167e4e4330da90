"""A conversation in text: the real dialogue, over a real socket to the Ollama stand-in."""

from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest
import yaml

from evals.standins.ollama import OllamaStandIn
from service.adapters.ollama.language_model import OllamaLanguageModel
from service.agents.dialogue import DialogueFactory
from service.domain.agent_config import AgentConfig, parse_agent_config
from service.domain.call import Call, CallStatus, Direction
from service.domain.contact import Contact
from service.domain.ids import new_id
from service.ports.conversation import CallBrief
from tests.service.agents.conversing import Talk

CONFIG_FILE = Path(__file__).resolve().parents[3] / "data" / "agent_config.yaml"
NOW = datetime(2026, 11, 20, 15, 0, tzinfo=UTC)


MakeBrief = Callable[..., CallBrief]
StartTalk = Callable[..., Talk]


@pytest.fixture(scope="session")
def config() -> AgentConfig:
    return parse_agent_config(yaml.safe_load(CONFIG_FILE.read_text()))


@pytest.fixture(scope="session")
def make_brief(config: AgentConfig) -> MakeBrief:
    def make(
        direction: Direction = Direction.OUTBOUND,
        *,
        name: str | None = "Maria Lopez",
        config: AgentConfig = config,
    ) -> CallBrief:
        call = Call(
            call_id=new_id(),
            direction=direction,
            from_number="+15550001000",
            to_number="+15550001001",
            status=CallStatus.IN_PROGRESS,
            config_id=config.config_id,
            created_at=NOW,
        )
        contact = None
        if name is not None:
            contact = Contact(contact_id=new_id(), phone="+15550001001", name=name, created_at=NOW)
        return CallBrief(call=call, config=config, contact=contact)

    return make


@pytest.fixture
async def standin() -> AsyncIterator[OllamaStandIn]:
    async with OllamaStandIn() as server:
        yield server


@pytest.fixture
async def model(standin: OllamaStandIn) -> AsyncIterator[OllamaLanguageModel]:
    language_model = OllamaLanguageModel(standin.base_url)
    yield language_model
    await language_model.close()


@pytest.fixture
def start(model: OllamaLanguageModel, make_brief: MakeBrief) -> StartTalk:
    factory = DialogueFactory(model)

    def begin(direction: Direction = Direction.OUTBOUND, **options: object) -> Talk:
        return Talk(factory(make_brief(direction, **options)))

    return begin
