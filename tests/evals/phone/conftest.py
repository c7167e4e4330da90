"""Fixtures: a small service and the telephone network that calls it."""

from collections.abc import AsyncIterator

import httpx
import pytest

from evals.phone.network import PhoneNetwork
from tests.evals.phone.stage import FAST, OURS, SID, TOKEN, DeafEars, Service, running


@pytest.fixture
async def service() -> AsyncIterator[Service]:
    async with running(Service()) as service:
        yield service


@pytest.fixture
async def network(service: Service) -> AsyncIterator[PhoneNetwork]:
    async with PhoneNetwork(
        account_sid=SID,
        auth_token=TOKEN,
        api_keys={"SK1": "secret"},
        timing=FAST,
        ears=DeafEars(),
    ) as network:
        network.exchange.add_number(OURS)
        yield network
        # Both servers take a while to stop: let them do it at the same time.
        service.stop()


@pytest.fixture
async def api(network: PhoneNetwork) -> AsyncIterator[httpx.AsyncClient]:
    url = f"{network.base_url}/2010-04-01/Accounts/{SID}"
    async with httpx.AsyncClient(base_url=url, auth=(SID, TOKEN), verify=False) as client:
        yield client
