"""What a killed supervisor left running is found by identity and ended."""

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from service.domain.errors import Conflict
from service.supervisor.leftovers import STATE_FILE, Roster, sweep

SLEEPER = [sys.executable, "-c", "import time; time.sleep(600)"]


@pytest.fixture
def child() -> Iterator[subprocess.Popen[bytes]]:
    process = subprocess.Popen(SLEEPER)
    yield process
    process.kill()
    process.wait()


def orphan(folder: Path, child: subprocess.Popen[bytes], **changes: float) -> None:
    """A state file as a killed supervisor leaves it."""
    roster = Roster(folder)
    roster.note("w0", child.pid)
    state = json.loads((folder / STATE_FILE).read_text())
    state["supervisor"]["started_at"] -= 1000
    state["children"]["w0"].update(changes)
    (folder / STATE_FILE).write_text(json.dumps(state))


def test_children_of_a_dead_supervisor_are_ended(
    tmp_path: Path, child: subprocess.Popen[bytes]
) -> None:
    orphan(tmp_path / "demo-1", child)
    assert sweep(tmp_path) == 1
    assert not psutil.pid_exists(child.pid)
    assert sweep(tmp_path) == 0


def test_the_service_of_a_dead_demo_is_ended_too(
    tmp_path: Path, child: subprocess.Popen[bytes]
) -> None:
    orphan(tmp_path / "demo-1" / "local", child)
    assert sweep(tmp_path) == 1
    assert not psutil.pid_exists(child.pid)


def test_a_supervisor_that_never_started_leaves_the_others_file(
    tmp_path: Path, child: subprocess.Popen[bytes]
) -> None:
    Roster(tmp_path).note("w0", child.pid)
    Roster(tmp_path).clear()
    assert (tmp_path / STATE_FILE).exists()


def test_another_process_with_the_same_pid_is_left_alone(
    tmp_path: Path, child: subprocess.Popen[bytes]
) -> None:
    orphan(tmp_path, child, started_at=psutil.Process(child.pid).create_time() - 500)
    assert sweep(tmp_path) == 0
    assert child.poll() is None


def test_a_living_supervisor_of_the_same_folder_is_a_conflict(
    tmp_path: Path, child: subprocess.Popen[bytes]
) -> None:
    Roster(tmp_path).note("w0", child.pid)
    with pytest.raises(Conflict):
        sweep(tmp_path)
    assert child.poll() is None


def test_a_living_supervisor_of_another_folder_is_left_alone(
    tmp_path: Path, child: subprocess.Popen[bytes]
) -> None:
    Roster(tmp_path / "demo-1").note("w0", child.pid)
    assert sweep(tmp_path) == 0
    assert child.poll() is None
