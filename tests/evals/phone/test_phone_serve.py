"""The network as a process of its own: it says when it is ready, and ends on a signal."""

import asyncio
import json
import signal
import sys
import threading
from pathlib import Path

import httpx

from tests.evals.phone.stage import SID, TOKEN


async def test_the_process_announces_itself_and_ends_cleanly(tmp_path: Path) -> None:
    ready = tmp_path / "ready.json"
    command = ("--account-sid", SID, "--auth-token", TOKEN, "--ready-file", str(ready))
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "evals.phone.serve", *command
    )
    try:
        base_url = json.loads(await asyncio.to_thread(_contents, ready))["base_url"]
        async with httpx.AsyncClient(base_url=base_url) as client:
            assert (await client.get("/control/calls")).json() == []
            path = f"/2010-04-01/Accounts/{SID}.json"
            assert (await client.get(path, auth=(SID, TOKEN))).json()["sid"] == SID
    finally:
        process.send_signal(signal.SIGTERM)
        code = await asyncio.wait_for(process.wait(), timeout=20)
    assert code == 0


def _contents(path: Path) -> str:
    """Wait for another process to write the file; nothing but the file itself tells."""
    pause = threading.Event()
    for _ in range(600):
        if path.exists():
            return path.read_text()
        pause.wait(0.1)
    raise TimeoutError("the network was not ready within a minute")
