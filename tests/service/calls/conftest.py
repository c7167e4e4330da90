"""`desk`: one worker with a default config and nothing running."""

import pytest

from service.web.examples import CONFIG
from tests.service.calls.desk import Desk


@pytest.fixture
async def desk() -> Desk:
    desk = Desk()
    await desk.configs.ensure_default(CONFIG)
    return desk
