"""SIGTERM, `reauto drain` and kill -9, with people on the line."""

import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from service.adapters.postgres.embedded import EmbeddedPostgres, binaries
from tests.lifecycle.town import Town, eventually, town

CALLS = 5
GRACE_S = 2.0
pytestmark = pytest.mark.timeout(240)


@pytest.fixture
def running(server_folder: Path, request: pytest.FixtureRequest) -> Iterator[Town]:
    folder = server_folder / request.node.name
    folder.mkdir()
    with town(folder, drain_s=GRACE_S) as made:
        made.up()
        yield made


def stored(made: Town, query: str) -> list[dict[str, Any]]:
    """Rows of the service's own database, read after it has stopped."""
    postgres = EmbeddedPostgres(made.folder / "data" / "local" / "postgres")
    url = postgres.start()
    try:
        answer = subprocess.run(
            [binaries() / "psql", "--no-psqlrc", "-At", url],
            input=f"SELECT coalesce(json_agg(t), '[]') FROM ({query}) t;",
            capture_output=True,
            check=True,
            text=True,
            timeout=60,
        )
    finally:
        postgres.stop()
    return list(json.loads(answer.stdout))


def alive(processes: list[psutil.Process]) -> list[psutil.Process]:
    """Those that still run; an orphan that init has not reaped yet is dead."""
    return [p for p in processes if p.is_running() and p.status() != psutil.STATUS_ZOMBIE]


def test_sigterm_with_live_calls_lets_them_say_goodbye_and_loses_no_turn(running: Town) -> None:
    running.ring(CALLS)
    tree = running.processes()
    assert running.end(signal.SIGTERM, within_s=GRACE_S + 60) == 0
    assert alive(tree) == []
    eventually(
        lambda: all(leg["status"] == "completed" for leg in running.legs()),
        within_s=15,
        what="every caller was hung up",
    )
    calls = stored(running, "SELECT call_id, outcome FROM calls JOIN conversations USING (call_id)")
    assert len(calls) == CALLS
    turns = stored(running, "SELECT call_id, turn_index, agent_heard FROM turns ORDER BY 1, 2")
    for call in calls:
        mine = [turn for turn in turns if turn["call_id"] == call["call_id"]]
        assert [turn["turn_index"] for turn in mine] == list(range(len(mine)))
        assert "goodbye" in mine[-1]["agent_heard"].lower()


def test_drain_empties_one_worker_and_admits_nobody(running: Town) -> None:
    running.ring(2)
    state = json.loads((running.folder / "data" / "local" / "supervisor.json").read_text())
    assert "w0" in state["children"]
    drained = subprocess.run(
        [sys.executable, "-c", "from cli.main import run; run()", "drain", "--json", "-"],
        env=running.environment,
        capture_output=True,
        text=True,
        timeout=90,
        check=False,
    )
    assert drained.returncode == 0, drained.stderr
    assert json.loads(drained.stdout) == {"worker_id": "w0", "calls_left": 0}
    assert running.live() == []
    before = len(running.legs())
    body = {"from": "+15551239999", "to": "+15550100001", "scenario": "silent"}
    running.network.post("/control/ring", json=body).raise_for_status()
    refused = eventually(
        lambda: [
            leg for leg in running.legs() if leg["status"] == "completed" and not leg["streams"]
        ],
        within_s=30,
        what="the next caller was told that all lines are busy",
    )
    assert len(refused) == 1
    assert len(running.legs()) == before + 1


def test_kill_9_of_the_supervisor_is_cleaned_up_by_the_next_start(running: Town) -> None:
    running.ring(1)
    orphans = running.processes()
    assert orphans
    running.end(signal.SIGKILL, within_s=10)
    running.up()
    assert alive(orphans) == []
    calls = running.service.get("/api/calls").json()["items"]
    assert [call["outcome"] is not None for call in calls] == [True]
    running.ring(1)
