"""An Ollama server that answers from a dialogue policy, for machines without a model.

It speaks Ollama's own API (PROTOCOLS section 4 and its OpenAPI file), streams token by token and
says what it is: `/api/version` and the `X-Stand-In` header of every response. Run it as a process
with `python -m evals.standins.ollama --port 0 --ready-file F`, or in a test with
`async with OllamaStandIn() as standin`.
"""

import argparse
import asyncio
import json
import os
import signal
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Self

from aiohttp import web

from evals.standins import ollama_wire as wire
from evals.standins.dialogue_policy import Reply, answer
from evals.standins.ollama_wire import Fault

DEFAULT_MODEL = "llama3.1:8b"
PULL_STEPS = 8
FAULT_AFTER_TOKENS = 2

Policy = Callable[[list[dict[str, str]]], Reply]


class OllamaStandIn:
    """The server. `requests`, `in_flight` and `cancelled` tell a test what reached it.

    `first_token_ms` and `token_ms` are the delays before the first token and between tokens;
    `policy` words the replies from the messages of a request alone.
    """

    def __init__(
        self,
        *,
        models: tuple[str, ...] = (DEFAULT_MODEL,),
        first_token_ms: float = 0.0,
        token_ms: float = 0.0,
        port: int = 0,
        policy: Policy = answer,
    ) -> None:
        self.models = list(models)
        self.requests: list[dict[str, Any]] = []
        self.cancelled = 0
        self.in_flight = 0
        self.base_url = ""
        self._first_token_s = first_token_ms / 1000
        self._token_s = token_ms / 1000
        self._port = port
        self._policy = policy
        self._faults: list[Fault] = []
        self._loaded: dict[str, int] = {}
        self._runner: web.AppRunner | None = None

    async def __aenter__(self) -> Self:
        """Listen on loopback; `base_url` is known from here on."""
        self._runner = web.AppRunner(
            self._app(), handler_cancellation=True, access_log=None, shutdown_timeout=0.1
        )
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", self._port).start()
        self.base_url = f"http://127.0.0.1:{self._runner.addresses[0][1]}"
        return self

    async def __aexit__(self, *_: object) -> None:
        """Stop listening and drop open connections."""
        if self._runner is not None:
            await self._runner.cleanup()

    def fail_next(self, *faults: Fault) -> None:
        """Make the next chats fail, one each."""
        self._faults.extend(faults)

    def _app(self) -> web.Application:
        app = web.Application(middlewares=[_announced])
        app.add_routes(
            [
                web.post("/api/chat", self._chat),
                web.get("/api/tags", self._tags),
                web.get("/api/ps", self._ps),
                web.post("/api/show", self._show),
                web.post("/api/pull", self._pull),
                web.get("/api/version", _version),
                web.get("/", _alive),
            ]
        )
        return app

    async def _chat(self, request: web.Request) -> web.StreamResponse:
        body, started = await wire.json_body(request), time.monotonic()
        model = wire.required_model(body)
        self._require(model)
        self.requests.append(body)
        options = body.get("options") or {}
        self._loaded[model] = int(options.get("num_ctx") or 4096)
        messages = body.get("messages") or []
        if not messages:
            return web.json_response(wire.finished(model, started=started, reason="load"))
        fault = self._faults.pop(0) if self._faults else None
        if fault is Fault.BUSY:
            message = "server busy, please try again.  maximum pending requests exceeded"
            raise wire.error(503, message)
        async with self._counted():
            reply = self._policy(messages)
            tokens = wire.tokens_of(reply.text)
            shown = tokens[: int(options.get("num_predict") or 0) or None]
            if body.get("stream", True):
                response = await wire.begin_stream(request)
                whole = await self._stream(response, model, shown, fault=fault)
            else:
                await asyncio.sleep(self._first_token_s + self._token_s * len(shown))
                response, whole = web.StreamResponse(), True
            final = wire.finished(
                model, started=started, reason="stop" if shown == tokens else "length"
            )
            final |= wire.counts(reply, tokens=len(shown), total_ns=final["total_duration"])
            if not response.prepared:
                final["message"]["content"] = "".join(shown)
                return web.json_response(final)
            if whole:
                await response.write(wire.encoded(final))
            return response

    async def _stream(
        self, response: web.StreamResponse, model: str, tokens: list[str], *, fault: Fault | None
    ) -> bool:
        """Stream the tokens at their pace; False when a fault ended the stream."""
        if fault is Fault.STALL:
            await asyncio.Event().wait()
        if fault is Fault.EMPTY:
            return True
        if fault is Fault.THINKS_ALOUD:
            tokens = ["<thi", "nk> what", " do I say", "</th", "ink>", *tokens]
        lines = [wire.encoded(wire.chunk(model, token)) for token in tokens]
        if fault is None and not self._first_token_s and not self._token_s:
            await response.write(b"".join(lines))
            return True
        due = time.monotonic() + self._first_token_s
        for index, line in enumerate(lines):
            due_fault = fault if index == FAULT_AFTER_TOKENS else None
            if due_fault is not None and await wire.break_stream(response, due_fault):
                return False
            await asyncio.sleep(max(0.0, due - time.monotonic()))
            due += self._token_s
            await response.write(line)
        return True

    async def _tags(self, _request: web.Request) -> web.Response:
        return web.json_response({"models": [wire.summary(model) for model in self.models]})

    async def _ps(self, _request: web.Request) -> web.Response:
        until = (datetime.now(UTC) + timedelta(minutes=30)).isoformat()
        extra = {"expires_at": until, "size_vram": 0}
        running = [
            {**wire.summary(model), **extra, "context_length": context}
            for model, context in self._loaded.items()
        ]
        return web.json_response({"models": running})

    async def _show(self, request: web.Request) -> web.Response:
        model = wire.required_model(await wire.json_body(request))
        self._require(model)
        summary = wire.summary(model)
        return web.json_response(
            {
                "license": "",
                "modelfile": f"# {wire.HEADER['X-Stand-In']}",
                "parameters": "",
                "template": "",
                "details": summary["details"],
                "model_info": {"general.architecture": "stand-in"},
                "capabilities": ["completion"],
                "modified_at": summary["modified_at"],
            }
        )

    async def _pull(self, request: web.Request) -> web.StreamResponse:
        body = await wire.json_body(request)
        model = wire.required_model(body)
        if not body.get("stream", True):
            self._hold(model)
            return web.json_response({"status": "success"})
        response = await wire.begin_stream(request)
        layer = {"digest": f"sha256:{wire.digest(model)}", "total": wire.LAYER_BYTES}
        steps: list[dict[str, Any]] = [{"status": "pulling manifest"}]
        for step in range(PULL_STEPS + 1):
            done = wire.LAYER_BYTES * step // PULL_STEPS
            status = f"pulling {wire.digest(model)[:12]}"
            steps.append({"status": status, **layer, "completed": done})
        for status in ("verifying sha256 digest", "writing manifest", "success"):
            steps.append({"status": status})
        for each in steps:
            await response.write(wire.encoded(each))
        self._hold(model)
        return response

    def _hold(self, model: str) -> None:
        if model not in self.models:
            self.models.append(model)

    def _require(self, model: str) -> None:
        if model not in self.models:
            raise wire.error(404, f"model '{model}' not found")

    @asynccontextmanager
    async def _counted(self) -> AsyncIterator[None]:
        self.in_flight += 1
        try:
            yield
        except (asyncio.CancelledError, ConnectionError):
            self.cancelled += 1
            raise
        finally:
            self.in_flight -= 1


@web.middleware
async def _announced(request: web.Request, handler: Any) -> web.StreamResponse:
    response: web.StreamResponse = await handler(request)
    if not response.prepared:
        response.headers.update(wire.HEADER)
    return response


async def _version(_request: web.Request) -> web.Response:
    return web.json_response({"version": wire.VERSION})


async def _alive(_request: web.Request) -> web.Response:
    return web.Response(text="Ollama is running (stand-in)")


async def _serve(arguments: argparse.Namespace) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    standin = OllamaStandIn(
        models=tuple(arguments.model or [DEFAULT_MODEL]),
        first_token_ms=arguments.first_token_ms,
        token_ms=arguments.token_ms,
        port=arguments.port,
    )
    async with standin:
        _announce_ready(arguments.ready_file, standin.base_url)
        await stop.wait()


def _announce_ready(path: Path | None, base_url: str) -> None:
    if path is None:
        return
    partial = path.with_name(path.name + ".partial")
    partial.write_text(json.dumps({"base_url": base_url, "pid": os.getpid()}))
    partial.replace(path)


def main() -> None:
    """Serve until SIGTERM or SIGINT; the ready file gets `{"base_url", "pid"}`."""
    parser = argparse.ArgumentParser(description="An Ollama stand-in; see the module's docstring.")
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--ready-file", type=Path)
    parser.add_argument("--first-token-ms", type=float, default=120.0)
    parser.add_argument("--token-ms", type=float, default=12.0)
    parser.add_argument("--model", action="append", help="a model to offer; may be repeated")
    asyncio.run(_serve(parser.parse_args()))


if __name__ == "__main__":
    main()
