"""The marts, built together as one DuckDB file, and the snapshot that publishes them."""

from collections.abc import Iterator

import dagster as dg

from pipelines.lib.checks import CHECKS, Finding, examine
from pipelines.lib.snapshot import MARTS, SnapshotStore
from pipelines.lib.tables import RAW_TABLES
from service.settings import Settings

WRITER = "duckdb_writer"


@dg.multi_asset(
    specs=[
        dg.AssetSpec(
            name,
            deps=[table.name for table in RAW_TABLES],
            group_name="marts",
            kinds={"duckdb", "sql"},
        )
        for name in MARTS
    ],
    check_specs=[
        dg.AssetCheckSpec(check.name, asset=check.mart, blocking=check.blocking) for check in CHECKS
    ],
    pool=WRITER,
)
def marts(settings: dg.ResourceParam[Settings]) -> Iterator[dg.MaterializeResult]:  # type: ignore[type-arg]
    """Build a snapshot from the raw tables and check it; nobody reads it yet."""
    store = SnapshotStore(settings.data_dir)
    built = store.build()
    findings = examine(store, built.snapshot_id)
    for name in MARTS:
        yield dg.MaterializeResult(
            asset_key=name,
            metadata={
                "dagster/row_count": built.rows[name],
                "snapshot_id": built.snapshot_id,
                "path": dg.MetadataValue.path(str(built.path)),
            },
            check_results=[_result(found) for found in findings if found.check.mart == name],
        )


@dg.asset(deps=list(MARTS), group_name="marts", kinds={"duckdb"}, pool=WRITER)
def snapshot(
    context: dg.AssetExecutionContext, settings: dg.ResourceParam[Settings]
) -> dg.MaterializeResult:  # type: ignore[type-arg]
    """Point readers at the marts that were built and checked last."""
    built = context.instance.get_latest_materialization_event(dg.AssetKey(MARTS[0]))
    if built is None or built.asset_materialization is None:
        raise dg.Failure("the marts were never materialized", allow_retries=False)
    snapshot_id = str(built.asset_materialization.metadata["snapshot_id"].value)
    SnapshotStore(settings.data_dir).publish(snapshot_id)
    return dg.MaterializeResult(metadata={"snapshot_id": snapshot_id})


def _result(found: Finding) -> dg.AssetCheckResult:
    return dg.AssetCheckResult(
        check_name=found.check.name,
        asset_key=found.check.mart,
        passed=found.offending_rows == 0,
        severity=dg.AssetCheckSeverity.ERROR
        if found.check.blocking
        else dg.AssetCheckSeverity.WARN,
        metadata={"offending_rows": found.offending_rows, "examples": list(found.examples)},
    )
