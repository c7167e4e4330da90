"""From a report to the next call: propose, promote, roll back, while a call keeps its config."""

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.lifecycle.town import Town, town

pytestmark = pytest.mark.timeout(240)

REPORT = {
    "totals": {
        "latency_waterfall_ms": {
            "end_of_turn": {"p50": 700, "p95": 1220, "n": 40},
            "transcription": {"p50": 120, "p95": 300, "n": 40},
        },
        "measured_turns": 40,
    }
}


@pytest.fixture
def running(server_folder: Path, request: pytest.FixtureRequest) -> Iterator[Town]:
    folder = server_folder / request.node.name
    folder.mkdir()
    with town(folder, drain_s=1.0) as made:
        made.up()
        yield made


def configs(made: Town, *words: str) -> Any:
    done = subprocess.run(
        [sys.executable, "-c", "from cli.main import run; run()", "configs", *words, "--json", "-"],
        env=made.environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def config_of_newest(made: Town) -> str:
    return str(made.service.get("/api/calls").json()["items"][0]["config_id"])


def test_a_promoted_config_serves_the_next_call_and_no_running_one(running: Town) -> None:
    report = running.folder / "report.json"
    report.write_text(json.dumps(REPORT))
    running.ring(1)
    first = config_of_newest(running)

    proposed = configs(running, "propose", "--from", str(report))
    assert [change["field"] for change in proposed["changes"]] == ["turn_taking.max_pause_ms"]
    configs(running, "promote", proposed["config_id"], "--reason", "shorter pauses")
    running.ring(1)
    assert config_of_newest(running) == proposed["config_id"]
    kept = running.service.get("/api/calls").json()["items"]
    assert sorted(call["config_id"] for call in kept) == sorted([first, proposed["config_id"]])

    configs(running, "rollback", "--reason", "too eager")
    assert configs(running, "show", "active")["config_id"] == first
