"""An Ollama server that answers from a dialogue policy, for machines without a model.

It speaks Ollama's own API (PROTOCOLS section 4 and its OpenAPI file), streams token by token and
says what it is: `/api/version` and the `X-Stand-In` header of every response. Run it as a process
with `python -m evals.standins.ollama --port 0 --ready-file F`, or in a test with
`async with OllamaStandIn() as standin`.
"""

import argparse
import asyncio
import hashlib
import json
import os
import re
import signal
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from pathlib import Path
from typing import Any, Self

from aiohttp import web

from evals.standins.dialogue_policy import Reply, answer

VERSION = "0.0.0-stand-in"
HEADER = {"X-Stand-In": "reautomation dialogue policy, not a language model"}
DEFAULT_MODEL = "llama3.1:8b"
LAYER_BYTES = 4_000_000
PULL_STEPS = 8
_TOKEN = re.compile(r"\s*\w{1,6}|\s*[^\w\s]")


class Fault(StrEnum):
    """What can go wrong with one chat, on demand."""

    BUSY = "busy"
    ERROR_MID_STREAM = "error_mid_stream"
    BREAKS_OFF = "breaks_off"
    GARBAGE = "garbage"
    STALL = "stall"
    STALL_MID_STREAM = "stall_mid_stream"
    EMPTY = "empty"
    THINKS_ALOUD = "thinks_aloud"


class OllamaStandIn:
    """The server. `requests` and `cancelled` count what reached it, for tests.

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
        policy: Callable[[list[dict[str, str]]], Reply] = answer,
    ) -> None:
        self.models = list(models)
        self.requests: list[dict[str, Any]] = []
        self.cancelled = 0
        self.in_flight = 0
        self._first_token_s = first_token_ms / 1000
        self._token_s = token_ms / 1000
        self._port = port
        self._policy = policy
        self._faults: list[Fault] = []
        self._loaded: dict[str, int] = {}
        self._runner: web.AppRunner | None = None
        self.base_url = ""

    async def __aenter__(self) -> Self:
        """Listen on loopback; `base_url` is known from here on."""
        self._runner = web.AppRunner(self._app(), handler_cancellation=True, access_log=None)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", self._port, shutdown_timeout=0.1).start()
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
        app = web.Application(middlewares=[_announce])
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
        body = await _body(request)
        model = _required_model(body)
        self._require(model)
        messages = body.get("messages") or []
        self.requests.append(body)
        self._loaded[model] = int((body.get("options") or {}).get("num_ctx") or 4096)
        if not messages:
            return web.json_response(_finished(model, "", reason="load"))
        fault = self._faults.pop(0) if self._faults else None
        if fault is Fault.BUSY:
            raise _error(503, "server busy, please try again.  maximum pending requests exceeded")
        async with self._counted():
            reply = self._policy(messages)
            limit = int((body.get("options") or {}).get("num_predict") or 0)
            if body.get("stream", True):
                return await self._stream(request, model, reply, fault=fault, limit=limit)
            await asyncio.sleep(self._first_token_s + self._token_s * len(_tokens(reply.text)))
            return web.json_response(_finished(model, reply.text, reply=reply))

    async def _stream(
        self, request: web.Request, model: str, reply: Reply, *, fault: Fault | None, limit: int
    ) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Type": "application/x-ndjson", **HEADER})
        await response.prepare(request)
        started = time.monotonic()
        tokens = _tokens(reply.text) if fault is not Fault.EMPTY else []
        if fault is Fault.THINKS_ALOUD:
            tokens = ["<thi", "nk> what", " do I say", "</th", "ink>", *tokens]
        cut = tokens[:limit] if limit > 0 else tokens
        if fault is Fault.STALL:
            await asyncio.Event().wait()
        due = started + self._first_token_s
        for index, token in enumerate(cut):
            if fault is not None and index == 2 and await _break(response, fault):
                return response
            await _until(due)
            due += self._token_s
            await _line(response, _chunk(model, token))
        reason = "stop" if len(cut) == len(tokens) else "length"
        final = _finished(model, "", reply=reply, reason=reason, started=started, count=len(cut))
        await _line(response, final)
        return response

    async def _tags(self, _request: web.Request) -> web.Response:
        return web.json_response({"models": [_summary(model) for model in self.models]})

    async def _ps(self, _request: web.Request) -> web.Response:
        until = (datetime.now(UTC) + timedelta(minutes=30)).isoformat()
        running = [
            {
                **_summary(model),
                "expires_at": until,
                "size_vram": 0,
                "context_length": context,
            }
            for model, context in self._loaded.items()
        ]
        return web.json_response({"models": running})

    async def _show(self, request: web.Request) -> web.Response:
        model = _required_model(await _body(request))
        self._require(model)
        summary = _summary(model)
        return web.json_response(
            {
                "license": "",
                "modelfile": f"# {HEADER['X-Stand-In']}",
                "parameters": "",
                "template": "",
                "details": summary["details"],
                "model_info": {"general.architecture": "stand-in"},
                "capabilities": ["completion"],
                "modified_at": summary["modified_at"],
            }
        )

    async def _pull(self, request: web.Request) -> web.StreamResponse:
        body = await _body(request)
        model = _required_model(body)
        if not body.get("stream", True):
            self._hold(model)
            return web.json_response({"status": "success"})
        response = web.StreamResponse(headers={"Content-Type": "application/x-ndjson", **HEADER})
        await response.prepare(request)
        digest = f"sha256:{_digest(model)}"
        await _line(response, {"status": "pulling manifest"})
        for step in range(PULL_STEPS + 1):
            progress = {"digest": digest, "total": LAYER_BYTES}
            done = LAYER_BYTES * step // PULL_STEPS
            await _line(
                response, {"status": f"pulling {digest[7:19]}", **progress, "completed": done}
            )
        for status in ("verifying sha256 digest", "writing manifest", "success"):
            await _line(response, {"status": status})
        self._hold(model)
        return response

    def _hold(self, model: str) -> None:
        if model not in self.models:
            self.models.append(model)

    def _require(self, model: str) -> None:
        if model not in self.models:
            raise _error(404, f"model '{model}' not found")

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
async def _announce(request: web.Request, handler: Any) -> web.StreamResponse:
    response: web.StreamResponse = await handler(request)
    if not response.prepared:
        response.headers.update(HEADER)
    return response


async def _version(_request: web.Request) -> web.Response:
    return web.json_response({"version": VERSION})


async def _alive(_request: web.Request) -> web.Response:
    return web.Response(text="Ollama is running (stand-in)")


def _error(status: int, message: str) -> web.HTTPException:
    body = json.dumps({"error": message})
    kinds = {400: web.HTTPBadRequest, 404: web.HTTPNotFound, 503: web.HTTPServiceUnavailable}
    return kinds[status](text=body, content_type="application/json", headers=HEADER)


async def _body(request: web.Request) -> dict[str, Any]:
    raw = await request.read()
    if not raw:
        raise _error(400, "missing request body")
    try:
        body = json.loads(raw)
    except ValueError as error:
        raise _error(400, f"invalid JSON: {error}") from error
    if not isinstance(body, dict):
        raise _error(400, "the request body must be a JSON object")
    return body


def _required_model(body: dict[str, Any]) -> str:
    model = body.get("model")
    if not isinstance(model, str) or not model:
        raise _error(400, "model is required")
    return model


def _tokens(text: str) -> list[str]:
    return _TOKEN.findall(text)


async def _until(due: float) -> None:
    wait = due - time.monotonic()
    if wait > 0:
        await asyncio.sleep(wait)


async def _line(response: web.StreamResponse, part: dict[str, Any]) -> None:
    await response.write(json.dumps(part).encode() + b"\n")


async def _break(response: web.StreamResponse, fault: Fault) -> bool:
    """Do what the fault says in the middle of a stream; True when the stream is over."""
    if fault is Fault.STALL_MID_STREAM:
        await asyncio.Event().wait()
    if fault is Fault.ERROR_MID_STREAM:
        await _line(response, {"error": "an error was encountered while running the model"})
        return True
    if fault is Fault.GARBAGE:
        await response.write(b'{"message": [1, 2\n')
        return True
    return fault is Fault.BREAKS_OFF


def _now() -> str:
    return datetime.now(UTC).isoformat().replace("+00:00", "Z")


def _chunk(model: str, token: str) -> dict[str, Any]:
    return {
        "model": model,
        "created_at": _now(),
        "message": {"role": "assistant", "content": token},
        "done": False,
    }


def _finished(
    model: str,
    text: str,
    *,
    reply: Reply | None = None,
    reason: str = "stop",
    started: float | None = None,
    count: int | None = None,
) -> dict[str, Any]:
    """The last chunk; durations in ns, zero values left out as Ollama does."""
    total = int((time.monotonic() - started) * 1e9) if started is not None else 1_000_000
    final = {
        "model": model,
        "created_at": _now(),
        "message": {"role": "assistant", "content": text},
        "done": True,
        "done_reason": reason,
        "total_duration": total,
        "load_duration": 1_000_000,
    }
    if reply is not None:
        final["prompt_eval_count"] = reply.prompt_tokens
        final["prompt_eval_duration"] = max(1, total // 4)
        final["eval_count"] = count if count is not None else len(_tokens(reply.text))
        final["eval_duration"] = max(1, total * 3 // 4)
    return final


def _digest(model: str) -> str:
    return hashlib.sha256(model.encode()).hexdigest()


def _summary(model: str) -> dict[str, Any]:
    return {
        "name": model,
        "model": model,
        "modified_at": "2026-11-01T00:00:00Z",
        "size": LAYER_BYTES,
        "digest": _digest(model),
        "details": {
            "parent_model": "",
            "format": "stand-in",
            "family": "stand-in",
            "families": ["stand-in"],
            "parameter_size": "0B",
            "quantization_level": "none",
        },
    }


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
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--ready-file", type=Path)
    parser.add_argument("--first-token-ms", type=float, default=120.0)
    parser.add_argument("--token-ms", type=float, default=12.0)
    parser.add_argument("--model", action="append", help="a model to offer; may be repeated")
    asyncio.run(_serve(parser.parse_args()))


if __name__ == "__main__":
    main()
