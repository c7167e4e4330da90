"""The front door keeps data and logs apart, and ends errors in one line."""

import json
import subprocess
import sys
from pathlib import Path

RUN = [sys.executable, "-c"]


def reauto(folder: Path, script: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*RUN, script], cwd=folder, capture_output=True, text=True, timeout=60, check=False
    )


def test_logs_go_to_stderr(tmp_path: Path) -> None:
    script = (
        "import sys, structlog, typer\n"
        "from cli import main\n"
        "from cli.output import emit\n"
        "@main.app.command()\n"
        "def noisy() -> None:\n"
        "    structlog.get_logger().warning('something happened')\n"
        "    emit({'a': 1}, '-', lambda: '')\n"
        "sys.argv = ['reauto', 'noisy']\n"
        "main.run()\n"
    )
    done = reauto(tmp_path, script)
    assert json.loads(done.stdout) == {"a": 1}
    assert "something happened" in done.stderr


def test_an_error_is_one_line_and_a_failure(tmp_path: Path) -> None:
    done = reauto(
        tmp_path, "import sys; sys.argv = ['reauto', 'drain']; from cli.main import run; run()"
    )
    assert done.returncode == 1
    assert done.stdout == ""
    assert "REAUTO_REDIS_URL: is not set" in done.stderr
    assert "Traceback" not in done.stderr
