"""The Piper server process in surroundings that are not ours."""

from pathlib import Path

import pytest

from service.voice.engines.piper_server import PiperServer

VOICES = Path(__file__).resolve().parents[4] / "data" / "voices"


@pytest.mark.parametrize("variable", ["HTTP_PROXY", "ALL_PROXY"])
async def test_a_proxy_of_the_machine_is_not_asked_for_loopback(
    monkeypatch: pytest.MonkeyPatch, variable: str
) -> None:
    for name in ("HTTP_PROXY", "ALL_PROXY", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)
    monkeypatch.setenv(variable, "http://127.0.0.1:9")
    server = PiperServer(VOICES / "en_US-espeakdistil-x_low.onnx", start_deadline_s=10)
    await server.start()
    assert server.pid is not None
    await server.stop()
    assert server.pid is None
