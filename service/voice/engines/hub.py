"""The HTTP API of a model hub: Hugging Face's, or a mirror that answers the same two requests.

A folder's listing is at `/api/models/{repo}/tree/{revision}/{folder}`, a file at
`/{repo}/resolve/{revision}/{path}`, which redirects to where the bytes are.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Self

import httpx
import msgspec

from service.domain.errors import InvalidInput, NotFound, VendorError

DEFAULT_HUB = "https://huggingface.co"
REVISION = "main"
TIMEOUT_S = 30.0
AGAIN = "run the same command again: it goes on where it stopped"


class _Lfs(msgspec.Struct):
    oid: str


class _TreeEntry(msgspec.Struct):
    type: str
    path: str
    size: int = 0
    lfs: _Lfs | None = None


@dataclass(frozen=True, kw_only=True)
class RemoteFile:
    """A file as the hub lists it; `sha256` is None for small files, which the hub keeps in git."""

    path: str
    size_bytes: int
    sha256: str | None

    @property
    def name(self) -> str:
        """The last part of the path: the name that the file gets here."""
        return self.path.rpartition("/")[2]


class Hub:
    """One hub's HTTP API. Raises InvalidInput when `base_url` is no http(s) URL."""

    def __init__(self, base_url: str = DEFAULT_HUB, *, timeout_s: float = TIMEOUT_S) -> None:
        self.base_url = base_url.rstrip("/")
        if not self.base_url.startswith(("http://", "https://")):
            raise InvalidInput(f"HF_ENDPOINT is not an http(s) URL: {base_url}")
        # A compressed answer could not be resumed at a byte.
        self._client = httpx.Client(
            timeout=timeout_s, follow_redirects=True, headers={"Accept-Encoding": "identity"}
        )

    def __enter__(self) -> Self:
        """Return the hub itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close the connections."""
        self._client.close()

    def files(self, repo: str, folder: str = "") -> tuple[RemoteFile, ...]:
        """List the files under `folder` of a repository. Raises NotFound and VendorError."""
        url = f"{self.base_url}/api/models/{repo}/tree/{REVISION}/{folder}".rstrip("/")
        with self._translated():
            answer = self._client.get(url, params={"recursive": "true"}).raise_for_status()
        try:
            tree = msgspec.json.decode(answer.content, type=list[_TreeEntry])
        except msgspec.DecodeError as error:
            raise VendorError(f"{url} answered something that is no listing: {error}") from error
        return tuple(
            RemoteFile(
                path=entry.path,
                size_bytes=entry.size,
                sha256=entry.lfs.oid.removeprefix("sha256:") if entry.lfs else None,
            )
            for entry in tree
            if entry.type == "file"
        )

    def page(self, repo: str, folder: str = "") -> str:
        """The URL where people see a folder."""
        return f"{self.base_url}/{repo}/tree/{REVISION}/{folder}".rstrip("/")

    def link(self, repo: str, path: str) -> str:
        """The URL of a file."""
        return f"{self.base_url}/{repo}/resolve/{REVISION}/{path}"

    @contextmanager
    def content(self, url: str, *, start: int) -> Iterator[tuple[int, Iterator[bytes]]]:
        """Give the first byte's position, which is 0 when the hub cannot resume, and the bytes.

        Raises NotFound and VendorError, also while the bytes are read inside the block.
        """
        headers = {"Range": f"bytes={start}-"} if start else {}
        with self._translated(), self._client.stream("GET", url, headers=headers) as answer:
            answer.raise_for_status()
            resumed = answer.status_code == httpx.codes.PARTIAL_CONTENT
            yield start if resumed else 0, answer.iter_bytes()

    @contextmanager
    def _translated(self) -> Iterator[None]:
        try:
            yield
        except httpx.HTTPStatusError as error:
            raise _refused(error) from error
        except (httpx.ConnectError, httpx.ConnectTimeout, httpx.ProxyError) as error:
            raise VendorError(
                f"{self.base_url} cannot be reached", retryable=True, code="unreachable"
            ) from error
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise VendorError(
                f"the connection to {self.base_url} broke ({type(error).__name__}); {AGAIN}",
                retryable=True,
                code="broken",
            ) from error


def _refused(error: httpx.HTTPStatusError) -> NotFound | VendorError:
    status, url = error.response.status_code, error.request.url.copy_with(query=None)
    # The hub answers 401 for a repository that it does not have.
    if status in (httpx.codes.UNAUTHORIZED, httpx.codes.FORBIDDEN, httpx.codes.NOT_FOUND):
        return NotFound(f"the hub has nothing for us at {url} ({status})")
    return VendorError(
        f"{url} answered {status}",
        retryable=status >= httpx.codes.INTERNAL_SERVER_ERROR
        or status == httpx.codes.TOO_MANY_REQUESTS,
        code=status,
    )
