"""The Ollama adapter against the stand-in, over real sockets: replies, deadlines, failures."""

import asyncio
import socket
from collections.abc import AsyncIterator

import msgspec
import pytest
import structlog
from aiohttp import web

from evals.standins.dialogue_policy import Reply
from evals.standins.ollama import DEFAULT_MODEL, OllamaStandIn
from evals.standins.ollama_wire import Fault
from service.adapters.ollama.language_model import OllamaLanguageModel
from service.domain.agent_config import LanguageModelChoice
from service.domain.errors import LanguageModelError
from service.domain.ids import new_id
from service.observability.tracing import following_call, parse_traceparent
from service.ports.language import Message, ReplyEnded, TextDelta

PATIENCE_S = 5.0
CHOICE = LanguageModelChoice(context_tokens=2048, max_tokens=64, temperature=0.1)
HELLO = [Message("system", "You are brief."), Message("user", "hello there")]
REPLY = "Hello, how are you today?"


def worded(_messages: list[dict[str, str]]) -> Reply:
    return Reply(REPLY, prompt_tokens=17)


@pytest.fixture
async def standin() -> AsyncIterator[OllamaStandIn]:
    async with OllamaStandIn(policy=worded) as server:
        yield server


@pytest.fixture
async def model(standin: OllamaStandIn) -> AsyncIterator[OllamaLanguageModel]:
    language_model = OllamaLanguageModel(standin.base_url)
    yield language_model
    await language_model.close()


async def reply(model: OllamaLanguageModel, choice: LanguageModelChoice = CHOICE) -> str:
    return "".join(
        [each.text async for each in model.chat(HELLO, choice=choice) if type(each) is TextDelta]
    )


async def failure(
    model: OllamaLanguageModel, choice: LanguageModelChoice = CHOICE
) -> LanguageModelError:
    with pytest.raises(LanguageModelError) as caught:
        await reply(model, choice)
    return caught.value


def deadline(*, first_token_ms: int = 4000, reply_ms: int = 4000) -> LanguageModelChoice:
    return msgspec.structs.replace(
        CHOICE, first_token_timeout_ms=first_token_ms, reply_timeout_ms=reply_ms
    )


async def test_a_reply_streams_and_ends_with_its_counts(model) -> None:
    events = [event async for event in model.chat(HELLO, choice=CHOICE)]

    assert "".join(event.text for event in events[:-1]) == REPLY
    assert len(events) > 5
    assert events[-1] == ReplyEnded(
        provider="ollama", model=DEFAULT_MODEL, prompt_tokens=17, completion_tokens=len(events) - 1
    )


async def test_the_request_carries_the_choice_and_tells_the_model_not_to_think(
    model, standin
) -> None:
    await reply(model)

    sent = standin.requests[0]
    assert sent["model"] == DEFAULT_MODEL
    assert sent["stream"] is True
    assert sent["think"] is False
    assert sent["keep_alive"] == "30m"
    assert sent["options"] == {"num_ctx": 2048, "num_predict": 64, "temperature": 0.1}
    assert [message["role"] for message in sent["messages"]] == ["system", "user"]


async def test_thinking_in_the_content_is_never_passed_on(model, standin) -> None:
    standin.fail_next(Fault.THINKS_ALOUD)

    assert await reply(model) == REPLY


async def test_the_reply_is_bounded_by_max_tokens(model) -> None:
    short = msgspec.structs.replace(CHOICE, max_tokens=16)
    events = [event async for event in model.chat(HELLO * 2, choice=short)]

    assert len(events) <= 17


@pytest.mark.parametrize(
    ("fault", "code", "retryable"),
    [
        (Fault.BUSY, 503, True),
        (Fault.ERROR_MID_STREAM, -1, True),
        (Fault.BREAKS_OFF, "broken", True),
        (Fault.GARBAGE, "garbage", True),
        (Fault.EMPTY, "empty", True),
    ],
)
async def test_each_failure_is_one_error_that_says_what_to_do(
    model, standin, fault: Fault, code: int | str, retryable: bool
) -> None:
    standin.fail_next(fault)

    error = await failure(model)

    assert (error.code, error.retryable) == (code, retryable)
    assert await reply(model) == REPLY


@pytest.mark.parametrize(
    ("fault", "choice"),
    [
        (Fault.STALL, deadline(first_token_ms=60)),
        (Fault.STALL_MID_STREAM, deadline(reply_ms=120)),
    ],
)
async def test_a_stall_ends_at_the_deadline_and_cancels_the_request(
    model, standin, fault: Fault, choice: LanguageModelChoice
) -> None:
    standin.fail_next(fault)

    error = await failure(model, choice)

    assert (error.code, error.retryable) == ("timeout", True)
    await until(lambda: standin.cancelled == 1 and standin.in_flight == 0)


async def test_an_endless_reply_ends_at_the_deadline() -> None:
    endless = Reply("and so on " * 5000, prompt_tokens=1)
    async with OllamaStandIn(policy=lambda _: endless, token_ms=5) as server:
        model = OllamaLanguageModel(server.base_url)
        choice = msgspec.structs.replace(deadline(reply_ms=150), max_tokens=1024)
        assert (await failure(model, choice)).code == "timeout"
        await model.close()


async def test_closing_early_cancels_the_request_at_the_server() -> None:
    async with OllamaStandIn(policy=worded, token_ms=100) as server:
        model = OllamaLanguageModel(server.base_url)
        events = model.chat(HELLO, choice=CHOICE)
        await anext(events)
        await events.aclose()
        await until(lambda: server.cancelled == 1 and server.in_flight == 0)
        await model.close()


async def test_a_missing_model_names_the_command_that_fetches_it(model) -> None:
    other = msgspec.structs.replace(CHOICE, model="qwen3:4b")

    error = await failure(model, other)
    with pytest.raises(LanguageModelError, match="reauto models pull qwen3:4b"):
        await model.warm_up(other)

    assert "reauto models pull qwen3:4b" in str(error)
    assert (error.code, error.retryable) == (404, False)


async def test_nobody_listening_names_the_address() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{free.getsockname()[1]}"
    model = OllamaLanguageModel(url)

    error = await failure(model)
    with pytest.raises(LanguageModelError, match=url):
        await model.probe()
    with pytest.raises(LanguageModelError, match=url):
        await anext(model.pull("llama3.1:8b"))
    await model.close()

    assert url in str(error)
    assert (error.code, error.retryable) == ("unreachable", True)


@pytest.mark.parametrize("body", ["<html>nginx</html>", "[1]", "7", '{"models": 3}', "{}"])
async def test_another_kind_of_server_is_an_error_not_a_crash(body: str) -> None:
    async def everything(_request: web.Request) -> web.Response:
        return web.Response(text=body)

    app = web.Application()
    app.add_routes([web.route("*", "/{path:.*}", everything)])
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    model = OllamaLanguageModel(f"http://127.0.0.1:{runner.addresses[0][1]}")

    assert (await failure(model)).code == "garbage"
    with pytest.raises(LanguageModelError):
        await model.has_model("llama3.1:8b")
    with pytest.raises(LanguageModelError):
        await model.version()
    await model.close()
    await runner.cleanup()


async def test_the_probe_tells_the_server_and_its_model(model, standin) -> None:
    detail = await model.probe()

    assert "0.0.0-stand-in" in detail
    assert DEFAULT_MODEL in detail
    standin.models.clear()
    with pytest.raises(LanguageModelError, match="reauto models pull"):
        await model.probe()


async def test_a_model_name_without_a_tag_means_latest(model, standin) -> None:
    standin.models[:] = ["llama3.1:8b", "mistral:latest"]

    assert await model.has_model("llama3.1:8b")
    assert await model.has_model("mistral")
    assert not await model.has_model("llama3.1")


async def test_warm_up_loads_the_model_with_the_context_of_the_choice(model, standin) -> None:
    await model.warm_up(CHOICE)

    sent = standin.requests[0]
    assert sent["messages"] == []
    assert sent["options"] == {"num_ctx": 2048}
    assert sent["keep_alive"] == "30m"


async def test_pull_reports_progress_and_the_model_is_there_after_it(model, standin) -> None:
    standin.models.clear()

    steps = [step async for step in model.pull("llama3.1:8b")]

    assert steps[0].status == "pulling manifest"
    assert steps[-1].status == "success"
    done = [step.completed for step in steps if step.completed is not None]
    assert done == sorted(done)
    assert done[-1] == steps[-4].total
    assert await model.has_model("llama3.1:8b")


async def test_each_answer_is_one_log_line_of_its_call_without_the_words(model) -> None:
    call_id = new_id()
    context = [structlog.contextvars.merge_contextvars]
    with following_call(call_id), structlog.testing.capture_logs(processors=context) as lines:
        await reply(model)

    [line] = lines
    assert 0 <= line.pop("first_token_ms") <= line.pop("total_ms")
    assert line.pop("completion_tokens") > 5
    assert line == {
        "event": "model answered",
        "log_level": "info",
        "model": DEFAULT_MODEL,
        "prompt_tokens": 17,
        "call_id": str(call_id),
        "trace_id": call_id.hex,
    }


async def test_a_request_carries_the_trace_of_its_call() -> None:
    sent: list[str | None] = []

    async def chat(request: web.Request) -> web.Response:
        sent.append(request.headers.get("traceparent"))
        return web.json_response({"message": {"role": "assistant", "content": "Hi."}, "done": True})

    app = web.Application()
    app.add_routes([web.post("/api/chat", chat)])
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    model = OllamaLanguageModel(f"http://127.0.0.1:{runner.addresses[0][1]}")
    call_ids = [new_id(), new_id()]
    for call_id in call_ids:
        with following_call(call_id):
            assert await reply(model) == "Hi."
    await reply(model)
    await model.close()
    await runner.cleanup()

    assert [parse_traceparent(header) for header in sent[:2]] == [each.hex for each in call_ids]
    assert sent[2] is None


async def until(condition) -> None:
    async with asyncio.timeout(PATIENCE_S):
        while not condition():
            await asyncio.sleep(0.005)
