from typing import Any

import dagster as dg
import pytest

from pipelines.definitions import defs
from pipelines.lib.checks import CHECKS
from pipelines.run import ASSETS


@pytest.fixture(scope="module")
def graph() -> Any:
    return defs().resolve_asset_graph()


def test_there_is_an_asset_for_each_table_and_one_to_publish(graph: Any) -> None:
    keys = {key.to_user_string() for key in graph.get_all_asset_keys()}
    assert keys == set(ASSETS)


def test_calls_are_pulled_before_what_belongs_to_them(graph: Any) -> None:
    calls = dg.AssetKey("raw_calls")
    for name in ("raw_turns", "raw_ledger"):
        assert graph.get(dg.AssetKey(name)).parent_keys == {calls}
    marts = graph.get(dg.AssetKey("snapshot")).parent_keys
    assert {key.to_user_string() for key in marts} == {
        "call_facts",
        "turn_facts",
        "latency_waterfall",
        "cost_facts",
    }


def test_what_must_hold_blocks_and_what_should_hold_warns(graph: Any) -> None:
    blocking = {
        f"{key.asset_key.to_user_string()}.{key.name}": graph.get_check_spec(key).blocking
        for key in graph.asset_check_keys
    }
    assert blocking == {
        **{f"{name}.row_count_equals_source": True for name in ASSETS[:3]},
        **{f"{check.mart}.{check.name}": check.blocking for check in CHECKS},
    }


def test_one_writer_at_a_time_touches_the_snapshots() -> None:
    assert defs().resolve_assets_def("snapshot").op.pool == "duckdb_writer"
    assert defs().resolve_assets_def("call_facts").op.pool == "duckdb_writer"
