"""Runs the whole asset graph once, in this process, and says what came of it.

Nothing of the run is kept but the files it makes: the Dagster instance is ephemeral, so no server,
no `DAGSTER_HOME` and no database of Dagster's is needed. A deployment runs the same code location
under Dagster's own daemon instead.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import dagster as dg
import msgspec

from pipelines.definitions import defs
from pipelines.lib.snapshot import MARTS, SnapshotStore
from pipelines.lib.tables import RAW_TABLES
from service.domain.errors import Refused
from service.domain.ids import new_id
from service.settings import Settings

_QUIET: dict[str, Any] = {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}
_NO_TELEMETRY = {"telemetry": {"enabled": False}}
_ROW_COUNT = "dagster/row_count"


ASSETS = (*(table.name for table in RAW_TABLES), *MARTS, "snapshot")
"""What a run makes, in order."""


class RunSummary(msgspec.Struct, frozen=True, kw_only=True):
    """The snapshot that a run published.

    `rows` counts each raw table and mart; `warnings` tells of checks that failed without blocking.
    """

    snapshot_id: str
    snapshot_path: Path
    rows: dict[str, int]
    warnings: tuple[str, ...]


def materialize(
    settings: Settings, *, on_asset: Callable[[str], None] = lambda _: None
) -> RunSummary:
    """Pull the calls, build the marts, publish a snapshot; `on_asset` hears each finished asset.

    Raises Refused when a blocking check fails (readers keep the snapshot they had), InvalidSettings
    without a database, StorageUnavailable when it cannot be read.
    """
    run_id = str(new_id())
    journal = _Journal(on_asset)
    job = defs().resolve_implicit_global_asset_job_def()
    with dg.DagsterInstance.ephemeral(settings=_NO_TELEMETRY) as instance:
        instance.add_event_listener(run_id, journal.hear)
        try:
            job.execute_in_process(
                instance=instance,
                resources={"settings": settings},
                run_config=_QUIET,
                run_id=run_id,
            )
        except dg.DagsterError as error:
            if not journal.failed_checks:
                raise
            raise Refused(
                f"no snapshot was published: {'; '.join(journal.failed_checks)}"
            ) from error
    return RunSummary(
        snapshot_id=journal.snapshot_id,
        snapshot_path=SnapshotStore(settings.data_dir).path(journal.snapshot_id),
        rows=journal.rows,
        warnings=tuple(journal.failed_checks),
    )


class _Journal:
    """What a run reported while it ran."""

    def __init__(self, on_asset: Callable[[str], None]) -> None:
        self._on_asset = on_asset
        self.rows: dict[str, int] = {}
        self.failed_checks: list[str] = []
        self.snapshot_id = ""

    def hear(self, entry: dg.EventLogEntry) -> None:
        """Take in one event of the run."""
        materialized = entry.asset_materialization
        if materialized is not None:
            self._materialized(materialized)
        elif entry.asset_check_evaluation is not None:
            self._checked(entry.asset_check_evaluation)

    def _materialized(self, asset: dg.AssetMaterialization) -> None:
        name = asset.asset_key.to_user_string()
        if _ROW_COUNT in asset.metadata:
            self.rows[name] = int(str(asset.metadata[_ROW_COUNT].value))
        if "snapshot_id" in asset.metadata:
            self.snapshot_id = str(asset.metadata["snapshot_id"].value)
        self._on_asset(name)

    def _checked(self, evaluation: dg.AssetCheckEvaluation) -> None:
        if not evaluation.passed:
            name = f"{evaluation.asset_key.to_user_string()}.{evaluation.check_name}"
            detail = {key: value.value for key, value in evaluation.metadata.items()}
            self.failed_checks.append(f"check {name} failed: {detail}")
