"""The service's HTTP API as commands use it: typed answers, and errors in one line."""

from types import TracebackType
from typing import Annotated, Any, Self, TypeVar

import httpx
import msgspec
import typer

from service.domain.errors import InvalidInput, ReautoError
from service.settings import load_settings

T = TypeVar("T")

ServiceUrl = Annotated[
    str | None,
    typer.Option("--url", help="The service; by default at REAUTO_HOST and REAUTO_PORT."),
]
ApiKey = Annotated[
    str | None, typer.Option("--api-key", help="By default the first of REAUTO_API_KEYS.")
]


class ServiceError(ReautoError):
    """The service is not there or refused; `status` is its HTTP status, None when it is away."""

    def __init__(self, message: str, *, status: int | None = None) -> None:
        super().__init__(message)
        self.status = status


class _Problem(msgspec.Struct, frozen=True):
    """An RFC 9457 problem document, with the fields that the service adds."""

    title: str = ""
    detail: str = ""
    errors: tuple[dict[str, str], ...] = ()


class ApiClient:
    """Speaks JSON with the service. Paths are below `/api`. Raises ServiceError."""

    def __init__(self, url: str, api_key: str, *, timeout_s: float = 15.0) -> None:
        self._url = url.rstrip("/")
        self._http = httpx.Client(
            base_url=f"{self._url}/api",
            headers={"Authorization": f"Bearer {api_key}"},
            timeout=timeout_s,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._http.close()

    def get(self, path: str, kind: type[T], **query: str) -> T:
        """Read one thing, decoded as `kind`."""
        return self._answer(self._http.build_request("GET", path, params=query), kind)

    def post(self, path: str, kind: type[T], *, body: Any) -> T:
        """Send `body` as JSON and decode the answer as `kind`."""
        request = self._http.build_request(
            "POST",
            path,
            content=msgspec.json.encode(body),
            headers={"Content-Type": "application/json"},
        )
        return self._answer(request, kind)

    def _answer(self, request: httpx.Request, kind: type[T]) -> T:
        try:
            answer = self._http.send(request)
        except httpx.HTTPError as error:
            raise ServiceError(
                f"the service does not answer at {self._url}: "
                "start it with `reauto up`, or say where it is with --url"
            ) from error
        if not answer.is_success:
            raise ServiceError(_one_line(answer), status=answer.status_code)
        try:
            return msgspec.json.decode(answer.content, type=kind)
        except msgspec.DecodeError as error:
            raise ServiceError(
                f"what answers at {self._url} is not this service, or another version: {error}"
            ) from error


def connect(url: str | None, api_key: str | None) -> ApiClient:
    """Make a client from options, else from the settings. Raises InvalidInput without a key."""
    settings = load_settings()
    if api_key is None:
        if not settings.api_keys:
            raise InvalidInput("no API key: give --api-key or set REAUTO_API_KEYS")
        api_key = settings.api_keys[0].get_secret_value()
    return ApiClient(url or f"http://{settings.host}:{settings.port}", api_key)


def _one_line(answer: httpx.Response) -> str:
    try:
        problem = msgspec.json.decode(answer.content, type=_Problem)
    except msgspec.DecodeError:
        return f"{answer.request.url} answered HTTP {answer.status_code}"
    told = f"{problem.title}: {problem.detail}" if problem.detail else problem.title
    fields = "; ".join(f"{e.get('field', '')}: {e.get('reason', '')}" for e in problem.errors)
    return f"{told or 'refused'}{f' ({fields})' if fields else ''} [HTTP {answer.status_code}]"
