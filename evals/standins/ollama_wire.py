"""Ollama's documents as the stand-in sends them: chunks, models, errors, streams that break.

PROTOCOLS section 4: durations are in ns and zero values are left out.
"""

import asyncio
import hashlib
import json
import re
import time
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

from aiohttp import web

from evals.standins.dialogue_policy import Reply

VERSION = "0.0.0-stand-in"
HEADER = {"X-Stand-In": "reautomation dialogue policy, not a language model"}
LAYER_BYTES = 4_000_000
_TOKEN = re.compile(r"\s*\w{1,6}|\s*[^\w\s]")
_ERRORS: dict[int, type[web.HTTPException]] = {
    400: web.HTTPBadRequest,
    404: web.HTTPNotFound,
    503: web.HTTPServiceUnavailable,
}


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


def error(status: int, message: str) -> web.HTTPException:
    """An error response in Ollama's shape."""
    body = json.dumps({"error": message})
    return _ERRORS[status](text=body, content_type="application/json", headers=HEADER)


async def json_body(request: web.Request) -> dict[str, Any]:
    """The request's JSON object. Raises 400 as Ollama does."""
    raw = await request.read()
    if not raw:
        raise error(400, "missing request body")
    try:
        body = json.loads(raw)
    except ValueError as problem:
        raise error(400, f"invalid JSON: {problem}") from problem
    if not isinstance(body, dict):
        raise error(400, "the request body must be a JSON object")
    return body


def required_model(body: dict[str, Any]) -> str:
    """The model a request names. Raises 400 when it names none."""
    model = body.get("model")
    if not isinstance(model, str) or not model:
        raise error(400, "model is required")
    return model


def tokens_of(text: str) -> list[str]:
    """Pieces of about the size that a model's tokens have."""
    return _TOKEN.findall(text)


def encoded(part: dict[str, Any]) -> bytes:
    """One line of an NDJSON stream."""
    return json.dumps(part).encode() + b"\n"


async def begin_stream(request: web.Request) -> web.StreamResponse:
    """Answer 200 and keep the body open for lines."""
    response = web.StreamResponse(headers={"Content-Type": "application/x-ndjson", **HEADER})
    await response.prepare(request)
    return response


async def break_stream(response: web.StreamResponse, fault: Fault) -> bool:
    """Do what the fault says in the middle of a stream; True when the stream is over."""
    if fault is Fault.STALL_MID_STREAM:
        await asyncio.Event().wait()
    if fault is Fault.ERROR_MID_STREAM:
        line = {"error": "an error was encountered while running the model"}
        await response.write(encoded(line))
        return True
    if fault is Fault.GARBAGE:
        await response.write(b'{"message": [1, 2\n')
        return True
    return fault is Fault.BREAKS_OFF


def chunk(model: str, token: str) -> dict[str, Any]:
    """One token of a streamed chat."""
    return {
        "model": model,
        "created_at": _now(),
        "message": {"role": "assistant", "content": token},
        "done": False,
    }


def finished(model: str, *, started: float, text: str = "", reason: str = "stop") -> dict[str, Any]:
    """The last chunk without counts; `started` is when the request came, by time.monotonic()."""
    return {
        "model": model,
        "created_at": _now(),
        "message": {"role": "assistant", "content": text},
        "done": True,
        "done_reason": reason,
        "total_duration": max(1, int((time.monotonic() - started) * 1e9)),
        "load_duration": 1_000_000,
    }


def counts(reply: Reply, *, tokens: int, total_ns: int) -> dict[str, int]:
    """Token counts and durations of a reply, for the last chunk."""
    return {
        "prompt_eval_count": reply.prompt_tokens,
        "prompt_eval_duration": max(1, total_ns // 4),
        "eval_count": max(1, tokens),
        "eval_duration": max(1, total_ns * 3 // 4),
    }


def digest(model: str) -> str:
    """A stable made-up digest, 64 hex digits."""
    return hashlib.sha256(model.encode()).hexdigest()


def summary(model: str) -> dict[str, Any]:
    """A model as `/api/tags` lists it."""
    return {
        "name": model,
        "model": model,
        "modified_at": "2026-11-01T00:00:00Z",
        "size": LAYER_BYTES,
        "digest": digest(model),
        "details": {
            "parent_model": "",
            "format": "stand-in",
            "family": "stand-in",
            "families": ["stand-in"],
            "parameter_size": "0B",
            "quantization_level": "none",
        },
    }


def _now() -> str:
    return datetime.now(UTC).isoformat().replace("+00:00", "Z")
