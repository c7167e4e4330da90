"""The default AgentConfig, as a person writes it: data/agent_config.yaml."""

from pathlib import Path

import yaml

from service.domain.agent_config import AgentConfig, parse_agent_config
from service.domain.errors import InvalidAgentConfig


def load_default_config(path: Path) -> AgentConfig:
    """Read and check an AgentConfig in YAML. Raises InvalidAgentConfig naming file and field."""
    try:
        data = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise InvalidAgentConfig(f"{path} cannot be read: {error}") from error
    try:
        return parse_agent_config(data)
    except InvalidAgentConfig as error:
        raise InvalidAgentConfig(f"{path}: {error}") from error
