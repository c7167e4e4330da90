import asyncio
import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import jupytext
import nbclient
import nbformat
import pytest

from pipelines.lib.parquet import RawStore
from pipelines.lib.pull import pull
from pipelines.lib.snapshot import SnapshotStore
from pipelines.lib.tables import RAW_TABLES
from service.measures.cost import call_cost, total_usd
from service.measures.latency import percentiles, response_latencies_ms
from tests.pipelines.seed import live, some_history, write

ROOT = Path(__file__).resolve().parents[2]
RESULTS = """
import msgspec
print(msgspec.json.encode({
    "snapshot_id": snapshot_id,
    "components": dict(zip(cost_by_component["component"], cost_by_component["cost_usd"])),
    "usd_per_lead": usd_per_lead,
    "calls_without_cost": lead_cost.calls_without_cost,
    "response_latency": response_latency,
    "waterfall_end_ms": float(waterfall["end_ms"].iloc[-1]),
}).decode())
"""


def figures(notebook: Any) -> list[str]:
    outputs = [output for cell in notebook.cells for output in cell.get("outputs", ())]
    shown = [output["data"].get("text/html", "") for output in outputs if "data" in output]
    return [html for html in shown if "vega" in html]


def test_the_notebook_shows_what_the_calls_cost_and_how_long_they_waited(
    postgres_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    history = some_history()
    asyncio.run(write(postgres_url, history))
    for table in RAW_TABLES:
        pull(table, database_url=postgres_url, store=RawStore(tmp_path))
    built = SnapshotStore(tmp_path).build()
    SnapshotStore(tmp_path).publish(built.snapshot_id)
    monkeypatch.setenv("REAUTO_DATA_DIR", str(tmp_path))
    monkeypatch.setenv("IPYTHONDIR", str(tmp_path / "ipython"))
    monkeypatch.setenv("JUPYTER_RUNTIME_DIR", str(tmp_path / "jupyter"))

    notebook = jupytext.read(ROOT / "notebooks" / "cost_and_latency.py")
    notebook.cells.append(nbformat.v4.new_code_cell(RESULTS))
    client = nbclient.NotebookClient(
        notebook, timeout=60, resources={"metadata": {"path": str(ROOT)}}
    )
    client.execute()

    results = json.loads(notebook.cells[-1]["outputs"][0]["text"])
    assert results["snapshot_id"] == built.snapshot_id
    calls = live(history)
    lines = [line for seeded in calls for line in seeded.lines]
    for component in ("telephony", "language_model"):
        cost = call_cost(line for line in lines if line.component == component).cost_usd
        assert Decimal(results["components"][component]) == cost
    qualified = sum(seeded.outcome.value == "qualified" for seeded in calls)
    spent = total_usd(line.cost_usd for line in lines)
    assert spent is not None
    assert Decimal(results["usd_per_lead"]) == spent / qualified
    assert results["calls_without_cost"] == 1
    latencies = response_latencies_ms(turn for seeded in calls for turn in seeded.turns)
    found = percentiles(latencies)
    assert found is not None
    assert results["response_latency"] == pytest.approx(
        {"p50": found.p50, "p95": found.p95, "n": found.n}
    )
    assert results["waterfall_end_ms"] == pytest.approx(sum(latencies) / len(latencies))
    assert len(figures(notebook)) == 2
    assert all(built.snapshot_id in figure for figure in figures(notebook))
