"""Where this process runs and with which secrets; read from the environment, never global.

Nothing that tuning may change lives here: that is the AgentConfig.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, Field, SecretStr, ValidationError
from pydantic.fields import FieldInfo
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from service.domain.contact import parse_e164
from service.domain.errors import InvalidPhoneNumber, InvalidSettings

PREFIX = "REAUTO_"
_PLACEHOLDER = re.compile(
    r"change[-_]?me|todo|replace([-_]?me|[-_]with.*)?|your[-_].*|<.*>|x{3,}", re.IGNORECASE
)
"""Matches whole values only: a real URL or name may well hold one of these words."""


def _split(value: Any) -> Any:
    if isinstance(value, str):
        return [part.strip() for part in value.split(",") if part.strip()]
    return value


def _e164_list(numbers: list[str]) -> list[str]:
    try:
        return [parse_e164(number) for number in numbers]
    except InvalidPhoneNumber as error:
        raise ValueError(str(error)) from error


def _http_url(url: str) -> str:
    if not url.startswith(("http://", "https://")):
        raise ValueError("must start with http:// or https://")
    return url.rstrip("/")


def _account_sid(sid: str) -> str:
    if sid and not re.fullmatch(r"AC[0-9a-fA-F]{32}", sid):
        raise ValueError("must be AC and 32 hex digits")
    return sid


def _url_of(*schemes: str) -> Callable[[str], str]:
    def check(url: str) -> str:
        if not url.startswith(schemes):
            raise ValueError(f"must start with {' or '.join(schemes)}")
        return url

    return check


CommaSeparated = Annotated[list[str], NoDecode, BeforeValidator(_split)]
SecretList = Annotated[list[SecretStr], NoDecode, BeforeValidator(_split)]
PhoneNumbers = Annotated[CommaSeparated, AfterValidator(_e164_list)]
HttpUrl = Annotated[str, AfterValidator(_http_url)]
AccountSid = Annotated[str, AfterValidator(_account_sid)]
PostgresUrl = Annotated[str, AfterValidator(_url_of("postgresql://"))]
RedisUrl = Annotated[str, AfterValidator(_url_of("redis://", "rediss://", "unix://"))]


class TwilioSettings(BaseModel):
    """The Twilio account. Needed to place and answer calls."""

    account_sid: AccountSid = Field("", description="Account SID, AC and 32 hex digits")
    auth_token: SecretStr = Field(SecretStr(""), description="Auth token; verifies webhooks")
    api_key_sid: str = Field("", description="API key SID for REST requests instead of the token")
    api_key_secret: SecretStr = Field(SecretStr(""), description="Secret of that API key")
    from_numbers: PhoneNumbers = Field([], description="Our numbers, E.164, comma-separated")
    api_base_url: HttpUrl = Field("https://api.twilio.com", description="Twilio's REST API")
    twiml_app_sid: str = Field("", description="TwiML App for the browser softphone")


class OllamaSettings(BaseModel):
    """The Ollama server."""

    base_url: HttpUrl = Field("http://127.0.0.1:11434", description="Where Ollama listens")


class OpenAISettings(BaseModel):
    """An OpenAI-compatible endpoint."""

    base_url: HttpUrl = Field("https://api.openai.com/v1", description="The API's base URL")
    api_key: SecretStr = Field(SecretStr(""), description="Key; empty switches the engine off")


class ElevenLabsSettings(BaseModel):
    """The premium voice."""

    base_url: HttpUrl = Field("https://api.elevenlabs.io", description="The API's base URL")
    api_keys: SecretList = Field([], description="Keys, comma-separated; empty switches it off")


class GoogleSheetsSettings(BaseModel):
    """The contact sheet."""

    service_account_file: Path | None = Field(None, description="Service-account JSON file")
    spreadsheet_id: str = Field("", description="Id of the spreadsheet, from its URL")


class PiperSettings(BaseModel):
    """The local voice server."""

    base_url: HttpUrl | None = Field(
        None, description="A running piper.http_server; unset: each worker starts its own"
    )


class EngineSettings(BaseModel):
    """Which engine serves each stage; `auto` takes the best that is there."""

    stt: str = Field("auto", description="Speech to text: auto, faster_whisper, pocketsphinx")
    llm: str = Field("auto", description="Language model: auto, ollama")
    tts: str = Field("auto", description="Text to speech: auto, piper")
    device: Literal["auto", "cpu", "cuda"] = Field("auto", description="Where local models run")
    stt_processes: int = Field(
        1, ge=1, le=64, description="Recogniser processes per worker (pocketsphinx)"
    )


class PoolSettings(BaseModel):
    """The asyncpg pool of each process."""

    size: int = Field(8, ge=1, le=100, description="Connections kept at most")
    wait_s: float = Field(5.0, gt=0, description="Longest wait for a connection")
    statement_timeout_s: float = Field(10.0, gt=0, description="Longest statement")


class Settings(BaseSettings):
    """All settings of one process. `load_settings` reads and checks them."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX,
        env_nested_delimiter="__",
        env_file=".env",
        extra="ignore",
        populate_by_name=True,
    )

    host: str = Field("127.0.0.1", description="Address to listen on")
    port: int = Field(8080, ge=1, le=65535, description="Port of the first worker; the next follow")
    workers: int = Field(1, ge=1, le=64, description="Worker processes")
    worker_id: str = Field("w0", description="Name of this worker; the supervisor sets it")
    database_url: PostgresUrl | None = Field(
        None, description="PostgreSQL 15+ (postgresql://...); unset: embedded under DATA_DIR/local"
    )
    database_read_url: PostgresUrl | None = Field(
        None, description="A read replica for pulls and reports; unset: DATABASE_URL"
    )
    redis_url: RedisUrl | None = Field(
        None, description="Redis 7+ (redis://... or unix://...); unset: embedded"
    )
    pool: PoolSettings = PoolSettings()
    public_url: HttpUrl | None = Field(
        None, description="How Twilio reaches us; an http one makes the stream URL ws://"
    )
    api_keys: SecretList = Field(
        [], description="Keys for /api, comma-separated; empty: /api refuses everybody"
    )
    twilio: TwilioSettings = TwilioSettings()
    ollama: OllamaSettings = OllamaSettings()
    openai: OpenAISettings = OpenAISettings()
    elevenlabs: ElevenLabsSettings = ElevenLabsSettings()
    google_sheets: GoogleSheetsSettings = GoogleSheetsSettings()
    piper: PiperSettings = PiperSettings()
    engines: EngineSettings = EngineSettings()
    ice_servers: CommaSeparated = Field([], description="STUN/TURN servers for the browser")
    models_dir: Path = Field(Path("data/models"), description="Where models are looked for")
    data_dir: Path = Field(Path("data"), description="Embedded servers, Parquet and snapshots")
    drain_seconds: float = Field(60.0, ge=0, description="How long a drain waits for calls to end")
    max_calls: int = Field(20, ge=1, le=1000, description="Calls at a time per worker")
    log_format: Literal["auto", "json", "text"] = Field(
        "auto", description="auto: text on a terminal, JSON otherwise"
    )

    @property
    def voices_dir(self) -> Path:
        """The voices shipped with the project."""
        return Path(__file__).resolve().parents[1] / "data" / "voices"


def load_settings(*, needs_telephony: bool = False, **overrides: Any) -> Settings:
    """Read the environment and `.env`; raise InvalidSettings naming every bad variable at once.

    Bad are malformed values, placeholders and, when `needs_telephony`, what `require_telephony`
    misses. Values are never printed: they may be secrets.
    """
    settings, problems = _read(overrides)
    for name, value in _strings(settings):
        if _PLACEHOLDER.fullmatch(value.strip()):
            problems[name] = "still holds a placeholder; set the real value or remove it"
    for name, problem in _lacks(settings, needs_telephony=needs_telephony).items():
        problems.setdefault(name, problem)
    if problems:
        raise _invalid(problems)
    return settings


def require_telephony(settings: Settings) -> None:
    """Raise InvalidSettings naming everything that placing and answering calls needs and lacks."""
    problems = _lacks(settings, needs_telephony=True)
    if problems:
        raise _invalid(problems)


def _read(overrides: dict[str, Any]) -> tuple[Settings, dict[str, str]]:
    """Read the settings, with defaults in place of malformed values, and what is wrong by name."""
    try:
        return Settings(**overrides), {}
    except ValidationError as error:
        found = error.errors()
    problems, good = {}, overrides
    for item in found:
        path = tuple(part for part in item["loc"] if isinstance(part, str))
        problems[_variable(path)] = item["msg"]
        good = _with_default(good, path, Settings)
    return Settings(**good), problems


def _with_default(
    values: Mapping[str, Any], path: tuple[str, ...], model: type[BaseModel]
) -> dict[str, Any]:
    name, *rest = path
    field = model.model_fields[name]
    default = field.get_default(call_default_factory=True)
    if rest:
        default = _with_default(values.get(name, {}), tuple(rest), type(default))
    return {**values, name: default}


def _lacks(settings: Settings, *, needs_telephony: bool) -> dict[str, str]:
    twilio = settings.twilio
    has_key_secret = twilio.api_key_secret.get_secret_value() != ""
    is_there: dict[str, bool] = {}
    if twilio.api_key_sid or has_key_secret:
        is_there["TWILIO__API_KEY_SID"] = twilio.api_key_sid != ""
        is_there["TWILIO__API_KEY_SECRET"] = has_key_secret
    if needs_telephony:
        is_there |= {
            "PUBLIC_URL": settings.public_url is not None,
            "TWILIO__ACCOUNT_SID": twilio.account_sid != "",
            "TWILIO__AUTH_TOKEN": twilio.auth_token.get_secret_value() != "",
            "TWILIO__FROM_NUMBERS": bool(twilio.from_numbers),
            "API_KEYS": bool(settings.api_keys),
        }
    return {f"{PREFIX}{name}": "is not set" for name, there in is_there.items() if not there}


def _invalid(problems: Mapping[str, str]) -> InvalidSettings:
    lines = "\n".join(f"  {name}: {problem}" for name, problem in problems.items())
    return InvalidSettings(
        f"these settings need attention (see .env.example and docs/setup/):\n{lines}"
    )


def _variable(location: tuple[int | str, ...]) -> str:
    return PREFIX + "__".join(str(part).upper() for part in location if isinstance(part, str))


def _strings(model: BaseModel, path: tuple[str, ...] = ()) -> Iterator[tuple[str, str]]:
    for name in type(model).model_fields:
        value = getattr(model, name)
        here = (*path, name)
        if isinstance(value, BaseModel):
            yield from _strings(value, here)
            continue
        for item in value if isinstance(value, list) else [value]:
            text = item.get_secret_value() if isinstance(item, SecretStr) else item
            if isinstance(text, str):
                yield _variable(here), text


def env_example() -> str:
    """The text of `.env.example`: every variable with its meaning and default, nothing secret."""
    lines = [
        "# Settings of REAutomation: where it runs and with which secrets.",
        "# Copy to .env and uncomment what you need. Written by `reauto settings > .env.example`.",
    ]
    for variable, field in _fields(Settings):
        default = (
            "" if field.is_required() else _shown(field.get_default(call_default_factory=True))
        )
        lines += ["", f"# {field.description}", f"# {variable}={default}"]
    return "\n".join(lines) + "\n"


def _fields(model: type[BaseModel], path: tuple[str, ...] = ()) -> Iterator[tuple[str, FieldInfo]]:
    for name, field in model.model_fields.items():
        here = (*path, name)
        if isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel):
            yield from _fields(field.annotation, here)
        else:
            yield _variable(here), field


def _shown(value: Any) -> str:
    if isinstance(value, SecretStr):
        return value.get_secret_value()
    if isinstance(value, list):
        return ",".join(str(item) for item in value)
    return "" if value is None else str(value)
