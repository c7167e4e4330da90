"""The Dagster code location: everything under `pipelines/defs`."""

from pathlib import Path

import dagster as dg


@dg.definitions
def defs() -> dg.Definitions:
    """Collect the assets, checks and resources of `pipelines/defs`."""
    return dg.load_from_defs_folder(path_within_project=Path(__file__).parent)
