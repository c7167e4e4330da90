"""Engines are chosen for the device that the settings name."""

from pathlib import Path

import pytest

from evals.standins.ollama import OllamaStandIn
from service.bootstrap.engines import choose_engines
from service.settings import EngineSettings, OllamaSettings, Settings
from service.web.examples import CONFIG


@pytest.mark.parametrize(("device", "model"), [("cpu", "base.en"), ("cuda", "large-v3")])
async def test_the_recogniser_model_fits_the_device(
    tmp_path: Path, device: str, model: str
) -> None:
    for name in ("base.en", "large-v3"):
        (tmp_path / "whisper" / name).mkdir(parents=True)
        (tmp_path / "whisper" / name / "model.bin").touch()
    async with OllamaStandIn() as server:
        settings = Settings(
            models_dir=tmp_path,
            engines=EngineSettings(device=device),
            ollama=OllamaSettings(base_url=server.base_url),
        )
        engines = await choose_engines(settings, CONFIG)
        for engine in (engines.stt, engines.llm, engines.tts):
            await engine.close()
    assert engines.labels["stt"] == f"faster_whisper:{model}"
