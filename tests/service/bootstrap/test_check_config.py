"""A config that no call could use is refused before it is stored."""

from pathlib import Path

import msgspec
import pytest

from service.bootstrap.engines import check_config
from service.configs.default import load_default_config
from service.domain.agent_config import AgentSpec, VoiceChoice
from service.domain.errors import InvalidAgentConfig
from service.settings import Settings

DEFAULT = load_default_config(Path(__file__).resolve().parents[3] / "data" / "agent_config.yaml")


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(_env_file=None, models_dir=tmp_path)


def test_the_default_is_accepted(settings: Settings) -> None:
    check_config(settings, DEFAULT)


def test_an_unknown_slot_is_refused(settings: Settings) -> None:
    odd = AgentSpec(name="odd", prompt="Ask.", slots=("shoe_size",))
    with pytest.raises(InvalidAgentConfig, match="shoe_size"):
        check_config(settings, msgspec.structs.replace(DEFAULT, agents=(odd,)))


def test_a_voice_that_is_not_here_is_refused(settings: Settings) -> None:
    config = msgspec.structs.replace(DEFAULT, voice=VoiceChoice(name="nobody"))
    with pytest.raises(InvalidAgentConfig, match="nobody"):
        check_config(settings, config)
