"""An AgentConfig is named by its content and refuses what its schema does not know."""

import msgspec
import pytest

from service.domain.agent_config import canonical_json, parse_agent_config
from service.domain.errors import InvalidAgentConfig
from service.web.examples import CONFIG


def test_equal_configs_have_one_id() -> None:
    copy = parse_agent_config(canonical_json(CONFIG))
    assert copy == CONFIG
    assert copy.config_id == CONFIG.config_id
    assert len(CONFIG.config_id) == 64


def test_any_change_changes_the_id() -> None:
    assert msgspec.structs.replace(CONFIG, name="other").config_id != CONFIG.config_id


def test_the_order_of_fields_does_not_matter() -> None:
    data = msgspec.to_builtins(CONFIG)
    assert parse_agent_config(dict(reversed(data.items()))).config_id == CONFIG.config_id


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"surprise": 1}, "surprise"),
        ({"agents": []}, r"\$\.agents"),
        ({"turn_taking": {"vad_threshold": 2}}, r"\$\.turn_taking\.vad_threshold"),
        ({"language": "English"}, r"\$\.language"),
    ],
)
def test_what_is_wrong_is_named(change: dict[str, object], told: str) -> None:
    with pytest.raises(InvalidAgentConfig, match=told):
        parse_agent_config(msgspec.to_builtins(CONFIG) | change)


def test_broken_json_is_named() -> None:
    with pytest.raises(InvalidAgentConfig):
        parse_agent_config(b"{")
