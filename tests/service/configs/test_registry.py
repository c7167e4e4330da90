"""ConfigRegistry: what the next call gets, across workers, rollbacks and an absent store."""

import asyncio

import pytest

from service.configs.registry import POLL_S, ConfigRegistry
from service.domain.errors import Conflict, NotFound, StorageUnavailable


async def test_empty_store_has_no_current_config(registry):
    with pytest.raises(NotFound, match="no AgentConfig is active"):
        await registry.current()
    assert await registry.slot() is None


async def test_default_is_stored_and_activated_once(registry, config, slower):
    version = await registry.ensure_default(config)
    assert version.config == config
    assert (await registry.ensure_default(slower)).config_id == config.config_id
    slot = await registry.slot()
    assert (slot.active_id, slot.generation) == (config.config_id, 1)
    assert [each.config_id for each in await registry.versions()] == [config.config_id]


async def test_workers_that_start_together_agree_on_the_default(store, clock, config):
    workers = [ConfigRegistry(store, clock) for _ in range(5)]
    versions = await asyncio.gather(*(worker.ensure_default(config) for worker in workers))
    assert {version.config_id for version in versions} == {config.config_id}
    assert (await store.slot()).generation == 1


async def test_activation_reaches_the_next_call_and_no_call_in_progress(registry, config, slower):
    await registry.ensure_default(config)
    in_progress = await registry.current()
    stored = await registry.store(slower, note="by hand", parent_id=config.config_id[:8])
    assert (await registry.current()).config_id == config.config_id
    await registry.activate(stored.config_id, reason="better", expected_generation=1)
    assert (await registry.current()).config_id == slower.config_id
    assert in_progress.config == config
    assert (await registry.get(in_progress.config_id)).config == config
    assert stored.parent_id == config.config_id


async def test_other_workers_follow_within_the_poll_interval(store, clock, config, slower):
    here, there = ConfigRegistry(store, clock), ConfigRegistry(store, clock)
    await here.ensure_default(config)
    await there.current()
    await here.activate((await here.store(slower)).config_id, reason="better")
    await clock.advance(POLL_S / 2)
    assert (await there.current()).config_id == config.config_id
    await clock.advance(POLL_S / 2)
    assert (await there.current()).config_id == slower.config_id


async def test_current_asks_the_store_once_per_interval(registry, store, clock, config):
    await registry.ensure_default(config)
    before = store.reads
    await asyncio.gather(*(registry.current() for _ in range(50)))
    assert store.reads == before
    await clock.advance(POLL_S)
    await asyncio.gather(*(registry.current() for _ in range(50)))
    assert store.reads == before + 1


async def test_last_known_good_serves_while_the_store_is_away(
    registry, store, clock, config, slower
):
    await registry.ensure_default(config)
    store.is_away = True
    await clock.advance(10)
    assert (await registry.current()).config == config
    assert (await registry.get(config.config_id)).config == config
    store.is_away = False
    await registry.activate((await registry.store(slower)).config_id, reason="back")
    assert (await registry.current()).config == slower


async def test_fresh_worker_cannot_start_calls_without_the_store(registry, store):
    store.is_away = True
    with pytest.raises(StorageUnavailable):
        await registry.current()


async def test_half_read_activation_keeps_the_last_known_good(
    registry, store, clock, config, slower, monkeypatch
):
    await registry.ensure_default(config)
    await store.activate(
        (await registry.store(slower)).config_id, reason="x", expected_generation=1
    )

    async def away(_config_id):
        raise StorageUnavailable("away")

    await clock.advance(POLL_S)
    with monkeypatch.context() as broken:
        broken.setattr(store, "get", away)
        assert (await registry.current()).config == config
    await clock.advance(POLL_S)
    assert (await registry.current()).config == slower


async def test_rollback_returns_to_the_version_before(registry, config, slower):
    await registry.ensure_default(config)
    with pytest.raises(Conflict, match="nothing to go back to"):
        await registry.rollback(reason="worse")
    await registry.activate((await registry.store(slower)).config_id, reason="better")
    slot = await registry.rollback(reason="worse")
    assert (slot.active_id, slot.previous_id, slot.generation, slot.reason) == (
        config.config_id,
        slower.config_id,
        3,
        "worse",
    )
    assert (await registry.current()).config == config


async def test_activation_that_others_overtook_is_refused(registry, config, slower):
    await registry.ensure_default(config)
    stored = await registry.store(slower)
    with pytest.raises(Conflict):
        await registry.activate(stored.config_id, reason="late", expected_generation=0)
    with pytest.raises(NotFound):
        await registry.activate("f" * 64, reason="unknown")
    assert (await registry.current()).config == config


async def test_parent_must_be_stored(registry, config):
    with pytest.raises(NotFound):
        await registry.store(config, parent_id="0" * 64)
