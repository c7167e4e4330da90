"""`reauto configs` against the real web application on a loopback socket."""

import asyncio
import json
import os
import socket
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import msgspec
import pytest
from structlog.testing import capture_logs
from typer.testing import CliRunner, Result

from cli.api import ApiClient, ServiceError
from cli.configs import app
from service.configs.registry import ConfigRegistry
from service.domain.agent_config import AgentConfig
from service.web.examples import CONFIG
from tests.service.web.office import API_KEY, Office, served

SLOW_TURNS = {"end_of_turn": {"p50": 400.0, "p95": 1990.0, "n": 40}}


class Service:
    """A served office, and a way to run commands against it."""

    def __init__(self, url: str, configs: ConfigRegistry) -> None:
        self.url = url
        self.configs = configs

    async def run(self, *words: str, key: str = API_KEY) -> Result:
        arguments = [*words, "--url", self.url, "--api-key", key]
        return await asyncio.to_thread(CliRunner().invoke, app, arguments)

    async def data(self, *words: str) -> dict:
        result = await self.run(*words, "--json", "-")
        assert result.exit_code == 0, result.stderr
        return json.loads(result.stdout)


@pytest.fixture
async def service() -> AsyncIterator[Service]:
    office = Office()
    await office.configs.ensure_default(CONFIG)
    # The server shares this process, so its log would mix with what the commands print.
    with capture_logs():
        async with served(office.app()) as address:
            yield Service(f"http://{address}", office.configs)


@pytest.fixture
def report(tmp_path: Path) -> Path:
    path = tmp_path / "demo.json"
    path.write_text(json.dumps({"totals": {"latency_waterfall_ms": SLOW_TURNS}, "calls": []}))
    return path


def quicker(config: AgentConfig) -> AgentConfig:
    taking = msgspec.structs.replace(config.turn_taking, pause_ms=180)
    return msgspec.structs.replace(config, turn_taking=taking)


async def test_proposal_is_stored_inactive_promoted_and_rolled_back(service, report):
    proposal = await service.data("propose", "--from", str(report))
    assert proposal["parent_id"] == CONFIG.config_id
    assert [change["field"] for change in proposal["changes"]] == ["turn_taking.max_pause_ms"]
    assert (await service.configs.current()).config_id == CONFIG.config_id

    difference = await service.data("diff", "active", proposal["config_id"][:12])
    assert difference["changes"] == proposal["changes"]

    slot = await service.data("promote", proposal["config_id"][:12], "--reason", "faster")
    assert (slot["active_id"], slot["previous_id"]) == (proposal["config_id"], CONFIG.config_id)
    assert (await service.configs.current()).config_id == proposal["config_id"]

    slot = await service.data("rollback", "--reason", "worse")
    assert slot["active_id"] == CONFIG.config_id
    assert (await service.configs.current()).config_id == CONFIG.config_id

    stored = await service.configs.get(proposal["config_id"])
    assert stored.parent_id == CONFIG.config_id
    assert stored.note.startswith("proposed from demo.json: measured on 40 turns")


async def test_people_get_text(service, report):
    proposal = await service.run("propose", "--from", str(report))
    assert proposal.exit_code == 0
    assert "turn_taking.max_pause_ms" in proposal.stdout
    assert "reauto configs promote" in proposal.stdout
    listed = await service.run("list")
    assert CONFIG.config_id[:12] in listed.stdout
    assert "*" in listed.stdout
    shown = await service.run("show", "active")
    assert f"# {CONFIG.config_id}" in shown.stdout
    assert "max_pause_ms:" in shown.stdout
    same = await service.run("diff", "active", CONFIG.config_id[:8])
    assert same.stdout.strip() == "no difference"
    rolled = await service.run("rollback", "--reason", "x")
    assert (rolled.exit_code, rolled.stderr.strip()) == (
        1,
        "error: no config was active before this one: nothing to go back to",
    )


async def test_show_and_list_as_data(service):
    version = await service.data("show", CONFIG.config_id[:10])
    assert msgspec.convert(version["config"], type=AgentConfig) == CONFIG
    (item,) = (await service.data("list"))["items"]
    assert (item["config_id"], item["is_active"]) == (CONFIG.config_id, True)


async def test_json_file_is_written_beside_the_text(service, tmp_path: Path):
    path = tmp_path / "list.json"
    result = await service.run("list", "--json", str(path))
    assert CONFIG.config_id[:12] in result.stdout
    assert json.loads(path.read_text())["items"][0]["config_id"] == CONFIG.config_id
    assert os.listdir(tmp_path) == ["list.json"]
    refused = await service.run("list", "--json", str(tmp_path / "no" / "such" / "folder.json"))
    assert refused.exit_code == 1
    assert "cannot be written" in refused.stderr


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        (["show", "ffffffff"], "404"),
        (["show", "../calls"], "not a config id"),
        (["show", "zz"], "422|404"),
        (["promote", "ffffffff", "--reason", "x"], "404"),
        (["promote", "active", "--reason", "x", "--expected-generation", "7"], "409"),
        (["propose", "--from", "/no/such/report.json"], "cannot be read"),
    ],
)
async def test_what_cannot_be_done_is_one_line_and_exit_code_1(service, words, complaint):
    result = await service.run(*words)
    assert result.exit_code == 1
    assert result.stderr.startswith("error: ")
    assert result.stderr.count("\n") == 1
    assert any(part in result.stderr for part in complaint.split("|"))
    assert result.stdout == ""


async def test_report_with_too_few_turns_stores_nothing(service, tmp_path: Path):
    few = {"end_of_turn": {"p50": 400.0, "p95": 1990.0, "n": 12}}
    path = tmp_path / "few.json"
    path.write_text(json.dumps({"totals": {"latency_waterfall_ms": few}}))
    result = await service.run("propose", "--from", str(path))
    assert result.exit_code == 1
    assert "12 measured turns" in result.stderr
    assert len(await service.configs.versions()) == 1


async def test_proposal_may_start_from_any_version(service, report):
    other = await service.configs.store(quicker(CONFIG))
    proposal = await service.data("propose", "--from", str(report), "--base", other.config_id[:8])
    assert proposal["parent_id"] == other.config_id


async def test_wrong_key_is_refused(service):
    result = await service.run("list", key="wrong")
    assert result.exit_code == 1
    assert "401" in result.stderr


def test_service_that_is_not_there_is_said_so():
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{unused.getsockname()[1]}"
        result = CliRunner().invoke(app, ["list", "--url", url, "--api-key", "k"])
    assert result.exit_code == 1
    assert (
        f"error: the service does not answer at {url}: start it with `reauto up`" in result.stderr
    )


def test_key_and_address_come_from_the_settings(monkeypatch, tmp_path: Path):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("REAUTO_API_KEYS", raising=False)
    result = CliRunner().invoke(app, ["list"])
    assert (result.exit_code, "REAUTO_API_KEYS" in result.stderr) == (1, True)
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        port = unused.getsockname()[1]
        monkeypatch.setenv("REAUTO_API_KEYS", "first,second")
        monkeypatch.setenv("REAUTO_PORT", str(port))
        result = CliRunner().invoke(app, ["list"])
    assert f"http://127.0.0.1:{port}" in result.stderr


async def test_somebody_else_on_that_port_is_told_apart():
    async def greet(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nConnection: close\r\n\r\nhello")
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(greet, "127.0.0.1", 0)
    host, port = server.sockets[0].getsockname()
    async with server:
        api = ApiClient(f"http://{host}:{port}", "k")
        with api, pytest.raises(ServiceError, match="is not this service"):
            await asyncio.to_thread(api.get, "/agent-configs", AgentConfig)


def test_error_page_that_is_no_problem_document_still_gives_the_status(monkeypatch):
    def gateway(_request: httpx.Request) -> httpx.Response:
        return httpx.Response(502, text="<html>bad gateway</html>")

    api = ApiClient("http://service", "k")
    monkeypatch.setattr(api, "_http", httpx.Client(transport=httpx.MockTransport(gateway)))
    with pytest.raises(ServiceError, match="HTTP 502") as caught:
        api.get("http://service/api/agent-configs", AgentConfig)
    assert caught.value.status == 502
