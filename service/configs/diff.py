"""The difference between two AgentConfigs, field by field."""

from collections.abc import Iterator
from typing import Any

import msgspec

from service.domain.agent_config import AgentConfig


class Change(msgspec.Struct, frozen=True, kw_only=True):
    """One field that differs. `field` is a dotted path; a side that lacks the field has None."""

    field: str
    before: Any
    after: Any


def diff(before: AgentConfig, after: AgentConfig) -> tuple[Change, ...]:
    """Return the changed fields, in the order of the schema."""
    old, new = (dict(_leaves(msgspec.to_builtins(config))) for config in (before, after))
    return tuple(
        Change(field=field, before=old.get(field), after=new.get(field))
        for field in {**old, **new}
        if old.get(field) != new.get(field)
    )


def _leaves(value: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """Yield every scalar with its path. Agents go by name, so that a new one shifts no other."""
    if isinstance(value, dict):
        for name, inner in value.items():
            yield from _leaves(inner, f"{path}.{name}" if path else name)
    elif isinstance(value, list | tuple):
        agents = [item for item in value if isinstance(item, dict)]
        yield path, [agent["name"] for agent in agents] if agents else list(value)
        for agent in agents:
            yield from _leaves(agent, f"{path}[{agent['name']}]")
    else:
        yield path, value
