"""`office`: the parts behind the routes; `client` and `network` speak to them in process."""

from collections.abc import AsyncIterator

import httpx
import pytest

from service.web.examples import CONFIG
from tests.service.web.office import API_KEY, Network, Office, Stage, in_process


@pytest.fixture
async def office() -> Office:
    office = Office()
    await office.configs.ensure_default(CONFIG)
    return office


@pytest.fixture(scope="session")
def stage() -> Stage:
    return Stage()


@pytest.fixture
async def anonymous(office: Office, stage: Stage) -> AsyncIterator[httpx.AsyncClient]:
    """A client without a key."""
    stage.services = office.services()
    async with in_process(stage.app) as http:
        yield http


@pytest.fixture
def client(anonymous: httpx.AsyncClient) -> httpx.AsyncClient:
    """A client with a valid key."""
    anonymous.headers["Authorization"] = f"Bearer {API_KEY}"
    return anonymous


@pytest.fixture
def network(client: httpx.AsyncClient) -> Network:
    return Network(client)
