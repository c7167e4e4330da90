"""No engine's process outlives a worker that is killed with -9."""

import os
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

ROOT = Path(__file__).resolve().parents[4]
PARENT = """
import asyncio, sys
from pathlib import Path
import psutil
from service.voice.engines.piper import PiperTextToSpeech
from service.voice.engines.pocketsphinx import PocketsphinxSpeechToText

ENGINES = {
    "piper": lambda: PiperTextToSpeech(Path("data/voices/en_US-espeakdistil-x_low.onnx")),
    "pocketsphinx": lambda: PocketsphinxSpeechToText(cache_dir=Path(sys.argv[2])),
}

async def main():
    await ENGINES[sys.argv[1]]().warm_up()
    print("children", *(child.pid for child in psutil.Process().children()), flush=True)
    await asyncio.Event().wait()

if __name__ == "__main__":
    asyncio.run(main())
"""


@pytest.mark.parametrize("engine", ["piper", "pocketsphinx"])
def test_no_process_outlives_a_killed_parent(engine: str, tmp_path: Path) -> None:
    script = tmp_path / "parent.py"
    script.write_text(PARENT)
    parent = subprocess.Popen(
        [sys.executable, str(script), engine, str(tmp_path)],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    with parent:
        assert parent.stdout is not None
        try:
            said = next((line for line in parent.stdout if line.startswith("children")), "")
            children = [psutil.Process(int(pid)) for pid in said.split()[1:]]
        finally:
            parent.kill()
    assert children
    _, alive = psutil.wait_procs(children, timeout=10)
    assert alive == []


def test_a_child_whose_parent_is_gone_ends_at_once() -> None:
    command = (sys.executable, "-m", "service.voice.engines.die_with_parent")
    orphan = subprocess.run([*command, "1", "/bin/true"], cwd=ROOT, check=False)
    assert orphan.returncode == 1
    child = subprocess.run([*command, str(os.getpid()), "/bin/true"], cwd=ROOT, check=False)
    assert child.returncode == 0
