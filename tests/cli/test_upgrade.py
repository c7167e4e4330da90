"""An upgrade shows what changed, and puts the old pins back when the new ones fail."""

import os
import sys
from pathlib import Path

import pytest

from cli.upgrade import changed, main

OLD = "a==1.0 \\\n    --hash=sha256:0\nb==2.0 ; python_version < '3.12'\nb==2.1\n"
NEW = "a==1.1 \\\n    --hash=sha256:1\nb==2.0 ; python_version < '3.12'\nb==2.1\nc==3\n"


def test_only_differences_are_shown() -> None:
    assert changed(OLD, NEW) == ["a 1.0 -> 1.1", "c - -> 3"]
    assert changed(NEW, NEW) == []


@pytest.mark.parametrize(("tests_pass", "code", "left"), [(True, 0, NEW), (False, 1, OLD)])
def test_failing_pins_are_taken_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, tests_pass: bool, code: int, left: str
) -> None:
    _program(tmp_path / "uv", f"open('requirements.txt', 'w').write({NEW!r})")
    failing = "sys.exit('check' in sys.argv)" if not tests_pass else ""
    _program(tmp_path / "make", f"import sys\n{failing}")
    (tmp_path / "requirements.txt").write_text(OLD)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    assert main([]) == code
    assert (tmp_path / "requirements.txt").read_text() == left
    assert not (tmp_path / "requirements.before").exists()


def _program(path: Path, text: str) -> None:
    path.write_text(f"#!{sys.executable}\n{text}\n")
    path.chmod(0o755)
