"""Twilio's REST API, version 2010-04-01, as far as calls need it."""

import base64
import binascii
import hmac
import re
from collections.abc import Awaitable, Callable
from typing import Any
from urllib.parse import parse_qs

import msgspec
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from evals.phone.calls import API_PREFIX, TERMINAL, CallOrder, PhoneCall
from evals.phone.exchange import Exchange

Form = dict[str, list[str]]

_E164 = re.compile(r"^\+[1-9]\d{6,14}$")
_EVENTS = frozenset({"initiated", "ringing", "answered", "completed"})
_MAX_TWIML_CHARS = 4000


class RestError(Exception):
    """An error with Twilio's code."""

    def __init__(self, status: int, code: int, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.code = code

    def response(self) -> Response:
        """Twilio's error body."""
        body = {
            "code": self.code,
            "message": str(self),
            "more_info": f"https://www.twilio.com/docs/errors/{self.code}",
            "status": self.status,
        }
        return JSONResponse(body, status_code=self.status)


def routes(exchange: Exchange) -> list[Route]:
    """The routes of the account's resources."""
    api = _Api(exchange)
    account = f"{API_PREFIX}/{{account_sid}}"

    def route(path: str, endpoint: _Endpoint, *methods: str) -> Route:
        return Route(account + path, _guarded(exchange, endpoint), methods=list(methods))

    return [
        route(".json", api.account, "GET"),
        route("/Balance.json", api.balance, "GET"),
        route("/Calls.json", api.create_call, "POST"),
        route("/Calls.json", api.list_calls, "GET"),
        route("/Calls/{sid}.json", api.fetch_call, "GET"),
        route("/Calls/{sid}.json", api.update_call, "POST"),
    ]


_Endpoint = Callable[[Request], Awaitable[Response]]


def _guarded(exchange: Exchange, endpoint: _Endpoint) -> _Endpoint:
    """Check the credentials and answer errors in Twilio's shape."""

    async def guarded(request: Request) -> Response:
        try:
            _authenticate(request, exchange)
            return await endpoint(request)
        except RestError as error:
            return error.response()

    return guarded


def _authenticate(request: Request, exchange: Exchange) -> None:
    """Accept the account's auth token or an API key's secret by HTTP Basic."""
    kind, _, encoded = request.headers.get("authorization", "").partition(" ")
    if kind.lower() != "basic":
        raise RestError(401, 20003, "Authentication Error - No credentials provided")
    try:
        sid, _, secret = base64.b64decode(encoded, validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError) as error:
        raise RestError(401, 20003, "Authenticate") from error
    expected = exchange.credentials.get(sid)
    if expected is None or not hmac.compare_digest(expected.encode(), secret.encode()):
        raise RestError(401, 20003, "Authenticate")
    if request.path_params["account_sid"] != exchange.account_sid:
        raise _not_found(request)


class _Api:
    """The endpoints."""

    def __init__(self, exchange: Exchange) -> None:
        self._exchange = exchange

    async def account(self, request: Request) -> Response:
        sid = self._exchange.account_sid
        body = {"sid": sid, "friendly_name": "Simulated", "status": "active", "type": "Full"}
        return JSONResponse({**body, "uri": request.url.path})

    async def balance(self, request: Request) -> Response:  # noqa: ARG002
        body = {"account_sid": self._exchange.account_sid, "balance": "20.00", "currency": "USD"}
        return JSONResponse(body)

    async def create_call(self, request: Request) -> Response:
        form = await _form(request)
        to_number, from_number = self._parties(form)
        call = self._exchange.dial(from_number=from_number, to_number=to_number, order=_order(form))
        return JSONResponse(call.as_resource(), status_code=201)

    async def list_calls(self, request: Request) -> Response:
        query = request.query_params
        wanted = {
            field: query[name]
            for name, field in (("To", "to"), ("From", "from"), ("Status", "status"))
            if name in query
        }
        resources = (call.as_resource() for call in reversed(self._exchange.calls.values()))
        found = [r for r in resources if all(r[k] == value for k, value in wanted.items())]
        size, page = int(query.get("PageSize", "50")), int(query.get("Page", "0"))
        return JSONResponse(_page(found, page=page, size=size, path=request.url.path))

    async def fetch_call(self, request: Request) -> Response:
        return JSONResponse(self._call(request).as_resource())

    async def update_call(self, request: Request) -> Response:
        """Hang up. (Twilio also redirects here; this network does not yet.)"""
        call, form = self._call(request), await _form(request)
        status = _one(form, "Status")
        if status not in {"canceled", "completed"}:
            raise RestError(400, 20001, "Status must be canceled or completed")
        if call.status in TERMINAL or call.over.is_set():
            raise RestError(400, 21220, "Call is not in-progress. Cannot redirect.")
        if status == "completed" or call.status in {"queued", "ringing"}:
            call.end("agent")
        return JSONResponse(call.as_resource())

    def _call(self, request: Request) -> PhoneCall:
        call = self._exchange.calls.get(request.path_params["sid"])
        if call is None:
            raise _not_found(request)
        return call

    def _parties(self, form: Form) -> tuple[str, str]:
        to_number, from_number = _one(form, "To"), _one(form, "From")
        if not to_number:
            raise RestError(400, 21201, "No 'To' number is specified")
        if not from_number:
            raise RestError(400, 21213, "No 'From' number is specified")
        if not _E164.match(to_number):
            raise RestError(400, 21211, f"Invalid 'To' Phone Number: {to_number}")
        if not _E164.match(from_number):
            raise RestError(400, 21212, f"Invalid 'From' Phone Number: {from_number}")
        if from_number not in self._exchange.numbers:
            message = f"Source number {from_number} is not yet verified for this account"
            raise RestError(400, 21210, message)
        return to_number, from_number


def _order(form: Form) -> CallOrder:
    """Read what is to happen with a new call."""
    url, twiml = _one(form, "Url"), _one(form, "Twiml")
    if url is None and twiml is None:
        raise RestError(400, 21205, "Url parameter is required.")
    if url is not None and not url.startswith(("http://", "https://")):
        raise RestError(400, 21205, f"Url is not a valid URL: {url}")
    if twiml is not None and len(twiml) > _MAX_TWIML_CHARS:
        raise RestError(400, 20001, "Twiml has more than 4000 characters")
    events = frozenset(form.get("StatusCallbackEvent", ["completed"]))
    if unknown := events - _EVENTS:
        raise RestError(400, 20001, f"Invalid StatusCallbackEvent: {sorted(unknown)}")
    amd = None if _one(form, "SendDigits") else _one(form, "MachineDetection")
    fields = {
        "url": url,
        "twiml": twiml,
        "method": _one(form, "Method"),
        "status_url": _one(form, "StatusCallback"),
        "status_method": _one(form, "StatusCallbackMethod"),
        "status_events": events,
        "ring_timeout_s": _one(form, "Timeout"),
        "machine_detection": amd,
        "async_amd": _one(form, "AsyncAmd"),
        "amd_url": _one(form, "AsyncAmdStatusCallback"),
        "amd_method": _one(form, "AsyncAmdStatusCallbackMethod"),
        "amd_silence_ms": _one(form, "MachineDetectionSilenceTimeout"),
    }
    given = {name: value for name, value in fields.items() if value is not None}
    try:
        return msgspec.convert(given, CallOrder, strict=False)
    except msgspec.ValidationError as error:
        raise RestError(400, 20001, f"Invalid parameter: {error}") from error


def _page(found: list[dict[str, Any]], *, page: int, size: int, path: str) -> dict[str, Any]:
    """One page in the shape of Twilio's lists."""
    start = page * size
    more = len(found) > start + size
    return {
        "calls": found[start : start + size],
        "page": page,
        "page_size": size,
        "start": start,
        "end": max(start, min(start + size, len(found)) - 1),
        "uri": path,
        "first_page_uri": f"{path}?PageSize={size}&Page=0",
        "previous_page_uri": f"{path}?PageSize={size}&Page={page - 1}" if page else None,
        "next_page_uri": f"{path}?PageSize={size}&Page={page + 1}" if more else None,
    }


async def _form(request: Request) -> Form:
    """Twilio's parameters; arrays are repeated keys."""
    return parse_qs((await request.body()).decode(), keep_blank_values=True)


def _one(form: Form, name: str) -> str | None:
    values = form.get(name)
    return values[0] if values and values[0] != "" else None


def _not_found(request: Request) -> RestError:
    return RestError(404, 20404, f"The requested resource {request.url.path} was not found")
