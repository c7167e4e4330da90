"""Translates what Ollama's client raises into LanguageModelError, once."""

from collections.abc import Iterator
from contextlib import contextmanager

import httpx
from ollama import ResponseError

from service.domain.errors import LanguageModelError

NOT_FOUND = 404
RETRYABLE_CODES = frozenset({429, 500, 502, 503, 504})
MID_STREAM = -1
"""The client's code for an error line inside a stream that began with 200 (PROTOCOLS 4)."""


@contextmanager
def translated(*, base_url: str, model: str) -> Iterator[None]:
    """Raise LanguageModelError for anything the client raises inside the block."""
    try:
        yield
    except ResponseError as error:
        raise _from_response(error, model=model) from error
    except (httpx.TimeoutException, TimeoutError) as error:
        raise LanguageModelError(
            f"Ollama at {base_url} did not answer in time", retryable=True, code="timeout"
        ) from error
    except (httpx.ConnectError, ConnectionError) as error:
        raise LanguageModelError(
            f"nothing answers at {base_url}; start Ollama, or set REAUTO_OLLAMA__BASE_URL",
            retryable=True,
            code="unreachable",
        ) from error
    except httpx.HTTPError as error:
        raise LanguageModelError(
            f"the connection to Ollama at {base_url} broke: {type(error).__name__}",
            retryable=True,
            code="broken",
        ) from error
    except (ValueError, TypeError, AttributeError, LookupError) as error:
        # The client reads JSON lines without checking them: garbage surfaces as any of these.
        raise LanguageModelError(
            f"Ollama at {base_url} answered something that is not its API",
            retryable=True,
            code="garbage",
        ) from error


def model_missing(model: str) -> LanguageModelError:
    """The server runs but lacks the model."""
    return LanguageModelError(
        f"Ollama does not have the model {model}; fetch it with: reauto models pull {model}",
        code=NOT_FOUND,
    )


def _from_response(error: ResponseError, *, model: str) -> LanguageModelError:
    if error.status_code == NOT_FOUND:
        return model_missing(model)
    return LanguageModelError(
        f"Ollama refused: {error.error}",
        retryable=error.status_code in RETRYABLE_CODES or error.status_code == MID_STREAM,
        code=error.status_code,
    )
