"""One JSON object a line, or readable text on a terminal, with people and secrets masked.

structlog and the standard library (uvicorn, Litestar, Alembic) share one sink, so nothing is
written past the redaction.
"""

import logging
from collections.abc import MutableMapping
from typing import Any, Literal, TextIO

import msgspec
import structlog
from structlog.typing import Processor

from service.observability.redaction import redact_event

LogFormat = Literal["auto", "json", "text"]

_QUIET = ("uvicorn.access", "httpx", "httpcore", "alembic.runtime.migration", "twilio.http_client")


def configure_logging(
    log_format: LogFormat,
    stream: TextIO,
    *,
    worker_id: str | None = None,
    level: int = logging.INFO,
) -> None:
    """Send every log line of this process to `stream`; calling it again replaces the sink.

    `auto` is text when the stream is a terminal and JSON otherwise. Lines carry the context
    variables `call_id` and `trace_id` of the task that wrote them, and `worker_id`.
    """
    is_text = log_format == "text" or (log_format == "auto" and stream.isatty())
    steps: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        _worker(worker_id),
    ]
    structlog.configure(
        processors=[*steps, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=False,
    )
    sink = logging.StreamHandler(stream)
    sink.setFormatter(_formatter(steps, is_text=is_text, colors=stream.isatty()))
    _take_over(sink, level)


def _formatter(
    steps: list[Processor], *, is_text: bool, colors: bool
) -> structlog.stdlib.ProcessorFormatter:
    return structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=[*steps, structlog.stdlib.ExtraAdder()],
        processors=[
            structlog.stdlib.ProcessorFormatter.remove_processors_meta,
            structlog.processors.StackInfoRenderer(),
            structlog.processors.format_exc_info,
            redact_event,
            structlog.dev.ConsoleRenderer(colors=colors) if is_text else _json_line,
        ],
    )


def _take_over(sink: logging.Handler, level: int) -> None:
    root = logging.getLogger()
    root.handlers = [sink]
    root.setLevel(level)
    for name in list(logging.root.manager.loggerDict):
        logger = logging.getLogger(name)
        logger.handlers = []
        logger.propagate = True
    for name in _QUIET:
        logging.getLogger(name).setLevel(max(level, logging.WARNING))


def _worker(worker_id: str | None) -> Processor:
    def add(_logger: Any, _method: str, event: MutableMapping[str, Any]) -> Any:
        if worker_id is not None:
            event.setdefault("worker_id", worker_id)
        return event

    return add


def _json_line(_logger: Any, _method: str, event: MutableMapping[str, Any]) -> str:
    return msgspec.json.encode(event).decode()
