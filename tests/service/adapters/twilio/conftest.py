"""A small HTTP server that answers as Twilio's REST API does, errors included."""

import base64
import json
import re
import threading
from collections.abc import Iterator
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from pydantic import SecretStr

from service.settings import TwilioSettings

ACCOUNT_SID = "AC" + "a" * 32
AUTH_TOKEN = "0123456789abcdef0123456789abcdef"
API_KEY = ("SK" + "b" * 32, "the-secret-of-the-key")


class FakeTwilio:
    """State of the server: what it was asked, and what it is told to answer next."""

    def __init__(self) -> None:
        self.requests: list[tuple[str, str, dict[str, list[str]]]] = []
        self.calls: dict[str, str] = {}
        self.refused: dict[str, int] = {}
        self.next_answers: list[tuple[int, bytes]] = []
        self.hang = threading.Event()
        self.hang.set()
        self.base_url = ""

    def fail_next(self, status: int, code: int, message: str = "It failed") -> None:
        self.next_answers.append((status, json.dumps(_error(status, code, message)).encode()))

    def answer_next(self, status: int, body: bytes) -> None:
        self.next_answers.append((status, body))

    def answer(self, method: str, path: str, form: dict[str, list[str]]) -> tuple[int, Any]:
        prefix = f"/2010-04-01/Accounts/{ACCOUNT_SID}/Calls"
        if method == "POST" and path == f"{prefix}.json":
            return self._create(form)
        if method == "GET" and path == f"{prefix}.json":
            return 200, {"calls": [], "page": 0, "page_size": 1, "uri": path}
        found = re.fullmatch(re.escape(prefix) + r"/(CA\w+)\.json", path)
        if found and found[1] in self.calls:
            return self._update(found[1], form)
        return 404, _error(404, 20404, f"The requested resource {path} was not found")

    def _create(self, form: dict[str, list[str]]) -> tuple[int, Any]:
        code = self.refused.get(form["To"][0])
        if code is not None:
            return 400, _error(400, code, "The 'To' number is not valid")
        sid = f"CA{len(self.calls):032x}"
        self.calls[sid] = "queued"
        return 201, {"sid": sid, "status": "queued", "account_sid": ACCOUNT_SID}

    def _update(self, sid: str, form: dict[str, list[str]]) -> tuple[int, Any]:
        if self.calls[sid] == "completed":
            return 400, _error(400, 21220, "Call is not in-progress. Cannot redirect.")
        self.calls[sid] = form["Status"][0]
        return 200, {"sid": sid, "status": self.calls[sid]}


def _error(status: int, code: int, message: str) -> dict[str, Any]:
    more_info = f"https://www.twilio.com/docs/errors/{code}"
    return {"code": code, "message": message, "more_info": more_info, "status": status}


def _request_class(twilio: FakeTwilio) -> type[BaseHTTPRequestHandler]:
    credentials = {f"{ACCOUNT_SID}:{AUTH_TOKEN}", ":".join(API_KEY)}

    class Request(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            self._serve("GET")

        def do_POST(self) -> None:
            self._serve("POST")

        def _serve(self, method: str) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            path = urlsplit(self.path).path
            form = parse_qs(body.decode(), keep_blank_values=True)
            twilio.requests.append((method, path, form))
            twilio.hang.wait(timeout=10)
            status, answer = self._answer(method, path, form)
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(answer)))
            with suppress(BrokenPipeError, ConnectionResetError):  # the client gave up waiting
                self.end_headers()
                self.wfile.write(answer)

        def _answer(self, method: str, path: str, form: dict[str, list[str]]) -> tuple[int, bytes]:
            scheme, _, encoded = self.headers.get("Authorization", "").partition(" ")
            if scheme != "Basic" or base64.b64decode(encoded).decode() not in credentials:
                return 401, json.dumps(_error(401, 20003, "Authenticate")).encode()
            if twilio.next_answers:
                return twilio.next_answers.pop(0)
            status, data = twilio.answer(method, path, form)
            return status, json.dumps(data).encode()

        def log_message(self, *args: Any) -> None:
            pass

    return Request


@pytest.fixture
def fake_twilio() -> Iterator[FakeTwilio]:
    twilio = FakeTwilio()
    server = ThreadingHTTPServer(("127.0.0.1", 0), _request_class(twilio))
    server.daemon_threads = True
    twilio.base_url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    yield twilio
    twilio.hang.set()
    server.shutdown()
    server.server_close()
    thread.join(timeout=5)


@pytest.fixture
def twilio_settings(fake_twilio: FakeTwilio) -> TwilioSettings:
    return TwilioSettings(
        account_sid=ACCOUNT_SID,
        auth_token=SecretStr(AUTH_TOKEN),
        api_base_url=fake_twilio.base_url,
    )
