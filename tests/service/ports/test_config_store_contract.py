"""What every ConfigStore does."""

import asyncio
from datetime import timedelta

import pytest

from service.domain.agent_config import (
    AgentConfig,
    AgentSpec,
    LanguageModelChoice,
    Persona,
    Phrases,
)
from service.domain.errors import Conflict, NotFound
from service.ports.config_store import ConfigVersion, Slot
from tests.service.ports.port_twins import NOON, Stores


def a_version(name: str, *, at_s: int = 0, **changes: object) -> ConfigVersion:
    config = AgentConfig(
        name=name,
        persona=Persona(agent_name="Ava", company="Harbour Homes"),
        phrases=Phrases(
            greeting_outbound="Hello {contact}, this is {agent}.",
            greeting_inbound="Hello.",
            reprompts=("Are you there?",),
            silent_goodbye="Goodbye then.",
            goodbye="Goodbye.",
            opt_out="We will not call again.",
            voicemail="Please call us back.",
            apology="Sorry, say that again?",
            drain_goodbye="We call you back.",
        ),
        agents=(AgentSpec(name="opener", prompt="Open: “naïve” {contact}", slots=("intent",)),),
        language_model=LanguageModelChoice(temperature=0.30000000000000004),
    )
    fields: dict[str, object] = {
        "config_id": config.config_id,
        "config": config,
        "created_at": NOON + timedelta(seconds=at_s),
        "note": f"made for {name}",
    }
    return ConfigVersion(**(fields | changes))


async def test_a_version_comes_back_with_the_same_content(stores: Stores) -> None:
    version = a_version("a", parent_id="p" * 64)
    assert await stores.configs.put(version) == version
    found = await stores.configs.get(version.config_id)
    assert found == version
    assert found.config.config_id == version.config_id


async def test_the_same_content_twice_is_one_version(stores: Stores) -> None:
    first = await stores.configs.put(a_version("a"))
    assert await stores.configs.put(a_version("a", at_s=9, note="again")) == first
    assert await stores.configs.versions() == (first,)


async def test_versions_run_newest_first(stores: Stores) -> None:
    made = [await stores.configs.put(a_version(n, at_s=s)) for s, n in enumerate("abc")]
    assert await stores.configs.versions() == tuple(reversed(made))


async def test_prefixes_must_be_long_and_unique(stores: Stores) -> None:
    versions = [
        await stores.configs.put(a_version(name, config_id=f"12345678{rest}"))
        for name, rest in (("a", "aaaa"), ("b", "bbbb"))
    ]
    assert await stores.configs.get("12345678a") == versions[0]
    for unusable in ("12345678", "1234567", "", "%%%%%%%%%", "12345678_", "ffffffffff"):
        with pytest.raises(NotFound):
            await stores.configs.get(unusable)


async def test_nothing_is_active_at_first(stores: Stores) -> None:
    version = await stores.configs.put(a_version("a"))
    assert await stores.configs.slot() is None
    assert await stores.configs.history() == ()
    with pytest.raises(NotFound):
        await stores.configs.activate("f" * 64, reason="typo", expected_generation=None)
    with pytest.raises(Conflict):
        await stores.configs.activate(version.config_id, reason="x", expected_generation=1)
    slot = await stores.configs.activate(version.config_id, reason="first", expected_generation=0)
    assert (slot.active_id, slot.previous_id, slot.generation) == (version.config_id, None, 1)
    assert await stores.configs.slot() == slot


async def test_every_activation_is_in_the_history(stores: Stores) -> None:
    a, b = [await stores.configs.put(a_version(name)) for name in "ab"]
    slots = [
        await stores.configs.activate(v.config_id, reason=f"step {n}", expected_generation=None)
        for n, v in enumerate((a, b, a))
    ]
    assert [slot.generation for slot in slots] == [1, 2, 3]
    assert [slot.previous_id for slot in slots] == [None, a.config_id, b.config_id]
    assert await stores.configs.history() == tuple(reversed(slots))


async def test_activating_the_active_version_changes_nothing(stores: Stores) -> None:
    version = await stores.configs.put(a_version("a"))
    slot = await stores.configs.activate(version.config_id, reason="one", expected_generation=None)
    again = await stores.configs.activate(
        version.config_id[:12], reason="two", expected_generation=1
    )
    assert again == slot
    assert await stores.configs.history() == (slot,)


async def test_of_racing_activations_one_wins(stores: Stores) -> None:
    versions = [await stores.configs.put(a_version(name)) for name in "abcdef"]
    await stores.configs.activate(versions[0].config_id, reason="start", expected_generation=0)
    ended = await asyncio.gather(
        *(
            stores.configs.activate(v.config_id, reason="race", expected_generation=1)
            for v in versions[1:]
        ),
        return_exceptions=True,
    )
    assert sum(isinstance(each, Slot) for each in ended) == 1
    assert sum(isinstance(each, Conflict) for each in ended) == 4
    slot = await stores.configs.slot()
    assert slot is not None
    assert slot.generation == 2
