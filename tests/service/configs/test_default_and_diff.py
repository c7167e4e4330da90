"""Reading the default config, and telling two configs apart."""

from pathlib import Path

import msgspec
import pytest
import yaml

from service.configs.default import load_default_config
from service.configs.diff import Change, diff
from service.domain.errors import InvalidAgentConfig


def test_yaml_gives_the_config_it_describes(config, tmp_path: Path):
    path = tmp_path / "agent_config.yaml"
    path.write_text(yaml.safe_dump(msgspec.to_builtins(config)), encoding="utf-8")
    assert load_default_config(path) == config


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("", "not valid"),
        ("a: [", "cannot be read"),
        ("name: x", "persona|phrases|agents"),
        ("\x00", "cannot be read"),
    ],
)
def test_bad_file_is_named_with_what_is_wrong(tmp_path: Path, text: str, complaint: str):
    path = tmp_path / "agent_config.yaml"
    path.write_text(text)
    with pytest.raises(InvalidAgentConfig, match=r"agent_config\.yaml.*(" + complaint + ")"):
        load_default_config(path)


def test_unknown_and_wrong_fields_are_named(config, tmp_path: Path):
    path = tmp_path / "agent_config.yaml"
    data = msgspec.to_builtins(config)
    data["turn_taking"]["patience"] = 1
    path.write_text(yaml.safe_dump(data))
    with pytest.raises(InvalidAgentConfig, match="patience"):
        load_default_config(path)


def test_missing_file_is_named(tmp_path: Path):
    with pytest.raises(InvalidAgentConfig, match="nowhere"):
        load_default_config(tmp_path / "nowhere.yaml")


def test_equal_configs_do_not_differ(config):
    assert diff(config, config) == ()


def test_each_changed_field_is_named_once(config):
    other = msgspec.structs.replace(
        config,
        name="second",
        turn_taking=msgspec.structs.replace(config.turn_taking, pause_ms=180),
        agents=(config.agents[0], msgspec.structs.replace(config.agents[1], slots=("intent",))),
    )
    assert diff(config, other) == (
        Change(field="name", before="first", after="second"),
        Change(field="agents[qualifier].slots", before=["intent", "timeline"], after=["intent"]),
        Change(field="turn_taking.pause_ms", before=200, after=180),
    )


def test_agents_that_come_go_or_change_places_show(config):
    alone = msgspec.structs.replace(config, agents=config.agents[:1])
    fields = [change.field for change in diff(config, alone)]
    assert fields[0] == "agents"
    assert "agents[qualifier].prompt" in fields
    swapped = msgspec.structs.replace(config, agents=config.agents[::-1])
    assert [change.field for change in diff(config, swapped)] == ["agents"]
