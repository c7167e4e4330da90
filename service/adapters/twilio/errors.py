"""Twilio's and HTTP's errors, translated once into TelephonyError."""

from collections.abc import Iterator
from contextlib import contextmanager

import httpx
from twilio.base.exceptions import TwilioException, TwilioRestException, TwilioServiceException

from service.domain.errors import TelephonyError

TOO_MANY_REQUESTS = 20429
_NEVER_SENT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout)
_NEVER_PROCESSED = (429, 503)


@contextmanager
def translated(act: str, *, repeatable: bool) -> Iterator[None]:
    """Turn what the SDK raises into TelephonyError; `act` begins its message.

    A `repeatable` request may be sent twice without harm, so every passing trouble is retryable.
    Any other is retryable only where Twilio cannot have acted: no connection, 429 (20429: "never
    processed"), 503. After a 500, 502, 504 or a lost answer the phone may be ringing already.
    """
    try:
        yield
    except _NEVER_SENT as error:
        raise TelephonyError(f"{act}: no connection to Twilio: {error}", retryable=True) from error
    except (httpx.HTTPError, TimeoutError) as error:
        message = f"{act}: Twilio did not answer in time ({type(error).__name__})"
        raise TelephonyError(message, retryable=repeatable) from error
    except (TwilioRestException, TwilioServiceException) as error:
        raise _refusal(act, error, repeatable=repeatable) from error
    except (TwilioException, ValueError, AttributeError) as error:
        # AttributeError: the SDK reads fields of whatever JSON came, a list or null included.
        raise TelephonyError(f"{act}: Twilio's answer makes no sense", retryable=False) from error


def _refusal(
    act: str, error: TwilioRestException | TwilioServiceException, *, repeatable: bool
) -> TelephonyError:
    retryable = (
        error.status in _NEVER_PROCESSED
        or error.code == TOO_MANY_REQUESTS
        or (repeatable and error.status >= 500)
    )
    return TelephonyError(
        f"{act}: {_words(error)} (HTTP {error.status}, code {error.code})",
        retryable=retryable,
        code=error.code,
    )


def _words(error: TwilioRestException | TwilioServiceException) -> str:
    """The vendor's own words. `str(error)` adds terminal colours."""
    if isinstance(error, TwilioServiceException):
        return f"{error.title}: {error.detail}" if error.detail else str(error.title)
    return str(error.msg)
