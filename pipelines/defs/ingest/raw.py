"""The analytics views as raw Parquet tables, one asset each, pulled incrementally."""

import dagster as dg

from pipelines.lib.extract import analytics_url
from pipelines.lib.parquet import RawStore
from pipelines.lib.pull import pull
from pipelines.lib.tables import RAW_CALLS, RAW_LEDGER, RAW_TURNS, RawTable
from service.settings import Settings

ROW_COUNT = "row_count_equals_source"


def _raw_asset(table: RawTable, *, after: tuple[str, ...] = ()) -> dg.AssetsDefinition:
    @dg.asset(
        name=table.name,
        deps=after,
        group_name="ingest",
        kinds={"postgres", "parquet"},
        description=f"`{table.view}` as Parquet, one file per UTC day of the call.",
        check_specs=[dg.AssetCheckSpec(ROW_COUNT, asset=table.name, blocking=True)],
    )
    def raw(settings: dg.ResourceParam[Settings]) -> dg.MaterializeResult:  # type: ignore[type-arg]
        pulled = pull(
            table, database_url=analytics_url(settings), store=RawStore(settings.data_dir)
        )
        return dg.MaterializeResult(
            metadata={
                "dagster/row_count": pulled.stored_rows,
                "rows_pulled": pulled.rows,
                "days_rewritten": pulled.days,
                "horizon_row_xid": pulled.row_xid,
            },
            check_results=[
                dg.AssetCheckResult(
                    check_name=ROW_COUNT,
                    passed=pulled.stored_rows == pulled.source_rows,
                    metadata={"stored": pulled.stored_rows, "source": pulled.source_rows},
                )
            ],
        )

    return raw


raw_calls = _raw_asset(RAW_CALLS)
raw_turns = _raw_asset(RAW_TURNS, after=(RAW_CALLS.name,))
raw_ledger = _raw_asset(RAW_LEDGER, after=(RAW_CALLS.name,))
