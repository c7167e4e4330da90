"""What every Idempotency does."""

import asyncio

import pytest

from service.domain.errors import Conflict, NotFound
from service.ports.idempotency import Idempotency, StoredResponse


async def test_the_first_answer_is_given_again(idempotency: Idempotency) -> None:
    assert await idempotency.begin("key", "POST /api/calls a") is None
    await idempotency.complete("key", status=201, body=b'{"n": "na\xc3\xafve \x00"}')
    again = await idempotency.begin("key", "POST /api/calls a")
    assert again == StoredResponse(status=201, body=b'{"n": "na\xc3\xafve \x00"}')


async def test_another_content_conflicts(idempotency: Idempotency) -> None:
    await idempotency.begin("key", "a")
    with pytest.raises(Conflict):
        await idempotency.begin("key", "b")
    await idempotency.complete("key", status=200, body=b"")
    with pytest.raises(Conflict):
        await idempotency.begin("key", "b")


async def test_of_racing_requests_one_goes_on(idempotency: Idempotency) -> None:
    ended = await asyncio.gather(
        *(idempotency.begin("key", "a") for _ in range(10)), return_exceptions=True
    )
    assert ended.count(None) == 1
    assert sum(isinstance(each, Conflict) for each in ended) == 9


async def test_an_abandoned_key_is_free(idempotency: Idempotency) -> None:
    await idempotency.begin("key", "a")
    await idempotency.abandon("key")
    assert await idempotency.begin("key", "b") is None


async def test_a_key_never_begun_cannot_be_completed(idempotency: Idempotency) -> None:
    with pytest.raises(NotFound):
        await idempotency.complete("key", status=200, body=b"")
