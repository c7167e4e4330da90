"""A model hub on loopback: listings with hashes, redirects to the bytes, ranges, and its faults."""

import hashlib
import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Self
from urllib.parse import unquote, urlsplit

LARGE_BYTES = 1000
"""Files from this size on are in LFS, so that the listing has their sha256."""


class HubDouble:
    """Serves `repos` (repository -> path -> content) as the hub does.

    `breaks`: path -> after how many bytes its next answer breaks off. `served`: path -> what is
    served in place of what is listed. `listed_bytes`: path -> a size that is not the true one.
    `refuses`: how a request's path begins -> the status it gets.
    """

    def __init__(self, repos: dict[str, dict[str, bytes]]) -> None:
        self.repos = repos
        self.resumes = True
        self.breaks: dict[str, int] = {}
        self.refuses: dict[str, int] = {}
        self.listing: bytes | None = None
        self.served: dict[str, bytes] = {}
        self.listed_bytes: dict[str, int] = {}
        self.requests: list[tuple[str, str | None]] = []
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._requests())
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,))

    @property
    def base_url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def answer(self, request: BaseHTTPRequestHandler) -> None:
        url = urlsplit(request.path)
        path = unquote(url.path)
        self.requests.append((path, request.headers["Range"]))
        statuses = [status for start, status in self.refuses.items() if path.startswith(start)]
        if statuses:
            send(request, b"no", status=statuses[0])
        elif path.startswith("/api/models/"):
            repo, _, folder = path.removeprefix("/api/models/").partition("/tree/main")
            assert url.query == "recursive=true"
            self._list(request, repo, folder.strip("/"))
        elif path.startswith("/bytes/"):
            repo, _, file = path.removeprefix("/bytes/").partition("//")
            self._send_file(request, file, self.served.get(file, self.repos[repo][file]))
        else:
            repo, _, file = path[1:].partition("/resolve/main/")
            send(request, b"", status=302, Location=f"/bytes/{repo}//{file}?signed=secret")

    def _list(self, request: BaseHTTPRequestHandler, repo: str, folder: str) -> None:
        if repo not in self.repos:
            send(request, b"Invalid username or password.", status=401)
            return
        tree: list[dict[str, object]] = [{"type": "directory", "path": "samples", "oid": "0"}]
        for path, content in self.repos[repo].items():
            if path.startswith(folder):
                size = self.listed_bytes.get(path, len(content))
                entry: dict[str, object] = {"type": "file", "path": path, "size": size}
                if size >= LARGE_BYTES:
                    entry["lfs"] = {"oid": hashlib.sha256(content).hexdigest(), "size": size}
                tree.append(entry)
        send(request, self.listing or json.dumps(tree).encode())

    def _send_file(self, request: BaseHTTPRequestHandler, file: str, content: bytes) -> None:
        start = 0
        if self.resumes and (asked := request.headers["Range"]):
            start = int(asked.removeprefix("bytes=").removesuffix("-"))
        request.send_response(206 if start else 200)
        request.send_header("Content-Length", str(len(content) - start))
        request.end_headers()
        request.wfile.write(content[start:][: self.breaks.pop(file, None)])
        request.close_connection = True

    def _requests(self) -> type[BaseHTTPRequestHandler]:
        hub = self

        class Request(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                hub.answer(self)

            def log_message(self, *_: object) -> None:
                """The hub keeps its own list of requests."""

        return Request


def send(
    request: BaseHTTPRequestHandler, body: bytes, *, status: int = 200, **headers: str
) -> None:
    request.send_response(status)
    for name, value in headers.items():
        request.send_header(name, value)
    request.send_header("Content-Length", str(len(body)))
    request.end_headers()
    request.wfile.write(body)
