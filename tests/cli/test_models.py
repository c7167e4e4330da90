"""`reauto models` against a hub and an Ollama on loopback sockets."""

import asyncio
import json
import re
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest
from aiohttp import web
from typer.testing import CliRunner, Result

from cli.main import app
from evals.standins.ollama import OllamaStandIn
from service.voice.engines.catalogue import CATALOGUE, find
from tests.service.voice.engines.hub_double import HubDouble

ROOT = Path(__file__).resolve().parents[2]
EAR = {
    "config.json": b"{}",
    "model.bin": b"w" * 200_000,
    "tokenizer.json": b"t" * 2000,
    "vocabulary.txt": b"a",
}


def models(*words: str) -> Result:
    return CliRunner().invoke(app, ["models", *words])


def complaint(*words: str) -> str:
    result = models(*words)
    assert result.exit_code == 1
    assert result.stdout == ""
    assert result.stderr.startswith("error: ")
    assert result.stderr.count("\n") == 1
    return result.stderr


@pytest.fixture(autouse=True)
def models_dir(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("REAUTO_MODELS_DIR", str(tmp_path))
    monkeypatch.setenv("COLUMNS", "80")
    return tmp_path


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch) -> Iterator[HubDouble]:
    with HubDouble({"Systran/faster-whisper-base.en": EAR}) as double:
        monkeypatch.setenv("HF_ENDPOINT", f"{double.base_url}/")
        yield double


@pytest.fixture
def nowhere() -> Iterator[str]:
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        yield f"http://127.0.0.1:{nobody.getsockname()[1]}"


def test_the_list_shows_names_that_can_be_typed_and_licences():
    shown = models("list").stdout
    for entry in CATALOGUE:
        assert re.search(rf"{re.escape(entry.name)} .*{re.escape(entry.licence)}", shown)
    assert "reauto models pull NAME" in shown


def test_pull_without_a_name_explains_what_there_is():
    assert models("pull").stdout == models("list").stdout


def test_a_pulled_ear_is_marked_as_here_and_not_fetched_again(hub, models_dir):
    pulled = models("pull", "base.en")
    assert pulled.exit_code == 0, pulled.stderr
    assert "base.en is in " in pulled.stdout
    assert (models_dir / "whisper" / "base.en" / "model.bin").read_bytes() == EAR["model.bin"]
    (ear,) = (item for item in listed() if item["is_here"])
    assert (ear["name"], ear["kind"], ear["licence"]) == ("base.en", "whisper", "MIT")

    hub.requests.clear()
    again = json.loads(models("pull", "base.en", "--json", "-").stdout)
    assert again == {
        "name": "base.en",
        "kind": "whisper",
        "licence": "MIT",
        "where": str(models_dir / "whisper" / "base.en"),
        "was_here": True,
    }
    assert hub.requests == []


def listed() -> list[dict]:
    return json.loads(models("list", "--json", "-").stdout)["items"]


def test_progress_is_drawn_on_a_terminal_and_never_into_the_data(hub, monkeypatch):
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("TERM", "xterm")
    pulled = models("pull", "base.en", "--json", "-")
    assert json.loads(pulled.stdout)["was_here"] is False
    assert "model.bin" in pulled.stderr
    assert "100%" in pulled.stderr or "200.0/200.0 kB" in pulled.stderr


def test_a_broken_download_is_one_line_and_the_same_command_goes_on(hub, models_dir):
    hub.breaks["model.bin"] = 50_000
    assert "run the same command again" in complaint("pull", "base.en")
    assert not (models_dir / "whisper").exists()
    assert models("pull", "base.en").exit_code == 0
    assert any(span for _, span in hub.requests)


def test_offline_is_one_line_that_says_what_to_do(nowhere, models_dir, monkeypatch):
    monkeypatch.setenv("HF_ENDPOINT", nowhere)
    line = complaint("pull", "en_US-lessac-medium")
    assert "cannot be reached" in line
    assert f"put them into {models_dir / 'piper'}" in line


def test_an_unknown_name_is_answered_with_the_names_there_are():
    line = complaint("pull", "whisper-huge")
    assert "base.en" in line
    assert "qwen3:4b" in line


@pytest.mark.parametrize("name", ["llama3.1:8b", "qwen3:4b"])
async def test_language_models_come_through_ollama(name, monkeypatch):
    async with OllamaStandIn(models=()) as ollama:
        monkeypatch.setenv("REAUTO_OLLAMA__BASE_URL", ollama.base_url)
        first = await asyncio.to_thread(models, "pull", name, "--json", "-")
        assert first.exit_code == 0, first.stderr
        assert json.loads(first.stdout)["was_here"] is False
        assert ollama.models == [name]
        second = await asyncio.to_thread(models, "pull", name)
        assert f"{name} is already in Ollama at {ollama.base_url}" in " ".join(
            second.stdout.split()
        )


def test_without_ollama_the_line_says_to_start_it(nowhere, monkeypatch):
    monkeypatch.setenv("REAUTO_OLLAMA__BASE_URL", nowhere)
    assert "start Ollama" in complaint("pull", "llama3.1:8b")


async def test_a_pull_that_ollama_breaks_off_is_not_called_done(monkeypatch):
    async def tags(_request: web.Request) -> web.Response:
        return web.json_response({"models": []})

    async def pull(_request: web.Request) -> web.Response:
        steps = [{"status": "pulling manifest"}, {"status": "pulling 1", "total": 9}]
        return web.Response(text="".join(json.dumps(step) + "\n" for step in steps))

    application = web.Application()
    application.add_routes([web.get("/api/tags", tags), web.post("/api/pull", pull)])
    runner = web.AppRunner(application)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        url = f"http://127.0.0.1:{runner.addresses[0][1]}"
        monkeypatch.setenv("REAUTO_OLLAMA__BASE_URL", url)
        assert "broke off" in await asyncio.to_thread(complaint, "pull", "llama3.1:8b")
    finally:
        await runner.cleanup()


def test_every_name_that_the_documents_and_messages_tell_people_to_pull_is_known():
    texts = [ROOT / "README.md", *ROOT.glob("docs/**/*.md"), *ROOT.glob("service/**/*.py")]
    told = {
        name
        for path in texts
        for name in re.findall(r"reauto models pull ([\w.:-]+\w)", path.read_text())
    }
    assert len(told) >= 3
    assert {find(name).name for name in told} == told
