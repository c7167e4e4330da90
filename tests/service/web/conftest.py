"""`office`: the parts behind the routes; `client` and `network` speak to them in process."""

from collections.abc import AsyncIterator

import httpx
import pytest

from service.web.examples import CONFIG
from tests.service.web.office import API_KEY, Network, Office, in_process


@pytest.fixture
async def office() -> Office:
    office = Office()
    await office.configs.ensure_default(CONFIG)
    return office


@pytest.fixture
async def client(office: Office) -> AsyncIterator[httpx.AsyncClient]:
    """An API client with a valid key."""
    async with in_process(office) as http:
        http.headers["Authorization"] = f"Bearer {API_KEY}"
        yield http


@pytest.fixture
def network(client: httpx.AsyncClient) -> Network:
    return Network(client)
